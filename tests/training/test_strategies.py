import numpy as np
import pytest
import tensorflow as tf

from workshop_utils.core import settings
from workshop_utils.data import label_map
from workshop_utils.model import preprocessing, ssdlite_mobilenet_v2
from workshop_utils.training import batches, schedule, strategies, train_step
from workshop_utils.training.plan import Plan

LAST_FROZEN = "block_12_add"
CLASS_LAYERS = [f"class_{level}" for level in range(6)]


def weights_by_layer(model) -> dict[str, list[np.ndarray]]:
    return {layer.name: layer.get_weights() for layer in model.layers if layer.weights}


def changed(before, after) -> set[str]:
    """Return the names of the layers whose weights have changed."""
    return {
        name for name in before if any((now != then).any() for now, then in zip(after[name], before[name], strict=True))
    }


def one_step(strategy: strategies.Strategy, model, data) -> None:
    """Train one real step on two photos, uncompiled, because compiling takes longer than one step."""
    recipe = settings.recipe("quick", steps=5, warmup=0, learning_rate=0.003)
    step = train_step.make_step(model, train_step.make_optimizer(recipe), strategy.batch_norm_learns)
    tf.config.run_functions_eagerly(True)
    step(*batches.batch(data.samples[:10], data.label_map, 0, 2, 42))
    tf.config.run_functions_eagerly(False)


def started(name: str, data, frozen: str = ""):
    strategy = strategies.get(name)
    detector = strategy.start(data.label_map)
    if frozen:
        schedule.freeze_up_to(detector.model, frozen)
    before = weights_by_layer(detector.model)
    one_step(strategy, detector.model, data)
    return detector, before, weights_by_layer(detector.model)


@pytest.fixture(scope="module")
def fine_tuned(yoghurt):
    """Fine-tuning with frozen layers: the detector, its layers' weights before one step, and after."""
    return started("fine_tune", yoghurt, LAST_FROZEN)


@pytest.fixture(scope="module")
def from_random_weights(yoghurt):
    return started("random_init", yoghurt)


# fine_tune


def test_fine_tuning_starts_from_cocos_weights_except_in_the_class_layers(fine_tuned, coco):
    _, before, _ = fine_tuned
    for name, weights in before.items():
        theirs = coco.get_layer(name).get_weights()
        same = all(np.array_equal(ours, other) for ours, other in zip(weights, theirs, strict=True))
        assert same != (name in CLASS_LAYERS), name


def test_fine_tuning_knows_the_photos_classes(fine_tuned, yoghurt):
    strategy, _, _ = fine_tuned
    assert strategy.label_map == yoghurt.label_map
    assert strategy.model.output_shape[1] == (None, 1917, 6)


def test_fine_tuning_does_not_change_batch_norm_statistics(fine_tuned):
    strategy, before, after = fine_tuned
    for layer in ssdlite_mobilenet_v2.batch_norms(strategy.model):
        for now, then in zip(after[layer.name][2:], before[layer.name][2:], strict=True):
            np.testing.assert_array_equal(now, then, err_msg=layer.name)


def test_fine_tuning_from_a_layer_changes_no_layer_up_to_it(fine_tuned):
    strategy, before, after = fine_tuned
    names = [layer.name for layer in strategy.model.layers]
    frozen = set(names[: names.index(LAST_FROZEN) + 1])
    assert "Conv1" in frozen and "block_12_project_BN" in frozen
    assert not changed(before, after) & frozen


def test_fine_tuning_from_a_layer_changes_every_block_after_it(fine_tuned):
    _, before, after = fine_tuned
    kernels = {f"block_{n}_{part}" for n in (13, 14, 15, 16) for part in ("expand", "depthwise", "project")}
    assert kernels | {"Conv_1", "extra_1", "box_0", "class_0"} <= changed(before, after)


# as_is


def test_as_is_keeps_cocos_90_classes_and_trains_nothing(yoghurt, coco):
    assert strategies.get("as_is").trains is False
    strategy = strategies.get("as_is").start(yoghurt.label_map)
    assert strategy.label_map == label_map.coco()
    assert strategy.model.output_shape[1] == (None, 1917, 91)
    assert not changed(weights_by_layer(coco), weights_by_layer(strategy.model))


# random_init


def test_random_init_has_none_of_cocos_weights(from_random_weights, coco):
    _, before, _ = from_random_weights
    kernels = [name for name in before if not name.endswith(("_BN", "_bn")) and name != "bn_Conv1"]
    assert len(kernels) > 70
    for name in kernels:
        ours, theirs = before[name][0], coco.get_layer(name).get_weights()[0]
        assert ours.shape != theirs.shape or np.abs(ours - theirs).mean() > 1e-3, name


def test_random_init_learns_the_statistics_of_every_batch_norm(from_random_weights):
    strategy, before, after = from_random_weights
    for layer in ssdlite_mobilenet_v2.batch_norms(strategy.model):
        assert (after[layer.name][3] != before[layer.name][3]).any(), layer.name


def test_random_init_learns_those_statistics_fast_enough_for_a_short_run(from_random_weights):
    strategy, _, _ = from_random_weights
    for layer in ssdlite_mobilenet_v2.batch_norms(strategy.model):
        assert layer.momentum**300 < 0.06, "a workshop run replaces almost all of the initial statistics"


def test_random_init_changes_every_convolution_of_the_backbone(from_random_weights):
    _, before, after = from_random_weights
    backbone = {name for name in before if name.startswith(("Conv", "expanded_conv", "block_")) and name[-3:] != "_BN"}
    assert backbone <= changed(before, after) | {"Conv_1_bn"}


def test_random_init_builds_the_same_network_as_fine_tuning(from_random_weights, fine_tuned):
    shapes = [
        [weight.shape for weight in strategy.model.get_weights()]
        for strategy, _, _ in (from_random_weights, fine_tuned)
    ]
    assert shapes[0] == shapes[1]


# Errors


def test_an_unknown_strategy_is_refused_with_the_known_names(yoghurt):
    with pytest.raises(strategies.StrategyError, match=r"'freeze'.*fine_tune, as_is, random_init"):
        Plan.of(yoghurt, "freeze")


@pytest.mark.parametrize("name", ["as_is", "random_init"])
def test_only_a_strategy_that_freezes_accepts_options_about_freezing(name, yoghurt):
    with pytest.raises(strategies.StrategyError, match=f"{name}.*train_from"):
        Plan.of(yoghurt, name, train_from=LAST_FROZEN)


def test_class_heads_have_room_for_ids_with_gaps():
    strategy = strategies.get("random_init").start({2: "cup", 7: "mug"})
    image = preprocessing.to_input(np.zeros((1, 300, 300, 3), np.uint8))
    _, logits = strategy.model(tf.constant(image, tf.float32))
    assert logits.shape == (1, 1917, 8)

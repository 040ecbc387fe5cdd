import numpy as np
import pytest
from training_runs import train

from workshop_utils.core import settings
from workshop_utils.model import architectures, ssdlite_mobilenet_v2
from workshop_utils.training import batches, schedule, strategies, trainer
from workshop_utils.training.fast import precision
from workshop_utils.training.plan import Plan
from workshop_utils.training.schedule import Schedule

EARLY, LATE = "block_8_depthwise/kernel", "block_15_depthwise/kernel"
NEVER = "block_1_depthwise/kernel"
SAMPLES = 6


@pytest.fixture(autouse=True)
def in_float32(monkeypatch):
    """Compute in float32 on any machine, so that results can be compared."""
    monkeypatch.setenv(precision.VARIABLE, "float32")


@pytest.fixture
def model(yoghurt):
    return strategies.get("fine_tune").start(yoghurt.label_map).model


def plan(yoghurt, **changes) -> Plan:
    recipe = settings.recipe("quick", steps=20, batch_size=2)
    return Plan.of(yoghurt, "fine_tune", recipe, **{"views": 2, "thaw": 0.2} | changes)


def of_version_1(planned: Plan) -> Plan:
    """The plan as version 1 wrote it where it chose the number of views."""
    return Plan.from_json(planned.as_json() | {"views": None})


def learning(network) -> set[str]:
    return {each.path for each in network.trainable_variables}


@pytest.fixture
def prepared(yoghurt, model, tmp_path):
    """A function that takes changes to the plan and returns its stages."""

    def prepare(fast=True, **changes):
        photos = yoghurt.samples[:SAMPLES]
        return Schedule(plan(yoghurt, **changes), model, photos, tmp_path / "frozen", slice(None), fast).stages()

    return prepare


def test_all_except_the_first_layers_learn_at_first_and_then_those_after_train_from(prepared):
    first, last = prepared()
    assert (first.stop, last.stop) == (4, 20)
    paths = learning(first.begin()[0])
    assert {EARLY, LATE} <= paths and NEVER not in paths
    assert paths == {each.path for each in first.weights}
    paths = learning(last.begin()[0])
    assert LATE in paths and not {EARLY, NEVER} & paths
    assert paths <= {each.path for each in first.weights}


@pytest.mark.parametrize("changes", [{"thaw": 0.0}, {"train_from": "block_1_project_BN"}])
def test_without_thawing_or_layers_to_thaw_there_is_one_stage(prepared, changes):
    (only,) = prepared(**changes)
    assert only.stop == 20
    assert learning(only.begin()[0]) == {each.path for each in only.weights}


def test_an_empty_train_from_freezes_nothing(prepared):
    (only,) = prepared(train_from="")
    assert {NEVER, EARLY, LATE} <= learning(only.begin()[0])


def test_the_second_stage_learns_from_cached_features(prepared, tmp_path, monkeypatch):
    _, last = prepared()
    learner, made = last.begin()
    assert len(list((tmp_path / "frozen").glob("*features*"))) == 1
    monkeypatch.setattr(batches, "view", None)  # no more views are computed
    features, *_ = next(iter(made(4, 5)))
    assert [each.shape for each in features] == [(2, *each.shape[1:]) for each in learner.inputs]


@pytest.mark.parametrize(("views", "kept"), [pytest.param(0, False, marks=pytest.mark.long), (5, True), (6, False)])
def test_nothing_is_cached_if_no_view_would_be_seen_twice(prepared, tmp_path, views, kept):
    """16 steps of 2 photos are left, 32 photos; 6 photos in 5 views are 30."""
    _, last = prepared(views=views)
    last.begin()
    assert (tmp_path / "frozen").exists() is kept


def test_a_run_of_version_1_sees_each_view_about_three_times(yoghurt, model, tmp_path):
    """16 steps of 2 photos are left, 32 photos, or 5.3 for each of 6 photos: two views of each."""
    chosen, photos = of_version_1(plan(yoghurt)), yoghurt.samples[:SAMPLES]
    _, last = Schedule(chosen, model, photos, tmp_path / "frozen", slice(None)).stages()
    last.begin()
    rows = sum(len(np.load(path, mmap_mode="r")) for path in (tmp_path / "frozen").glob("*features*"))
    assert rows == 2 * SAMPLES


def test_cached_features_of_layers_that_learned_again_are_deleted(prepared, tmp_path):
    first, last = prepared()
    last.begin()
    first.begin()
    assert not (tmp_path / "frozen").exists()


def test_the_rate_of_layers_to_be_frozen_falls_to_zero_and_sums_up_to_the_same():
    steps, thawed = 1000, 200
    rate = [(1 + np.cos(np.pi * step / steps)) / 2 for step in range(steps)]
    early = [rate[step] * float(schedule.falling(step, thawed, steps)) for step in range(thawed)]
    assert early[0] == pytest.approx(5.0)
    assert (np.diff(early) < 0).all() and early[-1] < 0.01
    assert sum(early) == pytest.approx(sum(rate), rel=0.01)


def test_the_factor_applies_only_to_the_layers_to_be_frozen(prepared):
    first, _ = prepared()
    weights = [next(each for each in first.weights if each.path == path) for path in (EARLY, LATE)]
    gradients = first.scaled([np.float32(1), np.float32(2)], weights, 0)
    assert [float(each) for each in gradients] == pytest.approx([5.0, 2.0])


def test_a_run_changes_only_the_right_layers_and_gives_a_complete_detector(yoghurt, tmp_path):
    recipe = settings.recipe("quick", steps=6, photos=10, batch_size=2, evaluate_every=6, checkpoint_every=6)
    run = train("fine_tune", yoghurt, recipe, tmp_path / "run", thaw=0.34, views=1)
    assert not run.frozen.exists()
    before, after = strategies.get("fine_tune").start(yoghurt.label_map).model, trainer.load_model(run)[0]
    changed = {a.path for a, b in zip(after.variables, before.variables, strict=True) if (a.numpy() != b.numpy()).any()}
    assert {EARLY, LATE} <= changed
    assert not any(path.startswith(("Conv1", "expanded", "block_1_", "block_2_")) for path in changed)


def test_freezing_up_to_a_layer_freezes_it_and_all_before_it(model):
    names = [layer.name for layer in model.layers]
    last = architectures.get().freezing_depths[-1]
    schedule.freeze_up_to(model, last)
    frozen = [layer.name for layer in model.layers if not layer.trainable]
    assert frozen == names[: names.index(last) + 1]
    assert "Conv1" in frozen and "block_13_expand" not in frozen


def test_without_freezing_everything_except_batch_norm_statistics_can_learn(model):
    statistics = 2 * len(ssdlite_mobilenet_v2.batch_norms(model))
    assert len(model.trainable_variables) == len(model.variables) - statistics


def test_an_unknown_layer_is_refused_by_name():
    with pytest.raises(strategies.StrategyError, match="block_99_add"):
        schedule.freeze_up_to(ssdlite_mobilenet_v2.build(1), "block_99_add")

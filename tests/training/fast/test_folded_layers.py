import numpy as np
import pytest

from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.model import losses, ssdlite_mobilenet_v2
from workshop_utils.training import batches, schedule, strategies
from workshop_utils.training.fast import feature_cache, folded_layers


@pytest.fixture(scope="module")
def batch(yoghurt):
    return batches.batch(yoghurt.samples[:10], yoghurt.label_map, 0, 2, 42)


@pytest.fixture
def model(yoghurt):
    return strategies.get("fine_tune").start(yoghurt.label_map).model


def gradients(network, batch) -> dict[str, np.ndarray]:
    """Return the gradient of the loss with respect to each weight, by the weight's path."""
    images, *targets = batch
    with tf.GradientTape() as tape:
        loss = tf.add_n(losses.multibox_loss(*targets, *network(images, training=False)))
    found = tape.gradient(loss, network.trainable_variables)
    return {variable.path: each.numpy() for variable, each in zip(network.trainable_variables, found, strict=True)}


def test_the_folded_detector_gives_the_outputs_of_the_detector(coco, batch):
    for ours, wanted in zip(folded_layers.fold(coco)(batch[0]), coco(batch[0], training=False), strict=True):
        np.testing.assert_allclose(ours, wanted, atol=2e-4)


def test_no_batch_norm_is_left(coco):
    assert ssdlite_mobilenet_v2.batch_norms(coco) and not ssdlite_mobilenet_v2.batch_norms(folded_layers.fold(coco))


def test_each_weight_learns_as_it_would_without_folding(model, batch):
    plain, folded = gradients(model, batch), gradients(folded_layers.fold(model), batch)
    assert folded.keys() == plain.keys()
    for path, wanted in plain.items():  # at the kinks of ReLU6, rounding makes a few numbers differ more
        assert np.linalg.norm(folded[path] - wanted) <= 0.01 * np.linalg.norm(wanted), path


def test_the_detector_has_what_the_folded_detector_learns(model, batch):
    folded = folded_layers.fold(model)
    before = model(batch[0], training=False)[1].numpy()
    for variable in folded.trainable_variables:
        variable.assign(variable * 1.01)
    after = model(batch[0], training=False)[1].numpy()
    assert np.abs(after - before).max() > 0.01
    np.testing.assert_allclose(folded(batch[0])[1], after, atol=2e-4)


def test_frozen_layers_stay_frozen(model):
    schedule.freeze_up_to(model, "block_12_add")
    wanted = {variable.path for variable in model.trainable_variables}
    assert {variable.path for variable in folded_layers.fold(model).trainable_variables} == wanted


def test_a_batch_norm_without_its_convolution_does_not_change(model, batch):
    frozen, tail = feature_cache.split(model, "block_12_project")
    folded = folded_layers.fold(tail)
    assert [layer.name for layer in ssdlite_mobilenet_v2.batch_norms(folded)] == ["block_12_project_BN"]
    features = frozen(batch[0], training=False)
    for ours, wanted in zip(folded(features, training=False), tail(features, training=False), strict=True):
        np.testing.assert_allclose(ours, wanted, atol=2e-4)


def test_the_model_itself_is_unchanged(model, batch):
    layers, before = list(model.layers), model(batch[0], training=False)[0].numpy()
    folded_layers.fold(model)
    assert list(model.layers) == layers
    np.testing.assert_array_equal(model(batch[0], training=False)[0], before)
    assert isinstance(model.get_layer("bn_Conv1"), keras.layers.BatchNormalization)


def test_the_bias_of_a_convolution_is_folded_with_its_batch_norm():
    image = keras.Input((8, 8, 3))
    features = keras.layers.Conv2D(4, 3, bias_initializer="random_normal")(image)
    norm = keras.layers.BatchNormalization()
    model = keras.Model(image, keras.layers.ReLU()(norm(features)))
    norm.set_weights(
        [np.array(values, np.float32) for values in ([1, 2, 3, 4], [4, 3, 2, 1], [1, 0, 1, 0], [2, 1, 2, 1])]
    )
    values = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
    np.testing.assert_allclose(folded_layers.fold(model)(values), model(values), rtol=1e-4, atol=1e-4)

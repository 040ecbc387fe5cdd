"""The fused network has the same outputs, gradients and running averages as the original."""

import numpy as np
import pytest

from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.model import losses, ssdlite_mobilenet_v2
from workshop_utils.training import batches
from workshop_utils.training.fast import fused_batch_norm

MOMENTUM = 0.9


@pytest.fixture(scope="module")
def batch(yoghurt):
    return batches.batch(yoghurt.samples, yoghurt.label_map, step=0, size=4, seed=1)


def measured(batch, make):
    """Return losses, gradients by weight, and running averages after one batch, of the network that `make` returns for
    a detector with random weights."""
    keras.utils.set_random_seed(7)
    model = ssdlite_mobilenet_v2.build(5, batch_norm_momentum=MOMENTUM)
    network = make(model)
    images, box_targets, class_targets = batch

    @tf.function
    def once():
        with tf.GradientTape() as tape:
            found = losses.multibox_loss(box_targets, class_targets, *network(images, training=True))
            loss = tf.add_n(found)
        return found, tape.gradient(loss, [weight.value for weight in model.trainable_variables])

    found, gradients = once()
    averages = {weight.path: weight.numpy() for weight in model.non_trainable_variables}
    return np.array(found), dict(zip((w.path for w in model.trainable_variables), gradients)), averages


@pytest.fixture(scope="module")
def plain(batch):
    return measured(batch, lambda model: model)


@pytest.fixture(scope="module")
def fused(batch):
    return measured(batch, lambda model: fused_batch_norm.fuse(model, "block_2_add"))


def test_losses_equal_those_of_the_network(plain, fused):
    assert np.allclose(fused[0], plain[0], rtol=2e-3)


@pytest.mark.long  # short: the losses above
def test_recomputation_changes_no_gradient(batch, fused):
    kept = measured(batch, lambda model: fused_batch_norm._fused(model, updates=True))
    for path, gradient in kept[1].items():
        assert np.linalg.norm(fused[1][path] - gradient) <= 1e-3 * np.linalg.norm(gradient) + 1e-6, path


def fused_norm(norm):
    return fused_batch_norm.FusedBatchNorm(norm, updates=True)


def test_the_fused_norm_equals_keras_in_output_gradients_and_averages():
    found = []
    features = tf.random.stateless_normal((4, 5, 5, 3), (1, 2)) * (1.0, 5.0, 0.1) + (0.0, 3.0, -1.0)
    for make in (lambda norm: lambda values: norm(values, training=True), fused_norm):
        norm = keras.layers.BatchNormalization(momentum=MOMENTUM, epsilon=1e-3)
        norm.build(features.shape)
        norm.gamma.assign((0.5, 1.0, 2.0))
        call = make(norm)
        with tf.GradientTape() as tape:
            tape.watch(features)
            normalised = call(features)
            loss = tf.reduce_sum(normalised**3)
        gradients = tape.gradient(loss, [features, norm.gamma.value, norm.beta.value])
        found.append([normalised, *gradients, norm.moving_mean.value, norm.moving_variance.value])
    for own, theirs in zip(*found, strict=True):
        assert np.allclose(own, theirs, rtol=1e-3, atol=1e-4)


def test_running_averages_move_once_per_step_although_early_layers_are_computed_twice(plain, fused):
    for path, average in plain[2].items():
        if "moving" in path:
            assert np.allclose(fused[2][path], average, rtol=2e-2, atol=2e-3), path


def test_the_detector_has_what_the_fused_network_learns(batch):
    model = ssdlite_mobilenet_v2.build(5)
    network = fused_batch_norm.fuse(model, "block_2_add")
    assert {id(weight) for weight in network.trainable_variables} == {
        id(weight) for weight in model.trainable_variables
    }

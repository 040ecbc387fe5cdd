"""What notebook 01 says about layers is what the layers do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from workshop_utils.model import preprocessing
from workshop_utils.teaching import activations


@pytest.fixture(scope="module")
def images(yoghurt) -> np.ndarray:
    return np.stack([preprocessing.resize(sample.image) for sample in yoghurt.samples[:12]])


@pytest.fixture(scope="module")
def backbone(coco) -> keras.Model:
    return activations.backbone_of(coco, side=96)


def test_the_maps_are_the_outputs_of_the_layer(coco, images):
    maps = activations.activations(coco, "block_6_expand_relu", preprocessing.to_input(images))
    part = keras.Model(coco.input, coco.get_layer("block_6_expand_relu").output)
    np.testing.assert_allclose(maps[11], part(preprocessing.to_input(images[11:]))[0], rtol=1e-2, atol=1e-2)
    assert maps.shape == (12, 38, 38, 192)


def test_a_unit_depends_exactly_on_its_receptive_field(coco):
    layer = activations.LAYERS["middle"]
    part = keras.Model(coco.input, coco.get_layer(layer).input)
    photo = tf.constant(np.random.default_rng(0).uniform(-1, 1, (1, 300, 300, 3)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(photo)
        answer = tf.reduce_sum(part(photo)[0, 19, 19])
    seen = np.flatnonzero(np.abs(tape.gradient(answer, photo)[0]).max(axis=(0, 2)))
    assert seen.max() - seen.min() + 1 == activations.receptive_field(coco, layer) == 59


def test_the_strongest_units_are_found_and_cut_out():
    images = np.arange(2 * 300 * 300 * 3, dtype=np.uint32).reshape(2, 300, 300, 3)
    maps = np.zeros((2, 10, 10, 3), np.float16)
    maps[1, 4, 7, 2], maps[0, 5, 5, 2], maps[0, 0, 0, 2] = 5, 3, 9
    units = activations.strongest_units(maps, side=40, count=2)
    assert units.shape == (3, 2, 3) and units[2].tolist() == [[1, 4, 7], [0, 5, 5]]
    first, second = activations.cut(images, units[2], cells=10, side=40)
    np.testing.assert_array_equal(first, images[1, 115:155, 205:245])
    np.testing.assert_array_equal(second, images[0, 145:185, 145:185])


@pytest.fixture(scope="module")
def strongest(coco, images):
    """Two units in a channel of the middle layer."""
    maps = activations.activations(coco, activations.LAYERS["middle"], preprocessing.to_input(images))
    return 23, activations.strongest_units(maps, side=59, count=2)[23]


def test_the_gradient_gives_how_a_units_response_changes_with_its_pixels(coco, images, strongest):
    (channel, units), layer, inputs = strongest, activations.LAYERS["middle"], preprocessing.to_input(images)
    (gradient,) = activations.input_gradients(coco, layer, inputs, units[:1], [channel], side=59)
    part = keras.Model(coco.input, coco.get_layer(layer).input)
    image, row, column = units[0]
    corner = [round((place + 0.5) / 38 * 300 - 59 / 2) for place in (row, column)]
    up = np.zeros((1, 300, 300, 3), np.float32)
    up[0, corner[0] : corner[0] + 59, corner[1] : corner[1] + 59] = 1e-3 * gradient / np.linalg.norm(gradient)
    below, above = (float(part(inputs[image][None] + way * up)[0, row, column, channel]) for way in (-1, 1))
    assert (above - below) / 2e-3 == pytest.approx(np.linalg.norm(gradient), rel=0.02)


def test_guided_backpropagation_passes_only_positive_gradients(coco, images, strongest):
    (channel, units), layer, inputs = strongest, activations.LAYERS["middle"], preprocessing.to_input(images)
    plain, guided = (
        activations.input_gradients(coco, layer, inputs, units, [channel] * 2, 59, guided) for guided in (False, True)
    )
    assert plain.shape == guided.shape == (2, 59, 59, 3) and not np.allclose(plain, guided)
    x = tf.constant([-1.0, 1.0, 1.0, 7.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        answer = activations._guided_relu6(x)
    assert answer.numpy().tolist() == [0, 1, 1, 6]
    assert tape.gradient(answer, x, output_gradients=tf.constant([1.0, 2.0, -2.0, 1.0])).numpy().tolist() == [
        0,
        2,
        0,
        0,
    ]


def test_a_drawing_is_light_where_more_light_raises_the_response_and_dark_elsewhere():
    gradients = np.zeros((1, 20, 20, 3))
    gradients[0, :3, :3], gradients[0, 5, 5], gradients[0, 7, 7] = 2, -1, (1, -1, 0)
    (drawing,) = activations.drawn(gradients)
    assert drawing[0, 0].tolist() == [255] * 3 and drawing[5, 5, 0] == 64
    assert drawing[9, 9, 0] == drawing[7, 7, 0] == 128


def test_features_of_several_layers_equal_those_of_each_layer(coco, yoghurt, images):
    layers, inputs = ["block_2_expand_relu", "block_6_expand_relu"], preprocessing.to_input(images)
    boxes = [sample.boxes for sample in yoghurt.samples[:12]]
    found = activations.features(coco, layers, inputs, boxes)
    for layer, features in zip(layers, found, strict=True):
        expected = activations.at_boxes(activations.activations(coco, layer, inputs), boxes)
        np.testing.assert_allclose(features, expected, rtol=1e-2, atol=1e-2)


def test_features_are_the_means_within_the_boxes():
    maps = np.random.default_rng(0).normal(size=(2, 10, 10, 4))
    features = activations.at_boxes(maps, [[(0.2, 0.4, 0.5, 0.8)], [(0.0, 0.0, 1.0, 1.0), (0.91, 0.91, 0.95, 0.95)]])
    np.testing.assert_allclose(features[0], maps[0, 2:5, 4:8].mean(axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(features[1], maps[1].mean(axis=(0, 1)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(features[2], maps[1, 9, 9], rtol=1e-5)


def test_the_channel_that_responds_to_the_boxes_is_found():
    maps = np.random.default_rng(0).uniform(size=(3, 20, 20, 5)).astype(np.float16)
    maps[:, 5:10, 5:10, 3] += 1
    maps[..., 1] += 4
    assert activations.channels_for(maps, [[(0.25, 0.25, 0.5, 0.5)]] * 3, 2)[0] == 3


def test_gradient_ascent_makes_pictures_that_activate_their_channel(backbone):
    layer, channels = activations.LAYERS["middle"], [7, 23, 49]
    ascent = activations.Ascent(backbone, layer)
    *_, pictures = ascent.climb(channels, steps=20)
    part = keras.Model(backbone.input, backbone.get_layer(layer).input)
    excited = np.asarray(part(preprocessing.to_input(pictures.astype(np.float32)))).mean(axis=(1, 2))
    noise = np.random.default_rng(1).normal(0, 0.1, pictures.shape)
    plain = np.asarray(part(noise.astype(np.float32))).mean(axis=(1, 2))
    for place, channel in enumerate(channels):
        assert excited[place, channel] > plain[place, channel] + 1
        assert excited[place, channel] == excited[:, channel].max()
    *_, alone = ascent.climb([23], steps=1)
    assert alone.shape == (1, 96, 96, 3) and alone.dtype == np.uint8


def test_a_linear_probe_finds_existing_information_and_guesses_otherwise():
    rng = np.random.default_rng(0)
    classes = rng.choice(["a", "b", "c"], 300)
    noise = rng.normal(size=(300, 20))
    telling = noise + 3 * (classes[:, None] == "a") * np.eye(20)[0] + 3 * (classes[:, None] == "b") * np.eye(20)[1]
    training = np.arange(300) < 150
    assert activations.linear_probe(telling, classes, training) > 0.85
    assert activations.linear_probe(noise, classes, training) < 0.5

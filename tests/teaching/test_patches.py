"""Each patch is next to the drawings of its own unit."""

import numpy as np

from workshop_utils.model import preprocessing
from workshop_utils.teaching import activations, patches


def test_a_patch_is_followed_by_its_own_gradient_and_its_own_guided_one(coco, yoghurt):
    images = np.stack([preprocessing.resize(sample.image) for sample in yoghurt.samples[:3]])
    layer, inputs, channels = activations.LAYERS["middle"], preprocessing.to_input(images), [23, 7]
    units = activations.strongest_units(activations.activations(coco, layer, inputs), 59, 2)[channels]
    tiles = patches.with_gradients(coco, layer, images, units, channels, 59)
    assert len(tiles) == 12 and {tile.shape for tile in tiles} == {(59, 59, 3)}
    for place, channel in ((1, 23), (2, 7)):
        unit = units.reshape(-1, 3)[place : place + 1]
        patch, plain, guided = tiles[3 * place : 3 * place + 3]
        np.testing.assert_array_equal(patch, activations.cut(images, unit, 38, 59)[0])
        for tile, way in ((plain, False), (guided, True)):
            gradient = activations.input_gradients(coco, layer, inputs, unit, [channel], 59, way)
            np.testing.assert_array_equal(tile, activations.drawn(gradient)[0])

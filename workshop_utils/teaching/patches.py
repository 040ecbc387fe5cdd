"""Patches of photos that excite a layer's channels, each next to what in it matters to its unit."""

from collections.abc import Sequence

import numpy as np

from workshop_utils.core.tensorflow import keras
from workshop_utils.model import preprocessing
from workshop_utils.teaching import activations


def with_gradients(
    model: keras.Model,
    layer: str,
    images: np.ndarray,
    units: np.ndarray,
    channels: Sequence[int] | np.ndarray,
    side: int,
) -> list[np.ndarray]:
    """Cut out the patch around each unit, and draw its gradient and its guided gradient.

    Args:
        model: The detector.
        layer: The name of the units' layer, a ReLU.
        images: The photos, uint8 (N, 300, 300, 3).
        units: The image, row and column of n units for each channel: (channels, n, 3).
        channels: The channel of each row of `units`.
        side: The patch's height and width, in pixels.

    Returns:
        For each unit, channel by channel, three pictures (side, side, 3): the patch, the gradient and the guided one.
    """
    channel_of = np.repeat(channels, units.shape[1])
    units, inputs = units.reshape(-1, 3), preprocessing.to_input(images)
    cells = model.get_layer(layer).output.shape[1]
    cut = activations.cut(images, units, cells, side)
    gradients = [
        activations.input_gradients(model, layer, inputs, units, channel_of, side, guided) for guided in (False, True)
    ]
    plain, guided = map(activations.drawn, gradients)
    return [picture for row in zip(cut, plain, guided, strict=True) for picture in row]

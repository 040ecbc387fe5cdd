"""Shared by the format modules: the network to export."""

from typing import Any

import numpy as np

from workshop_utils.core.tensorflow import keras
from workshop_utils.model import anchors, preprocessing


def image_input(batch: int | None) -> Any:  # Keras says that `Input` returns a tensor or a list
    """Return the input of an exported network: `image`, float32 (batch, 300, 300, 3), pixels from 0 to 255."""
    side = preprocessing.INPUT_SIDE
    return keras.Input((side, side, 3), batch_size=batch, name="image")


def with_decoding(model: keras.Model, batch: int | None) -> keras.Model:
    """Return the detector with scaling of the pixels before it and decoding of the boxes after it.

    Its outputs are `boxes` (batch, 1917, 4) and `scores` (batch, 1917, classes), before non-maximum suppression.

    Args:
        model: The detector.
        batch: The batch size, or None for any.
    """
    image = image_input(batch)
    boxes, scores = _Decode()(model(preprocessing.to_input(image)))
    return keras.Model(image, {"boxes": boxes, "scores": scores})


class _Decode(keras.layers.Layer):
    """Does the same as `detection.decode`, but never splits a box into single edges.

    LiteRT's WebGPU delegate exchanges x and y where Keras's function does that.
    """

    def call(self, outputs):
        encodings, logits = outputs
        lows, highs = np.split(anchors.anchors(), 2, axis=-1)
        scaled = encodings * anchors.VARIANCES
        centre = (lows + highs) / 2 + scaled[..., :2] * (highs - lows)
        half_size = keras.ops.exp(scaled[..., 2:]) * (highs - lows) / 2
        boxes = keras.ops.concatenate([centre - half_size, centre + half_size], axis=-1)
        return keras.ops.clip(boxes, 0.0, 1.0), keras.ops.sigmoid(logits[..., 1:])

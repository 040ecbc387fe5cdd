"""Shared by the format modules: the network to export, and the checks of an opened file."""

from collections.abc import Callable
from typing import Any

import numpy as np

from workshop_utils.core.tensorflow import keras
from workshop_utils.deploy.export_formats import OpenFile
from workshop_utils.model import anchors, detection, nms, preprocessing

BLANK = np.zeros((preprocessing.INPUT_SIDE, preprocessing.INPUT_SIDE, 3), np.uint8)
"""A photo to try out a file when it is opened, because an undamaged file may contain another model."""


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


def open_network(network: Callable[[np.ndarray], dict[str, np.ndarray]]) -> OpenFile:
    """Return an OpenFile for a network without non-maximum suppression, which is added.

    Args:
        network: Takes a float32 image (1, 300, 300, 3) of pixels from 0 to 255; returns `boxes` and `scores` as
            `with_decoding` does, or `box_encodings` (1, 1917, 4) and `class_logits` (1, 1917, 1 + classes).

    Raises:
        KeyError: If it returns something else.
        ValueError: If the shapes are wrong.
    """

    def predict(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = network(preprocessing.resize(image)[None].astype(np.float32))
        if "boxes" in found:
            return found["boxes"][0], found["scores"][0]
        return _decoded(found["box_encodings"][0], found["class_logits"][0])

    def run(image: np.ndarray, min_score: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return nms.suppress(*predict(image), min_score, detection.NMS_IOU, detection.MAX_DETECTIONS)

    boxes, scores = predict(BLANK)
    check_shapes(boxes.shape, scores.shape, (len(boxes), scores.shape[-1]))
    return OpenFile(run, scores.shape[-1])


def check_shapes(boxes: tuple[int, ...], scores: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Raise ValueError unless the scores of one photo have the `expected` shape (n, ...) and the boxes (n, 4)."""
    if boxes != (expected[0], 4) or scores != expected:
        raise ValueError(f"its boxes have the shape {boxes}, its scores {scores}")


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


def _decoded(encodings: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the boxes and scores of one photo, as `detection.decode` does, in NumPy."""
    boxes = np.clip(anchors.decode(encodings, anchors.anchors()), 0.0, 1.0)
    return boxes, 1 / (1 + np.exp(-logits[:, 1:]))

"""Shared by the format modules: run an opened file, and check what it returns. This does not import TensorFlow."""

from collections.abc import Callable

import numpy as np

from workshop_utils.deploy.export_formats import OpenFile
from workshop_utils.model import anchors, nms, preprocessing

BLANK = np.zeros((preprocessing.INPUT_SIDE, preprocessing.INPUT_SIDE, 3), np.uint8)
"""A photo to try out a file when it is opened, because an undamaged file may contain another model."""


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
        return nms.suppress(*predict(image), min_score, nms.NMS_IOU, nms.MAX_DETECTIONS)

    boxes, scores = predict(BLANK)
    check_shapes(boxes.shape, scores.shape, (len(boxes), scores.shape[-1]))
    return OpenFile(run, scores.shape[-1])


def check_shapes(boxes: tuple[int, ...], scores: tuple[int, ...], expected: tuple[int, ...]) -> None:
    """Raise ValueError unless the scores of one photo have the `expected` shape (n, ...) and the boxes (n, 4)."""
    if boxes != (expected[0], 4) or scores != expected:
        raise ValueError(f"its boxes have the shape {boxes}, its scores {scores}")


def _decoded(encodings: np.ndarray, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the boxes and scores of one photo, as `detection.decode` does, in NumPy."""
    boxes = np.clip(anchors.decode(encodings, anchors.anchors()), 0.0, 1.0)
    return boxes, 1 / (1 + np.exp(-logits[:, 1:]))

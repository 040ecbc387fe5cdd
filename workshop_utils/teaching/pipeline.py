"""Helpers of notebook 03, which are not its lesson: records as text, anchors for an exercise, weights by part."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from workshop_utils.core.tensorflow import keras, tf

LONGEST = 100
"""Bytes in a record that are longer than this are the photo, and are not shown as text."""

PARTS = {"extra_": "extra layers", "box_": "box heads", "class_": "class heads"}
"""The part of the network for each prefix of a layer's name; every other layer belongs to the backbone."""


def feature_text(feature: "tf.train.Feature") -> str:
    """Return the values of one feature of a `tf.train.Example` as text."""
    kind = feature.WhichOneof("kind")
    values = getattr(feature, kind).value
    if kind == "float_list":
        return ", ".join(f"{value:.3f}" for value in values)
    if kind == "int64_list":
        return ", ".join(str(value) for value in values)
    return ", ".join(f"{len(each):,} bytes of JPEG" if len(each) > LONGEST else each.decode() for each in values)


def instructive_anchors(overlap: np.ndarray) -> np.ndarray:
    """Choose anchors that show both rules of matching: each box's best one, and some close to the threshold.

    Args:
        overlap: The IoU of each anchor with each box, (anchors, boxes).

    Returns:
        The chosen rows of `overlap`, in the same order, rounded to two places.
    """
    rows = set(overlap.argmax(axis=0).tolist())
    for near in (0.38, 0.47, 0.55, 0.62):
        rows.add(int(np.abs(overlap.max(axis=1) - near).argmin()))
    return overlap[sorted(rows)].astype(float).round(2)


def weights_by_part(model: "keras.Model") -> dict[str, int]:
    """Return how many weights each of the detector's four parts has."""
    weights = dict.fromkeys(["backbone", *PARTS.values()], 0)
    for layer in model.layers:
        part = next((part for prefix, part in PARTS.items() if layer.name.startswith(prefix)), "backbone")
        weights[part] += layer.count_params()
    return weights

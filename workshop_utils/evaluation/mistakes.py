"""What a detector gets wrong on a labelled photo: flavours confused, objects missed, objects invented."""

import collections
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from workshop_utils.data import geometry
from workshop_utils.data.dataset import Sample

MISSED = "missed"
INVENTED = "invented"


def outcomes(
    truth: ArrayLike, truth_names: Sequence[str], boxes: ArrayLike, names: Iterable[str], overlap: float = 0.5
) -> list[tuple[str, str]]:
    """Pair the labelled objects of one photo with those found.

    Args:
        truth: The labelled boxes (n, 4), normalised.
        truth_names: Their n classes.
        boxes: The found boxes (m, 4), normalised, best first. Each takes the labelled box that it overlaps most and
            that is not taken yet.
        names: Their m classes.
        overlap: The least IoU of a found box with the one it takes.

    Returns:
        (truth, found) pairs of class names: (name, MISSED) for a labelled object that was not found, (INVENTED, name)
        for a found one that is not there, or was found before.
    """
    overlaps = geometry.iou(np.asarray(boxes).reshape(-1, 4), np.asarray(truth).reshape(-1, 4))
    free, pairs = set(range(len(truth_names))), []
    for row, name in zip(overlaps, names, strict=True):
        place = max(free, key=lambda each: (row[each], -each), default=None)
        if place is None or row[place] < overlap:
            pairs.append((INVENTED, name))
        else:
            free.remove(place)
            pairs.append((truth_names[place], name))
    return pairs + [(truth_names[place], MISSED) for place in sorted(free)]


def count(pairs: Iterable[tuple[str, str]]) -> tuple[int, int, int]:
    """Return how many of the outcomes are right, how many found objects there are, and how many labelled ones."""
    tally = collections.Counter(pairs)
    right = sum(number for (truth, found), number in tally.items() if truth == found)
    found = sum(number for (_, name), number in tally.items() if name != MISSED)
    labelled = sum(number for (truth, _), number in tally.items() if truth != INVENTED)
    return right, found, labelled


def sweep(
    samples: list[Sample],
    found: tuple[np.ndarray, np.ndarray, np.ndarray],
    label_map: dict[int, str],
    thresholds: Iterable[float],
) -> list[dict[str, float]]:
    """Return how good the detections on some photos are at each score threshold, over all photos together.

    Args:
        samples: N labelled photos.
        found: What was found on them, as `detection.Detections`: boxes (N, n, 4), classes (N, n), scores (N, n).
        label_map: The name of each class id.
        thresholds: Only boxes with at least this score count.

    Returns:
        A row for each threshold: `threshold`, `precision`, `recall` and their harmonic mean `F1`, and what these are
        made of: how many boxes are `right`, how many were `found`, how many objects are `labelled`. Where nothing is
        found, the precision is 0.
    """
    rows = []
    for threshold in thresholds:
        pairs = []
        for sample, boxes, classes, scores in zip(samples, *found, strict=True):
            kept = np.flatnonzero((scores >= threshold) & (classes > 0))
            names = [label_map[int(number)] for number in classes[kept]]
            pairs += outcomes(sample.boxes, sample.classes, boxes[kept], names)
        right, seen, labelled = count(pairs)
        rows.append(
            {
                "threshold": float(threshold),
                "right": right,
                "found": seen,
                "labelled": labelled,
                "precision": right / max(seen, 1),
                "recall": right / max(labelled, 1),
                "F1": 2 * right / max(seen + labelled, 1),
            }
        )
    return rows

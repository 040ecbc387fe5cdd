"""Count a detector's mistakes on labelled photos: confused classes, missed objects, invented objects."""

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
    """Pair the labelled objects of one photo with the detected ones.

    Args:
        truth: The labelled boxes (n, 4), normalised.
        truth_names: Their n classes.
        boxes: The detected boxes (m, 4), normalised, the highest score first. Each is paired with the unpaired labelled
            box that it overlaps most.
        names: Their m classes.
        overlap: The minimum IoU of a pair.

    Returns:
        (labelled, detected) pairs of class names. A labelled object that was not detected gives (name, MISSED). A
        detected object that is not labelled, or was already detected, gives (INVENTED, name).
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
    """Return the numbers of right outcomes, of detected objects and of labelled objects."""
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
    """Evaluate the detections on all photos together at each score threshold.

    Args:
        samples: N labelled photos.
        found: The detections on them, as `detection.Detections`: boxes (N, n, 4), classes (N, n), scores (N, n).
        label_map: {id: class name}.
        thresholds: Score thresholds. Boxes with a lower score are ignored.

    Returns:
        A row for each threshold: `threshold`, `precision`, `recall`, their harmonic mean `F1`, and the numbers of boxes
        that are `right`, boxes `found` and objects `labelled`. If no box is found, the precision is 0.
    """
    rows = []
    for threshold in thresholds:
        pairs = []
        for sample, boxes, classes, scores in zip(samples, *found, strict=True):
            kept = np.flatnonzero((scores >= threshold) & (classes > 0))
            names = [label_map[int(number)] for number in classes[kept]]
            pairs += outcomes(sample.boxes, sample.classes, boxes[kept], names)
        right, detected, labelled = count(pairs)
        rows.append(
            {
                "threshold": float(threshold),
                "right": right,
                "found": detected,
                "labelled": labelled,
                "precision": right / max(detected, 1),
                "recall": right / max(labelled, 1),
                "F1": 2 * right / max(detected + labelled, 1),
            }
        )
    return rows

"""What a detector gets wrong on a labelled photo: flavours confused, objects missed, objects invented."""

import collections

import numpy as np

from workshop_utils.data import geometry

MISSED = "missed"
INVENTED = "invented"


def outcomes(truth, truth_names, boxes, names, overlap: float = 0.5) -> list[tuple[str, str]]:
    """Return what became of each labelled and of each found object, as (truth, found) pairs of class names.

    Found boxes, best first, each take the labelled box they overlap most, if by an IoU of at least `overlap` and not
    taken yet. (name, MISSED) is a labelled object nobody found, (INVENTED, name) a found one that is not there, or is
    found twice. Boxes (n, 4) are normalised.
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


def count(pairs) -> tuple[int, int, int]:
    """Return how many of the outcomes are right, how many found objects there are, and how many labelled ones."""
    tally = collections.Counter(pairs)
    right = sum(number for (truth, found), number in tally.items() if truth == found)
    found = sum(number for (_, name), number in tally.items() if name != MISSED)
    labelled = sum(number for (truth, _), number in tally.items() if truth != INVENTED)
    return right, found, labelled


def sweep(samples, found, label_map: dict[int, str], thresholds) -> list[dict[str, float]]:
    """Return precision, recall and their harmonic mean F1 at each score threshold, over all samples together.

    With them what they are made of: how many boxes are `right`, how many were `found` at all, and how many objects are
    `labelled`. `found` is a `detection.Detections`. A threshold at which nothing is found has precision 0.
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

"""Areas and overlaps of boxes, which are (n, 4) arrays of normalised ymin, xmin, ymax, xmax."""

import numpy as np


def iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the intersection over union (IoU) of each box in `first` (n, 4) with each in `second` (m, 4): (n, m)."""
    upper = np.maximum(first[:, None, :2], second[None, :, :2])
    lower = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.prod(np.clip(lower - upper, 0, None), axis=-1)
    union = area(first)[:, None] + area(second)[None, :] - shared
    return shared / np.maximum(union, 1e-12)


def area(boxes: np.ndarray) -> np.ndarray:
    """Return the area of each box, (n,), as a fraction of the photo."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def pair(overlap: np.ndarray, least: float = 0.0) -> list[tuple[int, int, float]]:
    """Pair boxes one to one, the pair with the largest overlap first. Boxes that do not overlap are not paired.

    Args:
        overlap: The IoU of each of n boxes with each of m others, (n, m).
        least: The lowest IoU of a pair.

    Returns:
        (row, column, IoU) of each pair.
    """
    overlap, pairs = overlap.copy(), list[tuple[int, int, float]]()
    while overlap.size and overlap.max() > 0 and overlap.max() >= least:
        row, column = map(int, np.unravel_index(overlap.argmax(), overlap.shape))
        pairs.append((row, column, float(overlap[row, column])))
        overlap[row, :], overlap[:, column] = 0, 0
    return pairs

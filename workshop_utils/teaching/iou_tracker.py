"""The pairing of notebook 13: which boxes of two frames belong to the same object."""

import numpy as np

from workshop_utils.data import geometry


def match(before: np.ndarray, boxes: np.ndarray, least: float) -> list[tuple[int, int]]:
    """Pair the boxes of two frames, the pair with the highest IoU first. No box is in two pairs.

    Args:
        before: Boxes of one frame, (n, 4).
        boxes: Boxes of the next frame, (m, 4).
        least: The lowest IoU of a pair.

    Returns:
        Pairs of positions in `before` and in `boxes`.
    """
    overlaps, pairs = geometry.iou(before, boxes), []
    while overlaps.size and overlaps.max() >= least:
        first, second = np.unravel_index(overlaps.argmax(), overlaps.shape)
        pairs.append((int(first), int(second)))
        overlaps[first], overlaps[:, second] = 0, 0
    return pairs

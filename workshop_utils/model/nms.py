"""Non-maximum suppression in NumPy, for exported files that stop before it."""

import numpy as np

from workshop_utils.data import geometry


def suppress(
    boxes: np.ndarray, scores: np.ndarray, min_score: float, iou_threshold: float, limit: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (boxes, class ids, scores) of one photo, best first, padded with zeros to `limit` rows.

    Class by class the best box is kept, and every box that overlaps a kept one by an IoU above the threshold is
    dropped, as `tf.image.combined_non_max_suppression` does.

    Args:
        boxes: (n, 4), normalised.
        scores: (n, classes), without the background: column 0 is class id 1.
        min_score: Only higher scores count.
        iou_threshold: How far two boxes of a class may overlap.
        limit: How many boxes are kept at most.
    """
    kept = [
        (index, column)
        for column in range(scores.shape[1])
        for index in _one_class(boxes, scores[:, column], min_score, iou_threshold, limit)
    ]
    kept.sort(key=lambda found: -scores[found])
    result = np.zeros((limit, 4), np.float32), np.zeros(limit, np.int32), np.zeros(limit, np.float32)
    for row, (index, column) in enumerate(kept[:limit]):
        result[0][row], result[1][row], result[2][row] = boxes[index], column + 1, scores[index, column]
    return result


def suppress_across_classes(boxes: np.ndarray, scores: np.ndarray, iou_threshold: float) -> list[int]:
    """Return the indices of the boxes (n, 4) that are kept, best first: no two overlap above the threshold.

    An object that was found under two class names keeps the one with the higher score. Scores (n,) of 0 are padding.
    """
    return _one_class(boxes, scores, 0.0, iou_threshold, len(boxes))


def _one_class(boxes, scores, min_score: float, iou_threshold: float, limit: int) -> list[int]:
    indices = np.flatnonzero(scores > min_score)
    indices = indices[np.argsort(-scores[indices], kind="stable")]
    kept: list[int] = []
    while len(indices) and len(kept) < limit:
        best, indices = indices[0], indices[1:]
        kept.append(int(best))
        indices = indices[geometry.iou(boxes[best][None], boxes[indices])[0] <= iou_threshold]
    return kept

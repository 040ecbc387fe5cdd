"""Non-maximum suppression in NumPy, for exported files that do not include it."""

from typing import NamedTuple

import numpy as np

from workshop_utils.data import geometry

MAX_DETECTIONS = 100
"""The number of detections that are kept per photo."""

NMS_IOU = 0.6
"""The IoU above which non-maximum suppression drops the box with the lower score."""


class Detections(NamedTuple):
    """The detections in N photos, sorted by descending score and padded with zeros to MAX_DETECTIONS.

    Attributes:
        boxes: (N, 100, 4): ymin, xmin, ymax, xmax, normalised.
        classes: Class ids, (N, 100), 0 for padding.
        scores: Confidence scores, 0 to 1, (N, 100).
    """

    boxes: np.ndarray
    classes: np.ndarray
    scores: np.ndarray


def suppress(
    boxes: np.ndarray, scores: np.ndarray, min_score: float, iou_threshold: float, limit: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Apply non-maximum suppression class by class, as `tf.image.combined_non_max_suppression` does.

    Args:
        boxes: The boxes of one photo, (n, 4), normalised.
        scores: (n, classes), without the background: column 0 is class id 1.
        min_score: Only boxes with a higher score are kept.
        iou_threshold: The IoU above which a box is dropped in favour of a better one of its class.
        limit: The largest number of boxes that are kept.

    Returns:
        Boxes (limit, 4), class ids (limit,) and scores (limit,), best first and padded with zeros.
    """
    kept = [
        (index, column)
        for column in range(scores.shape[1])
        for index in _one_class(boxes, scores[:, column], min_score, iou_threshold, limit)
    ]
    kept.sort(key=lambda detection: -scores[detection])
    result = np.zeros((limit, 4), np.float32), np.zeros(limit, np.int32), np.zeros(limit, np.float32)
    for row, (index, column) in enumerate(kept[:limit]):
        result[0][row], result[1][row], result[2][row] = boxes[index], column + 1, scores[index, column]
    return result


def suppress_across_classes(boxes: np.ndarray, scores: np.ndarray, iou_threshold: float) -> list[int]:
    """Apply non-maximum suppression to boxes of all classes together.

    Args:
        boxes: The boxes of one photo, (n, 4).
        scores: The score of each box, (n,); boxes with score 0 are padding.
        iou_threshold: The IoU above which a box is dropped in favour of a better one.

    Returns:
        The indices of the kept boxes, best first.
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

"""Non-maximum suppression in NumPy, for formats whose own operation for it is another."""

import numpy as np

from workshop_utils.data import geometry


def suppress(
    boxes: np.ndarray, scores: np.ndarray, min_score: float, overlap: float, most: int
) -> tuple[np.ndarray, ...]:
    """Return (boxes, class ids, scores) of one photo, best first, padded with zeros to `most` rows.

    boxes (n, 4) are normalised; scores (n, classes) have no background column, so column 0 is class id 1. Class by
    class the best box is kept and every box that overlaps a kept one by an IoU above `overlap` is dropped, as
    `tf.image.combined_non_max_suppression` does.
    """
    kept = [
        (place, column)
        for column in range(scores.shape[1])
        for place in _one_class(boxes, scores[:, column], min_score, overlap, most)
    ]
    kept.sort(key=lambda found: -scores[found])
    result = np.zeros((most, 4), np.float32), np.zeros(most, np.int32), np.zeros(most, np.float32)
    for row, (place, column) in enumerate(kept[:most]):
        result[0][row], result[1][row], result[2][row] = boxes[place], column + 1, scores[place, column]
    return result


def once(boxes: np.ndarray, scores: np.ndarray, overlap: float) -> list[int]:
    """Return the places of boxes (n, 4) that are kept if no two may overlap by an IoU above `overlap`, best first.

    So an object that was found under two class names is left with the surer one. Scores (n,) of 0 are padding.
    """
    return _one_class(boxes, scores, 0.0, overlap, len(boxes))


def _one_class(boxes, scores, min_score: float, overlap: float, most: int) -> list[int]:
    places = np.flatnonzero(scores > min_score)
    places = places[np.argsort(-scores[places], kind="stable")]
    kept: list[int] = []
    while len(places) and len(kept) < most:
        best, places = places[0], places[1:]
        kept.append(int(best))
        places = places[geometry.iou(boxes[best][None], boxes[places])[0] <= overlap]
    return kept

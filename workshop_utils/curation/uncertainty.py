"""How unsure a detector is: the margin between the two most probable classes of each object.

After Brust, Käding and Denzler 2019 (Active learning for deep object detection, arXiv 1809.09875).
"""

import numpy as np

from workshop_utils.data import geometry
from workshop_utils.model import nms

SURE = 0.5
"""A detector is sure about an object with at least this margin. If only one class has a score, that is 0.75."""


def margins(boxes: np.ndarray, classes: np.ndarray, scores: np.ndarray) -> tuple[list[int], np.ndarray]:
    """Return the objects that a detector found on a photo, and how sure it is about each.

    The margin of an object is the difference between its two most probable classes, one of which may be the background:
    its probability is 1 - p, where p is the highest score. So the margin is 1 for an object that is surely a peach
    yoghurt, and 0 for one that may as well be two flavours, or the background.

    Args:
        boxes: The detections of one photo, after non-maximum suppression class by class, (n, 4).
        classes: Their class ids, (n,).
        scores: Their scores, (n,), 0 for padding.

    Returns:
        The index of the best detection of each object, best first, and the margins, 0 to 1, (objects,).
    """
    objects = nms.suppress_across_classes(boxes, scores, nms.NMS_IOU)
    overlaps = geometry.iou(boxes[objects], boxes) > nms.NMS_IOU
    result = np.zeros(len(objects))
    for place, (index, same) in enumerate(zip(objects, overlaps, strict=True)):
        others = scores[same & (classes != classes[index]) & (scores > 0)]
        result[place] = abs(scores[index] - max(others.max(initial=0.0), 1 - scores[index]))
    return objects, result


def of_photo(boxes: np.ndarray, classes: np.ndarray, scores: np.ndarray) -> float:
    """Return how unsure a detector is about a photo: the sum over its objects of (1 - margin)^2.

    These are equations 1 and 2 of Brust et al. 2019, except that their detector has no class for the background. The
    arguments are those of `margins`.
    """
    return float(((1 - margins(boxes, classes, scores)[1]) ** 2).sum())

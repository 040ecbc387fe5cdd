"""How well two people's boxes on one photo agree: pair the boxes and measure their overlap."""

import dataclasses

import numpy as np

from workshop_utils.data import geometry, voc


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How well drawn boxes agree with the true boxes of the same photo.

    Attributes:
        photo: The photo's file name.
        ious: For each true box, the IoU with its drawn box; 0 if it was missed.
        named: For each true box, whether its drawn box has the right name.
        extra: The number of drawn boxes without a true box.
    """

    photo: str
    ious: tuple[float, ...]
    named: tuple[bool, ...]
    extra: int

    @property
    def mean_iou(self) -> float:
        """The mean of `ious`; 1 if the photo has no true boxes."""
        return float(np.mean(self.ious)) if self.ious else 1.0

    @property
    def missed(self) -> int:
        """The number of true boxes without a drawn box."""
        return sum(iou == 0 for iou in self.ious)


def compare(drawn: voc.Annotation, true: voc.Annotation) -> Agreement:
    """Return how well drawn boxes agree with the true boxes.

    Boxes are paired one to one, the pair with the largest overlap first. Boxes that do not overlap are not paired.

    Args:
        drawn: The annotation to judge.
        true: The true annotation of the same photo.
    """
    true_boxes, drawn_boxes = (np.reshape(voc.normalised(each), (-1, 4)) for each in (true, drawn))
    overlap = geometry.iou(true_boxes, drawn_boxes)
    ious, named = [0.0] * len(true_boxes), [False] * len(true_boxes)
    pairs = 0
    while overlap.size and overlap.max() > 0:
        row, column = np.unravel_index(overlap.argmax(), overlap.shape)
        ious[row] = float(overlap[row, column])
        named[row] = true.boxes[row].name == drawn.boxes[column].name
        overlap[row, :], overlap[:, column] = 0, 0
        pairs += 1
    return Agreement(true.filename, tuple(ious), tuple(named), len(drawn_boxes) - pairs)

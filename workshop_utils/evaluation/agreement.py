"""How well two people's boxes on one photo agree: pair the boxes and measure their overlap."""

import collections
import dataclasses
from collections.abc import Sequence

import numpy as np

from workshop_utils.data import geometry, voc
from workshop_utils.data.dataset import Sample


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


@dataclasses.dataclass(frozen=True)
class PairAgreement:
    """How well two people agree on the photos that both labelled. One of them may be the truth.

    Attributes:
        first: One person.
        second: The other.
        photos: The number of photos that both labelled.
        both: The number of objects that both drew, with enough overlap.
        only_first: The number of boxes of the first without such a box of the second.
        only_second: The number of boxes of the second without such a box of the first.
        mean_iou: The mean IoU of the boxes of one object; NaN if there are none.
        renamed: {(name by the first, name by the second): number of objects}, for objects with two names.
    """

    first: str
    second: str
    photos: int
    both: int
    only_first: int
    only_second: int
    mean_iou: float
    renamed: dict[tuple[str, str], int]

    @property
    def same_name(self) -> float:
        """The share of the objects that both drew to which they gave the same name; NaN if there are none."""
        return 1 - sum(self.renamed.values()) / self.both if self.both else float("nan")

    @property
    def share(self) -> float:
        """The share of all their objects that both drew with the same name; NaN if there are none."""
        objects = self.both + self.only_first + self.only_second
        return (self.both - sum(self.renamed.values())) / objects if objects else float("nan")


def of_pair(first: str, second: str, photos: Sequence[tuple[Sample, Sample]], min_iou: float) -> PairAgreement:
    """Return how well two people agree.

    Args:
        first: One person.
        second: The other.
        photos: Each photo that both labelled, with the labels of the first and those of the second.
        min_iou: The least IoU at which two boxes are the same object.
    """
    ious, renamed, drawn = [], collections.Counter(), np.zeros(2, int)
    for one, other in photos:
        drawn += len(one.boxes), len(other.boxes)
        for row, column, iou in geometry.pair(geometry.iou(one.boxes, other.boxes), min_iou):
            ious.append(iou)
            renamed[one.classes[row], other.classes[column]] += one.classes[row] != other.classes[column]
    only_first, only_second = (drawn - len(ious)).tolist()
    mean = float(np.mean(ious)) if ious else float("nan")
    return PairAgreement(first, second, len(photos), len(ious), only_first, only_second, mean, dict(+renamed))


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
    pairs = geometry.pair(overlap)
    for row, column, iou in pairs:
        ious[row], named[row] = iou, true.boxes[row].name == drawn.boxes[column].name
    return Agreement(true.filename, tuple(ious), tuple(named), len(drawn_boxes) - len(pairs))

"""How well two people's boxes on one photo agree: which of them belong together, and how much those overlap."""

import dataclasses

import numpy as np

from workshop_utils.data import geometry, voc


@dataclasses.dataclass(frozen=True)
class Agreement:
    """What drawn boxes are worth beside the true ones of the same photo.

    For each true box, in their order: the IoU of the drawn box that stands for it, 0 where none does (`ious`), and
    whether that one has the true name (`named`). `extra` counts drawn boxes that stand for no true one.
    """

    photo: str
    ious: tuple[float, ...]
    named: tuple[bool, ...]
    extra: int

    @property
    def mean_iou(self) -> float:
        """The mean of `ious`; 1 on a photo that has no true box."""
        return float(np.mean(self.ious)) if self.ious else 1.0

    @property
    def missed(self) -> int:
        """How many true boxes have no drawn one."""
        return sum(iou == 0 for iou in self.ious)


def compare(drawn: voc.Annotation, true: voc.Annotation) -> Agreement:
    """Return how well drawn boxes agree with the true ones.

    Boxes are paired one to one, those that overlap most first; boxes that do not touch are no pair.
    """
    ours, theirs = (np.reshape(voc.normalised(each), (-1, 4)) for each in (true, drawn))
    overlap = geometry.iou(ours, theirs)
    ious, named = [0.0] * len(ours), [False] * len(ours)
    pairs = 0
    while overlap.size and overlap.max() > 0:
        place, other = np.unravel_index(overlap.argmax(), overlap.shape)
        ious[place] = float(overlap[place, other])
        named[place] = true.boxes[place].name == drawn.boxes[other].name
        overlap[place, :], overlap[:, other] = 0, 0
        pairs += 1
    return Agreement(true.filename, tuple(ious), tuple(named), len(theirs) - pairs)

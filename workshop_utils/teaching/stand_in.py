"""Stand-ins for an annotator: one who labels photos well, and one in a hurry."""

import dataclasses

import numpy as np

from workshop_utils.data import geometry, voc
from workshop_utils.data.annotation import Annotation, Box
from workshop_utils.data.dataset import Sample

KEEP_IOU = 0.75
"""A proposal with at least this IoU with a cup is kept."""

SLIP = 2.0
"""Standard deviation of an edge that is drawn by hand, in pixels."""


def label(sample: Sample, proposals: np.ndarray, rng: np.random.Generator) -> tuple[Box, ...]:
    """Label a photo like a careful person: keep good proposals, draw the other boxes by hand, and name them all.

    Args:
        sample: The photo with its true boxes and names.
        proposals: Proposed boxes (n, 4): ymin, xmin, ymax, xmax, normalised.
        rng: Random numbers for the slips of the hand.

    Returns:
        One box for each true one, in the same order.
    """
    overlap = geometry.iou(sample.boxes, proposals)
    slips = rng.normal(0, SLIP, sample.boxes.shape) / (sample.height, sample.width, sample.height, sample.width)
    drawn = np.clip(sample.boxes + slips, 0, 1)
    for cup in np.flatnonzero(overlap.max(axis=1, initial=0) >= KEEP_IOU):
        drawn[cup] = proposals[overlap[cup].argmax()]
    return voc.from_normalised((sample.width, sample.height), sample.classes, drawn, sample.name).boxes


def label_in_a_hurry(true: Annotation, classes: list[str], seed: int = 6) -> Annotation:
    """Return an annotation with two bad boxes: one has moved to the right by 0.3 of its width, one has a wrong name.

    Args:
        true: An annotation with at least two boxes, and without boxes of at least one class.
        classes: All names; the wrong one is the first that no box of the photo has.
        seed: Decides which two boxes are bad.
    """
    shifted, renamed = np.random.default_rng(seed).permutation(len(true.boxes))[:2]
    boxes = list(true.boxes)
    box, names = boxes[shifted], {box.name for box in boxes}
    slip = 0.3 * (box.xmax - box.xmin)
    boxes[shifted] = dataclasses.replace(box, xmin=box.xmin + slip, xmax=box.xmax + slip)
    wrong = next(name for name in classes if name not in names)
    boxes[renamed] = dataclasses.replace(boxes[renamed], name=wrong)
    return dataclasses.replace(true, boxes=tuple(boxes))

"""The stand-in labels what is there; the one in a hurry makes two mistakes."""

import numpy as np
import pytest

from workshop_utils.core import settings
from workshop_utils.data import geometry, voc
from workshop_utils.teaching import stand_in

CLASSES = ["blueberry", "natural", "peach", "strawberry", "vanilla"]


def test_the_stand_in_keeps_a_good_proposal_and_draws_the_other_cups_close_to_the_truth(yoghurt):
    sample = next(sample for sample in yoghurt.samples if len(sample.boxes) >= 3)
    good, bad = sample.boxes[1] + 0.004, sample.boxes[0] + 0.5 * (sample.boxes[0, 2] - sample.boxes[0, 0])
    boxes = stand_in.label(sample, np.array([bad, good], np.float32), np.random.default_rng(0))
    size, names = (sample.width, sample.height), list(sample.classes)
    assert [box.name for box in boxes] == names
    kept = voc.from_normalised(size, names[1:2], [good], "").boxes[0]
    assert (boxes[1].xmin, boxes[1].ymin, boxes[1].xmax, boxes[1].ymax) == (kept.xmin, kept.ymin, kept.xmax, kept.ymax)
    true = voc.from_normalised(size, names, sample.boxes, "").boxes
    slips = [abs(getattr(box, edge) - getattr(other, edge)) for box, other in zip(boxes, true)
             for edge in ("xmin", "ymin", "xmax", "ymax")]  # fmt: skip
    assert 0 < max(slips) <= 5 * stand_in.SLIP


def test_without_proposals_every_cup_is_drawn(yoghurt):
    sample = yoghurt.samples[0]
    boxes = stand_in.label(sample, np.zeros((0, 4), np.float32), np.random.default_rng(0))
    assert len(boxes) == len(sample.boxes)


@pytest.mark.parametrize("seed", [6, 7])
def test_in_a_hurry_one_box_is_moved_and_another_gets_a_name_that_no_cup_there_has(seed):
    true = voc.read(settings.TO_LABEL_TRUTH / "0005.xml")
    hurried = stand_in.label_in_a_hurry(true, CLASSES, seed)
    ious = np.diag(geometry.iou(*(np.array(voc.normalised(each)) for each in (hurried, true))))
    moved = np.flatnonzero(ious < 0.99)
    renamed = [place for place, (own, other) in enumerate(zip(hurried.boxes, true.boxes)) if own.name != other.name]
    assert len(moved) == len(renamed) == 1 and moved[0] != renamed[0]
    assert ious[moved[0]] == pytest.approx(0.7 / 1.3, abs=0.01)
    assert hurried.boxes[renamed[0]].name not in {box.name for box in true.boxes}

"""Comparing drawn boxes with the true ones."""

import pytest

from workshop_utils.data.voc import Annotation, Box
from workshop_utils.evaluation import agreement


def annotation(*boxes: Box) -> Annotation:
    return Annotation("a.jpg", 100, 100, boxes)


def test_boxes_are_paired_one_to_one_the_best_overlaps_first():
    true = annotation(Box("peach", 10, 10, 30, 30), Box("vanilla", 20, 10, 40, 30))
    drawn = annotation(Box("vanilla", 20, 10, 40, 30), Box("peach", 12, 10, 32, 30))
    found = agreement.compare(drawn, true)
    assert found.ious == (pytest.approx(18 / 22), pytest.approx(1.0))
    assert found.named == (True, True) and found.extra == 0 and found.missed == 0


def test_one_box_over_two_is_paired_with_one_of_them():
    true = annotation(Box("peach", 10, 10, 30, 30), Box("peach", 30, 10, 50, 30))
    found = agreement.compare(annotation(Box("vanilla", 10, 10, 50, 30)), true)
    assert sorted(found.ious) == [0.0, pytest.approx(0.5)] and found.missed == 1 and found.named == (False, False)
    assert found.mean_iou == pytest.approx(0.25)


def test_boxes_elsewhere_are_extra_and_no_boxes_agree_with_no_boxes():
    found = agreement.compare(annotation(Box("peach", 60, 60, 90, 90)), annotation(Box("peach", 10, 10, 30, 30)))
    assert (found.ious, found.named, found.extra) == ((0.0,), (False,), 1)
    assert agreement.compare(annotation(), annotation()).mean_iou == 1.0
    assert agreement.compare(annotation(Box("peach", 60, 60, 90, 90)), annotation()).extra == 1

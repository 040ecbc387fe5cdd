"""Comparing drawn boxes with the true ones."""

import numpy as np
import pytest

from workshop_utils.data.dataset import Sample
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


def sample(*labels: tuple[str, tuple[float, ...]]) -> Sample:
    boxes = np.array([box for _, box in labels], np.float32).reshape(-1, 4)
    return Sample("a.jpg", 100, 100, boxes, tuple(name for name, _ in labels), (), (), "", b"")


def test_the_agreement_of_a_pair_counts_objects_over_all_photos_and_names_what_is_mixed_up():
    cup, other, low = (0.1, 0.1, 0.3, 0.3), (0.5, 0.5, 0.7, 0.7), (0.1, 0.1, 0.3, 0.45)
    photos = [
        (sample(("peach", cup), ("vanilla", other)), sample(("peach", cup), ("natural", other))),
        (sample(("peach", cup)), sample()),
        (sample(("peach", cup)), sample(("peach", low))),
    ]
    found = agreement.of_pair("ana", "ben", photos, min_iou=0.6)
    assert (found.photos, found.both, found.only_first, found.only_second) == (3, 2, 2, 1)
    assert found.renamed == {("vanilla", "natural"): 1} and found.mean_iou == pytest.approx(1.0)
    assert found.same_name == pytest.approx(1 / 2) and found.share == pytest.approx(1 / 5)
    looser = agreement.of_pair("ana", "ben", photos, min_iou=0.5)
    assert (looser.both, looser.only_second) == (3, 0) and 0.5 < looser.mean_iou < 1


def test_a_pair_without_objects_has_no_agreement_to_give():
    found = agreement.of_pair("ana", "ben", [(sample(), sample())], 0.5)
    assert found.photos == 1 and all(np.isnan([found.share, found.same_name, found.mean_iou]))

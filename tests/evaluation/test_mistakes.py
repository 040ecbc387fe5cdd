import types

import numpy as np
import pytest

from workshop_utils.evaluation import mistakes
from workshop_utils.evaluation.mistakes import INVENTED, MISSED
from workshop_utils.model.detection import Detections

LEFT, RIGHT, AWAY = (0.1, 0.1, 0.5, 0.4), (0.1, 0.6, 0.5, 0.9), (0.6, 0.1, 0.9, 0.4)


def shifted(box, by):
    return tuple(np.add(box, (0, by, 0, by)))


def test_every_labelled_and_every_found_object_has_one_outcome():
    pairs = mistakes.outcomes([LEFT, RIGHT], ["peach", "natural"], [RIGHT, AWAY], ["vanilla", "peach"])
    assert pairs == [("natural", "vanilla"), (INVENTED, "peach"), ("peach", MISSED)]


def test_an_object_found_twice_is_once_right_and_once_invented():
    pairs = mistakes.outcomes([LEFT], ["peach"], [LEFT, shifted(LEFT, 0.01)], ["peach", "vanilla"])
    assert pairs == [("peach", "peach"), (INVENTED, "vanilla")]


def test_a_found_box_is_paired_with_the_labelled_one_it_overlaps_most():
    near = shifted(LEFT, 0.05)
    assert mistakes.outcomes([LEFT, near], ["peach", "natural"], [near], ["natural"])[0] == ("natural", "natural")


def test_boxes_that_overlap_by_less_than_half_are_not_the_same_object():
    pairs = mistakes.outcomes([LEFT], ["peach"], [shifted(LEFT, 0.15)], ["peach"])
    assert pairs == [(INVENTED, "peach"), ("peach", MISSED)]


@pytest.mark.parametrize("truth, found", [([], []), ([LEFT], []), ([], [LEFT])])
def test_photos_without_labels_or_without_detections_are_fine(truth, found):
    pairs = mistakes.outcomes(truth, ["peach"] * len(truth), found, ["natural"] * len(found))
    assert len(pairs) == len(truth) + len(found)


def test_right_found_and_labelled_objects_are_counted():
    pairs = [("peach", "peach"), ("peach", "natural"), ("peach", MISSED), (INVENTED, "peach"), (INVENTED, "natural")]
    assert mistakes.count(pairs) == (1, 4, 3)


def test_a_higher_threshold_finds_less_and_finally_nothing():
    sample = types.SimpleNamespace(boxes=np.array([LEFT, RIGHT], np.float32), classes=("peach", "natural"))
    boxes = np.array([[LEFT, AWAY, (0, 0, 0, 0)]], np.float32)
    found = Detections(boxes, np.array([[1, 2, 0]]), np.array([[0.9, 0.3, 0.0]]))
    low, middle, high = mistakes.sweep([sample], found, {1: "peach", 2: "natural"}, [0.0, 0.5, 0.95])
    counts = [[row[key] for key in ("right", "found", "labelled")] for row in (low, middle, high)]
    assert counts == [[1, 2, 2], [1, 1, 2], [0, 0, 2]]
    assert (low["precision"], low["recall"], low["F1"]) == (0.5, 0.5, 0.5)
    assert (middle["precision"], middle["recall"], middle["F1"]) == (1.0, 0.5, pytest.approx(2 / 3))
    assert (high["precision"], high["recall"], high["F1"]) == (0.0, 0.0, 0.0)

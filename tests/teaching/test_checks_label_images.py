"""Verdicts of the checks of notebook `02_label_images` on right, wrong and missing answers."""

import dataclasses

import numpy as np
import pytest
from verdicts import ABSURD, is_open, right, wrong

from workshop_utils.data import voc
from workshop_utils.data.voc import Box
from workshop_utils.teaching import checks

CUP = Box("peach", 100, 100, 200, 220)
DRAWN = Box("peach", 120, 100, 240, 220)


@pytest.mark.parametrize("answer", [9600 / 16800, 0.57, np.float32(0.5714)])
def test_iou_by_hand_is_right_to_two_places(answer):
    assert right(checks.iou_by_hand(answer, CUP, DRAWN))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (9600 / 26400, "twice"),
        (2 * 9600 / 26400, "Dice"),
        (0.8, "first box alone"),
        (9600 / 14400, "second box alone"),
        (16800 / 9600, "upside down"),
        (57.1, "percentage"),
        (9600, "in pixels"),
        (0.1, "First the pixels that both share"),
    ],
)
def test_iou_by_hand_names_the_slip(answer, said):
    assert wrong(checks.iou_by_hand(answer, CUP, DRAWN), said)


TRUE = voc.Annotation("a.jpg", 400, 300, (CUP, Box("vanilla", 220, 100, 300, 200), Box("natural", 310, 50, 390, 150)))
HURRIED = dataclasses.replace(
    TRUE, boxes=(CUP, dataclasses.replace(TRUE.boxes[1], xmin=240), dataclasses.replace(TRUE.boxes[2], name="peach"))
)


def test_bad_labels_are_those_with_other_edges_or_another_name():
    assert right(checks.bad_labels({3: "name", 2: "edges"}, HURRIED, TRUE))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({1: "edges", 3: "name"}, "Box 1 is good"),
        ({2: "name", 3: "name"}, "Box 2 is bad, but not for its name"),
        ({2: "edges"}, "1 more is bad"),
        ({7: "edges"}, "no box 7"),
        ({2: "ugly"}, 'is "edges" or "name"'),
        ({}, "A dictionary"),
    ],
)
def test_bad_labels_says_which_box_is_judged_wrongly(answer, said):
    assert wrong(checks.bad_labels(answer, HURRIED, TRUE), said)


def test_a_photo_is_labelled_when_all_cups_have_good_boxes_and_names():
    slipped = [dataclasses.replace(box, xmin=box.xmin + 5) for box in TRUE.boxes]
    assert right(checks.labelled_photo(slipped, TRUE)) and right(checks.labelled_photo(TRUE.boxes, TRUE))


@pytest.mark.parametrize(
    ("boxes", "said"),
    [
        ([], "without a box: 3 of 3"),
        (TRUE.boxes[:2], "without a box: 1 of 3"),
        ([*TRUE.boxes, Box("peach", 10, 10, 50, 50)], "1 of your boxes stand for no cup"),
        (
            [*TRUE.boxes[:2], Box("natural", 350, 50, 390, 90)],
            "is 0.733, and 0.8 is wanted. The worst box is that of the natural cup, IoU 0.20",
        ),
        ([*TRUE.boxes[:2], dataclasses.replace(TRUE.boxes[2], name="peach")], "what is printed on the cups"),
        ([(1, 2, 3, 4)], "A list of boxes"),
    ],
)
def test_a_photo_labelled_badly_is_told_what_to_mend(boxes, said):
    assert wrong(checks.labelled_photo(boxes, TRUE), said)


def test_the_largest_shift_is_half_a_width_for_an_edge_and_a_third_for_a_box():
    assert right(checks.farthest_slip(30, 20, 60)) and right(checks.farthest_slip(30.4, 20, 60))
    assert is_open(checks.farthest_slip(30, ..., 60)) and is_open(checks.farthest_slip(..., 20, 60))


@pytest.mark.parametrize(
    ("edge", "whole", "said"),
    [
        (30, 30, "a third"),
        (30, 10, "an IoU of 0.71"),
        (20, 20, "an IoU of 0.67"),
        (-30, 20, "between 0 and the cup's width"),
        (30, 80, "between 0 and the cup's width"),
    ],
)
def test_a_wrong_slip_is_told_which_iou_it_gives(edge, whole, said):
    assert wrong(checks.farthest_slip(edge, whole, 60), said)


@pytest.mark.parametrize("answer", ABSURD.values(), ids=ABSURD)
def test_no_absurd_answer_about_labels_raises_or_is_right(answer):
    known = [
        (checks.iou_by_hand, CUP, DRAWN),
        (checks.bad_labels, HURRIED, TRUE),
        (checks.labelled_photo, TRUE),
        (checks.farthest_slip, 20, 60),
    ]
    for check, *rest in known:
        verdict = check(answer, *rest)
        assert wrong(verdict) and "<script>" not in verdict._repr_markdown_() and is_open(check(..., *rest))

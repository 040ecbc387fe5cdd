"""Verdicts of the checks of notebook `02_label_images` on right, wrong and missing answers."""

import dataclasses

import numpy as np
import pytest
from verdicts import ABSURD, each_explained, is_open, right, wrong

from workshop_utils.data import voc
from workshop_utils.data.voc import Box
from workshop_utils.teaching import checks

CUP = Box("peach", 100, 100, 200, 220)
DRAWN = Box("peach", 120, 100, 240, 220)


@pytest.mark.parametrize("answer", [9600 / 16800, 0.57, np.float32(0.5714)])
def test_iou_by_hand_is_right_to_two_places(answer):
    assert right(checks.iou_by_hand(answer, CUP, DRAWN))


def test_iou_by_hand_names_the_mistake():
    assert each_explained(
        {
            "twice": checks.iou_by_hand(9600 / 26400, CUP, DRAWN),
            "Dice": checks.iou_by_hand(2 * 9600 / 26400, CUP, DRAWN),
            "first box alone": checks.iou_by_hand(0.8, CUP, DRAWN),
            "second box alone": checks.iou_by_hand(9600 / 14400, CUP, DRAWN),
            "upside down": checks.iou_by_hand(16800 / 9600, CUP, DRAWN),
            "percentage": checks.iou_by_hand(57.1, CUP, DRAWN),
            "in pixels": checks.iou_by_hand(9600, CUP, DRAWN),
            "First the pixels that both share": checks.iou_by_hand(0.1, CUP, DRAWN),
        }
    )


TRUE = voc.Annotation("a.jpg", 400, 300, (CUP, Box("vanilla", 220, 100, 300, 200), Box("natural", 310, 50, 390, 150)))
HURRIED = dataclasses.replace(
    TRUE, boxes=(CUP, dataclasses.replace(TRUE.boxes[1], xmin=240), dataclasses.replace(TRUE.boxes[2], name="peach"))
)


def test_bad_labels_are_those_with_other_edges_or_another_name():
    assert right(checks.bad_labels({3: "name", 2: "edges"}, HURRIED, TRUE))


def test_bad_labels_says_which_box_is_judged_wrongly():
    assert each_explained(
        {
            "Box 1 is good": checks.bad_labels({1: "edges", 3: "name"}, HURRIED, TRUE),
            "Box 2 is bad, but not for its name": checks.bad_labels({2: "name", 3: "name"}, HURRIED, TRUE),
            "1 more is bad": checks.bad_labels({2: "edges"}, HURRIED, TRUE),
            "no box 7": checks.bad_labels({7: "edges"}, HURRIED, TRUE),
            'is "edges" or "name"': checks.bad_labels({2: "ugly"}, HURRIED, TRUE),
            "A dictionary": checks.bad_labels({}, HURRIED, TRUE),
        }
    )


def test_a_photo_is_labelled_when_all_cups_have_good_boxes_and_names():
    slipped = [dataclasses.replace(box, xmin=box.xmin + 5) for box in TRUE.boxes]
    assert right(checks.labelled_photo(slipped, TRUE)) and right(checks.labelled_photo(TRUE.boxes, TRUE))


def test_the_verdict_on_a_badly_labelled_photo_says_what_to_correct():
    assert each_explained(
        {
            "without a box: 3 of 3": checks.labelled_photo([], TRUE),
            "without a box: 1 of 3": checks.labelled_photo(TRUE.boxes[:2], TRUE),
            "1 of your boxes stand for no cup": checks.labelled_photo(
                [*TRUE.boxes, Box("peach", 10, 10, 50, 50)], TRUE
            ),
            "is 0.733, and 0.8 is wanted. The worst box is that of the natural cup, IoU 0.20": checks.labelled_photo(
                [*TRUE.boxes[:2], Box("natural", 350, 50, 390, 90)], TRUE
            ),
            "what is printed on the cups": checks.labelled_photo(
                [*TRUE.boxes[:2], dataclasses.replace(TRUE.boxes[2], name="peach")], TRUE
            ),
            "A list of boxes": checks.labelled_photo([(1, 2, 3, 4)], TRUE),
        }
    )


def test_the_largest_shift_is_half_a_width_for_an_edge_and_a_third_for_a_box():
    assert right(checks.farthest_slip(30, 20, 60)) and right(checks.farthest_slip(30.4, 20, 60))
    assert is_open(checks.farthest_slip(30, ..., 60)) and is_open(checks.farthest_slip(..., 20, 60))


def test_the_verdict_on_a_wrong_shift_gives_its_iou():
    assert each_explained(
        {
            "a third": checks.farthest_slip(30, 30, 60),
            "an IoU of 0.71": checks.farthest_slip(30, 10, 60),
            "an IoU of 0.67": checks.farthest_slip(20, 20, 60),
            "between 0 and the cup's width": [checks.farthest_slip(-30, 20, 60), checks.farthest_slip(30, 80, 60)],
        }
    )


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

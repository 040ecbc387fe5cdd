"""Verdicts of the checks of notebook `09_detect_and_classify` on right, wrong and missing answers."""

import numpy as np
import pytest
from verdicts import ABSURD, each_explained, is_open, right

from workshop_utils.data import geometry
from workshop_utils.model import detection
from workshop_utils.teaching import checks
from workshop_utils.teaching.checks.detect_and_classify import SAME


def kept(boxes, overlap=0.6, against="kept"):
    stay = []
    for place, box in enumerate(boxes):
        others = boxes[stay] if against == "kept" else boxes[:place]
        if not (geometry.iou(box[None], others)[0] > overlap).any():
            stay.append(place)
    return stay


PHOTO = np.array([(0, 0, 0.4, 0.4), (0, 0.02, 0.4, 0.42), (0.5, 0.5, 0.9, 0.9)], np.float32)


def test_the_exercise_keeps_the_boxes_that_the_library_keeps():
    verdict = checks.once(kept, PHOTO)
    assert right(verdict, "3", "2")
    assert right(checks.once(lambda boxes: np.array(kept(boxes)), PHOTO)) and right(checks.once(kept, PHOTO[:0]))
    assert is_open(checks.once(lambda boxes: ..., PHOTO))
    assert SAME == detection.NMS_IOU


def test_wrongly_kept_and_wrongly_dropped_boxes_are_explained():
    assert each_explained(
        {
            "the third stays": checks.once(lambda boxes: kept(boxes, against="all"), PHOTO),
            "drops nothing": checks.once(lambda boxes: range(len(boxes)), PHOTO),
            "0, 2 and 3 stay": checks.once(lambda boxes: [0], PHOTO),
            "both stay": checks.once(lambda boxes: kept(boxes, 0.4), PHOTO),
            "instead of": checks.once(lambda boxes: kept(boxes) if len(boxes) != 3 else [0], PHOTO),
            "list of positions": checks.once(lambda boxes: "many", PHOTO),
        }
    )


ROWS = [
    {"threshold": 0.1, "right": 9, "found": 40, "labelled": 10, "F1": 0.36},
    {"threshold": 0.2, "right": 8, "found": 12, "labelled": 10, "F1": 0.73},
    {"threshold": 0.3, "right": 7, "found": 8, "labelled": 10, "F1": 0.78},
    {"threshold": 0.35, "right": 6, "found": 6, "labelled": 10, "F1": 0.75},
    {"threshold": 0.4, "right": 1, "found": 1, "labelled": 10, "F1": 0.18},
]


def test_the_cheapest_threshold_minimises_the_cost_of_both_mistakes():
    verdict = checks.cheapest(0.2, ROWS, 5, 1)
    assert right(verdict, "14", "16")
    assert right(checks.cheapest(0.21, ROWS, 5, 1)) and is_open(checks.cheapest(..., ROWS, 5, 1))
    assert each_explained(
        {
            "F1": checks.cheapest(0.3, ROWS, 5, 1),
            "45": checks.cheapest(0.4, ROWS, 5, 1),
            "exchanged": checks.cheapest(0.35, ROWS, 5, 1),
            "0.10 to 0.40": checks.cheapest(20, ROWS, 5, 1),
        }
    )


def by_hand(table):
    hits = sum(number for (label, said), number in table.items() if label == said)
    found = sum(number for (_, said), number in table.items() if said != "missed")
    there = sum(number for (label, _), number in table.items() if label != "invented")
    return hits, found, there


def test_precision_and_recall_follow_from_a_confusion_table():

    def answer(table):
        hits, found, there = by_hand(table)
        return (hits / found, hits / there)

    assert right(checks.precision_and_recall_of(answer)) and is_open(checks.precision_and_recall_of(lambda table: None))
    assert each_explained(
        {
            "wrong way round": checks.precision_and_recall_of(lambda table: answer(table)[::-1]),
            "percentages": checks.precision_and_recall_of(lambda table: [100 * each for each in answer(table)]),
        }
    )


def test_wrong_fractions_are_explained():
    def said(answer):
        def function(table):
            hits, found, there = by_hand(table)
            missed, invented = (sum(n for pair, n in table.items() if name in pair) for name in ("missed", "invented"))
            return answer(hits, found, there, there - hits - missed, there + invented)

        return checks.precision_and_recall_of(function)

    assert each_explained(
        {
            "all outcomes": said(lambda hits, found, there, confused, every: (hits / every, hits / there)),
            "counts twice": [
                said(lambda hits, found, there, confused, every: (hits / (found - confused), hits / there)),
                said(lambda hits, found, there, confused, every: (hits / found, hits / (there - confused))),
            ],
            "diagonal": said(lambda hits, found, there, confused, every: ((hits + confused) / found, hits / there)),
            "neither, 0.10, 0.20": said(lambda hits, found, there, confused, every: (0.1, 0.2)),
            "2 numbers": said(lambda hits, found, there, confused, every: hits / found),
        }
    )


NAMES_SAID = ["natural", "peach", "vanilla"]
CONFUSED = {
    ("peach", "peach"): 30, ("peach", "vanilla"): 3, ("vanilla", "peach"): 3, ("natural", "vanilla"): 4,
    ("natural", "missed"): 20, ("invented", "peach"): 9,
}  # fmt: skip


def test_the_pair_to_label_is_the_one_confused_most_in_both_directions():
    verdict = checks.pair_to_label(("vanilla", "peach"), CONFUSED, NAMES_SAID)
    assert right(verdict, "peach", "vanilla", "6")
    assert right(checks.pair_to_label({"vanilla", "peach"}, CONFUSED, NAMES_SAID))
    assert right(checks.pair_to_label(["natural", "peach"], {}, NAMES_SAID)) and is_open(
        checks.pair_to_label(..., {}, NAMES_SAID)
    )
    assert each_explained(
        {
            "one direction": [
                checks.pair_to_label(("natural", "vanilla"), CONFUSED, NAMES_SAID),
                checks.pair_to_label({"natural", "vanilla"}, CONFUSED, NAMES_SAID),
            ],
            "0 times": checks.pair_to_label(("natural", "peach"), CONFUSED, NAMES_SAID),
            "'missed' is not a flavour": checks.pair_to_label(("natural", "missed"), CONFUSED, NAMES_SAID),
            "Two different": [
                checks.pair_to_label("peach", CONFUSED, NAMES_SAID),
                checks.pair_to_label(("peach", "peach"), CONFUSED, NAMES_SAID),
            ],
        }
    )


@pytest.mark.parametrize("answer", ABSURD.values(), ids=ABSURD)
def test_no_absurd_answer_about_detecting_is_right(answer):
    assert not checks.once(answer, PHOTO).right
    assert not checks.cheapest(answer, ROWS, 5, 1).right
    assert not checks.precision_and_recall_of(answer).right
    assert not checks.pair_to_label(answer, CONFUSED, NAMES_SAID).right

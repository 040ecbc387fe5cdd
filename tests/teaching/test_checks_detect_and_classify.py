"""What the checks of notebook `09_detect_and_classify` say of right answers, of wrong ones, and of none."""

import numpy as np
import pytest
from verdicts import ABSURD, is_open, right, wrong

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


def test_once_leaves_what_the_library_leaves():
    verdict = checks.once(kept, PHOTO)
    assert right(verdict) and "Of 3 boxes 2 stay" in verdict.words
    assert right(checks.once(lambda boxes: np.array(kept(boxes)), PHOTO)) and right(checks.once(kept, PHOTO[:0]))
    assert is_open(checks.once(lambda boxes: ..., PHOTO))
    assert SAME == detection.NMS_IOU


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda boxes: kept(boxes, against="all"), "the third stays"),
        (lambda boxes: range(len(boxes)), "drops nothing"),
        (lambda boxes: [0], "0, 2 and 3 stay"),
        (lambda boxes: kept(boxes, 0.4), "both stay"),
        (lambda boxes: kept(boxes) if len(boxes) != 3 else [0], "instead of"),
        (lambda boxes: "many", "list of positions"),
    ],
)
def test_boxes_that_should_not_stay_or_go_are_told_why(function, words):
    assert wrong(checks.once(function, PHOTO), words)


ROWS = [
    {"threshold": 0.1, "right": 9, "found": 40, "labelled": 10, "F1": 0.36},
    {"threshold": 0.2, "right": 8, "found": 12, "labelled": 10, "F1": 0.73},
    {"threshold": 0.3, "right": 7, "found": 8, "labelled": 10, "F1": 0.78},
    {"threshold": 0.35, "right": 6, "found": 6, "labelled": 10, "F1": 0.75},
    {"threshold": 0.4, "right": 1, "found": 1, "labelled": 10, "F1": 0.18},
]


def test_the_cheapest_threshold_is_the_one_at_which_both_mistakes_cost_least():
    verdict = checks.cheapest(0.2, ROWS, 5, 1)
    assert right(verdict) and "14 cents" in verdict.words and "16" in verdict.words
    assert right(checks.cheapest(0.21, ROWS, 5, 1)) and is_open(checks.cheapest(..., ROWS, 5, 1))
    assert wrong(checks.cheapest(0.3, ROWS, 5, 1), "F1")
    assert wrong(checks.cheapest(0.4, ROWS, 5, 1), "45") and wrong(checks.cheapest(0.4, ROWS, 5, 1), "the most")
    assert wrong(checks.cheapest(0.35, ROWS, 5, 1), "exchanged")
    assert wrong(checks.cheapest(20, ROWS, 5, 1), "0.10 to 0.40")


def by_hand(table):
    hits = sum(number for (label, said), number in table.items() if label == said)
    found = sum(number for (_, said), number in table.items() if said != "missed")
    there = sum(number for (label, _), number in table.items() if label != "invented")
    return hits, found, there


def test_precision_and_recall_come_of_a_confusion_table():
    def answer(table):
        hits, found, there = by_hand(table)
        return hits / found, hits / there

    assert right(checks.precision_and_recall_of(answer)) and is_open(checks.precision_and_recall_of(lambda table: None))
    assert wrong(checks.precision_and_recall_of(lambda table: answer(table)[::-1]), "wrong way round")
    assert wrong(checks.precision_and_recall_of(lambda table: [100 * each for each in answer(table)]), "percentages")


@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda hits, found, there, confused, every: (hits / every, hits / there), "all outcomes"),
        (lambda hits, found, there, confused, every: (hits / (found - confused), hits / there), "counts twice"),
        (lambda hits, found, there, confused, every: (hits / found, hits / (there - confused)), "counts twice"),
        (lambda hits, found, there, confused, every: ((hits + confused) / found, hits / there), "diagonal"),
        (lambda hits, found, there, confused, every: (0.1, 0.2), "0.10, 0.20"),
        (lambda hits, found, there, confused, every: hits / found, "2 numbers"),
    ],
)
def test_fractions_that_are_neither_are_told_why(answer, words):
    def function(table):
        hits, found, there = by_hand(table)
        missed, invented = (sum(n for pair, n in table.items() if name in pair) for name in ("missed", "invented"))
        return answer(hits, found, there, there - hits - missed, there + invented)

    assert wrong(checks.precision_and_recall_of(function), words)


NAMES_SAID = ["natural", "peach", "vanilla"]
CONFUSED = {
    ("peach", "peach"): 30, ("peach", "vanilla"): 3, ("vanilla", "peach"): 3, ("natural", "vanilla"): 4,
    ("natural", "missed"): 20, ("invented", "peach"): 9,
}  # fmt: skip


def test_the_pair_to_label_is_confused_most_both_ways_together():
    verdict = checks.pair_to_label(("vanilla", "peach"), CONFUSED, NAMES_SAID)
    assert right(verdict) and "peach and vanilla are confused 6 times" in verdict.words
    assert right(checks.pair_to_label({"vanilla", "peach"}, CONFUSED, NAMES_SAID))
    assert right(checks.pair_to_label(["natural", "peach"], {}, NAMES_SAID)) and is_open(
        checks.pair_to_label(..., {}, NAMES_SAID)
    )
    assert wrong(checks.pair_to_label(("natural", "vanilla"), CONFUSED, NAMES_SAID), "one direction")
    assert wrong(checks.pair_to_label({"natural", "vanilla"}, CONFUSED, NAMES_SAID), "one direction")
    assert wrong(checks.pair_to_label(("natural", "peach"), CONFUSED, NAMES_SAID), "0 times")
    assert wrong(checks.pair_to_label(("natural", "missed"), CONFUSED, NAMES_SAID), "'missed' is not a flavour")
    assert wrong(checks.pair_to_label("peach", CONFUSED, NAMES_SAID), "Two different")
    assert wrong(checks.pair_to_label(("peach", "peach"), CONFUSED, NAMES_SAID), "Two different")


@pytest.mark.parametrize("answer", ABSURD.values(), ids=ABSURD)
def test_nothing_absurd_is_right_in_detecting(answer):
    assert not checks.once(answer, PHOTO).right
    assert not checks.cheapest(answer, ROWS, 5, 1).right
    assert not checks.precision_and_recall_of(answer).right
    assert not checks.pair_to_label(answer, CONFUSED, NAMES_SAID).right

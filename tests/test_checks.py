"""What the checks say of right answers, of wrong ones, and of none."""

import math

import numpy as np
import pytest

from workshop_utils import anchors, checks, detector

ABSURD = [None, "a string", [], object(), lambda *_: 1 / 0, float("nan"), "<script>alert(1)</script>"]
"""What nobody would answer."""


def right(verdict) -> bool:
    return verdict.right is True


def wrong(verdict, *words: str) -> bool:
    """Whether the answer is called wrong, and these words say why."""
    return verdict.right is False and all(word in verdict.words for word in words)


def is_open(verdict) -> bool:
    return verdict.right is None


@checks.check
def doubled(answer, number):
    return checks._right("Twice.") if checks._number(answer) == 2 * number else checks._wrong("Not twice.")


@checks.check
def doubles(function, number):
    return checks._right("Twice.") if checks._called(function, number) == 2 * number else checks._wrong("Not twice.")


def test_a_check_says_right_wrong_or_open():
    assert right(doubled(4, 2)) and wrong(doubled(5, 2), "Not twice") and is_open(doubled(..., 2))
    assert right(doubles(lambda number: 2 * number, 2)) and is_open(doubles(lambda number: ..., 2))


@pytest.mark.parametrize("answer", ABSURD, ids=repr)
def test_no_answer_however_odd_raises_or_is_right(answer):
    for check in (doubled, doubles):
        verdict = check(answer, 2)
        assert not verdict.right and "<script>" not in verdict._repr_markdown_()


def test_a_fault_in_a_participants_function_is_told_in_words():
    assert wrong(doubles(lambda number: number / 0, 2), "ZeroDivisionError")


@pytest.mark.parametrize("answer", [5, ...])
def test_where_only_right_answers_are_wanted_another_is_an_error(answer, monkeypatch):
    monkeypatch.setenv(checks.STRICT, "1")
    assert right(doubled(4, 2))
    with pytest.raises(checks.NotRight, match="doubled"):
        doubled(answer, 2)


# One section a notebook, in the order of workshop_utils/checks.py


# 00 · Start here


# 01 · Why transfer learning


# 02 · Label images


# 03 · Build the pipeline


# 04 · Fine-tune


# 05 · Use as is


# 06 · Random init


# 07 · Compare the strategies


def apart(ours, theirs):
    return min(len(ours), len(theirs)) > 1 and (min(ours) > max(theirs) or min(theirs) > max(ours))


def mean(values):
    return sum(values) / len(values)


def test_apart_is_where_every_run_of_the_one_beats_every_run_of_the_other():
    assert right(checks.apart(apart))
    assert right(checks.apart(lambda *lists: np.bool_(apart(*lists))))
    assert is_open(checks.apart(...)) and is_open(checks.apart(lambda ours, theirs: ...))


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda ours, theirs: False, "wholly above"),
        (lambda ours, theirs: len(ours) > 1 and min(ours) > max(theirs), "exchanged"),
        (lambda ours, theirs: mean(ours) != mean(theirs), "higher mean is not enough"),
        (lambda ours, theirs: min(ours) > max(theirs) or min(theirs) > max(ours), "One run alone"),
        (lambda ours, theirs: abs(mean(ours) - mean(theirs)), "`True` or `False`"),
    ],
)
def test_what_is_not_apart_is_told_why(function, words):
    assert wrong(checks.apart(function), words)


HISTORIES = {
    "tuned": [{"seconds": 60.0, "AP": None}, {"seconds": 90.0, "AP": 0.31}, {"seconds": 600.0, "AP": 0.7}],
    "begun": [{"seconds": 60.0, "AP": 0.0}, {"seconds": 1200.0, "AP": 0.3}],
    "hopeless": [{"seconds": 60.0, "AP": 0.01}],
}


def first(history, wanted, unit=60, key="seconds"):
    reached = [row[key] for row in history if row["AP"] is not None and row["AP"] >= wanted]
    return reached[0] / unit if reached else math.inf


def test_minutes_until_an_ap_are_compared_where_runs_reach_it():
    verdict = checks.minutes_until(first, HISTORIES)
    assert right(verdict)
    assert "0.30" in verdict.words and "tuned: 1.5; begun: 20.0" in verdict.words and "hopeless" not in verdict.words
    assert right(checks.minutes_until(first, {"hopeless": HISTORIES["hopeless"]}))
    assert is_open(checks.minutes_until(lambda history, wanted: ..., HISTORIES))


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda history, wanted: first(history, wanted, unit=1), "seconds"),
        (lambda history, wanted: first(history, wanted, unit=1, key="step"), "step"),
        (lambda history, wanted: first(history[::-1], wanted), "Wanted is the first"),
        (lambda history, wanted: first(history, wanted + 1e-9), "`>=`"),
        (lambda history, wanted: next(row["seconds"] / 60 for row in history if row["AP"] >= wanted), "`None`"),
        (lambda history, wanted: first(history, wanted) if wanted < 0.8 else None, "math.inf"),
        (lambda history, wanted: first(history, wanted) if wanted < 0.8 else -1, "math.inf"),
        (lambda history, wanted: 3.0, "at 3"),
    ],
)
def test_minutes_that_are_none_are_told_why(function, words):
    assert wrong(checks.minutes_until(function, HISTORIES), words)


def test_a_prediction_is_right_where_it_holds_the_truth_and_says_something():
    assert right(checks.interval((0.1, 0.5), 0.3)) and right(checks.interval([0.3, 0.3], 0.3))
    assert is_open(checks.interval(..., 0.3)) and is_open(checks.interval((0.1, 0.5), None))
    assert wrong(checks.interval((0.1, 0.2), 0.3), "0.30", "more")
    assert wrong(checks.interval((0.4, 0.5), 0.3), "0.30", "less")
    assert wrong(checks.interval((0.0, 1.0), 0.3), "Dare")
    assert wrong(checks.interval((0.5, 0.1), 0.3), "lower number comes first")
    assert wrong(checks.interval((10, 50), 0.3), "between 0 and 1")
    assert wrong(checks.interval(0.3, 0.3), "2 numbers")


def needed(rungs, wanted, scale=math.log, back=math.exp):
    sizes, scores = zip(*rungs)
    return math.inf if wanted > scores[-1] else back(np.interp(wanted, scores, [scale(size) for size in sizes]))


def test_photos_needed_are_read_off_within_what_was_measured():
    assert right(checks.photos_needed(needed))
    assert right(checks.photos_needed(lambda *known: needed(*known, scale=math.log10, back=lambda x: 10**x)))
    assert is_open(checks.photos_needed(lambda rungs, wanted: ...))


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda *known: needed(*known, scale=float, back=float), "interpolate the logarithms"),
        (lambda *known: needed(*known, back=float), "Turn it back"),
        (lambda *known: 2 * needed(*known), "half-way"),
        (lambda rungs, wanted: min(needed(rungs, wanted), 1000), "nobody has measured"),
        (lambda rungs, wanted: needed(rungs, wanted) if wanted < 0.5 else None, "math.inf"),
    ],
)
def test_photos_that_nobody_needs_are_told_why(function, words):
    assert wrong(checks.photos_needed(function), words)


@pytest.mark.parametrize("answer", ABSURD, ids=repr)
def test_nothing_absurd_is_right_in_the_comparison(answer):
    for check in (checks.apart, checks.photos_needed):
        assert not check(answer).right
    assert not checks.minutes_until(answer, HISTORIES).right
    assert not checks.interval(answer, 0.3).right


# 08 · Export the checkpoint


# 09 · Detect and classify


def kept(boxes, overlap=0.6, against="kept"):
    stay = []
    for place, box in enumerate(boxes):
        others = boxes[stay] if against == "kept" else boxes[:place]
        if not (anchors.iou(box[None], others)[0] > overlap).any():
            stay.append(place)
    return stay


PHOTO = np.array([(0, 0, 0.4, 0.4), (0, 0.02, 0.4, 0.42), (0.5, 0.5, 0.9, 0.9)], np.float32)


def test_once_leaves_what_the_library_leaves():
    verdict = checks.once(kept, PHOTO)
    assert right(verdict) and "Of 3 boxes 2 stay" in verdict.words
    assert right(checks.once(lambda boxes: np.array(kept(boxes)), PHOTO)) and right(checks.once(kept, PHOTO[:0]))
    assert is_open(checks.once(lambda boxes: ..., PHOTO))
    assert checks.SAME == detector.NMS_IOU


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda boxes: kept(boxes, against="all"), "the third stays"),
        (lambda boxes: range(len(boxes)), "drops nothing"),
        (lambda boxes: [0], "0, 2 and 3 stay"),
        (lambda boxes: kept(boxes, 0.4), "both stay"),
        (lambda boxes: kept(boxes) if len(boxes) != 3 else [0], "instead of"),
        (lambda boxes: "many", "list of places"),
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

    assert right(checks.precision_and_recall(answer)) and is_open(checks.precision_and_recall(lambda table: None))
    assert wrong(checks.precision_and_recall(lambda table: answer(table)[::-1]), "wrong way round")
    assert wrong(checks.precision_and_recall(lambda table: [100 * each for each in answer(table)]), "percentages")


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

    assert wrong(checks.precision_and_recall(function), words)


NAMES = ["natural", "peach", "vanilla"]
CONFUSED = {
    ("peach", "peach"): 30, ("peach", "vanilla"): 3, ("vanilla", "peach"): 3, ("natural", "vanilla"): 4,
    ("natural", "missed"): 20, ("invented", "peach"): 9,
}  # fmt: skip


def test_the_pair_to_label_is_confused_most_both_ways_together():
    verdict = checks.pair_to_label(("vanilla", "peach"), CONFUSED, NAMES)
    assert right(verdict) and "peach and vanilla are confused 6 times" in verdict.words
    assert right(checks.pair_to_label({"vanilla", "peach"}, CONFUSED, NAMES))
    assert right(checks.pair_to_label(["natural", "peach"], {}, NAMES)) and is_open(
        checks.pair_to_label(..., {}, NAMES)
    )
    assert wrong(checks.pair_to_label(("natural", "vanilla"), CONFUSED, NAMES), "one direction")
    assert wrong(checks.pair_to_label(("natural", "peach"), CONFUSED, NAMES), "0 times")
    assert wrong(checks.pair_to_label(("natural", "missed"), CONFUSED, NAMES), "'missed' is no flavour")
    assert wrong(checks.pair_to_label("peach", CONFUSED, NAMES), "Two different")
    assert wrong(checks.pair_to_label(("peach", "peach"), CONFUSED, NAMES), "Two different")


@pytest.mark.parametrize("answer", ABSURD, ids=repr)
def test_nothing_absurd_is_right_in_detecting(answer):
    assert not checks.once(answer, PHOTO).right
    assert not checks.cheapest(answer, ROWS, 5, 1).right
    assert not checks.precision_and_recall(answer).right
    assert not checks.pair_to_label(answer, CONFUSED, NAMES).right


# 10 · Your own data


# 11 · Scale out

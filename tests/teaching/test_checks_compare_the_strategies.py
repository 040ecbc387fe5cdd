"""What the checks of notebook `07_compare_the_strategies` say of right answers, of wrong ones, and of none."""

import math

import numpy as np
import pytest
from verdicts import ABSURD, is_open, right, wrong

from workshop_utils.teaching import checks


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
        (lambda ours, theirs: False, "call them apart"),
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
        (lambda history, wanted: first(history[::-1], wanted), "Return the first"),
        (lambda history, wanted: first(history, wanted + 1e-9), "`>=`"),
        (lambda history, wanted: next(row["seconds"] / 60 for row in history if row["AP"] >= wanted), "`None`"),
        (lambda history, wanted: first(history, wanted) if wanted < 0.8 else None, "math.inf"),
        (lambda history, wanted: first(history, wanted) if wanted < 0.8 else -1, "math.inf"),
        (lambda history, wanted: 3.0, "at 3"),
        (lambda history: 4.0, "ends with an error: TypeError"),
        (lambda history, wanted: history + wanted, "ends with an error: TypeError"),
    ],
)
def test_minutes_that_are_none_are_told_why(function, words):
    assert wrong(checks.minutes_until(function, HISTORIES), words)


def test_a_prediction_is_right_where_it_holds_the_truth_and_says_something():
    assert right(checks.interval((0.1, 0.5), 0.3)) and right(checks.interval([0.3, 0.3], 0.3))
    assert is_open(checks.interval(..., 0.3))
    assert wrong(checks.interval((0.1, 0.2), 0.3), "0.30", "more")
    assert wrong(checks.interval((0.4, 0.5), 0.3), "0.30", "less")
    assert wrong(checks.interval((0.0, 1.0), 0.3), "Dare")
    assert wrong(checks.interval((0.5, 0.1), 0.3), "lower number comes first")
    assert wrong(checks.interval((10, 50), 0.3), "between 0 and 1")
    assert wrong(checks.interval(0.3, 0.3), "2 numbers")


def test_where_no_run_can_tell_a_prediction_is_taken_and_that_is_said(monkeypatch):
    monkeypatch.setenv(checks.STRICT, "1")
    said = checks.interval((0.1, 0.5), None)
    assert right(said) and "0.10 to 0.50" in said.words and "no longer run is recorded" in said.words
    monkeypatch.delenv(checks.STRICT)
    assert is_open(checks.interval(..., None)) and wrong(checks.interval((0.5, 0.1), None), "comes first")
    assert wrong(checks.interval((0.0, 1.0), None), "Dare")


def needed(rungs, wanted, scale=math.log, back=math.exp):
    sizes, scores = zip(*rungs)
    return math.inf if wanted > scores[-1] else back(np.interp(wanted, scores, [scale(size) for size in sizes]))


def _whole(number, whole):
    return whole(number) if number < math.inf else number


def test_photos_needed_are_read_off_within_what_was_measured():
    assert right(checks.photos_needed(needed))
    assert right(checks.photos_needed(lambda *known: needed(*known, scale=math.log10, back=lambda x: 10**x)))
    for whole in (math.ceil, round, math.floor):
        assert right(checks.photos_needed(lambda *known, whole=whole: _whole(needed(*known), whole)))
    assert is_open(checks.photos_needed(lambda rungs, wanted: ...))


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda *known: needed(*known, scale=float, back=float), "interpolate the logarithms"),
        (lambda *known: needed(*known, back=float), "Turn it back"),
        (lambda *known: 2 * needed(*known), "half-way"),
        (lambda rungs, wanted: min(needed(rungs, wanted), 1000), "no one measured"),
        (lambda rungs, wanted: needed(rungs, wanted) if wanted < 0.5 else None, "math.inf"),
    ],
)
def test_photos_that_nobody_needs_are_told_why(function, words):
    assert wrong(checks.photos_needed(function), words)


@pytest.mark.parametrize("answer", ABSURD.values(), ids=ABSURD)
def test_nothing_absurd_is_right_in_the_comparison(answer):
    for check in (checks.apart, checks.photos_needed):
        assert not check(answer).right
    assert not checks.minutes_until(answer, HISTORIES).right
    assert not checks.interval(answer, 0.3).right

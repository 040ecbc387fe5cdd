"""Verdicts of the checks of notebook `07_compare_the_strategies` on right, wrong and missing answers."""

import math

import numpy as np
import pytest
from verdicts import ABSURD, each_explained, is_open, right

from workshop_utils.teaching import checks


def apart(ours, theirs):
    return min(len(ours), len(theirs)) > 1 and (min(ours) > max(theirs) or min(theirs) > max(ours))


def mean(values):
    return sum(values) / len(values)


def test_apart_means_that_every_run_of_one_beats_every_run_of_the_other():
    assert right(checks.apart(apart))
    assert right(checks.apart(lambda *lists: np.bool_(apart(*lists))))
    assert is_open(checks.apart(...)) and is_open(checks.apart(lambda ours, theirs: ...))


def test_a_wrong_definition_of_apart_is_explained():
    assert each_explained(
        {
            "call them apart": checks.apart(lambda ours, theirs: False),
            "exchanged": checks.apart(lambda ours, theirs: len(ours) > 1 and min(ours) > max(theirs)),
            "higher mean is not enough": checks.apart(lambda ours, theirs: mean(ours) != mean(theirs)),
            "One run alone": checks.apart(lambda ours, theirs: min(ours) > max(theirs) or min(theirs) > max(ours)),
            "`True` or `False`": checks.apart(lambda ours, theirs: abs(mean(ours) - mean(theirs))),
        }
    )


HISTORIES = {
    "tuned": [{"seconds": 60.0, "AP": None}, {"seconds": 90.0, "AP": 0.31}, {"seconds": 600.0, "AP": 0.7}],
    "begun": [{"seconds": 60.0, "AP": 0.0}, {"seconds": 1200.0, "AP": 0.3}],
    "hopeless": [{"seconds": 60.0, "AP": 0.01}],
}


def first(history, wanted, unit=60, key="seconds"):
    reached = [row[key] for row in history if row["AP"] is not None and row["AP"] >= wanted]
    return reached[0] / unit if reached else math.inf


def test_minutes_until_an_ap_are_compared_if_both_runs_reach_it():
    verdict = checks.minutes_until(first, HISTORIES)
    assert right(verdict)
    assert right(verdict, "0.30", "tuned: 1.5; begun: 20.0") and "hopeless" not in verdict.words
    assert right(checks.minutes_until(first, {"hopeless": HISTORIES["hopeless"]}))
    assert is_open(checks.minutes_until(lambda history, wanted: ..., HISTORIES))


def test_wrong_minutes_are_explained():
    assert each_explained(
        {
            "seconds": checks.minutes_until(lambda history, wanted: first(history, wanted, unit=1), HISTORIES),
            "step": checks.minutes_until(lambda history, wanted: first(history, wanted, unit=1, key="step"), HISTORIES),
            "Return the first": checks.minutes_until(lambda history, wanted: first(history[::-1], wanted), HISTORIES),
            "`>=`": checks.minutes_until(lambda history, wanted: first(history, wanted + 1e-09), HISTORIES),
            "`None`": checks.minutes_until(
                lambda history, wanted: next(row["seconds"] / 60 for row in history if row["AP"] >= wanted), HISTORIES
            ),
            "math.inf": [
                checks.minutes_until(
                    lambda history, wanted: first(history, wanted) if wanted < 0.8 else None, HISTORIES
                ),
                checks.minutes_until(lambda history, wanted: first(history, wanted) if wanted < 0.8 else -1, HISTORIES),
            ],
            "at 3": checks.minutes_until(lambda history, wanted: 3.0, HISTORIES),
            "ends with an error: TypeError": [
                checks.minutes_until(lambda history: 4.0, HISTORIES),
                checks.minutes_until(lambda history, wanted: history + wanted, HISTORIES),
            ],
        }
    )


def test_a_prediction_is_right_if_it_contains_the_truth_and_is_narrow():
    assert right(checks.interval((0.1, 0.5), 0.3)) and right(checks.interval([0.3, 0.3], 0.3))
    assert is_open(checks.interval(..., 0.3))
    assert each_explained(
        {
            "0.30, more": checks.interval((0.1, 0.2), 0.3),
            "0.30, less": checks.interval((0.4, 0.5), 0.3),
            "a narrower prediction": checks.interval((0.0, 1.0), 0.3),
            "not an AP, 0, 1": [checks.interval(answer, 0.3) for answer in ((0.5, 0.1), (10, 50))],
            "2 numbers": checks.interval(0.3, 0.3),
        }
    )


def test_without_a_run_to_compare_a_prediction_is_accepted_with_a_note(monkeypatch):
    monkeypatch.setenv(checks.STRICT, "1")
    said = checks.interval((0.1, 0.5), None)
    assert right(said, "0.10", "0.50") and said.words != checks.interval((0.1, 0.5), 0.3).words
    monkeypatch.delenv(checks.STRICT)
    assert is_open(checks.interval(..., None))
    assert each_explained(
        {"comes first": checks.interval((0.5, 0.1), None), "a narrower prediction": checks.interval((0.0, 1.0), None)}
    )


def needed(rungs, wanted, scale=math.log, back=math.exp):
    sizes, scores = zip(*rungs)
    return math.inf if wanted > scores[-1] else back(np.interp(wanted, scores, [scale(size) for size in sizes]))


def _whole(number, whole):
    return whole(number) if number < math.inf else number


def test_photos_needed_are_read_off_within_the_measured_range():
    assert right(checks.photos_needed(needed))
    assert right(checks.photos_needed(lambda *known: needed(*known, scale=math.log10, back=lambda x: 10**x)))
    for whole in (math.ceil, round, math.floor):
        assert right(checks.photos_needed(lambda *known, whole=whole: _whole(needed(*known), whole)))
    assert is_open(checks.photos_needed(lambda rungs, wanted: ...))


def test_a_wrong_number_of_photos_is_explained():
    assert each_explained(
        {
            "interpolate the logarithms": checks.photos_needed(lambda *known: needed(*known, scale=float, back=float)),
            "Turn it back": checks.photos_needed(lambda *known: needed(*known, back=float)),
            "half-way": checks.photos_needed(lambda *known: 2 * needed(*known)),
            "no one measured": checks.photos_needed(lambda rungs, wanted: min(needed(rungs, wanted), 1000)),
            "math.inf": checks.photos_needed(lambda rungs, wanted: needed(rungs, wanted) if wanted < 0.5 else None),
        }
    )


@pytest.mark.parametrize("answer", ABSURD.values(), ids=ABSURD)
def test_no_absurd_answer_about_the_comparison_is_right(answer):
    for check in (checks.apart, checks.photos_needed):
        assert not check(answer).right
    assert not checks.minutes_until(answer, HISTORIES).right
    assert not checks.interval(answer, 0.3).right

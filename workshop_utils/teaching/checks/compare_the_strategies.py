"""The checks of notebook `07_compare_the_strategies`: luck, time, and how many photos it takes."""

import math

import numpy as np

from workshop_utils.core import untrusted
from workshop_utils.teaching.checks.answer import (
    Verdict,
    _array,
    _called,
    _Judged,
    _number,
    _right,
    _shown,
    _wrong,
    check,
)


def _yes_or_no(answer) -> bool:
    """Return an answer as True or False; ends the check where it is neither."""
    if not isinstance(answer, bool | np.bool_):
        raise _Judged(_wrong(f"`True` or `False` is wanted here, not {_shown(answer)}."))
    return bool(answer)


@check
def apart(function: object) -> Verdict:
    """Judge a function of two lists of scores: is every one of the one list above every one of the other?"""
    better, worse, between = [0.70, 0.74, 0.72], [0.30, 0.20, 0.10], [0.28, 0.55, 0.71]
    said = {name: _yes_or_no(_called(function, *lists)) for name, lists in {
        "better first": (better, worse), "worse first": (worse, better), "overlapping": (better, between),
        "overlapping, turned": (between, better), "one run": ([0.9], worse), "one run, turned": (worse, [0.9]),
    }.items()}  # fmt: skip
    if not (said["better first"] or said["worse first"]):
        return _wrong(f"{better} lies wholly above {worse}, and your function does not call them apart.")
    if said["better first"] != said["worse first"]:
        return _wrong("Your answer changes where the two lists are exchanged. Either may be the better one.")
    if said["overlapping"] or said["overlapping, turned"]:
        return _wrong(
            f"{better} and {between} are not apart: {max(between)} lies above {min(better)}. A higher mean is not "
            "enough; compare the lowest run of the one with the highest of the other."
        )
    if said["one run"] or said["one run, turned"]:
        return _wrong("One run alone has no spread, so nothing can be said: where a list has fewer than two, `False`.")
    return _right("Where the worst run of the one beats the best of the other, luck alone is a poor explanation.")


@check
def minutes_until(function: object, histories: dict[str, list[dict[str, float | None]]]) -> Verdict:
    """Judge a function of a history and a wanted AP: after how many minutes was it first reached?

    Args:
        function: The function to judge.
        histories: Rows of some runs by name, with `step`, `seconds` and `AP` (None where it was not measured). The
            verdict says what a right function makes of them.
    """
    measured = {100: 0.2, 200: 0.5, 300: 0.4}
    rows = [{"step": step, "seconds": 1.2 * step, "AP": measured.get(step)} for step in range(50, 301, 50)]
    try:
        reached = {wanted: _number(_called(function, rows, wanted)) for wanted in (0.3, 0.5, 0.4)}
    except TypeError as fault:
        if "NoneType" not in str(fault):
            raise
        return _wrong("Most rows hold no AP: theirs is `None`, which cannot be compared with a number. Pass them over.")
    never = function(rows, 0.9)
    if reached[0.3] == 240:
        return _wrong("Those are seconds. A minute has 60 of them.")
    if reached[0.3] == 200:
        return _wrong("That is a step. Wanted is the time: the row's seconds, in minutes.")
    if reached[0.3] == reached[0.4] == 6:
        return _wrong("That is the last row that is good enough. Wanted is the first: return as soon as you find it.")
    if reached[0.3] == 4 and reached[0.5] != 4:
        return _wrong("A row whose AP is just the wanted one has reached it: `>=`, not `>`.")
    if any(abs(value - 4) > 1e-6 for value in reached.values()):
        return _wrong(
            f"In a history with an AP of 0.2, 0.5, 0.4 after 2, 4, 6 minutes you find 0.3 at {reached[0.3]:g}."
        )
    if never is None or never is Ellipsis:
        return _wrong("Where the AP is never reached your function returns nothing. Let it return `math.inf` there.")
    if _number(never) != math.inf:
        return _wrong(f"An AP that is never reached takes `math.inf` minutes, not {_shown(never)}.")
    best = {name: max((row["AP"] or 0.0 for row in rows), default=0.0) for name, rows in histories.items()}
    able = [name for name in best if best[name] >= 0.1]
    if not able:
        return _right("None of the runs at hand comes to an AP of 0.1, so there is nothing to compare.")
    wanted = math.floor(100 * min(best[name] for name in able)) / 100
    told = (f"{untrusted.markdown(name)}: {function(histories[name], wanted):.1f}" for name in able)
    return _right(f"Minutes until an AP of {wanted:.2f}, which each of these reaches: {'; '.join(told)}.")


WIDEST = 0.8
"""An interval of APs that is wider says almost nothing."""


@check
def interval(answer: object, truth: float | None) -> Verdict:
    """Judge a prediction by the AP that was measured.

    Args:
        answer: Two numbers between which the AP is expected, the lower one first.
        truth: The AP; None where it was not measured, and any interval that is narrow enough is right.
    """
    low, high = _array(answer, (2,))
    if not 0 <= low <= high <= 1:
        return _wrong("An AP lies between 0 and 1, and the lower number comes first.")
    if high - low > WIDEST:
        return _wrong(f"From {low:.2f} to {high:.2f} is nearly everything an AP can be. Dare to say more.")
    if truth is None:
        return _right(
            f"As far as anybody can say here: you bet on {low:.2f} to {high:.2f}, and no longer run is recorded to "
            "check that by. `make record` makes it."
        )
    if not low <= truth <= high:
        return _wrong(f"It reached **{truth:.2f}**, {'more' if truth > high else 'less'} than you expected. Why?")
    return _right(
        f"It reached **{truth:.2f}**, and you said from {low:.2f} to {high:.2f}. Would you dare closer numbers now?"
    )


WHOLE = 1.01
"""So far off may be who counts whole photos, rounded up: of 100.00000001 that makes 101."""


@check
def photos_needed(function: object) -> Verdict:
    """Judge a function that reads off a ladder, [(photos, AP)], how many photos a wanted AP takes."""
    rungs = [(10, 0.1), (100, 0.3), (1000, 0.5)]
    at_rung, between = (_number(_called(function, rungs, wanted)) for wanted in (0.3, 0.4))
    beyond = function(rungs, 0.6)
    if abs(between - 550) <= WHOLE:
        return _wrong("You went straight from 100 to 1000 photos. The axis is logarithmic: interpolate the logarithms.")
    if abs(between - math.log(10**2.5)) < 1e-3 or abs(between - 2.5) < 1e-3:
        return _wrong("That is the logarithm of the number of photos. Turn it back into a number of photos.")
    if abs(at_rung - 100) > WHOLE or abs(between - 10**2.5) > WHOLE:
        return _wrong(
            f"On the ladder {rungs} an AP of 0.3 takes 100 photos, yours says {at_rung:g}; half-way to the next rung, "
            f"at 0.4, it takes {10**2.5:.0f} on a logarithmic axis, yours says {between:g}."
        )
    if beyond is None or beyond is Ellipsis:
        return _wrong("Beyond the last rung your function returns nothing. Let it return `math.inf` there.")
    if _number(beyond) != math.inf:
        return _wrong(f"On {rungs} nobody has measured an AP of 0.6, and yours says {_shown(beyond)} photos reach it.")
    return _right("Within what was measured you interpolate, and beyond it you claim nothing.")

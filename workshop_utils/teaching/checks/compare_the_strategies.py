"""Checks of notebook `07_compare_the_strategies`: chance, time, and the number of photos."""

import math
from typing import Any

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
    """Return an answer as True or False; end the check if it is neither."""
    if not isinstance(answer, bool | np.bool_):
        raise _Judged(_wrong(f"This should be `True` or `False`, not {_shown(answer)}."))
    return bool(answer)


@check
def apart(function: object) -> Verdict:
    """Judge a function of two lists of scores that returns whether all of one list are above all of the other."""
    better, worse, between = [0.70, 0.74, 0.72], [0.30, 0.20, 0.10], [0.28, 0.55, 0.71]
    said = {name: _yes_or_no(_called(function, *lists)) for name, lists in {
        "better first": (better, worse), "worse first": (worse, better), "overlapping": (better, between),
        "overlapping, turned": (between, better), "one run": ([0.9], worse), "one run, turned": (worse, [0.9]),
    }.items()}  # fmt: skip
    if not (said["better first"] or said["worse first"]):
        return _wrong(f"All of {better} are above all of {worse}, but your function does not call them apart.")
    if said["better first"] != said["worse first"]:
        return _wrong("Your answer changes if the two lists are swapped. Either may be the better one.")
    if said["overlapping"] or said["overlapping, turned"]:
        return _wrong(
            f"{better} and {between} are not apart: {max(between)} is above {min(better)}. A higher mean is not "
            "enough; compare the lowest run of one with the highest run of the other."
        )
    if said["one run"] or said["one run, turned"]:
        return _wrong("One run alone has no spread, so we cannot tell: return `False` if a list has fewer than two.")
    return _right("If the worst run of one beats the best run of the other, chance alone hardly explains it.")


@check
def minutes_until(function: Any, histories: dict[str, list[dict[str, float | None]]]) -> Verdict:
    """Judge a function of a history and a wanted AP that returns after how many minutes it was first reached.

    Args:
        function: The function to judge.
        histories: Rows of some runs by name, with `step`, `seconds` and `AP` (None if it was not measured). The
            verdict shows what a right function returns for them.
    """
    measured = {100: 0.2, 200: 0.5, 300: 0.4}
    rows = [{"step": step, "seconds": 1.2 * step, "AP": measured.get(step)} for step in range(50, 301, 50)]
    try:
        reached = {wanted: _number(_called(function, rows, wanted)) for wanted in (0.3, 0.5, 0.4)}
    except TypeError as fault:
        if "NoneType" not in str(fault):
            raise
        return _wrong("Most rows have no AP: it is `None`, which cannot be compared with a number. Skip them.")
    never = function(rows, 0.9)
    if reached[0.3] == 240:
        return _wrong("Those are seconds. A minute has 60 of them.")
    if reached[0.3] == 200:
        return _wrong("That is a step. Return the time: the row's seconds, in minutes.")
    if reached[0.3] == reached[0.4] == 6:
        return _wrong("That is the last row that is good enough. Return the first, as soon as you find it.")
    if reached[0.3] == 4 and reached[0.5] != 4:
        return _wrong("A row whose AP equals the wanted one has reached it: `>=`, not `>`.")
    if any(abs(value - 4) > 1e-6 for value in reached.values()):
        return _wrong(
            f"In a history with an AP of 0.2, 0.5, 0.4 after 2, 4, 6 minutes you find 0.3 at {reached[0.3]:g}."
        )
    if never is None or never is Ellipsis:
        return _wrong("If the AP is never reached, your function returns nothing. It should return `math.inf`.")
    if _number(never) != math.inf:
        return _wrong(f"An AP that is never reached takes `math.inf` minutes, not {_shown(never)}.")
    best = {name: max((row["AP"] or 0.0 for row in rows), default=0.0) for name, rows in histories.items()}
    able = [name for name in best if best[name] >= 0.1]
    if not able:
        return _right("None of these runs reaches an AP of 0.1, so there is nothing to compare.")
    wanted = math.floor(100 * min(best[name] for name in able)) / 100
    minutes = (f"{untrusted.markdown(name)}: {function(histories[name], wanted):.1f}" for name in able)
    return _right(f"Minutes until an AP of {wanted:.2f}, which each of these reaches: {'; '.join(minutes)}.")


WIDEST = 0.8
"""The largest width of a predicted interval of APs. A wider one says almost nothing."""


@check
def interval(answer: object, truth: float | None) -> Verdict:
    """Judge a predicted interval by the measured AP.

    Args:
        answer: The two ends of the interval, the lower one first.
        truth: The AP. If it is None, it was not measured, and any interval that is narrow enough is right.
    """
    low, high = _array(answer, (2,))
    if not 0 <= low <= high <= 1:
        return _wrong("An AP is between 0 and 1, and the lower number comes first.")
    if high - low > WIDEST:
        return _wrong(f"From {low:.2f} to {high:.2f} covers nearly every possible AP. Make a narrower prediction.")
    if truth is None:
        return _right(
            f"You bet on {low:.2f} to {high:.2f}, and no longer run is recorded to check it. `make record` adds one."
        )
    if not low <= truth <= high:
        return _wrong(f"It reached **{truth:.2f}**, {'more' if truth > high else 'less'} than you predicted. Why?")
    return _right(
        f"It reached **{truth:.2f}**, and you said {low:.2f} to {high:.2f}. Would you bet on closer numbers now?"
    )


WHOLE = 1.01
"""Tolerance for answers that are rounded up to whole photos: 100.00000001 becomes 101."""


@check
def photos_needed(function: Any) -> Verdict:
    """Judge a function that reads from measured points, [(photos, AP)], how many photos the wanted AP takes."""
    points = [(10, 0.1), (100, 0.3), (1000, 0.5)]
    at_point, between = (_number(_called(function, points, wanted)) for wanted in (0.3, 0.4))
    beyond = function(points, 0.6)
    if abs(between - 550) <= WHOLE:
        return _wrong("You interpolated the numbers 100 and 1000. The axis is logarithmic: interpolate the logarithms.")
    if abs(between - math.log(10**2.5)) < 1e-3 or abs(between - 2.5) < 1e-3:
        return _wrong("That is the logarithm of the number of photos. Turn it back into a number of photos.")
    if abs(at_point - 100) > WHOLE or abs(between - 10**2.5) > WHOLE:
        return _wrong(
            f"With {points}, an AP of 0.3 takes 100 photos; your function returns {at_point:g}. Half-way to the next "
            f"point, at 0.4, it takes {10**2.5:.0f} on a logarithmic axis; your function returns {between:g}."
        )
    if beyond is None or beyond is Ellipsis:
        return _wrong("Beyond the last point your function returns nothing. It should return `math.inf`.")
    if _number(beyond) != math.inf:
        return _wrong(f"In {points} no one measured an AP of 0.6, but your function returns {_shown(beyond)} photos.")
    return _right("You interpolate between measurements, and claim nothing beyond them.")

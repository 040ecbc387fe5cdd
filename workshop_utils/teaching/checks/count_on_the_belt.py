"""Checks of notebook `13_count_on_the_belt`: pairs of boxes, the counting line, the frame rate, and the cost."""

import math

import numpy as np

from workshop_utils.data import geometry
from workshop_utils.teaching.checks.answer import (
    Verdict,
    _called,
    _Judged,
    _number,
    _right,
    _shown,
    _wrong,
    check,
)


@check
def match(function: object) -> Verdict:
    """Judge a function that pairs the boxes of one frame with those of the next, by their IoU.

    Args:
        function: Takes boxes (n, 4), boxes (m, 4) and the least IoU of a pair; returns pairs of positions.
    """
    row = np.array([_cup(0), _cup(2), _cup(4)])
    moved = np.array([_cup(4.2), _cup(0.2), _cup(8)])
    said = _pairs(_called(function, row, moved, 0.3))
    if said == [(0, 0), (1, 1), (2, 2)]:
        return _wrong("Your function pairs equal positions. The order of the boxes can change from frame to frame.")
    if any(second == 2 for _, second in said):
        return _wrong("One of your pairs has a box that overlaps nothing. A pair's IoU must be at least `least`.")
    if said != [(0, 1), (2, 0)]:
        return _wrong(f"Two cups moved a little, so the pairs are (0, 1) and (2, 0); yours are {_shown(said)}.")
    close = np.array([_cup(0), _cup(0.5)])
    ahead = np.array([_cup(0.4)])
    said = _pairs(_called(function, close, ahead, 0.3))
    if said == [(0, 0), (1, 0)]:
        return _wrong("Two cups of the first frame got the same box of the second. Each box is in at most one pair.")
    if said == [(0, 0)]:
        return _wrong("The box goes to the cup with the highest IoU, not to the first whose IoU is high enough.")
    if said != [(1, 0)]:
        return _wrong(
            f"Of two cups that could have one box, the second overlaps it most; your pairs are {_shown(said)}."
        )
    for first, second in ((row[:0], moved), (row, moved[:0])):
        if _pairs(_called(function, first, second, 0.3)):
            return _wrong("If one of the frames has no boxes, there are no pairs.")
    return _right("Each box has at most one partner, and the pairs that overlap most come first.")


def _cup(place: float) -> tuple[float, float, float, float]:
    """Return the box of a cup, one unit wide and high, `place` units from the left."""
    return (0.0, place, 1.0, place + 1.0)


def _pairs(answer) -> list[tuple[int, int]]:
    """Return an answer as a sorted list of pairs of integers; end the check if it is not one."""
    try:
        numbers = np.asarray(list(answer), float).reshape(-1, 2)
    except (TypeError, ValueError):
        numbers = np.array([[math.nan, math.nan]])
    if not all(float(number).is_integer() for number in numbers.ravel()):
        raise _Judged(_wrong(f"This should be a list of pairs, such as `[(0, 1), (2, 0)]`, not {_shown(answer)}."))
    return sorted((int(first), int(second)) for first, second in numbers)


@check
def side(function: object) -> Verdict:
    """Judge a function that says on which side of a line a point lies.

    Args:
        function: Takes x, y and a line (x1, y1, x2, y2), all in pixels; returns a number that is positive on one side
            of the line, negative on the other, and 0 on it.
    """
    rng = np.random.default_rng(13)
    for _ in range(20):
        x1, y1, x2, y2 = line = tuple(float(value) for value in rng.integers(0, 400, 4))
        x, y = (float(value) for value in rng.integers(0, 400, 2))
        wanted = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)
        answer = _number(_called(function, x, y, line))
        if np.sign(answer) == np.sign(wanted):
            continue
        if np.sign(answer) == -np.sign(wanted):
            return _wrong(
                f"For the point ({x:g}, {y:g}) and the line {line} the sign is reversed. Swap the two products."
            )
        return _wrong(f"For the point ({x:g}, {y:g}) and the line {line} this should be {wanted:g}, not {answer:g}.")
    on_it = _number(_called(function, 2.0, 2.0, (0.0, 0.0, 4.0, 4.0)))
    if on_it:
        return _wrong(f"The point (2, 2) is on the line from (0, 0) to (4, 4). This should be 0, not {on_it:g}.")
    return _right("A cup crosses the line when this number changes its sign between two frames.")


@check
def slowest_rate(answer: object, width: float, speed: float, least: float) -> Verdict:
    """Judge at how many frames per second an object's boxes in two frames still overlap with the IoU `least`.

    Args:
        answer: The frames per second to judge.
        width: The width of a box in pixels.
        speed: How far the object moves, in pixels per second.
        least: The IoU that a pair must have.
    """
    rate, wanted = _number(answer), speed * (1 + least) / (width * (1 - least))
    if np.isclose(rate, wanted, rtol=0.01):
        shift = speed / rate
        overlap = geometry.iou(np.array([(0.0, 0.0, 1.0, width)]), np.array([(0.0, shift, 1.0, width + shift)]))[0, 0]
        return _right(f"At {rate:.1f} frames per second a cup moves {shift:.0f} pixels, and the IoU is {overlap:.2f}.")
    if np.isclose(rate, 1 / wanted, rtol=0.01):
        return _wrong("Those are the seconds from one frame to the next. How many frames is that per second?")
    if np.isclose(rate, speed * (1 - least) / (width * (1 + least)), rtol=0.01):
        return _wrong("You divide by the largest shift the wrong way round: a higher IoU allows a smaller shift.")
    if np.isclose(rate, speed / (width * (1 - least)), rtol=0.01):
        return _wrong("You divide the overlap by the width of one box. The IoU divides it by the union of both.")
    if np.isclose(rate, speed / width, rtol=0.01):
        return _wrong("At that rate a cup moves by its whole width, and the boxes no longer overlap.")
    return _wrong(f"At {rate:.4g} frames per second a cup moves {_shift(speed, rate)} pixels. Which IoU do you need?")


def _shift(speed: float, rate: float) -> str:
    return f"{speed / rate:.4g}" if rate > 0 else "an impossible number of"


@check
def cups_miscounted(answer: object, crossed: int, seconds: float, error: float, hours: float) -> Verdict:
    """Judge how many cups a shift miscounts.

    Args:
        answer: The number of cups to judge.
        crossed: The cups that crossed the line in the film.
        seconds: The length of the film.
        error: The counting error, a fraction of the cups.
        hours: The length of the shift.
    """
    cups, wanted = _number(answer), crossed / seconds * 3600 * hours * error
    if np.isclose(cups, wanted, rtol=0.01, atol=0.5):
        return _right(f"{cups:,.0f} cups in {hours:g} hours, if the belt stays as full as in the film.")
    if np.isclose(cups, wanted / 60, rtol=0.01) or np.isclose(cups, wanted / 3600, rtol=0.01):
        return _wrong("An hour has 3,600 seconds.")
    if np.isclose(cups, wanted / hours, rtol=0.01):
        return _wrong(f"That is one hour. The shift has {hours:g}.")
    if error and np.isclose(cups, wanted / error, rtol=0.01):
        return _wrong("Those are all cups of the shift. How many of them are miscounted?")
    return _wrong(f"{crossed} cups in {seconds:.1f} seconds are {crossed / seconds:.2f} per second. Go on from there.")

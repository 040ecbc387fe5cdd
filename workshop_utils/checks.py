"""What a participant's answer to an exercise must satisfy. Each check says why an answer is wrong.

A check takes the answer first, then what it needs to judge it, and returns a `Verdict`, which shows itself below the
cell. Whatever the answer is, and whatever a participant's function does, a check does not raise: Run All goes on. Only
where WORKSHOP_STRICT is set, as in the tests of the solved notebooks, an answer that is not right is an error.
"""

import collections
import dataclasses
import functools
import itertools
import math
import os

import numpy as np

from workshop_utils import guards, nms
from workshop_utils.errors import WorkshopError

STRICT = "WORKSHOP_STRICT"


class NotRight(WorkshopError, AssertionError):
    """An answer that is open or wrong, where only right ones are wanted."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a check says of an answer. `right` is None where there is no answer yet."""

    right: bool | None
    words: str

    def _repr_markdown_(self) -> str:
        return f"{self._mark()} {self.words}"

    def __repr__(self) -> str:
        return f"{self._mark().strip('*')} {self.words}"

    def _mark(self) -> str:
        return {True: "**Right.**", False: "**Not yet.**", None: "**Open.**"}[self.right]


class _Judged(Exception):
    """Ends a check with a verdict."""


def check(function):
    """Make a check of a function that returns a Verdict: it takes any answer, and never raises."""

    @functools.wraps(function)
    def judged(answer, *known, **more) -> Verdict:
        try:
            verdict = _open() if answer is Ellipsis else function(answer, *known, **more)
        except _Judged as end:
            (verdict,) = end.args
        except Exception as fault:
            said = guards.markdown(f"{type(fault).__name__}: {fault}")
            verdict = _wrong(f"Your answer ends with an error: {said}")
        if os.environ.get(STRICT) and not verdict.right:
            raise NotRight(f"{function.__name__}: {verdict!r}")
        return verdict

    return judged


def _right(words: str) -> Verdict:
    return Verdict(True, words)


def _wrong(words: str) -> Verdict:
    return Verdict(False, words)


def _open() -> Verdict:
    return Verdict(None, "Replace the `...` by your answer and run this cell again.")


def _number(answer) -> float:
    """Return an answer as a number; ends the check where it is none."""
    if isinstance(answer, bool) or not np.isscalar(answer) or isinstance(answer, str | bytes):
        raise _Judged(_wrong(f"A number is wanted here, not {_shown(answer)}."))
    return float(answer)


def _called(function, *arguments):
    """Return what a participant's function returns; ends the check where it is no function or returns nothing yet."""
    if not callable(function):
        raise _Judged(_wrong(f"A function is wanted here, not {_shown(function)}."))
    result = function(*arguments)
    if result is None or result is Ellipsis:
        raise _Judged(_open())
    return result


def _array(answer, shape: tuple[int, ...]) -> np.ndarray:
    """Return an answer as an array of a shape; ends the check where it is none."""
    try:
        array = np.asarray(answer, float)
    except (TypeError, ValueError):
        raise _Judged(_wrong(f"{_times(shape)} numbers are wanted here, not {_shown(answer)}.")) from None
    if array.shape != shape:
        raise _Judged(_wrong(f"{_times(shape)} numbers are wanted here; yours are {_times(array.shape) or 'one'}."))
    return array


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _shown(answer) -> str:
    """Return an answer as it can stand in a sentence, however long it is and whatever it holds."""
    text = repr(answer)
    return guards.markdown(text if len(text) <= 60 else f"{text[:57]}...")


# 00 · Start here


# 01 · Why transfer learning


# 02 · Label images


# 03 · Build the pipeline


# 04 · Fine-tune


# 05 · Use as is


# 06 · Random init


# 07 · Compare the strategies


def _yes_or_no(answer) -> bool:
    """Return an answer as True or False; ends the check where it is neither."""
    if not isinstance(answer, bool | np.bool_):
        raise _Judged(_wrong(f"`True` or `False` is wanted here, not {_shown(answer)}."))
    return bool(answer)


@check
def apart(function) -> Verdict:
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
def minutes_until(function, histories: dict[str, list[dict]]) -> Verdict:
    """Judge a function of a history and a wanted AP: after how many minutes was it first reached?"""
    measured = {100: 0.2, 200: 0.5, 300: 0.4}
    rows = [{"step": step, "seconds": 1.2 * step, "AP": measured.get(step)} for step in range(50, 301, 50)]
    try:
        reached = {wanted: _number(_called(function, rows, wanted)) for wanted in (0.3, 0.5, 0.4)}
    except TypeError:
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
    told = (f"{guards.markdown(name)}: {function(histories[name], wanted):.1f}" for name in able)
    return _right(f"Minutes until an AP of {wanted:.2f}, which each of these reaches: {'; '.join(told)}.")


WIDEST = 0.8
"""An interval of APs that is wider says almost nothing."""


@check
def interval(answer, truth: float | None) -> Verdict:
    """Judge a prediction, two numbers between which an AP is expected, by the AP that was measured."""
    low, high = _array(answer, (2,))
    if not 0 <= low <= high <= 1:
        return _wrong("An AP lies between 0 and 1, and the lower number comes first.")
    if high - low > WIDEST:
        return _wrong(f"From {low:.2f} to {high:.2f} is nearly everything an AP can be. Dare to say more.")
    if truth is None:
        return Verdict(None, f"From {low:.2f} to {high:.2f}, you say. No run that could tell is recorded here.")
    if not low <= truth <= high:
        return _wrong(f"It reached **{truth:.2f}**, {'more' if truth > high else 'less'} than you expected. Why?")
    return _right(
        f"It reached **{truth:.2f}**, and you said from {low:.2f} to {high:.2f}. Would you dare closer numbers now?"
    )


@check
def photos_needed(function) -> Verdict:
    """Judge a function that reads off a ladder, [(photos, AP)], how many photos a wanted AP takes."""
    rungs = [(10, 0.1), (100, 0.3), (1000, 0.5)]
    at_rung, between = (_number(_called(function, rungs, wanted)) for wanted in (0.3, 0.4))
    beyond = function(rungs, 0.6)
    if abs(between - 550) < 1:
        return _wrong("You went straight from 100 to 1000 photos. The axis is logarithmic: interpolate the logarithms.")
    if abs(between - math.log(10**2.5)) < 1e-3 or abs(between - 2.5) < 1e-3:
        return _wrong("That is the logarithm of the number of photos. Turn it back into a number of photos.")
    if abs(at_rung - 100) > 0.5 or abs(between - 10**2.5) > 0.5:
        return _wrong(
            f"On the ladder {rungs} an AP of 0.3 takes 100 photos, yours says {at_rung:g}; half-way to the next rung, "
            f"at 0.4, it takes {10**2.5:.0f} on a logarithmic axis, yours says {between:g}."
        )
    if beyond is None or beyond is Ellipsis:
        return _wrong("Beyond the last rung your function returns nothing. Let it return `math.inf` there.")
    if _number(beyond) != math.inf:
        return _wrong(f"On {rungs} nobody has measured an AP of 0.6, and yours says {_shown(beyond)} photos reach it.")
    return _right("Within what was measured you interpolate, and beyond it you claim nothing.")


# 08 · Export the checkpoint


# 09 · Detect and classify


@check
def once(function, boxes) -> Verdict:
    """Judge a function of one photo's boxes, the surest first, that returns which stay where each object is left once.

    It is tried on boxes that are made up, then on `boxes` of the detector.
    """
    row = np.array([(0.0, 0.1 * left, 0.4, 0.1 * left + 0.4) for left in (0, 0.9, 1.8, 6)], np.float32)
    said = _places(_called(function, row))
    if said == [0, 3]:
        return _wrong(
            "The third box overlaps only the second, and that one is dropped, so the third stays. Compare with the "
            "boxes that stayed, not with all that came before."
        )
    if said == [0, 1, 2, 3]:
        return _wrong("Your function drops nothing, although the second box overlaps the first by more than 0.6.")
    if said != [0, 2, 3]:
        return _wrong(
            "Of four boxes in a row, of which the second overlaps the first and the third, 0, 2 and 3 stay; "
            f"yours leaves {said}."
        )
    apart = np.array([(0, 0, 0.4, 0.4), (0, 0.15, 0.4, 0.55)], np.float32)
    if _places(_called(function, apart)) != [0, 1]:
        return _wrong("Two boxes that overlap by an IoU of 0.45 are two cups, one before the other: both stay.")
    boxes = np.asarray(boxes)
    ours, theirs = _places(_called(function, boxes)), nms.once(boxes, np.linspace(1, 0.5, len(boxes)), SAME)
    if ours != theirs:
        return _wrong(f"On the photo of section 2 other boxes stay: {_shown(ours)} instead of {_shown(theirs)}.")
    return _right(f"Of {len(boxes)} boxes {len(ours)} stay, the same as `inference.once` leaves.")


SAME = 0.6
"""Boxes that overlap by a larger IoU are one object: detector.NMS_IOU, which would bring in TensorFlow."""


def _places(answer) -> list[int]:
    """Return an answer as a list of whole numbers, rising; ends the check where it is none."""
    try:
        numbers = np.asarray(answer, float).ravel()
    except (TypeError, ValueError):
        numbers = np.array([math.nan])
    if not all(float(number).is_integer() for number in numbers):
        raise _Judged(_wrong(f"A list of places is wanted here, such as `[0, 2]`, not {_shown(answer)}."))
    return sorted(int(number) for number in numbers)


@check
def cheapest(answer, rows: list[dict], missed: float, wrong: float) -> Verdict:
    """Judge the threshold at which cups that are not found and boxes that are wrong cost least together."""
    thresholds = np.array([row["threshold"] for row in rows])
    place = int(np.argmin(np.abs(thresholds - _number(answer))))
    if not abs(thresholds[place] - answer) <= np.ptp(thresholds) / len(thresholds) / 2:
        return _wrong(f"The thresholds run from {thresholds.min():.2f} to {thresholds.max():.2f}; give one of them.")

    def costs(missed, wrong):
        return [missed * (row["labelled"] - row["right"]) + wrong * (row["found"] - row["right"]) for row in rows]

    cost, least = costs(missed, wrong), min(costs(missed, wrong))
    at_best = cost[max(range(len(rows)), key=lambda each: rows[each]["F1"])]
    if cost[place] == least:
        return _right(f"It costs {least:g} cents. The threshold where F1 is best would cost {at_best:g}.")
    said = f"There it costs {cost[place]:g} cents, and elsewhere {least:g}."
    if rows[place]["F1"] == max(row["F1"] for row in rows):
        return _wrong(f"{said} That is where F1 is best, for which both mistakes are equally bad.")
    if costs(wrong, missed)[place] == min(costs(wrong, missed)):
        return _wrong(f"{said} You have exchanged the two prices.")
    if cost[place] == max(cost):
        return _wrong(f"{said} That is the most it can cost.")
    return _wrong(said)


@check
def precision_and_recall(function) -> Verdict:
    """Judge a function of a confusion table, {(label, said): number}, that returns precision and recall."""
    table = collections.Counter({
        ("peach", "peach"): 6, ("peach", "vanilla"): 2, ("peach", "missed"): 1, ("vanilla", "vanilla"): 3,
        ("vanilla", "missed"): 3, ("invented", "peach"): 4, ("invented", "vanilla"): 1,
    })  # fmt: skip
    precision, recall = _array(_called(function, table), (2,))
    if np.allclose((precision, recall), (9 / 16, 9 / 15)):
        return _right("Precision asks how many boxes are right, recall how many cups are found under their name.")
    if np.allclose((precision, recall), (9 / 15, 9 / 16)):
        return _wrong("Those are the right two numbers the wrong way round: precision comes first.")
    if np.allclose((precision, recall), (900 / 16, 900 / 15)):
        return _wrong("Those are percentages. Wanted are fractions between 0 and 1.")
    if np.isclose(precision, 9 / 20) or np.isclose(recall, 9 / 20):
        return _wrong("You divide by all outcomes. A missed cup is no box, and an invented box is no cup.")
    if np.isclose(precision, 9 / 14) or np.isclose(recall, 9 / 13):
        return _wrong("A cup under a wrong name counts twice: its box is wrong, and the cup is not found.")
    if np.isclose(precision, 11 / 16) or np.isclose(recall, 11 / 15):
        return _wrong("A peach that is called vanilla is not right. Right is only what stands on the diagonal.")
    wanted = "precision 9 / 16 and recall 9 / 15"
    return _wrong(
        f"With 9 right of 16 boxes and of 15 cups, {wanted} are wanted; yours are {precision:.2f}, {recall:.2f}."
    )


@check
def pair_to_label(answer, table: dict[tuple[str, str], int], flavours: list[str]) -> Verdict:
    """Judge which two flavours are confused with one another most often, both ways together."""
    if isinstance(answer, str) or not all(isinstance(each, str) for each in answer) or len(set(answer)) != 2:
        return _wrong(f"Two different flavours are wanted here, not {_shown(answer)}.")
    if strangers := sorted(set(answer) - set(flavours)):
        return _wrong(f"{_shown(strangers[0])} is no flavour. Wanted are two that are taken for one another.")

    def both_ways(two) -> int:
        one, other = two
        return table.get((one, other), 0) + table.get((other, one), 0)

    most = max(both_ways(two) for two in itertools.combinations(flavours, 2))
    said = f"{' and '.join(map(guards.markdown, sorted(answer)))} are confused {both_ways(answer)} times"
    if both_ways(answer) == most:
        return _right(
            f"{said}, no other two more often." if most else "No two flavours are confused here, so any will do."
        )
    if max(table.get(tuple(two), 0) for two in (answer, answer[::-1])) == max(
        table.get(two, 0) for two in itertools.permutations(flavours, 2)
    ):
        return _wrong(f"{said}, others {most} times. You looked at one direction; add both.")
    return _wrong(f"{said}, others {most} times.")


# 10 · Your own data


# 11 · Scale out

"""Checks of notebook `09_detect_and_classify`: one box for each cup, which mistakes there are, what they cost."""

import collections
import itertools
import math
from typing import Any

import numpy as np

from workshop_utils.core import untrusted
from workshop_utils.model import nms
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


@check
def once(function: object, boxes: np.ndarray) -> Verdict:
    """Judge a function of one photo's boxes (n, 4), best first, that returns which to keep so that no object has two.

    Args:
        function: The function to judge; it returns positions in the list. It is tried on made-up boxes first.
        boxes: The boxes that a detector found on one photo, (n, 4), best first.
    """
    row = np.array([(0.0, 0.1 * left, 0.4, 0.1 * left + 0.4) for left in (0, 0.9, 1.8, 6)], np.float32)
    said = _places(_called(function, row))
    if said == [0, 3]:
        return _wrong(
            "The third box overlaps only the second, which is dropped, so the third stays. Compare with the boxes that "
            "you keep, not with all boxes before."
        )
    if said == [0, 1, 2, 3]:
        return _wrong("Your function drops nothing, although the second box overlaps the first with an IoU above 0.6.")
    if said != [0, 2, 3]:
        return _wrong(
            "Of four boxes in a row, the second overlaps the first and the third, so 0, 2 and 3 stay; your function "
            f"keeps {said}."
        )
    apart = np.array([(0, 0, 0.4, 0.4), (0, 0.15, 0.4, 0.55)], np.float32)
    if _places(_called(function, apart)) != [0, 1]:
        return _wrong("Two boxes that overlap with an IoU of 0.45 are two cups, one in front of the other: both stay.")
    boxes = np.asarray(boxes)
    ours, theirs = (
        _places(_called(function, boxes)),
        nms.suppress_across_classes(boxes, np.linspace(1, 0.5, len(boxes)), SAME),
    )
    if ours != theirs:
        return _wrong(f"On the photo of section 2 other boxes stay: {_shown(ours)} instead of {_shown(theirs)}.")
    return _right(f"Of {len(boxes)} boxes {len(ours)} stay, the same as `runtime.suppress_across_classes` leaves.")


SAME = nms.NMS_IOU
"""Boxes with a larger IoU are one object."""


def _places(answer) -> list[int]:
    """Return an answer as a sorted list of integers; end the check if it is not one."""
    try:
        numbers = np.asarray(answer, float).ravel()
    except (TypeError, ValueError):
        numbers = np.array([math.nan])
    if not all(float(number).is_integer() for number in numbers):
        raise _Judged(_wrong(f"This should be a list of positions, such as `[0, 2]`, not {_shown(answer)}."))
    return sorted(int(number) for number in numbers)


@check
def cheapest(answer: object, rows: list[dict[str, float]], missed: float, wrong: float) -> Verdict:
    """Judge at which score threshold all mistakes together cost least.

    Args:
        answer: The threshold to judge.
        rows: The result of `mistakes.sweep`.
        missed: The cost of a cup that is not found, in cents.
        wrong: The cost of a wrong box, in cents.
    """
    thresholds = np.array([row["threshold"] for row in rows])
    place = int(np.argmin(np.abs(thresholds - _number(answer))))
    if not abs(thresholds[place] - answer) <= np.ptp(thresholds) / len(thresholds) / 2:
        return _wrong(f"The thresholds go from {thresholds.min():.2f} to {thresholds.max():.2f}; choose one of them.")

    def costs(missed, wrong):
        return [missed * (row["labelled"] - row["right"]) + wrong * (row["found"] - row["right"]) for row in rows]

    cost, least = costs(missed, wrong), min(costs(missed, wrong))
    at_best = cost[max(range(len(rows)), key=lambda each: rows[each]["F1"])]
    if cost[place] == least:
        return _right(f"It costs {least:g} cents. The threshold with the best F1 would cost {at_best:g}.")
    said = f"There it costs {cost[place]:g} cents, and elsewhere {least:g}."
    if rows[place]["F1"] == max(row["F1"] for row in rows):
        return _wrong(f"{said} That is the threshold with the best F1, which treats both mistakes as equally bad.")
    if costs(wrong, missed)[place] == min(costs(wrong, missed)):
        return _wrong(f"{said} You have swapped the two prices.")
    if cost[place] == max(cost):
        return _wrong(f"{said} That is the most it can cost.")
    return _wrong(said)


@check
def precision_and_recall_of(function: object) -> Verdict:
    """Judge a function that returns precision and recall of a confusion table, {(label, said): number}."""
    table = collections.Counter({
        ("peach", "peach"): 6, ("peach", "vanilla"): 2, ("peach", "missed"): 1, ("vanilla", "vanilla"): 3,
        ("vanilla", "missed"): 3, ("invented", "peach"): 4, ("invented", "vanilla"): 1,
    })  # fmt: skip
    precision, recall = _array(_called(function, table), (2,))
    if np.allclose((precision, recall), (9 / 16, 9 / 15)):
        return _right("Precision is the share of boxes that are right, recall of cups that are found.")
    if np.allclose((precision, recall), (9 / 15, 9 / 16)):
        return _wrong("Those are the right numbers the wrong way round: precision comes first.")
    if np.allclose((precision, recall), (900 / 16, 900 / 15)):
        return _wrong("Those are percentages. Return fractions between 0 and 1.")
    if np.isclose(precision, 9 / 20) or np.isclose(recall, 9 / 20):
        return _wrong("You divide by all outcomes. A missed cup is not a box, and an invented box is not a cup.")
    if np.isclose(precision, 9 / 14) or np.isclose(recall, 9 / 13):
        return _wrong("A cup with a wrong name counts twice: its box is wrong, and the cup is not found.")
    if np.isclose(precision, 11 / 16) or np.isclose(recall, 11 / 15):
        return _wrong("A peach that is called vanilla is not right. Only the diagonal is right.")
    return _wrong(
        "With 9 right of 16 boxes and of 15 cups, precision is 9 / 16 and recall 9 / 15; yours are "
        f"{precision:.2f}, {recall:.2f}."
    )


@check
def pair_to_label(answer: Any, table: dict[tuple[str, str], int], flavours: list[str]) -> Verdict:
    """Judge which two flavours are confused most often, in both directions together.

    Args:
        answer: Two names.
        table: How often a cup of one flavour got the name of another, {(label, said): number}.
        flavours: All names.
    """
    if isinstance(answer, str) or not all(isinstance(each, str) for each in answer) or len(set(answer)) != 2:
        return _wrong(f"Your answer should be two different flavours, not {_shown(answer)}.")
    answer = tuple(answer)
    if unknown := sorted(set(answer) - set(flavours)):
        return _wrong(f"{_shown(unknown[0])} is not a flavour. Name two that are mistaken for each other.")

    def both_ways(two) -> int:
        one, other = two
        return table.get((one, other), 0) + table.get((other, one), 0)

    most = max(both_ways(two) for two in itertools.combinations(flavours, 2))
    said = f"{' and '.join(map(untrusted.markdown, sorted(answer)))} are confused {both_ways(answer)} times"
    if both_ways(answer) == most:
        return _right(
            f"{said}, no other pair more often." if most else "No two flavours are confused here, so any pair is right."
        )
    if max(table.get(tuple(two), 0) for two in (answer, answer[::-1])) == max(
        table.get(two, 0) for two in itertools.permutations(flavours, 2)
    ):
        return _wrong(f"{said}, others {most} times. You counted one direction; add both.")
    return _wrong(f"{said}, others {most} times.")

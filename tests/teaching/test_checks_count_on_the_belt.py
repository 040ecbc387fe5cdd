"""Verdicts of the checks of notebook `13_count_on_the_belt` on right, wrong and missing answers."""

import numpy as np
import pytest
from verdicts import ABSURD, each_explained, is_open, right

from workshop_utils.data import geometry
from workshop_utils.teaching import checks

RATE = {"width": 60.0, "speed": 180.0, "least": 0.3}
SHIFT = {"crossed": 25, "seconds": 9.4, "error": 0.04, "hours": 8.0}


def pairs(before, boxes, least):
    """Pair the boxes as the notebook's own tracker does."""
    return [(first, second) for first, second, _ in geometry.pair(geometry.iou(before, boxes), least)]


def side(x, y, line):
    x1, y1, x2, y2 = line
    return (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)


def test_the_pairs_of_two_frames_are_checked():
    assert right(checks.match(pairs))
    assert is_open(checks.match(...)) and is_open(checks.match(lambda before, boxes, least: ...))

    def all_that_overlap(before, boxes, least):
        return [tuple(each) for each in np.argwhere(geometry.iou(before, boxes) >= least)]

    def first_come(before, boxes, least):
        found = {}
        for first, second in all_that_overlap(before, boxes, least):
            found.setdefault(second, first)
        return [(first, second) for second, first in found.items()]

    assert each_explained(
        {
            "equal positions": checks.match(lambda before, boxes, least: [(0, 0), (1, 1), (2, 2)]),
            "overlaps nothing": checks.match(lambda before, boxes, least: [(0, 1), (2, 0), (1, 2)]),
            "moved a little": checks.match(lambda before, boxes, least: [(0, 1)]),
            "at most one pair": checks.match(all_that_overlap),
            "highest IoU": checks.match(first_come),
            "list of pairs": checks.match(lambda before, boxes, least: [(0.5, 1)]),
            "TypeError": checks.match(lambda before, boxes: []),
        }
    )


def test_the_side_of_a_line_is_checked():
    assert right(checks.side(side)) and right(checks.side(lambda x, y, line: float(np.sign(side(x, y, line)))))
    assert is_open(checks.side(...))
    assert each_explained(
        {
            "swap": checks.side(lambda x, y, line: -side(x, y, line)),
            "should be": checks.side(lambda x, y, line: 0),
            "on the line": checks.side(lambda x, y, line: side(x, y, line) or 1),
        }
    )


def test_the_slowest_frame_rate_is_checked():
    wanted = 180 * 1.3 / (60 * 0.7)
    assert right(checks.slowest_rate(wanted, **RATE))
    assert is_open(checks.slowest_rate(..., **RATE))
    assert each_explained(
        {
            "seconds from": checks.slowest_rate(1 / wanted, **RATE),
            "wrong way round": checks.slowest_rate(180 * 0.7 / (60 * 1.3), **RATE),
            "union": checks.slowest_rate(180 / (60 * 0.7), **RATE),
            "whole width": checks.slowest_rate(3, **RATE),
            "Which IoU": [checks.slowest_rate(100, **RATE), checks.slowest_rate(-1, **RATE)],
        }
    )


def test_the_cups_that_a_shift_miscounts_are_checked():
    wanted = 25 / 9.4 * 3600 * 8 * 0.04
    assert right(checks.cups_miscounted(wanted, **SHIFT)) and right(checks.cups_miscounted(round(wanted), **SHIFT))
    assert is_open(checks.cups_miscounted(..., **SHIFT))
    assert right(checks.cups_miscounted(0, **{**SHIFT, "error": 0.0})), "a perfect count costs nothing"
    assert each_explained(
        {
            "3,600": checks.cups_miscounted(wanted / 60, **SHIFT),
            "one hour": checks.cups_miscounted(wanted / 8, **SHIFT),
            "all cups": checks.cups_miscounted(wanted / 0.04, **SHIFT),
            "per second": checks.cups_miscounted(1, **SHIFT),
        }
    )


@pytest.mark.parametrize("answer", ABSURD.values(), ids=ABSURD)
def test_no_absurd_answer_about_counting_is_right(answer):
    for verdict in (
        checks.match(answer),
        checks.side(answer),
        checks.slowest_rate(answer, **RATE),
        checks.cups_miscounted(answer, **SHIFT),
    ):
        assert not verdict.right and "<script>" not in verdict._repr_markdown_()

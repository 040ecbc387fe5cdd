"""Verdicts of the checks of notebook `00_start_here` on right, wrong and missing answers."""

import numpy as np
import pytest
from verdicts import ABSURD, each_explained, is_open, right

from workshop_utils.teaching import checks

SCORES = np.array([0.9, 0.7, 0.6, 0.4, 0.35, 0.1] + [0.0] * 94, np.float32)
BOX, WIDTH, HEIGHT = (0.25, 0.5, 0.5, 0.75), 512, 384
"""In pixels: 96, 256, 192, 384."""


def test_remaining_boxes_are_checked():
    assert right(checks.remaining(3, SCORES, 0.6)) and right(checks.remaining(np.int64(3), SCORES, 0.6))
    assert is_open(checks.remaining(..., SCORES, 0.6))
    assert each_explained(
        {
            "below": checks.remaining(97, SCORES, 0.6),
            "at all": [checks.remaining(100, SCORES, 0.6), checks.remaining(6, SCORES, 0.6)],
            "How *many*": checks.remaining(0.9, SCORES, 0.6),
            "at least": checks.remaining(5, SCORES, 0.6),
            "A number is wanted": checks.remaining(SCORES >= 0.6, SCORES, 0.6),
        }
    )


def test_the_pixels_of_a_box_are_checked():
    assert right(checks.pixels([96, 256, 192, 384], BOX, WIDTH, HEIGHT)) and is_open(checks.pixels(..., BOX, 512, 384))
    assert each_explained(
        {
            "still fractions": checks.pixels(BOX, BOX, WIDTH, HEIGHT),
            "swapped": checks.pixels((128, 192, 256, 288), BOX, WIDTH, HEIGHT),
            "order": checks.pixels((256, 96, 384, 192), BOX, WIDTH, HEIGHT),
            "lower and its right edge": checks.pixels((96, 256, 96, 128), BOX, WIDTH, HEIGHT),
            "its own size": checks.pixels((75, 150, 150, 225), BOX, WIDTH, HEIGHT),
            "Multiply": checks.pixels((1, 2, 3, 4), BOX, WIDTH, HEIGHT),
            "4 numbers": checks.pixels([96, 256], BOX, WIDTH, HEIGHT),
        }
    )


@pytest.mark.parametrize("answer", ABSURD.values(), ids=ABSURD)
def test_no_absurd_answer_in_notebook_00_raises_or_is_right(answer):
    assert not right(checks.remaining(answer, SCORES, 0.6)) and not right(checks.pixels(answer, BOX, WIDTH, HEIGHT))

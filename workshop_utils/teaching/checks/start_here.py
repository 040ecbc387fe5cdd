"""Checks of notebook `00_start_here`: how many boxes pass a threshold, and a box in pixels."""

import numpy as np

from workshop_utils.teaching.checks.answer import Verdict, _array, _number, _right, _wrong, check


@check
def remaining(answer: object, scores: np.ndarray, threshold: float) -> Verdict:
    """Judge how many of one photo's scores, (100,) and padded with zeros, are at least `threshold`."""
    number, found = _number(answer), int((scores > 0).sum())
    kept = int((scores >= threshold).sum())
    if number == kept:
        return _right(f"{kept} of {found} are left. The detector did the same work: a threshold only hides boxes.")
    if number == (scores < threshold).sum():
        return _wrong(f"You counted the scores *below* {threshold}. Those boxes are removed.")
    if number in (len(scores), found):
        return _wrong(f"This is the number of all boxes. Count only the scores that are at least {threshold}.")
    if 0 < number < 1:
        return _wrong("This looks like a score. How *many* scores are at least that high?")
    return _wrong(f"Compare each of the `scores` with {threshold}, and count those that are at least that high.")


@check
def pixels(answer: object, box: np.ndarray, width: int, height: int) -> Verdict:
    """Judge the four edges of a box in pixels.

    Args:
        answer: The four edges to judge, in the order of `box`.
        box: (4,): ymin, xmin, ymax, xmax, normalised.
        width: The photo's width, in pixels.
        height: The photo's height, in pixels.
    """
    given, (top, left, bottom, right) = _array(answer, (4,)), np.asarray(box, float)

    def is_like(*edges) -> bool:
        return np.allclose(given, edges, rtol=0, atol=1)

    if is_like(top * height, left * width, bottom * height, right * width):
        across, down = (right - left) * width, (bottom - top) * height
        return _right(f"The box is {across:.0f} pixels wide and {down:.0f} tall, in a photo of {width} x {height}.")
    if is_like(top, left, bottom, right):
        return _wrong("These are still fractions. How many pixels is such a fraction of the photo's height or width?")
    if is_like(top * width, left * height, bottom * width, right * height):
        return _wrong("Height and width are swapped: ymin and ymax are measured along the photo's height.")
    if is_like(left * width, top * height, right * width, bottom * height):
        return _wrong("The pixels are right, but not their order: a box starts with ymin here.")
    if is_like(top * height, left * width, (bottom - top) * height, (right - left) * width):
        return _wrong("The last two are the box's height and width. They should be its lower and its right edge.")
    if is_like(*(300 * edge for edge in (top, left, bottom, right))):
        return _wrong(f"The network sees 300 x 300 pixels, but this photo has {width} x {height}: use its own size.")
    return _wrong("Multiply ymin and ymax by the photo's height, xmin and xmax by its width.")

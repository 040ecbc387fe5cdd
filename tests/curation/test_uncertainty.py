"""The margins of objects, for detections with known scores."""

import numpy as np
import pytest

from workshop_utils.curation import uncertainty

HERE, NEXT_TO_IT, ELSEWHERE = (0.1, 0.1, 0.3, 0.3), (0.11, 0.1, 0.3, 0.3), (0.6, 0.6, 0.9, 0.9)


def detections(*rows):
    """Return boxes, classes and scores, padded as a detector pads them."""
    boxes, classes, scores = zip(*rows, ((0, 0, 0, 0), 0, 0.0))
    return np.array(boxes, np.float32), np.array(classes), np.array(scores, np.float32)


@pytest.mark.parametrize(
    ("rows", "margin"),
    [
        ([(HERE, 1, 0.99)], 0.98),
        ([(HERE, 1, 0.5)], 0.0),
        ([(HERE, 1, 0.1)], 0.8),
        ([(HERE, 1, 0.9), (HERE, 2, 0.8)], 0.1),
        ([(HERE, 1, 0.9), (NEXT_TO_IT, 2, 0.8)], 0.1),
        ([(HERE, 1, 0.9), (NEXT_TO_IT, 1, 0.8)], 0.8),
    ],
    ids=["sure", "object or background", "background", "two classes", "two classes side by side", "one class twice"],
)
def test_the_margin_of_an_object_is_that_between_its_two_most_probable_classes(rows, margin):
    objects, margins = uncertainty.margins(*detections(*rows))
    assert objects == [0] and margins == pytest.approx([margin], abs=1e-6)


def test_the_uncertainty_of_a_photo_is_the_sum_over_its_objects():
    unsure, sure = (HERE, 1, 0.5), (ELSEWHERE, 2, 0.99)
    assert uncertainty.of_photo(*detections()) == 0
    assert uncertainty.of_photo(*detections(sure)) == pytest.approx(0.02**2, abs=1e-6)
    assert uncertainty.of_photo(*detections(sure, unsure)) == pytest.approx(1 + 0.02**2, abs=1e-6)

import math

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from PIL import Image

from workshop_utils.data import photos, rotation
from workshop_utils.data.annotation import Box


@pytest.mark.parametrize(
    ("degrees", "edges"),
    [
        (0, (60, 110, 260, 130)),
        (90, (150, 20, 170, 220)),
        (180, (60, 110, 260, 130)),
        (270, (150, 20, 170, 220)),
        (-90, (150, 20, 170, 220)),
        (30, (68.4, 61.34, 251.6, 178.66)),
        (150, (68.4, 61.34, 251.6, 178.66)),
    ],
)
def test_the_box_around_a_turned_one_touches_its_corners(degrees, edges):
    assert rotation.enclosing_box((160, 120), (200, 20), math.radians(degrees)) == pytest.approx(edges, abs=0.01)


@hypothesis.given(st.floats(-50, 50), st.floats(1, 300), st.floats(1, 300), st.floats(-10, 10))
def test_the_box_around_a_turned_one_contains_exactly_its_corners(x, width, height, angle):
    corners = np.array([(a * width / 2, b * height / 2) for a in (-1, 1) for b in (-1, 1)])
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    turned = corners @ turn.T + (x, 7)
    edges = rotation.enclosing_box((x, 7), (width, height), angle)
    np.testing.assert_allclose(edges, [*turned.min(axis=0), *turned.max(axis=0)], atol=0.011)


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_box_turns_with_its_photo(orientation):
    stored = np.zeros((48, 64), np.uint8)
    stored[8:30, 10:40] = 255
    upright = np.asarray(Image.fromarray(stored).transpose(photos.UPRIGHT[orientation]))
    rows, columns = np.nonzero(upright)
    box = rotation.rotated(Box("cup", 10, 8, 40, 30, difficult=1), orientation, 64, 48)
    assert box == Box("cup", columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, difficult=1)

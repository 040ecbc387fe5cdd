"""Boxes in pixels of the photo and of the view."""

import dataclasses

import pytest

from workshop_utils.data.voc import Box
from workshop_utils.widgets.view import LARGEST, LabelingError, View

HALF = View((1600, 1200))
"""A photo that is shown at half its size."""


@pytest.mark.parametrize("size", [(400, 300), (1600, 1200), (300, 4000), (4000, 3), (1, 1)])
def test_a_view_fits_and_keeps_the_photos_proportions(size):
    width, height = View(size).shown
    assert width <= LARGEST[0] and height <= LARGEST[1] and (width == LARGEST[0] or height == LARGEST[1])
    assert abs(width * size[1] - height * size[0]) <= max(size)


def test_a_box_that_the_mouse_did_not_touch_keeps_every_flag():
    box = Box("peach", 11, 21, 111, 221, pose="Left", truncated=1, difficult=1)
    drawn = HALF.drawn(box)
    assert HALF.box(drawn) == box and HALF.box(drawn | {"label": "vanilla"}) == dataclasses.replace(box, name="vanilla")


def test_a_moved_box_keeps_its_other_fields_and_is_truncated_if_it_touches_an_edge():
    drawn = HALF.drawn(Box("peach", 10, 20, 110, 220, pose="Left", truncated=1, difficult=1))
    inside, outside = HALF.box(drawn | {"x": 50}), HALF.box(drawn | {"x": -20})
    assert inside == Box("peach", 100, 20, 200, 220, pose="Left", truncated=0, difficult=1)
    assert outside == Box("peach", 1, 20, 60, 220, pose="Left", truncated=1, difficult=1)


@pytest.mark.parametrize("place", [(10, 10, 0, 0), (10, 10, 2, 90), (900, 10, 40, 40), (-50, 10, 40, 40)])
def test_a_click_or_a_drag_outside_the_photo_makes_no_box(place):
    assert HALF.box({**dict(zip(("x", "y", "width", "height"), place)), "label": "peach"}) is None


@pytest.mark.parametrize(
    ("edges", "said"),
    [
        ((50, 20, 50, 60), "xmin 50 is not less than xmax 50"),
        ((10, 90, 50, 60), "ymin 90 is not less than ymax 60"),
        ((10, float("nan"), 50, 60), "ymin nan is not less than ymax 60"),
        ((1700, 20, 1800, 60), "outside the photo's 1600 pixels"),
    ],
)
def test_an_invalid_box_is_refused_by_name(edges, said):
    with pytest.raises(LabelingError, match=said):
        HALF.check(Box("peach", *edges), ["peach"])


def test_a_box_of_an_unknown_class_is_refused_and_the_known_ones_are_named():
    with pytest.raises(LabelingError, match=r"'apricot'.*peach, vanilla"):
        HALF.check(Box("apricot", 10, 20, 50, 60), ["peach", "vanilla"])

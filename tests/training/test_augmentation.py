from unittest import mock

import hypothesis
import hypothesis.strategies as st
import numpy as np

from workshop_utils.training import augmentation
from workshop_utils.training.augmentation import WHOLE, View

RED, GREEN, BLUE = 0, 1, 2
NO_BOXES = np.zeros((0, 4), np.float32)


@st.composite
def spans(draw, low: int, high: int):
    start = draw(st.integers(low, high - 8))
    return start, draw(st.integers(start + 8, high))


@st.composite
def painted_photos(draw):
    """A black photo with up to three rectangles, one red, one green, one blue, side by side; boxes and class ids.

    Each has at least eight pixels each way; resizing would blend a smaller one with the black around it.
    """
    height, width = draw(st.integers(150, 500)), draw(st.integers(150, 500))
    image = np.zeros((height, width, 3), np.uint8)
    colours = draw(st.permutations([RED, GREEN, BLUE]))[: draw(st.integers(1, 3))]
    boxes = []
    for place, colour in enumerate(colours):
        band = [place * width // 3, (place + 1) * width // 3]
        left, right = draw(spans(*band))
        top, bottom = draw(spans(0, height))
        image[top:bottom, left:right, colour] = 255
        boxes.append([top / height, left / width, bottom / height, right / width])
    return image, np.array(boxes, np.float32), np.array(colours, np.int32) + 1


@st.composite
def windows(draw):
    ymin, xmin = draw(st.floats(0, 0.5)), draw(st.floats(0, 0.5))
    return ymin, xmin, draw(st.floats(ymin + 0.4, 1)), draw(st.floats(xmin + 0.4, 1))


SEEDS = st.integers(0, 2**32)


def painted(image: np.ndarray, colour: int) -> np.ndarray | None:
    """Return the box around a colour: ymin, xmin, ymax, xmax, in pixels."""
    rows, columns = np.nonzero(image[..., colour] > 127)
    return np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]) if len(rows) else None


def assert_boxes_surround_what_is_painted(view: View, within: float = 1.01):
    for box, number in zip(view.boxes, view.class_ids, strict=True):
        place = painted(view.image, number - 1)
        if place is None:  # the window left only a thin edge
            assert ((box[2:] - box[:2]) * 300).min() < 1.5
        else:
            np.testing.assert_allclose(place, box * 300, atol=within)


# Boxes follow the pixels


@hypothesis.given(painted_photos())
def test_in_the_whole_photo_boxes_stay_on_their_objects(photo):
    view = augmentation.plain(*photo)
    np.testing.assert_array_equal(view.boxes, photo[1])
    np.testing.assert_array_equal(view.class_ids, photo[2])
    assert_boxes_surround_what_is_painted(view)


@hypothesis.given(painted_photos(), windows())
def test_in_a_window_boxes_stay_on_their_objects(photo, window):
    assert_boxes_surround_what_is_painted(augmentation.plain(*photo, window))


@hypothesis.given(painted_photos(), windows())
def test_a_flipped_photo_has_flipped_boxes(photo, window):
    assert_boxes_surround_what_is_painted(augmentation.flip(augmentation.plain(*photo, window)))


@hypothesis.given(painted_photos(), SEEDS)
def test_in_a_random_view_boxes_stay_on_their_objects(photo, seed):
    with mock.patch.object(augmentation, "jitter_colours", lambda image, rng: image):  # it moves nothing; see below
        view = augmentation.random_view(*photo, np.random.default_rng(seed))
    assert_boxes_surround_what_is_painted(view)


# plain


@hypothesis.given(painted_photos(), windows())
def test_a_window_keeps_the_boxes_whose_centre_is_inside_with_their_classes(photo, window):
    image, boxes, ids = photo
    ymin, xmin, ymax, xmax = np.asarray(window, np.float32)
    held = [
        number
        for (top, left, bottom, right), number in zip(boxes, ids, strict=True)
        if ymin < (top + bottom) / 2 < ymax and xmin < (left + right) / 2 < xmax
    ]
    np.testing.assert_array_equal(augmentation.plain(image, boxes, ids, window).class_ids, held)


@hypothesis.given(painted_photos(), windows())
def test_a_view_fits_the_detector_and_its_boxes_have_area_inside_it(photo, window):
    view = augmentation.plain(*photo, window)
    assert (view.image.shape, view.image.dtype) == ((300, 300, 3), np.uint8)
    assert view.boxes.shape == (len(view.class_ids), 4) and view.boxes.dtype == np.float32
    assert (view.boxes >= 0).all() and (view.boxes <= 1).all()
    assert (view.boxes[:, :2] < view.boxes[:, 2:]).all()


def test_a_view_of_a_photo_without_boxes_has_no_boxes():
    image = np.zeros((200, 300, 3), np.uint8)
    view = augmentation.random_view(image, NO_BOXES, np.zeros(0, np.int32), np.random.default_rng(1))
    assert view.boxes.shape == (0, 4)
    assert view.class_ids.shape == (0,)


# flip


@hypothesis.given(painted_photos())
def test_flipping_twice_changes_nothing(photo):
    view = augmentation.plain(*photo)
    again = augmentation.flip(augmentation.flip(view))
    np.testing.assert_array_equal(again.image, view.image)
    np.testing.assert_allclose(again.boxes, view.boxes, atol=1e-7)
    np.testing.assert_array_equal(again.class_ids, view.class_ids)


def test_flipping_changes_neither_its_input_nor_up_and_down():
    view = View(np.arange(300 * 300 * 3).reshape(300, 300, 3), np.float32([[0.1, 0.2, 0.3, 0.9]]), np.int32([1]))
    before = view.boxes.copy()
    flipped = augmentation.flip(view)
    np.testing.assert_array_equal(view.boxes, before)
    np.testing.assert_allclose(flipped.boxes, [[0.1, 0.1, 0.3, 0.8]], atol=1e-7)
    np.testing.assert_array_equal(flipped.image[5], view.image[5][::-1])


# random_crop


@hypothesis.given(painted_photos(), SEEDS)
def test_a_random_crop_has_at_least_half_of_each_side_and_a_box_centre(photo, seed):
    _, boxes, _ = photo
    ymin, xmin, ymax, xmax = augmentation.random_crop(boxes, np.random.default_rng(seed))
    assert 0 <= ymin < ymax <= 1 + 1e-6 and 0 <= xmin < xmax <= 1 + 1e-6
    assert ymax - ymin >= 0.5 - 1e-6 and xmax - xmin >= 0.5 - 1e-6
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    assert any(ymin < y < ymax and xmin < x < xmax for y, x in centres)


def test_half_of_the_views_show_the_whole_photo_and_the_others_differ():
    boxes = np.float32([[0.3, 0.3, 0.7, 0.7]])
    rng = np.random.default_rng(3)
    crops = [augmentation.random_crop(boxes, rng) for _ in range(400)]
    assert 160 <= crops.count(WHOLE) <= 240
    assert len(set(crops)) > 150


def test_half_of_the_views_are_flipped():
    image = np.zeros((300, 300, 3), np.uint8)
    image[:, :150] = 255
    rng = np.random.default_rng(4)
    views = [augmentation.random_view(image, NO_BOXES, np.zeros(0, np.int32), rng).image for _ in range(200)]
    assert 70 <= sum(view[:, 150:].mean() > view[:, :150].mean() for view in views) <= 130


def test_without_boxes_the_whole_photo_is_shown():
    assert {augmentation.random_crop(NO_BOXES, np.random.default_rng(seed)) for seed in range(20)} == {WHOLE}


# jitter_colours


def test_relighting_keeps_the_order_of_the_colours_so_a_flavour_keeps_its_hue():
    colours = np.array([[[200, 60, 80]], [[90, 100, 160]], [[120, 110, 70]], [[90, 90, 90]]], np.uint8)
    for seed in range(100):
        relit = augmentation.jitter_colours(colours, np.random.default_rng(seed))
        assert (relit.shape, relit.dtype) == (colours.shape, np.uint8)
        for before, after in zip(colours[:3, 0], relit[:3, 0], strict=True):
            np.testing.assert_array_equal(after.argsort(), before.argsort())
        assert len(set(relit[3, 0].tolist())) == 1, "grey stays grey"


def test_relighting_brightens_and_darkens_but_never_loses_a_photo():
    grey = np.full((2, 2, 3), 128, np.uint8)
    levels = [int(augmentation.jitter_colours(grey, np.random.default_rng(seed)).mean()) for seed in range(200)]
    assert 90 <= min(levels) < 115 and 140 < max(levels) <= 165


def test_black_and_white_do_not_wrap_around():
    image = np.zeros((2, 2, 3), np.uint8)
    image[1] = 255
    for seed in range(100):
        relit = augmentation.jitter_colours(image, np.random.default_rng(seed))
        assert relit[0].max() < 100 and relit[1].min() > 155


# Chance comes from the generator alone


def test_the_same_seed_gives_the_same_view_and_another_seed_another(yoghurt):
    sample = yoghurt.samples[0]
    ids = np.ones(len(sample.boxes), np.int32)
    first, again, other = (
        augmentation.random_view(sample.image, sample.boxes, ids, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.boxes, again.boxes)
    assert (first.image != other.image).any()


def test_making_a_view_does_not_change_the_photo(yoghurt):
    sample = yoghurt.samples[0]
    image, boxes = sample.image.copy(), sample.boxes.copy()
    for seed in range(10):
        augmentation.random_view(sample.image, sample.boxes, np.ones(len(boxes)), np.random.default_rng(seed))
    np.testing.assert_array_equal(sample.image, image)
    np.testing.assert_array_equal(sample.boxes, boxes)

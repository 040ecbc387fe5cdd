import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from workshop_utils.data import near_duplicates


@pytest.fixture(scope="module")
def photos(yoghurt):
    """Ten of the workshop's photos, which show different scenes."""
    return [Image.fromarray(sample.image) for sample in yoghurt.samples[::36]]


def compressed(photo):
    stream = io.BytesIO()
    photo.save(stream, "JPEG", quality=30)
    return Image.open(stream).convert("RGB")


COPIES = {
    "re-encoded": compressed,
    "a third of the size": lambda photo: photo.resize((photo.width // 3, photo.height // 3)),
    "brighter": lambda photo: ImageEnhance.Brightness(photo).enhance(1.25),
    "darker": lambda photo: ImageEnhance.Brightness(photo).enhance(0.75),
    "grey": lambda photo: photo.convert("L").convert("RGB"),
}


@pytest.mark.parametrize("change", COPIES.values(), ids=COPIES)
def test_a_changed_copy_is_in_the_group_of_its_original_and_of_no_other(photos, change):
    found = near_duplicates.find(np.asarray(photo) for photo in (*photos, *map(change, photos)))
    assert found == [*range(10), *range(10)]


def test_the_frames_of_a_film_are_one_group_although_its_first_and_last_frame_differ(photos):
    frames = [photo.crop((at, 0, at + 400, 300)) for photo in photos[:3] for at in range(0, 80, 4)]
    arrays = [np.asarray(frame) for frame in frames]
    assert near_duplicates.find(arrays) == [0] * 20 + [20] * 20 + [40] * 20
    ends = [near_duplicates.difference_hash(arrays[number]) for number in (0, 19)]
    assert (ends[0] != ends[1]).sum() > near_duplicates.MAX_DISTANCE


def test_no_photos_have_no_groups():
    assert near_duplicates.find([]) == []


def test_photos_of_one_colour_are_one_group():
    assert near_duplicates.find(np.full((20, 30, 3), value, np.uint8) for value in (0, 90, 255)) == [0, 0, 0]

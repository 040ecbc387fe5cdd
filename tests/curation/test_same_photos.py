"""The same photo in several data sets, under any name."""

import io

import numpy as np
import pytest
from PIL import Image, ImageChops

from workshop_utils.curation import same_photos
from workshop_utils.data import dataset


def encoded(image: Image.Image, quality: int = 75) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def sample(name: str, content: bytes) -> dataset.Sample:
    return dataset.from_encoded(name, content, [], [], [], [])


def test_copies_under_other_names_compressed_again_or_resized_are_the_same_photo(yoghurt):
    original = yoghurt.samples[0]
    image = Image.fromarray(original.image)
    copies = [
        sample("IMG-20261128-WA0003.jpg", original.encoded),
        sample("sent.jpg", encoded(image, 30)),
        sample("half.jpg", encoded(image.resize((image.width // 2, image.height // 2)))),
    ]
    groups = same_photos.group([[original], *([copy] for copy in copies)])
    assert [list(each) for each in groups] == [[0, 1, 2, 3]]


@pytest.mark.parametrize("name", ["0001.jpg", "other.jpg"])
def test_the_next_frame_of_a_film_is_another_photo(yoghurt, name):
    original = yoghurt.samples[0]
    moved = ImageChops.offset(Image.fromarray(original.image), 6, 0)
    assert len(same_photos.group([[original], [sample(name, encoded(moved, 95))]])) == 2


def test_a_photo_finds_its_copy_among_all_others(yoghurt):
    photos = yoghurt.samples[:20]
    copies = [sample(each.name, encoded(Image.fromarray(each.image), 50)) for each in reversed(photos)]
    groups = same_photos.group([photos, copies])
    assert len(groups) == 20 and all(each[0].name == each[1].name for each in groups)


def test_two_photos_of_one_data_set_are_never_one(yoghurt):
    original = yoghurt.samples[0]
    again = sample("again.jpg", encoded(Image.fromarray(original.image), 50))
    groups = same_photos.group([[original, again], [original, again]])
    assert [(each[0].name, each[1].name) for each in groups] == [(original.name, original.name), ("again.jpg",) * 2]


def test_the_content_of_a_set_does_not_depend_on_names_or_order(yoghurt):
    first, second = yoghurt.samples[:2]
    renamed = sample("x.jpg", first.encoded)
    assert same_photos.content([first, second]) == same_photos.content([second, first])
    assert same_photos.content([renamed]) == same_photos.content([sample("y.jpg", first.encoded)])
    assert same_photos.content([first]) != same_photos.content([renamed])  # the labels differ
    assert np.size(renamed.boxes) == 0

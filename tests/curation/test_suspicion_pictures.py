"""Pictures of suspicions show the place in question, with the label and the detection."""

import numpy as np
import pytest
from PIL import Image, ImageColor

from workshop_utils.curation import suspicion_pictures
from workshop_utils.curation.review import Kind, NamedBox, Suspicion
from workshop_utils.data import dataset

LABEL, FOUND = (ImageColor.getrgb(each) for each in (suspicion_pictures.LABEL, suspicion_pictures.DETECTION))
BOX = (0.4, 0.4, 0.6, 0.5)


def pixels(image: Image.Image, colour: tuple[int, int, int]) -> int:
    return int((np.asarray(image) == colour).all(axis=-1).sum())


@pytest.mark.parametrize("kind", Kind)
def test_the_label_is_solid_and_the_detection_dashed(kind):
    grey = Image.new("RGB", (400, 300), "grey")
    label = None if kind is Kind.MISSING_BOX else NamedBox("peach", BOX)
    found = None if kind is Kind.BOX_ON_NOTHING else NamedBox("peach", (0.4, 0.45, 0.6, 0.55), 0.5)
    picture = suspicion_pictures.crop(grey, Suspicion("a.jpg", kind, label, found, 0.9))
    assert max(picture.size) == suspicion_pictures.SIDE
    assert (pixels(picture, LABEL) > 0, pixels(picture, FOUND) > 0) == (label is not None, found is not None)
    if label and found:
        assert pixels(picture, FOUND) < pixels(picture, LABEL)


def test_a_crop_at_the_photos_corner_stays_inside_and_shows_both_boxes():
    photo = Image.new("RGB", (400, 300), "grey")
    suspicion = Suspicion(
        "a.jpg", Kind.SHIFTED_BOX, NamedBox("peach", (0, 0, 0.1, 0.05)), NamedBox("peach", BOX, 0.5), 1
    )
    picture = suspicion_pictures.crop(photo, suspicion)
    assert pixels(picture, LABEL) and pixels(picture, FOUND) and pixels(photo, LABEL) == 0


def test_the_picture_for_a_notebook_names_every_suspicion_in_its_alternative_text(yoghurt):
    samples = yoghurt.samples[:3]
    suspicions = [
        Suspicion(each.name, Kind.BOX_ON_NOTHING, NamedBox(name, BOX), None, 0.9)
        for each, name in zip(samples, ("peach", "plum", "$x$"), strict=True)
    ]
    picture = suspicion_pictures.show(samples, suspicions)
    assert all(each.photo in picture.alt and each.label.name in picture.alt for each in suspicions)
    assert isinstance(samples[0], dataset.Sample) and picture.png.startswith(b"\x89PNG")

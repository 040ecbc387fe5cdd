"""A detector is asked about the photo, its mirror image and crops, and the answers belong to the right boxes."""

import dataclasses
import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from workshop_utils.core.settings import SettingsError
from workshop_utils.core.tensorflow import keras
from workshop_utils.curation import judging
from workshop_utils.model import architectures


@pytest.fixture(scope="module")
def samples(yoghurt):
    return yoghurt.samples[:3]


@pytest.fixture(scope="module")
def answers(coco, samples):
    return judging.ask(coco, samples, 7)


def mirrored(sample):
    stream = io.BytesIO()
    Image.fromarray(sample.image[:, ::-1]).save(stream, "PNG")
    ymin, xmin, ymax, xmax = sample.boxes.T
    boxes = np.stack([ymin, 1 - xmax, ymax, 1 - xmin], axis=-1)
    digest = hashlib.sha256(stream.getvalue()).hexdigest()
    return dataclasses.replace(sample, source=stream.getvalue(), sha256=digest, boxes=boxes)


def test_a_photo_and_its_mirror_image_get_the_same_detections_in_mirrored_places(coco, samples, answers):
    (boxes, ids, scores), *_ = answers.detections
    ((turned, turned_ids, turned_scores),) = judging.detections(coco, [mirrored(samples[0])])
    clear = scores > 0.1
    assert clear.sum() >= 2
    np.testing.assert_array_equal(ids[clear], turned_ids[: clear.sum()])
    np.testing.assert_allclose(scores[clear], turned_scores[: clear.sum()], atol=1e-3)
    ymin, xmin, ymax, xmax = turned[: clear.sum()].T
    np.testing.assert_allclose(boxes[clear], np.stack([ymin, 1 - xmax, ymax, 1 - xmin], axis=-1), atol=1e-3)


def test_the_crops_are_those_of_all_labels_and_then_of_the_best_detections(samples, answers):
    labels = sum(len(sample.boxes) for sample in samples)
    for sample, crops, (boxes, _, _) in zip(samples, answers.crops, answers.detections, strict=True):
        count = len(sample.boxes)
        np.testing.assert_allclose(crops.boxes[:count], sample.boxes, atol=1e-6)
        assert all(np.abs(boxes - box).max(axis=1).min() < 1e-6 for box in crops.boxes[count:])
        assert crops.detector == 7 and len(crops.features) == len(crops.boxes)
    found = sum(len(each.boxes) for each in answers.crops) - labels
    assert 0 < found <= min(judging.PER_LABEL * labels, judging.PER_PHOTO * len(samples))


def test_what_a_crop_shows_decides_its_features_and_not_the_other_crops(coco, samples, answers):
    (alone,) = judging.ask(coco, samples[1:2]).crops
    count = len(samples[1].boxes)
    np.testing.assert_allclose(alone.features[:count], answers.crops[1].features[:count], rtol=1e-3, atol=1e-4)
    assert np.abs(np.diff(answers.crops[1].features[:count], axis=0)).max() > 0.1


def test_photos_without_labels_and_boxes_without_area_are_handled(coco, samples):
    empty = dataclasses.replace(samples[0], boxes=np.zeros((0, 4), np.float32), classes=())
    flat = dataclasses.replace(samples[0], boxes=np.array([[0.5, 0.5, 0.5, 0.5]], np.float32), classes=("peach",))
    assert np.isfinite(judging.ask(coco, [flat]).crops[0].features).all()
    assert len(judging.ask(coco, [empty]).crops[0].boxes) == 0
    assert judging.ask(coco, []) == judging.Answers([], [])


@pytest.mark.parametrize("name", architectures.ARCHITECTURES)
def test_each_architecture_has_the_layers_that_describe_crops(name):
    model = architectures.get(name).build(2)
    assert {layer.name for layer in model.layers}.issuperset(architectures.get(name).crop_layers)


def test_a_network_is_known_by_its_layers_and_a_foreign_one_is_refused():
    assert [architectures.of(each.build(2)) for each in architectures.ARCHITECTURES.values()] == list(
        architectures.ARCHITECTURES.values()
    )
    with pytest.raises(SettingsError):
        architectures.of(keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)]))

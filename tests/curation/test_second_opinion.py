"""What crops show is learned from other photos, per detector, and from everything that is labelled."""

import dataclasses

import numpy as np
import pytest

from workshop_utils.curation import second_opinion
from workshop_utils.curation.judging import Crops
from workshop_utils.curation.likelihood import Scene

LEFT, MIDDLE, RIGHT = (0.2, 0.1, 0.6, 0.3), (0.2, 0.4, 0.6, 0.6), (0.2, 0.7, 0.6, 0.9)
PEACH, VANILLA, NOTHING = np.eye(3)


def photos(count: int = 40, detector=lambda number: 0) -> tuple[list[Scene], list[Crops]]:
    """Return photos with a peach and a vanilla yoghurt, which are detected, as is something else that has no label."""
    rng, boxes = np.random.default_rng(0), np.array([LEFT, MIDDLE, RIGHT])
    scenes, crops = [], []
    for number in range(count):
        looks = np.stack([PEACH, VANILLA, NOTHING] if detector(number) == 0 else [VANILLA, PEACH, NOTHING])
        features = looks[[0, 1, 0, 1, 2]] + rng.normal(0, 0.1, (5, 3))
        names = np.array(["peach", "vanilla", "peach"])
        scenes.append(Scene(boxes[:2], ["peach", "vanilla"], boxes, names, np.array([0.6, 0.5, 0.4])))
        crops.append(Crops(np.concatenate([boxes[:2], boxes]), features, detector(number)))
    return scenes, crops


def test_the_evidence_is_for_what_the_crop_shows():
    for scene in second_opinion.added(*photos()):
        assert scene.second_on_labels.argmax(axis=1).tolist() == [0, 1]
        assert scene.second_on_found.argmax(axis=1).tolist() == [0, 1, 2]
        assert scene.second_on_found.max(axis=1) == pytest.approx(1, abs=0.35)


def test_a_photo_is_not_judged_by_its_own_labels():
    scenes, crops = photos()
    before = second_opinion.added(scenes, crops)[3]
    scenes[3] = dataclasses.replace(scenes[3], names=["vanilla", "peach"])
    after = second_opinion.added(scenes, crops)[3]
    np.testing.assert_allclose(after.second_on_labels, before.second_on_labels)
    np.testing.assert_allclose(after.second_on_found, before.second_on_found)


def test_the_features_of_different_detectors_are_not_compared():
    """To the second detector, a peach yoghurt looks like a vanilla one to the first, and the other way round."""
    for scene in second_opinion.added(*photos(60, lambda number: number % 2)):
        assert scene.second_on_labels.argmax(axis=1).tolist() == [0, 1]


def test_a_missing_label_is_recognised_among_other_unlabelled_things():
    scenes, crops = photos()
    scenes[5] = dataclasses.replace(scenes[5], boxes=scenes[5].boxes[1:], names=["vanilla"])
    crops[5] = dataclasses.replace(crops[5], boxes=crops[5].boxes[1:], features=crops[5].features[1:])
    said = second_opinion.added(scenes, crops)[5]
    assert said.second_on_found.argmax(axis=1).tolist() == [0, 1, 2] and len(said.second_on_labels) == 1


def test_detections_without_a_crop_have_no_opinion_and_photos_without_crops_do_no_harm():
    scenes, crops = photos()
    crops[0] = Crops(crops[0].boxes[:4], crops[0].features[:4])
    crops[1] = Crops(np.zeros((0, 4)), np.zeros((0, 3)))
    scenes[1] = Scene(np.zeros((0, 4)), [], np.zeros((0, 4)), np.array([], str), np.zeros(0))
    first, second, *_ = second_opinion.added(scenes, crops)
    assert np.isnan(first.second_on_found).all(axis=1).tolist() == [False, False, True]
    assert first.as_object(2, first.boxes) is None and first.as_object(1, first.boxes)
    assert second.second_on_labels.shape == second.second_on_found.shape == (0, 3)


def test_the_regression_learns_from_a_limited_number_of_crops(monkeypatch):
    seen = []
    monkeypatch.setattr(second_opinion, "MOST", 50)

    class Counting(second_opinion.Regression):
        def __init__(self, features, classes, count):
            seen.append(len(features))
            super().__init__(features, classes, count)

    monkeypatch.setattr(second_opinion, "Regression", Counting)
    assert second_opinion.added(*photos())[0].second_on_labels.argmax(axis=1).tolist() == [0, 1]
    assert set(seen) == {50}

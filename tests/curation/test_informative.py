"""Photos are ordered by how unsure the detector is and how new they are, with real photos and COCO's weights."""

import shutil

import numpy as np
import pytest
from PIL import Image

from workshop_utils.core import settings
from workshop_utils.curation import informative, measures
from workshop_utils.curation.informative import CurationError
from workshop_utils.data import label_map, photos
from workshop_utils.training.strategies import Detector


@pytest.fixture(scope="module")
def detector(coco) -> Detector:
    return Detector(coco, label_map.coco())


@pytest.fixture(scope="module")
def paths():
    return photos.find(settings.TO_LABEL)


def vectors(*rows) -> np.ndarray:
    found = np.array(rows, float)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_of_photos_that_differ_alike_the_one_with_unsure_objects_comes_first():
    ranks = informative.greedy(np.array([0.1, 2.0, 0.5]), np.eye(3))
    assert [place for place, _ in ranks] == [1, 2, 0]


def test_of_photos_that_are_unsure_alike_one_that_differs_comes_before_one_like_those_chosen_or_labelled():
    features = vectors([1, 0, 0], [0.99, 0.1, 0], [0, 1, 0], [0, 0.1, 1])
    ranks = informative.greedy(np.ones(4), features, [features[3]])
    assert [place for place, _ in ranks] == [0, 2, 1, 3]
    novelty = dict(ranks)
    assert novelty[3] == 0 and novelty[2] == pytest.approx(np.linalg.norm(features[2] - features[3]))
    assert novelty[1] == pytest.approx(np.linalg.norm(features[1] - features[0]))


def test_a_copy_of_a_photo_and_a_photo_without_objects_come_last(detector, paths, tmp_path):
    pool = [tmp_path / name for name in ("first.jpg", "grey.png", "other.jpg", "same.jpg")]
    Image.new("RGB", (300, 300), "grey").save(pool[1])
    for path, source in zip(pool[::2], paths):
        shutil.copy(source, path)
    shutil.copy(pool[0], pool[3])
    ranked = informative.order(detector, pool)
    assert {each.photo.name for each in ranked[:2]} & {"first.jpg", "same.jpg"}
    assert "other.jpg" in {each.photo.name for each in ranked[:2]}
    assert ranked[-1].novelty == 0 and ranked[-1].photo.name in ("first.jpg", "same.jpg")
    assert min(ranked, key=lambda each: each.uncertainty).photo.name == "grey.png"


def test_a_photo_that_is_labelled_is_not_listed_and_neither_is_more_than_asked_for(detector, paths):
    ranked = informative.order(detector, paths, paths[:4], count=3)
    assert len(ranked) == 3 and not {each.photo for each in ranked} & set(paths[:4])
    assert ranked == informative.order(detector, paths[::-1], paths[:4], count=3)
    assert all(each.uncertainty > 0 and 0 < each.novelty < 1.5 for each in ranked)


def test_features_are_computed_once_for_a_photo_and_a_detector(detector, paths, tmp_path, monkeypatch):
    computed, compute = [], measures._computed

    def counted(model, missing, report):
        computed.append(len(missing))
        return compute(model, missing, report)

    monkeypatch.setattr(measures, "_computed", counted)
    for source in paths[:2]:
        shutil.copy(source, tmp_path)
    copies = photos.find(tmp_path)
    before = informative.order(detector, copies)
    assert informative.order(detector, copies) == before and computed == [2]
    shutil.copy(paths[2], copies[0])
    assert informative.order(detector, copies) != before and computed == [2, 1]


def test_a_photo_that_cannot_be_read_is_skipped_with_a_line(detector, paths, tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    pool, lines = [tmp_path / "broken.jpg", tmp_path / "gone.jpg", paths[0]], []
    (ranked,) = informative.order(detector, pool, report=lines.append)
    assert ranked.photo == paths[0]
    assert [any(name in line for line in lines) for name in ("broken.jpg", "gone.jpg")] == [True, True]
    assert len(lines) == 2
    with pytest.raises(CurationError):
        informative.order(detector, pool[:2], report=lines.append)


def test_an_empty_pool_and_one_that_is_labelled_already_are_reported(detector, paths):
    with pytest.raises(CurationError):
        informative.order(detector, [])
    with pytest.raises(CurationError):
        informative.order(detector, paths, paths)

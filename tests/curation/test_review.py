"""Each kind of wrong label is found where the detector contradicts it, and right labels are left alone."""

import dataclasses

import numpy as np
import pytest

from workshop_utils.core import settings
from workshop_utils.curation import review
from workshop_utils.curation.review import Kind
from workshop_utils.data.dataset import Dataset, Sample
from workshop_utils.training.plan import Plan

CLASSES = {1: "peach", 2: "vanilla"}
LEFT, MIDDLE, RIGHT = (0.2, 0.1, 0.6, 0.3), (0.2, 0.4, 0.6, 0.6), (0.2, 0.7, 0.6, 0.9)


def photo(name: str, *labels: tuple[str, tuple]) -> Sample:
    boxes = np.array([box for _, box in labels], np.float32).reshape(-1, 4)
    none = (0,) * len(labels)
    return Sample(name, 100, 100, boxes, tuple(name for name, _ in labels), none, none, "", b"")


def detected(*found: tuple[int, tuple, float]):
    """Return detections as `average_precision.detect_all` does, padded with zeros."""
    boxes, ids, scores = np.zeros((10, 4)), np.zeros(10, int), np.zeros(10)
    for place, (number, box, score) in enumerate(found):
        boxes[place], ids[place], scores[place] = box, number, score
    return boxes, ids, scores


GOOD = photo("good.jpg", ("peach", LEFT), ("vanilla", MIDDLE)), detected((1, LEFT, 0.6), (2, MIDDLE, 0.5))


def moved(box: tuple, right: float) -> tuple:
    return box[0], box[1] + right, box[2], box[3] + right


def about(sample: Sample, found) -> list[review.Suspicion]:
    """Return what looks wrong in a photo, in a set whose other photos are right."""
    suspicions = review.find([GOOD[0], sample], [GOOD[1], found], CLASSES)
    assert all(each.score < review.MIN_SCORE for each in suspicions if each.photo == "good.jpg")
    return [each for each in suspicions if each.photo == sample.name and each.score >= review.MIN_SCORE]


def test_a_label_that_the_detector_calls_something_else_has_a_wrong_name():
    (found,) = about(photo("a.jpg", ("peach", LEFT)), detected((2, LEFT, 0.6), (1, LEFT, 0.05)))
    assert (found.kind, found.label.name, found.detection.name) == (Kind.WRONG_NAME, "peach", "vanilla")
    assert found.detection.score == pytest.approx(0.6) and found.label.box == pytest.approx(LEFT)


def test_a_label_next_to_the_detection_of_the_same_name_is_shifted():
    (found,) = about(photo("a.jpg", ("peach", moved(LEFT, 0.1))), detected((1, LEFT, 0.6)))
    assert found.kind is Kind.SHIFTED_BOX and found.detection.box == pytest.approx(LEFT)


def test_a_detection_that_no_label_touches_is_a_missing_box():
    (found,) = about(photo("a.jpg", ("peach", LEFT)), detected((1, LEFT, 0.6), (2, RIGHT, 0.6), (1, RIGHT, 0.3)))
    assert (found.kind, found.label, found.detection.name) == (Kind.MISSING_BOX, None, "vanilla")


def test_a_label_where_the_detector_finds_nothing_is_a_box_on_nothing():
    (found,) = about(photo("a.jpg", ("peach", LEFT), ("peach", RIGHT)), detected((1, LEFT, 0.6)))
    assert found.kind is Kind.BOX_ON_NOTHING and found.label.box == pytest.approx(RIGHT) and found.detection is None


def test_labels_that_the_detector_confirms_are_not_suspicious():
    for score in (0.5, 0.95):
        assert about(photo("a.jpg", ("peach", LEFT)), detected((1, moved(LEFT, 0.01), score), (2, LEFT, 0.1))) == []


def test_a_low_score_counts_if_the_class_always_has_low_scores():
    """The yardstick of a class is the mean score with which its labels are confirmed."""
    low = photo("low.jpg", ("vanilla", MIDDLE)), detected((2, MIDDLE, 0.15))
    missing = photo("a.jpg"), detected((2, RIGHT, 0.15))
    (samples, found) = zip(low, missing, strict=True)
    (suspicion,) = review.find(samples, found, CLASSES)[:1]
    assert suspicion.kind is Kind.MISSING_BOX and suspicion.score >= review.MIN_SCORE
    (samples, found) = zip(GOOD, missing, strict=True)
    assert all(each.score < review.MIN_SCORE for each in review.find(samples, found, CLASSES))


def test_the_clearest_come_first_and_each_label_only_once():
    wrong = (
        photo("a.jpg", ("peach", LEFT), ("peach", RIGHT)),
        detected((2, LEFT, 0.6), (2, RIGHT, 0.4), (1, RIGHT, 0.2)),
    )
    suspicions = review.find(*zip(GOOD, wrong, strict=True), CLASSES)
    assert [each.score for each in suspicions] == sorted((each.score for each in suspicions), reverse=True)
    assert suspicions[0].photo == "a.jpg" and suspicions[0].label.box == pytest.approx(LEFT)
    labels = [(each.photo, each.label.box) for each in suspicions if each.label]
    assert len(labels) == len(set(labels))


def test_names_in_other_capitals_are_the_same_and_unknown_classes_are_not_judged():
    samples = [photo("a.jpg", ("Peach", LEFT), ("lemon", RIGHT))]
    suspicions = review.find(samples, [detected((1, LEFT, 0.6), (2, RIGHT, 0.6))], CLASSES)
    assert all(each.score < review.MIN_SCORE for each in suspicions)
    assert all(each.label.name == "Peach" for each in suspicions)


def test_objects_of_a_class_that_no_photo_labels_are_not_missing():
    samples = [photo("a.jpg", ("peach", LEFT)), photo("b.jpg")]
    found = [detected((1, LEFT, 0.6), (2, RIGHT, 0.9)), detected((1, MIDDLE, 0.6), (2, LEFT, 0.9))]
    (suspicion,) = [each for each in review.find(samples, found, CLASSES) if each.kind is Kind.MISSING_BOX]
    assert (suspicion.photo, suspicion.detection.name) == ("b.jpg", "peach")


def test_photos_without_labels_and_detections_without_photos_are_handled():
    assert review.find([], [], CLASSES) == []
    assert review.find([photo("empty.jpg")], [detected()], CLASSES) == []


def test_a_detector_without_any_of_the_classes_is_refused_by_name():
    with pytest.raises(review.ReviewError, match=r"runs/mine.*'person'.*'peach'"):
        review.check_classes([GOOD[0]], {1: "person"}, "runs/mine")
    with pytest.raises(review.ReviewError):
        review.check_classes([photo("empty.jpg")], CLASSES, "runs/mine")
    review.check_classes([GOOD[0]], {1: "PEACH"}, "runs/mine")


def test_the_photos_that_a_run_has_seen_are_named_even_if_labels_were_repaired_since(tmp_path):
    data = Dataset([photo(f"{number}.jpg", ("peach", LEFT)) for number in range(10)], CLASSES)
    plan = Plan.of(data, recipe=settings.recipe("quick"), source=tmp_path.resolve())
    seen = review.seen_photos(plan, data, tmp_path)
    assert len(seen) == 8 and set(seen) == {sample.name for sample in data.split()[0]}
    repaired = dataclasses.replace(data, samples=[photo("0.jpg", ("vanilla", LEFT)), *data.samples[1:]])
    assert review.seen_photos(plan, repaired, tmp_path) == seen
    assert review.seen_photos(plan, repaired, tmp_path / "other") == []

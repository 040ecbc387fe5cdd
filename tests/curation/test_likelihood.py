"""The odds that a label is wrong are learned from the data set's own labels, and each kind of fault stands out."""

import numpy as np
import pytest

from workshop_utils.curation import likelihood, review
from workshop_utils.curation.judging import Crops
from workshop_utils.curation.review import Kind
from workshop_utils.data.dataset import Sample

CLASSES = {1: "peach", 2: "vanilla"}
WRONG_NAME, SHIFTED, ON_NOTHING, MISSING = "wrong_name.jpg", "shifted.jpg", "on_nothing.jpg", "missing.jpg"


def photos(count: int = 60) -> tuple[list[Sample], list]:
    """Return photos with two labels each, and a detector that is seldom sure. Four photos have a wrong label."""
    rng, samples, results = np.random.default_rng(0), [], []
    wrong = {10: WRONG_NAME, 20: SHIFTED, 30: ON_NOTHING, 40: MISSING}
    for number in range(count):
        left = np.array([0.3, 0.1, 0.6, 0.3]) + rng.uniform(-0.1, 0.1)
        right = left + np.array([0, 0.4, 0, 0.4])
        boxes, ids = np.array([left, right]), rng.integers(1, 3, 2)
        found = np.concatenate(
            [boxes + rng.normal(0, 0.01, (2, 4)), boxes, rng.uniform(0, 0.1, (2, 4)) + np.array([0, 0.8, 0.1, 0.9])]
        )
        scores = np.concatenate([rng.uniform(0.4, 0.8, 2), rng.uniform(0.02, 0.2, 2), rng.uniform(0.02, 0.1, 2)])
        name = wrong.get(number, f"{number}.jpg")
        labels, names = boxes.copy(), [CLASSES[each] for each in ids]
        if name == WRONG_NAME:
            names[0] = CLASSES[3 - ids[0]]
        elif name == SHIFTED:
            labels[0] += [0, 0.08, 0, 0.08]
        elif name == ON_NOTHING:
            labels, names = np.vstack([labels, [0.7, 0.1, 0.9, 0.3]]), [*names, "peach"]
        elif name == MISSING:
            labels, names = labels[1:], names[1:]
        none = (0,) * len(names)
        samples.append(Sample(name, 100, 100, labels.astype(np.float32), tuple(names), none, none, "", b""))
        results.append((found, np.concatenate([ids, 3 - ids, ids]), scores))
    return samples, results


def test_the_four_wrong_labels_come_first_each_with_its_kind():
    *first, next_one = review.find(*photos(), CLASSES)[:5]
    kinds = {each.photo: each.kind for each in first}
    expected = (Kind.WRONG_NAME, Kind.SHIFTED_BOX, Kind.BOX_ON_NOTHING, Kind.MISSING_BOX)
    assert kinds == dict(zip((WRONG_NAME, SHIFTED, ON_NOTHING, MISSING), expected, strict=True))
    assert first[-1].score > 3 * next_one.score


def test_hardly_any_right_label_is_as_suspicious():
    rest = review.find(*photos(), CLASSES)[4:]
    assert sum(each.score >= review.MIN_SCORE for each in rest) <= 4


def test_each_label_is_in_one_suspicion_and_the_order_is_the_same_each_time():
    samples, results = photos()
    found = review.find(samples, results, CLASSES)
    labels = [(each.photo, each.label.box) for each in found if each.label]
    assert len(labels) == len(set(labels)) == sum(len(sample.classes) for sample in samples)
    assert found == review.find(samples, results, CLASSES)


@pytest.mark.parametrize("change", ["one class", "nothing found", "everything labelled"])
def test_data_sets_in_which_a_kind_cannot_be_learned_are_judged_by_the_others(change):
    samples, results = photos()
    classes = {1: "peach"} if change == "one class" else CLASSES
    if change == "nothing found":
        results = [tuple(part[:0] for part in result) for result in results]
    elif change == "everything labelled":
        results = [tuple(part[:2] for part in result) for result in results]
    found = review.find(samples * 2, results * 2, classes)
    assert found and all(0 <= each.score <= 1 for each in found)
    if change == "one class":
        assert all(each.kind is not Kind.WRONG_NAME for each in found)


def test_a_judge_tells_apart_what_differs_and_weighs_both_sides_the_same():
    rng = np.random.default_rng(1)
    right, wrong = rng.normal(0, 1, (1000, 1)), rng.normal(3, 1, (50, 1))
    ratio = likelihood.Judge(right, wrong).ratio(np.array([[0.0], [1.5], [3.0]]))
    assert ratio[0] < 0.1 and ratio[1] == pytest.approx(1, rel=0.6) and ratio[2] > 10


def test_a_shifted_label_is_paired_with_the_clear_detection_and_not_with_a_faint_one_that_fits_better():
    overlap = np.array([[0.45, 0.75]])
    assert likelihood.pair(overlap, np.array([0.8, 0.04])) == [(0, 0)]
    assert likelihood.pair(overlap, np.array([0.8, 0.7])) == [(0, 1)]
    assert likelihood.pair(np.array([[0.1]]), np.array([1.0])) == []


def test_a_wrong_name_that_the_detections_leave_open_is_found_by_the_second_opinion():
    """The detector gives both names about the same score everywhere. The features of the crops are the true class."""
    rng, samples, results, crops = np.random.default_rng(0), [], [], []
    box = np.array([[0.3, 0.3, 0.6, 0.6]])
    for number in range(120):
        true = number % 2
        name = CLASSES[2 - true if number == 60 else 1 + true]
        samples.append(Sample(f"{number}.jpg", 100, 100, box.astype(np.float32), (name,), (0,), (0,), "", b""))
        results.append((np.repeat(box, 2, axis=0), np.array([1, 2]), rng.uniform(0.4, 0.5, 2)))
        crops.append(Crops(np.repeat(box, 2, axis=0), np.repeat(true, 2)[:, None] + rng.normal(0, 0.1, (2, 1))))
    blind, seeing = (review.find(samples, results, CLASSES, each) for each in (None, crops))
    assert (seeing[0].photo, seeing[0].kind) == ("60.jpg", Kind.WRONG_NAME)
    assert seeing[0].score > 0.8 > 4 * seeing[1].score > 0
    assert blind[0].score < 2 * blind[5].score

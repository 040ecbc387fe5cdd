"""Non-maximum suppression in NumPy equals TensorFlow's."""

import numpy as np
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as some

from workshop_utils.data import geometry
from workshop_utils.model import detection, nms, preprocessing


@given(
    seed=some.integers(0, 2**32 - 1),
    boxes=some.integers(1, 60),
    classes=some.integers(1, 5),
    floor=some.sampled_from([0.0, 0.3]),
)
def test_numpy_s_suppression_equals_tensorflow_s(seed, boxes, classes, floor):
    rng = np.random.default_rng(seed)
    corners = np.sort(rng.random((boxes, 2, 2), np.float32), axis=1).reshape(boxes, 4)
    scores = rng.permutation(boxes * classes).reshape(boxes, classes).astype(np.float32) / (boxes * classes)
    theirs = tf.image.combined_non_max_suppression(corners[None, :, None], scores[None], 20, 20, 0.6, floor)
    ours = nms.suppress(corners, scores, floor, 0.6, 20)
    found = int(theirs.valid_detections[0])
    np.testing.assert_allclose(ours[0], theirs.nmsed_boxes[0].numpy(), atol=1e-7)
    np.testing.assert_allclose(ours[2], theirs.nmsed_scores[0].numpy())
    np.testing.assert_array_equal(ours[1][:found] - 1, theirs.nmsed_classes[0].numpy()[:found])


def test_an_object_found_under_two_names_keeps_the_one_with_the_higher_score():
    left, shifted, further, away = (0, 0, 0.4, 0.4), (0, 0.08, 0.4, 0.48), (0, 0.16, 0.4, 0.56), (0.6, 0.6, 0.9, 0.9)
    boxes = np.array([left, away, shifted, further, (0, 0, 0, 0)], np.float32)
    scores = np.array([0.9, 0.3, 0.8, 0.7, 0.0], np.float32)
    assert nms.suppress_across_classes(boxes, scores, 0.6) == [0, 3, 1], (
        "a box that overlaps only a dropped one stays, padding does not"
    )
    assert nms.suppress_across_classes(boxes, scores, 0.7) == [0, 2, 3, 1]


@given(seed=some.integers(0, 2**32 - 1), boxes=some.integers(1, 40), classes=some.integers(1, 4))
def test_kept_boxes_do_not_overlap_and_dropped_ones_overlap_a_better_one(seed, boxes, classes):
    rng = np.random.default_rng(seed)
    corners = np.sort(rng.random((boxes, 2, 2), np.float32), axis=1).reshape(boxes, 4)
    scores = rng.permutation(boxes * classes).reshape(boxes, classes).astype(np.float32) / (boxes * classes)
    kept, ids, kept_scores = nms.suppress(corners, scores, 0.2, 0.5, boxes * classes)
    assert (np.diff(kept_scores) <= 0).all(), "best first"
    for number in range(1, classes + 1):
        own, sure = kept[ids == number], kept_scores[ids == number]
        overlap = geometry.iou(own, own)
        assert (overlap[~np.eye(len(own), dtype=bool)] <= 0.5).all()
        for box, score in zip(corners, scores[:, number - 1], strict=True):
            taken = bool((sure == score).any())
            better = geometry.iou(box[None], own[sure > score])[0]
            assert taken == (score > 0.2 and not (better > 0.5).any())


def test_it_equals_the_detector_s_own_on_real_photos(coco, yoghurt):
    images = preprocessing.to_input(np.stack([preprocessing.resize(sample.image) for sample in yoghurt.samples[:4]]))
    boxes, scores = (part.numpy() for part in detection.decode(*coco(images, training=False)))
    for row, theirs in enumerate(zip(*detection.suppress(boxes, scores, 0.01), strict=True)):
        ours = nms.suppress(boxes[row], scores[row], 0.01, detection.NMS_IOU, detection.MAX_DETECTIONS)
        for mine, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(mine, other.numpy(), atol=1e-6)


def test_without_scores_above_the_minimum_all_rows_are_padding():
    boxes, classes, scores = nms.suppress(
        np.array([[0, 0, 1, 1]], np.float32), np.array([[0.2]], np.float32), 0.5, 0.6, 3
    )
    assert boxes.shape == (3, 4)
    assert not classes.any()
    assert not scores.any()

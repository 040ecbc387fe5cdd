import math

import numpy as np
import pytest
import tensorflow as tf

from workshop_utils.model import losses
from workshop_utils.model.losses import FOCAL_ALPHA, FOCAL_GAMMA

SIGMOID_OF_2 = 1 / (1 + math.exp(-2))


def multibox_by_hand(box_targets, class_targets, box_encodings, class_logits):
    """Return the loss, computed anchor by anchor and class by class."""
    localisation = classification = 0.0
    matched = 0
    for photo in range(len(class_targets)):
        for anchor, wanted in enumerate(class_targets[photo]):
            if wanted > 0:
                matched += 1
                for target, encoding in zip(box_targets[photo, anchor], box_encodings[photo, anchor], strict=True):
                    far = abs(target - encoding)
                    localisation += far**2 / 2 if far < 1 else far - 0.5
            for number, logit in enumerate(class_logits[photo, anchor]):
                if number > 0:
                    p = 1 / (1 + math.exp(-logit))
                    truth, alpha = (p, FOCAL_ALPHA) if number == wanted else (1 - p, 1 - FOCAL_ALPHA)
                    classification -= alpha * (1 - truth) ** FOCAL_GAMMA * math.log(truth)
    return localisation / max(matched, 1), classification / max(matched, 1)


def random_batch(seed: int, classes: int = 3, matched: float = 0.3):
    rng = np.random.default_rng(seed)
    ids = np.where(rng.random((2, 40)) < matched, rng.integers(1, classes + 1, (2, 40)), 0).astype(np.int32)
    boxes, encodings = rng.normal(0, 1.5, (2, 2, 40, 4)).astype(np.float32)
    return boxes, ids, encodings, rng.normal(0, 3, (2, 40, classes + 1)).astype(np.float32)


def test_the_focal_loss_has_the_papers_alpha_and_gamma():
    assert (FOCAL_ALPHA, FOCAL_GAMMA) == (0.25, 2.0)


@pytest.mark.parametrize(
    ("far", "loss"), [(0, 0), (0.5, 0.125), (-0.5, 0.125), (1, 0.5), (-1, 0.5), (3, 2.5), (-3, 2.5)]
)
def test_smooth_l1_is_a_parabola_near_zero_and_linear_beyond_one(far, loss):
    assert float(losses.smooth_l1(tf.constant(float(far)))) == pytest.approx(loss, abs=1e-7)


@pytest.mark.parametrize(
    ("wanted", "logit", "loss"),
    [
        (1, 0, 0.25 * 0.5**2 * math.log(2)),
        (0, 0, 0.75 * 0.5**2 * math.log(2)),
        (1, 2, -0.25 * (1 - SIGMOID_OF_2) ** 2 * math.log(SIGMOID_OF_2)),
        (0, 2, -0.75 * SIGMOID_OF_2**2 * math.log(1 - SIGMOID_OF_2)),
        (0, -2, -0.75 * (1 - SIGMOID_OF_2) ** 2 * math.log(SIGMOID_OF_2)),
    ],
)
def test_the_focal_loss_equals_the_value_computed_by_hand(wanted, logit, loss):
    ours = losses.focal_loss(tf.constant(float(wanted)), tf.constant(float(logit)))
    assert float(ours) == pytest.approx(loss, rel=1e-5)


def test_without_gamma_the_focal_loss_is_weighted_cross_entropy(monkeypatch):
    monkeypatch.setattr(losses, "FOCAL_GAMMA", 0.0)
    logits = np.linspace(-5, 5, 21).astype(np.float32)
    for wanted, weight in ((1.0, 0.25), (0.0, 0.75)):
        p = 1 / (1 + np.exp(-logits))
        cross_entropy = -np.log(p if wanted else 1 - p)
        ours = losses.focal_loss(tf.fill(logits.shape, wanted), logits)
        np.testing.assert_allclose(ours, weight * cross_entropy, rtol=1e-5)


def test_easy_examples_hardly_count():
    sure, unsure = losses.focal_loss(tf.zeros(2), tf.constant([-5.0, 0.0])).numpy()
    assert sure < unsure / 10_000


def test_extreme_logits_give_finite_losses_and_gradients():
    logits = tf.Variable([-200.0, 200.0, -200.0, 200.0])
    with tf.GradientTape() as tape:
        loss = losses.focal_loss(tf.constant([0.0, 0.0, 1.0, 1.0]), logits)
    assert np.isfinite(loss).all() and np.isfinite(tape.gradient(loss, logits)).all()
    np.testing.assert_allclose(loss, [0, 150, 50, 0], rtol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_the_multibox_loss_is_the_sum_over_anchors(seed):
    batch = random_batch(seed)
    np.testing.assert_allclose(losses.multibox_loss(*batch), multibox_by_hand(*batch), rtol=1e-5)


def test_a_batch_without_any_box_has_only_a_class_loss():
    batch = random_batch(1, matched=0)
    localisation, classification = losses.multibox_loss(*batch)
    assert float(localisation) == 0
    np.testing.assert_allclose(classification, multibox_by_hand(*batch)[1], rtol=1e-5)


def test_a_perfect_detector_has_no_loss():
    boxes, ids, _, _ = random_batch(2)
    logits = np.where(np.arange(4) == ids[..., None], 50.0, -50.0).astype(np.float32)
    np.testing.assert_allclose(losses.multibox_loss(boxes, ids, boxes, logits), [0, 0], atol=1e-7)


def test_the_logit_of_the_background_and_the_boxes_of_background_anchors_do_not_count():
    boxes, ids, encodings, logits = random_batch(3)
    before = losses.multibox_loss(boxes, ids, encodings, logits)
    logits[..., 0] += 7
    encodings[ids == 0] += 7
    np.testing.assert_array_equal(losses.multibox_loss(boxes, ids, encodings, logits), before)

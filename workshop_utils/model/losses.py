"""The multibox loss: where are the boxes, and what is in them?

Liu et al. 2016 (SSD), section 2.2, equation 1, with one change: where SSD picks three hard negatives for each positive
anchor, the class loss here weighs all anchors by how wrong they are (focal loss, Lin et al. 2017, arXiv 1708.02002).
"""

import numpy as np

from workshop_utils.core.tensorflow import tf

Values = tf.Tensor | np.ndarray
"""What TensorFlow's operations take."""

FOCAL_ALPHA = 0.25
FOCAL_GAMMA = 2.0


def multibox_loss(
    box_targets: Values, class_targets: Values, box_encodings: Values, class_logits: Values
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the localisation and the classification loss of a batch, two scalars.

    Both are sums divided by the number of matched anchors in the batch, as in the Object Detection API.

    Args:
        box_targets: The encodings that each anchor should have, (N, 1917, 4).
        class_targets: The class id that each anchor should have, (N, 1917), 0 for background.
        box_encodings: The network's encodings, (N, 1917, 4).
        class_logits: The network's logits, (N, 1917, classes + 1); column 0 is the background.
    """
    positive = tf.cast(class_targets > 0, tf.float32)
    matched = tf.maximum(tf.reduce_sum(positive), 1.0)
    localisation = tf.reduce_sum(smooth_l1(box_targets - box_encodings), axis=-1)
    wanted = tf.one_hot(class_targets, tf.shape(class_logits)[-1])[..., 1:]
    classification = focal_loss(wanted, class_logits[..., 1:])
    return tf.reduce_sum(localisation * positive) / matched, tf.reduce_sum(classification) / matched


def smooth_l1(difference: Values) -> tf.Tensor:
    """x^2 / 2 near zero, |x| - 1/2 beyond 1: a far-off box does not drown the others (Girshick 2015, equation 3)."""
    size = tf.abs(difference)
    return tf.where(size < 1.0, 0.5 * size**2, size - 0.5)


def focal_loss(wanted: Values, logits: Values) -> tf.Tensor:
    """-alpha (1 - p)^gamma log(p) for each class by itself, p the probability given to the truth (equation 5).

    Args:
        wanted: 1 where a class is present, else 0: (..., classes).
        logits: The network's logits, of the same shape.

    Returns:
        The loss of each class, of the same shape.
    """
    cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(wanted, logits)
    truth = tf.exp(-cross_entropy)
    alpha = wanted * FOCAL_ALPHA + (1 - wanted) * (1 - FOCAL_ALPHA)
    return alpha * (1 - truth) ** FOCAL_GAMMA * cross_entropy

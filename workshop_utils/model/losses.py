"""The multibox loss: a localisation loss for the boxes, and a classification loss for their classes.

After Liu et al. 2016 (SSD), section 2.2, equation 1, with one change: instead of three hard negatives for each positive
anchor, the classification loss uses all anchors, weighted by their error (focal loss, Lin et al. 2017, arXiv
1708.02002).
"""

import numpy as np

from workshop_utils.core.tensorflow import tf

Values = tf.Tensor | np.ndarray
"""An array or a tensor."""

FOCAL_ALPHA = 0.25
"""The weight of positive targets; negative ones have 1 - FOCAL_ALPHA."""

FOCAL_GAMMA = 2.0
"""The exponent that reduces the loss of targets that are already predicted well."""


def multibox_loss(
    box_targets: Values, class_targets: Values, box_encodings: Values, class_logits: Values
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the localisation and the classification loss of a batch.

    Args:
        box_targets: The correct encodings of each anchor, (N, 1917, 4).
        class_targets: The correct class id of each anchor, (N, 1917), 0 for background.
        box_encodings: The network's encodings, (N, 1917, 4).
        class_logits: The network's logits, (N, 1917, classes + 1); column 0 is the background.

    Returns:
        Two scalars, each a sum divided by the number of matched anchors in the batch, or by 1 if there are none, as in
        the Object Detection API.
    """
    positive = tf.cast(class_targets > 0, tf.float32)
    matched = tf.maximum(tf.reduce_sum(positive), 1.0)
    localisation = tf.reduce_sum(smooth_l1(box_targets - box_encodings), axis=-1)
    one_hot = tf.one_hot(class_targets, tf.shape(class_logits)[-1])[..., 1:]
    classification = focal_loss(one_hot, class_logits[..., 1:])
    return tf.reduce_sum(localisation * positive) / matched, tf.reduce_sum(classification) / matched


def smooth_l1(difference: Values) -> tf.Tensor:
    """Return x^2 / 2 if |x| < 1, else |x| - 1/2, elementwise (Girshick 2015, equation 3).

    It grows linearly, so a box that is far off does not dominate the loss.
    """
    size = tf.abs(difference)
    return tf.where(size < 1.0, 0.5 * size**2, size - 0.5)


def focal_loss(targets: Values, logits: Values) -> tf.Tensor:
    """Return -alpha (1 - p)^gamma log(p) for each class (Lin et al. 2017, equation 5).

    p is the predicted probability of the correct answer: that the class is present, or that it is absent.

    Args:
        targets: 1 if a class is present, else 0, (..., classes).
        logits: The network's logits, (..., classes).

    Returns:
        The loss of each class, (..., classes).
    """
    cross_entropy = tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)
    p = tf.exp(-cross_entropy)
    alpha = targets * FOCAL_ALPHA + (1 - targets) * (1 - FOCAL_ALPHA)
    return alpha * (1 - p) ** FOCAL_GAMMA * cross_entropy

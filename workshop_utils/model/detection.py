"""From the network's outputs to detections: decode the boxes, suppress what overlaps.

Liu et al. 2016 (SSD, arXiv 1512.02325), section 2.2, with the Object Detection API's settings.
"""

from typing import NamedTuple

import numpy as np

from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.model import preprocessing
from workshop_utils.model.anchors import VARIANCES, anchors

MAX_DETECTIONS = 100
NMS_IOU = 0.6


class Detections(NamedTuple):
    """What was found in a batch of N photos, best first, padded with zeros to MAX_DETECTIONS.

    boxes (N, 100, 4) are ymin, xmin, ymax, xmax, normalised; classes (N, 100) are ids of the label map, 0 for
    padding; scores (N, 100) run from 0 to 1.
    """

    boxes: np.ndarray
    classes: np.ndarray
    scores: np.ndarray


def detect(model: keras.Model, images, min_score: float = 0.01, class_agnostic: bool = False) -> Detections:
    """Detect objects in images: uint8 of any size (N, height, width, 3), or float32 (N, 300, 300, 3) in [-1, 1].

    `class_agnostic` lets a box carry one class only and suppresses overlapping boxes whatever their classes.
    """
    images = np.asarray(images)
    if images.dtype == np.uint8:
        images = preprocessing.to_input(np.stack([preprocessing.resize(image) for image in images]))
    encodings, logits = _forward(model)(images)
    boxes, scores = decode(encodings, logits)
    return Detections(*(part.numpy() for part in suppress(boxes, scores, min_score, class_agnostic)))


@tf.function(reduce_retracing=True)
def decode(encodings, logits) -> tuple[tf.Tensor, tf.Tensor]:
    """Return boxes (N, 1917, 4), clipped to the photo, and scores (N, 1917, classes) without the background's."""
    boxes = keras.utils.bounding_boxes.decode_deltas_to_boxes(
        anchors(), encodings, anchor_format="yxyx", box_format="yxyx", encoded_format="center_yxhw", variance=VARIANCES
    )
    return tf.clip_by_value(boxes, 0.0, 1.0), tf.sigmoid(logits[..., 1:])


@tf.function(reduce_retracing=True)
def suppress(boxes, scores, min_score, class_agnostic: bool = False) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Non-maximum suppression, class by class: keep the best box, drop those that overlap it by more than NMS_IOU.

    Takes what `decode` gives; returns the fields of Detections as tensors.
    """
    best = tf.argmax(scores, axis=-1, output_type=tf.int32)
    if class_agnostic:
        scores = tf.reduce_max(scores, axis=-1, keepdims=True)
    kept, kept_scores, kept_classes, _ = tf.image.combined_non_max_suppression(
        boxes[:, :, None], scores, MAX_DETECTIONS, MAX_DETECTIONS, NMS_IOU, min_score
    )
    ids = tf.cast(kept_classes, tf.int32) + 1
    if class_agnostic:
        same = tf.reduce_all(kept[:, :, None] == boxes[:, None], axis=-1)
        same &= kept_scores[:, :, None] == scores[:, None, :, 0]
        ids = tf.gather(best, tf.argmax(same, axis=-1), batch_dims=1) + 1
    return kept, tf.where(kept_scores > 0, ids, 0), kept_scores


def _forward(model: keras.Model):
    """One compiled forward pass a model, kept on the model."""
    if not hasattr(model, "compiled_forward"):
        model.compiled_forward = tf.function(lambda images: model(images, training=False), reduce_retracing=True)
    return model.compiled_forward

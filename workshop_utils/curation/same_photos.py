"""Recognise the same photo in several data sets by what it shows: names, sizes and compression may differ."""

import dataclasses
import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

from workshop_utils.data import near_duplicates
from workshop_utils.data.dataset import Sample

SIDE = 64
MAX_DIFFERENCE = 14
"""The largest difference of a grey level between two copies of a photo that are shrunk to SIDE x SIDE pixels.

Copies that were resized or compressed again differ by up to 10 levels, photos that moved by 3 of 512 pixels by 43 and
more (every twelfth photo of data/yoghurt)."""


@dataclasses.dataclass
class _Photo:
    """One photo, and the sample of each data set that shows it."""

    sign: np.ndarray
    small: np.ndarray
    members: dict[int, Sample]


def group(sets: Sequence[Iterable[Sample]]) -> list[dict[int, Sample]]:
    """Return for each photo the samples that show it, {number of the data set: sample}, in order of appearance.

    Two samples of one data set are always two photos.

    Args:
        sets: The samples of each data set.
    """
    photos: list[_Photo] = []
    seen: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    by_file: dict[str, list[_Photo]] = {}
    for number, samples in enumerate(sets):
        for sample in samples:
            if sample.sha256 not in seen:
                seen[sample.sha256] = _signs(sample.image)
            free = [each for each in by_file.get(sample.sha256, ()) if number not in each.members]
            photo = free[0] if free else _most_similar(*seen[sample.sha256], photos, number)
            if photo is None:
                photo = _Photo(*seen[sample.sha256], {})
                photos.append(photo)
            photo.members[number] = sample
            by_file.setdefault(sample.sha256, []).append(photo)
    return [photo.members for photo in photos]


def content(samples: Iterable[Sample]) -> str:
    """Return a digest of photos and labels, whatever the photos' names are."""
    labels = (f"{each.sha256}{each.classes}{each.boxes.tolist()}{each.difficult}" for each in samples)
    return hashlib.sha256("".join(sorted(labels)).encode()).hexdigest()


def _signs(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a photo's difference hash, float32 of -1 and 1, and its small grey copy, int16 (SIDE, SIDE)."""
    small = Image.fromarray(image).convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    sign = np.where(near_duplicates.difference_hash(image), 1, -1)
    return sign.astype(np.float32), np.asarray(small, np.int16)


def _most_similar(sign: np.ndarray, small: np.ndarray, photos: list[_Photo], number: int) -> _Photo | None:
    """Return the photo of which this is a copy; None if there is none that data set `number` does not have yet."""
    if not photos:
        return None
    distance = (near_duplicates.BITS - np.stack([each.sign for each in photos]) @ sign) / 2
    near = [photos[place] for place in np.flatnonzero(distance <= near_duplicates.MAX_DISTANCE)]
    differences = [(int(np.abs(each.small - small).max()), each) for each in near if number not in each.members]
    least, photo = min(differences, key=lambda pair: pair[0], default=(MAX_DIFFERENCE + 1, None))
    return photo if least <= MAX_DIFFERENCE else None

"""Bursts: frames that hardly differ, as a camera takes them while you hold the shutter button."""

import io
import pathlib
from typing import Any

import numpy as np
from PIL import Image

from workshop_utils.data import dataset
from workshop_utils.data.dataset import Sample

STEP = 0.01
"""The share of the photo's width by which the scene moves from one frame to the next."""


def frames(sample: Sample, number: int = 2) -> list[Sample]:
    """Return frames of the scene of a labelled photo, moved to the left by 1%, 2%, ... of its width.

    All frames have the same size, and so has the photo without its last `number` percent. Boxes move along and are cut
    off at the edges.

    Args:
        sample: A labelled photo, the first frame of the burst.
        number: The number of further frames.
    """
    image, width = Image.fromarray(sample.image), sample.image.shape[1]
    return [
        _moved(sample, image, round(STEP * width * place), round(STEP * width * number), place)
        for place in range(1, number + 1)
    ]


def _moved(sample: Sample, image: Image.Image, left: int, room: int, place: int) -> Sample:
    """Return the frame that begins at the column `left`, `room` pixels narrower than the photo."""
    width, file = image.width - room, io.BytesIO()
    image.crop((left, 0, left + width, image.height)).save(file, "JPEG", quality=90)
    boxes = sample.boxes.copy()
    boxes[:, 1::2] = np.clip((boxes[:, 1::2] * image.width - left) / width, 0, 1)
    seen = np.flatnonzero(boxes[:, 3] > boxes[:, 1])
    marks: list[Any] = [[each[row] for row in seen] for each in (sample.classes, sample.difficult, sample.truncated)]
    name = f"{pathlib.PurePosixPath(sample.name).stem}_frame{place}.jpg"
    return dataset.from_encoded(name, file.getvalue(), boxes[seen], *marks)

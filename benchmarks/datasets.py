"""Data sets made from the workshop's photos, to measure the effect of the number of photos and of their size."""

import pathlib
import shutil

import numpy as np
from PIL import Image

from workshop_utils.core import settings
from workshop_utils.data import voc

DISTINCT = 36
LARGE = (4000, 3000)
"""Twelve megapixels."""


def of(count: int, size: tuple[int, int] | None, folder: pathlib.Path) -> pathlib.Path:
    """Return `folder` with `count` labelled photos: copies of DISTINCT ones, enlarged to `size` if it is given.

    Copies differ in a few bytes after the image data, because equal files would count as one photo.
    """
    if folder.exists():
        return folder
    unfinished = folder.with_name(f"part-{folder.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    for part in ("images", "annotations"):
        (unfinished / part).mkdir(parents=True)
    sources = sorted((settings.YOGHURT / "images").iterdir())[:DISTINCT]
    for number in range(count):
        source = sources[number % DISTINCT]
        annotation = voc.read(settings.YOGHURT / "annotations" / f"{source.stem}.xml")
        target = unfinished / "images" / f"{number:05}.jpg"
        if number >= DISTINCT:
            shutil.copy(unfinished / "images" / f"{number % DISTINCT:05}.jpg", target)
        elif size:
            Image.open(source).resize(size, Image.Resampling.BICUBIC).save(target, quality=92)
        else:
            shutil.copy(source, target)
        with open(target, "ab") as stream:
            stream.write(f"{number:05}".encode())
        names = [box.name for box in annotation.boxes]
        side = size or (annotation.width, annotation.height)
        moved = voc.from_normalised(side, names, np.reshape(voc.normalised(annotation), (-1, 4)), target.name)
        voc.write(moved, unfinished / "annotations" / f"{number:05}.xml")
    unfinished.rename(folder)
    return folder

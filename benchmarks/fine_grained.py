"""Make a data set of real photos whose classes differ in a detail: red blood cells with and without a pale centre.

    python benchmarks/fine_grained.py BCCD OUT

Needs a folder with the photos and labels of BCCD (github.com/Shenggan/BCCD_Dataset, MIT), whose classes are RBC, WBC
and Platelets. Each RBC becomes PALE or FILLED, by its own pixels. The other boxes and the photos stay as they are.
"""

import pathlib
import shutil
import sys

import numpy as np

from workshop_utils.data import formats, voc
from workshop_utils.data.dataset import Sample

SPLIT = "RBC"
CENTRE, RING = (0.0, 0.3), (0.5, 0.8)
"""The two parts of a cell that are compared, as distances from its middle; 1 is the edge of its box."""


def part(pixels: np.ndarray, distances: tuple[float, float]) -> float:
    """Return the mean brightness of the elliptic ring between two distances from the middle of (height, width)."""
    height, width = pixels.shape
    down, across = (np.abs(np.arange(side) - (side - 1) / 2) / (side / 2) for side in (height, width))
    distance = np.hypot(down[:, None], across[None, :])
    return float(pixels[(distance >= distances[0]) & (distance <= distances[1])].mean())


def named(sample: Sample) -> list[str]:
    """Return the class of each box, with SPLIT replaced."""
    brightness = sample.image.astype(np.float32).mean(axis=-1)
    sides = np.array([*brightness.shape] * 2)
    found = []
    for (top, left, bottom, right), name in zip(np.round(sample.boxes * sides).astype(int), sample.classes):
        cell = brightness[top : max(bottom, top + 3), left : max(right, left + 3)]
        pale = part(cell, CENTRE) > part(cell, RING)
        found.append(name if name != SPLIT else "PALE" if pale else "FILLED")
    return found


def main() -> None:
    source, out = map(pathlib.Path, sys.argv[1:])
    for name in ("images", "annotations"):
        (out / name).mkdir(parents=True)
    for sample in formats.open_dataset(source).samples:
        shutil.copy(source / "images" / sample.name, out / "images" / sample.name)
        annotation = voc.from_normalised((sample.width, sample.height), named(sample), sample.boxes, sample.name)
        voc.write(annotation, out / "annotations" / f"{pathlib.Path(sample.name).stem}.xml")


if __name__ == "__main__":
    main()

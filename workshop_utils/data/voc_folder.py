"""Write a data set as a Pascal VOC folder: `images/`, `annotations/` and `label_map.pbtxt`. `dataset.load` reads it.

If the data set comes with a split, the folder also has the lists in `ImageSets/Main/`.
"""

import collections
import pathlib

import numpy as np

from workshop_utils.core import files
from workshop_utils.data import label_map, photos, voc, voc_parts
from workshop_utils.data.annotation import Annotation, Box, VocError
from workshop_utils.data.dataset import Dataset, DatasetError, Sample
from workshop_utils.data.names import composed


def write(data: Dataset, folder: pathlib.Path) -> None:
    """Write each photo byte for byte, its boxes as Pascal VOC XML, and the label map.

    The folder appears complete or not at all. Loading it again gives exactly the same boxes.

    Raises:
        DatasetError: If a photo's name or boxes cannot be written.
        PhotoError: If a photo has changed since it was loaded.
        WriteError: If the folder is not empty or cannot be written.
    """
    folder = pathlib.Path(folder)
    names = file_names(data.samples)
    with files.new_folder(folder) as unfinished:
        for part in ("images", "annotations"):
            (unfinished / part).mkdir()
        for sample, name in zip(data.samples, names, strict=True):
            _write_annotation(sample, unfinished / "annotations" / f"{pathlib.Path(name).stem}.xml", name)
            (unfinished / "images" / name).write_bytes(sample.encoded)
        label_map.write(data.label_map, unfinished / label_map.FILENAME)
        parts = zip(names, data.samples, strict=True)
        voc_parts.write({pathlib.Path(name).stem: sample.part for name, sample in parts}, unfinished)


def file_names(samples: list[Sample]) -> list[str]:
    """Return a file name for each sample, so that all photos fit into one folder.

    A sample's name may be a path. Its last part is used, or all parts joined by "-" if several have the same last part.

    Raises:
        DatasetError: If two photos would have the same stem, or a name does not have the extension of a photo.
    """
    paths = [pathlib.PureWindowsPath(sample.name) for sample in samples]  # splits at / and \
    counts = collections.Counter(_stem(path.name) for path in paths)
    names = [
        path.name if counts[_stem(path.name)] == 1 else "-".join(path.parts[bool(path.anchor) :]) for path in paths
    ]
    known: set[str] = set()
    for sample, name in zip(samples, names, strict=True):
        if pathlib.PurePath(name.lower()).suffix not in photos.SUFFIXES or _stem(name) in known or name.startswith("."):
            raise DatasetError(
                f"{sample.name!r}: cannot be the name of a photo in one folder. Rename it: each photo needs "
                f"its own stem (case does not count) and one of the extensions {', '.join(photos.SUFFIXES)}."
            )
        known.add(_stem(name))
    return names


def _stem(name: str) -> str:
    return pathlib.PurePath(composed(name).lower()).stem


def _write_annotation(sample: Sample, path: pathlib.Path, filename: str) -> None:
    sizes = (sample.height, sample.width, sample.height, sample.width)
    boxes: list[Box] = []
    for number, edges in enumerate(sample.boxes):
        ymin, xmin, ymax, xmax = (_pixels(edge, size) for edge, size in zip(edges, sizes, strict=True))
        truncated, difficult = int(sample.truncated[number]), int(sample.difficult[number])
        boxes.append(Box(sample.classes[number], xmin, ymin, xmax, ymax, truncated=truncated, difficult=difficult))
    try:
        voc.write(Annotation(filename, sample.width, sample.height, tuple(boxes)), path)
    except VocError as error:
        raise DatasetError(f"{sample.name!r}: {str(error).removeprefix(f'{path}: ')}") from None


def _pixels(edge: np.float32, size: int) -> float:
    """Return a normalised edge in pixels, as a whole number if that gives the same edge when it is read again."""
    whole = round(float(edge) * size)
    return whole if np.float32(whole / size) == edge else float(edge) * size

"""Write a data set as a Pascal VOC folder: `images/`, `annotations/` and `label_map.pbtxt`. `dataset.load` reads it."""

import pathlib

import numpy as np

from workshop_utils.core import files
from workshop_utils.data import label_map, photos, voc
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
    names = _file_names(data.samples)
    with files.new_folder(folder) as unfinished:
        for part in ("images", "annotations"):
            (unfinished / part).mkdir()
        for sample, name in zip(data.samples, names, strict=True):
            _write_annotation(sample, unfinished / "annotations" / f"{pathlib.Path(name).stem}.xml", name)
            (unfinished / "images" / name).write_bytes(sample.encoded)
        label_map.write(data.label_map, unfinished / label_map.FILENAME)


def _file_names(samples: list[Sample]) -> list[str]:
    """Return a file name for each sample. In a record, the name may be a path. Raises DatasetError."""
    names = [pathlib.PureWindowsPath(sample.name).name for sample in samples]  # splits at / and \
    known: set[str] = set()
    for sample, name in zip(samples, names, strict=True):
        path = pathlib.PurePath(composed(name).lower())
        if path.suffix not in photos.SUFFIXES or path.stem in known or name.startswith("."):
            raise DatasetError(
                f"{sample.name!r}: cannot be the name of a photo in a Pascal VOC folder. Rename it: each photo needs "
                f"its own stem (case does not count) and one of the extensions {', '.join(photos.SUFFIXES)}."
            )
        known.add(path.stem)
    return names


def _write_annotation(sample: Sample, path: pathlib.Path, filename: str) -> None:
    sizes = (sample.height, sample.width, sample.height, sample.width)
    boxes = []
    for number, edges in enumerate(sample.boxes):
        ymin, xmin, ymax, xmax = (_pixels(edge, size) for edge, size in zip(edges, sizes, strict=True))
        flags = {"truncated": int(sample.truncated[number]), "difficult": int(sample.difficult[number])}
        boxes.append(Box(sample.classes[number], xmin, ymin, xmax, ymax, **flags))
    try:
        voc.write(Annotation(filename, sample.width, sample.height, tuple(boxes)), path)
    except VocError as error:
        raise DatasetError(f"{sample.name!r}: {str(error).removeprefix(f'{path}: ')}") from None


def _pixels(edge: np.float32, size: int) -> float:
    """Return a normalised edge in pixels, as a whole number if that gives the same edge when it is read again."""
    whole = round(float(edge) * size)
    return whole if np.float32(whole / size) == edge else float(edge) * size

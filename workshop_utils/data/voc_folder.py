"""Write a data set as a Pascal VOC folder: `images/`, `annotations/` and `label_map.pbtxt`. `dataset.load` reads it."""

import pathlib

import numpy as np

from workshop_utils.core import files
from workshop_utils.data import label_map, photos, voc
from workshop_utils.data.annotation import Annotation, Box, VocError
from workshop_utils.data.dataset import Dataset, DatasetError, Sample
from workshop_utils.data.names import composed


def write(data: Dataset, folder: pathlib.Path) -> None:
    """Write every photo byte for byte, its boxes as Pascal VOC XML, and the label map.

    The folder appears complete or not at all. Reading it again gives the same boxes, to the last bit. Raises
    DatasetError for a photo whose name or boxes cannot be written, PhotoError for a photo that has changed since it was
    loaded, WriteError if the folder is not empty or cannot be written.
    """
    folder = pathlib.Path(folder)
    names = _file_names(data.samples)
    try:
        with files.new_folder(folder) as unfinished:
            for part in ("images", "annotations"):
                (unfinished / part).mkdir()
            for sample, name in zip(data.samples, names, strict=True):
                _write_annotation(sample, unfinished / "annotations" / f"{pathlib.Path(name).stem}.xml", name)
                (unfinished / "images" / name).write_bytes(sample.encoded)
            label_map.write(data.label_map, unfinished / label_map.FILENAME)
    except files.WriteError:
        raise
    except OSError as error:
        raise files.WriteError(
            f"{folder}: cannot be written ({files.reason(error)}). {files.remedy(error)}, and do it again."
        ) from None


def _file_names(samples: list[Sample]) -> list[str]:
    """Return a file name for each sample: a record may name its photo by a path. Raises DatasetError."""
    names = [pathlib.PureWindowsPath(sample.name).name for sample in samples]  # it knows / and \
    known: set[str] = set()
    for sample, name in zip(samples, names, strict=True):
        path = pathlib.PurePath(composed(name).lower())
        if path.suffix not in photos.SUFFIXES or path.stem in known or name.startswith("."):
            raise DatasetError(
                f"{sample.name!r}: cannot be a photo's name in a Pascal VOC folder. Rename it: each photo needs a name "
                f"of its own (capitals and the ending do not count) that ends in {', '.join(photos.SUFFIXES)}."
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
    """Return a normalised edge in pixels: whole ones, unless reading these would give another edge."""
    whole = round(float(edge) * size)
    return whole if np.float32(whole / size) == edge else float(edge) * size

"""The formats of labelled data sets. To add one, write a reader and `register` it: then every command opens it."""

import dataclasses
import pathlib
from collections.abc import Callable

from workshop_utils.data import (
    archives,
    coco_json,
    coco_writer,
    dataset,
    folders,
    inspection,
    record_files,
    voc_folder,
    voc_parts,
    yolo,
    yolo_writer,
)
from workshop_utils.data.annotation import VocError
from workshop_utils.data.dataset import Dataset, DatasetError
from workshop_utils.data.findings import Finding
from workshop_utils.data.inspection import Inspection
from workshop_utils.data.labels import Labels


@dataclasses.dataclass(frozen=True)
class DataFormat:
    """How to recognise, read and write data sets in one format.

    Attributes:
        name: The format's name.
        contents: The files that `recognises` looks for, for error messages.
        recognises: Returns whether a folder has this format.
        read: Reads a folder. It raises DatasetError or another WorkshopError if the folder cannot be used.
        write: Writes a data set to a folder; None if the format can only be read.
        labels: Returns the labels of a folder as they are written, so that `check` can list what is wrong with them.
    """

    name: str
    contents: str
    recognises: Callable[[pathlib.Path], bool]
    read: Callable[[pathlib.Path], Dataset]
    write: Callable[[Dataset, pathlib.Path], None] | None = None
    labels: Callable[[pathlib.Path], Labels] | None = None


FORMATS: dict[str, DataFormat] = {}
"""{name: format}. A folder that fits several formats is read as the first, unless several have their labels in it."""


def register(data_format: DataFormat) -> None:
    """Add a format. It replaces one with the same name."""
    FORMATS[data_format.name] = data_format


def recognise(folder: pathlib.Path) -> DataFormat | None:
    """Return the format of a data set by its files, None if no format fits.

    Raises:
        DatasetError: If the folder has labels in two formats: it is unknown which of them are right.
    """
    fitting = [each for each in FORMATS.values() if _fits(each, folder)]
    labelled = [each for each in fitting if each.labels]
    if len(labelled) > 1 and fitting[0] is labelled[0]:
        there = " and ".join(f"{each.name} ({each.contents})" for each in labelled)
        raise DatasetError(f"{folder}: has labels in two formats, {there}. Move those of one into another folder.")
    return fitting[0] if fitting else None


def _fits(data_format: DataFormat, folder: pathlib.Path) -> bool:
    try:
        return data_format.recognises(folder)
    except (VocError, OSError):  # a folder that cannot be listed; reading it says so
        return False


def open_dataset(folder: pathlib.Path) -> Dataset:
    """Read a data set in any known format, which is recognised by its files. A zip file is unpacked.

    Raises:
        DatasetError: If no format fits.
        WorkshopError: If the format's reader raises one.
    """
    folder, findings = unpacked(pathlib.Path(folder))
    if found := recognise(folder):
        data = found.read(folder)
        return dataclasses.replace(data, findings=[*findings, *data.findings]) if findings else data
    try:
        return dataset.load(folder)  # to report what is missing for the most common format
    except VocError as error:
        raise DatasetError(f"{error} {_known()}") from None


def inspect(folder: pathlib.Path) -> Inspection | Dataset:
    """Check a data set in any known format, or read it if its format has no labels to check.

    Raises:
        DatasetError: If no format fits.
        WorkshopError: If the format's reader raises one.
    """
    folder, findings = unpacked(pathlib.Path(folder))
    found = recognise(folder)
    if found is None:
        try:
            return inspection.inspect(folder)
        except VocError as error:
            raise DatasetError(f"{error} {_known()}") from None
    if found.labels is None:
        return found.read(folder)
    labels = found.labels(folder)
    return inspection.inspect_labels(dataclasses.replace(labels, findings=[*findings, *labels.findings]))


def unpacked(path: pathlib.Path) -> tuple[pathlib.Path, list[Finding]]:
    """Return a data set's folder, which is unpacked first if it is a zip file, and findings."""
    return archives.unpack(path) if archives.is_zip(path) else (path, [])


def _known() -> str:
    formats = ", ".join(f"{each.name} ({each.contents})" for each in FORMATS.values())
    return f"Known formats, also in a zip file: {formats}."


def _register_labels(
    name: str,
    contents: str,
    recognises: Callable[[pathlib.Path], bool],
    labels: Callable[[pathlib.Path], Labels],
    write: Callable[[Dataset, pathlib.Path], None] | None = None,
) -> None:
    """Register a format whose reader returns its labels."""

    def read(folder: pathlib.Path) -> Dataset:
        return dataset.from_inspection(inspection.inspect_labels(labels(folder)))

    register(DataFormat(name, contents, recognises, read, write, labels))


def _is_voc(folder: pathlib.Path) -> bool:
    try:
        places = folders.find(folder)
    except VocError:
        return False
    return any(path.suffix.lower() == ".xml" for place in places for path in place.iterdir())


def _read_records(folder: pathlib.Path) -> Dataset:
    from workshop_utils.data import tfrecords  # imports TensorFlow

    return tfrecords.read(folder)


def _write_records(data: Dataset, folder: pathlib.Path) -> None:
    from workshop_utils.data import tfrecords

    tfrecords.write(data, folder)


register(DataFormat("tfrecords", "train.record, or its shards", record_files.exist_in, _read_records, _write_records))
_register_labels("voc", "images/ and annotations/*.xml", _is_voc, inspection.read_voc, voc_folder.write)
_register_labels(
    "voc_parts",
    "such a folder for each part: train/, valid/",
    lambda folder: bool(voc_parts.find(folder)),
    lambda folder: voc_parts.read_folders(folder, inspection.read_voc),
)
_register_labels(
    "coco",
    "a JSON file with images and annotations",
    lambda folder: bool(coco_json.find(folder)),
    coco_json.read,
    coco_writer.write,
)
_register_labels(
    "yolo", "a text file per photo, and data.yaml or classes.txt", yolo.is_in, yolo.read, yolo_writer.write
)

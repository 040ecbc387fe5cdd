"""The formats of labelled data sets. To add one, write a reader and `register` it: then every command opens it."""

import dataclasses
import pathlib
from collections.abc import Callable

from workshop_utils.data import dataset, folders, record_files, voc_folder
from workshop_utils.data.annotation import VocError
from workshop_utils.data.dataset import Dataset, DatasetError


@dataclasses.dataclass(frozen=True)
class DataFormat:
    """How to recognise, read and write data sets in one format.

    Attributes:
        name: The format's name.
        contents: The files that `recognises` looks for, for error messages.
        recognises: Returns whether a folder has this format.
        read: Reads a folder. It raises DatasetError or another WorkshopError if the folder cannot be used.
        write: Writes a data set to a folder; None if the format can only be read.
    """

    name: str
    contents: str
    recognises: Callable[[pathlib.Path], bool]
    read: Callable[[pathlib.Path], Dataset]
    write: Callable[[Dataset, pathlib.Path], None] | None = None


FORMATS: dict[str, DataFormat] = {}
"""{name: format}. A folder that fits several formats is read as the first."""


def register(data_format: DataFormat) -> None:
    """Add a format. It replaces one with the same name."""
    FORMATS[data_format.name] = data_format


def open_dataset(folder: pathlib.Path) -> Dataset:
    """Read a data set in any known format, which is recognised by its files.

    Raises:
        DatasetError: If no format fits.
        WorkshopError: If the format's reader raises one.
    """
    folder = pathlib.Path(folder)
    for each in FORMATS.values():
        if each.recognises(folder):
            return each.read(folder)
    try:
        return dataset.load(folder)  # to report what is missing for the most common format
    except VocError as error:
        formats = ", ".join(f"{each.name} ({each.contents})" for each in FORMATS.values())
        raise DatasetError(f"{error} Known formats: {formats}.") from None


def _is_voc(folder: pathlib.Path) -> bool:
    try:
        folders.find(folder)
    except VocError:
        return False
    return True


def _read_records(folder: pathlib.Path) -> Dataset:
    from workshop_utils.data import tfrecords  # imports TensorFlow

    return tfrecords.read(folder)


def _write_records(data: Dataset, folder: pathlib.Path) -> None:
    from workshop_utils.data import tfrecords

    tfrecords.write(data, folder)


register(DataFormat("tfrecords", "train.record, or its shards", record_files.exist_in, _read_records, _write_records))
register(DataFormat("voc", "images/ and annotations/*.xml", _is_voc, dataset.load, voc_folder.write))

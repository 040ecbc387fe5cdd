"""The formats of labelled data sets. To add one, write its reader and `register` it; every command then opens it."""

import dataclasses
import pathlib
from collections.abc import Callable

from workshop_utils.data import dataset, folders, record_files, voc_folder
from workshop_utils.data.annotation import VocError
from workshop_utils.data.dataset import Dataset, DatasetError


@dataclasses.dataclass(frozen=True)
class DataFormat:
    """How data sets of one format are recognised, read and written.

    `holds` says in words what `recognises` looks for in a folder. `read` raises DatasetError or another WorkshopError
    for a folder that cannot be used. `write` is None if the format can only be read.
    """

    name: str
    contents: str
    recognises: Callable[[pathlib.Path], bool]
    read: Callable[[pathlib.Path], Dataset]
    write: Callable[[Dataset, pathlib.Path], None] | None = None


FORMATS: dict[str, DataFormat] = {}
"""The known formats by name. A folder that fits several of them is read as the first."""


def register(data_format: DataFormat) -> None:
    """Add a format, or replace the one of the same name."""
    FORMATS[data_format.name] = data_format


def open_dataset(folder: pathlib.Path) -> Dataset:
    """Read a data set in any known format, recognised by its files.

    Raises DatasetError if no format fits, and what the format's own reader raises.
    """
    folder = pathlib.Path(folder)
    for each in FORMATS.values():
        if each.recognises(folder):
            return each.read(folder)
    try:
        return dataset.load(folder)  # most data sets are VOC folders, and this names what is missing
    except VocError as error:
        formats = ", ".join(f"{each.name} ({each.contents})" for each in FORMATS.values())
        raise DatasetError(f"{error} These formats are known: {formats}.") from None


def _is_voc(folder: pathlib.Path) -> bool:
    try:
        folders.find(folder)
    except VocError:
        return False
    return True


def _read_records(folder: pathlib.Path) -> Dataset:
    from workshop_utils.data import tfrecords  # only here: it imports TensorFlow

    return tfrecords.read(folder)


def _write_records(data: Dataset, folder: pathlib.Path) -> None:
    from workshop_utils.data import tfrecords

    tfrecords.write(data, folder)


register(DataFormat("tfrecords", "train.record, or its shards", record_files.exist_in, _read_records, _write_records))
register(DataFormat("voc", "images/ and annotations/*.xml", _is_voc, dataset.load, voc_folder.write))

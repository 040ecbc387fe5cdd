"""The registry of export formats: what each is called, which file it makes, what writes that file and what opens it.

To add a format, write a module with its `write` and its `open_file`, and `register` an ExportFormat that names them.
Importing this module imports no TensorFlow, so that a command line can list the formats at once.
"""

import dataclasses
import importlib
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from workshop_utils.core.errors import WorkshopError


class ExportError(WorkshopError, RuntimeError):
    """A format that cannot be written: the message says why, and what to do."""


class UnknownFormatError(ExportError):
    """A format that is not registered; the message names those that are."""

    exit_code = 2


class OpenFile(NamedTuple):
    """An exported file, ready to run.

    Attributes:
        run: Takes a uint8 image (height, width, 3) and a least score; returns boxes (100, 4), class ids (100,) and
            scores (100,), best first and padded with zeros.
        classes: How many columns of scores the file has, None where it does not show that.
    """

    run: Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray, np.ndarray]]
    classes: int | None


@dataclasses.dataclass(frozen=True)
class ExportFormat:
    """One format.

    Attributes:
        name: What `--formats` and `export` call it.
        file_name: The file or folder in RUN/export. A file of the same suffix is taken to be of this format.
        write: Takes the Keras model, the path and the photos (see `needs_photos`), and writes the file: whole, or not
            at all and the one before it unchanged. Raises WriteError where the disk is full.
        open_file: Takes the path; returns an OpenFile. What it raises for a broken file or for another model is
            reported as an InferenceError.
        speed_rank: Where an export folder holds several formats, the one with the lowest rank is opened.
        default: Whether it is written where no formats are named.
        needs_photos: Whether `write` gets training photos of the run, uint8 (300, 300, 3); without, it gets None.
        marker: For a format that is a folder: the file inside by which it is recognised.
    """

    name: str
    file_name: str
    write: Callable[[Any, pathlib.Path, list[np.ndarray] | None], None]
    open_file: Callable[[pathlib.Path], OpenFile]
    speed_rank: int
    default: bool = True
    needs_photos: bool = False
    marker: str | None = None

    def matches(self, path: pathlib.Path) -> bool:
        """Return whether there is a file, or a folder, of this format at a path."""
        if self.marker:
            return (path / self.marker).is_file()
        return path.suffix == pathlib.PurePath(self.file_name).suffix and path.is_file()


FORMATS: dict[str, ExportFormat] = {}


def register(added: ExportFormat) -> None:
    """Add a format. Raises ExportError where its name or its file name is taken."""
    for other in FORMATS.values():
        if added.name == other.name or added.file_name == other.file_name:
            raise ExportError(
                f"The format '{added.name}' ({added.file_name}) clashes with '{other.name}' ({other.file_name}). "
                "Give it another name and another file name."
            )
    FORMATS[added.name] = added


def get(name: str) -> ExportFormat:
    """Return the format called `name`. Raises UnknownFormatError."""
    if name not in FORMATS:
        raise UnknownFormatError(f"There is no format '{name}'. Choose among: {', '.join(FORMATS)}.")
    return FORMATS[name]


def defaults() -> list[str]:
    """Return the names of the formats that are written where none are named."""
    return [each.name for each in FORMATS.values() if each.default]


def find(path: pathlib.Path) -> tuple[ExportFormat, pathlib.Path] | None:
    """Return the format of an exported file and its path; of an export folder, those of its fastest file.

    Returns None where there is no file of a registered format.
    """
    fastest_first = sorted(FORMATS.values(), key=lambda each: each.speed_rank)
    places = [(each, path / each.file_name) for each in fastest_first] + [(each, path) for each in fastest_first]
    return next(((each, place) for each, place in places if each.matches(place)), None)


def _in_module(module: str, function: str) -> Callable:
    """Return a function that imports a module of `formats` and calls its `function`: TensorFlow takes seconds."""

    def call(*arguments):
        return getattr(importlib.import_module(f"workshop_utils.deploy.formats.{module}"), function)(*arguments)

    return call


# The ranks follow the milliseconds a photo takes in benchmarks/results.md. The int8 file comes last, because its boxes
# differ from the checkpoint's.
register(
    ExportFormat(
        "saved_model",
        "saved_model",
        write=_in_module("saved_model", "write"),
        open_file=_in_module("saved_model", "open_file"),
        speed_rank=3,
        marker="saved_model.pb",
    )
)
register(
    ExportFormat(
        "litert",
        "detector.tflite",
        write=_in_module("litert", "write"),
        open_file=_in_module("litert", "open_file"),
        speed_rank=1,
    )
)
register(
    ExportFormat(
        "litert_int8",
        "detector_int8.tflite",
        write=_in_module("litert", "write_int8"),
        open_file=_in_module("litert", "open_file"),
        speed_rank=4,
        default=False,
        needs_photos=True,
    )
)
register(
    ExportFormat(
        "onnx",
        "detector.onnx",
        write=_in_module("onnx", "write"),
        open_file=_in_module("onnx", "open_file"),
        speed_rank=2,
    )
)

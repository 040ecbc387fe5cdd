"""The registry of export formats: the name and the file of each, and the functions that write and open it.

To add a format, write a module with `write` and `open_file`, and `register` an ExportFormat with them. This module does
not import TensorFlow, which takes seconds, so that the command line can list the formats immediately.
"""

import dataclasses
import importlib
import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from workshop_utils.core.errors import WorkshopError


class ExportError(WorkshopError, RuntimeError):
    """A format that cannot be written. The message says why, and what to do."""


class UnknownFormatError(ExportError):
    """A format that is not registered. The message names the registered ones."""

    exit_code = 2


class OpenFile(NamedTuple):
    """An exported file, ready to run.

    Attributes:
        run: Takes a uint8 image (height, width, 3) and a minimum score; returns boxes (100, 4), class ids (100,) and
            scores (100,), best first and padded with zeros.
        classes: Number of classes in the file's scores, or None if the file does not show it.
    """

    run: Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray, np.ndarray]]
    classes: int | None


@dataclasses.dataclass(frozen=True)
class ExportFormat:
    """One format.

    Attributes:
        name: Its name in `--formats` and `export`.
        file_name: The file or folder in RUN/export. Files with the same suffix are treated as this format.
        write: Takes the Keras model, the path and the photos (see `needs_photos`), and writes the file. If that fails,
            it leaves an existing file unchanged and raises WriteError.
        open_file: Takes the path; returns an OpenFile. Any error it raises is reported as an InferenceError.
        speed_rank: If an export folder has several formats, the one with the lowest rank is opened.
        default: Whether it is written if no formats are named.
        needs_photos: Whether `write` needs training photos of the run, uint8 (300, 300, 3); otherwise it gets None.
        marker: For a format that is a folder, the file in it by which the folder is recognised.
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
        """Return whether the file or folder at a path is of this format."""
        if self.marker:
            return (path / self.marker).is_file()
        return path.suffix == pathlib.PurePath(self.file_name).suffix and path.is_file()


FORMATS: dict[str, ExportFormat] = {}


def register(added: ExportFormat) -> None:
    """Add a format to the registry. Raises ExportError if its name or file name is taken."""
    for other in FORMATS.values():
        if added.name == other.name or added.file_name == other.file_name:
            raise ExportError(
                f"The format '{added.name}' ({added.file_name}) clashes with '{other.name}' ({other.file_name}). "
                "Choose another name and another file name."
            )
    FORMATS[added.name] = added


def get(name: str) -> ExportFormat:
    """Return the format called `name`. Raises UnknownFormatError if there is none."""
    if name not in FORMATS:
        raise UnknownFormatError(f"There is no format '{name}'. Choose from: {', '.join(FORMATS)}.")
    return FORMATS[name]


def defaults() -> list[str]:
    """Return the names of the formats that are written if none are named."""
    return [each.name for each in FORMATS.values() if each.default]


def find(path: pathlib.Path) -> tuple[ExportFormat, pathlib.Path] | None:
    """Return the format and the path of an exported file, or of the fastest one in an export folder.

    Args:
        path: A file of a registered format, or a folder with such files.

    Returns:
        None if there is no file of a registered format.
    """
    fastest_first = sorted(FORMATS.values(), key=lambda each: each.speed_rank)
    candidates = [(each, path / each.file_name) for each in fastest_first] + [(each, path) for each in fastest_first]
    return next((found for found in candidates if found[0].matches(found[1])), None)


def _in_module(name: str, file_name: str, module: str, write: str = "write", **options: Any) -> ExportFormat:
    """Return a format whose functions are in a module of `formats`, imported when first called."""

    def function(called: str) -> Callable:
        path = f"workshop_utils.deploy.formats.{module}"
        return lambda *arguments: getattr(importlib.import_module(path), called)(*arguments)

    return ExportFormat(name, file_name, function(write), function("open_file"), **options)


# The ranks follow the milliseconds per photo in benchmarks/results.md. The int8 file is last, because its boxes differ
# from the checkpoint's.
register(_in_module("saved_model", "saved_model", "saved_model", speed_rank=3, marker="saved_model.pb"))
register(_in_module("litert", "detector.tflite", "litert", speed_rank=1))
register(
    _in_module(
        "litert_int8", "detector_int8.tflite", "litert", "write_int8", speed_rank=4, default=False, needs_photos=True
    )
)
register(_in_module("onnx", "detector.onnx", "onnx", speed_rank=2))

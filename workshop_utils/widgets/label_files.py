"""The files that a labeler reads, and those that it keeps: photos that can be labelled, annotations that are there."""

import itertools
import pathlib
import shutil

from tqdm.auto import tqdm

from workshop_utils.core import files, untrusted
from workshop_utils.data import folders, photos
from workshop_utils.data.names import composed
from workshop_utils.widgets.box_editor import LabelingError


def readable(folder: pathlib.Path) -> tuple[dict[pathlib.Path, tuple[int, int]], list[str]]:
    """Return the photos of a folder that can be labelled, each with its (width, height) in pixels, and a line on each
    of the others.

    Raises LabelingError where none can be.
    """
    if not folder.is_dir():
        raise LabelingError(f"{folder}: there is no such folder. Put the photos to label into it.")
    sizes, stems, faults = {}, {}, []
    for path in tqdm(photos.find(folder), "look at photos", unit="photo", delay=1, leave=False):
        try:
            other = stems.get(composed(path.stem))
            if other:
                raise photos.PhotoError(f"{path}: has the same stem as {other.name}. Rename one of them.")
            if untrusted.is_outside(path, folder):
                raise photos.PhotoError(f"{path}: is a link that leads out of the folder. Put the photo itself there.")
            sizes[path] = photos.read(path).size
            stems[composed(path.stem)] = path
        except photos.PhotoError as fault:
            faults.append(f"Left out: {fault}")
    if not sizes:
        raise LabelingError("\n".join([f"{folder}: holds no photo that can be read.", *faults]))
    return sizes, faults


def written(folder: pathlib.Path, annotations: pathlib.Path) -> dict[pathlib.Path, pathlib.Path]:
    """Return {photo: annotation} as training pairs them, also where an annotation is named almost like its photo."""
    pairs, _ = folders.pair_folders(folder, annotations if annotations.is_dir() else folder)
    return dict(pairs)


def content(path: pathlib.Path) -> bytes | None:
    """Return what is in a file, None where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def kept(path: pathlib.Path) -> pathlib.Path:
    """Copy a file to a hidden one beside it that was not there before; return that. Raises WriteError."""
    names = (files.fit_name(".", path.name, f".before{number or ''}") for number in itertools.count())
    copy = next(path for path in map(path.with_name, names) if not path.exists())
    with files.replacing(copy) as unfinished:
        shutil.copyfile(path, unfinished)
    return copy

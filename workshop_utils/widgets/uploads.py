"""Photos that a person brings, through the browser or from a folder: checked, and copied under their names.

No file that is there already is changed: a photo whose name is taken gets another one, and that is said.
"""

import html
import pathlib
from collections.abc import Iterable
from typing import Any

import ipywidgets
from tqdm.auto import tqdm

from workshop_utils.core import files, untrusted
from workshop_utils.core.errors import WorkshopError
from workshop_utils.data import photos
from workshop_utils.data.names import composed

LONGEST_STEM = 200
"""Bytes that a photo's name may have without its ending: the names of what is made of it are longer."""


class UploadError(WorkshopError, ValueError):
    """A folder from which no photos can be taken; the message names it and says what to do."""


class PhotoUpload(ipywidgets.VBox):
    """A button that takes photos from the browser's machine into `folder`; below it stands what became of each."""

    def __init__(self, folder: pathlib.Path):
        super().__init__()
        self.folder, self.lines = pathlib.Path(folder), []
        button = ipywidgets.FileUpload(accept="image/*", multiple=True, description="Upload photos")
        button.layout.width = "12em"
        self._said = ipywidgets.HTML()
        button.observe(lambda change: self.take(change["new"]), "value")
        self.children = [button, self._said]

    def take(self, value: object) -> None:
        """Keep the photos of a `FileUpload.value`, and say of each what became of it."""
        self.lines += keep_all(files_of(value), self.folder)
        count = f"{len(photos.find(self.folder))} photos are in {self.folder}" if self.folder.is_dir() else ""
        shown = "<br>".join(html.escape(line) for line in [*self.lines, count])
        self._said.value = f'<div role="status">{shown}</div>'


def files_of(value: Any) -> list[tuple[str, bytes]]:
    """Return (name, content) of each file in a `FileUpload.value`: ipywidgets 7 has a dictionary, 8 has a tuple."""
    entries = [{"name": name, **entry} for name, entry in value.items()] if isinstance(value, dict) else value
    return [(entry["name"], bytes(entry["content"])) for entry in entries]


def copy(source: pathlib.Path, folder: pathlib.Path) -> list[str]:
    """Copy the photos that lie directly in `source` into `folder`; return a line on each, and one on all other files.

    A link that leads out of `source` is left out. Raises UploadError where `source` is no folder or cannot be listed.
    """
    source, known = pathlib.Path(source), photos.SUFFIXES.keys() | photos.FOREIGN_SUFFIXES
    try:
        paths = sorted(path for path in source.iterdir() if path.name[0] != ".")
    except OSError as fault:
        raise UploadError(f"{source}: cannot be listed ({fault.strerror}). Name a folder that holds photos.") from None
    astray = {path for path in paths if untrusted.is_outside(path, source)}
    said = "is a link that leads out of the folder. Put the photo itself there."
    lines = [f"Left out: {path.name}: {said}" for path in paths if path in astray]
    taken = [path for path in paths if path not in astray and path.suffix.lower() in known]
    lines += keep_all([(path.name, path) for path in taken], folder)
    if others := [path.name for path in paths if path not in astray and path not in taken]:
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        lines.append(f"Passed over, as no photos: {', '.join(others[:3])}{more}")
    return lines


def keep_all(items: Iterable[tuple[str, bytes]], folder: pathlib.Path) -> list[str]:
    """Keep each (name, content) as `keep` does, content being bytes or a path; return a line on each."""
    lines = []
    for name, content in tqdm(items, "take photos", unit="photo", delay=1, leave=False):
        try:
            kept, note = keep(name, content if isinstance(content, bytes) else content.read_bytes(), folder)
            lines.append(f"{name}: {note or 'taken'}" + (f" as {kept.name}" if kept.name != composed(name) else ""))
        except (photos.PhotoError, files.WriteError) as fault:
            lines.append(f"Left out: {fault}")
        except OSError as fault:
            lines.append(f"Left out: {name}: cannot be read ({fault.strerror}).")
    return lines


def keep(name: str, encoded: bytes, folder: pathlib.Path) -> tuple[pathlib.Path, str]:
    """Write a photo into `folder` under its name; return its path, and what there is to tell.

    Of the name only the last part is taken, cut where it is very long, and it gets an ending that fits where it has
    none. Where another photo has the stem already, in capitals or not, its accents spelt in one way or the other, a
    number is put behind it; where it is the same photo, nothing is written. Raises PhotoError for what cannot be read
    here, WriteError where it cannot be written.
    """
    decoded = photos.decode(encoded, name)
    plain = pathlib.PurePosixPath(pathlib.PureWindowsPath(name).name)
    fitting = next(suffix for suffix, form in photos.SUFFIXES.items() if form == decoded.format)
    ending = plain.suffix if plain.suffix.lower() in photos.SUFFIXES else fitting
    stem = "".join(letter for letter in composed(plain.stem) if letter.isprintable()).lstrip(". ") or "photo"
    stem = stem.encode()[:LONGEST_STEM].decode(errors="ignore")
    folder = pathlib.Path(folder)
    files.make_folder(folder)
    taken, number = {_stem(path.stem): path for path in photos.find(folder)}, 1
    candidate, note = stem, ""
    while other := taken.get(_stem(candidate)):
        if other.read_bytes() == encoded:
            return other, "is here already"
        number += 1
        candidate, note = f"{stem}-{number}", "that name has another photo, so taken"
    path = folder / f"{candidate}{ending}"
    with files.replacing(path) as unfinished:
        unfinished.write_bytes(encoded)
    return path, note


def _stem(name: str) -> str:
    """Return a stem as file systems and training compare it: in small letters, its accents spelt in one way."""
    return composed(name).casefold()

"""Take your photos, from the browser or a folder: check them and copy them under their names.

No existing file is changed: a photo whose name is taken gets another name, and a line says which.
"""

import base64
import html
import io
import pathlib
import tempfile
import time
from collections.abc import Iterable
from typing import Any

import ipywidgets
from tqdm.auto import tqdm

from workshop_utils.core import files, untrusted
from workshop_utils.core.errors import WorkshopError
from workshop_utils.data import photos
from workshop_utils.data.names import composed

LONGEST_STEM = 200
"""Most bytes of a photo's name without its ending: files that are made from the photo have longer names."""

THUMBNAIL = 96
"""The longer side of a thumbnail, in pixels."""

MOST_THUMBNAILS = 60
"""The number of thumbnails that are shown, of the newest photos: a notebook server drops messages of megabytes."""


ACCEPTED = "image/*,.heic,.heif,.avif,.zip"
"""What the browser lets you choose. Some do not count HEIC as an image."""


class UploadError(WorkshopError, ValueError):
    """A folder that photos cannot be copied from; the message names it and says what to do."""


class PhotoUpload(ipywidgets.VBox):
    """A button that uploads photos and zip files of data sets into `folder`. Below it: lines and thumbnails.

    The folder is created, so that you can also drag photos into it. Raises WriteError.
    """

    def __init__(self, folder: pathlib.Path):
        super().__init__()
        self.folder, self.lines = pathlib.Path(folder), []
        files.make_folder(self.folder)
        self._thumbnails: dict[str, str] = {}
        self.button = ipywidgets.FileUpload(accept=ACCEPTED, multiple=True, description="Upload photos")
        self.button.layout = ipywidgets.Layout(width="max-content", min_width="14em")
        self._message, self._pictures = ipywidgets.HTML(), ipywidgets.HTML()
        self.button.observe(lambda change: self.take(change["new"]), "value")
        self.children = [self.button, self._message, self._pictures]

    def __repr__(self) -> str:
        """Return what a page shows if it cannot show the widget."""
        return f"A button to upload photos. No button to see? Copy your photos to {self.folder}."

    def take(self, value: object) -> None:
        """Keep the photos of a `FileUpload.value`, and show a line on each and its thumbnail.

        The button is off while photos are checked.
        """
        items, began = files_of(value), time.monotonic()
        self.button.disabled = True
        try:
            for number, (name, content) in enumerate(items, start=1):
                seconds = time.monotonic() - began
                self._show([*self.lines, f"Checking photo {number} of {len(items)} ({seconds:.0f} s) ..."])
                if name.lower().endswith(".zip"):
                    self.lines += _take_zip(name, content, self.folder.parent)
                    continue
                line, path = keep_one(name, content, self.folder)
                self.lines.append(line)
                if path is not None:
                    self._thumbnails[path.name] = _thumbnail(path)
        finally:
            self.button.disabled = False
            count = f"{len(photos.find(self.folder))} photos are in {self.folder}" if self.folder.is_dir() else ""
            self._show([*self.lines, count])
            self._pictures.value = "".join([*self._thumbnails.values()][-MOST_THUMBNAILS:])

    def _show(self, lines: list[str]) -> None:
        self._message.value = f'<div role="status">{"<br>".join(map(html.escape, lines))}</div>'


def files_of(value: Any) -> list[tuple[str, bytes]]:
    """Return (name, content) of each file in a `FileUpload.value`: ipywidgets 7 has a dictionary, 8 has a tuple."""
    entries = [{"name": name, **entry} for name, entry in value.items()] if isinstance(value, dict) else value
    return [(entry["name"], bytes(entry["content"])) for entry in entries]


def _take_zip(name: str, content: bytes, folder: pathlib.Path) -> list[str]:
    """Take the photos and labels of an uploaded zip file; return lines on them."""
    from workshop_utils.widgets import data_sets  # which uses this module

    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch, files.fit_name("", pathlib.PureWindowsPath(name).name))
        path.write_bytes(content)
        try:
            return data_sets.take(path, folder)
        except (WorkshopError, OSError) as fault:
            return [f"Left out: {str(fault).replace(str(path), name)}"]


def copy(source: pathlib.Path, folder: pathlib.Path) -> list[str]:
    """Copy the photos directly in `source` into `folder`; return a line on each, and one on all other files.

    A link that leads out of `source` is left out. Raises UploadError if `source` is not a folder or cannot be listed.
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
        lines.append(f"Skipped, not photos: {', '.join(others[:3])}{more}")
    return lines


def keep_all(items: Iterable[tuple[str, bytes | pathlib.Path]], folder: pathlib.Path) -> list[str]:
    """Keep each (name, content) as `keep_one` does; return a line on each."""
    shown = tqdm(items, "check photos", unit="photo", delay=1, leave=False)
    return [keep_one(name, content, folder)[0] for name, content in shown]


def keep_one(name: str, content: bytes | pathlib.Path, folder: pathlib.Path) -> tuple[str, pathlib.Path | None]:
    """Keep a photo as `keep` does; return a line on it, and its path, or None if it is left out.

    Args:
        name: The photo's name.
        content: Its bytes, or the path to read them from.
        folder: Where the photo is kept.
    """
    try:
        kept, note = keep(name, content if isinstance(content, bytes) else content.read_bytes(), folder)
    except (photos.PhotoError, files.WriteError) as fault:
        return f"Left out: {fault}", None
    except OSError as fault:
        return f"Left out: {name}: cannot be read ({fault.strerror}).", None
    return f"{name}: {note or 'copied'}" + (f" as {kept.name}" if kept.name != composed(name) else ""), kept


def keep(name: str, encoded: bytes, folder: pathlib.Path) -> tuple[pathlib.Path, str]:
    """Write a photo into `folder` under its name; return its path and a note, or "".

    Only the last part of the name is used; a very long one is cut, and a missing ending is added. If another photo has
    the same stem, apart from capitals and the spelling of accents, a number is appended; if it is the same photo,
    nothing is written. Raises PhotoError for a file that cannot be read as a photo, WriteError if it cannot be written.
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
            return other, "is already here"
        number += 1
        candidate, note = f"{stem}-{number}", "another photo has that name, so copied"
    path = folder / f"{candidate}{ending}"
    with files.replacing(path) as unfinished:
        unfinished.write_bytes(encoded)
    return path, note


def _thumbnail(path: pathlib.Path) -> str:
    """Return HTML that shows a photo small, with its name."""
    image, encoded = photos.read(path), io.BytesIO()
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    image.save(encoded, "JPEG", quality=80)
    name, data = html.escape(path.name), base64.b64encode(encoded.getvalue()).decode()
    return f'<img alt="{name}" title="{name}" src="data:image/jpeg;base64,{data}" style="margin: 2px">'


def _stem(name: str) -> str:
    """Return a stem as file systems and training compare it: in lower case, with each accent as one character."""
    return composed(name).casefold()

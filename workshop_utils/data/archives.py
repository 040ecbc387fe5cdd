"""Unpack the zip files in which Roboflow, CVAT and Label Studio export data sets.

A zip file may come from anyone: its paths are not trusted, links are not made, and what it would need on the disk is
checked before anything is written.
"""

import collections
import hashlib
import os
import pathlib
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterable

from workshop_utils.core import files, settings
from workshop_utils.data import photos
from workshop_utils.data.dataset import DatasetError
from workshop_utils.data.finding_kinds import Kind
from workshop_utils.data.findings import Finding
from workshop_utils.data.names import composed

LABEL_SUFFIXES = {".xml", ".json", ".txt", ".yaml", ".yml", ".names", ".data", ".labels", ".pbtxt"}
"""The extensions of files with labels, classes or splits. Only these, photos and records are unpacked."""

MAX_BYTES = 20_000_000_000
MAX_ENTRIES = 500_000
"""A zip file with more bytes, unpacked, or with more entries is rejected."""

MAX_RATIO = 200
"""A zip file of more than 100 MB, unpacked, is rejected if it is this many times smaller: photos do not shrink so."""

FREE_BYTES = 1_000_000_000
"""Bytes that have to be free on the disk after the files are unpacked."""

UNPACKED = settings.RUNS / "unpacked"
"""The folder of the unpacked data sets."""


def is_zip(path: pathlib.Path) -> bool:
    """Return whether a path is a zip file."""
    path = pathlib.Path(path)
    return path.is_file() and (path.suffix.lower() == ".zip" or zipfile.is_zipfile(path))


def unpack(path: pathlib.Path, parent: pathlib.Path | None = None) -> tuple[pathlib.Path, list[Finding]]:
    """Unpack a zip file into a folder named after it and its content, unless that exists.

    Args:
        path: The zip file.
        parent: Where the folder is made, UNPACKED by default.

    Returns:
        The folder of the data set, and a finding for each entry that is not unpacked although it could belong to it.

    Raises:
        DatasetError: If it is not a zip file, needs a password, is damaged or would need too much space.
        WriteError: If it cannot be written.
    """
    path = pathlib.Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries, findings = _entries(archive, path)
            _check_sizes(archive.infolist(), path)
            folder = (parent or UNPACKED) / files.fit_name("", path.stem, f"-{_digest(path)[:12]}")
            if not folder.exists():
                files.make_folder(folder.parent)
                _check_space(entries.values(), folder.parent, path)
                with files.new_folder(folder) as unfinished:
                    for name, entry in entries.items():
                        target = unfinished.joinpath(*name)
                        target.parent.mkdir(parents=True, exist_ok=True)
                        with archive.open(entry) as packed, open(target, "xb") as written:
                            shutil.copyfileobj(packed, written, 2**20)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, RuntimeError) as error:
        if isinstance(error, DatasetError):
            raise
        raise DatasetError(f"{path}: cannot be unpacked ({str(error)[:200]}). Download it again.") from None
    return _only_folder(folder), findings


def _entries(
    archive: zipfile.ZipFile, path: pathlib.Path
) -> tuple[dict[tuple[str, ...], zipfile.ZipInfo], list[Finding]]:
    """Return {parts of the path: entry} for the files to unpack, and findings."""
    entries = dict[tuple[str, ...], zipfile.ZipInfo]()
    findings, known = list[Finding](), collections.Counter[str]()

    def reject(entry: zipfile.ZipInfo, why: str) -> None:
        findings.append(
            Finding(path, f"its entry {entry.filename[:200]!r} {why}, and is not unpacked.", Kind.ZIP_ENTRY)
        )

    for entry in archive.infolist():
        parts = tuple(part for part in entry.filename.replace("\\", "/").split("/") if part not in ("", "."))
        is_hidden = any(part == "__MACOSX" or (part.startswith(".") and part != "..") for part in parts)
        if entry.is_dir() or not parts or is_hidden or not _is_wanted(parts[-1]):
            continue
        absolute = entry.filename.startswith(("/", "\\")) or parts[0].endswith(":")
        if absolute or ".." in parts or any(not part.isprintable() or ":" in part for part in parts):
            reject(entry, "has a path that leads out of the folder or cannot be a file's name")
        elif stat.S_ISLNK(entry.external_attr >> 16):
            reject(entry, "is a link")
        elif entry.flag_bits & 1:
            raise DatasetError(f"{path}: needs a password. Unpack it yourself, and name the folder.")
        elif any(len(os.fsencode(part)) > files.MAX_NAME_BYTES for part in parts) or len(parts) > 30:
            reject(entry, "has a name that is too long")
        elif known[composed("/".join(parts)).lower()]:
            reject(entry, "has the name of another entry")
        else:
            known[composed("/".join(parts)).lower()] += 1
            entries[parts] = entry
    if not entries:
        raise DatasetError(f"{path}: has no photo and no labels. Name the zip file of a data set.")
    return entries, findings


def _is_wanted(name: str) -> bool:
    """Return whether a file of this name may be part of a data set."""
    suffix = pathlib.PurePath(name).suffix.lower()
    return (
        suffix in LABEL_SUFFIXES or suffix in photos.SUFFIXES or suffix in photos.FOREIGN_SUFFIXES or ".record" in name
    )


def _check_sizes(entries: list[zipfile.ZipInfo], path: pathlib.Path) -> None:
    """Raise DatasetError for a zip bomb."""
    size, packed = sum(entry.file_size for entry in entries), path.stat().st_size
    if len(entries) > MAX_ENTRIES or size > MAX_BYTES or (size > 10**8 and size > MAX_RATIO * packed):
        what = f"would become {size / 1e9:,.1f} GB in {len(entries):,} files, out of {packed / 1e6:,.1f} MB"
        raise DatasetError(f"{path}: {what}, and is not unpacked. If you trust it, unpack it and name the folder.")


def _check_space(entries: Iterable[zipfile.ZipInfo], folder: pathlib.Path, path: pathlib.Path) -> None:
    size, free = sum(entry.file_size for entry in entries), shutil.disk_usage(folder).free
    if size + FREE_BYTES > free:
        what = f"needs {size / 1e9:,.1f} GB, but only {free / 1e9:,.1f} GB are free. Free some space."
        raise DatasetError(f"{path}: {what}")


def _digest(path: pathlib.Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _only_folder(folder: pathlib.Path) -> pathlib.Path:
    """Return the only folder in a folder that has nothing else, at any depth: zip files often begin with one."""
    while True:
        inside = list(folder.iterdir())
        if len(inside) != 1 or not inside[0].is_dir() or inside[0].name.lower() in ("images", "train"):
            return folder
        folder = inside[0]

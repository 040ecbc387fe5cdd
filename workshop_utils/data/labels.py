"""The labels of a data set as a format's reader returns them, before they are checked against the photos.

Each format has a reader that returns `Labels`. `inspection` does the rest, in the same way for every format.
"""

import collections
import dataclasses
import os
import pathlib
import re
from collections.abc import Iterable
from typing import Any, TypeGuard

from workshop_utils.core import untrusted
from workshop_utils.core.errors import WorkshopError
from workshop_utils.data import photos
from workshop_utils.data.annotation import Annotation, VocError
from workshop_utils.data.finding_kinds import Kind
from workshop_utils.data.findings import Finding
from workshop_utils.data.names import composed

MAX_BOXES = 1917
"""The number of anchors. Each anchor learns from one box (`anchors.match`), and matching needs memory for each pair."""

MAX_FILES = 500_000
"""A folder with more files is not searched for labels."""

PARTS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""{word in the name of a folder or file: part of a data set that comes already split}."""


MAX_QUOTED = 80
"""The maximum number of characters that a message quotes from a file."""

Notes = list[tuple[Kind, str]]
"""Kinds of findings, each with a sentence without the file's name."""


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a value from JSON or YAML is an object, a dictionary with texts as keys."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Return whether a value from JSON or YAML is a list."""
    return isinstance(value, list)


class UnreadError(WorkshopError, ValueError):
    """A label that cannot be read. The message says which one in the file, but not the file's name.

    Attributes:
        kind: The kind of finding that the error counts as.
    """

    def __init__(self, message: str, kind: Kind = Kind.UNREAD_LABEL):
        super().__init__(message)
        self.kind = kind


@dataclasses.dataclass(frozen=True)
class LabelledPhoto:
    """One photo and its labels.

    Attributes:
        photo: The photo's file.
        file: The file of its labels.
        labels: The annotation as written, or why it cannot be used.
        part: "train", "val" or "test" if the data set comes with a split, else "".
        shared: Whether `file` has the labels of several photos, so that findings have to name the photo.
        normalised: Whether the boxes are fractions of the photo's width and height; then the annotation's size is 1x1.
    """

    photo: pathlib.Path
    file: pathlib.Path
    labels: Annotation | Finding
    part: str = ""
    shared: bool = False
    normalised: bool = False


@dataclasses.dataclass(frozen=True)
class Labels:
    """All labels of a data set.

    Attributes:
        folder: The data set's folder.
        photos: The labelled photos.
        findings: What was found while the files were read.
        label_map: {id: class name} if the data set lists the only classes that are allowed, else {}.
    """

    folder: pathlib.Path
    photos: list[LabelledPhoto]
    findings: list[Finding] = dataclasses.field(default_factory=list[Finding])
    label_map: dict[int, str] = dataclasses.field(default_factory=dict[int, str])


def part_of(path: pathlib.PurePath) -> str:
    """Return the part of a split that a relative path names, as in train/0001.jpg or instances_val2017.json, or ""."""
    for name in (path.stem, *reversed(path.parent.parts)):
        for word in re.findall("[a-z]+", name.lower()):
            if word in PARTS:
                return PARTS[word]
    return ""


def files_below(folder: pathlib.Path) -> tuple[list[pathlib.Path], list[Finding]]:
    """Return all files below a folder, sorted, without hidden ones, and a finding for each link that leads out of it.

    Links to folders are not followed. Folders that you have no permission to list are named.

    Raises:
        VocError: If there are more than MAX_FILES: then the folder is hardly a data set.
    """
    paths, findings = list[pathlib.Path](), list[Finding]()

    def denied(error: OSError) -> None:
        findings.append(Finding(pathlib.Path(error.filename), f"cannot be listed ({error.strerror}).", Kind.DENIED))

    if folder.resolve() == pathlib.Path(folder.resolve().anchor):
        return [], []  # a whole drive
    for place, inside, names in os.walk(folder, onerror=denied):
        inside[:] = [name for name in inside if not name.startswith(".") and name != "__MACOSX"]
        paths += [pathlib.Path(place, name) for name in names if not name.startswith(".")]
        if len(paths) > MAX_FILES:
            raise VocError(f"{folder}: has more than {MAX_FILES:,} files. Name the folder of the data set itself.")
    outside = {path for path in paths if path.is_symlink() and untrusted.is_outside(path, folder)}
    findings += [Finding(path, untrusted.LINK_OUTSIDE, Kind.DENIED) for path in sorted(outside)]
    return sorted(path for path in paths if path not in outside), findings


def is_photo(path: pathlib.Path) -> bool:
    """Return whether a file has the extension of a photo, in a format that can be read or in another."""
    return path.suffix.lower() in photos.SUFFIXES or path.suffix.lower() in photos.FOREIGN_SUFFIXES


class PhotoIndex:
    """Finds the photos of a folder by the paths that label files give them, which may be from another machine.

    A path is compared from its end: of /work/set/images/a/1.jpg, the folder may have images/a/1.jpg, a/1.jpg or 1.jpg.
    So no path is followed out of the folder.

    Args:
        folder: The data set's folder.
        paths: The photos in it.
    """

    def __init__(self, folder: pathlib.Path, paths: Iterable[pathlib.Path]):
        self.folder = folder
        self._by_name = collections.defaultdict[str, list[tuple[list[str], pathlib.Path]]](list)
        for path in paths:
            self._by_name[composed(path.name).lower()].append((parts_of(path.relative_to(folder).as_posix()), path))

    def find(self, written: str, near: pathlib.Path | None = None) -> tuple[list[pathlib.Path], int]:
        """Return the photos that fit a path best, and how many of its parts fit.

        Args:
            written: The path in a label file.
            near: The folder of the label file: of several photos that fit, the ones below it are preferred.
        """
        wanted = parts_of(written)
        if not wanted:
            return [], 0
        common = [(_common_end(wanted, parts), path) for parts, path in self._by_name.get(wanted[-1].lower(), ())]
        most = max((count for count, _ in common), default=0)
        best = [path for count, path in common if count == most and most]
        below = [path for path in best if near and path.is_relative_to(near)]
        return (below or best), most


def parts_of(written: str) -> list[str]:
    """Return the parts of a path with either kind of slash, without a drive, "." and ".."."""
    parts = composed(written).replace("\\", "/").split("/")
    return [part for part in parts if part not in ("", ".", "..") and not part.endswith(":")]


def claims(found: dict[int, tuple[list[pathlib.Path], int]]) -> dict[int, pathlib.Path | str]:
    """Match label entries to photos one to one.

    Args:
        found: {entry: what `PhotoIndex.find` returned for it}.

    Returns:
        {entry: its photo, or a sentence on why there is none}.
    """
    matched: dict[int, pathlib.Path | str] = {}
    longest: dict[pathlib.Path, int] = collections.defaultdict(int)
    for paths, count in found.values():
        for path in paths:
            longest[path] = max(longest[path], count)
    claimed = collections.Counter(
        path for paths, count in found.values() for path in paths if len(paths) == 1 and count == longest[path]
    )
    for entry, (paths, count) in found.items():
        fitting = [path for path in paths if count == longest[path]]
        if not fitting:
            matched[entry] = "has no photo in this folder. Add the photo, or remove the entry."
        elif len(fitting) > 1:
            matched[entry] = f"fits several photos: {', '.join(str(path) for path in fitting[:3])}. Rename them."
        elif claimed[fitting[0]] > 1:
            matched[entry] = f"fits {fitting[0]}, but so does another entry. Remove one of them."
        else:
            matched[entry] = fitting[0]
    return matched


def unlabelled(paths: Iterable[pathlib.Path], used: Iterable[pathlib.Path], remedy: str) -> list[Finding]:
    """Return a finding for each photo that has no labels."""
    known, findings = set(used), list[Finding]()
    for path in paths:
        if path in known:
            continue
        if path.suffix.lower() in photos.SUFFIXES:
            findings.append(Finding(path, f"has no labels. {remedy}", Kind.NO_ANNOTATION))
        else:
            what = f"is {path.suffix[1:].upper()}, which the workshop does not read. Export it as JPEG."
            findings.append(Finding(path, what, Kind.FOREIGN_FORMAT))
    return findings


def _common_end(first: list[str], second: list[str]) -> int:
    """Return how many parts at the end of two paths are equal, apart from case."""
    count = 0
    for one, other in zip(reversed(first), reversed(second)):
        if one.lower() != other.lower():
            break
        count += 1
    return count

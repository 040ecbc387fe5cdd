"""One file of COCO's JSON: images, annotations and categories, with the ids that belong together."""

import collections
import dataclasses
import json
import pathlib
from typing import Any

from workshop_utils.core import text
from workshop_utils.data import coco_annotations
from workshop_utils.data.coco_annotations import Row, key
from workshop_utils.data.dataset import DatasetError
from workshop_utils.data.finding_kinds import Kind
from workshop_utils.data.findings import Finding
from workshop_utils.data.labels import MAX_QUOTED, is_object

MAX_BYTES = 200_000_000
"""Larger files are not read: Python needs about ten times as much memory. COCO's validation set has 20 MB."""

KEYS = (b'"images"', b'"annotations"')


@dataclasses.dataclass(frozen=True)
class CocoFile:
    """The content of one file.

    Attributes:
        path: The file.
        images: The images that have an id and a file name.
        rows: {image id: its annotations}.
        names: {category id: the names that categories with this id have}.
        repeated: The ids that several images have.
        findings: What cannot be read.
    """

    path: pathlib.Path
    images: list[Row]
    rows: dict[str, list[Row]]
    names: dict[str, set[str]]
    repeated: set[str]
    findings: list[Finding]

    def size(self, image: Row) -> tuple[int, int]:
        """Return (width, height) of an image, 0 for a side that is missing."""
        return coco_annotations.side(image.get("width")), coco_annotations.side(image.get("height"))

    def has_corners(self) -> bool:
        """Return whether its boxes seem to be two corners each, not a corner, a width and a height."""
        rows = [(row, self.size(image)) for image in self.images for row in self.rows.get(key(image["id"]), [])]
        return coco_annotations.are_corners([each for each in rows if 0 not in each[1]])


def is_coco(path: pathlib.Path) -> bool:
    """Return whether a JSON file has COCO's lists. Of one that is too large, only the beginning is read."""
    try:
        is_large = path.stat().st_size > MAX_BYTES
        with open(path, "rb") as stream:
            data = stream.read(1_000_000 if is_large else MAX_BYTES)
    except OSError:
        return False
    if b"\0" in data[:4]:
        data = data.replace(b"\0", b"")  # UTF-16
    return (any if is_large else all)(name in data for name in KEYS)


def read(path: pathlib.Path) -> CocoFile:
    """Read a file of COCO's JSON.

    Raises:
        DatasetError: If it is too large, not valid JSON or not COCO's.
    """
    content = _parse(path)
    findings: list[Finding] = []

    def note(what: str, row: object, kind: Kind = Kind.UNREAD_LABEL) -> None:
        findings.append(Finding(path, f"{what}: {str(row)[:MAX_QUOTED]}", kind))

    images, counts = list[Row](), collections.Counter[str]()
    for image in content["images"]:
        if is_object(image) and image.get("id") is not None and written(image):
            images.append(image)
            counts[key(image["id"])] += 1
        else:
            note("has an image without an id or a file_name", image)
    repeated = {identity for identity, count in counts.items() if count > 1}
    for identity in sorted(repeated):
        note(f"has {counts[identity]} images with the same id. Give each its own", identity, Kind.REPEATED_ID)
    rows, names = collections.defaultdict[str, list[Row]](list), collections.defaultdict[str, set[str]](set)
    for row in content["annotations"]:
        if is_object(row) and key(row.get("image_id")) in counts:
            rows[key(row["image_id"])].append(row)
        else:
            note("has an annotation of an image that is not listed", row)
    for category in content.get("categories") or list[Any]():
        if is_object(category) and str(category.get("name") or "").strip():
            names[key(category.get("id"))].add(str(category["name"]))
        else:
            note("has a category without a name", category)
    for each in names.values():
        if len(each) > 1:
            note("has several categories with the same id. Give each its own", sorted(each), Kind.REPEATED_ID)
    return CocoFile(path, images, dict(rows), dict(names), repeated, findings)


def written(image: Row) -> str:
    """Return an image's file name as the file has it, "" if there is none."""
    name = image.get("file_name")
    return name.strip() if isinstance(name, str) else ""


def _parse(path: pathlib.Path) -> Row:
    size = path.stat().st_size
    if size > MAX_BYTES:
        what = f"has {size // 10**6:,} MB; at most {MAX_BYTES // 10**6} MB are read. Split it into several files."
        raise DatasetError(f"{path}: {what}")
    try:
        content = json.loads(text.read(path), object_pairs_hook=_unique)
    except text.EncodingError as error:
        raise DatasetError(str(error)) from None
    except (ValueError, RecursionError, OSError) as error:
        raise DatasetError(f"{path}: is not valid JSON ({str(error)[:200]}). Export it again.") from None
    for name, kind in (("images", list), ("annotations", list), ("categories", (list, type(None)))):
        if not is_object(content) or not isinstance(content.get(name), kind):
            raise DatasetError(f"{path}: has no list of {name}. Export it as COCO for object detection.")
    return content


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object as a dictionary. Raises ValueError if a key occurs twice: the first value would be lost."""
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = collections.Counter(name for name, _ in pairs)
        raise ValueError(f"an object has {counts.most_common(1)[0][0]!r} twice")
    return found

"""Read, check and write one Pascal VOC XML file, as labelImg and other programs write it.

A file from labelImg that is read and written again is identical, byte for byte. Boxes are in pixels; dividing them by
the photo's width and height normalises them, as in the Object Detection API.
"""

import dataclasses
import math
import pathlib
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence

from workshop_utils.core import files
from workshop_utils.data import voc_objects, xml_file
from workshop_utils.data.annotation import Annotation, Box, VocError, edges_of
from workshop_utils.data.finding_kinds import Kind
from workshop_utils.data.labels import MAX_BOXES


def read(path: pathlib.Path) -> Annotation:
    """Read one XML file.

    Raises:
        VocError: If it is not a complete annotation with all boxes inside the photo.
    """
    annotation = read_as_written(path)
    for side in ("width", "height"):
        if getattr(annotation, side) < 1:
            raise VocError(f"{path}: has no <{side}> in its <size>. Write the photo's {side} there, in pixels.")
    boxes = tuple(dataclasses.replace(box, name=box.name.strip()) for box in annotation.boxes)
    for number, box in enumerate(boxes, start=1):
        _check(box, number, annotation.width, annotation.height, path)
    return dataclasses.replace(annotation, boxes=boxes)


def read_as_written(path: pathlib.Path) -> Annotation:
    """Read one XML file without checking it against a photo, so that it can be repaired.

    Width and height may be 0, and boxes and names may be invalid.

    Raises:
        VocError: If the file is not Pascal VOC XML, an object has no name or not four numbers, or a box belongs to no
            object.
    """
    root, renamed = xml_file.read(path)
    if root.tag != "annotation":
        raise VocError(f"{path}: begins with <{root.tag}>, not <annotation>. Export it as Pascal VOC.")
    try:
        boxes, notes = voc_objects.read(root)
    except VocError as error:
        raise VocError(f"{path}: {error}", error.kind) from None
    if len(boxes) > MAX_BOXES:
        raise VocError(f"{path}: has {len(boxes)} boxes. At most {MAX_BOXES} can be learned from one photo.")
    if renamed:
        tags = ", ".join(f"<{tag}>" for tag in renamed)
        notes.insert(0, (Kind.OTHER_TAGS, f"has {tags} in capitals or a namespace; read as <{renamed[0].lower()}>."))
    depth, segmented = _field(root, "size/depth", 3, notes), _field(root, "segmented", 0, notes)
    return Annotation(
        filename=root.findtext("filename") or "",
        width=_side(root.findtext("size/width")),
        height=_side(root.findtext("size/height")),
        boxes=tuple(boxes),
        depth=depth,
        folder=root.findtext("folder") or "",
        path=root.findtext("path"),
        database=root.findtext("source/database") or "Unknown",
        segmented=segmented,
        verified=root.get("verified") == "yes",
        notes=tuple(notes),
        unread=voc_objects.unread(root),
    )


def write(annotation: Annotation, path: pathlib.Path) -> None:
    """Write one XML file as labelImg does. It appears complete or not at all.

    Raises:
        VocError: If a box is outside the photo or has no area, or XML cannot store a character.
        WriteError: If the file cannot be written.
    """
    files.write_text(as_xml(annotation, path), path)


def as_xml(annotation: Annotation, path: pathlib.Path) -> str:
    """Return the text that `write` writes to `path`. Raises VocError, with `path`, as `write` does."""
    for number, box in enumerate(annotation.boxes, start=1):
        _check(box, number, annotation.width, annotation.height, path)
    root = ElementTree.Element("annotation", {"verified": "yes"} if annotation.verified else {})
    _add(root, "folder", annotation.folder)
    _add(root, "filename", annotation.filename)
    if annotation.path is not None:
        _add(root, "path", annotation.path)
    _add(_add(root, "source"), "database", annotation.database)
    size = _add(root, "size")
    for side in ("width", "height", "depth"):
        _add(size, side, getattr(annotation, side))
    _add(root, "segmented", annotation.segmented)
    for box in annotation.boxes:
        element = _add(root, "object")
        for field in ("name", "pose", "truncated", "difficult"):
            _add(element, field, getattr(box, field))
        edges = _add(element, "bndbox")
        for edge in ("xmin", "ymin", "xmax", "ymax"):
            _add(edges, edge, _shortest(getattr(box, edge)))
    ElementTree.indent(root, "\t")
    text = ElementTree.tostring(root, encoding="unicode") + "\n"
    if unfit := re.search("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]", text):
        raise VocError(f"{path}: cannot store the character {unfit[0]!r}. Rename the photo or the class.")
    return text


def from_normalised(
    photo_size: tuple[int, int],
    names: Sequence[str],
    boxes: Iterable[Iterable[float]],
    filename: str,
    folder: str = "images",
) -> Annotation:
    """Return an annotation for normalised boxes, rounded to whole pixels as in labelImg.

    labelImg counts pixels from 1, so edges are at least 1. Only in a photo of 1 pixel in width or height do they begin
    at 0.

    Args:
        photo_size: (width, height), in pixels.
        names: The class of each of n boxes.
        boxes: (n, 4): ymin, xmin, ymax, xmax, normalised.
        filename: The photo's file name.
        folder: The name of its folder.
    """
    width, height = photo_size
    edges: list[Box] = []
    for name, (ymin, xmin, ymax, xmax) in zip(names, boxes, strict=True):
        left, right = _pixels(xmin, xmax, width)
        top, bottom = _pixels(ymin, ymax, height)
        cut = left == 1 or top == 1 or right == width or bottom == height
        edges.append(Box(name, left, top, right, bottom, truncated=int(cut)))
    return Annotation(filename, width, height, tuple(edges), folder=folder)


def normalised(annotation: Annotation) -> list[tuple[float, float, float, float]]:
    """Return the boxes as (ymin, xmin, ymax, xmax), in fractions of the photo's height and width."""
    width, height = annotation.width, annotation.height
    return [(box.ymin / height, box.xmin / width, box.ymax / height, box.xmax / width) for box in annotation.boxes]


def _field(root: ElementTree.Element, place: str, default: int, notes: voc_objects.Notes) -> int:
    """Return a number that does not affect boxes. If it is invalid, return its default and add a note."""
    text = root.findtext(place)
    value = default if text is None else voc_objects.whole_number(text)
    if text is not None and value is None:
        what = f"has <{place}> {text[: voc_objects.MAX_QUOTED]!r}, not a whole number; read as {default}."
        notes.append((Kind.OTHER_FIELD, what))
    return default if value is None else value


def _side(text: str | None) -> int:
    """Return a photo's width or height in pixels, 0 if the file does not have it."""
    try:
        value = voc_objects.number(text)
    except ValueError:
        return 0
    return round(value) if 0 < value < math.inf else 0


def _check(box: Box, number: int, width: int, height: int, path: pathlib.Path) -> None:
    edges = edges_of(box)
    where = f"{path}: object {number} ({box.name})"
    if not box.name or box.name != box.name.strip():
        raise VocError(f"{where} has the name {box.name!r}. Give it a name without spaces around it.")
    if not all(math.isfinite(edge) for edge in (box.xmin, box.ymin, box.xmax, box.ymax)):
        raise VocError(f"{where} has {edges}. Draw it again.")
    if box.xmin >= box.xmax or box.ymin >= box.ymax:
        raise VocError(f"{where} has no area: {edges}. Draw it again or remove it.")
    if box.xmin < 0 or box.ymin < 0 or box.xmax > width or box.ymax > height:
        raise VocError(f"{where} extends beyond the {width}x{height} photo: {edges}. Draw it again.")


def _shortest(edge: float) -> str:
    return str(int(edge)) if edge == int(edge) else repr(float(edge))


def _pixels(low: float, high: float, length: int) -> tuple[int, int]:
    first = min(1, length - 1)
    least = max(first, min(round(low * length), length - 1))
    return least, min(max(round(high * length), least + 1), length)


def _add(parent: ElementTree.Element, tag: str, text: object = None) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, tag)
    child.text = None if text is None else str(text)
    return child

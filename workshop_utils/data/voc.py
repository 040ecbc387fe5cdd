"""Pascal VOC XML, as labelImg writes it: read, check, write, and pair with photos.

A file read and written again is the same byte for byte if labelImg made it. Boxes are in pixels; dividing by the
photo's width and height normalises them (as the Object Detection API does it).
"""

import dataclasses
import math
import os
import pathlib
import re
import unicodedata
import xml.etree.ElementTree as ElementTree

import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException

from workshop_utils.core import files, untrusted
from workshop_utils.core.errors import WorkshopError
from workshop_utils.data import photos
from workshop_utils.data.findings import Finding, Kind

MOST_BYTES = 10_000_000
"""A larger file is not read: an object takes some 300 bytes."""

MOST_BOXES = 1917
"""So many anchors there are; each learns from one box (`anchors.match`), and matching takes memory for each pair."""


class VocError(WorkshopError, ValueError):
    """An annotation that cannot be used; the message names the file, the object and what to do."""

    def __init__(self, message: str, kind: Kind = Kind.BROKEN_XML):
        super().__init__(message)
        self.kind = kind


@dataclasses.dataclass(frozen=True)
class Box:
    """One labelled object; edges in pixels of the upright photo, from its upper left corner."""

    name: str
    xmin: float
    ymin: float
    xmax: float
    ymax: float
    pose: str = "Unspecified"
    truncated: int = 0
    difficult: int = 0


@dataclasses.dataclass(frozen=True)
class Annotation:
    """What one XML file says of one photo. `width` and `height` are the photo's, in pixels."""

    filename: str
    width: int
    height: int
    boxes: tuple[Box, ...] = ()
    depth: int = 3
    folder: str = "images"
    path: str | None = None
    database: str = "Unknown"
    segmented: int = 0
    verified: bool = False


def read(path: pathlib.Path) -> Annotation:
    """Read one XML file. Raises VocError for anything that is not a whole annotation with boxes inside the photo."""
    annotation = _parse(path, least_side=1)
    boxes = tuple(dataclasses.replace(box, name=box.name.strip()) for box in annotation.boxes)
    for number, box in enumerate(boxes, start=1):
        _check(box, number, annotation.width, annotation.height, path)
    return dataclasses.replace(annotation, boxes=boxes)


def read_as_written(path: pathlib.Path) -> Annotation:
    """Read one XML file as it stands, to be mended: sides may be 0, boxes and names anything.

    Raises VocError for what is no XML of Pascal VOC, and for an object without a name or without four numbers.
    """
    return _parse(path, least_side=0)


def write(annotation: Annotation, path: pathlib.Path) -> None:
    """Write one XML file in labelImg's form, whole or not at all. Raises VocError for a box that is none."""
    files.write_text(as_xml(annotation, path), path)


def as_xml(annotation: Annotation, path: pathlib.Path) -> str:
    """Return what `write` writes to `path`. Raises VocError, which names `path`, as `write` does."""
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
        raise VocError(f"{path}: cannot hold the character {unfit[0]!r}. Rename the photo or the class.")
    return text


def from_normalised(photo_size: tuple[int, int], names, boxes, filename: str, folder: str = "images") -> Annotation:
    """Return an annotation for boxes (ymin, xmin, ymax, xmax, normalised), rounded to whole pixels as labelImg does.

    `photo_size` is (width, height). labelImg counts pixels from 1, so that is the least edge written;
    only where a photo is one pixel wide or high, its box begins at 0.
    """
    width, height = photo_size
    edges = []
    for name, (ymin, xmin, ymax, xmax) in zip(names, boxes, strict=True):
        left, right = _pixels(xmin, xmax, width)
        top, bottom = _pixels(ymin, ymax, height)
        cut = left == 1 or top == 1 or right == width or bottom == height
        edges.append(Box(name, left, top, right, bottom, truncated=int(cut)))
    return Annotation(filename, width, height, tuple(edges), folder=folder)


def normalised(annotation: Annotation) -> list[tuple[float, float, float, float]]:
    """Return the boxes as (ymin, xmin, ymax, xmax), each a fraction of the photo's height or width."""
    width, height = annotation.width, annotation.height
    return [(box.ymin / height, box.xmin / width, box.ymax / height, box.xmax / width) for box in annotation.boxes]


def pairs(folder: pathlib.Path) -> tuple[list[tuple[pathlib.Path, pathlib.Path]], list[Finding]]:
    """Pair `images/` and `annotations/` of a data set by stem, sorted; whatever else lies there is a finding.

    Raises VocError where one of the two folders is missing or cannot be listed.
    """
    folder = pathlib.Path(folder)
    for part in ("images", "annotations"):
        if not (folder / part).is_dir():
            raise VocError(f"{folder}: has no folder '{part}'. A data set holds images/ and annotations/.")
    images, photos_aside, findings = _by_stem(folder / "images", photos.SUFFIXES, photos.FOREIGN_SUFFIXES)
    annotations, xml_aside, more = _by_stem(folder / "annotations", {".xml"})
    findings += more
    for stem in sorted(images.keys() - annotations.keys() - xml_aside):
        findings.append(Finding(images[stem], "has no annotation; label it or take it out.", Kind.NO_ANNOTATION))
    for stem in sorted(annotations.keys() - images.keys() - photos_aside):
        what = "has no photo; bring the photo back or take the annotation out."
        findings.append(Finding(annotations[stem], what, Kind.NO_PHOTO))
    return [(images[stem], annotations[stem]) for stem in sorted(images.keys() & annotations.keys())], findings


def mismatches(annotation: Annotation, file: pathlib.Path, photo: pathlib.Path, size: tuple[int, int]) -> list[Finding]:
    """Compare an annotation with the photo it stands beside; `size` is the photo's (width, height) in pixels."""
    findings = []
    if (annotation.width, annotation.height) != size:
        what = f"says the photo is {annotation.width}x{annotation.height}, but {photo.name} is {size[0]}x{size[1]}"
        findings.append(Finding(file, f"{what}; label it anew.", Kind.OTHER_SIZE))
    if composed(annotation.filename) != composed(photo.name):
        said = pathlib.PureWindowsPath(composed(annotation.filename).lower())
        what = f"names the photo '{annotation.filename}', but stands beside {photo.name}."
        if composed(photo.stem).lower() in (said.name, said.stem) or not annotation.filename:
            findings.append(Finding(file, f"{what} The photo's own name is taken.", Kind.FILENAME_FORM))
        else:
            findings.append(Finding(file, f"{what} Look whether its boxes fit.", Kind.OTHER_FILENAME))
    return findings


def tidy(name: str) -> str:
    """Return a class name without needless spaces, each accent one with its letter."""
    return " ".join(composed(name).split())


def edges_of(box: Box) -> str:
    """Return a box's edges in words, for a message."""
    return f"xmin {box.xmin:g}, ymin {box.ymin:g}, xmax {box.xmax:g}, ymax {box.ymax:g}"


def _by_stem(folder: pathlib.Path, suffixes, foreign_suffixes=frozenset()):
    """Return the files of a folder by stem, the stems of those that are there but set aside, and findings."""
    taken, aside, findings = {}, set(), []
    try:
        for path in sorted(each for each in folder.iterdir() if not each.name.startswith(".")):
            stem, suffix = composed(path.stem), path.suffix.lower()
            if untrusted.leaves(path, folder.parent):
                aside.add(stem)
                findings.append(Finding(path, untrusted.LEADS_OUT, Kind.DENIED))
            elif path.is_dir():
                findings.append(_inner_folder(path))
            elif suffix in foreign_suffixes:
                aside.add(stem)
                what = f"is {suffix[1:].upper()}, which is not read here. Export it as JPEG."
                findings.append(Finding(path, what, Kind.FOREIGN_FORMAT))
            elif suffix not in suffixes or not path.is_file():
                what = f"is passed over: it is no file that ends in {', '.join(suffixes)}."
                findings.append(Finding(path, what, Kind.OTHER_FILE))
            elif stem in taken:
                what = f"has the same stem as {taken[stem].name}; rename one of them."
                findings.append(Finding(path, what, Kind.SAME_STEM))
            else:
                taken[stem] = path
    except OSError as fault:
        raise VocError(f"{folder}: cannot be listed ({fault.strerror}). Give yourself the right to.") from None
    return taken, aside, findings


def _inner_folder(path: pathlib.Path) -> Finding:
    def denied(fault: OSError):
        raise fault

    try:
        count = sum(len(names) for _, _, names in os.walk(path, onerror=denied))
    except PermissionError as fault:
        what = "is a folder that you may not list. Give yourself the right to, or take it out."
        return Finding(pathlib.Path(fault.filename), what, Kind.DENIED)
    if not count:
        return Finding(path, "is an empty folder.", Kind.EMPTY_FOLDER)
    what = f"is a folder; the files in it ({count}) are not used. Move them up into {path.parent.name}/."
    return Finding(path, what, Kind.INNER_FOLDER)


def _parse(path: pathlib.Path, least_side: int) -> Annotation:
    path = pathlib.Path(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"it has more than {MOST_BYTES // 10**6} MB, which no annotation of one photo has")
        root = defusedxml.ElementTree.parse(path).getroot()
    except FileNotFoundError:
        raise VocError(f"{path}: there is no such annotation. Check the path.") from None
    except PermissionError:
        raise VocError(
            f"{path}: you may not read it. Give yourself the right to, or take it out.", Kind.DENIED
        ) from None
    except (ElementTree.ParseError, DefusedXmlException, OSError, ValueError, LookupError) as fault:
        raise VocError(f"{path}: is not readable XML ({fault}). Label the photo anew.") from None
    if root.tag != "annotation":
        raise VocError(f"{path}: begins with <{root.tag}>, not <annotation>. Export it as Pascal VOC.")
    objects = root.findall("object")
    if len(objects) > MOST_BOXES:
        raise VocError(f"{path}: holds {len(objects)} boxes; more than {MOST_BOXES} cannot be learned from one photo.")
    missing = None if least_side else 0
    width, height = (_whole(root, f"size/{side}", path, least_side, missing) for side in ("width", "height"))
    return Annotation(
        filename=root.findtext("filename") or "",
        width=width,
        height=height,
        boxes=tuple(_box(each, number, path) for number, each in enumerate(objects, start=1)),
        depth=_whole(root, "size/depth", path, least_side, default=3),
        folder=root.findtext("folder") or "",
        path=root.findtext("path"),
        database=root.findtext("source/database") or "Unknown",
        segmented=_whole(root, "segmented", path, default=0),
        verified=root.get("verified") == "yes",
    )


def _box(element, number: int, path: pathlib.Path) -> Box:
    where = f"{path}: object {number}"
    name = element.findtext("name") or ""
    if not name.strip():
        raise VocError(f"{where} has no <name>; give it a class.")
    edges = {}
    for edge in ("xmin", "ymin", "xmax", "ymax"):
        text = element.findtext(f"bndbox/{edge}")
        try:
            edges[edge] = float(text)
        except (TypeError, ValueError):
            raise VocError(
                f"{where} ({name.strip()}) has <{edge}> {text!r}, which is no number. Draw it anew."
            ) from None
    flags = {flag: _whole(element, flag, path, default=0) for flag in ("truncated", "difficult")}
    return Box(name, **edges, pose=element.findtext("pose") or "Unspecified", **flags)


def _check(box: Box, number: int, width: int, height: int, path: pathlib.Path) -> None:
    said = edges_of(box)
    where = f"{path}: object {number} ({box.name})"
    if not box.name or box.name != box.name.strip():
        raise VocError(f"{where} is named {box.name!r}; a name is not empty and has no spaces around it.")
    if not all(math.isfinite(edge) for edge in (box.xmin, box.ymin, box.xmax, box.ymax)):
        raise VocError(f"{where} has {said}; draw it anew.")
    if box.xmin >= box.xmax or box.ymin >= box.ymax:
        raise VocError(f"{where} has no area: {said}. Draw it anew or take it out.")
    if box.xmin < 0 or box.ymin < 0 or box.xmax > width or box.ymax > height:
        raise VocError(f"{where} leaves the {width}x{height} photo: {said}. Draw it anew.")


def _whole(element, tag: str, path: pathlib.Path, least: int = 0, default: int | None = None) -> int:
    text = element.findtext(tag)
    if text is None and default is not None:
        return default
    try:
        value = int(float(text))
        if value != float(text):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise VocError(f"{path}: <{tag}> is {text!r}, not a whole number. Label the photo anew.") from None
    if value < least:
        raise VocError(f"{path}: <{tag}> is {value}; it must be at least {least}. Label the photo anew.")
    return value


def _shortest(edge: float) -> str:
    return str(int(edge)) if edge == int(edge) else repr(float(edge))


def _pixels(low: float, high: float, length: int) -> tuple[int, int]:
    first = min(1, length - 1)
    least = max(first, min(round(low * length), length - 1))
    return least, min(max(round(high * length), least + 1), length)


def _add(parent, tag: str, text=None):
    child = ElementTree.SubElement(parent, tag)
    child.text = None if text is None else str(text)
    return child


def composed(text: str) -> str:
    """Return text in which an accent and its letter are one character: file systems differ in that (Unicode NFC)."""
    return unicodedata.normalize("NFC", text)

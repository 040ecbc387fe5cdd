"""Inspect a data set: use what is intact, repair what can be repaired in memory, and set the rest aside.

Nothing here changes a file. `dataset` trains on the result, `check` prints it, and `repair` writes it as a copy.
"""

import collections
import dataclasses
import hashlib
import pathlib
from collections.abc import Iterable

from PIL import Image
from tqdm import tqdm

from workshop_utils.core import untrusted
from workshop_utils.data import annotation_repair, folders, label_map, names, photos, voc, voc_parts
from workshop_utils.data.annotation import Annotation, Box, VocError
from workshop_utils.data.annotation_repair import PhotoInfo
from workshop_utils.data.finding_kinds import Kind, Outcome
from workshop_utils.data.findings import Finding
from workshop_utils.data.labels import LabelledPhoto, Labels
from workshop_utils.data.names import composed

LARGE_SIDE = 10_000
"""Pixels. A photo with a longer side is noted: small objects in it vanish when it is shrunk."""

ROUNDING = 0.05
"""Pixels. labelImg writes six decimals of a fraction, CVAT two of a pixel."""

ROWS = 64
"""Rows of a photo that are digested at a time. All rows at once would be copied twice."""


@dataclasses.dataclass(frozen=True)
class Usable:
    """A photo that can be used, with its annotation.

    Attributes:
        photo: The photo's file.
        xml: The annotation's file; in some formats it has the labels of several photos.
        annotation: The annotation, repaired. Its `filename` has the extension that fits the photo's content.
        part: "train", "val" or "test" if the data set comes with a split, else "".
    """

    photo: pathlib.Path
    xml: pathlib.Path
    annotation: Annotation
    part: str = ""


@dataclasses.dataclass(frozen=True)
class Inspection:
    """The content of a data set.

    Attributes:
        folder: The data set's folder.
        usable: The photos that can be used, sorted by stem.
        label_map: {id: class name}.
        all_findings: Everything that was found, including what is only noted.
    """

    folder: pathlib.Path
    usable: list[Usable]
    label_map: dict[int, str]
    all_findings: list[Finding]

    @property
    def findings(self) -> list[Finding]:
        """The findings for which a file was repaired or set aside."""
        return [each for each in self.all_findings if each.is_problem]

    @property
    def problem(self) -> str | None:
        """Why the data set cannot be used at all, or None."""
        if self.usable and self.label_map:
            return None
        return f"{self.folder}: has no photo with a usable annotation."


def inspect(folder: pathlib.Path) -> Inspection:
    """Inspect every file of a Pascal VOC folder, with one photo in memory at a time.

    The classes are those in the folder's own `label_map.pbtxt`, or else the sorted classes that occur.

    Raises:
        VocError: If `folder` is not a data set.
        LabelMapError: If its label map cannot be used, or there are too many classes.
    """
    return inspect_labels(read_voc(folder))


def read_voc(folder: pathlib.Path) -> Labels:
    """Read the annotations of a Pascal VOC folder. Raises as `inspect` does."""
    folder = pathlib.Path(folder)
    pairs, findings = folders.pairs(folder)
    mapping = _own_label_map(folder)
    part_of = voc_parts.read(folder)
    labelled = [
        LabelledPhoto(photo, xml, _read_annotation(xml), part_of.get(composed(photo.stem), "")) for photo, xml in pairs
    ]
    return Labels(folder, labelled, findings, mapping)


def inspect_labels(labels: Labels) -> Inspection:
    """Check the labels of any format against their photos, with one photo in memory at a time.

    Raises:
        LabelMapError: If there are too many classes.
    """
    findings, mapping = list(labels.findings), labels.label_map
    readable = [each.labels for each in labels.photos if isinstance(each.labels, Annotation)]
    spelling = spellings([box.name for each in readable for box in each.boxes], mapping.values())
    bar = tqdm(labels.photos, "check", unit="photo", delay=1, leave=False, disable=None)
    nothing: tuple[None, list[Finding]] = None, []
    inspected = [inspect_photo(each.photo) if isinstance(each.labels, Annotation) else nothing for each in bar]
    photos_and_info = list(zip(labels.photos, inspected, strict=True))
    written = [(_in_pixels(each, info), info) for each, (info, _) in photos_and_info if info]
    resized = annotation_repair.were_resized(written)
    usable, first_with = list[Usable](), dict[str, pathlib.Path]()
    for each, (info, found) in photos_and_info:
        findings += found
        if isinstance(each.labels, Finding):
            findings.append(_naming(each, each.labels, labels.folder))
        if info is None:
            continue
        annotation = _in_pixels(each, info)
        repaired, more = annotation_repair.repair(annotation, each.file, each.photo, info, spelling, resized)
        more += _unknown_classes(annotation, each.file, spelling, mapping)
        findings += [_naming(each, finding, labels.folder) for finding in more]
        if any(finding.kind.outcome is Outcome.SET_ASIDE for finding in (*found, *more)):
            continue
        first = first_with.setdefault(info.pixels, each.photo)
        if first is each.photo:
            usable.append(Usable(each.photo, each.file, repaired, each.part))
        else:
            what = f"shows the same photo as {first.name}, equal in every pixel. Remove one of them."
            findings.append(Finding(each.photo, what, Kind.SAME_PHOTO))
    mapping = mapping or label_map.number(box.name for each in usable for box in each.annotation.boxes)
    return Inspection(labels.folder, usable, mapping, findings)


def _in_pixels(labelled: LabelledPhoto, info: PhotoInfo) -> Annotation:
    """Return a photo's annotation with its boxes in pixels.

    In COCO and YOLO, an edge is a sum of rounded numbers. One that is outside by less than ROUNDING is moved to the
    photo's edge.
    """
    annotation = labelled.labels
    assert isinstance(annotation, Annotation)  # else `inspect_labels` does not read the photo
    if labelled.normalised:
        width, height = info.size
        boxes = [_scaled(box, width, height) for box in annotation.boxes]
        annotation = dataclasses.replace(annotation, width=width, height=height, boxes=tuple(boxes))
    if labelled.normalised or labelled.shared:
        boxes = [_within(box, annotation.width, annotation.height) for box in annotation.boxes]
        annotation = dataclasses.replace(annotation, boxes=tuple(boxes))
    return annotation


def _scaled(box: Box, width: int, height: int) -> Box:
    return Box(box.name, box.xmin * width, box.ymin * height, box.xmax * width, box.ymax * height)


def _within(box: Box, width: int, height: int) -> Box:
    """Return a box with each edge that is outside by less than ROUNDING moved to the photo's edge."""

    def inside(edge: float, length: int) -> float:
        return min(max(edge, 0), length) if length and -ROUNDING < edge < length + ROUNDING else edge

    xmin, xmax = inside(box.xmin, width), inside(box.xmax, width)
    ymin, ymax = inside(box.ymin, height), inside(box.ymax, height)
    return dataclasses.replace(box, xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax)


def _naming(labelled: LabelledPhoto, finding: Finding, folder: pathlib.Path) -> Finding:
    """Return a finding that names the photo if its label file has the labels of several."""
    if not labelled.shared or finding.file != labelled.file:
        return finding
    return dataclasses.replace(finding, what=f"{labelled.photo.relative_to(folder)}: {finding.what}")


def inspect_photo(photo: pathlib.Path) -> tuple[PhotoInfo | None, list[Finding]]:
    """Read a photo. Return what is known about it, or None if it cannot be used, and findings."""
    try:
        decoded = photos.decode(photo)
    except photos.PhotoError as error:
        return None, [Finding(photo, str(error).removeprefix(f"{photo}: "), error.kind)]
    suffixes = [suffix for suffix, kind in photos.SUFFIXES.items() if kind == decoded.format]
    (width, height), findings, name = decoded.image.size, list[Finding](), photo.name
    if min(width, height) < 2:
        what = f"is {width}x{height} pixels, too small to show anything. Remove it."
        return None, [Finding(photo, what, Kind.TINY)]
    if photo.suffix.lower() not in suffixes:
        name = photo.with_suffix(suffixes[0]).name
        findings.append(Finding(photo, f"is {decoded.format}; rename it to {name}.", Kind.WRONG_EXTENSION))
    if decoded.colours != "RGB":
        what = f"is {decoded.colours}; it is read as RGB with 8 bits per channel."
        findings.append(Finding(photo, what, Kind.COLOURS))
    if max(width, height) > LARGE_SIDE:
        what = f"is {width}x{height} pixels; small objects in it vanish. Cut it into several photos."
        findings.append(Finding(photo, what, Kind.LARGE))
    if decoded.broken_metadata:
        findings.append(Finding(photo, decoded.broken_metadata, Kind.BROKEN_METADATA))
    return PhotoInfo(name, (width, height), decoded.orientation, _digest(decoded.image)), findings


def spellings(written: Iterable[str], listed: Iterable[str] = ()) -> dict[str, str]:
    """Choose one spelling for class names that differ only in case or extra spaces.

    Args:
        written: The class name of each box.
        listed: The class names in the label map.

    Returns:
        {name as written: name to use}. That is the spelling in `listed`, or else the one that occurs most, or else the
        first in sorted order.
    """
    written, listed = list(written), {name for name in listed if name == names.tidy(name)}
    tidied = {name: names.tidy(name) for name in set(written)}
    counts = collections.Counter(tidied[name] for name in written)
    best: dict[str, str] = {}
    for name in sorted(listed or counts, key=lambda each: (-counts[each], each)):
        best.setdefault(name.lower(), name)
    return {name: form if form in listed else best.get(form.lower(), form) for name, form in tidied.items()}


def _digest(image: Image.Image) -> str:
    """Return a digest of a photo's size and pixels."""
    digest = hashlib.sha256(f"{image.size}".encode())
    for top in range(0, image.height, ROWS):
        digest.update(image.crop((0, top, image.width, min(top + ROWS, image.height))).tobytes())
    return digest.hexdigest()


def _own_label_map(folder: pathlib.Path) -> dict[int, str]:
    """Return a data set's own label map, empty if it does not have one."""
    path = folder / label_map.FILENAME
    if untrusted.is_outside(path, folder):
        raise label_map.LabelMapError(f"{path}: {untrusted.LINK_OUTSIDE}")
    return label_map.read(path) if path.exists() else {}


def _read_annotation(xml: pathlib.Path) -> Annotation | Finding:
    try:
        return voc.read_as_written(xml)
    except VocError as error:
        return Finding(xml, str(error).removeprefix(f"{xml}: "), error.kind)


def _unknown_classes(
    annotation: Annotation, xml: pathlib.Path, spelling: dict[str, str], mapping: dict[int, str]
) -> list[Finding]:
    """Return a finding if an annotation has classes that are not in the data set's own label map."""
    unknown = sorted({spelling[box.name] for box in annotation.boxes} - set(mapping.values())) if mapping else []
    if not unknown:
        return []
    classes = ", ".join(f"'{name}'" for name in unknown)
    what = f"has the class {classes}, which is not in {label_map.FILENAME}. Add it there, or rename it."
    return [Finding(xml, what, Kind.UNKNOWN_CLASS)]

"""Fit an annotation to its photo: repair what can be repaired safely, and report everything as findings.

Nothing here changes a file.
"""

import dataclasses
import math
import pathlib

from workshop_utils.data import names, rotation
from workshop_utils.data.annotation import Annotation, Box, edges_of
from workshop_utils.data.finding_kinds import Kind, Outcome
from workshop_utils.data.findings import Finding
from workshop_utils.data.labels import Notes
from workshop_utils.data.names import composed

THINNEST = 0.1
"""Pixels. A box whose width or height is smaller has no area."""

SLIP = 2
"""Pixels. A <size> that is off by at most this much still belongs to the photo: labelImg has written such sizes."""


@dataclasses.dataclass(frozen=True)
class PhotoInfo:
    """What is known about one photo.

    Attributes:
        name: Its file name, with the extension that fits its content.
        size: (width, height) of the upright photo, in pixels.
        orientation: EXIF's orientation, 1 to 8.
        pixels: A digest of its pixels.
    """

    name: str
    size: tuple[int, int]
    orientation: int
    pixels: str


def were_resized(pairs: list[tuple[Annotation, PhotoInfo]]) -> bool:
    """Return whether the photos of a data set were resized after they were labelled.

    They were if, for more than half of the pairs and at least two, <size> is the photo's size times one factor and all
    boxes are inside it.
    """
    resized = [_is_resized(annotation, info.size) for annotation, info in pairs]
    return sum(resized) >= 2 and sum(resized) > len(pairs) / 2


def repair(
    annotation: Annotation,
    xml: pathlib.Path,
    photo: pathlib.Path,
    info: PhotoInfo,
    spelling: dict[str, str],
    resized: bool = False,
) -> tuple[Annotation, list[Finding]]:
    """Return the annotation, repaired to fit the photo, and findings.

    Args:
        annotation: The annotation as `voc.read_as_written` returns it.
        xml: The annotation's file, for findings.
        photo: The photo's file, for findings.
        info: What is known about the photo.
        spelling: {class name as written: class name to use}.
        resized: Whether the photos of the data set `were_resized`.

    Returns:
        The repaired annotation and the findings. If a finding sets the photo aside, do not use the annotation.
    """
    findings = [Finding(xml, what, kind) for kind, what in annotation.notes]
    annotation, found = _repair_size(annotation, xml, info, resized)
    findings += found + mismatches(annotation, xml, photo, info.size)
    noted = tuple(note for note in annotation.notes if note[0].outcome is not Outcome.REPAIRED)
    annotation = dataclasses.replace(annotation, filename=info.name, depth=annotation.depth or 3, notes=noted)
    if (annotation.width, annotation.height) != info.size:
        return annotation, findings
    if not annotation.boxes:
        findings.append(Finding(xml, "has no objects. The photo is used as one without objects.", Kind.NO_OBJECT))
    boxes, known = list[Box](), set[tuple[str, float, float, float, float]]()
    for number, written in enumerate(annotation.boxes, start=1):
        box, found = repair_box(written, info.size)
        box = dataclasses.replace(box, name=spelling[written.name])
        if box.name != written.name:
            found.append(_name_finding(written.name, box.name))
        where = (box.name, box.xmin, box.ymin, box.xmax, box.ymax)
        if where in known:
            found.append((Kind.SAME_BOX, f"occurs twice: {edges_of(box)}. It is used once."))
        else:
            boxes.append(box)
        known.add(where)
        findings += [Finding(xml, f"object {number} ({box.name}) {what}", kind) for kind, what in found]
    return dataclasses.replace(annotation, boxes=tuple(boxes)), findings


def repair_box(box: Box, size: tuple[int, int]) -> tuple[Box, list[tuple[Kind, str]]]:
    """Fit a box to its photo.

    Args:
        box: The box as written.
        size: (width, height) of the photo, in pixels.

    Returns:
        The box, repaired if that is possible, and what was wrong with it: pairs of a kind of finding and a sentence.
    """
    edges, (width, height) = edges_of(box), size
    (xmin, xmax), (ymin, ymax) = sorted((box.xmin, box.xmax)), sorted((box.ymin, box.ymax))
    area = (xmax - xmin) * (ymax - ymin)
    if not math.isfinite(area) or min(xmax - xmin, ymax - ymin) < THINNEST:
        return box, [(Kind.NO_AREA, f"has no area: {edges}. Draw it again or remove it.")]
    repaired = dataclasses.replace(box, xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax)
    xmin, ymin, xmax, ymax = max(xmin, 0), max(ymin, 0), min(xmax, width), min(ymax, height)
    outside = f"extends beyond the {width}x{height} photo"
    if min(xmax - xmin, ymax - ymin) < THINNEST or (xmax - xmin) * (ymax - ymin) < area / 2:
        return box, [(Kind.BOX_OUTSIDE, f"{outside} by more than half: {edges}. Draw it again or remove it.")]
    found: Notes = []
    if repaired != box:
        found.append((Kind.REVERSED_BOX, f"has edges in the wrong order: {edges}. They are swapped."))
    inside = dataclasses.replace(repaired, xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax)
    if inside != repaired:
        found.append((Kind.BOX_PARTLY_OUTSIDE, f"{outside}: {edges}. It is cut at the photo's edge."))
        repaired = dataclasses.replace(inside, truncated=1)
    return repaired, found


def mismatches(annotation: Annotation, file: pathlib.Path, photo: pathlib.Path, size: tuple[int, int]) -> list[Finding]:
    """Return a finding if an annotation has another size than its photo, and one if it names another photo.

    Args:
        annotation: The annotation.
        file: Its file, for findings.
        photo: The photo's file.
        size: (width, height) of the photo, in pixels.
    """
    findings: list[Finding] = []
    written = (annotation.width, annotation.height)
    if written != size:
        what = f"says the photo is {written[0]}x{written[1]}, but {photo.name} is {size[0]}x{size[1]}."
        findings.append(Finding(file, f"{what} {_size_remedy(written, size)}", Kind.OTHER_SIZE))
    if composed(annotation.filename) != composed(photo.name):
        named = pathlib.PureWindowsPath(composed(annotation.filename).lower())
        what = f"names the photo '{annotation.filename}', but belongs to {photo.name}."
        if composed(photo.stem).lower() in (named.name, named.stem) or not annotation.filename:
            findings.append(Finding(file, f"{what} The photo's own name is used.", Kind.FILENAME_FORM))
        else:
            findings.append(Finding(file, f"{what} Check that its boxes fit.", Kind.OTHER_FILENAME))
    return findings


def _repair_size(
    annotation: Annotation, xml: pathlib.Path, info: PhotoInfo, resized: bool
) -> tuple[Annotation, list[Finding]]:
    """Return the annotation with the photo's size if its boxes can be fitted to that, and findings."""
    width, height = written = annotation.width, annotation.height
    actual = "{}x{}".format(*info.size)
    own, findings = dataclasses.replace(annotation, width=info.size[0], height=info.size[1]), list[Finding]()
    if annotation.boxes and _is_rotation_unsure(written, info):
        what = f"does not show whether its boxes were drawn before the EXIF rotation (orientation {info.orientation})."
        findings.append(Finding(xml, f"{what} Check that they fit.", Kind.UNSURE_ROTATION))
    if written == info.size:
        return annotation, findings
    if 0 in written:
        kind, what = Kind.NO_SIZE, f"has a <size> of {width}x{height}, or none. The photo's own size is used, {actual}."
    elif (height, width) == info.size and info.orientation >= 5:
        kind = Kind.UNROTATED_SIZE
        what = f"says {width}x{height}, but EXIF rotates the photo to {actual}. Its boxes are rotated with it."
        boxes = tuple(rotation.rotated(box, info.orientation, width, height) for box in annotation.boxes)
        own = dataclasses.replace(own, boxes=boxes)
    elif all(abs(old - new) <= SLIP for old, new in zip(written, info.size, strict=True)):
        kind = Kind.SIZE_OFF
        what = f"says {width}x{height}, but the photo is {actual}. The photo's size is used; the boxes stay."
    elif resized and _is_resized(annotation, info.size):
        kind = Kind.RESIZED
        what = f"says {width}x{height}, but the photo is {actual}, resized like the others. Its boxes are scaled."
        boxes = tuple(_scaled(box, info.size[0] / width, info.size[1] / height) for box in annotation.boxes)
        own = dataclasses.replace(own, boxes=boxes)
    else:
        return annotation, findings
    return own, [*findings, Finding(xml, what, kind)]


def _is_rotation_unsure(written: tuple[int, int], info: PhotoInfo) -> bool:
    """Return whether <size> would be the same if the boxes had been drawn on the photo without its EXIF rotation."""
    quarter_turn = info.orientation >= 5
    return info.orientation in (2, 3, 4) or (quarter_turn and (info.size[0] == info.size[1] or 0 in written))


def _is_resized(annotation: Annotation, size: tuple[int, int]) -> bool:
    """Return whether an annotation's size is a photo's size times one factor, to the nearest pixel.

    If a box extends beyond the size, boxes and size belong to different images, and no factor fits both.
    """
    width, height = written = annotation.width, annotation.height
    if 0 in written or written == size or not _have_same_aspect_ratio(written, size):
        return False
    return all(min(box.xmin, box.ymin) >= 0 and box.xmax <= width and box.ymax <= height for box in annotation.boxes)


def _have_same_aspect_ratio(first: tuple[int, int], second: tuple[int, int]) -> bool:
    """Return whether two sizes have the same ratio of width to height, to within one pixel of the smaller size."""
    small, large = sorted((first, second))
    return abs(small[0] * large[1] / large[0] - small[1]) <= 1


def _scaled(box: Box, across: float, down: float) -> Box:
    return dataclasses.replace(
        box, xmin=box.xmin * across, xmax=box.xmax * across, ymin=box.ymin * down, ymax=box.ymax * down
    )


def _size_remedy(written: tuple[int, int], size: tuple[int, int]) -> str:
    if written[::-1] == size:
        return "If its boxes fit the photo, swap <width> and <height>; if not, rotate the photo back."
    if _have_same_aspect_ratio(written, size):
        return "It was resized after it was labelled: restore it at that size."
    return "Restore the photo that was labelled. If only <size> is wrong, correct it."


def _name_finding(written: str, used: str) -> tuple[Kind, str]:
    why = ""
    if written.translate(names.INVISIBLE) != written:
        why = " (with an invisible character in it)"
    elif composed(written) != written:
        why = " (its accents are separate characters)"
    kind = Kind.CLASS_FORM if names.tidy(written) == used else Kind.CLASS_CASE
    return kind, f"has the class {written!r}{why}, which is read as '{used}'."

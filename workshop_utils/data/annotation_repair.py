"""An annotation as it fits its photo: what a person would mend without asking is mended, the rest is a finding.

Nothing here changes a file.
"""

import dataclasses
import math
import pathlib

from workshop_utils.data import names, rotation
from workshop_utils.data.annotation import Annotation, Box, edges_of
from workshop_utils.data.finding_kinds import Kind, Outcome
from workshop_utils.data.findings import Finding
from workshop_utils.data.names import composed

THINNEST = 0.1
"""A box narrower or lower than this, in pixels, has no area."""

SLIP = 2
"""A <size> may be off by this many pixels and still be this photo's: labelImg has written such."""


@dataclasses.dataclass(frozen=True)
class PhotoInfo:
    """What was seen of one photo.

    `name` has the ending that fits; `size` is (width, height) of the upright photo, in pixels; `orientation` is
    EXIF's, from 1 to 8; `pixels` is a digest of what it shows.
    """

    name: str
    size: tuple[int, int]
    orientation: int
    pixels: str


def were_resized(pairs: list[tuple[Annotation, PhotoInfo]]) -> bool:
    """Return whether a set's photos were made smaller or larger after they were labelled.

    That is so where in more than half of the pairs <size> is the photo's by one factor, and holds all boxes.
    """
    resized = [_is_resized(annotation, seen.size) for annotation, seen in pairs]
    return sum(resized) >= 2 and sum(resized) > len(pairs) / 2


def repair(
    annotation: Annotation,
    xml: pathlib.Path,
    photo: pathlib.Path,
    seen: PhotoInfo,
    spelling: dict[str, str],
    resized: bool = False,
) -> tuple[Annotation, list[Finding]]:
    """Return the annotation as it fits the photo, and findings.

    `spelling` is {class as written: as taken}, `resized` whether the photos of the set `were_resized`. Where one of the
    findings sets the photo aside, the annotation is not fit to be used.
    """
    findings = [Finding(xml, what, kind) for kind, what in annotation.notes]
    annotation, found = _repair_size(annotation, xml, seen, resized)
    findings += found + mismatches(annotation, xml, photo, seen.size)
    noted = tuple(note for note in annotation.notes if note[0].outcome is not Outcome.REPAIRED)
    annotation = dataclasses.replace(annotation, filename=seen.name, depth=annotation.depth or 3, notes=noted)
    if (annotation.width, annotation.height) != seen.size:
        return annotation, findings
    if not annotation.boxes:
        findings.append(Finding(xml, "holds no object; the photo is used as one without.", Kind.NO_OBJECT))
    boxes, known = [], set()
    for number, written in enumerate(annotation.boxes, start=1):
        box, found = repair_box(written, seen.size)
        box = dataclasses.replace(box, name=spelling[written.name])
        if box.name != written.name:
            found.append(_name_finding(written.name, box.name))
        where = (box.name, box.xmin, box.ymin, box.xmax, box.ymax)
        if where in known:
            found.append((Kind.SAME_BOX, f"is there twice: {edges_of(box)}. It is taken once."))
        else:
            boxes.append(box)
        known.add(where)
        findings += [Finding(xml, f"object {number} ({box.name}) {what}", kind) for kind, what in found]
    return dataclasses.replace(annotation, boxes=tuple(boxes)), findings


def repair_box(box: Box, size: tuple[int, int]) -> tuple[Box, list[tuple[Kind, str]]]:
    """Return a box as it fits a photo of `size` (width, height) in pixels, and what was wrong with it."""
    said, (width, height) = edges_of(box), size
    (xmin, xmax), (ymin, ymax) = sorted((box.xmin, box.xmax)), sorted((box.ymin, box.ymax))
    area = (xmax - xmin) * (ymax - ymin)
    if not math.isfinite(area) or min(xmax - xmin, ymax - ymin) < THINNEST:
        return box, [(Kind.NO_AREA, f"has no area: {said}. Draw it again or take it out.")]
    mended = dataclasses.replace(box, xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax)
    xmin, ymin, xmax, ymax = max(xmin, 0), max(ymin, 0), min(xmax, width), min(ymax, height)
    leaves = f"leaves the {width}x{height} photo"
    if min(xmax - xmin, ymax - ymin) < THINNEST or (xmax - xmin) * (ymax - ymin) < area / 2:
        return box, [(Kind.BOX_OUTSIDE, f"{leaves} by more than half: {said}. Draw it again or take it out.")]
    found = []
    if mended != box:
        found.append((Kind.REVERSED_BOX, f"has edges the wrong way round: {said}. They are exchanged."))
    inside = dataclasses.replace(mended, xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax)
    if inside != mended:
        found.append((Kind.BOX_PARTLY_OUTSIDE, f"{leaves}: {said}. It is cut at the photo's edge."))
        mended = dataclasses.replace(inside, truncated=1)
    return mended, found


def mismatches(annotation: Annotation, file: pathlib.Path, photo: pathlib.Path, size: tuple[int, int]) -> list[Finding]:
    """Compare an annotation with the photo it stands beside; `size` is the photo's (width, height) in pixels."""
    findings = []
    said = (annotation.width, annotation.height)
    if said != size:
        what = f"says the photo is {said[0]}x{said[1]}, but {photo.name} is {size[0]}x{size[1]}."
        findings.append(Finding(file, f"{what} {_size_remedy(said, size)}", Kind.OTHER_SIZE))
    if composed(annotation.filename) != composed(photo.name):
        named = pathlib.PureWindowsPath(composed(annotation.filename).lower())
        what = f"names the photo '{annotation.filename}', but stands beside {photo.name}."
        if composed(photo.stem).lower() in (named.name, named.stem) or not annotation.filename:
            findings.append(Finding(file, f"{what} The photo's own name is taken.", Kind.FILENAME_FORM))
        else:
            findings.append(Finding(file, f"{what} Look whether its boxes fit.", Kind.OTHER_FILENAME))
    return findings


def _repair_size(annotation: Annotation, xml: pathlib.Path, seen: PhotoInfo, resized: bool):
    """Return the annotation with the photo's size, where its boxes can be made to fit that, and findings."""
    width, height = said = annotation.width, annotation.height
    actual, quarter = "{}x{}".format(*seen.size), seen.orientation >= 5
    own = dataclasses.replace(annotation, width=seen.size[0], height=seen.size[1])
    findings = []
    if annotation.boxes and _turn_is_unsure(said, seen):
        what = (
            f"does not show whether its boxes were drawn before EXIF (orientation {seen.orientation}) turns the photo."
        )
        findings.append(Finding(xml, f"{what} Look whether they fit.", Kind.UNSURE_ROTATION))
    if said == seen.size:
        return annotation, findings
    if 0 in said:
        what = f"has a <size> of {width}x{height}, or none; the photo's own is taken, {actual}."
        return own, [*findings, Finding(xml, what, Kind.NO_SIZE)]
    if (height, width) == seen.size and quarter:
        what = f"says {width}x{height}, the photo before EXIF turns it to {actual}; its boxes are turned with it."
        boxes = tuple(rotation.rotated(box, seen.orientation, width, height) for box in annotation.boxes)
        return dataclasses.replace(own, boxes=boxes), [*findings, Finding(xml, what, Kind.UNROTATED_SIZE)]
    if all(abs(old - new) <= SLIP for old, new in zip(said, seen.size, strict=True)):
        what = f"says {width}x{height}, but the photo is {actual}; its own size is taken, and the boxes as they are."
        return own, [*findings, Finding(xml, what, Kind.SIZE_OFF)]
    if resized and _is_resized(annotation, seen.size):
        what = (
            f"says {width}x{height}, but the photo is {actual}, as all of the set were resized; its boxes are scaled."
        )
        boxes = tuple(_scaled(box, seen.size[0] / width, seen.size[1] / height) for box in annotation.boxes)
        return dataclasses.replace(own, boxes=boxes), [*findings, Finding(xml, what, Kind.RESIZED)]
    return annotation, findings


def _turn_is_unsure(said: tuple[int, int], seen: PhotoInfo) -> bool:
    """Return whether <size> would be the same, had the boxes been drawn on the photo before EXIF turns it."""
    quarter = seen.orientation >= 5
    return seen.orientation in (2, 3, 4) or (quarter and (seen.size[0] == seen.size[1] or 0 in said))


def _is_resized(annotation: Annotation, size: tuple[int, int]) -> bool:
    """Return whether an annotation's size is a photo's by one factor, as far as whole pixels can tell.

    Where a box leaves the size, boxes and size are not of one image, and no factor fits both.
    """
    width, height = said = annotation.width, annotation.height
    if 0 in said or said == size or not _have_one_shape(said, size):
        return False
    inside = (min(box.xmin, box.ymin) >= 0 and box.xmax <= width and box.ymax <= height for box in annotation.boxes)
    return all(inside)


def _have_one_shape(first: tuple[int, int], second: tuple[int, int]) -> bool:
    """Return whether two sizes have one ratio of width to height, but for a pixel of the smaller one."""
    small, large = sorted((first, second))
    return abs(small[0] * large[1] / large[0] - small[1]) <= 1


def _scaled(box: Box, across: float, down: float) -> Box:
    return dataclasses.replace(
        box, xmin=box.xmin * across, xmax=box.xmax * across, ymin=box.ymin * down, ymax=box.ymax * down
    )


def _size_remedy(said: tuple[int, int], size: tuple[int, int]) -> str:
    if said[::-1] == size:
        return "If its boxes fit the photo, exchange <width> and <height>; if not, turn the photo back."
    if _have_one_shape(said, size):
        return "It was resized after it was labelled: bring it back in that size."
    return "Bring back the photo that was labelled; where only <size> is wrong, correct it."


def _name_finding(written: str, taken: str) -> tuple[Kind, str]:
    form, seen = names.tidy(written), written.translate(names.INVISIBLE)
    why = ""
    if seen != written:
        why = " (with an invisible mark in it)"
    elif composed(written) != written:
        why = " (its accents are letters of their own)"
    kind = Kind.CLASS_FORM if form == taken else Kind.CLASS_CASE
    return kind, f"has the class {written!r}{why}, which is taken as '{taken}'."

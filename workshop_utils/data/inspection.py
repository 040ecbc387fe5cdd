"""Go through a data set: what is whole is taken, what can be repaired is repaired in memory, the rest is set aside.

Nothing here changes a file. `dataset` trains on what comes out, `check` prints it, `repair` writes it as a copy.
"""

import collections
import dataclasses
import hashlib
import math
import pathlib

from PIL import Image
from tqdm import tqdm

from workshop_utils.core import untrusted
from workshop_utils.data import label_map, photos, voc
from workshop_utils.data.findings import Finding, Kind, Outcome

LONGEST_SIDE = 10_000
"""A photo longer than this, in pixels, is told of: its objects may not survive being shrunk."""

THINNEST = 0.1
"""A box narrower or lower than this, in pixels, has no area."""

ROWS = 64
"""So many rows of a photo are digested at a time: all at once they would be copied twice."""


@dataclasses.dataclass(frozen=True)
class Usable:
    """A photo and its annotation, repaired; `annotation.filename` has the ending that fits what the file holds."""

    photo: pathlib.Path
    xml: pathlib.Path
    annotation: voc.Annotation


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What a data set holds: the usable photos in the order of their stems, {id: class}, and all there is to say."""

    folder: pathlib.Path
    usable: list[Usable]
    label_map: dict[int, str]
    said: list[Finding]

    @property
    def findings(self) -> list[Finding]:
        """What is not as it should be, each repaired or set aside."""
        return [each for each in self.said if each.is_fault]

    @property
    def fault(self) -> str | None:
        """Why the data set cannot be used at all, or None."""
        if self.usable and self.label_map:
            return None
        return f"{self.folder}: holds no photo with a usable annotation."


@dataclasses.dataclass(frozen=True)
class Seen:
    """What was seen of one photo.

    `name` has the ending that fits; `size` is (width, height) of the upright photo, in pixels; `orientation` is
    EXIF's, from 1 to 8; `pixels` is a digest of what it shows.
    """

    name: str
    size: tuple[int, int]
    orientation: int
    pixels: str


def inspect(folder: pathlib.Path) -> Inspection:
    """Look at every file of a VOC folder, one photo in memory at a time.

    The classes are those of the folder's own `label_map.pbtxt`, or else all that were found, sorted. Raises VocError
    for a folder that is no data set, LabelMapError for a label map that cannot be used and for too many classes.
    """
    folder = pathlib.Path(folder)
    pairs, said = voc.pairs(folder)
    mapping = _own_label_map(folder)
    written = [_as_written(xml) for _, xml in pairs]
    names = [box.name for each in written if isinstance(each, voc.Annotation) for box in each.boxes]
    spelling = spellings(names, mapping.values())
    usable, first_with = [], {}
    for (photo, xml), each in zip(tqdm(pairs, "check", unit="photo", delay=1, leave=False, disable=None), written):
        annotation, seen, found = _inspect_pair(photo, xml, each, spelling, mapping)
        said += found
        if any(finding.kind.outcome is Outcome.SET_ASIDE for finding in found):
            continue
        first = first_with.setdefault(seen.pixels, photo)
        if first is photo:
            usable.append(Usable(photo, xml, annotation))
        else:
            what = f"shows the same photo as {first.name}, equal in every pixel. Take one of them out."
            said.append(Finding(photo, what, Kind.SAME_PHOTO))
    mapping = mapping or label_map.number(box.name for each in usable for box in each.annotation.boxes)
    return Inspection(folder, usable, mapping, said)


def look(photo: pathlib.Path) -> tuple[Seen | None, list[Finding]]:
    """Read a photo; return what was seen of it, None where it cannot be used, and findings."""
    try:
        decoded = photos.decode(photo)
    except photos.PhotoError as fault:
        return None, [Finding(photo, str(fault).removeprefix(f"{photo}: "), fault.kind)]
    suffixes = [suffix for suffix, kind in photos.SUFFIXES.items() if kind == decoded.format]
    size, findings, name = decoded.image.size, [], photo.name
    if min(size) < 2:
        what = f"is {size[0]}x{size[1]} pixels, too small to show anything. Take it out."
        return None, [Finding(photo, what, Kind.TINY)]
    if photo.suffix.lower() not in suffixes:
        name = photo.with_suffix(suffixes[0]).name
        findings.append(Finding(photo, f"is {decoded.format}; it should be named {name}.", Kind.WRONG_ENDING))
    if decoded.colours != "RGB":
        findings.append(Finding(photo, f"is {decoded.colours}; it is read as RGB of 8 bits.", Kind.COLOURS))
    if max(size) > LONGEST_SIDE:
        what = f"is {size[0]}x{size[1]} pixels; small objects in it vanish. Cut it into several photos."
        findings.append(Finding(photo, what, Kind.LONG))
    return Seen(name, size, decoded.orientation, _digest(decoded.image)), findings


def spellings(names, listed=()) -> dict[str, str]:
    """Return {class name as written: as it is taken}; names that differ in capitals or needless spaces become one.

    It is the one that `listed` (the label map's names) has, or else the one that occurs most, then the first sorted.
    """
    names, listed = list(names), {name for name in listed if name == name.strip()}
    tidied = {name: voc.tidy(name) for name in set(names)}
    counts = collections.Counter(tidied[name] for name in names)
    best: dict[str, str] = {}
    for name in sorted(listed or counts, key=lambda each: (-counts[each], each)):
        best.setdefault(voc.tidy(name).lower(), name)
    return {name: form if form in listed else best.get(form.lower(), form) for name, form in tidied.items()}


def mend(annotation: voc.Annotation, xml: pathlib.Path, photo: pathlib.Path, seen: Seen, spelling: dict[str, str]):
    """Return the annotation as it fits the photo, and findings.

    Where one of the findings sets the photo aside, the annotation is not fit to be used.
    """
    annotation, findings = _mend_size(annotation, xml, seen)
    findings += voc.mismatches(annotation, xml, photo, seen.size)
    annotation = dataclasses.replace(annotation, filename=seen.name, depth=annotation.depth or 3)
    if (annotation.width, annotation.height) != seen.size:
        return annotation, findings
    if not annotation.boxes:
        findings.append(Finding(xml, "holds no object; the photo is used as one without.", Kind.NO_OBJECT))
    boxes, known = [], set()
    for number, written in enumerate(annotation.boxes, start=1):
        box, found = mend_box(written, seen.size)
        box = dataclasses.replace(box, name=spelling[written.name])
        if box.name != written.name:
            found.append(_name_finding(written.name, box.name))
        where = (box.name, box.xmin, box.ymin, box.xmax, box.ymax)
        if where in known:
            found.append((Kind.SAME_BOX, f"is there twice: {voc.edges_of(box)}. It is taken once."))
        else:
            boxes.append(box)
        known.add(where)
        findings += [Finding(xml, f"object {number} ({box.name}) {what}", kind) for kind, what in found]
    return dataclasses.replace(annotation, boxes=tuple(boxes)), findings


def mend_box(box: voc.Box, size: tuple[int, int]) -> tuple[voc.Box, list[tuple[Kind, str]]]:
    """Return a box as it fits a photo of `size` (width, height) in pixels, and what was wrong with it."""
    said, (width, height) = voc.edges_of(box), size
    (xmin, xmax), (ymin, ymax) = sorted((box.xmin, box.xmax)), sorted((box.ymin, box.ymax))
    area = (xmax - xmin) * (ymax - ymin)
    if not math.isfinite(area) or min(xmax - xmin, ymax - ymin) < THINNEST:
        return box, [(Kind.NO_AREA, f"has no area: {said}. Draw it anew or take it out.")]
    mended = dataclasses.replace(box, xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax)
    xmin, ymin, xmax, ymax = max(xmin, 0), max(ymin, 0), min(xmax, width), min(ymax, height)
    leaves = f"leaves the {width}x{height} photo"
    if min(xmax - xmin, ymax - ymin) < THINNEST or (xmax - xmin) * (ymax - ymin) < area / 2:
        return box, [(Kind.BOX_OUTSIDE, f"{leaves} by more than half: {said}. Draw it anew or take it out.")]
    found = []
    if mended != box:
        found.append((Kind.REVERSED_BOX, f"has edges the wrong way round: {said}. They are exchanged."))
    inside = dataclasses.replace(mended, xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax)
    if inside != mended:
        found.append((Kind.BOX_PARTLY_OUTSIDE, f"{leaves}: {said}. It is cut at the photo's edge."))
        mended = dataclasses.replace(inside, truncated=1)
    return mended, found


def _digest(image: Image.Image) -> str:
    """Return a digest of what a photo shows: its size and each of its pixels."""
    digest = hashlib.sha256(f"{image.size}".encode())
    for top in range(0, image.height, ROWS):
        digest.update(image.crop((0, top, image.width, min(top + ROWS, image.height))).tobytes())
    return digest.hexdigest()


def _name_finding(written: str, taken: str) -> tuple[Kind, str]:
    form = voc.tidy(written)
    apart = " (its accents are letters of their own)" if " ".join(written.split()) == written != form else ""
    kind = Kind.CLASS_FORM if form == taken else Kind.CLASS_CASE
    return kind, f"has the class {written!r}{apart}, which is taken as '{taken}'."


def _own_label_map(folder: pathlib.Path) -> dict[int, str]:
    """Return what a data set's own label map says, nothing where it has none."""
    path = folder / label_map.FILENAME
    if untrusted.leaves(path, folder):
        raise label_map.LabelMapError(f"{path}: {untrusted.LEADS_OUT}")
    return label_map.read(path) if path.exists() else {}


def _as_written(xml: pathlib.Path) -> voc.Annotation | Finding:
    try:
        return voc.read_as_written(xml)
    except voc.VocError as fault:
        return Finding(xml, str(fault).removeprefix(f"{xml}: "), fault.kind)


def _inspect_pair(photo, xml, written, spelling, mapping) -> tuple[voc.Annotation | None, Seen | None, list[Finding]]:
    if isinstance(written, Finding):
        return None, None, [written]
    seen, findings = look(photo)
    if seen is None:
        return None, None, findings
    annotation, found = mend(written, xml, photo, seen, spelling)
    unknown = sorted({spelling[box.name] for box in written.boxes} - set(mapping.values())) if mapping else []
    if unknown:
        names = ", ".join(f"'{name}'" for name in unknown)
        what = f"has the class {names}, which {label_map.FILENAME} does not list. Add it there, or rename it."
        found.append(Finding(xml, what, Kind.UNKNOWN_CLASS))
    return annotation, seen, findings + found


def _mend_size(annotation: voc.Annotation, xml: pathlib.Path, seen: Seen) -> tuple[voc.Annotation, list[Finding]]:
    width, height = annotation.width, annotation.height
    actual = "{}x{}".format(*seen.size)
    if width == 0 or height == 0:
        what = f"has a <size> of {width}x{height}, or none; the photo's own is taken, {actual}."
        annotation = dataclasses.replace(annotation, width=seen.size[0], height=seen.size[1])
        return annotation, [Finding(xml, what, Kind.NO_SIZE)]
    if (width, height) != seen.size and (height, width) == seen.size and seen.orientation >= 5:
        what = f"says {width}x{height}, the photo before EXIF turns it to {actual}; its boxes are turned with it."
        boxes = tuple(_turned(box, seen.orientation, width, height) for box in annotation.boxes)
        annotation = dataclasses.replace(annotation, width=height, height=width, boxes=boxes)
        return annotation, [Finding(xml, what, Kind.UNTURNED_SIZE)]
    return annotation, []


def _turned(box: voc.Box, orientation: int, width: int, height: int) -> voc.Box:
    """Return a box of a photo stored as `width` x `height` pixels as it lies once EXIF's orientation is applied."""
    across, down = (box.ymin, box.ymax), (box.xmin, box.xmax)
    if orientation in (6, 7):
        across = (height - box.ymax, height - box.ymin)
    if orientation in (7, 8):
        down = (width - box.xmax, width - box.xmin)
    return dataclasses.replace(box, xmin=across[0], xmax=across[1], ymin=down[0], ymax=down[1])

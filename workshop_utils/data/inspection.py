"""Go through a data set: what is whole is taken, what can be repaired is repaired in memory, the rest is set aside.

Nothing here changes a file. `dataset` trains on what comes out, `check` prints it, `repair` writes it as a copy.
"""

import collections
import dataclasses
import hashlib
import pathlib
from collections.abc import Iterable

from PIL import Image
from tqdm import tqdm

from workshop_utils.core import untrusted
from workshop_utils.data import annotation_repair, folders, label_map, names, photos, voc
from workshop_utils.data.annotation import Annotation, VocError
from workshop_utils.data.annotation_repair import PhotoInfo
from workshop_utils.data.finding_kinds import Kind, Outcome
from workshop_utils.data.findings import Finding

LARGE_SIDE = 10_000
"""A photo longer than this, in pixels, is noted: its objects may not survive being shrunk."""

ROWS = 64
"""Rows of a photo that are digested at a time: all at once they would be copied twice."""


@dataclasses.dataclass(frozen=True)
class Usable:
    """A photo and its annotation, repaired; `annotation.filename` has the ending that fits what the file holds."""

    photo: pathlib.Path
    xml: pathlib.Path
    annotation: Annotation


@dataclasses.dataclass(frozen=True)
class Inspection:
    """What a data set holds: the usable photos in the order of their stems, {id: class}, and all there is to say."""

    folder: pathlib.Path
    usable: list[Usable]
    label_map: dict[int, str]
    all_findings: list[Finding]

    @property
    def findings(self) -> list[Finding]:
        """What is not as it should be, each repaired or set aside."""
        return [each for each in self.all_findings if each.is_problem]

    @property
    def problem(self) -> str | None:
        """Why the data set cannot be used at all, or None."""
        if self.usable and self.label_map:
            return None
        return f"{self.folder}: holds no photo with a usable annotation."


def inspect(folder: pathlib.Path) -> Inspection:
    """Look at every file of a VOC folder, one photo in memory at a time.

    The classes are those of the folder's own `label_map.pbtxt`, or else all that were found, sorted. Raises VocError
    for a folder that is no data set, LabelMapError for a label map that cannot be used and for too many classes.
    """
    folder = pathlib.Path(folder)
    pairs, said = folders.pairs(folder)
    mapping = _own_label_map(folder)
    written = [_as_written(xml) for _, xml in pairs]
    readable = [each for each in written if isinstance(each, Annotation)]
    spelling = spellings([box.name for each in readable for box in each.boxes], mapping.values())
    bar = tqdm(pairs, "check", unit="photo", delay=1, leave=False, disable=None)
    looked = [
        inspect_photo(photo) if isinstance(each, Annotation) else (None, [])
        for (photo, _), each in zip(bar, written, strict=True)
    ]
    resized = annotation_repair.were_resized(
        [(each, seen) for each, (seen, _) in zip(written, looked, strict=True) if seen]
    )
    usable, first_with = [], {}
    for (photo, xml), each, (seen, found) in zip(pairs, written, looked, strict=True):
        if seen is None:
            said += [each] if isinstance(each, Finding) else found
            continue
        annotation, more = annotation_repair.repair(each, xml, photo, seen, spelling, resized)
        found = [*found, *more, *_unknown_classes(each, xml, spelling, mapping)]
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


def inspect_photo(photo: pathlib.Path) -> tuple[PhotoInfo | None, list[Finding]]:
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
        findings.append(Finding(photo, f"is {decoded.format}; it should be named {name}.", Kind.WRONG_EXTENSION))
    if decoded.colours != "RGB":
        findings.append(Finding(photo, f"is {decoded.colours}; it is read as RGB of 8 bits.", Kind.COLOURS))
    if max(size) > LARGE_SIDE:
        what = f"is {size[0]}x{size[1]} pixels; small objects in it vanish. Cut it into several photos."
        findings.append(Finding(photo, what, Kind.LARGE))
    if decoded.broken_metadata:
        findings.append(Finding(photo, decoded.broken_metadata, Kind.BROKEN_METADATA))
    return PhotoInfo(name, size, decoded.orientation, _digest(decoded.image)), findings


def spellings(written: Iterable[str], listed: Iterable[str] = ()) -> dict[str, str]:
    """Return {class name as written: as it is taken}; names that differ in capitals or needless spaces become one.

    It is the one that `listed` (the label map's names) has, or else the one that occurs most, then the first sorted.
    """
    written, listed = list(written), {name for name in listed if name == names.tidy(name)}
    tidied = {name: names.tidy(name) for name in set(written)}
    counts = collections.Counter(tidied[name] for name in written)
    best: dict[str, str] = {}
    for name in sorted(listed or counts, key=lambda each: (-counts[each], each)):
        best.setdefault(name.lower(), name)
    return {name: form if form in listed else best.get(form.lower(), form) for name, form in tidied.items()}


def _digest(image: Image.Image) -> str:
    """Return a digest of what a photo shows: its size and each of its pixels."""
    digest = hashlib.sha256(f"{image.size}".encode())
    for top in range(0, image.height, ROWS):
        digest.update(image.crop((0, top, image.width, min(top + ROWS, image.height))).tobytes())
    return digest.hexdigest()


def _own_label_map(folder: pathlib.Path) -> dict[int, str]:
    """Return what a data set's own label map says, nothing where it has none."""
    path = folder / label_map.FILENAME
    if untrusted.is_outside(path, folder):
        raise label_map.LabelMapError(f"{path}: {untrusted.LINK_OUTSIDE}")
    return label_map.read(path) if path.exists() else {}


def _as_written(xml: pathlib.Path) -> Annotation | Finding:
    try:
        return voc.read_as_written(xml)
    except VocError as fault:
        return Finding(xml, str(fault).removeprefix(f"{xml}: "), fault.kind)


def _unknown_classes(annotation: Annotation, xml: pathlib.Path, spelling: dict, mapping: dict) -> list[Finding]:
    """Return a finding for an annotation with classes that the data set's own label map does not list."""
    unknown = sorted({spelling[box.name] for box in annotation.boxes} - set(mapping.values())) if mapping else []
    if not unknown:
        return []
    said = ", ".join(f"'{name}'" for name in unknown)
    what = f"has the class {said}, which {label_map.FILENAME} does not list. Add it there, or rename it."
    return [Finding(xml, what, Kind.UNKNOWN_CLASS)]

"""Where the photos and annotations of a data set lie, and which belong together.

A data set holds images/ and annotations/. Folders as other programs name them are read too, and files side by side.
"""

import collections
import dataclasses
import os
import pathlib

from workshop_utils.core import untrusted
from workshop_utils.data import label_map, photos
from workshop_utils.data.annotation import VocError
from workshop_utils.data.finding_kinds import Kind
from workshop_utils.data.findings import Finding
from workshop_utils.data.names import composed

IMAGES = ("images", "jpegimages")
ANNOTATIONS = "annotations"


def find(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """Return the folders in which a data set's photos and its annotations lie; they may be one, or `folder` itself.

    Raises VocError where `folder` is no data set: the message names the one that is probably meant.
    """
    folder = pathlib.Path(folder)
    if folder.is_file():
        raise VocError(f"{folder}: is a file. Name the folder that holds images/ and annotations/.")
    if not folder.is_dir():
        raise VocError(f"{folder}: there is no such folder. Check the path.")
    images, annotations = _find(folder)
    if images and annotations:
        return images, annotations
    what = (
        f"{folder}: has no folder '{'annotations' if images else 'images'}'. A data set holds images/ and annotations/."
    )
    if inner := [each.name for each in _entries(folder) if _is_data_set(each)]:
        what += f" {', '.join(inner)} in it can be read: name one of them."
    elif _is_data_set(above := folder.resolve().parent):
        what += f" Name the folder above it, {above}."
    raise VocError(what)


def pairs(folder: pathlib.Path) -> tuple[list[tuple[pathlib.Path, pathlib.Path]], list[Finding]]:
    """Pair the photos and annotations of a data set as `pair_folders` does. Raises VocError where `folder` is none."""
    folder = pathlib.Path(folder)
    return pair_folders(*find(folder), folder)


def pair_folders(
    images: pathlib.Path, annotations: pathlib.Path, data_set: pathlib.Path | None = None
) -> tuple[list[tuple[pathlib.Path, pathlib.Path]], list[Finding]]:
    """Pair the photos in one folder and the annotations in another by stem, sorted; what else is there is a finding.

    An annotation that no photo has the stem of goes with the one whose name is almost the same. Links that lead out of
    `data_set`, by default the folder above each, are not followed. Raises VocError where a folder cannot be listed.
    """
    layout = {images, annotations, (data_set or images.parent) / label_map.FILENAME}
    here = _listed(images, data_set or images.parent, layout)
    there = here if annotations == images else _listed(annotations, data_set or annotations.parent, layout)
    findings = here.findings + (there.findings if there is not here else [])
    others = here.others + (there.others if there is not here else [])
    taken, xml = there.photos | here.photos, dict(there.xml)
    others += [path for path in there.photos.values() if path not in taken.values()]
    for stem, path in (here.xml if there is not here else {}).items():
        _take(xml, stem, path, findings)
    alone = {stem: path for stem, path in taken.items() if stem not in xml.keys() | there.aside}
    orphans = {stem: path for stem, path in xml.items() if stem not in taken.keys() | here.aside}
    found = {stem: (taken[stem], xml[stem]) for stem in taken.keys() & xml.keys()}
    near, nearly = _nearly(alone, [*orphans.values(), *others])
    found |= {stem: (alone[stem], path) for stem, path in near.items()}
    used = {path for pair in found.values() for path in pair}
    findings += _misplaced(found, images, annotations)
    findings += [_nearly_named(*found[stem]) for stem in near]
    findings += [_other_file(path, path.parent == images) for path in others if path not in used]
    findings += [_alone(path, nearly.get(stem, [])) for stem, path in sorted(alone.items()) if path not in used]
    what = "has no photo; bring the photo back or take the annotation out."
    findings += [Finding(path, what, Kind.NO_PHOTO) for _, path in sorted(orphans.items()) if path not in used]
    return [found[stem] for stem in sorted(found)], findings


@dataclasses.dataclass
class _Listing:
    """The content of one folder: photos and XML by stem, the stems of what is set aside, other files, and findings."""

    photos: dict[str, pathlib.Path] = dataclasses.field(default_factory=dict)
    xml: dict[str, pathlib.Path] = dataclasses.field(default_factory=dict)
    aside: set[str] = dataclasses.field(default_factory=set)
    others: list[pathlib.Path] = dataclasses.field(default_factory=list)
    findings: list[Finding] = dataclasses.field(default_factory=list)


def _listed(folder: pathlib.Path, data_set: pathlib.Path, layout: set[pathlib.Path]) -> _Listing:
    """List one folder of a data set; what belongs to the data set's `layout` is no file of it."""
    listing = _Listing()
    try:
        for path in (each for each in _entries(folder) if each not in layout):
            stem, suffix = composed(path.stem), path.suffix.lower()
            known = listing.photos if suffix in photos.SUFFIXES else listing.xml if suffix == ".xml" else None
            if untrusted.is_outside(path, data_set):
                listing.aside.add(stem)
                listing.findings.append(Finding(path, untrusted.LINK_OUTSIDE, Kind.DENIED))
            elif path.is_dir():
                listing.findings.append(_inner_folder(path))
            elif suffix in photos.FOREIGN_SUFFIXES:
                listing.aside.add(stem)
                what = f"is {suffix[1:].upper()}, which is not read here. Export it as JPEG."
                listing.findings.append(Finding(path, what, Kind.FOREIGN_FORMAT))
            elif known is None or not path.is_file():
                listing.others.append(path)
            else:
                _take(known, stem, path, listing.findings)
    except OSError as fault:
        raise VocError(f"{folder}: cannot be listed ({fault.strerror}). Give yourself the right to.") from None
    return listing


def _take(taken: dict[str, pathlib.Path], stem: str, path: pathlib.Path, findings: list[Finding]) -> None:
    """Add a file under its stem, or a finding where another one has that."""
    if stem in taken:
        other = taken[stem].name if taken[stem].parent == path.parent else taken[stem]
        findings.append(Finding(path, f"has the same stem as {other}; rename one of them.", Kind.SAME_STEM))
    else:
        taken[stem] = path


def _nearly(alone: dict[str, pathlib.Path], candidates: list[pathlib.Path]):
    """Return {stem: annotation} where one photo and one file alone have almost the same name, and {stem: files}."""
    wanted, offered = collections.defaultdict(list), collections.defaultdict(list)
    for stem, path in alone.items():
        wanted[_bare(path.name)].append(stem)
    for path in candidates:
        offered[_bare(path.name)].append(path)
    nearly = {stem: offered[bare] for bare, stems in wanted.items() for stem in stems if bare in offered}
    lone = {stems[0] for stems in wanted.values() if len(stems) == 1}
    return {stem: paths[0] for stem, paths in nearly.items() if stem in lone and len(paths) == 1}, nearly


def _bare(name: str) -> str:
    """Return what is left of a file's name in small letters without the endings that programs and people append."""
    bare = composed(name).lower()
    if bare.endswith(".xml.txt"):
        bare = bare.removesuffix(".txt")
    while (suffix := pathlib.PurePath(bare).suffix) in {".xml", *photos.SUFFIXES, *photos.FOREIGN_SUFFIXES}:
        bare = bare.removesuffix(suffix)
    return bare.strip()


def _misplaced(found: dict, images: pathlib.Path, annotations: pathlib.Path) -> list[Finding]:
    """Return a finding for each used file that is in the other one's folder."""
    placed = [(path, home) for pair in found.values() for path, home in zip(pair, (images, annotations), strict=True)]
    return [
        Finding(path, f"is in {path.parent.name}/. Move it to {home.name}/.", Kind.MISPLACED)
        for path, home in sorted(placed)
        if path.parent != home
    ]


def _nearly_named(photo: pathlib.Path, xml: pathlib.Path) -> Finding:
    what = f"is taken as the annotation of {photo.name}; it should be named {photo.stem}.xml."
    return Finding(xml, what, Kind.NEAR_NAME)


def _alone(photo: pathlib.Path, nearly: list[pathlib.Path]) -> Finding:
    what = "has no annotation; label it or take it out."
    if nearly:
        said = " or ".join(path.name for path in nearly)
        what = f"has no annotation, but {said} may be meant for it: rename that to {photo.stem}.xml."
    return Finding(photo, what, Kind.NO_ANNOTATION)


def _other_file(path: pathlib.Path, among_photos: bool) -> Finding:
    suffixes = photos.SUFFIXES if among_photos else {".xml"}
    return Finding(path, f"is passed over: it is no file that ends in {', '.join(suffixes)}.", Kind.OTHER_FILE)


def _is_data_set(path: pathlib.Path) -> bool:
    try:
        return path.is_dir() and all(_find(path))
    except (OSError, VocError):
        return False


def _find(folder: pathlib.Path) -> tuple[pathlib.Path | None, pathlib.Path | None]:
    """Return where in a folder photos and annotations lie, None for what is not there."""
    inside = {each.name.lower(): each for each in _entries(folder) if each.is_dir()}
    images = next((inside[name] for name in IMAGES if name in inside), None)
    annotations = inside.get(ANNOTATIONS)
    if not images and _holds(folder, photos.SUFFIXES):
        images = folder
    if not annotations:
        annotations = next((each for each in (images, folder) if each and _holds(each, {".xml"})), None)
    return images, annotations


def _holds(folder: pathlib.Path, suffixes) -> bool:
    return any(each.suffix.lower() in suffixes and each.is_file() for each in _entries(folder))


def _entries(folder: pathlib.Path) -> list[pathlib.Path]:
    """Return what is in a folder and not hidden, sorted. Raises VocError where it cannot be listed."""
    try:
        paths = sorted(each for each in folder.iterdir() if not each.name.startswith("."))
        for path in paths:
            path.is_dir()  # in a folder that may be listed and not entered, this is what fails
        return paths
    except OSError as fault:
        raise VocError(f"{folder}: cannot be listed ({fault.strerror}). Give yourself the right to.") from None


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

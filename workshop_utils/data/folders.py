"""Find the photos and annotations of a data set, and pair them.

A data set has the folders images/ and annotations/. The folder names of other programs are recognised too, and photos
and annotations may be in one folder.
"""

import collections
import dataclasses
import os
import pathlib
from collections.abc import Container, Iterable

from workshop_utils.core import untrusted
from workshop_utils.data import label_map, photos
from workshop_utils.data.annotation import VocError
from workshop_utils.data.finding_kinds import Kind
from workshop_utils.data.findings import Finding
from workshop_utils.data.names import composed

IMAGES = ("images", "jpegimages")
ANNOTATIONS = "annotations"
TAKE_HOME = {"photos", "labels"}
"""The two folders in the zip file that notebook 10 makes to take home."""
PERMISSION = "Give yourself permission to read it."


def find(folder: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """Return the folder of a data set's photos and that of its annotations. They may be the same, or `folder` itself.

    Raises:
        VocError: If `folder` is not a data set. The message suggests the folder that you probably mean.
    """
    folder = pathlib.Path(folder)
    if folder.is_file():
        raise VocError(f"{folder}: is a file. Name the folder that contains images/ and annotations/.")
    if not folder.is_dir():
        raise VocError(f"{folder}: there is no such folder. Check the path.")
    images, annotations = _find(folder)
    if images and annotations:
        return images, annotations
    missing = "annotations" if images else "images"
    what = f"{folder}: has no folder '{missing}'. A data set has images/ and annotations/."
    if inner := [each.name for each in _entries(folder) if _is_data_set(each)]:
        what += f" Name a data set inside it: {', '.join(inner)} can be read."
    elif _is_data_set(parent := folder.resolve().parent):
        what += f" Name its parent folder, {parent}."
    raise VocError(what)


def pairs(folder: pathlib.Path) -> tuple[list[tuple[pathlib.Path, pathlib.Path]], list[Finding]]:
    """Pair the photos and annotations of a data set, as `pair_folders` does.

    Raises:
        VocError: If `folder` is not a data set.
    """
    folder = pathlib.Path(folder)
    return pair_folders(*find(folder), folder)


def pair_folders(
    images: pathlib.Path, annotations: pathlib.Path, data_set: pathlib.Path | None = None
) -> tuple[list[tuple[pathlib.Path, pathlib.Path]], list[Finding]]:
    """Pair the photos in one folder with the annotations in another by stem.

    An annotation whose stem no photo has is paired with the photo whose name is almost the same.

    Args:
        images: The folder of the photos.
        annotations: The folder of the annotations.
        data_set: Links that lead out of this folder are not followed. By default, the parent of each folder.

    Returns:
        (photo, annotation) pairs, sorted by stem, and a finding for each other file.

    Raises:
        VocError: If a folder cannot be listed.
    """
    layout = {images, annotations, (data_set or images.parent) / label_map.FILENAME}
    here = _list(images, data_set or images.parent, layout)
    if annotations == images:
        there = _Listing(aside=here.aside)
    else:
        there = _list(annotations, data_set or annotations.parent, layout)
    findings, others = here.findings + there.findings, here.others + there.others
    photo_of, xml_of = there.photos | here.photos, dict(there.xml)
    others += [path for path in there.photos.values() if path not in photo_of.values()]
    for stem, path in here.xml.items():
        _add(xml_of, stem, path, findings)
    unlabelled = {stem: path for stem, path in photo_of.items() if stem not in xml_of.keys() | there.aside}
    orphans = {stem: path for stem, path in xml_of.items() if stem not in photo_of.keys() | here.aside}
    found = {stem: (photo_of[stem], xml_of[stem]) for stem in photo_of.keys() & xml_of.keys()}
    similar, near = _match_similar(unlabelled, [*orphans.values(), *others])
    found |= {stem: (unlabelled[stem], path) for stem, path in similar.items()}
    used = {path for pair in found.values() for path in pair}
    findings += _misplaced(found, images, annotations)
    findings += [_near_name(*found[stem]) for stem in similar]
    findings += [_other_file(path, path.parent == images) for path in others if path not in used]
    findings += [_no_annotation(unlabelled[stem], near.get(stem, [])) for stem in sorted(unlabelled.keys() - similar)]
    what = "has no photo; restore the photo or remove the annotation."
    findings += [Finding(path, what, Kind.NO_PHOTO) for _, path in sorted(orphans.items()) if path not in used]
    return [found[stem] for stem in sorted(found)], findings


@dataclasses.dataclass
class _Listing:
    """The content of one folder: photos and XML by stem, the stems that were set aside, other files, and findings."""

    photos: dict[str, pathlib.Path] = dataclasses.field(default_factory=dict[str, pathlib.Path])
    xml: dict[str, pathlib.Path] = dataclasses.field(default_factory=dict[str, pathlib.Path])
    aside: set[str] = dataclasses.field(default_factory=set[str])
    others: list[pathlib.Path] = dataclasses.field(default_factory=list[pathlib.Path])
    findings: list[Finding] = dataclasses.field(default_factory=list[Finding])


def _list(folder: pathlib.Path, data_set: pathlib.Path, layout: set[pathlib.Path]) -> _Listing:
    """List one folder of a data set, without the paths in `layout`: the data set's own folders and label map."""
    listing = _Listing()
    try:
        for path in _heic_last(each for each in _entries(folder) if each not in layout):
            stem, suffix = composed(path.stem), path.suffix.lower()
            by_stem = listing.photos if suffix in photos.SUFFIXES else listing.xml if suffix == ".xml" else None
            if untrusted.is_outside(path, data_set):
                listing.aside.add(stem)
                listing.findings.append(Finding(path, untrusted.LINK_OUTSIDE, Kind.DENIED))
            elif path.is_dir():
                listing.findings.append(_inner_folder(path))
            elif suffix in photos.FOREIGN_SUFFIXES:
                listing.aside.add(stem)
                what = f"is {suffix[1:].upper()}, which the workshop does not read. Export it as JPEG."
                listing.findings.append(Finding(path, what, Kind.FOREIGN_FORMAT))
            elif by_stem is None or not path.is_file():
                listing.others.append(path)
            else:
                _add(by_stem, stem, path, listing.findings)
    except OSError as error:
        raise VocError(f"{folder}: cannot be listed ({error.strerror}). {PERMISSION}") from None
    return listing


def _heic_last(paths: Iterable[pathlib.Path]) -> list[pathlib.Path]:
    """Return paths with HEIC photos at the end: of a JPEG and the HEIC that it was exported from, the JPEG is used."""
    return sorted(paths, key=lambda path: photos.SUFFIXES.get(path.suffix.lower()) == "HEIF")


def _add(by_stem: dict[str, pathlib.Path], stem: str, path: pathlib.Path, findings: list[Finding]) -> None:
    """Add a file under its stem, or a finding if the stem is already in use."""
    if stem in by_stem:
        other = by_stem[stem].name if by_stem[stem].parent == path.parent else by_stem[stem]
        findings.append(Finding(path, f"has the same stem as {other}; rename one of them.", Kind.SAME_STEM))
    else:
        by_stem[stem] = path


def _match_similar(
    unlabelled: dict[str, pathlib.Path], candidates: list[pathlib.Path]
) -> tuple[dict[str, pathlib.Path], dict[str, list[pathlib.Path]]]:
    """Return {stem: annotation} for photos with exactly one similarly named file, and {stem: similarly named files}."""
    stems_of = collections.defaultdict[str, list[str]](list)
    files_of = collections.defaultdict[str, list[pathlib.Path]](list)
    for stem, path in unlabelled.items():
        stems_of[_bare(path.name)].append(stem)
    for path in candidates:
        files_of[_bare(path.name)].append(path)
    similar = {stem: files_of[bare] for bare, stems in stems_of.items() for stem in stems if bare in files_of}
    unique = {stems[0] for stems in stems_of.values() if len(stems) == 1}
    return {stem: paths[0] for stem, paths in similar.items() if stem in unique and len(paths) == 1}, similar


def _bare(name: str) -> str:
    """Return a file name in lower case, without the extensions that programs and people append."""
    bare = composed(name).lower()
    if bare.endswith(".xml.txt"):
        bare = bare.removesuffix(".txt")
    while (suffix := pathlib.PurePath(bare).suffix) in {".xml", *photos.SUFFIXES, *photos.FOREIGN_SUFFIXES}:
        bare = bare.removesuffix(suffix)
    return bare.strip()


def _misplaced(
    found: dict[str, tuple[pathlib.Path, pathlib.Path]], images: pathlib.Path, annotations: pathlib.Path
) -> list[Finding]:
    """Return a finding for each used file that is in the wrong folder."""
    placed = [(path, home) for pair in found.values() for path, home in zip(pair, (images, annotations), strict=True)]
    return [
        Finding(path, f"is in {path.parent.name}/. Move it to {home.name}/.", Kind.MISPLACED)
        for path, home in sorted(placed)
        if path.parent != home
    ]


def _near_name(photo: pathlib.Path, xml: pathlib.Path) -> Finding:
    what = f"is used as the annotation of {photo.name}; rename it to {photo.stem}.xml."
    return Finding(xml, what, Kind.NEAR_NAME)


def _no_annotation(photo: pathlib.Path, candidates: list[pathlib.Path]) -> Finding:
    what = "has no annotation; label it or remove it."
    if candidates:
        names = " or ".join(path.name for path in candidates)
        what = f"has no annotation, but {names} may belong to it: rename that to {photo.stem}.xml."
    return Finding(photo, what, Kind.NO_ANNOTATION)


def _other_file(path: pathlib.Path, among_photos: bool) -> Finding:
    suffixes = photos.SUFFIXES if among_photos else {".xml"}
    return Finding(path, f"is skipped: it does not have the extension {', '.join(suffixes)}.", Kind.OTHER_FILE)


def _is_data_set(path: pathlib.Path) -> bool:
    try:
        return path.is_dir() and all(_find(path))
    except (OSError, VocError):
        return False


def _find(folder: pathlib.Path) -> tuple[pathlib.Path | None, pathlib.Path | None]:
    """Return the folders of photos and annotations in a folder, None for a missing one."""
    inside = {each.name.lower(): each for each in _entries(folder) if each.is_dir()}
    images = next((inside[name] for name in IMAGES if name in inside), None)
    annotations = inside.get(ANNOTATIONS)
    if not images and not annotations and inside.keys() >= TAKE_HOME and _has_files(inside["labels"], {".xml"}):
        return inside["photos"], inside["labels"]
    if not images and _has_files(folder, photos.SUFFIXES):
        images = folder
    if not annotations:
        annotations = next((each for each in (images, folder) if each and _has_files(each, {".xml"})), None)
    return images, annotations


def _has_files(folder: pathlib.Path, suffixes: Container[str]) -> bool:
    return any(each.suffix.lower() in suffixes and each.is_file() for each in _entries(folder))


def _entries(folder: pathlib.Path) -> list[pathlib.Path]:
    """Return the sorted paths in a folder, without hidden ones. Raises VocError if it cannot be listed."""
    try:
        paths = sorted(each for each in folder.iterdir() if not each.name.startswith("."))
        for path in paths:
            path.is_dir()  # fails in a folder that you may list but not enter
        return paths
    except OSError as error:
        raise VocError(f"{folder}: cannot be listed ({error.strerror}). {PERMISSION}") from None


def _inner_folder(path: pathlib.Path) -> Finding:
    def denied(error: OSError):
        raise error

    try:
        count = sum(len(names) for _, _, names in os.walk(path, onerror=denied))
    except PermissionError as error:
        what = "is a folder that you have no permission to list. Give yourself read permission, or remove it."
        return Finding(pathlib.Path(error.filename), what, Kind.DENIED)
    if not count:
        return Finding(path, "is an empty folder.", Kind.EMPTY_FOLDER)
    what = f"is a folder; its files ({count}) are not used. Move them up into {path.parent.name}/."
    return Finding(path, what, Kind.INNER_FOLDER)

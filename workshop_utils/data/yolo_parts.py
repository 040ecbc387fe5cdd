"""The parts of a YOLO data set: which photos data.yaml, obj.data or lists give to training, validation and test."""

import pathlib
from collections.abc import Mapping

from workshop_utils.core import text, untrusted
from workshop_utils.data import labels, yolo_names
from workshop_utils.data.finding_kinds import Kind
from workshop_utils.data.findings import Finding
from workshop_utils.data.labels import PhotoIndex

LISTS = {f"{key}.txt": part for key, part in yolo_names.PARTS.items()}
"""{file name: part} of lists with a photo's path per line, as CVAT writes them."""

ORDER = ("train", "val", "test")


def read(
    folder: pathlib.Path,
    files: list[pathlib.Path],
    photos: list[pathlib.Path],
    written: Mapping[pathlib.Path, Mapping[str, list[str]]],
) -> tuple[dict[pathlib.Path, str], list[Finding]]:
    """Return {photo: part} and findings.

    Args:
        folder: The data set's folder.
        files: All files in it.
        photos: The photos among them.
        written: {file: {part: paths as written}} for each file that names parts.
    """
    findings: list[Finding] = []
    index, members = PhotoIndex(folder, photos), {part: set[pathlib.Path]() for part in ORDER}
    named = [(file, part, path) for file, parts in written.items() for part, paths in parts.items() for path in paths]
    for file, part, path in named:
        place = _place(path, folder, file.parent)
        if place is None and part != "test":
            what = f"names '{path[:200]}' for {part}, which is not in the data set, and is not followed."
            findings.append(Finding(file, what, Kind.OUTSIDE_PATH))
        elif place and place.is_dir():
            members[part] |= {photo for photo in photos if photo.is_relative_to(place)}
        elif place:
            members[part] |= _listed(place, index, findings)
    if not any(members.values()):
        for path in files:
            if path.parent == folder and (part := LISTS.get(path.name.lower())):
                members[part] |= _listed(path, index, findings)
    if not any(members.values()):
        return {photo: labels.part_of(photo.relative_to(folder)) for photo in photos}, findings
    if members["train"] == members["val"]:  # a data.yaml without a split names the same photos twice
        members["val"] = set()
        members["train"] = set()
    for photo in sorted(members["train"] & (members["val"] | members["test"])):
        what = "is in the training part and in another one. It is used for training only."
        findings.append(Finding(photo, what, Kind.TWO_PARTS))
    return {photo: next((part for part in ORDER if photo in members[part]), "") for photo in photos}, findings


def _place(written: str, folder: pathlib.Path, near: pathlib.Path) -> pathlib.Path | None:
    """Return the folder or list in the data set that a path names, found by the end of the path, or None."""
    parts = labels.parts_of(written)
    if not parts:
        return folder if written.strip() in (".", "./") else None
    for start in range(len(parts)):
        for base in dict.fromkeys((near, folder)):
            place = base.joinpath(*parts[start:])
            if place.exists() and not untrusted.is_outside(place, folder):
                return place
    return None


def _listed(path: pathlib.Path, index: PhotoIndex, findings: list[Finding]) -> set[pathlib.Path]:
    """Return the photos in a list of paths, one per line, and add a finding for lines that fit no single photo."""
    try:
        lines = [line.strip() for line in text.read(path).splitlines() if line.strip()]
    except (OSError, text.EncodingError) as error:
        findings.append(Finding(path, f"cannot be read ({error}). Save it as UTF-8.", Kind.OUTSIDE_PATH))
        return set()
    found = [index.find(line, path.parent)[0] for line in lines]
    missing = [line for line, photos in zip(lines, found, strict=True) if len(photos) != 1]
    if missing:
        what = f"lists {len(missing)} photos that are not in the data set, first '{missing[0][:200]}'."
        findings.append(Finding(path, f"{what} They are not used.", Kind.OUTSIDE_PATH))
    return {photos[0] for photos in found if len(photos) == 1}

"""Read data sets with YOLO's labels: one text file per photo, as Ultralytics, Roboflow, CVAT, Label Studio and labelImg
write them.

A photo and its labels have the same stem. They are in one folder, or in folders that differ only in the words images
and labels.
"""

import collections
import pathlib

from workshop_utils.core import text
from workshop_utils.data import labels, yolo_lines, yolo_names, yolo_parts
from workshop_utils.data.annotation import Annotation
from workshop_utils.data.dataset import DatasetError
from workshop_utils.data.finding_kinds import Kind
from workshop_utils.data.findings import Finding
from workshop_utils.data.labels import LabelledPhoto, Labels
from workshop_utils.data.names import composed
from workshop_utils.data.yolo_names import NamesFile

HOMES = ("images", "labels", "jpegimages")
"""Names of folders in which a photo and its labels may differ."""

MAX_BYTES = 10_000_000
"""Larger label files are not read. One of 1,917 polygons is smaller."""

REMEDY = "Label it. If it shows none of your objects, give it an empty text file."


def is_in(folder: pathlib.Path) -> bool:
    """Return whether a folder has YOLO's labels: a text file of numbers with a photo's stem, and a list of classes."""
    folder = pathlib.Path(folder)
    files = labels.files_below(folder)[0]
    pairs = _by_key(folder, [path for path in files if labels.is_photo(path)]).keys()
    texts = [path for path in _label_files(files) if _key(path, folder) in pairs]
    if any(map(_is_label_file, texts[:20])):
        return True
    return bool(texts) and any(map(yolo_names.is_names_file, files))


def read(folder: pathlib.Path) -> Labels:
    """Read all YOLO labels below a folder.

    Raises:
        DatasetError: If the classes have no names, or two files name them differently.
    """
    folder = pathlib.Path(folder)
    files, findings = labels.files_below(folder)
    photos = [path for path in files if labels.is_photo(path)]
    naming = [yolo_names.read(path) for path in files if yolo_names.is_names_file(path)]
    written = {each.path: each.parts for each in naming if each.parts}
    written |= {path: yolo_names.read_parts(path) for path in files if path.name.lower() == "obj.data"}
    part_of, found = yolo_parts.read(folder, files, photos, written)
    findings += found
    texts, photos_of = _by_key(folder, _label_files(files)), _by_key(folder, photos)
    labelled, used = list[LabelledPhoto](), set[pathlib.Path]()
    for key, same in sorted(photos_of.items()):
        there = texts.get(key, [])
        findings += [_same_stem(path, same[0]) for path in same[1:]] if there else []
        findings += [_same_stem(path, there[0]) for path in there[1:] if path.read_bytes() != there[0].read_bytes()]
        if there:
            used |= {*same, *there}
            photo, file = same[0], there[0]
            annotation = _read(file, photo, _names_for(file, naming, folder))
            labelled.append(LabelledPhoto(photo, file, annotation, part_of[photo], normalised=True))
    for path in _label_files(files):
        if path not in used and _is_label_file(path):
            findings.append(Finding(path, "has no photo; restore the photo or remove the labels.", Kind.NO_PHOTO))
    findings += labels.unlabelled(photos, used, REMEDY)
    return Labels(folder, sorted(labelled, key=lambda each: each.photo), findings)


def _label_files(files: list[pathlib.Path]) -> list[pathlib.Path]:
    """Return the text files that may have labels, without lists of classes or photos."""
    others = {*yolo_names.LISTS_OF_NAMES, *yolo_parts.LISTS}
    return [path for path in files if path.suffix.lower() == ".txt" and path.name.lower() not in others]


def _is_label_file(path: pathlib.Path) -> bool:
    try:
        with open(path, "rb") as stream:
            return yolo_lines.looks_like_labels(text.decode(stream.read(1000)))
    except (OSError, text.EncodingError):
        return False


def _key(path: pathlib.Path, folder: pathlib.Path) -> tuple[str, ...]:
    """Return what a photo and its labels have in common: folders without images and labels, and the stem."""
    relative = path.relative_to(folder)
    parts = [part.lower() for part in relative.parent.parts if part.lower() not in HOMES]
    return (*parts, composed(relative.stem))


def _by_key(folder: pathlib.Path, paths: list[pathlib.Path]) -> dict[tuple[str, ...], list[pathlib.Path]]:
    found = collections.defaultdict[tuple[str, ...], list[pathlib.Path]](list)
    for path in paths:
        found[_key(path, folder)].append(path)
    return found


def _same_stem(path: pathlib.Path, first: pathlib.Path) -> Finding:
    return Finding(path, f"has the same stem as {first.name}; rename one of them.", Kind.SAME_STEM)


def _names_for(file: pathlib.Path, naming: list[NamesFile], folder: pathlib.Path) -> NamesFile:
    """Return the file that names the classes of a label file: the nearest in its own folder or in those above.

    Raises:
        DatasetError: If there is none, or if two of them differ.
    """
    above = [file.parent, *file.parent.parents]
    fitting = [each for each in naming if each.path.parent in above]
    fitting = fitting or [each for each in naming if each.path.parent == folder] or naming
    if not fitting:
        what = "has YOLO labels, but no names of their classes. Add classes.txt with one name per line, or data.yaml."
        raise DatasetError(f"{folder}: {what}")
    fitting.sort(key=lambda each: (-len(each.path.parts), each.path.suffix == ".txt", each.path))
    first = fitting[0]
    for other in fitting[1:]:
        if other.names != first.names:
            what = f"names other classes than {other.path}, so the numbers in {file} are unclear. Correct one of them."
            raise DatasetError(f"{first.path}: {what}")
    return first


def _read(file: pathlib.Path, photo: pathlib.Path, naming: NamesFile) -> Annotation | Finding:
    """Return a photo's annotation, in fractions of its size, or a finding if a line cannot be read."""
    try:
        if file.stat().st_size > MAX_BYTES:
            return Finding(file, f"has more than {MAX_BYTES // 10**6} MB. Export it again.", Kind.UNREAD_LABEL)
        boxes, notes = yolo_lines.read(text.read(file), naming.names, naming.is_pose)
    except labels.UnreadError as error:
        return Finding(file, str(error), error.kind)
    except text.EncodingError as error:
        return Finding(file, str(error).removeprefix(f"{file}: "), Kind.UNREAD_LABEL)
    except OSError as error:
        return Finding(file, f"cannot be read ({error.strerror}). Give yourself read permission.", Kind.DENIED)
    if len(boxes) > labels.MAX_BOXES:
        what = f"has {len(boxes)} boxes. At most {labels.MAX_BOXES} can be learned from one photo."
        return Finding(file, what, Kind.UNREAD_LABEL)
    return Annotation(photo.name, 1, 1, tuple(boxes), folder=photo.parent.name, notes=tuple(notes))

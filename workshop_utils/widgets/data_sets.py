"""Bring a labelled data set in any format, from a folder or a zip file, to where the labeler and training use it.

It is converted to Pascal VOC: photos in `images/`, their labels in `annotations/`. Nothing that is there is changed.
So the labeler never writes into COCO's or YOLO's files, whose polygons, keypoints and ids it would lose.
"""

import dataclasses
import itertools
import pathlib
import tempfile

from workshop_utils.core import files
from workshop_utils.core.errors import WorkshopError
from workshop_utils.data import formats, label_map, photos, voc, voc_folder
from workshop_utils.data.archives import is_zip
from workshop_utils.data.dataset import Dataset, DatasetError
from workshop_utils.data.finding_kinds import Kind, Outcome
from workshop_utils.widgets import uploads

TAKEN = "zip_files"
"""The folder in a data set for the zip files that were taken."""

MOST_LINES = 20
"""The number of findings that are shown."""


def bring(source: pathlib.Path, folder: pathlib.Path) -> tuple[pathlib.Path, list[str]]:
    """Bring photos, with their labels if they have any.

    Args:
        source: A folder of photos, a labelled data set in any format, or a zip file of either.
        folder: The data set that they are copied to.

    Returns:
        The data set's folder, and a line on each photo or finding. If `source` is a folder with images/ and Pascal VOC,
        that is `source` itself, and nothing is copied.

    Raises:
        UploadError: If `source` cannot be used.
        DatasetError: If its labels are in two formats, or cannot be read.
    """
    if is_zip(source):
        return folder, take(source, folder)
    found = formats.recognise(source) if source.is_dir() else None
    if found and found.name != "voc":
        return folder, take(source, folder)
    if (source / "images").is_dir():
        return source, []
    return folder, uploads.copy(source, folder / "images")


def take(source: pathlib.Path, folder: pathlib.Path) -> list[str]:
    """Copy a data set's photos and labels into a Pascal VOC folder; return a line on what was taken, and on findings.

    A photo whose name is taken gets another name. Photos without labels are taken, too, so that you can label them.
    Labels that are there are kept.

    Raises:
        DatasetError: If the data set cannot be read.
    """
    place, _ = formats.unpacked(source)
    if formats.recognise(place) is None:
        found = [path for path in sorted(place.rglob("*")) if path.suffix.lower() in photos.SUFFIXES and path.is_file()]
        if not found:
            raise DatasetError(f"{source}: has no photos. Choose another file.")
        return uploads.keep_all([(path.name, path) for path in found], folder / "images")
    data = formats.open_dataset(source)
    lines, boxes = [], 0
    with tempfile.TemporaryDirectory() as scratch:
        converted = pathlib.Path(scratch, "set")
        voc_folder.write(data, converted)
        for photo in photos.find(converted / "images"):
            kept, _ = uploads.keep(photo.name, photo.read_bytes(), folder / "images")
            xml = folder / "annotations" / f"{kept.stem}.xml"
            if xml.exists():
                lines.append(f"{kept.name}: has labels already, which are kept")
                continue
            files.make_folder(xml.parent)
            annotation = voc.read(converted / "annotations" / f"{photo.stem}.xml")
            voc.write(dataclasses.replace(annotation, filename=kept.name), xml)
            boxes += len(annotation.boxes)
    lines = [f"{source.name}: {len(data.samples)} labelled photos with {boxes} boxes taken", *lines]
    return lines + _take_rest(data, folder)


def take_zips(folder: pathlib.Path) -> list[str]:
    """Take the zip files that you dragged into a data set or its `images/`, and move them to `zip_files/`.

    Returns lines as `take` does. A zip file that cannot be read, for example because it is still being uploaded, stays.
    """
    lines = []
    places = [place for place in (folder, folder / "images") if place.is_dir()]
    for path in [each for place in places for each in sorted(place.iterdir()) if each.suffix.lower() == ".zip"]:
        try:
            lines += take(path, folder)
        except (WorkshopError, OSError) as fault:
            lines.append(f"Left out: {fault}")
            continue
        files.make_folder(folder / TAKEN)
        names = (f"{path.stem}{number or ''}{path.suffix}" for number in itertools.count())
        path.rename(next(free for free in map((folder / TAKEN).joinpath, names) if not free.exists()))
    return lines


def to_label(photos_folder: pathlib.Path, annotations: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path, list[str]]:
    """Return the folders of photos and of annotations to label, and lines on them.

    If the data set has labels in another format than Pascal VOC, these are the folders of a copy in Pascal VOC. It is
    next to the data set and has its name with `-voc` at the end. A copy that is there already is used as it is.

    Args:
        photos_folder: The folder of photos, or the whole data set.
        annotations: The folder of annotations, or also the whole data set.

    Raises:
        DatasetError: If the labels are in two formats, or cannot be read.
        WriteError: If the copy cannot be written.
    """
    source = photos_folder if photos_folder == annotations else photos_folder.parent
    if source != annotations and source != annotations.parent:
        return photos_folder, annotations, []
    found = formats.recognise(source)
    if found is None or found.labels is None or found.name == "voc":
        return photos_folder, annotations, []
    copy = source.resolve().with_name(f"{source.resolve().name}-voc")
    lines = [] if (copy / "images").is_dir() else _copy(source, copy)
    lines.append(f"{source} has labels as {found.name} and does not change. You label its copy in Pascal VOC, {copy}.")
    if found.write:
        command = f"python -m workshop_utils convert {copy} --to {found.name} --out {copy}-as-{found.name}"
        lines.append(f"To convert your labels to {found.name}: {command}")
    return copy / "images", copy / "annotations", lines


def _copy(source: pathlib.Path, copy: pathlib.Path) -> list[str]:
    """Write a data set's photos, boxes and split as Pascal VOC; return lines on photos without usable labels.

    There is no label map, so that you can label with more classes.
    """
    data = formats.open_dataset(source)
    with files.new_folder(copy) as unfinished:
        voc_folder.write(data, unfinished)
        (unfinished / label_map.FILENAME).unlink()
        return _take_rest(data, unfinished)


def _take_rest(data: Dataset, folder: pathlib.Path) -> list[str]:
    """Copy the photos without labels to a Pascal VOC folder; return a line on each, and on what was left out."""
    unlabelled = [(each.file.name, each.file) for each in data.findings if each.kind is Kind.NO_ANNOTATION]
    lines = uploads.keep_all(unlabelled, folder / "images")
    aside = [each for each in data.findings if each.kind.outcome is Outcome.SET_ASIDE]
    rest = [each for each in aside if each.kind is not Kind.NO_ANNOTATION]
    lines += [f"Left out: {each}" for each in rest[:MOST_LINES]]
    return lines + [f"and {len(rest) - MOST_LINES} more"] * (len(rest) > MOST_LINES)

"""The files that the labeler reads: photos, and the parts of their annotations that can be shown."""

import dataclasses
import itertools
import pathlib
import shutil

from tqdm.auto import tqdm

from workshop_utils.core import files, untrusted
from workshop_utils.data import annotation_repair, folders, photos, voc
from workshop_utils.data.annotation import Annotation, VocError
from workshop_utils.data.annotation_repair import PhotoInfo
from workshop_utils.data.finding_kinds import Outcome
from workshop_utils.data.names import composed, tidy
from workshop_utils.widgets.view import LabelingError


@dataclasses.dataclass(frozen=True)
class Shown:
    """What the labeler shows of the annotation of a photo.

    Attributes:
        annotation: The boxes that can be shown, and all else that is written again when you submit.
        content: The bytes of the file; None if there is no file.
        partly: Whether the file holds more than `annotation`.
        messages: What had to be repaired, and what cannot be shown.
    """

    annotation: Annotation
    content: bytes | None = None
    partly: bool = False
    messages: tuple[str, ...] = ()


def readable(folder: pathlib.Path) -> tuple[dict[pathlib.Path, tuple[int, int]], list[str]]:
    """Return the photos of a folder that can be labelled, each with its (width, height) in pixels, and a line on each
    of the others.

    Raises LabelingError if no photo can be labelled.
    """
    if not folder.is_dir():
        raise LabelingError(f"{folder}: there is no such folder. Create it and put the photos to label into it.")
    sizes, stems, faults = {}, {}, []
    for path in tqdm(photos.find(folder), "read photos", unit="photo", delay=1, leave=False):
        try:
            other = stems.get(composed(path.stem))
            if other:
                raise photos.PhotoError(f"{path}: has the same stem as {other.name}. Rename one of them.")
            if untrusted.is_outside(path, folder):
                raise photos.PhotoError(f"{path}: is a link that leads out of the folder. Put the photo itself there.")
            sizes[path] = photos.read(path).size
            stems[composed(path.stem)] = path
        except photos.PhotoError as fault:
            faults.append(f"Left out: {fault}")
    if not sizes:
        raise LabelingError("\n".join([f"{folder}: holds no photo that can be read.", *faults]))
    return sizes, faults


def written(folder: pathlib.Path, annotations: pathlib.Path) -> dict[pathlib.Path, pathlib.Path]:
    """Return {photo: annotation}, paired as training pairs them, even if an annotation's name differs a little."""
    pairs, _ = folders.pair_folders(folder, annotations if annotations.is_dir() else folder)
    return dict(pairs)


def shown(
    photo: pathlib.Path,
    size: tuple[int, int],
    orientation: int,
    xml: pathlib.Path,
    data_set: pathlib.Path,
    resized: bool,
) -> Shown:
    """Read a photo's annotation and repair it as `check --fix` does, as far as it can be shown.

    Args:
        photo: The photo.
        size: Its (width, height), upright, in pixels.
        orientation: Its orientation in EXIF, from 1 to 8.
        xml: Its annotation, if there is one.
        data_set: The folder that no link may lead out of.
        resized: Whether the photos of the data set were resized after they had been labelled.
    """
    empty = Annotation(photo.name, *size)
    if not xml.exists():
        return Shown(empty)
    try:
        inside(xml, data_set)
    except LabelingError as fault:
        return Shown(empty, messages=(f"{fault} Submitting replaces the link, not the file that it leads to.",))
    bytes_read = content(xml)
    lost = "Not all of it can be shown. Submitting replaces it, and keeps it as it is under another name."
    try:
        found = voc.read_as_written(xml)
    except VocError as fault:
        return Shown(empty, bytes_read, True, (str(fault), lost))
    spelling = {box.name: tidy(box.name) for box in found.boxes}
    mended, findings = annotation_repair.repair(
        found, xml, photo, PhotoInfo(photo.name, size, orientation, ""), spelling, resized
    )
    annotation, messages = empty, [str(each) for each in findings if each.is_problem]
    if (mended.width, mended.height) == size:
        boxes = [box for box in mended.boxes if not annotation_repair.repair_box(box, size)[1]]
        annotation = dataclasses.replace(mended, boxes=tuple(boxes), notes=())
    if any(each.kind.outcome is Outcome.SET_ASIDE for each in findings):
        return Shown(annotation, bytes_read, True, (*messages, lost))
    if found.unread:
        messages.append(f"{xml.name} holds more than boxes. Submitting keeps it as it is under another name.")
    return Shown(annotation, bytes_read, bool(found.unread), tuple(messages))


def inside(path: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """Return a path in a folder. Raises LabelingError for a link that leads out of it."""
    if untrusted.is_outside(path, folder):
        raise LabelingError(f"{path}: is a link that leads out of the data set. Put the file itself there.")
    return path


def content(path: pathlib.Path) -> bytes | None:
    """Return the bytes of a file; None if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def kept(path: pathlib.Path) -> pathlib.Path:
    """Copy a file to a new hidden file next to it and return that one's path. Raises WriteError."""
    names = (files.fit_name(".", path.name, f".before{number or ''}") for number in itertools.count())
    copy = next(path for path in map(path.with_name, names) if not path.exists())
    with files.replacing(copy) as unfinished:
        shutil.copyfile(path, unfinished)
    return copy

"""Label new photos with a detector: draw the boxes on a copy, write Pascal VOC XML, and tables of all detections."""

import collections
import csv
import dataclasses
import io
import os
import pathlib
import time
from collections.abc import Iterable

import numpy as np
from PIL import Image
from tqdm.auto import tqdm

from workshop_utils.core import files, untrusted
from workshop_utils.data import photos, voc
from workshop_utils.data.dataset import LABEL_MAP
from workshop_utils.deploy.output_folder import OutputFolder
from workshop_utils.deploy.runtime import InferenceError, OpenDetector, suppress_across_classes
from workshop_utils.deploy.video import films
from workshop_utils.plots import drawing

DETECTIONS = "detections.csv"
"""The table with a row for each detection."""

CONTENTS = "contents.csv"
"""The table with a row for each photo, and the number of objects of each class."""

LABELED = ".labeled.jpg"
"""How the name of a picture with boxes ends. Such pictures are skipped."""

FILM = "film: to detect in it, name it"

TABLES_EVERY_SECONDS = 2.0
"""A killed process loses at most the rows of this time, and of one photo."""


@dataclasses.dataclass(frozen=True)
class PhotoReport:
    """The detections on one photo.

    Attributes:
        path: The photo.
        boxes: (n, 4): ymin, xmin, ymax, xmax, normalised.
        names: The class name of each box.
        scores: The score of each box.
        error: Why the photo was left out, or None. If it was, it has no boxes.
        kept: Files in the output folder that were changed by hand, and therefore not overwritten.
    """

    path: pathlib.Path
    boxes: np.ndarray
    names: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    error: str | None = None
    kept: tuple[pathlib.Path, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """The number of objects of each class, by name."""
        return dict(sorted(collections.Counter(self.names).items()))


def annotate(
    source: OpenDetector,
    paths: Iterable[str | pathlib.Path],
    out: pathlib.Path,
    min_score: float = 0.4,
    keep_all_classes: bool = False,
) -> list[PhotoReport]:
    """Detect objects in photos; write a picture and an annotation of each photo, and two tables.

    `out` gets NAME.labeled.jpg and NAME.xml for each photo, and DETECTIONS and CONTENTS, which are updated every few
    seconds. A photo that cannot be read, or whose files cannot be written, is reported, and the others are still
    labelled. A picture or annotation that was changed by hand is kept and reported; delete it if you want a new one.
    After an interruption, repeat the call.

    Args:
        source: The detector.
        paths: The photos.
        out: The folder to write to.
        min_score: Boxes with a lower score are left out.
        keep_all_classes: Whether to keep every class found for an object; by default only the best stays.

    Returns:
        A report for each photo, in order.

    Raises:
        InferenceError: If two photos have the same stem, if the label map does not name a detected class, or if files
            would be overwritten that are not in the record of `out` (pictures and annotations only in the first call).
        WriteError: If the tables cannot be written, as on a full disk.
    """
    paths, target = [pathlib.Path(path) for path in paths], OutputFolder(out)
    _refuse_clashes(paths, target)
    files.make_folder(out)
    names, reports, written = list(source.label_map.values()), [], float("-inf")
    try:
        for path in tqdm(paths, desc="detect", unit="photo"):
            reports.append(_annotate_one(source, path, target, min_score, keep_all_classes))
            if time.monotonic() - written > TABLES_EVERY_SECONDS:
                _write_tables(reports, names, target)
                written = time.monotonic()
    finally:
        _write_tables(reports, names, target)
    return reports


def collect(arguments: Iterable[str | pathlib.Path]) -> list[pathlib.Path]:
    """Return the photos among files and in folders, in order and without duplicates.

    Args:
        arguments: Files and folders. Subfolders are not searched.

    Raises:
        InferenceError: If there are no photos.
        PhotoError: If a folder cannot be listed.
    """
    found: dict[pathlib.Path, None] = {}
    for argument in map(pathlib.Path, arguments):
        paths = photos.find(argument) if os.path.isdir(argument) else [argument]
        found.update(dict.fromkeys(path for path in paths if _skip_reason(path, argument) is None))
    if not found:
        raise InferenceError(
            f"No photos in: {', '.join(map(str, arguments))}. Names of photos end in "
            f"{', '.join(sorted(photos.SUFFIXES))}."
        )
    return list(found)


def skipped(arguments: Iterable[str | pathlib.Path]) -> dict[str, list[pathlib.Path]]:
    """Return what `collect` skips, except hidden files: {reason and remedy: paths}."""
    reasons = collections.defaultdict(dict)
    for argument in map(pathlib.Path, arguments):
        for path in sorted(argument.iterdir()) if os.path.isdir(argument) else [argument]:
            why = _skip_reason(path, argument)
            if why and not path.name.startswith("."):
                reasons[why][path] = None
    return {why: list(paths) for why, paths in reasons.items()}


def _skip_reason(path: pathlib.Path, argument: pathlib.Path) -> str | None:
    """Return why a path is skipped, or None if it is to be read. A file that you named is always read."""
    suffix = path.suffix.lower()
    if path.name.lower().endswith(LABELED):
        return f"picture with boxes: to detect in it, rename it without {LABELED}"
    if path == argument:
        return None
    if untrusted.is_outside(path, argument):
        return "link out of its folder: put the photo itself there"
    if os.path.isdir(path):
        return "folder: to detect in it, name it, too"
    if suffix in photos.SUFFIXES:
        return None
    if suffix in films.SUFFIXES:
        return FILM
    return f"{suffix[1:].upper()}: export it as JPEG" if suffix in photos.FOREIGN_SUFFIXES else "not a photo"


def _annotate_one(
    source: OpenDetector, path, out: OutputFolder, min_score: float, keep_all_classes: bool
) -> PhotoReport:
    xml, labeled = f"{path.stem}.xml", f"{path.stem}{LABELED}"
    try:
        photo = photos.read(path)
        boxes, classes, scores = detect(source, photo, min_score, keep_all_classes)
        names = tuple(source.label_map[number] for number in classes.tolist())
        annotation = voc.from_normalised(photo.size, names, boxes, path.name, path.resolve().parent.name)
        text = voc.as_xml(annotation, out.folder / xml)
        picture = drawing.photo_with_detections(photo, boxes, classes, scores, source.label_map, min_score)
        contents = {labeled: _jpeg(picture), xml: text.encode()}
        kept = tuple(out.folder / name for name, data in contents.items() if not out.write(name, data))
    except (photos.PhotoError, voc.VocError, files.WriteError) as error:
        return PhotoReport(path, np.zeros((0, 4), np.float32), error=str(error))
    return PhotoReport(path, boxes, names, tuple(scores.tolist()), kept=kept)


def detect(
    source: OpenDetector, photo: Image.Image, min_score: float, keep_all_classes: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the boxes (n, 4), class ids (n,) and scores (n,) of the detections on a photo, best first.

    Args:
        source: The detector.
        photo: The photo.
        min_score: Boxes with a lower score are left out.
        keep_all_classes: Whether to keep every class found for an object; by default only the best stays.

    Raises:
        InferenceError: If the label map does not name a detected class.
    """
    found = source.detect([photos.shrink(photo)], min_score)
    if not keep_all_classes:
        found = suppress_across_classes(found)
    boxes, classes, scores = (part[0] for part in found)
    kept = (scores >= min_score) & (classes > 0)  # 0 is padding
    if unnamed := set(classes[kept].tolist()) - source.label_map.keys():
        raise InferenceError(
            f"{source.name}: detects class {min(unnamed)}, which its label map does not name. Use the {LABEL_MAP} that "
            "was exported with it."
        )
    return boxes[kept], classes[kept], scores[kept]


def _jpeg(picture) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=92)
    return stream.getvalue()


def _refuse_clashes(paths: list[pathlib.Path], out: OutputFolder) -> None:
    stems = collections.Counter(path.stem for path in paths)
    twice = [path for path in paths if stems[path.stem] > 1]
    if twice:
        raise InferenceError(
            f"{twice[0]} and {twice[1]} would be written to the same file. Label them in two calls, with different "
            "--out folders."
        )
    if out.folder.exists() and not out.folder.is_dir():
        raise InferenceError(f"{out.folder}: is a file, not a folder. Choose another --out.")
    for name in (DETECTIONS, CONTENTS):
        if out.is_foreign(name):
            raise InferenceError(
                f"{out.folder / name}: was not written by detect, or was changed afterwards. Rename it, or choose "
                "another --out."
            )
    if out.is_known:
        return
    for clash in (out.folder / f"{path.stem}{end}" for path in paths for end in (".xml", LABELED)):
        if os.path.lexists(clash):
            raise InferenceError(f"{clash}: already exists, and was not written by detect. Choose another --out.")


def _write_tables(reports: list[PhotoReport], names: list[str], out: OutputFolder) -> None:
    rows = [
        [report.path.name, name, f"{score:.4f}", *(f"{edge:.5f}" for edge in box)]
        for report in reports
        for box, name, score in zip(report.boxes, report.names, report.scores, strict=True)
    ]
    _write_table([["photo", "class", "score", "ymin", "xmin", "ymax", "xmax"], *rows], DETECTIONS, out)
    seen = [name for name in names if any(name in report.names for report in reports)]
    rows = [
        [report.path.name, *("" if report.error else str(report.counts.get(name, 0)) for name in seen)]
        for report in reports
    ]
    _write_table([["photo", *seen], *rows], CONTENTS, out)


def _write_table(rows: list[list[str]], name: str, out: OutputFolder) -> None:
    """Write a table. Raises InferenceError if another program has changed it since the last write."""
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([untrusted.csv_cell(text) for text in row] for row in rows)
    if not out.write(name, stream.getvalue().encode(errors="backslashreplace")):
        raise InferenceError(
            f"{out.folder / name}: was changed by another program in the meantime. Close that program, rename the "
            "table, and run detect again."
        )

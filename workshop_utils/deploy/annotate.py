"""Label new photos with a detector: boxes drawn on a copy, Pascal VOC XML, and tables of everything found."""

import collections
import csv
import dataclasses
import io
import os
import pathlib
import time
from collections.abc import Iterable

import numpy as np
from tqdm.auto import tqdm

from workshop_utils.core import files, untrusted
from workshop_utils.data import photos, voc
from workshop_utils.data.dataset import LABEL_MAP
from workshop_utils.deploy.output_folder import OutputFolder
from workshop_utils.deploy.runtime import InferenceError, OpenDetector, once
from workshop_utils.plots import drawing

DETECTIONS = "detections.csv"
CONTENTS = "contents.csv"
LABELED = ".labeled.jpg"
"""How the name of a picture with boxes ends. Such a picture is not detected in."""

FILMS = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".3gp", ".mts", ".m2ts"}
FILM = "film: save single frames of it as JPEG"

TABLES_EVERY_SECONDS = 2.0
"""A process that is killed loses at most the rows of this time, and of one photo."""


@dataclasses.dataclass(frozen=True)
class PhotoReport:
    """What was found on one photo.

    Attributes:
        path: The photo.
        boxes: (n, 4), normalised.
        names: The class of each box.
        scores: The score of each box.
        fault: Why the photo was left out; then nothing else is said of it.
        kept: Files in the output folder that were changed by hand, and are not overwritten.
    """

    path: pathlib.Path
    boxes: np.ndarray
    names: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    fault: str | None = None
    kept: tuple[pathlib.Path, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many objects of each name are on the photo."""
        return dict(sorted(collections.Counter(self.names).items()))


def annotate(
    source: OpenDetector,
    paths: Iterable[str | pathlib.Path],
    out: pathlib.Path,
    min_score: float = 0.4,
    every_name: bool = False,
) -> list[PhotoReport]:
    """Detect in photos and write a picture and an annotation of each, and tables of all.

    Into `out` go NAME.labeled.jpg and NAME.xml of each photo, and DETECTIONS and CONTENTS, which grow every few
    seconds. A photo that cannot be read, or whose files cannot be written, is reported, and the rest goes on. A picture
    or an annotation that was changed by hand is kept and reported; delete it to have it written again. After an
    interruption, make the same call again.

    Args:
        source: The detector.
        paths: The photos.
        out: The folder to write to.
        min_score: What scores less is left out.
        every_name: Whether an object keeps every name it was found under; else it keeps the best (see `runtime.once`).

    Raises:
        InferenceError: Where two photos have one stem, where `out` holds tables or, before the first call, other files
            that would be overwritten, or where a class is found that the label map does not name.
        WriteError: Where the tables cannot be written, as on a full disk.
    """
    paths, target = [pathlib.Path(path) for path in paths], OutputFolder(out)
    _refuse_clashes(paths, target)
    files.make_folder(out)
    names, reports, written = list(source.label_map.values()), [], float("-inf")
    try:
        for path in tqdm(paths, desc="detect", unit="photo"):
            reports.append(_annotate_one(source, path, target, min_score, every_name))
            if time.monotonic() - written > TABLES_EVERY_SECONDS:
                _write_tables(reports, names, target)
                written = time.monotonic()
    finally:
        _write_tables(reports, names, target)
    return reports


def collect(arguments: Iterable[str | pathlib.Path]) -> list[pathlib.Path]:
    """Return the photos among files and in folders, in their order, each once.

    Raises InferenceError where there is none, PhotoError for a folder that cannot be listed.
    """
    found: dict[pathlib.Path, None] = {}
    for argument in map(pathlib.Path, arguments):
        paths = photos.find(argument) if os.path.isdir(argument) else [argument]
        found.update(dict.fromkeys(path for path in paths if _why_not(path, argument) is None))
    if not found:
        raise InferenceError(
            f"No photos in: {', '.join(map(str, arguments))}. Photos end in {', '.join(sorted(photos.SUFFIXES))}."
        )
    return list(found)


def passed_over(arguments: Iterable[str | pathlib.Path]) -> dict[str, list[pathlib.Path]]:
    """Return what `collect` passes over, hidden files aside: {why, and what to do: paths}."""
    reasons = collections.defaultdict(dict)
    for argument in map(pathlib.Path, arguments):
        for path in sorted(argument.iterdir()) if os.path.isdir(argument) else [argument]:
            why = _why_not(path, argument)
            if why and not path.name.startswith("."):
                reasons[why][path] = None
    return {why: list(paths) for why, paths in reasons.items()}


def _why_not(path: pathlib.Path, argument: pathlib.Path) -> str | None:
    """Return why a path is passed over, None for a photo, and for what was named itself: whether it is one, is seen
    when it is read."""
    suffix = path.suffix.lower()
    if path.name.lower().endswith(LABELED):
        return f"picture with boxes: rename it, without {LABELED}, to detect in it"
    if path == argument:
        return None
    if untrusted.is_outside(path, argument):
        return "link that leads out of its folder: put the photo itself there"
    if os.path.isdir(path):
        return "folder: name it, too, to detect in it"
    if suffix in photos.SUFFIXES:
        return None
    if suffix in FILMS:
        return FILM
    return f"{suffix[1:].upper()}: export it as JPEG" if suffix in photos.FOREIGN_SUFFIXES else "no photo"


def _annotate_one(source: OpenDetector, path, out: OutputFolder, min_score: float, every_name: bool) -> PhotoReport:
    xml, labeled = f"{path.stem}.xml", f"{path.stem}{LABELED}"
    try:
        photo = _read(path)
        boxes, classes, scores = _found(source, photo, min_score, every_name)
        names = tuple(source.label_map[number] for number in classes.tolist())
        annotation = voc.from_normalised(photo.size, names, boxes, path.name, path.resolve().parent.name)
        text = voc.as_xml(annotation, out.folder / xml)
        picture = drawing.photo_with_detections(photo, boxes, classes, scores, source.label_map, min_score)
        contents = {labeled: _jpeg(picture), xml: text.encode()}
        kept = tuple(out.folder / name for name, data in contents.items() if not out.write(name, data))
    except (photos.PhotoError, voc.VocError, files.WriteError) as fault:
        return PhotoReport(path, np.zeros((0, 4), np.float32), fault=str(fault))
    return PhotoReport(path, boxes, names, tuple(scores.tolist()), kept=kept)


def _read(path: pathlib.Path):
    if path.suffix.lower() in FILMS:
        raise photos.PhotoError(f"{path}: is a {FILM}.")
    return photos.read(path)


def _found(source: OpenDetector, photo, min_score: float, every_name: bool) -> tuple[np.ndarray, ...]:
    """Return the boxes, classes and scores of what a detector finds on a photo. Raises InferenceError."""
    found = source.detect([photos.shrink(photo)], min_score)
    if not every_name:
        found = once(found)
    boxes, classes, scores = (part[0] for part in found)
    kept = (scores >= min_score) & (classes > 0)  # 0 is padding
    if unnamed := set(classes[kept].tolist()) - source.label_map.keys():
        raise InferenceError(
            f"{source.name}: finds class {min(unnamed)}, which its label map does not name. Take the {LABEL_MAP} that "
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
        raise InferenceError(f"{twice[0]} and {twice[1]} would be written to one file. Detect them into two folders.")
    if out.folder.exists() and not out.folder.is_dir():
        raise InferenceError(f"{out.folder}: is a file, not a folder. Choose another --out.")
    for name in (DETECTIONS, CONTENTS):
        if out.is_foreign(name):
            raise InferenceError(
                f"{out.folder / name}: was not written by detecting, or was changed since. Rename it, or choose "
                "another --out."
            )
    if out.is_known:
        return
    for clash in (out.folder / f"{path.stem}{end}" for path in paths for end in (".xml", LABELED)):
        if os.path.lexists(clash):
            raise InferenceError(f"{clash}: exists already and was not made by detecting. Choose another --out.")


def _write_tables(reports: list[PhotoReport], names: list[str], out: OutputFolder) -> None:
    rows = [
        [report.path.name, name, f"{score:.4f}", *(f"{edge:.5f}" for edge in box)]
        for report in reports
        for box, name, score in zip(report.boxes, report.names, report.scores, strict=True)
    ]
    _write_table([["photo", "class", "score", "ymin", "xmin", "ymax", "xmax"], *rows], DETECTIONS, out)
    seen = [name for name in names if any(name in report.names for report in reports)]
    rows = [
        [report.path.name, *("" if report.fault else str(report.counts.get(name, 0)) for name in seen)]
        for report in reports
    ]
    _write_table([["photo", *seen], *rows], CONTENTS, out)


def _write_table(rows: list[list[str]], name: str, out: OutputFolder) -> None:
    """Write a table; raises InferenceError where another program has changed it in the meantime."""
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([untrusted.csv_cell(text) for text in row] for row in rows)
    if not out.write(name, stream.getvalue().encode(errors="backslashreplace")):
        raise InferenceError(
            f"{out.folder / name}: was changed by another program meanwhile. Close it there, rename the table, and "
            "detect again."
        )

"""Label new photos with a detector: boxes drawn on a copy, Pascal VOC XML, and tables of everything found."""

import collections
import csv
import dataclasses
import pathlib
from collections.abc import Iterable

import numpy as np
from tqdm.auto import tqdm

from workshop_utils.core import files, untrusted
from workshop_utils.data import photos, voc
from workshop_utils.data.dataset import LABEL_MAP
from workshop_utils.deploy.runtime import InferenceError, OpenDetector, once
from workshop_utils.plots import drawing

DETECTIONS = "detections.csv"
CONTENTS = "contents.csv"


@dataclasses.dataclass(frozen=True)
class PhotoReport:
    """What was found on one photo. Where it could not be read, `fault` says why and all else is empty."""

    path: pathlib.Path
    boxes: np.ndarray
    names: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    fault: str | None = None

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

    Into `out` go NAME.labeled.jpg and NAME.xml of each photo, and DETECTIONS and CONTENTS. A photo that cannot be read
    is reported, and the rest goes on. After an interruption, make the same call again.

    Args:
        source: The detector.
        paths: The photos.
        out: The folder to write to.
        min_score: What scores less is left out.
        every_name: Whether an object keeps every name it was found under; else it keeps the best (see `runtime.once`).

    Raises:
        InferenceError: Where two photos have one stem, where `out` holds files that an earlier call did not write, or
            where a class is found that the label map does not name.
        WriteError: Where the disk is full.
    """
    paths = [pathlib.Path(path) for path in paths]
    _refuse_clashes(paths, out)
    files.make_folder(out)
    if not (out / DETECTIONS).exists():
        _write_tables([], [], out)  # by this the next call knows that what follows is ours
    bar = tqdm(paths, desc="detect", unit="photo")
    reports = [_annotate_one(source, path, out, min_score, every_name) for path in bar]
    _write_tables(reports, list(source.label_map.values()), out)
    return reports


def collect(arguments: Iterable[str | pathlib.Path]) -> list[pathlib.Path]:
    """Return the photos among files and in folders, in their order, each once.

    Raises InferenceError where there is none, and for a link that leads out of its folder; PhotoError for a folder that
    cannot be listed.
    """
    found: dict[pathlib.Path, None] = {}
    for argument in map(pathlib.Path, arguments):
        paths = photos.find(argument) if argument.is_dir() else [argument]
        if astray := [path for path in paths if argument.is_dir() and untrusted.leaves(path, argument)]:
            raise InferenceError(f"{astray[0]}: is a link that leads out of {argument}. Put the photo itself there.")
        found.update(dict.fromkeys(paths))
    if not found:
        raise InferenceError(
            f"No photos in: {', '.join(map(str, arguments))}. Photos end in {', '.join(sorted(photos.SUFFIXES))}."
        )
    return list(found)


def _annotate_one(source: OpenDetector, path, out: pathlib.Path, min_score: float, every_name: bool) -> PhotoReport:
    try:
        photo = photos.read(path)
    except photos.PhotoError as fault:
        return PhotoReport(path, np.zeros((0, 4), np.float32), fault=str(fault))
    found = source.detect([photos.shrink(photo)], min_score)
    if not every_name:
        found = once(found)
    boxes, classes, scores = (part[0] for part in found)
    kept = (scores >= min_score) & (classes > 0)  # 0 is padding
    boxes, classes, scores = boxes[kept], classes[kept], scores[kept]
    if unnamed := set(classes.tolist()) - source.label_map.keys():
        raise InferenceError(
            f"{source.name}: finds class {min(unnamed)}, which its label map does not name. Take the {LABEL_MAP} that "
            "was exported with it."
        )
    names = tuple(source.label_map[number] for number in classes.tolist())
    annotation = voc.from_normalised(photo.size, names, boxes, path.name, path.resolve().parent.name)
    try:
        voc.write(annotation, out / f"{path.stem}.xml")
    except voc.VocError as fault:
        return PhotoReport(path, np.zeros((0, 4), np.float32), fault=str(fault))
    picture = drawing.photo_with_detections(photo, boxes, classes, scores, source.label_map, min_score)
    with files.replacing(out / f"{path.stem}.labeled.jpg") as unfinished:
        picture.save(unfinished, "JPEG", quality=92)
    return PhotoReport(path, boxes, names, tuple(scores.tolist()))


def _refuse_clashes(paths: list[pathlib.Path], out: pathlib.Path) -> None:
    stems = collections.Counter(path.stem for path in paths)
    twice = [path for path in paths if stems[path.stem] > 1]
    if twice:
        raise InferenceError(f"{twice[0]} and {twice[1]} would be written to one file. Detect them into two folders.")
    if out.exists() and not out.is_dir():
        raise InferenceError(f"{out}: is a file, not a folder. Choose another --out.")
    if (out / DETECTIONS).exists():
        return
    for path in paths:
        for clash in (out / f"{path.stem}.xml", out / f"{path.stem}.labeled.jpg"):
            if clash.exists():
                raise InferenceError(f"{clash}: exists already and was not made by detecting. Choose another --out.")


def _write_tables(reports: list[PhotoReport], names: list[str], out: pathlib.Path) -> None:
    rows = [
        [report.path.name, name, f"{score:.4f}", *(f"{edge:.5f}" for edge in box)]
        for report in reports
        for box, name, score in zip(report.boxes, report.names, report.scores, strict=True)
    ]
    _write_table([["photo", "class", "score", "ymin", "xmin", "ymax", "xmax"], *rows], out / DETECTIONS)
    seen = [name for name in names if any(name in report.names for report in reports)]
    rows = [
        [report.path.name, *("" if report.fault else str(report.counts.get(name, 0)) for name in seen)]
        for report in reports
    ]
    _write_table([["photo", *seen], *rows], out / CONTENTS)


def _write_table(rows: list[list[str]], path: pathlib.Path) -> None:
    how = {"newline": "", "encoding": "utf-8", "errors": "backslashreplace"}
    with files.replacing(path) as unfinished, open(unfinished, "w", **how) as stream:
        csv.writer(stream).writerows([untrusted.cell(text) for text in row] for row in rows)

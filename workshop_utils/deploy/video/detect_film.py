"""Detect in a film: an annotated film, tables of all detections and of what crosses a line, frame by frame."""

import collections
import contextlib
import csv
import dataclasses
import io
import pathlib
from collections.abc import Generator, Iterator
from typing import Any

from PIL import Image
from tqdm.auto import tqdm

from workshop_utils.core import files, untrusted
from workshop_utils.deploy import annotate
from workshop_utils.deploy.output_folder import OutputFolder
from workshop_utils.deploy.runtime import InferenceError, OpenDetector
from workshop_utils.deploy.video import films
from workshop_utils.deploy.video.counting import UNCERTAIN_ID, Counter, CountingLine
from workshop_utils.deploy.video.film_drawing import Drawing, Found
from workshop_utils.deploy.video.film_writer import FilmWriter
from workshop_utils.deploy.video.films import Film, Frame
from workshop_utils.deploy.video.tracking import LOWEST_SCORE, UNCERTAIN, Tracker

COUNTS = "counts.csv"
"""The table with a row for each class, and how many tracks crossed the line in each direction."""

LONGEST_SIDE = 1920
"""Pixels. Larger frames are shrunk to this when they are read, so that 4K takes less time and memory."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to detect in a film.

    Attributes:
        min_score: Detections with a lower score are left out.
        keep_all_classes: Whether to keep every class found for an object; by default only the best stays.
        track: Whether to follow objects from frame to frame.
        line: The line to count at; needs `track`.
    """

    min_score: float = 0.4
    keep_all_classes: bool = False
    track: bool = False
    line: CountingLine | None = None


@dataclasses.dataclass(frozen=True)
class Job:
    """A film, the folder to write to, and how to detect in it."""

    film: Film
    out: pathlib.Path
    settings: Settings


@dataclasses.dataclass
class FilmReport:
    """What was found in a film.

    Attributes:
        path: The film.
        frames: The number of frames that were read.
        seconds: When the last of them is shown.
        detections: The number of detections of each class, by name, in all frames together.
        tracks: The number of tracks, or None if objects were not followed.
        counts: The number of tracks that crossed the line: {class name: {direction: number}}.
        findings: What was wrong with the film.
        stopped: Whether Ctrl-C ended it early. The files have what was found up to then.
    """

    path: pathlib.Path
    frames: int = 0
    seconds: float = 0.0
    detections: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    tracks: int | None = None
    counts: dict[str, dict[str, int]] = dataclasses.field(default_factory=dict)
    findings: list[str] = dataclasses.field(default_factory=list)
    stopped: bool = False


def detect(source: OpenDetector, job: Job) -> FilmReport:
    """Detect objects in a film; write NAME.labeled.mp4, DETECTIONS, and COUNTS if there is a line.

    The files appear when the last frame is read, or when Ctrl-C stops it. If any cannot be written, none appears.

    Args:
        source: The detector.
        job: The film, the folder to write to, and how.

    Raises:
        InferenceError: If files would be overwritten that are not in the record of the folder.
        FilmError: If the film cannot be read, or a library is missing.
        WriteError: If a file cannot be written, as on a full disk.
    """
    film, options = job.film, job.settings
    target, labeled = OutputFolder(job.out), labeled_name(film.path)
    _refuse_foreign(target, [labeled, annotate.DETECTIONS, *([COUNTS] if options.line else [])])
    tracker = Tracker(film.fps, options.min_score) if options.track else None
    counter = Counter(options.line) if options.line else None
    report = FilmReport(film.path, tracks=0 if tracker else None)
    files.make_folder(job.out)
    drawing = Drawing(source.label_map, options.line)
    with contextlib.ExitStack() as stack:
        table, picture = (stack.enter_context(target.replacing(name)) for name in (annotate.DETECTIONS, labeled))
        rows = stack.enter_context(_table(table, options.track))
        writer = stack.enter_context(contextlib.closing(FilmWriter(picture, film.frame_size, film.fps)))
        frames = stack.enter_context(contextlib.closing(_progress(film)))
        try:
            for frame in frames:
                found = _find(source, frame, tracker, options)
                if counter:
                    counter.update(each.track for each in found if each.track)
                named = _named(counter, source.label_map) if counter else {}
                writer.write(drawing.drawn(frame.rgb, found, named), frame.time_s)
                rows.writerows(_row(frame, each, source.label_map, options.track) for each in found)
                _add(report, frame, found, source.label_map)
        except KeyboardInterrupt:
            report.stopped = True
    report.findings = film.findings
    if counter:
        report.counts = _named(counter, source.label_map)
        _write_counts(target, counter, report.counts)
    return report


def labeled_name(path: pathlib.Path) -> str:
    """Return the name of the annotated film that is made of a film or of a folder of frames."""
    return f"{path.stem if path.suffix.lower() in films.SUFFIXES else path.resolve().name}{films.LABELED}"


def _progress(film: Film) -> Generator[Frame, None, None]:
    """Iterate over the frames, and show how many are done and how long the others will take."""
    with tqdm(desc=film.path.name, total=film.expected_frames, unit="frame") as bar:
        for frame in film:
            yield frame
            bar.update()


def _find(source: OpenDetector, frame: Frame, tracker: Tracker | None, options: Settings) -> list[Found]:
    """Return the detections in a frame: those with a high score, and all that belong to a track."""
    lowest = min(LOWEST_SCORE, options.min_score) if tracker else options.min_score
    photo = Image.fromarray(frame.rgb)
    boxes, classes, scores = annotate.detect(source, photo, lowest, options.keep_all_classes)
    tracks = tracker.update(boxes, scores, classes, frame.time_s) if tracker else []
    of_row = {track.detection: track for track in tracks}
    return [
        Found(boxes[row], int(classes[row]), float(scores[row]), of_row.get(row))
        for row in range(len(scores))
        if row in of_row or scores[row] >= options.min_score
    ]


def _add(report: FilmReport, frame: Frame, found: list[Found], names: dict[int, str]) -> None:
    report.frames, report.seconds = report.frames + 1, frame.time_s
    report.detections.update(names[each.class_id] for each in found)
    if report.tracks is not None:
        report.tracks = max([report.tracks, *(each.track.id for each in found if each.track)])


def _named(counter: Counter, names: dict[int, str]) -> dict[str, dict[str, int]]:
    """Return a counter's counts by the names of the classes; UNCERTAIN comes last."""
    counts = counter.counts()
    unsure = {UNCERTAIN: counts.pop(UNCERTAIN_ID)} if UNCERTAIN_ID in counts else {}
    return {names[class_id]: number for class_id, number in counts.items()} | unsure


@contextlib.contextmanager
def _table(path: pathlib.Path, has_tracks: bool) -> Iterator[Any]:
    """Open the table of detections. Its rows go to the disk one after another."""
    with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
        rows = csv.writer(stream)
        of_track = ["track", "track_class"] if has_tracks else []
        rows.writerow(["frame", "time", "class", "score", "ymin", "xmin", "ymax", "xmax", *of_track])
        yield rows


def _row(frame: Frame, found: Found, names: dict[int, str], has_tracks: bool) -> list[str]:
    """Return a detection's row: its own class and score, and the track that it belongs to, with the track's class."""
    track, name = found.track, untrusted.csv_cell(names[found.class_id])
    box = (f"{edge:.5f}" for edge in found.box)
    belongs = [str(track.id), untrusted.csv_cell(track.name(names))] if track else ["", ""]
    row = [str(frame.index), f"{frame.time_s:.3f}", name, f"{found.score:.4f}", *box]
    return row + belongs if has_tracks else row


def _write_counts(out: OutputFolder, counter: Counter, counts: dict[str, dict[str, int]]) -> None:
    stream = io.StringIO(newline="")
    rows = csv.writer(stream)
    rows.writerow(["class", *counter.line.directions])
    rows.writerows([untrusted.csv_cell(name), *each.values()] for name, each in counts.items())
    out.write(COUNTS, stream.getvalue().encode(errors="backslashreplace"))


def _refuse_foreign(out: OutputFolder, names: list[str]) -> None:
    if out.folder.exists() and not out.folder.is_dir():
        raise InferenceError(f"{out.folder}: is a file, not a folder. Choose another --out.")
    for name in names:
        if out.is_foreign(name):
            raise InferenceError(
                f"{out.folder / name}: was not written by detect, or was changed afterwards. Rename it, or choose "
                "another --out."
            )

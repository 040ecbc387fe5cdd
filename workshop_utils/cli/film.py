"""What `detect` does with films. Only `detect` imports this: NumPy and Pillow would slow down every other command."""

import collections
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from workshop_utils.core.arguments import Options
from workshop_utils.core.errors import UsageError
from workshop_utils.data.photos import PhotoError
from workshop_utils.deploy.video import films as reading
from workshop_utils.deploy.video import tracking
from workshop_utils.deploy.video.counting import CountingLine
from workshop_utils.deploy.video.films import Film, FilmError

if TYPE_CHECKING:
    from workshop_utils.deploy.runtime import OpenDetector
    from workshop_utils.deploy.video.detect_film import FilmReport, Job


def divide(options: Options) -> tuple[list[Path], list[str]]:
    """Divide the arguments of `detect` into films and others. With --fps, folders are films. Raises UsageError."""
    found, others = {}, []
    for each in options.photos:
        path = Path(each)
        if not (options.fps if path.is_dir() else path.suffix.lower() in reading.SUFFIXES):
            others.append(each)
        elif path.name.lower().endswith(reading.LABELED):
            print(f"Skipped {path}: it is a film with boxes.", file=sys.stderr)
        else:
            found[path] = None
    return list(found), others


def opened(films: list[Path], options: Options, alone: bool) -> tuple[list["Job"], int]:
    """Open films, before the detector, which takes longer. Print what cannot be read.

    Args:
        films: The films.
        options: The options of `detect`.
        alone: Whether there is nothing else to detect in. Then a single film is written to --out, others to folders.

    Returns:
        What to do with each film, and how many films cannot be read.

    Raises:
        UsageError: If options do not fit the arguments.
        FilmError: If a library is missing.
    """
    from workshop_utils.deploy.video.detect_film import LONGEST_SIDE, Job, Settings

    _check(films, options)
    jobs = []
    for path in films:
        try:
            film = Film(path, options.fps, LONGEST_SIDE)
        except (FilmError, PhotoError) as error:
            print(error)
            continue
        line = CountingLine.parse(options.count_line, film.size) if options.count_line else None
        settings = Settings(options.min_score, options.every_name, options.track or line is not None, line)
        jobs.append(Job(film, options.out if alone and len(films) == 1 else options.out / path.stem, settings))
    return jobs, len(films) - len(jobs)


def _check(films: list[Path], options: Options) -> None:
    """Raise UsageError if options do not fit the arguments, and FilmError if a library is missing."""
    if options.fps is not None and not any(path.is_dir() for path in films):
        raise UsageError("usage: detect takes --fps only with a folder, whose photos are the frames of a film")
    option = "--count-line" if options.count_line else "--track" if options.track else None
    if option and not films:
        raise UsageError(f"usage: detect takes {option} only with a film, or with --fps N and a folder of frames")
    stems = collections.Counter(path.stem for path in films)
    if twice := [path for path in films if stems[path.stem] > 1]:
        what = f"{twice[0]} and {twice[1]} would be written to the same folder"
        raise UsageError(f"usage: {what}; use two calls, with different --out")
    if films:
        reading.library()
    if option:
        tracking.library()


def detect_in_films(detector: "OpenDetector", jobs: list["Job"]) -> int:
    """Detect in films, and print a line about each; return how many are damaged."""
    from workshop_utils.deploy.video import detect_film

    bad = 0
    if jobs:
        print(f"Detecting with {detector.name}, which runs in {detector.format}.", file=sys.stderr)
    for job in jobs:
        try:
            report = detect_film.detect(detector, job)
        except FilmError as error:  # found only while decoding
            print(error)
            bad += 1
            continue
        bad += bool(report.findings)
        _print(report, job.out)
        if report.stopped:
            raise KeyboardInterrupt
    return bad


def _print(report: "FilmReport", out: Path) -> None:
    for finding in report.findings:
        print(finding)
    parts = [f"{report.frames} frames", f"{report.detections.total()} detections"]
    parts += [] if report.tracks is None else [f"{report.tracks} tracks"]
    print(f"{report.path}: {', '.join(parts)}")
    for name, directions in report.counts.items():
        print(f"{name}: {', '.join(f'{number} {direction}' for direction, number in directions.items())}")
    if report.stopped:
        print(f"{report.path}: stopped after {report.seconds:.1f} seconds.", file=sys.stderr)
    print(f"See {out}", file=sys.stderr)

"""Commands for finished detectors: export, detect."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from workshop_utils.cli.parser import CHECKPOINT, COCO_ARCHITECTURE, check_architecture, command
from workshop_utils.core.arguments import Options, argument, duration, positive, share

if TYPE_CHECKING:
    from workshop_utils.deploy.runtime import OpenDetector


def _format_names() -> Iterable[str]:
    from workshop_utils.deploy import export_formats

    return export_formats.FORMATS


@command(
    "export a checkpoint for other programs",
    argument("run", type=Path, help="the run's folder"),
    CHECKPOINT,
    argument("--formats", nargs="+", choices=_format_names, help="export formats; by default all except litert_int8"),
)
def export(options: Options) -> None:
    """Write the exports, and print the path of each."""
    from workshop_utils.deploy import export
    from workshop_utils.training import checkpoints
    from workshop_utils.training.run_folder import RunFolder

    run = RunFolder(options.run)
    paths = export.export(run, options.formats, checkpoints.choose(run, options.checkpoint))
    for name, path in paths.items():
        print(f"{name}: {path}")


@command(
    "label new photos and films",
    argument("source", metavar="RUN|EXPORT|coco", help="a run's folder, an exported file, or coco for COCO's detector"),
    argument("photos", nargs="+", metavar="PHOTO|FOLDER|FILM", help="photos, folders of photos, or films"),
    COCO_ARCHITECTURE,
    CHECKPOINT,
    argument("--out", type=Path, required=True, metavar="DIR", help="the folder for annotations, pictures and tables"),
    argument("--min-score", type=share, default=0.4, metavar="SCORE", help="the lowest score, 0 to 1; default: 0.4"),
    argument("--every-name", action="store_true", help="keep every name found for an object; by default only the best"),
    argument("--track", action="store_true", help="in films: follow each object and give it a number"),
    argument("--count-line", metavar="x1,y1,x2,y2", help="in films: count what crosses this line, by class "
             "and direction; in pixels, or as fractions of width and height; includes --track"),
    argument("--fps", type=positive, metavar="N", help="treat each folder as the frames of a film, N per second"),
)  # fmt: skip
def detect(options: Options) -> int:
    """Print one line per photo and film on standard output, and skipped files and totals on standard error."""
    from workshop_utils.cli import film
    from workshop_utils.deploy import annotate, runtime

    check_architecture(options)
    films, others = film.divide(options)
    jobs, bad = film.opened(films, options, alone=not others)
    _print_skipped(others)
    photos = annotate.collect(others) if others else []
    if photos or jobs:
        detector = runtime.open_detector(options.source, options.checkpoint, options.architecture, fast=bool(jobs))
        bad += _detect_in_photos(detector, photos, options) if photos else 0
        bad += film.detect_in_films(detector, jobs)
    return 1 if bad else 0


def _print_skipped(arguments: list[str]) -> None:
    from workshop_utils.core import phrases
    from workshop_utils.deploy import annotate

    for why, paths in annotate.skipped(arguments).items():
        print(f"Skipped {len(paths)} ({why}): {phrases.listed(paths)}", file=sys.stderr)


def _detect_in_photos(detector: "OpenDetector", photos: list[Path], options: Options) -> int:
    """Label photos; return how many could not be."""
    from workshop_utils.deploy import annotate

    reports = annotate.annotate(detector, photos, options.out, options.min_score, options.every_name)
    for report in reports:
        counts = ", ".join(f"{count} {name}" for name, count in report.counts.items()) or "nothing"
        print(report.error or f"{report.path}: {counts}")
        for path in report.kept:
            print(f"{path}: was changed since it was written, and is kept. To have it written again, delete it.")
    faults, kept = sum(report.error is not None for report in reports), sum(len(report.kept) for report in reports)
    said = f"{len(reports) - faults} photos labelled, {faults} left out"
    said += f", {kept} changed files kept" if kept else ""
    print(f"{said}; see {options.out}", file=sys.stderr)
    return faults


@command(
    "take photos from a film, to label them",
    argument("film", type=Path, metavar="FILM", help="the film"),
    argument("--every", type=duration, required=True, metavar="TIME", help="how often: 1s, 250ms or 2min, for example"),
    argument("--out", type=Path, required=True, metavar="DIR", help="the folder for the photos"),
)
def frames(options: Options) -> int:
    """Write the photos, print where they are, and what is wrong with the film."""
    from workshop_utils.deploy.video import films, frames_to_label

    film = films.Film(options.film)
    written = frames_to_label.write(film, options.every, options.out)
    for finding in film.findings:
        print(finding)
    for path in written.kept:
        print(f"{path}: was changed since it was written, and is kept. To have it written again, delete it.")
    print(f"{options.out}: {len(written.photos)} photos. `--groups stem` keeps them together when they are divided.")
    return 1 if film.findings else 0

"""Commands for finished detectors: export, detect."""

import sys
from collections.abc import Iterable
from pathlib import Path

from workshop_utils.cli.parser import CHECKPOINT, COCO_ARCHITECTURE, check_architecture, command
from workshop_utils.core.arguments import Options, argument, share


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
    "label new photos",
    argument("source", metavar="RUN|EXPORT|coco", help="a run's folder, an exported file, or coco for COCO's detector"),
    argument("photos", nargs="+", help="photos, or folders of photos"),
    COCO_ARCHITECTURE,
    CHECKPOINT,
    argument("--out", type=Path, required=True, metavar="DIR", help="the folder for annotations, pictures and tables"),
    argument("--min-score", type=share, default=0.4, metavar="SCORE", help="the lowest score, 0 to 1; default: 0.4"),
    argument("--every-name", action="store_true", help="keep every name found for an object; by default only the best"),
)
def detect(options: Options) -> int:
    """Print one line per photo on standard output, and skipped files and totals on standard error."""
    from workshop_utils.core import phrases
    from workshop_utils.deploy import annotate, runtime

    check_architecture(options)
    for why, paths in annotate.skipped(options.photos).items():
        print(f"Skipped {len(paths)} ({why}): {phrases.listed(paths)}", file=sys.stderr)
    photos = annotate.collect(options.photos)
    detector = runtime.open_detector(options.source, options.checkpoint, options.architecture)
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
    return 1 if faults else 0

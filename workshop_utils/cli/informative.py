"""The command for choosing photos to label: next."""

import sys
from pathlib import Path

from workshop_utils.cli.parser import CHECKPOINT, command
from workshop_utils.core.arguments import Options, argument, count


@command(
    "list the photos to label next: those that the detector is unsure about and that differ from the labelled ones",
    argument("run", type=Path, help="the run's folder"),
    argument("photos", type=Path, help="a folder of photos, or a data set in which some photos have labels"),
    argument("--count", type=count, metavar="N", help="how many photos to list; default: all"),
    CHECKPOINT,
)
def next_(options: Options) -> None:
    """Print one line per photo on standard output, best first, and skipped files on standard error."""
    from workshop_utils.core import phrases
    from workshop_utils.curation import informative, pool
    from workshop_utils.evaluation import average_precision
    from workshop_utils.training import checkpoints, trainer
    from workshop_utils.training.run_folder import RunFolder

    run = RunFolder(options.run)
    found = pool.find(options.photos)
    for finding in found.findings:
        print(finding, file=sys.stderr)
    detector = trainer.load_model(run, checkpoints.choose(run, options.checkpoint))
    same = average_precision.matching_names(found.classes, detector.label_map.values())
    if unknown := [name for name in found.classes if name not in same]:
        what = f"never learned {phrases.quoted(unknown)}, so such objects hardly count as unsure"
        print(f"{options.run}: {what}. Train on labelled photos of them first: --start-from.", file=sys.stderr)
    ranked = informative.order(detector, found.unlabelled, found.labelled, options.count)
    print(f"{len(found.labelled)} photos have labels, {len(found.unlabelled)} have none.", file=sys.stderr)
    for each in ranked:
        print(f"{each.photo}: uncertainty {each.uncertainty:.2f}, novelty {each.novelty:.2f}")

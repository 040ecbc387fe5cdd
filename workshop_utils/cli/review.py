"""The command that finds wrong labels: review."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from workshop_utils.cli.parser import CHECKPOINT, DATASET, command, load
from workshop_utils.core.arguments import Options, argument, share
from workshop_utils.core.errors import UsageError

if TYPE_CHECKING:
    from workshop_utils.curation.review import Suspicion
    from workshop_utils.data.dataset import Dataset


@command(
    "list labels that look wrong to a detector",
    argument("dataset", type=Path, help=DATASET),
    argument("--run", type=Path, metavar="RUN", help="the run that checks the labels; by default, three runs are "
             "trained for about a minute each, and each checks the photos that it has not seen"),
    CHECKPOINT,
    argument("--min-score", type=share, metavar="SCORE", help="list only labels with at least this score, 0 to 1"),
    argument("--out", type=Path, metavar="DIR", help="the folder for a page of pictures and a table; default: "
             "runs/review-NAME"),
)  # fmt: skip
def review(options: Options) -> int:
    """Print one line per suspicious label, beginning with its photo, on standard output. No label is changed.

    The exit code is 1 if a label looks wrong.
    """
    from workshop_utils.core import settings
    from workshop_utils.curation import review, review_page

    if options.run is None and options.checkpoint != "last":
        raise UsageError("usage: review takes --checkpoint only with --run")
    data = load(options.dataset)
    name = options.dataset.resolve().stem
    out = options.out or settings.RUNS / f"review-{name}"
    found = _by_run(options, data) if options.run else _by_cross_validation(data, out)
    min_score = review.MIN_SCORE if options.min_score is None else options.min_score
    suspicions = [each for each in found if each.score >= min_score]
    kept = review_page.write(data.samples, suspicions, out, name)
    for each in suspicions:
        print(_line(each))
    for path in kept:
        print(f"{path}: was changed since it was written, and is kept. Delete it to have it written again.")
    labels = sum(len(sample.classes) for sample in data.samples)
    count = f"{len(suspicions)} of {labels} labels" if suspicions else f"None of {labels} labels"
    print(f"{count} look wrong to the detector. The pictures are in {out / review_page.PAGE}", file=sys.stderr)
    return 1 if suspicions else 0


def _by_run(options: Options, data: "Dataset") -> "list[Suspicion]":
    from workshop_utils.core import phrases
    from workshop_utils.curation import judging, review
    from workshop_utils.evaluation import average_precision
    from workshop_utils.training import checkpoints, trainer
    from workshop_utils.training.run_folder import RunFolder

    run = RunFolder(options.run)
    model, names = trainer.load_model(run, checkpoints.choose(run, options.checkpoint))
    review.check_classes(data.samples, names, options.run)
    if unknown := average_precision.unknown_classes(data.samples, names):
        what = f"never learned these classes, so their labels are not judged: {phrases.quoted(unknown)}"
        print(f"{options.run}: {what}", file=sys.stderr)
    if seen := review.seen_photos(run.plan, data, options.dataset):
        what = f"was trained on {len(seen)} of these {len(data.samples)} photos, and may have memorised their labels"
        print(
            f"{options.run}: {what}. Without --run, each photo is judged by a run that has not seen it.",
            file=sys.stderr,
        )
    answers = judging.ask(model, data.samples)
    return review.find(data.samples, answers.detections, names, answers.crops)


def _by_cross_validation(data: "Dataset", out: Path) -> "list[Suspicion]":
    from workshop_utils.curation import cross_validation, review

    answers = cross_validation.ask(data, out / f"runs-{data.fingerprint()}")
    return review.find(data.samples, answers.detections, data.label_map, answers.crops)


def _line(each: "Suspicion") -> str:
    from workshop_utils.curation import suspicion_pictures

    return f"{each.photo}: {each.kind}, {each.score:.2f}: {suspicion_pictures.description(each)}"

"""The command line: fetch, check, shard, train, evaluate, export, detect.

Exit 0 good, 1 findings or failure, 2 usage.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from workshop_utils.core.arguments import CommandLine, Options, argument, count, lines, share
from workshop_utils.core.errors import UsageError, WorkshopError

_PARSER = CommandLine("python -m workshop_utils", __doc__)
command = _PARSER.command


def _strategy_names() -> Iterable[str]:
    from workshop_utils.training import strategies

    return strategies.STRATEGIES


def _architecture_names() -> Iterable[str]:
    from workshop_utils.model import architectures

    return architectures.ARCHITECTURES


def _format_names() -> Iterable[str]:
    from workshop_utils.deploy import export_formats

    return export_formats.FORMATS


@command("download and verify the COCO weights")
def fetch(_: Options) -> None:
    from workshop_utils.model import pretrained

    print(f"The COCO weights lie in {pretrained.fetch()}")


@command(
    "list what is wrong with a data set",
    argument("dataset", type=Path, help="a folder with images/ and annotations/"),
    argument("--fix", action="store_true", help="write a repaired copy; the data set itself is not changed"),
    argument("--out", type=Path, metavar="DIR", help="the folder for the copy, DATASET-fixed by default"),
)
def check(options: Options) -> int:
    """Print each finding on standard output, on a line that begins with the file, and a table of them on standard
    error. With --fix, also write a repaired copy; the exit code is then 0 if the copy is good."""
    from workshop_utils.data import findings, inspection, label_map, repair, voc

    if options.out and not options.fix:
        raise UsageError("usage: check takes --out only with --fix")
    out = options.out or repair.beside(options.dataset)
    if options.fix:
        repair.refuse(options.dataset, out)
    try:
        found = inspection.inspect(options.dataset)
    except (label_map.LabelMapError, voc.VocError) as fault:
        print(fault)
        return 1
    for line in (*found.findings, *filter(None, [found.fault])):
        print(line, flush=True)
    boxes = sum(len(each.annotation.boxes) for each in found.usable)
    good = f"{len(found.usable)} photos with {boxes} boxes are good"
    print(f"{good}; {len(found.findings)} findings." if found.findings else f"{good}. No findings.", file=sys.stderr)
    if found.said:
        print(findings.summary(found.said), file=sys.stderr)
    if options.fix and (found.findings or found.fault):
        return _fix(found, out)
    if options.fix:
        print("There is nothing to repair, so no copy was written.", file=sys.stderr)
    return 1 if found.findings or found.fault else 0


def _fix(found, out: Path) -> int:
    """Write the repaired copy of an inspected data set and print what is in it."""
    from workshop_utils.data import repair

    copied = repair.copy(found, out)
    for line in copied.said:
        print(line)
    said = f"Wrote {copied.folder}: {copied.photos} photos; {len(copied.set_aside)} files are set aside in its"
    print(f"{said} {repair.SET_ASIDE}/; what was done is in {repair.REPORT}.", file=sys.stderr)
    return 0


@command(
    "write a data set as TFRecords in several files, for large data sets or several machines",
    argument("dataset", type=Path, help="a folder with images/ and annotations/, or with records"),
    argument("--out", type=Path, required=True, metavar="DIR", help="the folder for the records"),
    argument("--shards", type=count, default=4, metavar="N", help="how many files for each of the two parts"),
)
def shard(options: Options) -> None:
    from workshop_utils.data import tfrecords

    data = _load(options.dataset)
    tfrecords.write(data, options.out, options.shards)
    print(f"Wrote {len(data.samples)} photos as records, in {options.shards} shards each, to {options.out}")


@command(
    "train a detector, or resume training where it stopped",
    argument("dataset", type=Path, help="a folder with images/ and annotations/, or with records"),
    argument("--strategy", choices=_strategy_names, default="fine_tune"),
    argument("--architecture", choices=_architecture_names),
    argument("--recipe", help="quick, workshop or seed"),
    argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="change settings of the recipe"),
    argument("--train-from", metavar="LAYER", help="fine_tune: freeze this layer and all before it; '' freezes none"),
    argument("--views", type=int, metavar="N", help="fine_tune: cache the frozen layers' output for N views of each "
             "photo; 0: no cache, a new view each time"),
    argument("--thaw", type=share, metavar="SHARE", help="fine_tune: freeze only after this share of steps, 0 to 1"),
    argument("--train-on", type=lines, metavar="LIST", help="a text file with the training photos to use, one a line"),
    argument("--experiment", type=Path, metavar="RUN", help="the folder of this run"),
    argument("--workers", metavar="HOST:PORT,...", help="train on several machines: their addresses, the same on each"),
    argument("--index", type=int, metavar="I", help="which of the workers this is, from 0; worker 0 keeps the run"),
)  # fmt: skip
def train(options: Options) -> None:
    """Train in this process alone, or together with others if --workers or TF_CONFIG names them."""
    from workshop_utils.core import settings
    from workshop_utils.training import distributed, trainer
    from workshop_utils.training.plan import Plan

    recipe = settings.recipe(options.recipe, **_changes(options.set))
    team = _team(options)
    data = _load(options.dataset)
    folder = options.experiment or settings.RUNS / f"{options.strategy}-{recipe.name}"
    plan = Plan.of(
        data,
        options.strategy,
        recipe,
        source=options.dataset.resolve(),
        train_on=options.train_on,
        architecture=options.architecture,
        **_freezing(options, team),
    )
    run = distributed.train_together(team, plan, data, folder) if team else trainer.train(plan, data, folder)
    print(json.dumps(run.metrics()) if run else "Done. The run is on the machine of worker 0.")


def _freezing(options: Options, team) -> dict:
    """Return what the options say about freezing. A team freezes from the start and caches nothing by default."""
    from workshop_utils.training import strategies

    default = {"thaw": 0.0, "views": 0} if team and strategies.get(options.strategy).freezes else {}
    given = {"train_from": options.train_from, "thaw": options.thaw, "views": options.views}
    return default | {key: value for key, value in given.items() if value is not None}


def _team(options: Options):
    """Return the team to train in, or None to train alone. TensorFlow must not have computed anything yet."""
    from workshop_utils.training import cluster_spec

    place = cluster_spec.place(options.workers, options.index)
    if place is None:
        return None
    from workshop_utils.training import distributed

    return distributed.join(place)


@command(
    "measure average precision",
    argument("source", metavar="RUN|coco"),
    argument("--data", type=Path, metavar="DATASET", help="score every photo of this data set"),
    argument("--out", type=Path, metavar="DIR", help="another folder for metrics.json"),
)
def evaluate(options: Options) -> None:
    """Print one line of JSON, and write it as metrics.json into the run and into --out. Without --data, the photos are
    the run's own validation split. What cannot be measured is null, and the JSON's `reason` says why."""
    from workshop_utils.core import files, phrases
    from workshop_utils.data import label_map
    from workshop_utils.evaluation import average_precision
    from workshop_utils.model import pretrained
    from workshop_utils.training import trainer
    from workshop_utils.training.run_folder import RunFolder

    if options.source == "coco":
        if options.data is None:
            raise UsageError("usage: evaluate coco needs --data DATASET")
        model, names, keeps_coco, folders = pretrained.coco_detector(), label_map.coco(), True, [options.out]
        data = _load(options.data)
        samples = data.samples
    else:
        experiment = RunFolder(Path(options.source))
        plan = experiment.plan
        model, names = trainer.load_model(experiment)
        keeps_coco = plan.chosen.keeps_coco_classes
        folders = [experiment.folder, options.out]
        data = _load(options.data or Path(plan.data))
        samples = data.samples if options.data else _validation(data, plan)
    metrics = average_precision.measure(model, samples, data.label_map, names, keeps_coco)
    for folder in filter(None, folders):
        files.make_folder(folder)
        RunFolder(folder).write_metrics(metrics)
    if unknown := average_precision.never_learned(samples, names):
        said = f"never learned these classes, so their AP is 0: {phrases.quoted(unknown)}"
        print(f"{options.source}: {said}. It knows: {phrases.quoted(names.values())}", file=sys.stderr)
    if "reason" in metrics:
        print(f"Not measured (null): {metrics['reason']}.", file=sys.stderr)
    print(json.dumps(metrics))


def _validation(data, plan):
    from workshop_utils.training.run_folder import RunFolderError

    if data.fingerprint() != plan.fingerprint:
        raise RunFolderError(
            f"{plan.data}: has changed since the run was trained on it, so its validation split is unknown. "
            "Name a data set with --data."
        )
    return plan.split(data)[1]


@command(
    "write a checkpoint for other programs",
    argument("run", type=Path),
    argument("--checkpoint", type=int, metavar="STEP"),
    argument("--formats", nargs="+", choices=_format_names),
)
def export(options: Options) -> None:
    from workshop_utils.deploy import export
    from workshop_utils.training.run_folder import RunFolder

    paths = export.export(RunFolder(options.run), options.formats, options.checkpoint)
    for name, path in paths.items():
        print(f"{name}: {path}")


@command(
    "label new photos",
    argument("source", metavar="RUN|EXPORT|coco"),
    argument("photos", nargs="+", help="photos, or folders of them"),
    argument("--out", type=Path, required=True, metavar="DIR"),
    argument("--min-score", type=share, default=0.4, metavar="SCORE"),
    argument("--every-name", action="store_true", help="keep every name found for an object; by default only the best"),
)
def detect(options: Options) -> int:
    """Print a line for each photo on standard output, what was passed over and the sums on standard error."""
    from workshop_utils.core import phrases
    from workshop_utils.deploy import annotate, runtime

    for why, paths in annotate.passed_over(options.photos).items():
        print(f"Passed over {len(paths)} ({why}): {phrases.listed(paths)}", file=sys.stderr)
    photos = annotate.collect(options.photos)
    detector = runtime.open_detector(options.source)
    reports = annotate.annotate(detector, photos, options.out, options.min_score, options.every_name)
    for report in reports:
        counts = ", ".join(f"{count} {name}" for name, count in report.counts.items()) or "nothing"
        print(report.fault or f"{report.path}: {counts}")
        for path in report.kept:
            print(f"{path}: was changed since it was written, and is kept. To have it written again, delete it.")
    faults, kept = sum(report.fault is not None for report in reports), sum(len(report.kept) for report in reports)
    said = f"{len(reports) - faults} photos labelled, {faults} left out"
    said += f", {kept} changed files kept" if kept else ""
    print(f"{said}; see {options.out}", file=sys.stderr)
    return 1 if faults else 0


def _load(folder: Path):
    """Open a data set in any known format, and print what had to be left out."""
    from workshop_utils.data import formats

    data = formats.open_dataset(folder)
    for finding in data.findings:
        print(finding, file=sys.stderr)
    if data.findings:
        print(f"{len(data.findings)} findings; {len(data.samples)} photos are used.", file=sys.stderr)
    return data


def _changes(pairs: list[str]) -> dict[str, str]:
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise UsageError(f"usage: --set takes NAME=VALUE, not '{wrong[0]}'")
    return dict(pair.split("=", 1) for pair in pairs)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code. An error is printed as one message on standard error."""
    try:
        options = _PARSER.parse_args(arguments)
        return options.command(options) or 0
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again: training resumes, other commands start over.", file=sys.stderr)
        return 1
    except (WorkshopError, OSError) as fault:
        print(fault, file=sys.stderr)
        return getattr(fault, "exit_code", WorkshopError.exit_code)


def run() -> None:
    """Run the command in sys.argv and exit. A file name that is not valid text is printed with escapes."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")
    sys.exit(main())

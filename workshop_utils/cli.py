"""The command line: fetch, check, shard, train, evaluate, export, detect.

Exit 0 good, 1 findings or failure, 2 usage.
"""

import argparse
import json
import pathlib
import sys

from workshop_utils.core.errors import WorkshopError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit code. Every fault is one message on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options) or 0
    except KeyboardInterrupt:
        print("\nStopped. Give the same command again: training goes on, all else begins anew.", file=sys.stderr)
        return 1
    except (WorkshopError, OSError) as fault:
        print(fault, file=sys.stderr)
        return 2 if type(fault).__name__ in ("SettingsError", "StrategyError") else 1


def fetch(options) -> None:
    from workshop_utils.model import pretrained

    print(f"The COCO weights lie in {pretrained.fetch()}")


def check(options) -> int:
    """List everything wrong with a data set on standard output, each finding on a line that begins with the file; sum
    it up in a table on standard error. With --fix, write a repaired copy: 0 is for a copy that is good, then."""
    from workshop_utils.data import findings, inspection, label_map, repair, voc

    if options.out and not options.fix:
        raise SystemExit(_usage("check takes --out only with --fix"))
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


def _fix(found, out: pathlib.Path) -> int:
    """Write the repaired copy of an examined data set and say what is in it."""
    from workshop_utils.data import repair

    copied = repair.copy(found, out)
    for line in copied.said:
        print(line)
    said = f"Wrote {copied.folder}: {copied.photos} photos; {len(copied.set_aside)} files are set aside in its"
    print(f"{said} {repair.SET_ASIDE}/; what was done is in {repair.REPORT}.", file=sys.stderr)
    return 0


def shard(options) -> None:
    from workshop_utils.data import tfrecords

    data = _load(options.dataset)
    tfrecords.write(data, options.out, options.shards)
    print(f"Wrote {len(data.samples)} photos as records, in {options.shards} shards each, to {options.out}")


def train(options) -> None:
    """Train in this process, or with other workers where --workers or TF_CONFIG names them."""
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
        train_from=options.train_from,
        **_freezing(options, team),
    )
    run = distributed.train_together(team, plan, data, folder) if team else trainer.train(plan, data, folder)
    print(json.dumps(run.metrics()) if run else "Done. The run is on the machine of worker 0.")


def _freezing(options, team) -> dict:
    """Return what the options say of freezing; a team freezes from the start and caches nothing by default."""
    from workshop_utils.training import strategies

    default = {"thaw": 0.0, "views": 0} if team and strategies.get(options.strategy).freezes else {}
    given = {"thaw": options.thaw, "views": options.views}
    return default | {key: value for key, value in given.items() if value is not None}


def _team(options):
    """Return the team to train in, None for one process. TensorFlow must not have computed anything before."""
    from workshop_utils.training import cluster_spec

    place = cluster_spec.place(options.workers, options.index)
    if place is None:
        return None
    from workshop_utils.training import distributed

    return distributed.join(place)


def evaluate(options) -> None:
    """Print one JSON line and write it as metrics.json into the run and into --out; without --data, on the run's own
    validation split."""
    from workshop_utils.core import files
    from workshop_utils.data import label_map
    from workshop_utils.evaluation import average_precision
    from workshop_utils.model import pretrained
    from workshop_utils.training import trainer
    from workshop_utils.training.run_folder import RunFolder

    if options.source == "coco":
        if options.data is None:
            raise SystemExit(_usage("evaluate coco needs --data DATASET"))
        model, names, keeps_coco, folders = pretrained.coco_detector(), label_map.coco(), True, [options.out]
        data = _load(options.data)
        samples = data.samples
    else:
        experiment = RunFolder(pathlib.Path(options.source))
        plan = experiment.plan
        model, names = trainer.load_model(experiment)
        keeps_coco, folders = plan.chosen.keeps_coco_classes, [experiment.folder, options.out]
        data = _load(options.data or pathlib.Path(plan.data))
        samples = data.samples if options.data else _validation(data, plan)
    metrics = average_precision.evaluate(model, samples, data.label_map, names).as_json()
    if keeps_coco:
        metrics["class_agnostic"] = average_precision.class_agnostic(model, samples, names)
    for folder in filter(None, folders):
        files.make_folder(folder)
        files.write_text(json.dumps(metrics, indent=2, ensure_ascii=False) + "\n", folder / "metrics.json")
    print(json.dumps(metrics))


def export(options) -> None:
    from workshop_utils.deploy import export
    from workshop_utils.training.run_folder import RunFolder

    paths = export.export(RunFolder(options.run), options.formats, options.checkpoint)
    for name, path in paths.items():
        print(f"{name}: {path}")


def detect(options) -> int:
    from workshop_utils.deploy import annotate, runtime

    reports = annotate.annotate(
        runtime.open_detector(options.source),
        annotate.collect(options.photos),
        options.out,
        options.min_score,
        options.every_name,
    )
    for report in reports:
        counts = ", ".join(f"{count} {name}" for name, count in report.counts.items()) or "nothing"
        print(report.fault or f"{report.path}: {counts}")
    faults = sum(report.fault is not None for report in reports)
    print(f"{len(reports) - faults} photos labelled, {faults} left out; see {options.out}", file=sys.stderr)
    return 1 if faults else 0


def _load(folder: pathlib.Path):
    """Load a data set and say what had to be left out."""
    from workshop_utils.data import dataset, tfrecords

    data = tfrecords.read(folder) if tfrecords.are_in(folder) else dataset.load(folder)
    for finding in data.findings:
        print(finding, file=sys.stderr)
    if data.findings:
        print(f"{len(data.findings)} findings; {len(data.samples)} photos are used.", file=sys.stderr)
    return data


def _validation(data, plan):
    from workshop_utils.training.run_folder import RunFolderError

    if data.fingerprint() != plan.fingerprint:
        raise RunFolderError(
            f"{plan.data}: has changed since the run was trained on it, so its validation split cannot be told. "
            "Name a data set with --data."
        )
    return data.split(plan.recipe.photos)[1]


def _changes(pairs: list[str]) -> dict[str, str]:
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise SystemExit(_usage(f"--set takes NAME=VALUE, not '{wrong[0]}'"))
    return dict(pair.split("=", 1) for pair in pairs)


def _usage(message: str) -> int:
    print(f"usage: {message}", file=sys.stderr)
    return 2


def _lines(path: str) -> list[str]:
    """The lines of a text file that hold anything."""
    try:
        lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise argparse.ArgumentTypeError(f"{path} cannot be read ({fault}); it should name one photo a line") from None
    return [line.strip() for line in lines if line.strip()]


def _share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def _count(text: str) -> int:
    value = int(text)
    if not 0 < value < 100_000:
        raise argparse.ArgumentTypeError(f"{text} is not between 1 and 99999")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workshop_utils", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    folder = pathlib.Path

    def command(run, text: str):
        added = commands.add_parser(run.__name__, help=text, description=text)
        added.set_defaults(command=run)
        return added

    command(fetch, "fetch and verify the COCO weights")
    added = command(check, "list what is wrong with a data set")
    added.add_argument("dataset", type=folder, help="a folder with images/ and annotations/")
    added.add_argument("--fix", action="store_true", help="write a repaired copy; the data set itself is not changed")
    added.add_argument("--out", type=folder, metavar="DIR", help="where the copy goes; else DATASET-fixed")
    added = command(shard, "write a data set as TFRecords in several files, for many photos or several machines")
    added.add_argument("dataset", type=folder, help="a folder with images/ and annotations/")
    added.add_argument("--out", type=folder, required=True, metavar="DIR")
    added.add_argument("--shards", type=_count, default=4, metavar="N", help="how many files for each of the two parts")
    added = command(train, "train a detector, or go on where training stopped")
    added.add_argument("dataset", type=folder, help="a folder with images/ and annotations/, or with records")
    added.add_argument("--strategy", default="fine_tune")
    added.add_argument("--recipe", help="quick, workshop or seed")
    added.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="change the recipe")
    added.add_argument(
        "--train-from", metavar="LAYER", help="fine_tune: freeze this layer and all before it; '' freezes nothing"
    )
    added.add_argument(
        "--views",
        type=int,
        metavar="N",
        help="fine_tune: frozen layers see N views of each photo, once; 0: a new one each time",
    )
    added.add_argument(
        "--thaw", type=_share, metavar="SHARE", help="fine_tune: freeze only after this share of the steps, 0 to 1"
    )
    added.add_argument("--train-on", type=_lines, metavar="LIST", help="a text file naming the training photos to use")
    added.add_argument("--experiment", type=folder, metavar="RUN", help="the folder of this run")
    added.add_argument(
        "--workers", metavar="HOST:PORT,...", help="train with others: the addresses of all, the same for each"
    )
    added.add_argument("--index", type=int, metavar="I", help="which of the workers this is, from 0; 0 keeps the run")
    added = command(evaluate, "measure average precision")
    added.add_argument("source", metavar="RUN|coco")
    added.add_argument("--data", type=folder, metavar="DATASET", help="score every photo of this data set")
    added.add_argument("--out", type=folder, metavar="DIR", help="where else metrics.json goes")
    added = command(export, "write a checkpoint for other programs")
    added.add_argument("run", type=folder)
    added.add_argument("--checkpoint", type=int, metavar="STEP")
    added.add_argument(
        "--formats",
        nargs="+",
        default=["saved_model", "litert", "onnx"],
        choices=("saved_model", "litert", "onnx", "litert_int8"),
    )
    added = command(detect, "label new photos")
    added.add_argument("source", metavar="RUN|EXPORT|coco")
    added.add_argument("photos", nargs="+", help="photos, or folders of them")
    added.add_argument("--out", type=folder, required=True, metavar="DIR")
    added.add_argument("--min-score", type=_share, default=0.4, metavar="SCORE")
    added.add_argument(
        "--every-name", action="store_true", help="keep all names that one object is found by; else only the surest"
    )
    return parser


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # a file's name may be no text
    sys.exit(main())

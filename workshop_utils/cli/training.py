"""Commands for runs: train, evaluate."""

import dataclasses
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from workshop_utils.cli.parser import (
    CHECKPOINT,
    COCO_ARCHITECTURE,
    DATASET,
    GROUPS,
    SPLIT,
    architecture_names,
    check_architecture,
    command,
    load,
)
from workshop_utils.core.arguments import Options, argument, count, lines, share
from workshop_utils.core.errors import UsageError

if TYPE_CHECKING:
    from workshop_utils.data.dataset import Dataset
    from workshop_utils.data.groups import Grouping
    from workshop_utils.training.plan import Plan, StartFrom


def _strategy_names() -> Iterable[str]:
    from workshop_utils.training import strategies

    return strategies.STRATEGIES


@command(
    "train a detector, or resume training where it stopped",
    argument("dataset", type=Path, help=DATASET),
    argument("--strategy", choices=_strategy_names, default="fine_tune", help="default: fine_tune"),
    argument("--architecture", choices=architecture_names, help="the network; default: ssdlite_mobilenet_v2"),
    argument("--start-from", type=Path, metavar="RUN", help="fine_tune: start from the last checkpoint of another run, "
             "with new photos or classes; it keeps the classes that both have"),
    argument("--recipe", help="quick, workshop or seed"),
    argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="change settings of the recipe"),
    argument("--train-from", metavar="LAYER", help="fine_tune: freeze this layer and all before it; '' freezes none"),
    argument("--views", type=int, metavar="N", help="fine_tune: freeze more layers, and cache their output for N "
             "views of each photo; 0: no cache, a new view at each step"),
    argument("--thaw", type=share, metavar="SHARE", help="fine_tune: freeze only after this share of steps, 0 to 1"),
    argument("--train-on", type=lines, metavar="LIST", help="a text file that lists the training photos, one per line"),
    SPLIT,
    GROUPS,
    argument("--patience", type=count, metavar="N", help="stop after N evaluations in a row without a higher AP"),
    argument("--experiment", type=Path, metavar="RUN", help="the folder of this run"),
    argument("--workers", metavar="HOST:PORT,...", help="train on several machines: the addresses "
             "of all, the same list on each"),
    argument("--index", type=int, metavar="I", help="the number of this worker, from 0; worker 0 keeps the run"),
)  # fmt: skip
def train(options: Options) -> None:
    """Train in this process alone, or together with others if --workers or TF_CONFIG names them."""
    from workshop_utils.core import settings
    from workshop_utils.data import given_split
    from workshop_utils.training import distributed, strategies, trainer
    from workshop_utils.training.plan import Plan

    changes = _changes(options.set)
    recipe = settings.recipe(options.recipe, **changes)
    team = _team(options)
    data = load(options.dataset)
    if (parts := given_split.summary(data.samples)) and options.split is None:
        print(f"The data set comes with a split ({parts}). To keep it, add --split given.", file=sys.stderr)
    folder = options.experiment or settings.RUNS / f"{options.strategy}-{recipe.name}"
    given = {"train_from": options.train_from, "thaw": options.thaw, "views": options.views}
    given = {key: value for key, value in given.items() if value is not None}
    start, architecture = _start(options.start_from, options.architecture, folder)
    plan = Plan.of(
        data,
        options.strategy,
        recipe,
        source=options.dataset.resolve(),
        train_on=options.train_on,
        keep_split=options.split == "given",
        architecture=architecture,
        start_from=start,
        patience=options.patience,
        groups=_groups(options, data, folder),
        **({"views": 0} if team and strategies.get(options.strategy).freezes else {}) | given,
    )
    if team:
        run = distributed.train_together(team, plan, data, folder)
    else:
        options_kept = {"start_from": "start_from", "patience": "patience", "split": "keep_split", "groups": "groups"}
        left_out = [field for name, field in options_kept.items() if getattr(options, name) is None]
        run = trainer.train(_as_begun(plan, folder, changes, given, left_out), data, folder)
    print(json.dumps(run.metrics()) if run else "Done. The run is on the machine of worker 0.")


def _groups(options: Options, data: "Dataset", run_folder: Path) -> "Grouping | None":
    """Return the groups of photos, and print a summary. A run that has begun keeps its own."""
    from workshop_utils.data import groups
    from workshop_utils.training.run_folder import RunFolder

    if options.split == "given":
        if options.groups:
            raise UsageError("usage: train takes either --split given or --groups: a given split divides the photos")
        return None
    if options.groups is None and RunFolder(run_folder).is_started():
        return RunFolder(run_folder).plan.groups
    grouping = groups.by(options.groups or groups.DEFAULT, data.samples)
    if grouping.photos:
        print(f"{grouping.summary}. No group is divided between training and validation.", file=sys.stderr)
    if len(data.samples) > 1 and any(len(names) == len(data.samples) for names in grouping.photos):
        print(
            "All photos are one group, so no photo is kept for validation, and AP cannot be measured. If they show "
            "different scenes, as photos of a fixed camera do, choose another grouping: --groups none.",
            file=sys.stderr,
        )
    return grouping


def _start(folder: Path | None, architecture: str | None, run_folder: Path) -> "tuple[StartFrom | None, str | None]":
    """Return the checkpoint to start from, and the architecture.

    A run that has begun keeps its own checkpoint, even if the other run is gone.
    """
    from workshop_utils.training import starting_weights
    from workshop_utils.training.run_folder import RunFolder

    if folder is None:
        return None, architecture
    begun = RunFolder(run_folder).plan if RunFolder(run_folder).is_started() else None
    if begun and begun.start_from and begun.start_from.run == str(folder.resolve()):
        return begun.start_from, architecture or begun.architecture
    return starting_weights.choose(folder, architecture), RunFolder(folder).plan.architecture


def _as_begun(
    plan: "Plan", folder: Path, changes: dict[str, str], freezing: dict[str, object], left_out: list[str]
) -> "Plan":
    """Return the plan for a command that may resume a run: settings it leaves out are those of the run.

    So the command that began a run resumes it even if the defaults have changed since.
    """
    from workshop_utils.training.run_folder import RunFolder

    run = RunFolder(folder)
    if not run.is_started():
        return plan
    kept = run.plan
    if (kept.strategy, kept.recipe.name) != (plan.strategy, plan.recipe.name):
        return plan
    recipe = dataclasses.replace(kept.recipe, **{name: getattr(plan.recipe, name) for name in changes})
    frozen = kept.freezing and dataclasses.replace(kept.freezing, **freezing)
    begun = {name: getattr(kept, name) for name in left_out}
    return dataclasses.replace(plan, recipe=recipe, freezing=frozen, **begun)


def _team(options: Options):
    """Return the team to train in, or None to train alone. TensorFlow must not have computed anything yet."""
    from workshop_utils.training import cluster_spec

    cluster = cluster_spec.resolve(options.workers, options.index)
    if cluster is None:
        return None
    from workshop_utils.training import distributed

    return distributed.join(cluster)


def _changes(pairs: list[str]) -> dict[str, str]:
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise UsageError(f"usage: --set takes NAME=VALUE, not '{wrong[0]}'")
    return dict(pair.split("=", 1) for pair in pairs)


@command(
    "measure average precision",
    argument("source", metavar="RUN|coco", help="a run's folder, or coco for COCO's detector"),
    argument("--data", type=Path, metavar="DATASET", help="evaluate on all photos of this data set; by default on the "
             "run's validation set"),
    COCO_ARCHITECTURE,
    CHECKPOINT,
    argument("--out", type=Path, metavar="DIR", help="also write metrics.json to this folder"),
)  # fmt: skip
def evaluate(options: Options) -> None:
    """Print the metrics as one line of JSON, and write them to metrics.json in the run and in --out.

    Without --data, the photos are the run's validation set. A value that cannot be measured is null, and `reason` in
    the JSON says why.
    """
    from workshop_utils.core import files, phrases
    from workshop_utils.data import label_map
    from workshop_utils.evaluation import average_precision
    from workshop_utils.model import architectures, pretrained
    from workshop_utils.training import checkpoints, trainer
    from workshop_utils.training.run_folder import RunFolder

    _check_source(options)
    about_run = {}
    if options.source == "coco":
        model = pretrained.coco_detector(architecture=architectures.get(options.architecture))
        names, keeps_coco, folders = label_map.coco(), True, [options.out]
        data = load(options.data)
        samples = data.samples
    else:
        experiment = RunFolder(Path(options.source))
        plan = experiment.plan
        if not (options.data or plan.data):
            raise UsageError(f"usage: {options.source} was imported and has no validation set; add --data DATASET")
        step = checkpoints.choose(experiment, options.checkpoint)
        model, names = trainer.load_model(experiment, step)
        about_run = checkpoints.named(experiment, step)
        keeps_coco, folders = plan.chosen.keeps_coco_classes, [experiment.folder, options.out]
        data = load(options.data or Path(plan.data))
        samples = data.samples if options.data else _validation(data, plan)
    metrics = average_precision.measure(model, samples, data.label_map, names, keeps_coco) | about_run
    for folder in filter(None, folders):
        files.make_folder(folder)
        RunFolder(folder).write_metrics(metrics)
    if unknown := average_precision.unknown_classes(samples, names):
        what = f"never learned these classes, so their AP is 0: {phrases.quoted(unknown)}"
        print(f"{options.source}: {what}. Its classes are: {phrases.quoted(names.values())}", file=sys.stderr)
    if "reason" in metrics:
        print(f"Not measured (null): {metrics['reason']}.", file=sys.stderr)
    print(json.dumps(metrics))


def _check_source(options: Options) -> None:
    if options.source == "coco" and options.data is None:
        raise UsageError("usage: evaluate coco needs --data DATASET")
    if options.source == "coco" and options.checkpoint != "last":
        raise UsageError("usage: evaluate takes --checkpoint only with a run")
    check_architecture(options)


def _validation(data, plan):
    """Return a run's validation set. Raises RunFolderError if its data set has changed."""
    from workshop_utils.training.run_folder import RunFolderError

    if data.fingerprint() != plan.fingerprint:
        what = f"{plan.data}: has changed since training, so the run's validation set cannot be reconstructed."
        raise RunFolderError(f"{what} Name a data set with --data.")
    return plan.split(data)[1]

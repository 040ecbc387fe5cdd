"""Detectors that have not seen the photo's labels judge them: each photo is left out of one training run."""

import dataclasses
import pathlib
from collections.abc import Sequence

from workshop_utils.core import settings
from workshop_utils.curation import judging
from workshop_utils.curation.judging import Answers, Crops
from workshop_utils.data import dataset, groups
from workshop_utils.data.dataset import Dataset, DatasetError, Sample
from workshop_utils.evaluation.average_precision import Result
from workshop_utils.training import trainer
from workshop_utils.training.plan import Plan

FOLDS = 3
"""The number of training runs. Each leaves out a third of the photos, and detects in them."""


def ask(data: Dataset, folder: pathlib.Path, folds: int = FOLDS, recipe: settings.Recipe | None = None) -> Answers:
    """Train a detector for each fold, and return what the one that has not seen a photo says about it.

    Run folders are `folder/fold-1` and so on. After an interruption, the same call resumes; finished runs are reused.

    Args:
        data: The data set.
        folder: The folder of the runs.
        folds: The number of runs.
        recipe: By default `quick`, which takes about a minute on two cores.

    Returns:
        For each sample the detections, whose class ids are those of `data.label_map`, and the crops.

    Raises:
        DatasetError: If there are fewer photos than folds that do not belong together.
        TrainingError, RunFolderError, WriteError: As `trainer.train`.
    """
    recipe = recipe or settings.recipe("quick")
    recipe = dataclasses.replace(recipe, evaluate_every=recipe.steps)
    found: dict[str, tuple[Result, Crops]] = {}
    for number, held_out in enumerate(divide(data.samples, folds), start=1):
        names = {sample.name for sample in held_out}
        parts = [dataclasses.replace(each, part="val" if each.name in names else "train") for each in data.samples]
        fold = dataclasses.replace(data, samples=parts)
        plan = Plan.of(fold, recipe=recipe, keep_split=True)
        run = trainer.train(plan, fold, folder / f"fold-{number}")
        model, _ = trainer.load_model(run)
        answers = judging.ask(model, held_out, number)
        for sample, result, crops in zip(held_out, answers.detections, answers.crops, strict=True):
            found[sample.name] = result, crops
    results, crops = zip(*(found[sample.name] for sample in data.samples))
    return Answers(list(results), list(crops))


def divide(samples: Sequence[Sample], folds: int) -> list[list[Sample]]:
    """Divide photos into folds of about the same size; near-duplicates are in the same fold. Raises DatasetError."""
    group_of = {
        name: number for number, names in enumerate(groups.by(groups.DEFAULT, samples).photos) for name in names
    }
    together: dict[object, list[Sample]] = {}
    for sample in dataset.shuffled(samples):
        together.setdefault(group_of.get(sample.name, sample.name), []).append(sample)
    if len(together) < folds:
        raise DatasetError(f"{len(samples)} photos cannot be divided into {folds} folds. Label more photos.")
    parts: list[list[Sample]] = [[] for _ in range(folds)]
    for unit in sorted(together.values(), key=len, reverse=True):
        min(parts, key=len).extend(unit)
    return parts

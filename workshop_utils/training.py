"""The training loop: batches in, weights changed, everything written down as it happens."""

import dataclasses
import json
import pathlib
import time

import filelock
import keras
import tensorflow as tf
from tqdm.auto import tqdm

from workshop_utils import dataset, evaluation, files, settings, strategies
from workshop_utils.experiment import Experiment, ExperimentError, History, Plan
from workshop_utils.losses import multibox_loss

MOMENTUM = 0.9
CLIP_NORM = 10.0
ROW_EVERY = 10
SAVE_EVERY_SECONDS = 10.0


def train(
    strategy: str,
    data: dataset.Dataset,
    recipe: settings.Recipe,
    folder: pathlib.Path,
    source: str = "",
    train_from: str | None = None,
    watch=None,
) -> Experiment:
    """Train by `strategy` on the data's training split, measure AP on its validation split; return the experiment.

    The same call again goes on where the last one stopped, and does nothing where it had finished. `source` is where
    the data lies, for whoever evaluates the run later. `watch`, if given, is called with each row of the history.
    Raises ExperimentError where `folder` holds another run or another process is training in it.
    """
    if strategy == "fine_tune" and train_from is None:
        train_from = strategies.TRAIN_FROM
    experiment = Experiment(pathlib.Path(folder))
    plan = Plan(strategy, recipe, data.label_map, str(source), data.fingerprint(), train_from)
    experiment.begin(plan)
    lock = filelock.FileLock(experiment.folder / "lock")
    try:
        with lock.acquire(timeout=0):
            _train(plan, data, experiment, watch)
    except filelock.Timeout:
        raise ExperimentError(f"{folder}: another process is training here. Wait for it, or choose another folder.") from None
    return experiment


def shared_run(strategy: str, data: dataset.Dataset, recipe: settings.Recipe, watch=None) -> Experiment:
    """Train on the workshop's photos in the folder that all notebooks share, or take what one of them made there.

    The folder is named after the recipe and the data's fingerprint, so other photos or steps make another run.
    """
    folder = settings.RUNS / f"{recipe.name}-{data.fingerprint()}" / strategy
    return train(strategy, data, recipe, folder, settings.YOGHURT, watch=watch)


def load_model(experiment: Experiment, step: int | None = None) -> tuple[keras.Model, dict[int, str]]:
    """Return the detector at a checkpoint (the last one, without `step`) and what its class ids mean."""
    plan = experiment.plan
    if plan.strategy == "as_is":
        strategy = strategies.as_is(plan.label_map)
        return strategy.model, strategy.label_map
    from workshop_utils import detector

    checkpoint = experiment.checkpoint(step)
    model = detector.build(max(plan.label_map))
    try:
        model.load_weights(checkpoint)
    except (OSError, ValueError, KeyError) as fault:
        raise ExperimentError(f"{checkpoint}: cannot be loaded ({fault}). Take another checkpoint of this run.") from None
    return model, plan.label_map


def make_step(model: keras.Model, optimizer, batch_norm_learns: bool):
    """Return the compiled training step: (images, box targets, class targets) -> (localisation, classification) loss."""

    @tf.function
    def step(images, box_targets, class_targets):
        with tf.GradientTape() as tape:
            box_encodings, class_logits = model(images, training=batch_norm_learns)
            localisation, classification = multibox_loss(box_targets, class_targets, box_encodings, class_logits)
            loss = localisation + classification
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return localisation, classification

    return step


def make_optimizer(recipe: settings.Recipe) -> keras.optimizers.Optimizer:
    """Return SGD with momentum; its rate rises over the recipe's warmup, then falls to zero along a cosine."""
    rate = keras.optimizers.schedules.CosineDecay(
        0.0 if recipe.warmup else recipe.learning_rate,
        max(1, recipe.steps - recipe.warmup),
        warmup_target=recipe.learning_rate if recipe.warmup else None,
        warmup_steps=recipe.warmup,
    )
    return keras.optimizers.SGD(rate, momentum=MOMENTUM, global_clipnorm=CLIP_NORM)


def _train(plan: Plan, data: dataset.Dataset, experiment: Experiment, watch) -> None:
    recipe = plan.recipe
    finished = (experiment.folder / "metrics.json").exists() and recipe.steps in (experiment.steps() or [0])
    if finished:
        return
    training, validation = data.split(recipe.photos)
    keras.utils.set_random_seed(recipe.seed)
    strategy = strategies.prepare(plan.strategy, data.label_map, plan.train_from)

    def measure() -> dict:
        return measured(strategy, validation, data.label_map)

    if strategy.trains:
        _run(strategy, training, data.label_map, recipe, experiment, measure, watch)
    files.write_text(json.dumps(measure(), indent=2) + "\n", experiment.folder / "metrics.json")


def measured(strategy, validation, label_map) -> dict:
    """Return the metrics of a model by class, and for one that keeps its own classes also class-agnostic."""
    result = evaluation.evaluate(strategy.model, validation, label_map, strategy.label_map).as_json()
    if not strategy.trains:
        result["class_agnostic"] = evaluation.class_agnostic(strategy.model, validation, strategy.label_map)
    return result


def _run(strategy, training, label_map, recipe, experiment, measure, watch) -> None:
    model, optimizer = strategy.model, make_optimizer(recipe)
    optimizer.build(model.trainable_variables)
    variables = [*model.variables, *optimizer.variables]
    start, before = experiment.load_state(variables)
    if start:
        print(f"Resuming at step {start}", flush=True)
    step_once = make_step(model, optimizer, strategy.batch_norm_learns)
    began = saved = time.monotonic()
    rows, done = [], start
    bar = tqdm(total=recipe.steps, initial=start, desc=strategy.name, unit="step")
    writer = tf.summary.create_file_writer(str(experiment.folder / "tensorboard"))
    with History(experiment, start) as history, bar, writer.as_default():
        try:
            for batch in dataset.batches(training, label_map, recipe.batch_size, recipe.seed, start, recipe.steps):
                rows.append([float(loss) for loss in step_once(*batch)])
                done += 1
                bar.update()
                last = done == recipe.steps
                evaluated = last or done % recipe.evaluate_every == 0
                if done % ROW_EVERY == 0 or evaluated:
                    localisation, classification = (sum(column) / len(rows) for column in zip(*rows))
                    rows = []
                    row = {"step": done, "seconds": before + time.monotonic() - began,
                           "learning_rate": float(optimizer.learning_rate), "loss": localisation + classification,
                           "localisation": localisation, "classification": classification}
                    if evaluated:
                        scores = measure()
                        row |= {"AP": scores["AP"], "AP50": scores["AP50"]}
                    history.add(**row)
                    for key, value in row.items():
                        tf.summary.scalar(key, value, step=done)
                    bar.set_postfix(loss=f"{row['loss']:.3f}", **({"AP50": f"{row['AP50']:.2f}"} if evaluated else {}))
                    if watch:
                        watch(row)
                if last or done % recipe.checkpoint_every == 0:
                    experiment.save_checkpoint(model, done)
                if last or time.monotonic() - saved > SAVE_EVERY_SECONDS:
                    experiment.save_state(variables, done, before + time.monotonic() - began)
                    saved = time.monotonic()
        except KeyboardInterrupt:
            experiment.save_state(variables, done, before + time.monotonic() - began)
            raise

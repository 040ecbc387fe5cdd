"""The training loop: batches in, weights changed, everything written down as it happens."""

import hashlib
import json
import pathlib
import shutil
import time

import filelock
from tqdm.auto import tqdm

from workshop_utils.core import files, settings
from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.data import dataset
from workshop_utils.evaluation import average_precision
from workshop_utils.model import ssdlite_mobilenet_v2
from workshop_utils.model.losses import multibox_loss
from workshop_utils.training import schedule, strategies
from workshop_utils.training.fast import precision
from workshop_utils.training.fast.optimizer import Momentum
from workshop_utils.training.run_folder import History, Plan, Progress, RunFolder, RunFolderError

MOMENTUM = 0.9
CLIP_NORM = 10.0
ROW_EVERY = 10
SAVE_EVERY_SECONDS = 5.0
"""With a step and the saving itself, at most ten seconds of training are lost."""


def train(
    strategy: str,
    data: dataset.Dataset,
    recipe: settings.Recipe,
    folder: pathlib.Path,
    source: str = "",
    train_from: str | None = None,
    watch=None,
    train_on: list[str] | None = None,
    views: int | None = None,
    thaw: float | None = None,
    team=None,
) -> RunFolder:
    """Train by `strategy` on the data's training split, measure AP on its validation split; return the experiment.

    The same call again goes on where the last one stopped, and does nothing where it had finished. `source` is where
    the data lies, for whoever evaluates the run later. `watch`, if given, is called with each row of the history.
    `train_on` names the training photos to use, where not all are wanted; validation stays the same. What follows is
    for fine_tune (see `stages`): `train_from` is the last layer that is frozen, `thaw` the share of the steps before it
    is, `views` how many augmented views of each photo the frozen layers see; 0 shows them a new one each time. `team`
    is a `cluster.Team` whose other workers compute their parts of each step meanwhile.

    Raises DatasetError for a name in `train_on` that no training photo has, ExperimentError where `folder` holds
    another run or a link out of it, or another process is training in it, WriteError where it cannot be written to.
    """
    if strategy == "fine_tune":
        train_from = strategies.TRAIN_FROM if train_from is None else train_from
        thaw = strategies.THAW if thaw is None else thaw
    experiment = RunFolder(pathlib.Path(folder))
    plan = Plan(strategy, recipe, data.label_map, str(source), data.fingerprint(), train_from, train_on, views, thaw)
    files.make_folder(experiment.folder)
    experiment.refuse_links()
    lock = filelock.FileLock(experiment.folder / "lock")
    try:
        with lock.acquire(timeout=0):
            experiment.begin(plan)
            files.sweep(experiment.folder)
            files.sweep(experiment.checkpoints)
            _train(plan, data, experiment, watch, team)
    except filelock.Timeout:
        raise RunFolderError(
            f"{folder}: another process is training here. Wait for it, or choose another folder."
        ) from None
    return experiment


def shared_run(strategy: str, data: dataset.Dataset, recipe: settings.Recipe, watch=None, train_on=None) -> RunFolder:
    """Train on the workshop's photos in the folder that all notebooks share, or take what one of them made there.

    The folder is named after the recipe and a digest of it and the data, so other photos or steps make another run.
    `watch` and `train_on` are as for `train`.
    """
    digest = hashlib.sha256(f"{recipe} {data.fingerprint()} {train_on or ''}".rstrip().encode()).hexdigest()[:8]
    folder = settings.RUNS / f"{recipe.name}-{digest}" / strategy
    return train(strategy, data, recipe, folder, settings.YOGHURT, watch=watch, train_on=train_on)


def load_model(experiment: RunFolder, step: int | None = None) -> tuple[keras.Model, dict[int, str]]:
    """Return the detector at a checkpoint (the last one, without `step`) and what its class ids mean."""
    plan = experiment.plan
    if plan.strategy == "as_is":
        strategy = strategies.as_is(plan.label_map)
        return strategy.model, strategy.label_map
    experiment.checkpoint(step)
    model = ssdlite_mobilenet_v2.build(max(plan.label_map))
    experiment.load_checkpoint(model, step)
    return model, plan.label_map


def make_step(model: keras.Model, optimizer, batch_norm_learns: bool, scaled=None, team=None):
    """Compile the training step: (inputs, box targets, class targets) -> (localisation, classification) loss.

    Inputs are images, or what the frozen layers made of them where `model` is the rest. `scaled`, if given, is a
    function of gradients, their weights and the number of steps done to the gradients that are used instead. With a
    `team` (see `cluster`) inputs are this worker's part of the batch; losses and gradients are those of the whole.
    """

    @tf.function(autograph=False)
    def step(inputs, box_targets, class_targets):
        inputs = tf.nest.map_structure(lambda each: tf.cast(each, tf.float32), inputs)
        with tf.GradientTape() as tape:
            box_encodings, class_logits = model(inputs, training=batch_norm_learns)
            outputs = tf.cast(box_encodings, tf.float32), tf.cast(class_logits, tf.float32)
            localisation, classification = multibox_loss(box_targets, class_targets, *outputs)
            loss = localisation + classification
        weights = model.trainable_variables
        gradients = tape.gradient(loss, weights)
        if team:
            of_all = team.mean(class_targets, localisation, classification, *gradients)
            localisation, classification, *gradients = of_all
        if scaled:
            gradients = scaled(gradients, weights, optimizer.iterations)
        optimizer.apply_gradients(zip(gradients, weights, strict=True))
        return localisation, classification

    return step


def make_optimizer(recipe: settings.Recipe) -> Momentum:
    """Return SGD with momentum; its rate rises over the recipe's warmup, then falls to zero along a cosine."""
    rate = keras.optimizers.schedules.CosineDecay(
        0.0 if recipe.warmup else recipe.learning_rate,
        max(1, recipe.steps - recipe.warmup),
        warmup_target=recipe.learning_rate if recipe.warmup else None,
        warmup_steps=recipe.warmup,
    )
    return Momentum(rate, momentum=MOMENTUM, global_clipnorm=CLIP_NORM)


def finished(plan: Plan, experiment: RunFolder) -> bool:
    """Return whether a run has been trained and measured to its end."""
    trained = plan.strategy == "as_is" or plan.recipe.steps in experiment.steps()
    return trained and (experiment.folder / "metrics.json").exists()


def _train(plan: Plan, data: dataset.Dataset, experiment: RunFolder, watch, team) -> None:
    recipe = plan.recipe
    if finished(plan, experiment):
        print(f"{'Measured' if plan.strategy == 'as_is' else 'Trained'} already: {experiment.folder}", flush=True)
        return
    training, validation = data.split(recipe.photos)
    if plan.train_on is not None:
        training = dataset.only(training, plan.train_on)
    keras.utils.set_random_seed(recipe.seed)
    strategy = strategies.prepare(plan.strategy, data.label_map, plan.train_from)

    def measure() -> dict:
        return measured(strategy, validation, data.label_map)

    scores = _run(strategy, plan, training, experiment, measure, watch, team) if strategy.trains else None
    shutil.rmtree(experiment.frozen, ignore_errors=True)
    files.write_text(json.dumps(scores or measure(), indent=2) + "\n", experiment.folder / "metrics.json")


def measured(strategy, validation, label_map) -> dict:
    """Return the metrics of a model by class, and for one that keeps its own classes also class-agnostic."""
    result = average_precision.evaluate(strategy.model, validation, label_map, strategy.label_map).as_json()
    if not strategy.trains:
        result["class_agnostic"] = average_precision.class_agnostic(strategy.model, validation, strategy.label_map)
    return result


def _run(strategy, plan: Plan, training, experiment, measure, watch, team) -> dict | None:
    """Train to the recipe's last step; return what `measure` gave there, None where it had been measured before.

    The state is saved before anything else is written about a step. So whatever an interruption left unwritten can
    be written from the state, when training goes on.
    """
    model, recipe, began = strategy.model, plan.recipe, time.monotonic()
    optimizer = make_optimizer(recipe)
    parts = schedule.stages(strategy, plan, training, experiment.frozen, team.part if team else slice(None))
    optimizer.build(parts[0].weights)
    variables = [*model.variables, *optimizer.variables]
    progress = experiment.load_state(variables)
    if team:
        team.share(variables)
    start = progress.step
    if start:
        print(f"Resuming at step {start}", flush=True)
        began = time.monotonic() - progress.seconds
    print(precision.description(schedule.policy(strategy)), flush=True)
    saved, scores = float("-inf"), None

    bar = tqdm(total=recipe.steps, initial=start, desc=strategy.name, unit="step")
    with bar, History(experiment, start) as history:

        def write_what_is_due() -> dict | None:
            step = progress.step
            measuring = _due(recipe, step, recipe.evaluate_every)
            if _due(recipe, step, recipe.checkpoint_every) and not (step == start and step in experiment.steps()):
                experiment.save_checkpoint(model, step)
            if history.last == step or not (measuring or step % ROW_EVERY == 0):
                return None
            scores = measure() if measuring else None
            row = _row(step, progress.seconds, float(optimizer.learning_rate), progress.losses, scores)
            history.add(**row)
            bar.set_postfix({key: f"{row[key]:.3f}" for key in ("loss", "AP50") if key in row})
            if watch:
                watch(row)
            return scores

        if start:
            scores = write_what_is_due()
        for part in parts:
            if progress.step >= part.stop:
                continue
            learner, batches = part.begin()
            step_once = make_step(learner, optimizer, strategy.batch_norm_learns, part.scaled, team)
            for batch in batches(progress.step, part.stop):
                losses = [] if history.last == progress.step else progress.losses
                losses = [*losses, [float(loss) for loss in step_once(*batch)]]
                bar.update()
                progress = Progress(int(optimizer.iterations), time.monotonic() - began, losses)
                due = _due(recipe, progress.step, recipe.evaluate_every) or progress.step == part.stop
                if due or time.monotonic() - saved > SAVE_EVERY_SECONDS:
                    experiment.save_state(variables, progress)
                    saved = time.monotonic()
                scores = write_what_is_due()
    return scores


def _due(recipe: settings.Recipe, step: int, every: int) -> bool:
    return step == recipe.steps or step % every == 0


def _row(step: int, seconds: float, rate: float, losses, scores: dict | None) -> dict[str, float]:
    """Return one row of the history: mean losses since the row before, and AP where it was measured."""
    localisation, classification = (sum(column) / len(losses) for column in zip(*losses, strict=True))
    row = {"step": step, "seconds": seconds, "learning_rate": rate, "loss": localisation + classification}
    row |= {"localisation": localisation, "classification": classification}
    return row | ({"AP": scores["AP"], "AP50": scores["AP50"]} if scores else {})

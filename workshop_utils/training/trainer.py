"""The training loop: compute a step for each batch, and call the callbacks after each step."""

import functools
import hashlib
import pathlib
import shutil
import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from workshop_utils.core import phrases, settings
from workshop_utils.core.errors import WorkshopError
from workshop_utils.core.tensorflow import keras
from workshop_utils.data import grouped_split
from workshop_utils.data.dataset import Dataset, Sample
from workshop_utils.evaluation import average_precision
from workshop_utils.model import architectures
from workshop_utils.training import callbacks as recording
from workshop_utils.training import checkpoints, memory, starting_weights
from workshop_utils.training.callbacks import Callback
from workshop_utils.training.plan import Plan
from workshop_utils.training.run_folder import Progress, RunFolder
from workshop_utils.training.schedule import Schedule, Stage
from workshop_utils.training.strategies import Detector
from workshop_utils.training.train_step import make_optimizer, make_step

if TYPE_CHECKING:
    from workshop_utils.training.distributed import Team

MAX_LOSS = 2.0**24
"""A loss at or above this means that training has diverged. A misclassified object adds about 1 to the loss, and from
2^24 on float32 is too coarse for that. Runs start below 100. The loss need not become infinite even at a learning rate
of 1e10, because gradients are clipped."""


class TrainingError(WorkshopError, RuntimeError):
    """Training that cannot continue. The message says at which step, and what to change."""


class Trainer:
    """Trains one detector by a plan.

    Attributes:
        plan: What to train, and how.
        model: The detector.
        team: The workers that train together; None in a single process.
        callbacks: Called after each step, in this order.
        stages: The stages of the schedule.
        optimizer: Changes the weights; has the number of steps done and the momentum of each weight.
        start: The step from which this process started; above 0 if it resumed.
        progress: Steps and seconds done, and the losses of each step since the last row of the history.
        stop: The step at which the current stage ends.
        scores: The metrics measured at the current step, or None.
        stopped_early: Whether a callback has ended training before its last step.
    """

    def __init__(
        self,
        plan: Plan,
        model: keras.Model,
        samples: list[Sample],
        cache: pathlib.Path,
        callbacks: Iterable[Callback] = (),
        team: "Team | None" = None,
        fast: bool = True,
    ):
        part = team.part if team else slice(None)
        self.plan, self.model, self.team, self.callbacks = plan, model, team, list(callbacks)
        self.stages = Schedule(plan, model, samples, cache, part, fast).stages()
        self.optimizer = make_optimizer(plan.recipe, fast)
        self.optimizer.build(self.stages[0].weights)
        self.start, self.stop, self.progress, self.scores = 0, self.stages[0].stop, Progress(), None
        self.stopped_early = False

    @property
    def variables(self) -> list[keras.Variable]:
        """The variables a resumed run needs: those of the detector and the optimizer."""
        return [*self.model.variables, *self.optimizer.variables]

    def resume(self, progress: Progress) -> None:
        """Start from `progress` instead of the first step."""
        self.start, self.progress = progress.step, progress

    def fit(self) -> None:
        """Train to the plan's last step, or until a callback ends it.

        Raises TrainingError if the loss is NaN or at least MAX_LOSS.
        """
        try:
            self.notify("on_begin")
            if self.team:
                self.team.broadcast(self.variables)
                self.resume(self.progress._replace(step=int(self.optimizer.iterations)))
            if self.start:
                self.notify("on_step")
            self._began = time.monotonic() - self.progress.seconds
            for stage in self.stages:
                if self.progress.step < stage.stop and not self.stopped_early:
                    self._train(stage)
        finally:
            self.notify("on_end")

    def _train(self, stage: Stage) -> None:
        self.stop = stage.stop
        network, batches = stage.begin()
        step = make_step(network, self.optimizer, self.plan.chosen.batch_norm_learns, stage.scaled, self.team)
        for batch in batches(self.progress.step, stage.stop):
            losses = [float(loss) for loss in step(*batch)]
            done, seconds = int(self.optimizer.iterations), time.monotonic() - self._began
            if not sum(losses) < MAX_LOSS:  # also true for NaN
                raise divergence_error(self.plan, f"the loss is {sum(losses):g} at step {done}")
            self.progress, self.scores = Progress(done, seconds, [*self.progress.losses, losses]), None
            self.notify("on_step")
            if self.stopped_early:
                return

    def check_weights(self) -> None:
        """Raise TrainingError if a variable has an infinite value or NaN."""
        if not all(np.isfinite(variable.numpy()).all() for variable in self.variables):
            raise divergence_error(self.plan, f"a weight is infinite or NaN at step {self.progress.step}")

    def reset_losses(self) -> None:
        """Forget the losses so far, so that the next row of the history averages only later ones."""
        self.progress = self.progress._replace(losses=[])

    def notify(self, event: str, *arguments: object) -> None:
        """Call the method `event` of each callback, in order."""
        for callback in self.callbacks:
            getattr(callback, event)(self, *arguments)


def divergence_error(plan: Plan, what: str) -> TrainingError:
    """Return the error for training that has diverged; `what` says what was observed, and at which step."""
    return TrainingError(
        f"Training has diverged: {what}. The learning rate {plan.recipe.learning_rate:g} is probably too high. Train "
        "in another folder with a lower one (--set learning_rate=...). Earlier checkpoints are unchanged."
    )


def train(
    plan: Plan,
    data: Dataset,
    folder: pathlib.Path,
    *,
    callbacks: Iterable[Callback] = (),
    team: "Team | None" = None,
    fast: bool = True,
) -> RunFolder:
    """Train by a plan, and measure average precision on the validation photos; return the run folder.

    If the run was interrupted, the same call resumes it; if it is finished, the call does nothing.

    Args:
        plan: What to train, and how; made for `data`.
        data: The data set, which the plan splits into training and validation photos.
        folder: Where the run is written: a new folder, or one with a run by the same plan.
        callbacks: Called after those that write the run.
        team: The connected workers, if several train together; this worker is the chief.
        fast: If False, compute with plain Keras layers and optimizer: the same results, in more time and memory.

    Raises:
        DatasetError: If a name in `plan.train_on` is not a training photo.
        RunFolderError: If `folder` holds another run or a link out of it, or another process is training in it.
        TrainingError: If training diverges.
        WriteError: If the folder cannot be written to.
    """
    run = RunFolder(pathlib.Path(folder))
    with run.locked():
        run.begin(plan)
        if run.is_finished():
            print(_finished(run, plan), flush=True)
            return run
        training, validation = plan.split(data)
        _warn_of_unmeasured(plan, validation)
        keras.utils.set_random_seed(plan.recipe.seed)
        model, names = starting_weights.load(plan, run)
        measure = functools.partial(evaluate, plan, model, names, validation)
        scores = None
        if plan.chosen.trains:
            writing = recording.for_run(run, measure)
            trainer = Trainer(plan, model, training, run.frozen, [*writing, *callbacks], team, fast)
            print(_device_and_precision(plan, fast), flush=True)
            memory.warn(plan, model)
            trainer.fit()
            scores = trainer.scores
        shutil.rmtree(run.frozen, ignore_errors=True)
        run.write_metrics((scores or measure()) | checkpoints.named(run))
        (run.folder / starting_weights.FILE).unlink(missing_ok=True)
    return run


def shared_run(
    strategy: str,
    data: Dataset,
    recipe: settings.Recipe,
    callbacks: Iterable[Callback] = (),
    train_on: list[str] | None = None,
    architecture: str = architectures.DEFAULT,
) -> RunFolder:
    """Train on the workshop's photos in a folder that all notebooks share, or return the finished run in it.

    The folder is named after the recipe and a digest of recipe and data, so other photos or steps make another run.

    Args:
        strategy: A name in `strategies.STRATEGIES`.
        data: The data set.
        recipe: Steps, learning rate and so on.
        callbacks: As for `train`.
        train_on: The names of the training photos to use; by default all.
        architecture: A name in `architectures.ARCHITECTURES`.
    """
    network = "" if architecture == architectures.DEFAULT else architecture
    described = " ".join(map(str, filter(None, (recipe, data.fingerprint(), train_on, network))))
    digest = hashlib.sha256(described.encode()).hexdigest()[:8]
    folder = settings.RUNS / f"{recipe.name}-{digest}" / strategy
    plan = Plan.of(data, strategy, recipe, source=settings.YOGHURT, train_on=train_on, architecture=architecture)
    return train(plan, data, folder, callbacks=callbacks)


def load_model(run: RunFolder, step: int | None = None) -> Detector:
    """Return the detector of a run, and the names of its class ids.

    Args:
        run: The run.
        step: The step of the checkpoint; by default, that of the last undamaged one.

    Raises:
        RunFolderError: If there is no such checkpoint, or it is damaged.
    """
    plan = run.plan
    if not plan.chosen.trains:
        return plan.chosen.start(plan.classes, plan.architecture)
    run.checkpoint(step)
    detector = plan.chosen.empty(plan.classes, plan.architecture)
    run.load_checkpoint(detector.model, step)
    return detector


def evaluate(plan: Plan, model: keras.Model, names: dict[int, str], validation: list[Sample]) -> dict:
    """Return the metrics on the validation photos; class-agnostic ones, too, if the detector keeps COCO's classes."""
    return average_precision.measure(model, validation, plan.classes, names, plan.chosen.keeps_coco_classes)


def _finished(run: RunFolder, plan: Plan) -> str:
    """Return a line that says that there is nothing to do for a run."""
    early = f", stopped early at step {run.stopped_at()}" if run.stopped_at() else ""
    return f"Already {'trained' if plan.chosen.trains else 'evaluated'}: {run.folder}{early}"


def _warn_of_unmeasured(plan: Plan, validation: list[Sample]) -> None:
    """Print on standard error which classes are not measured, because they are not in the validation set."""
    if plan.chosen.trains and (missing := grouped_split.unmeasured(validation, plan.classes)):
        what = f"Not measured: {phrases.quoted(missing)}. No validation photo shows such an object"
        print(f"{what}. Label photos of it from other moments or places.", file=sys.stderr)


def _device_and_precision(plan: Plan, fast: bool) -> str:
    """Return a line that names the device and the precision of training."""
    from workshop_utils.training.fast import precision

    learns = plan.chosen.batch_norm_learns
    return precision.description("float32" if learns or not fast else precision.policy())

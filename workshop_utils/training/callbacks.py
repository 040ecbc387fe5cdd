"""Callbacks of the training loop: state, checkpoints, evaluation, history, early stopping, TensorBoard, progress bar.

The trainer calls each callback after every step, in the order of its list. `State` comes first, so when training
resumes, the other callbacks can still write what an interruption prevented.
"""

import contextlib
import csv
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from workshop_utils.core import files
from workshop_utils.core.tensorflow import as_os_error, tf
from workshop_utils.training import early_stopping
from workshop_utils.training.run_folder import COLUMNS, RunFolder

ROW_EVERY = 10
SAVE_EVERY_SECONDS = 5.0
"""Including one step and the saving itself, an interruption loses at most 10 seconds of training."""

Row = dict[str, Any]
"""A row of the history: step, seconds, learning_rate, the losses and, after an evaluation, AP and AP50 (None if they
could not be measured)."""


class Callback:
    """Base class of callbacks; override the methods you need. `trainer` is a `trainer.Trainer`."""

    def on_begin(self, trainer: Any) -> None:
        """Called once, before the first step."""

    def on_step(self, trainer: Any) -> None:
        """Called after every step, and once before the first step of a resumed run."""

    def on_row(self, trainer: Any, row: Row) -> None:
        """Called with each new row of the history."""

    def on_end(self, trainer: Any) -> None:
        """Called once at the end, even if training was interrupted."""


class State(Callback):
    """Saves everything training needs to resume, every few seconds and before anything else is written."""

    def __init__(self, run: RunFolder):
        self.run, self._saved = run, float("-inf")

    def on_begin(self, trainer: Any) -> None:
        progress = self.run.load_state(trainer.variables)
        if progress.step:
            print(f"Resuming at step {progress.step}", flush=True)
            trainer.resume(progress)

    def on_step(self, trainer: Any) -> None:
        step = trainer.progress.step
        if step == trainer.start:
            return
        due = is_due(trainer, trainer.plan.recipe.evaluate_every) or step == trainer.stop
        if due or time.monotonic() - self._saved > SAVE_EVERY_SECONDS:
            trainer.check_weights()
            self.run.save_state(trainer.variables, trainer.progress)
            self._saved = time.monotonic()


class Checkpoints(Callback):
    """Saves a checkpoint of the detector every `checkpoint_every` steps of the recipe."""

    def __init__(self, run: RunFolder):
        self.run = run

    def on_step(self, trainer: Any) -> None:
        step = trainer.progress.step
        exists = step == trainer.start and step in self.run.steps()
        if is_due(trainer, trainer.plan.recipe.checkpoint_every) and not exists:
            trainer.check_weights()
            self.run.save_checkpoint(trainer.model, step)


class Evaluation(Callback):
    """Measures average precision every `evaluate_every` steps of the recipe; `trainer.scores` holds the result.

    Args:
        run: The run folder.
        measure: Returns the metrics of the detector as it is now.
    """

    def __init__(self, run: RunFolder, measure: Callable[[], dict]):
        self.run, self.measure = run, measure

    def on_step(self, trainer: Any) -> None:
        step = trainer.progress.step
        if step == trainer.start and any(row["step"] == step for row in self.run.history()):
            return  # measured before the interruption
        if is_due(trainer, trainer.plan.recipe.evaluate_every):
            trainer.scores = self.measure()


class BestCheckpoint(Callback):
    """Saves a checkpoint at each step whose AP is the highest so far, between those of the recipe, too.

    It comes before `History`: without its row, a resumed run measures AP again.
    """

    def __init__(self, run: RunFolder):
        self.run = run

    def on_step(self, trainer: Any) -> None:
        step, ap = trainer.progress.step, (trainer.scores or {}).get("AP")
        if ap is None or step in self.run.steps():
            return
        best = early_stopping.best(self.run.history())
        if best is None or ap > best[1]:
            trainer.check_weights()
            self.run.save_checkpoint(trainer.model, step)


class EarlyStopping(Callback):
    """Ends training after as many evaluations without a higher AP as the plan's patience. It comes after `History`."""

    def __init__(self, run: RunFolder):
        self.run = run

    def on_step(self, trainer: Any) -> None:
        step = trainer.progress.step
        if step != early_stopping.stop_step(self.run.history(), trainer.plan.patience):
            return
        if step not in self.run.steps():
            trainer.check_weights()
            self.run.save_checkpoint(trainer.model, step)
        found = early_stopping.best(self.run.history())
        assert found is not None  # AP was measured at this step
        best, ap = found
        what = f"AP has not risen above {ap:.3f}, at step {best}, for {trainer.plan.patience} evaluations"
        print(f"Stopped early at step {step} of {trainer.plan.recipe.steps}: {what}.", flush=True)
        trainer.stopped_early = True


class History(Callback):
    """Writes `history.csv`: the mean losses every ROW_EVERY steps, and AP after each evaluation."""

    _stream: Any = None  # opened in on_begin

    def __init__(self, run: RunFolder):
        self.run, self._last = run, 0

    def on_begin(self, trainer: Any) -> None:
        """Open the file, keeping the rows up to the step from which training resumes; later steps are repeated."""
        kept = [row for row in self.run.history() if row["step"] <= trainer.start]
        self._last = int(kept[-1]["step"]) if kept else 0
        if self._last == trainer.start:
            trainer.reset_losses()
        options: dict[str, Any] = {"newline": "", "encoding": "utf-8"}
        with files.replacing(self.run.history_file) as unfinished, open(unfinished, "w", **options) as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows([{key: _text(value) for key, value in row.items()} for row in kept])
        with as_write_error(self.run):
            self._stream = open(self.run.history_file, "a", **options)  # noqa: SIM115 (closed in on_end)

    def on_step(self, trainer: Any) -> None:
        step = trainer.progress.step
        if self._last == step or not (trainer.scores or step % ROW_EVERY == 0):
            return
        row = _row(trainer)
        with as_write_error(self.run):
            csv.DictWriter(self._stream, COLUMNS, restval="").writerow({key: _text(row[key]) for key in row})
            self._stream.flush()
        self._last = step
        trainer.reset_losses()
        trainer.notify("on_row", row)

    def on_end(self, trainer: Any) -> None:
        if self._stream:
            with contextlib.suppress(OSError):  # every row was flushed, or its error was raised
                self._stream.close()


class TensorBoard(Callback):
    """Writes the rows of the history for TensorBoard, into the run's `tensorboard` folder."""

    _writer: Any = None  # opened in on_begin

    def __init__(self, run: RunFolder):
        self.run = run

    def on_begin(self, trainer: Any) -> None:
        folder = self.run.folder / "tensorboard"
        with as_write_error(self.run):
            shutil.rmtree(folder, ignore_errors=True)  # written again from the history
            self._writer = tf.summary.create_file_writer(str(folder))
            for row in self.run.history():
                self._write(row)

    def on_row(self, trainer: Any, row: Row) -> None:
        with as_write_error(self.run):
            self._write(row)

    def on_end(self, trainer: Any) -> None:
        if self._writer:
            with contextlib.suppress(OSError), as_os_error():
                self._writer.close()

    def _write(self, row: Row) -> None:
        with self._writer.as_default(step=int(row["step"])):
            for key, value in row.items():
                if value is not None:
                    tf.summary.scalar(key, value)
        self._writer.flush()


class ProgressBar(Callback):
    """Shows a progress bar with the steps, the loss and AP50. Before the first step, it says "compiling"."""

    _bar: Any = None  # made in on_begin

    def __init__(self, name: str):
        self.name, self._compiling = name, True

    def on_begin(self, trainer: Any) -> None:
        self._bar = tqdm(total=trainer.plan.recipe.steps, desc=self.name, unit="step")
        self._bar.set_postfix_str("compiling")

    def on_step(self, trainer: Any) -> None:
        if self._compiling and trainer.progress.step > trainer.start:
            self._compiling = False
            self._bar.set_postfix_str("")
        self._bar.update(trainer.progress.step - self._bar.n)

    def on_row(self, trainer: Any, row: Row) -> None:
        self._bar.set_postfix({key: f"{row[key]:.3f}" for key in ("loss", "AP50") if row.get(key) is not None})

    def on_end(self, trainer: Any) -> None:
        if self._bar is not None:
            self._bar.close()


def for_run(run: RunFolder, measure: Callable[[], dict]) -> list[Callback]:
    """Return the callbacks that write a run folder, in the order in which they must be called.

    Args:
        run: The run folder.
        measure: Returns the metrics of the detector as it is now.
    """
    bar = ProgressBar(run.plan.strategy)
    measuring = [Evaluation(run, measure), BestCheckpoint(run), History(run)]
    stopping = [] if run.plan.patience is None else [EarlyStopping(run)]
    return [State(run), Checkpoints(run), *measuring, *stopping, TensorBoard(run), bar]


def is_due(trainer: Any, every: int) -> bool:
    """Return whether the current step is the last one or a multiple of `every`."""
    step = trainer.progress.step
    return step == trainer.plan.recipe.steps or step % every == 0


@contextlib.contextmanager
def as_write_error(run: RunFolder) -> Iterator[None]:
    """Raise WriteError if a row of the history cannot be written."""
    try:
        with as_os_error():
            yield
    except OSError as error:
        raise files.WriteError(
            f"{run.history_file}: cannot be written ({files.reason(error)}). {files.remedy(error)}; then train again."
        ) from None


def _row(trainer: Any) -> Row:
    """Return one row of the history: the mean losses since the previous row, and AP if it was measured."""
    (step, seconds, losses), scores = trainer.progress, trainer.scores
    localisation, classification = np.mean(losses, axis=0).tolist()
    row = {"step": step, "seconds": seconds, "learning_rate": float(trainer.optimizer.learning_rate)}
    row |= {"loss": localisation + classification, "localisation": localisation, "classification": classification}
    return row | ({"AP": scores["AP"], "AP50": scores["AP50"]} if scores else {})


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.7g}"

"""What happens beside the training loop: saving, checkpoints, evaluation, the history, TensorBoard, a progress bar.

The trainer calls each callback after every step, in the order of its list. The state is saved before anything else is
written about a step, so whatever an interruption left unwritten can be written from the state when training resumes.
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
from workshop_utils.training.run_folder import COLUMNS, RunFolder

ROW_EVERY = 10
SAVE_EVERY_SECONDS = 5.0
"""With one step and the saving itself, an interruption loses at most ten seconds of training."""

Row = dict[str, float | None]
"""A row of the history: step, seconds, learning_rate, the losses and, after an evaluation, AP and AP50: None where
nothing could be measured."""


class Callback:
    """Called by the trainer; each method does nothing until a subclass gives it something to do."""

    def on_begin(self, trainer: Any) -> None:
        """Called once, before the first step."""

    def on_step(self, trainer: Any) -> None:
        """Called after every step, and once before the first step of a resumed run."""

    def on_row(self, trainer: Any, row: Row) -> None:
        """Called with each new row of the history."""

    def on_end(self, trainer: Any) -> None:
        """Called once at the end, also when training was interrupted."""


class State(Callback):
    """Saves all that training needs to resume, every few seconds and whenever something else is about to be written."""

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
    """Saves the detector under its step as often as the recipe says."""

    def __init__(self, run: RunFolder):
        self.run = run

    def on_step(self, trainer: Any) -> None:
        step = trainer.progress.step
        there = step == trainer.start and step in self.run.steps()
        if is_due(trainer, trainer.plan.recipe.checkpoint_every) and not there:
            trainer.check_weights()
            self.run.save_checkpoint(trainer.model, step)


class Evaluation(Callback):
    """Measures average precision as often as the recipe says; the trainer's `scores` hold the result for that step."""

    def __init__(self, run: RunFolder, measure: Callable[[], dict]):
        self.run, self.measure = run, measure

    def on_step(self, trainer: Any) -> None:
        step = trainer.progress.step
        if step == trainer.start and any(row["step"] == step for row in self.run.history()):
            return  # a run that resumes was measured here before it stopped
        if is_due(trainer, trainer.plan.recipe.evaluate_every):
            trainer.scores = self.measure()


class History(Callback):
    """Writes `history.csv`: the mean losses every ten steps, and AP whenever it was measured."""

    def __init__(self, run: RunFolder):
        self.run, self._stream, self._last = run, None, 0

    def on_begin(self, trainer: Any) -> None:
        """Open the file with the rows up to the step at which training resumes: later ones are measured again."""
        kept = [row for row in self.run.history() if row["step"] <= trainer.start]
        self._last = int(kept[-1]["step"]) if kept else 0
        if self._last == trainer.start:
            trainer.forget_losses()
        how = {"newline": "", "encoding": "utf-8"}
        with files.replacing(self.run.history_file) as unfinished, open(unfinished, "w", **how) as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows([{key: _text(value) for key, value in row.items()} for row in kept])
        with writing(self.run):
            self._stream = open(self.run.history_file, "a", **how)  # noqa: SIM115 (until on_end)

    def on_step(self, trainer: Any) -> None:
        step = trainer.progress.step
        if self._last == step or not (trainer.scores or step % ROW_EVERY == 0):
            return
        row = _row(trainer)
        with writing(self.run):
            csv.DictWriter(self._stream, COLUMNS, restval="").writerow({key: _text(row[key]) for key in row})
            self._stream.flush()
        self._last = step
        trainer.forget_losses()
        trainer.inform("on_row", row)

    def on_end(self, trainer: Any) -> None:
        if self._stream:
            with contextlib.suppress(OSError):  # every row was flushed, or its fault was raised
                self._stream.close()


class TensorBoard(Callback):
    """Writes the rows of the history for TensorBoard, in the run's folder `tensorboard`."""

    def __init__(self, run: RunFolder):
        self.run, self._writer = run, None

    def on_begin(self, trainer: Any) -> None:
        folder = self.run.folder / "tensorboard"
        with writing(self.run):
            shutil.rmtree(folder, ignore_errors=True)  # it holds no more than the history does
            self._writer = tf.summary.create_file_writer(str(folder))
            for row in self.run.history():
                self._show(row)

    def on_row(self, trainer: Any, row: Row) -> None:
        with writing(self.run):
            self._show(row)

    def on_end(self, trainer: Any) -> None:
        if self._writer:
            with contextlib.suppress(OSError), as_os_error():
                self._writer.close()

    def _show(self, row: dict[str, float | None]) -> None:
        with self._writer.as_default(step=int(row["step"])):
            for key, value in row.items():
                if value is not None:
                    tf.summary.scalar(key, value)
        self._writer.flush()


class ProgressBar(Callback):
    """Shows a bar with the steps, the loss and AP50."""

    def __init__(self, name: str):
        self.name, self._bar = name, None

    def on_begin(self, trainer: Any) -> None:
        self._bar = tqdm(total=trainer.plan.recipe.steps, desc=self.name, unit="step")

    def on_step(self, trainer: Any) -> None:
        self._bar.update(trainer.progress.step - self._bar.n)

    def on_row(self, trainer: Any, row: Row) -> None:
        self._bar.set_postfix({key: f"{row[key]:.3f}" for key in ("loss", "AP50") if row.get(key) is not None})

    def on_end(self, trainer: Any) -> None:
        if self._bar is not None:
            self._bar.close()


def of_run(run: RunFolder, measure: Callable[[], dict]) -> list[Callback]:
    """Return the callbacks that write a run's folder, in the order in which they must be called."""
    bar = ProgressBar(run.plan.strategy)
    return [State(run), Checkpoints(run), Evaluation(run, measure), History(run), TensorBoard(run), bar]


def is_due(trainer: Any, every: int) -> bool:
    """Return whether the current step is the last one or a multiple of `every`."""
    step = trainer.progress.step
    return step == trainer.plan.recipe.steps or step % every == 0


@contextlib.contextmanager
def writing(run: RunFolder) -> Iterator[None]:
    """Raise WriteError for whatever keeps a row from being written."""
    try:
        with as_os_error():
            yield
    except OSError as fault:
        raise files.WriteError(
            f"{run.history_file}: cannot be written ({files.reason(fault)}). {files.remedy(fault)}; then train again."
        ) from None


def _row(trainer: Any) -> Row:
    """Return one row of the history: mean losses since the row before, and AP where it was measured."""
    (step, seconds, losses), scores = trainer.progress, trainer.scores
    localisation, classification = np.mean(losses, axis=0).tolist()
    row = {"step": step, "seconds": seconds, "learning_rate": float(trainer.optimizer.learning_rate)}
    row |= {"loss": localisation + classification, "localisation": localisation, "classification": classification}
    return row | ({"AP": scores["AP"], "AP50": scores["AP50"]} if scores else {})


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.7g}"

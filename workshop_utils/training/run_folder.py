"""A run's folder: what training writes, and how it is read again.

recipe.json                       the plan: strategy, recipe, classes, the data and its fingerprint
history.csv                       loss every ten steps, AP wherever it was measured
checkpoints/step-000100.weights.h5    the whole detector after 100 steps
checkpoints/state.npz             weights, optimizer and step, to resume from
checkpoints/state-before.npz      the same, saved before that, in case state.npz is damaged
metrics.json                      the last evaluation
frozen/                           during training: cached features, the outputs of frozen layers
tensorboard/                      the same curves for TensorBoard
"""

import contextlib
import csv
import dataclasses
import json
import os
import pathlib
import re
import sys
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

import filelock
import numpy as np

from workshop_utils.core import files, untrusted
from workshop_utils.core.errors import WorkshopError
from workshop_utils.core.tensorflow import keras
from workshop_utils.training.plan import Plan

COLUMNS = ("step", "seconds", "learning_rate", "loss", "localisation", "classification", "AP", "AP50")

RECIPE = "recipe.json"
METRICS = "metrics.json"
STATES = ("state.npz", "state-before.npz")

WRITTEN = ("lock", "checkpoints", "frozen", "tensorboard", "export")
"""What is opened or emptied in the folder by its name, so that a link there would be followed."""


class RunFolderError(WorkshopError, RuntimeError):
    """A run's folder that cannot be used as asked; the message names it and what to do."""


class Progress(NamedTuple):
    """How far training has come: steps, seconds, and the losses of each step since the last row of the history."""

    step: int = 0
    seconds: float = 0.0
    losses: list[list[float]] = []  # noqa: RUF012 (never changed in place)


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """One run's folder."""

    folder: pathlib.Path

    @property
    def plan(self) -> Plan:
        """Read `recipe.json`. Raises RunFolderError where there is none or it is broken."""
        path = self.folder / RECIPE
        try:
            return Plan.from_json(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise RunFolderError(f"{self.folder}: is not a run, it holds no {RECIPE}. Train one first.") from None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as fault:
            raise RunFolderError(
                f"{path}: is not a recipe this workshop wrote ({fault}). Train again in another folder."
            ) from None

    def begin(self, plan: Plan) -> None:
        """Write `recipe.json` into a new folder, or check that the one there says the same; remove unfinished files.

        Raises RunFolderError where the folder holds another run.
        """
        files.make_folder(self.checkpoints)
        wanted = plan.as_json()
        if not self.is_begun():
            files.write_text(json.dumps(wanted, indent=2, ensure_ascii=False) + "\n", self.folder / RECIPE)
        there = self.plan.as_json()
        differing = [key for key in wanted if key != "data" and there[key] != wanted[key]]
        if differing:
            said = "; ".join(f"{key} was {there[key]} and is now {wanted[key]}" for key in differing)
            raise RunFolderError(
                f"{self.folder}: holds another run: {said}. Choose another folder, or delete this one."
            )
        files.remove_unfinished(self.folder)
        files.remove_unfinished(self.checkpoints)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training in the folder, which is made if need be. Raises RunFolderError."""
        files.make_folder(self.folder)
        self.refuse_links()
        lock = filelock.FileLock(self.folder / "lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise RunFolderError(
                f"{self.folder}: another process is training here. Wait for it, or choose another folder."
            ) from None
        try:
            yield
        finally:
            lock.release()

    def is_begun(self) -> bool:
        """Return whether the folder holds a run, finished or not."""
        return (self.folder / RECIPE).exists()

    def is_finished(self) -> bool:
        """Return whether the run has been trained and measured to its end."""
        plan = self.plan
        trained = not plan.chosen.trains or plan.recipe.steps in self.steps()
        return trained and (self.folder / METRICS).exists()

    def refuse_links(self) -> None:
        """Raise RunFolderError where a link in the folder would lead out of it what is written here."""
        for path in (self.folder / name for name in WRITTEN):
            if untrusted.is_outside(path, self.folder):
                raise RunFolderError(f"{path}: is a link that leads out of the run. Delete it or take another folder.")

    @property
    def checkpoints(self) -> pathlib.Path:
        return self.folder / "checkpoints"

    @property
    def frozen(self) -> pathlib.Path:
        return self.folder / "frozen"

    @property
    def history_file(self) -> pathlib.Path:
        return self.folder / "history.csv"

    def steps(self) -> list[int]:
        """Return the steps that have a checkpoint, rising."""
        names = (re.fullmatch(r"step-(\d+)\.weights\.h5", path.name) for path in self.checkpoints.glob("*.h5"))
        return sorted(int(name[1]) for name in names if name)

    def checkpoint(self, step: int | None = None) -> pathlib.Path:
        """Return the checkpoint of `step`, or the last one. Raises RunFolderError, naming those there are."""
        steps = self.steps()
        if not steps or step not in (None, *steps):
            there = f"It has: {', '.join(map(str, steps))}." if steps else "It has none yet."
            raise RunFolderError(f"{self.folder}: has no checkpoint{'' if step is None else f' {step}'}. {there}")
        return self.checkpoints / f"step-{steps[-1] if step is None else step:06d}.weights.h5"

    def save_checkpoint(self, model: keras.Model, step: int) -> None:
        """Save the whole detector under its step, sealed. Raises WriteError."""
        files.write_weights(model, self.checkpoints / f"step-{step:06d}.weights.h5")

    def load_checkpoint(self, model: keras.Model, step: int | None = None) -> None:
        """Load the detector as it was at a checkpoint. Damaged checkpoints are named on the way.

        Args:
            model: The detector; its weights are replaced.
            step: The checkpoint's step; without it, the last checkpoint that is whole.

        Raises:
            RunFolderError: Where there is no checkpoint, or `step`'s is damaged.
        """
        self.checkpoint(step)
        wanted = self.steps() if step is None else [step]
        for number in reversed(wanted):
            path = self.checkpoint(number)
            try:
                if not files.is_intact(path):
                    raise ValueError("its bytes are not those that were written")
                model.load_weights(path)
                if not all(np.isfinite(array).all() for array in model.get_weights()):
                    raise ValueError("it holds weights that are not numbers: training had diverged")
                return
            except (OSError, ValueError, KeyError) as fault:
                message = f"{path}: cannot be loaded ({fault})."
                if number != wanted[0]:
                    print(f"{message} Taking the checkpoint before it.", file=sys.stderr)
        raise RunFolderError(f"{message} Take another checkpoint of this run, or train again in another folder.")

    def save_state(self, variables: list[keras.Variable], progress: Progress) -> None:
        """Save all that training needs to go on, in one sealed file; the file before it is kept.

        Args:
            variables: The detector's and the optimizer's.
            progress: How far training has come.

        Raises:
            WriteError: Where the file cannot be written.
        """
        arrays = {f"v{number}": np.asarray(variable) for number, variable in enumerate(variables)}
        latest, before = (self.checkpoints / name for name in STATES)
        with files.replacing(latest) as unfinished:
            with open(unfinished, "wb") as stream:
                np.savez(stream, **arrays, **progress._asdict())
            files.seal(unfinished)
            if latest.exists():
                os.replace(latest, before)

    def load_state(self, variables: list[keras.Variable]) -> Progress:
        """Set variables to the last saved state that is whole.

        Damaged states are named on the way; one in the place of the latest is removed where the state before it is
        whole, or `save_state` would put it there.

        Args:
            variables: The detector's and the optimizer's, in the order of `save_state`.

        Returns:
            How far training had come: Progress() where no state was saved.
        """
        latest, before = (self.checkpoints / name for name in STATES)
        for path in (latest, before):
            try:
                arrays, progress = _state(path, variables)
            except FileNotFoundError:
                continue
            except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as fault:
                print(f"{path}: cannot be used ({fault}). Going on from what was saved before it.", file=sys.stderr)
                continue
            for variable, array in zip(variables, arrays, strict=True):
                variable.assign(array)
            if path == before:
                latest.unlink(missing_ok=True)
            return progress
        return Progress()

    def history(self) -> list[dict[str, float | None]]:
        """Return the rows of `history.csv`; what was not measured in a row is None.

        A last line that broke off is left out. Raises RunFolderError for a file that is no history.
        """
        path = self.history_file
        if not path.exists():
            return []
        try:
            text = path.read_text(encoding="utf-8")
            rows = csv.DictReader(text[: text.rfind("\n") + 1].splitlines(), strict=True)
            return [{key: float(row[key]) if row[key] else None for key in COLUMNS} for row in rows]
        except (OSError, ValueError, KeyError, csv.Error) as fault:
            raise RunFolderError(
                f"{path}: is no history this workshop wrote ({fault!r}). Mend that line, or delete the file."
            ) from None

    def write_metrics(self, metrics: dict) -> None:
        """Write the result of an evaluation. Raises WriteError."""
        files.write_text(json.dumps(metrics, indent=2, ensure_ascii=False) + "\n", self.folder / METRICS)

    def metrics(self) -> dict:
        """Return the last evaluation. Raises RunFolderError where there was none or it is broken."""
        path = self.folder / METRICS
        if not path.exists():
            raise RunFolderError(f"{self.folder}: has not been evaluated; run `evaluate` on it.")
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError as fault:
            raise RunFolderError(f"{path}: is broken ({fault}). Run `evaluate` on {self.folder} again.") from None


def _state(path: pathlib.Path, variables) -> tuple[list[np.ndarray], Progress]:
    """Read a saved state that must fit the variables. Nothing in it is ever run: no pickle is read."""
    if not files.is_intact(path):
        raise ValueError("its bytes are not those that were written")
    with np.load(path, allow_pickle=False) as state:
        arrays = [state[f"v{number}"] for number in range(len(variables))]
        progress = Progress(int(state["step"]), float(state["seconds"]), state["losses"].tolist())
    if [array.shape for array in arrays] != [tuple(variable.shape) for variable in variables]:
        raise ValueError("it belongs to another network")
    return arrays, progress

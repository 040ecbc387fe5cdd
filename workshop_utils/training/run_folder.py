"""Read and write the folder of a training run.

recipe.json                           the plan: strategy, recipe, classes, the data and its fingerprint
history.csv                           losses every 10 steps, and AP after each evaluation
checkpoints/step-000100.weights.h5    the whole detector after 100 steps
checkpoints/state.npz                 weights, optimizer and step, from which training resumes
checkpoints/state-before.npz          the previous state, in case state.npz is damaged
metrics.json                          the last evaluation, and the best step
start.weights.h5                      weights from another run, only during training
frozen/                               cached features, only during training
tensorboard/                          the history for TensorBoard
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
from typing import Any, NamedTuple

import filelock
import numpy as np

from workshop_utils.core import files, untrusted
from workshop_utils.core.errors import WorkshopError
from workshop_utils.core.tensorflow import keras
from workshop_utils.training import early_stopping
from workshop_utils.training.plan import Plan

COLUMNS: tuple[str, ...] = ("step", "seconds", "learning_rate", "loss", "localisation", "classification", "AP", "AP50")

RECIPE = "recipe.json"
METRICS = "metrics.json"
STATES = ("state.npz", "state-before.npz")

WRITTEN = ("lock", "checkpoints", "frozen", "tensorboard", "export")
"""Files and folders that are opened or emptied by name, so a link in their place would be followed."""


class RunFolderError(WorkshopError, RuntimeError):
    """A run folder that cannot be used as requested. The message names it and says what to do."""


class Progress(NamedTuple):
    """How far training has progressed.

    Attributes:
        step: Number of steps done.
        seconds: Training time.
        losses: (localisation, classification) loss of each step since the last row of the history.
    """

    step: int = 0
    seconds: float = 0.0
    losses: list[list[float]] = []  # noqa: RUF012 (never mutated)


@dataclasses.dataclass(frozen=True)
class RunFolder:
    """The folder of one run.

    Attributes:
        folder: Its path.
    """

    folder: pathlib.Path

    @property
    def plan(self) -> Plan:
        """The plan in `recipe.json`. Raises RunFolderError if the file is missing or invalid."""
        path = self.folder / RECIPE
        try:
            return Plan.from_json(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise RunFolderError(f"{self.folder}: is not a run, because it has no {RECIPE}. Train one first.") from None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise RunFolderError(
                f"{path}: is not a valid recipe of this workshop ({error}). Train again in another folder."
            ) from None

    def begin(self, plan: Plan) -> None:
        """Write `recipe.json`, or check that the existing one has the same plan; remove unfinished files.

        Raises:
            RunFolderError: If the folder holds a run by another plan.
        """
        files.make_folder(self.checkpoints)
        if not self.is_started():
            files.write_text(json.dumps(plan.as_json(), indent=2, ensure_ascii=False) + "\n", self.folder / RECIPE)
        wanted, found = plan.identity(), self.plan.identity()
        differing = [key for key in wanted if found[key] != wanted[key]]
        if differing:
            changes = "; ".join(f"{key} was {found[key]} and is now {wanted[key]}" for key in differing)
            raise RunFolderError(
                f"{self.folder}: holds another run: {changes}. Choose another folder, or delete this one."
            )
        files.remove_unfinished(self.folder)
        files.remove_unfinished(self.checkpoints)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Create the folder if needed, and lock it against training by other processes.

        Raises:
            RunFolderError: If another process is training in the folder, or a link leads out of it.
        """
        files.make_folder(self.folder)
        self.check_links()
        lock = filelock.FileLock(self.folder / "lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise RunFolderError(
                f"{self.folder}: another process is training here. Wait until it ends, or choose another folder."
            ) from None
        try:
            yield
        finally:
            lock.release()

    def is_started(self) -> bool:
        """Return whether the folder contains a run, finished or not."""
        return (self.folder / RECIPE).exists()

    def is_finished(self) -> bool:
        """Return whether the run has been trained to its last step, or stopped early, and evaluated."""
        plan = self.plan
        trained = not plan.chosen.trains or not {plan.recipe.steps, self.stopped_at()}.isdisjoint(self.steps())
        return trained and (self.folder / METRICS).exists()

    def stopped_at(self) -> int | None:
        """Return the step at which training stopped early, or None."""
        patience = self.plan.patience
        return None if patience is None else early_stopping.stop_step(self.history(), patience)

    def check_links(self) -> None:
        """Raise RunFolderError if writing to the folder would follow a link out of it."""
        for path in (self.folder / name for name in WRITTEN):
            if untrusted.is_outside(path, self.folder):
                raise RunFolderError(f"{path}: is a link out of the run folder. Delete it, or choose another folder.")

    @property
    def checkpoints(self) -> pathlib.Path:
        """The folder of the checkpoints and the state."""
        return self.folder / "checkpoints"

    @property
    def frozen(self) -> pathlib.Path:
        """The folder of the cached features."""
        return self.folder / "frozen"

    @property
    def history_file(self) -> pathlib.Path:
        """The path of `history.csv`."""
        return self.folder / "history.csv"

    def steps(self) -> list[int]:
        """Return the steps that have a checkpoint, in ascending order."""
        names = (re.fullmatch(r"step-(\d+)\.weights\.h5", path.name) for path in self.checkpoints.glob("*.h5"))
        return sorted(int(name[1]) for name in names if name)

    def checkpoint(self, step: int | None = None) -> pathlib.Path:
        """Return the path of a checkpoint: that of `step`, or by default the last one.

        Raises:
            RunFolderError: If it does not exist. The message lists the existing ones.
        """
        steps = self.steps()
        if not steps or step not in (None, *steps):
            existing = f"It has: {', '.join(map(str, steps))}." if steps else "Train it first."
            raise RunFolderError(f"{self.folder}: has no checkpoint{'' if step is None else f' {step}'}. {existing}")
        return self.checkpoints / f"step-{steps[-1] if step is None else step:06d}.weights.h5"

    def save_checkpoint(self, model: keras.Model, step: int) -> None:
        """Save the whole detector as the checkpoint of `step`, with a checksum. Raises WriteError."""
        files.write_weights(model, self.checkpoints / f"step-{step:06d}.weights.h5")

    def load_checkpoint(self, model: keras.Model, step: int | None = None) -> None:
        """Load a checkpoint into the detector, and report damaged ones on standard error.

        Args:
            model: The detector; its weights are replaced.
            step: The step of the checkpoint; by default, that of the last undamaged one.

        Raises:
            RunFolderError: If there is no such checkpoint, or it is damaged.
        """
        self.checkpoint(step)
        wanted = self.steps() if step is None else [step]
        for number in reversed(wanted):
            path = self.checkpoint(number)
            try:
                if not files.is_intact(path):
                    raise ValueError("its checksum does not match")
                model.load_weights(path)
                if not all(np.isfinite(array).all() for array in model.get_weights()):
                    raise ValueError("it has infinite or NaN weights, because training had diverged")
                return
            except (OSError, ValueError, KeyError) as error:
                message = f"{path}: cannot be loaded ({error})."
                if number != wanted[0]:
                    print(f"{message} Trying the previous checkpoint.", file=sys.stderr)
        raise RunFolderError(f"{message} Choose another checkpoint of this run, or train again in another folder.")

    def save_state(self, variables: list[keras.Variable], progress: Progress) -> None:
        """Save everything training needs to resume in one file with a checksum; keep the previous file, too.

        Args:
            variables: The variables of the detector and the optimizer.
            progress: How far training has progressed.

        Raises:
            WriteError: If the file cannot be written.
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
        """Load the last undamaged state into the variables, and report damaged ones on standard error.

        If only the previous state is undamaged, the latest is deleted; otherwise `save_state` would replace the
        undamaged one with it.

        Args:
            variables: The variables of the detector and the optimizer, in the order of `save_state`.

        Returns:
            How far training had progressed; Progress() if there is no usable state.
        """
        latest, before = (self.checkpoints / name for name in STATES)
        for path in (latest, before):
            try:
                arrays, progress = _state(path, variables)
            except FileNotFoundError:
                continue
            except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
                print(f"{path}: cannot be used ({error}). Resuming from an earlier save.", file=sys.stderr)
                continue
            for variable, array in zip(variables, arrays, strict=True):
                variable.assign(array)
            if path == before:
                latest.unlink(missing_ok=True)
            return progress
        return Progress()

    def history(self) -> list[dict[str, Any]]:
        """Return the rows of `history.csv`, without a truncated last line. What was not measured is None.

        Raises:
            RunFolderError: If the file is not a valid history.
        """
        path = self.history_file
        if not path.exists():
            return []
        try:
            text = path.read_text(encoding="utf-8")
            rows = csv.DictReader(text[: text.rfind("\n") + 1].splitlines(), strict=True)
            return [{key: float(row[key]) if row[key] else None for key in COLUMNS} for row in rows]
        except (OSError, ValueError, KeyError, csv.Error) as error:
            raise RunFolderError(
                f"{path}: is not a valid history of this workshop ({error!r}). Repair that line, or delete the file."
            ) from None

    def write_metrics(self, metrics: dict) -> None:
        """Write the result of an evaluation. Raises WriteError."""
        files.write_text(json.dumps(metrics, indent=2, ensure_ascii=False) + "\n", self.folder / METRICS)

    def metrics(self) -> dict:
        """Return the result of the last evaluation. Raises RunFolderError if it is missing or invalid."""
        path = self.folder / METRICS
        if not path.exists():
            raise RunFolderError(f"{self.folder}: has not been evaluated yet. Run `evaluate` on it.")
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise RunFolderError(f"{path}: is invalid ({error}). Run `evaluate` on {self.folder} again.") from None


def _state(path: pathlib.Path, variables) -> tuple[list[np.ndarray], Progress]:
    """Return the arrays and the progress of a state that fits the variables. Pickled data is refused."""
    if not files.is_intact(path):
        raise ValueError("its checksum does not match")
    with np.load(path, allow_pickle=False) as state:
        arrays = [state[f"v{number}"] for number in range(len(variables))]
        progress = Progress(int(state["step"]), float(state["seconds"]), state["losses"].tolist())
    if [array.shape for array in arrays] != [tuple(variable.shape) for variable in variables]:
        raise ValueError("it belongs to another network")
    return arrays, progress

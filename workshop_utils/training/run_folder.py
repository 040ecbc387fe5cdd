"""An experiment folder: what a training run leaves behind, and how it is found again.

recipe.json                       the recipe, the strategy, the classes, the data and its fingerprint
history.csv                       loss every ten steps, AP wherever it was measured
checkpoints/step-000100.weights.h5    the whole detector after 100 steps
checkpoints/state.npz             weights, optimizer and step: where to go on after an interruption
checkpoints/state-before.npz      the same, as it was saved before: should state.npz be damaged
metrics.json                      the last evaluation
frozen/                           while training: what the frozen layers make of the photos
tensorboard/                      the same curves for TensorBoard
"""

import contextlib
import csv
import dataclasses
import json
import os
import pathlib
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from workshop_utils.core import files, settings, untrusted
from workshop_utils.core.errors import WorkshopError
from workshop_utils.core.tensorflow import disk_faults, tf
from workshop_utils.data import label_map

COLUMNS = ("step", "seconds", "learning_rate", "loss", "localisation", "classification", "AP", "AP50")

STATES = ("state.npz", "state-before.npz")

WRITTEN = ("lock", "checkpoints", "frozen", "tensorboard", "export")
"""What is opened or emptied in the folder by its name, so that a link there would be followed."""


class RunFolderError(WorkshopError, RuntimeError):
    """An experiment folder that cannot be used as asked; the message names it and what to do."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a run is: enough to do it again, and to refuse mixing two in one folder."""

    strategy: str
    recipe: settings.Recipe
    label_map: dict[int, str]
    """What the photos' classes are. The model's own differ where the strategy is as_is."""
    data: str
    fingerprint: str
    train_from: str | None = None
    train_on: list[str] | None = None
    """The names of the training photos that are used; None is all of them."""
    views: int | None = None
    """How many views of each photo the frozen layers see; 0 is a new one each time, None as many as are worth it."""
    thaw: float | None = None
    """The share of the steps after which the layers up to `train_from` are frozen."""


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
        path = self.folder / "recipe.json"
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            fields["recipe"] = settings.Recipe(**fields["recipe"])
            fields["label_map"] = label_map.checked((int(number), name) for number, name in fields["label_map"].items())
            return Plan(**fields)
        except FileNotFoundError:
            raise RunFolderError(
                f"{self.folder}: is no experiment, it holds no recipe.json. Train one first."
            ) from None
        except (ValueError, TypeError, KeyError, AttributeError) as fault:
            raise RunFolderError(
                f"{path}: is not a recipe this workshop wrote ({fault}). Train anew elsewhere."
            ) from None

    def begin(self, plan: Plan) -> None:
        """Write `recipe.json` into a new folder, or check that the one there says the same. Raises RunFolderError."""
        files.make_folder(self.checkpoints)
        if not (self.folder / "recipe.json").exists():
            files.write_text(
                json.dumps(dataclasses.asdict(plan), indent=2, ensure_ascii=False) + "\n", self.folder / "recipe.json"
            )
            return
        there = dataclasses.asdict(self.plan)
        wanted = dataclasses.asdict(plan)
        differing = [key for key in wanted if key != "data" and there[key] != wanted[key]]
        if differing:
            said = "; ".join(f"{key} was {there[key]} and is now {wanted[key]}" for key in differing)
            raise RunFolderError(
                f"{self.folder}: holds another run: {said}. Choose another folder, or delete this one."
            )

    def refuse_links(self) -> None:
        """Raise RunFolderError where a link in the folder would lead out of it what is written here."""
        for path in (self.folder / name for name in WRITTEN):
            if untrusted.leaves(path, self.folder):
                raise RunFolderError(f"{path}: is a link that leads out of the run. Delete it or take another folder.")

    @property
    def checkpoints(self) -> pathlib.Path:
        return self.folder / "checkpoints"

    @property
    def frozen(self) -> pathlib.Path:
        return self.folder / "frozen"

    def steps(self) -> list[int]:
        """Return the steps that have a checkpoint, rising."""
        names = (re.fullmatch(r"step-(\d+)\.weights\.h5", path.name) for path in self.checkpoints.glob("*.h5"))
        return sorted(int(name[1]) for name in names if name)

    def checkpoint(self, step: int | None = None) -> pathlib.Path:
        """Return the checkpoint of `step`, or the last one. Raises RunFolderError, naming those there are."""
        steps = self.steps()
        if not steps or step not in (None, *steps):
            there = f"It has: {', '.join(map(str, steps))}." if steps else "It has none yet."
            raise RunFolderError(f"{self.folder}: has no checkpoint {'' if step is None else step}. {there}")
        return self.checkpoints / f"step-{steps[-1] if step is None else step:06d}.weights.h5"

    def save_checkpoint(self, model, step: int) -> None:
        """Save the whole detector under its step, sealed. Raises WriteError."""
        files.write_weights(model, self.checkpoints / f"step-{step:06d}.weights.h5")

    def load_checkpoint(self, model, step: int | None = None) -> None:
        """Load the detector as it was after `step`, or at the last checkpoint that is whole.

        Damaged checkpoints are named on the way. Raises RunFolderError where there is none, or `step`'s is damaged.
        """
        self.checkpoint(step)
        wanted = self.steps() if step is None else [step]
        for number in reversed(wanted):
            path = self.checkpoint(number)
            try:
                if not files.is_whole(path):
                    raise ValueError("its bytes are not those that were written")
                model.load_weights(path)
                return
            except (OSError, ValueError, KeyError) as fault:
                told = f"{path}: cannot be loaded ({fault})."
                if number != wanted[0]:
                    print(f"{told} Taking the checkpoint before it.", file=sys.stderr)
        raise RunFolderError(f"{told} Take another checkpoint of this run, or train it anew in another folder.")

    def save_state(self, variables, progress: Progress) -> None:
        """Save all that training needs to go on, in one sealed file; the file before it is kept. Raises WriteError."""
        arrays = {f"v{number}": np.asarray(variable) for number, variable in enumerate(variables)}
        latest, before = (self.checkpoints / name for name in STATES)
        with files.replacing(latest) as unfinished:
            with open(unfinished, "wb") as stream:
                np.savez(stream, **arrays, **progress._asdict())
            files.seal(unfinished)
            if latest.exists():
                os.replace(latest, before)

    def load_state(self, variables) -> Progress:
        """Set the variables to the last saved state that is whole; return how far it had come, Progress() without one.

        Damaged states are named on the way; one in the place of the latest is removed where the state before it is
        whole, or `save_state` would put it there.
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
        path = self.folder / "history.csv"
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

    def metrics(self) -> dict:
        """Return the last evaluation. Raises RunFolderError where there was none or it is broken."""
        path = self.folder / "metrics.json"
        if not path.exists():
            raise RunFolderError(f"{self.folder}: has not been evaluated; run `evaluate` on it.")
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError as fault:
            raise RunFolderError(f"{path}: is broken ({fault}). Run `evaluate` on {self.folder} again.") from None


def _state(path: pathlib.Path, variables) -> tuple[list[np.ndarray], Progress]:
    """Read a saved state that must fit the variables. Nothing in it is ever run: no pickle is read."""
    if not files.is_whole(path):
        raise ValueError("its bytes are not those that were written")
    with np.load(path, allow_pickle=False) as state:
        arrays = [state[f"v{number}"] for number in range(len(variables))]
        progress = Progress(int(state["step"]), float(state["seconds"]), state["losses"].tolist())
    if [array.shape for array in arrays] != [tuple(variable.shape) for variable in variables]:
        raise ValueError("it belongs to another network")
    return arrays, progress


class History:
    """`history.csv`, open for more rows, and the same for TensorBoard; each row is flushed as it is written."""

    def __init__(self, experiment: RunFolder, start: int):
        """Open both with the rows up to step `start`: those behind it are about to be measured again."""
        kept = [row for row in experiment.history() if row["step"] <= start]
        self.last = int(kept[-1]["step"]) if kept else 0
        self._path, board = experiment.folder / "history.csv", experiment.folder / "tensorboard"
        with files.replacing(self._path) as unfinished, open(unfinished, "w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows([{key: _text(value) for key, value in row.items()} for row in kept])
        with self._told():
            self._stream = open(self._path, "a", newline="", encoding="utf-8")  # noqa: SIM115 (closed in __exit__)
            self._writer = csv.DictWriter(self._stream, COLUMNS, restval="")
            shutil.rmtree(board, ignore_errors=True)  # it holds no more than the rows do
            self._board = tf.summary.create_file_writer(str(board))
            for row in kept:
                self._show(row)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for each in (self._stream, self._board):
            with contextlib.suppress(OSError), disk_faults():  # all rows were flushed, or their fault was told
                each.close()

    def add(self, **row: float) -> None:
        """Write a row. Raises WriteError."""
        self.last = int(row["step"])
        with self._told():
            self._writer.writerow({key: _text(value) for key, value in row.items()})
            self._stream.flush()
            self._show(row)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Make a WriteError of whatever keeps a row from being written."""
        try:
            with disk_faults():
                yield
        except OSError as fault:
            raise files.WriteError(
                f"{self._path}: cannot be written ({files.reason(fault)}). {files.remedy(fault)}; then train again."
            ) from None

    def _show(self, row: dict[str, float | None]) -> None:
        with self._board.as_default(step=int(row["step"])):
            for key, value in row.items():
                if value is not None:
                    tf.summary.scalar(key, value)
        self._board.flush()


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.7g}"

"""An experiment folder: what a training run leaves behind, and how it is found again.

recipe.json                       the recipe, the strategy, the classes, the data and its fingerprint
history.csv                       loss every ten steps, AP wherever it was measured
checkpoints/step-000100.weights.h5    the whole detector after 100 steps
checkpoints/state.npz             weights, optimizer and step: where to go on after an interruption
metrics.json                      the last evaluation
tensorboard/                      the same curves for TensorBoard
"""

import csv
import dataclasses
import json
import pathlib
import re

import numpy as np

from workshop_utils import files, settings
from workshop_utils.quiet import tf

COLUMNS = ("step", "seconds", "learning_rate", "loss", "localisation", "classification", "AP", "AP50")


class ExperimentError(RuntimeError):
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


@dataclasses.dataclass(frozen=True)
class Experiment:
    """One run's folder."""

    folder: pathlib.Path

    @property
    def plan(self) -> Plan:
        """Read `recipe.json`. Raises ExperimentError where there is none or it is broken."""
        path = self.folder / "recipe.json"
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            fields["recipe"] = settings.Recipe(**fields["recipe"])
            fields["label_map"] = {int(number): name for number, name in fields["label_map"].items()}
            return Plan(**fields)
        except FileNotFoundError:
            raise ExperimentError(
                f"{self.folder}: is no experiment, it holds no recipe.json. Train one first."
            ) from None
        except (ValueError, TypeError, KeyError, AttributeError) as fault:
            raise ExperimentError(
                f"{path}: is not a recipe this workshop wrote ({fault}). Train anew elsewhere."
            ) from None

    def begin(self, plan: Plan) -> None:
        """Write `recipe.json` into a new folder, or check that the one there says the same. Raises ExperimentError."""
        self.checkpoints.mkdir(parents=True, exist_ok=True)
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
            raise ExperimentError(
                f"{self.folder}: holds another run: {said}. Choose another folder, or delete this one."
            )

    @property
    def checkpoints(self) -> pathlib.Path:
        return self.folder / "checkpoints"

    def steps(self) -> list[int]:
        """Return the steps that have a checkpoint, rising."""
        names = (re.fullmatch(r"step-(\d+)\.weights\.h5", path.name) for path in self.checkpoints.glob("*.h5"))
        return sorted(int(name[1]) for name in names if name)

    def checkpoint(self, step: int | None = None) -> pathlib.Path:
        """Return the checkpoint of `step`, or the last one. Raises ExperimentError, naming those there are."""
        steps = self.steps()
        if not steps or step not in (None, *steps):
            there = f"It has: {', '.join(map(str, steps))}." if steps else "It has none yet."
            raise ExperimentError(f"{self.folder}: has no checkpoint {'' if step is None else step}. {there}")
        return self.checkpoints / f"step-{steps[-1] if step is None else step:06d}.weights.h5"

    def save_checkpoint(self, model, step: int) -> None:
        """Save the whole detector under its step."""
        with files.replacing(self.checkpoints / f"step-{step:06d}.weights.h5") as unfinished:
            model.save_weights(unfinished)

    def save_state(self, variables, step: int, seconds: float) -> None:
        """Save all that training needs to go on from `step`, in one file."""
        arrays = {f"v{number}": np.asarray(variable) for number, variable in enumerate(variables)}
        with files.replacing(self.checkpoints / "state.npz") as unfinished, open(unfinished, "wb") as stream:
            np.savez(stream, step=step, seconds=seconds, **arrays)

    def load_state(self, variables) -> tuple[int, float]:
        """Set the variables to the saved state; return its step and seconds of training, (0, 0.0) without one."""
        path = self.checkpoints / "state.npz"
        if not path.exists():
            return 0, 0.0
        with np.load(path, allow_pickle=False) as state:
            for number, variable in enumerate(variables):
                variable.assign(state[f"v{number}"])
            return int(state["step"]), float(state["seconds"])

    def history(self) -> list[dict[str, float | None]]:
        """Return the rows of `history.csv`; what was not measured in a row is None."""
        path = self.folder / "history.csv"
        if not path.exists():
            return []
        with open(path, newline="", encoding="utf-8") as stream:
            return [{key: float(text) if text else None for key, text in row.items()} for row in csv.DictReader(stream)]

    def metrics(self) -> dict:
        """Return the last evaluation. Raises ExperimentError where there was none."""
        path = self.folder / "metrics.json"
        if not path.exists():
            raise ExperimentError(f"{self.folder}: has not been evaluated; run `evaluate` on it.")
        return json.loads(path.read_text(encoding="utf-8"))


class History:
    """`history.csv`, open for more rows, and the same for TensorBoard; each row is flushed as it is written."""

    def __init__(self, experiment: Experiment, start: int):
        """Open the file with the rows up to step `start`: those behind it are about to be measured again."""
        kept = [row for row in experiment.history() if row["step"] <= start]
        path = experiment.folder / "history.csv"
        with files.replacing(path) as unfinished, open(unfinished, "w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows([{key: _text(value) for key, value in row.items()} for row in kept])
        self._stream = open(path, "a", newline="", encoding="utf-8")  # noqa: SIM115 (closed in __exit__)
        self._writer = csv.DictWriter(self._stream, COLUMNS, restval="")
        self._board = tf.summary.create_file_writer(str(experiment.folder / "tensorboard"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stream.close()
        self._board.close()

    def add(self, **row: float) -> None:
        self._writer.writerow({key: _text(value) for key, value in row.items()})
        self._stream.flush()
        with self._board.as_default(step=row["step"]):
            for key, value in row.items():
                tf.summary.scalar(key, value)
        self._board.flush()


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.7g}"

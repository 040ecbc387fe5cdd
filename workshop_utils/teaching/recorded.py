"""Recorded runs: `results/*.json`, one file for each run.

A file has the strategy, the recipe, the fingerprint of the photos, the command, the date, the minutes of training, the
metrics and the history. So a notebook can show a long run next to yours.
"""

import dataclasses
import datetime
import json
import pathlib
from typing import Any

from workshop_utils.core import files, settings
from workshop_utils.core.errors import WorkshopError
from workshop_utils.model import architectures
from workshop_utils.training.run_folder import RunFolder


class RecordedError(WorkshopError, ValueError):
    """A recorded run cannot be read. The message names the file and says what to do."""


@dataclasses.dataclass(frozen=True)
class Recorded:
    """One recorded run: `metrics` as in `average_precision.Metrics.as_json`, `history` as in `history.csv`."""

    strategy: str
    recipe: settings.Recipe
    fingerprint: str
    command: str
    date: str
    minutes: float
    metrics: dict
    history: list[dict[str, float | None]]
    training_photos: int | None = None
    """Number of training photos in the list that chose them; None without such a list: then see the recipe."""
    architecture: str = architectures.DEFAULT
    """A name in `architectures.ARCHITECTURES`. Files of the default network do not have it."""


def load(folder: pathlib.Path = settings.RESULTS) -> list[Recorded]:
    """Return the runs recorded in `folder`, sorted by file name. If there is no such folder, there are none.

    Raises:
        RecordedError: If a file is not a valid recorded run.
    """
    return [_read(path) for path in sorted(pathlib.Path(folder).glob("*.json"))]


def everything(
    folder: pathlib.Path = settings.RESULTS, architecture: str | None = architectures.DEFAULT
) -> list[Recorded]:
    """Return the runs of a network recorded in `folder` and its subfolders; None: of all. Raises RecordedError."""
    runs = [_read(path) for path in sorted(pathlib.Path(folder).rglob("*.json"))]
    return [run for run in runs if architecture in (None, run.architecture)]


def repeats(
    runs: list[Recorded],
    strategy: str,
    recipe: settings.Recipe,
    training_photos: int | None = None,
    architecture: str = architectures.DEFAULT,
) -> list[Recorded]:
    """Return the runs with this strategy, recipe and network, with any seed, sorted by seed."""
    wanted = (strategy, training_photos, architecture)
    alike = [run for run in runs if (run.strategy, run.training_photos, run.architecture) == wanted]
    alike = [run for run in alike if dataclasses.replace(run.recipe, seed=recipe.seed) == recipe]
    return sorted(alike, key=lambda run: run.recipe.seed)


def _read(path: pathlib.Path) -> Recorded:
    names = [field.name for field in dataclasses.fields(Recorded)]
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        known: dict[str, Any] = {name: fields[name] for name in names if name in fields}
        known["recipe"] = settings.Recipe(**fields["recipe"])
        run = Recorded(**known)
        scores = [run.metrics["AP"], run.metrics["AP50"], run.metrics["AP75"], *run.metrics["per_class"].values()]
        measured: list[Any] = [each for each in scores if each is not None]
        for number in [run.minutes, *measured, *(row["step"] for row in run.history)]:
            float(number)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as fault:
        said = f"lacks {fault}" if isinstance(fault, KeyError) else str(fault)
        raise RecordedError(f"{path}: is not a valid recorded run ({said}). Record it again or remove it.") from None
    return run


def keep(experiment: RunFolder, command: str, folder: pathlib.Path = settings.RESULTS) -> pathlib.Path:
    """Record a finished run as one file in `folder`; return its path. `command` is the command that made the run."""
    plan, history = experiment.plan, experiment.history()
    made = datetime.datetime.fromtimestamp((experiment.folder / "metrics.json").stat().st_mtime, datetime.UTC)
    minutes = history[-1]["seconds"] / 60 if history else 0.0
    run = Recorded(plan.strategy, plan.recipe, plan.fingerprint, command, made.date().isoformat(),
                   round(minutes, 2), experiment.metrics(), history, len(plan.train_on) if plan.train_on else None,
                   plan.architecture)  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{experiment.folder.name}.json"
    files.write_text(json.dumps(dataclasses.asdict(run), indent=1, ensure_ascii=False) + "\n", path)
    return path

"""The project's folders, and the recipes: how many steps, at which learning rate, on how many photos."""

import dataclasses
import math
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from workshop_utils.core.errors import UsageError

PROJECT = pathlib.Path(__file__).resolve().parents[2]
DATA = PROJECT / "data"
YOGHURT = DATA / "yoghurt"
LADDER = (10, 30, 90, 288)
"""How many training photos each list in YOGHURT/ladder names; a smaller list lies within a larger one."""
NEW_LINE = DATA / "yoghurt_new_line"
FILMS = DATA / "films"
TO_LABEL = DATA / "to_label"
TO_LABEL_TRUTH = DATA / "to_label_truth"
PRETRAINED = DATA / "pretrained"
RUNS = PROJECT / "runs"
RESULTS = PROJECT / "results"

SPLIT_SEED = 42
"""The talk's own seed for dividing photos into training and validation."""


class SettingsError(UsageError, ValueError):
    """A recipe or a setting that does not exist, or a value that cannot be one."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything about a training run that is not the photos or the strategy.

    Attributes:
        name: What `--recipe` and `recipe.json` call it.
        steps: Training steps.
        photos: Training and validation photos together, before the 80/20 split; None takes all.
        learning_rate: Where the cosine decay begins, after the warm-up.
        batch_size: Photos in a step.
        seed: The seed of every random number in training.
        warmup: Steps during which the learning rate rises from 0 to `learning_rate`.
        evaluate_every: Steps between two measurements of AP.
        checkpoint_every: Steps between two checkpoints.
        freezing_depth: How many layers fine_tune freezes: a place in the architecture's `freezing_depths`, from 0. The
            deeper, the faster a step, but the less a long run can learn.
        by_strategy: {strategy: {setting: value}}, where a strategy differs.
    """

    name: str
    steps: int
    photos: int | None = None
    learning_rate: float = 0.003
    batch_size: int = 8
    seed: int = 42
    warmup: int = 0
    evaluate_every: int = 100
    checkpoint_every: int = 100
    freezing_depth: int = 0
    by_strategy: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)

    def of(self, strategy: str) -> "Recipe":
        """Return the recipe with the strategy's own settings."""
        return dataclasses.replace(self, by_strategy={}, **self.by_strategy.get(strategy, {}))

    @property
    def summary(self) -> str:
        """A few words for tables and reports."""
        return f"{self.steps:,} steps of {self.batch_size} photos, learning rate {self.learning_rate:g}"


RECIPES = {
    "quick": Recipe(
        "quick",
        steps=250,
        learning_rate=0.01,
        warmup=75,
        evaluate_every=125,
        checkpoint_every=125,
        freezing_depth=1,
        by_strategy={
            "random_init": {
                "steps": 120,
                "batch_size": 4,
                "learning_rate": 0.03,
                "warmup": 30,
                "evaluate_every": 60,
                "checkpoint_every": 60,
            }
        },
    ),
    "workshop": Recipe(
        "workshop",
        steps=300,
        learning_rate=0.01,
        warmup=30,
        by_strategy={"random_init": {"learning_rate": 0.1, "warmup": 50}},
    ),
    "seed": Recipe("seed", steps=1000, photos=360),
}


def recipe(name: str | None = None, /, **changes: float | str | None) -> Recipe:
    """Return a recipe, with changes made to it.

    Args:
        name: One of RECIPES; without it the one that WORKSHOP_RECIPE names, or else `workshop`.
        **changes: Other values for its settings, for every strategy. They may be strings, as on a command line. If you
            change the steps, the warm-up keeps its share of them, unless you change it, too.

    Raises:
        SettingsError: If there is no such recipe or setting, or a setting cannot have that value.
    """
    name = name or os.environ.get("WORKSHOP_RECIPE") or "workshop"
    if name not in RECIPES:
        raise SettingsError(f"There is no recipe '{name}'. Choose one of: {', '.join(RECIPES)}.")
    known = {field.name for field in dataclasses.fields(Recipe)} - {"name", "by_strategy"}
    for key in changes:
        if key not in known:
            raise SettingsError(f"A recipe has no setting '{key}'. It has: {', '.join(sorted(known))}.")
    typed = {key: _number(key, value) for key, value in changes.items()}
    found, differing = RECIPES[name], {}
    for strategy, own in found.by_strategy.items():
        own = {**own, **_warmup(found.of(strategy), typed)}
        differing[strategy] = {key: value for key, value in own.items() if key not in typed}
    return dataclasses.replace(found, by_strategy=differing, **(_warmup(found, typed) | typed))


def _warmup(recipe: Recipe, changes: Mapping[str, Any]) -> dict[str, int]:
    """Return a warm-up that keeps its share of the changed steps; {} if the steps do not change."""
    steps = changes.get("steps", recipe.steps)
    return {"warmup": round(recipe.warmup * steps / recipe.steps)} if steps != recipe.steps else {}


def _number(key: str, value) -> float | int | None:
    if key == "photos" and value in (None, "", "all", "None"):
        return None
    rational = key == "learning_rate"
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or not (rational or number.is_integer()):
        raise SettingsError(f"The setting {key}={value!r} is not {'a' if rational else 'a whole'} number.")
    least = 0 if key in ("seed", "warmup", "freezing_depth") else 1
    if number <= 0 if rational else number < least:
        raise SettingsError(f"The setting {key}={value!r} is too small.")
    return number if rational else int(number)

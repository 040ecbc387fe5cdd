"""Early stopping: when training ends because average precision no longer rises.

Everything follows from the rows of the history, so an interrupted run stops at the same step as an uninterrupted one.
"""

import math
from collections.abc import Iterable
from typing import Any

from workshop_utils.core.settings import Recipe, SettingsError

Rows = Iterable[dict[str, Any]]


def best(rows: Rows) -> tuple[int, float] | None:
    """Return the step with the highest AP, the first of several, and that AP; None if AP was never measured."""
    measured = [(int(row["step"]), row["AP"]) for row in rows if row["AP"] is not None]
    return max(measured, key=lambda each: each[1], default=None)


def stop_step(rows: Rows, patience: int | None) -> int | None:
    """Return the step at which training stops early, or None.

    Args:
        rows: The rows of the history.
        patience: The number of evaluations in a row without a higher AP after which training stops; None never stops.
    """
    highest, waited = -math.inf, 0
    for row in rows:
        if patience is None or row["AP"] is None:
            continue
        waited = 0 if row["AP"] > highest else waited + 1
        highest = max(highest, row["AP"])
        if waited == patience:
            return int(row["step"])
    return None


def check(patience: int, recipe: Recipe) -> None:
    """Raise SettingsError if a recipe has too few evaluations for a patience ever to stop it."""
    if patience < 1:
        raise SettingsError(f"The patience {patience} is too small. It is a number of evaluations, at least 1.")
    evaluations = math.ceil(recipe.steps / recipe.evaluate_every)
    if evaluations < patience + 2:
        often = max(1, recipe.steps // (4 * (patience + 1)))
        raise SettingsError(
            f"A patience of {patience} cannot stop this run early: AP is measured every {recipe.evaluate_every:,} of "
            f"{recipe.steps:,} steps, {evaluations} times, and a patience of {patience} needs at least "
            f"{patience + 2}. Measure it more often, for example with --set evaluate_every={often}."
        )

"""Checks of notebook `10_your_own_data`: photos to repair, how often each is seen, and the cost of mistakes."""

import pathlib
from collections.abc import Sequence

from workshop_utils.core.settings import Recipe
from workshop_utils.data.dataset import Sample
from workshop_utils.data.findings import Finding, Outcome
from workshop_utils.teaching.checks.answer import Verdict, _number, _right, _shown, _wrong, check
from workshop_utils.teaching.checks.slips import _nearest


@check
def photos_to_repair(answer: object, findings: list[Finding]) -> Verdict:
    """Judge which photos are not trained on because of a finding in them or in their annotations.

    Args:
        answer: The names of the photos, with or without extension.
        findings: The findings in the data set.
    """
    if not isinstance(answer, set | list | tuple) or not all(isinstance(name, str) for name in answer):
        return _wrong('Your answer should be a set of photos, such as {"0004", "0009"}.')
    outcomes = {finding.file.stem: finding.kind.outcome for finding in findings}
    lost = {stem for stem, outcome in outcomes.items() if outcome is Outcome.SET_ASIDE}
    named = {pathlib.PurePath(name).stem for name in answer}
    for stem in sorted(named - lost):
        if stem not in outcomes:
            return _wrong(f"There is no finding on a photo called {_shown(stem)}.")
        return _wrong(f"{stem} is repaired while it is read, as the finding says, so it is trained on.")
    if lost - named:
        return _wrong(f"Right so far, but {len(lost - named)} more cannot be used as they are.")
    return _right(f"You must repair these {len(lost)}; the other {len(outcomes) - len(lost)} were repaired in memory.")


@check
def times_seen(answer: object, recipe: Recipe, training: Sequence[Sample], labelled: Sequence[Sample]) -> Verdict:
    """Judge how often each training photo is seen on average in the steps of a recipe.

    Args:
        answer: The number to judge.
        recipe: The recipe.
        training: The training photos.
        labelled: The training and the validation photos.
    """
    number, photos = _number(answer), len(training)
    shown = recipe.steps * recipe.batch_size
    times = shown / photos
    if abs(number - times) <= 0.01 * times or number == round(times):
        return _right(f"{shown:,} photos go through the network, shared among {photos}: {times:.1f} times each.")
    slips = {
        shown / len(labelled): "You divided by all labelled photos, but some are kept back for the test.",
        recipe.steps / photos: "A step shows a whole batch, not one photo.",
        recipe.steps / len(labelled): "A step shows a whole batch, and some photos are kept back for the test.",
        2 * times: "`short.steps` is half of the recipe's already; do not double it.",
        shown: "That is how many photos go through the network in total. Among how many are they shared?",
        1 / times: "That is upside down: divide the photos shown by the different ones.",
    }
    return _wrong(_nearest(number, slips) or "Steps times photos per step, divided by the number of training photos.")


@check
def cheapest_threshold(answer: object, rows: list[dict[str, float]], miss: float, alarm: float) -> Verdict:
    """Judge at which score threshold the mistakes cost least.

    Args:
        answer: The threshold to judge.
        rows: The number of `missed` objects and of `false alarms` at each `threshold`.
        miss: The cost of a missed object.
        alarm: The cost of a false alarm.
    """

    def cost(row, miss=miss, alarm=alarm) -> float:
        return miss * row["missed"] + alarm * row["false alarms"]

    number = _number(answer)
    row = min(rows, key=lambda each: abs(each["threshold"] - number))
    if not abs(row["threshold"] - number) <= 0.005:
        return _wrong("Your answer is not one of the thresholds in `rows`; use the one closest to yours.")
    least = min(map(cost, rows))
    if cost(row) == least:
        return _right(
            f"At {number:.2f} the mistakes cost {least:g}: {row['missed']} missed, {row['false alarms']} false."
        )
    if cost(row, alarm, miss) == min(cost(each, alarm, miss) for each in rows):
        return _wrong(f"That is the cheapest if a false alarm costs {miss:g} and a miss {alarm:g}: you swapped them.")
    if row["missed"] + row["false alarms"] == min(each["missed"] + each["false alarms"] for each in rows):
        return _wrong("That threshold makes the fewest mistakes, but they do not cost the same.")
    return _wrong(
        f"At {number:.2f} the mistakes cost {cost(row):g}. There is a threshold at which they cost {least:g}."
    )

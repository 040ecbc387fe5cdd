"""The checks of notebook `10_your_own_data`: photos to mend, how often one is seen, what mistakes cost."""

import pathlib

from workshop_utils.core.settings import Recipe
from workshop_utils.data.dataset import Dataset
from workshop_utils.data.findings import Finding, Outcome
from workshop_utils.teaching.checks.answer import Verdict, _number, _right, _shown, _wrong, check
from workshop_utils.teaching.checks.slips import _nearest


@check
def photos_to_mend(answer: object, findings: list[Finding]) -> Verdict:
    """Judge which photos are not trained on because of what was found in them or their annotations.

    Args:
        answer: The photos' names, with or without ending.
        findings: What was found in the data set.
    """
    if not isinstance(answer, set | list | tuple) or not all(isinstance(name, str) for name in answer):
        return _wrong('A set of photos is wanted, such as {"0004", "0009"}.')
    outcomes = {finding.file.stem: finding.kind.outcome for finding in findings}
    lost = {stem for stem, outcome in outcomes.items() if outcome is Outcome.SET_ASIDE}
    named = {pathlib.PurePath(name).stem for name in answer}
    for stem in sorted(named - lost):
        if stem not in outcomes:
            return _wrong(f"Nothing was found in a photo called {_shown(stem)}.")
        return _wrong(f"{stem} is repaired while it is read: the finding says what is taken instead. It is trained on.")
    if lost - named:
        return _wrong(f"So far right, but {len(lost - named)} more cannot be used as they are.")
    return _right(f"These {len(lost)} wait for you; the other {len(outcomes) - len(lost)} were repaired in memory.")


@check
def times_seen(answer: object, recipe: Recipe, data: Dataset) -> Verdict:
    """Judge how often a training photo of a data set is seen on average in a recipe's steps."""
    number, photos = _number(answer), len(data.split()[0])
    shown = recipe.steps * recipe.batch_size
    times = shown / photos
    if abs(number - times) <= 0.01 * times or number == round(times):
        return _right(f"{shown:,} photos go through the network, shared among {photos}: {times:.1f} times each.")
    slips = {
        shown / len(data.samples): "You shared them among all labelled photos, but some are kept back for the test.",
        recipe.steps / photos: "A step shows not one photo but a whole batch.",
        recipe.steps / len(data.samples): "A step shows a whole batch, and some photos are kept back for the test.",
        2 * times: "The steps here are half of the recipe's already; do not take the whole.",
        shown: "That is how many photos go through the network in all. Among how many are they shared out?",
        1 / times: "That is upside down: the photos shown go above, the different ones below.",
    }
    return _wrong(_nearest(number, slips) or "Steps times photos a step, shared among the photos that are trained on.")


@check
def cheapest_threshold(answer: object, rows: list[dict[str, float]], miss: float, alarm: float) -> Verdict:
    """Judge which score threshold costs least.

    Args:
        answer: The threshold to judge.
        rows: How many objects are `missed`, and how many boxes are `false alarms`, at each `threshold`.
        miss: What a missed object costs.
        alarm: What a false alarm costs.
    """

    def cost(row, miss=miss, alarm=alarm) -> float:
        return miss * row["missed"] + alarm * row["false alarms"]

    number = _number(answer)
    row = min(rows, key=lambda each: abs(each["threshold"] - number))
    if not abs(row["threshold"] - number) <= 0.005:
        return _wrong("That is none of the thresholds in `rows`; take the one nearest to yours.")
    least = min(map(cost, rows))
    if cost(row) == least:
        return _right(
            f"At {number:.2f} the mistakes cost {least:g}: {row['missed']} missed, {row['false alarms']} false."
        )
    if cost(row, alarm, miss) == min(cost(each, alarm, miss) for each in rows):
        return _wrong(
            f"That is the cheapest where a false alarm costs {miss:g} and a miss {alarm:g}: you swapped them."
        )
    if row["missed"] + row["false alarms"] == min(each["missed"] + each["false alarms"] for each in rows):
        return _wrong("That threshold makes the fewest mistakes, but they do not cost the same.")
    return _wrong(
        f"At {number:.2f} the mistakes cost {cost(row):g}. There is a threshold at which they cost {least:g}."
    )

"""The checks of notebook `04_fine_tune`: new weights, freezing, cached features, a precision-recall curve."""

import numpy as np

from workshop_utils.core import untrusted
from workshop_utils.teaching.checks.answer import Verdict, _called, _number, _right, _shown, _wrong, check
from workshop_utils.teaching.checks.slips import _fault


@check
def new_weights(function: object, maps: list[tuple[int, int]], ours: int, total: int) -> Verdict:
    """Judge a function of the number of classes: how many weights of the heads are new?

    Args:
        function: The function to judge.
        maps: The (channels, anchors per cell) of each feature map.
        ours: The number of classes of our photos.
        total: The number of weights of our network.
    """

    def numbers(classes, background=1, bias=1, use_anchors=True):
        return sum((channels + bias) * (each if use_anchors else 1) * (classes + background) for channels, each in maps)

    mistakes = {
        "You forgot the background. It has an output too.": lambda classes: numbers(classes, background=0),
        "You forgot the bias. Each output has one.": lambda classes: numbers(classes, bias=0),
        "You forgot that each cell has several anchors.": lambda classes: numbers(classes, use_anchors=False),
        "You forgot both the background and the bias.": lambda classes: numbers(classes, background=0, bias=0),
    }
    fault = _fault(function, [(ours,), (20,), (200,)], numbers, mistakes)
    shares = {count: numbers(count) / (total - numbers(ours) + numbers(count)) for count in (ours, 20, 200)}
    said = ", ".join(f"with {count} classes {share:.0%}" for count, share in shares.items())
    return fault or _right(f"{numbers(ours):,} for our {ours} classes, as in the table. The share of the network's "
                           f"weights that would be new: {said}.")  # fmt: skip


@check
def how_far_to_freeze(name: object, saved: dict[str, float], held: dict[str, float]) -> Verdict:
    """Judge up to which layer to freeze: half of the arithmetic saved, four fifths of the weights left to learn.

    Args:
        name: The layer's name.
        saved: The share of the arithmetic that is frozen up to each layer.
        held: The share of the weights that is frozen up to each layer.
    """
    if not isinstance(name, str):
        return _wrong(f"This should be the name of a layer, in quotes, not {_shown(name)}.")
    name = (name.split() or [""])[-1]  # the plot says "on to block_5_add"
    if name not in saved:
        return _wrong(f"There is no layer {_shown(name)}. Choose one of the names in the plot.")
    found = (
        f"Up to `{name}` freezing saves {saved[name]:.0%} of the arithmetic, and {1 - held[name]:.0%} of the weights"
    )
    if saved[name] < 0.5:
        return _wrong(f"{found} continue to learn. That is less than half of the arithmetic: freeze more.")
    if held[name] > 0.2:
        return _wrong(f"{found} continue to learn. That is less than four fifths: freeze less.")
    return _right(f"{found} still learn.")


@check
def steps_to_pay(function: object, times: dict[str, dict[str, float]], left: dict[str, int]) -> Verdict:
    """Judge a function of (before, after, pause): after how many steps has a cache paid for its pause?

    Args:
        function: The function to judge.
        times: Its arguments for some caches, in seconds: {name: {"before": ..., "after": ..., "pause": ...}}.
        left: The number of steps after the pause, for each cache.
    """
    cases = [(0.5, 0.2, 12.0), (0.1, 0.08, 3.0)]
    mistakes = {
        "You divide by the time of a step, not by the time it saves.": lambda before, _, pause: pause / before,
        "You divide by the time of a faster step, not by the time it saves.": lambda _, after, pause: pause / after,
        "That is upside down.": lambda before, after, pause: (before - after) / pause,
        "You multiply. How many times do the savings fit into the pause?": lambda before, after, pause: (
            pause * (before - after)
        ),
        "Subtract the other way round: a step without the cache takes longer.": lambda before, after, pause: (
            pause / (after - before)
        ),
    }
    fault = _fault(function, cases, lambda before, after, pause: pause / (before - after), mistakes)
    return fault or _right(" ".join(_paid(name, **seconds, left=left[name]) for name, seconds in times.items()))


def _paid(name: str, before: float, after: float, pause: float, left: int) -> str:
    """Return a sentence on whether a cache pays off."""
    if after >= before:
        return f"{untrusted.markdown(name)}: the steps are not faster, so this cache never pays off."
    needed = pause / (before - after)
    verdict = "does not pay off" if needed > left else "pays off"
    return f"{untrusted.markdown(name)}: it takes {needed:.0f} steps, and you train {left}, so the cache {verdict}."


@check
def recall_at(function: object, curves: dict[str, np.ndarray], wanted: float) -> Verdict:
    """Judge a function of (curve, wanted): the largest recall at which the precision is at least `wanted`?

    Args:
        function: The function to judge.
        curves: `average_precision.Metrics.curves`: for each class 101 precisions, at the recalls 0.00, 0.01, ... 1.00.
        wanted: The precision, from 0 to 1.
    """
    falling = np.linspace(1, 0, 101)
    cases = [(falling, wanted), (np.where(falling > 0.7, falling, 0.0), 0.5), (0.4 * falling, wanted)]

    def truth(curve, wanted):
        return max(np.flatnonzero(curve >= wanted), default=0) / 100

    mistakes = {
        "That is the position in the curve. The recall is a hundredth of it.": lambda *case: 100 * truth(*case),
        "That is the number of positions. The first of them is recall 0.": lambda curve, wanted: (
            curve >= wanted
        ).sum(),
        "That is one too many: the first position is recall 0.": lambda curve, wanted: (curve >= wanted).sum() / 100,
        "That is a precision. At which recall is it?": lambda curve, wanted: curve[curve >= wanted].min(),
        "That is the smallest recall there, not the largest.": lambda *_: 0.0,
        "A precision equal to `wanted` is enough: use `>=`, not `>`.": lambda curve, wanted: (
            max(np.flatnonzero(curve > wanted), default=0) / 100
        ),
    }
    fault = _fault(function, cases[:2], truth, mistakes)
    if fault is None and truth(*cases[2]) != _number(_called(function, *cases[2])):
        fault = _wrong(f"If the precision never reaches {wanted:.0%}, the answer is 0.")
    found = [f"{untrusted.markdown(name)} {truth(curve, wanted):.0%}" for name, curve in curves.items()]
    return fault or _right(f"With {wanted:.0%} of the boxes right, this detector finds {', '.join(found)} of the cups.")

"""The checks of notebook `04_fine_tune`: what starts anew, how far to freeze, a precision-recall curve."""

import numpy as np

from workshop_utils.core import untrusted
from workshop_utils.teaching.checks.answer import Verdict, _called, _number, _right, _shown, _wrong, check
from workshop_utils.teaching.checks.slips import _fault


@check
def starts_anew(function: object, maps: list[tuple[int, int]], ours: int, total: int) -> Verdict:
    """Judge a function of the number of classes: how many of the heads' weights start anew?

    Args:
        function: The function to judge.
        maps: The (channels, anchors a cell) of each feature map.
        ours: How many classes our photos have.
        total: How many weights our network has in all.
    """

    def numbers(classes, background=1, bias=1, use_anchors=True):
        return sum((channels + bias) * (each if use_anchors else 1) * (classes + background) for channels, each in maps)

    mistakes = {
        "You forgot the background: it has an output, too.": lambda classes: numbers(classes, background=0),
        "You forgot the bias: each output has one besides its weights.": lambda classes: numbers(classes, bias=0),
        "You forgot that each cell has several anchors.": lambda classes: numbers(classes, use_anchors=False),
        "You forgot both the background and the bias.": lambda classes: numbers(classes, background=0, bias=0),
    }
    fault = _fault(function, [(ours,), (20,), (200,)], numbers, mistakes)
    shares = {count: numbers(count) / (total - numbers(ours) + numbers(count)) for count in (ours, 20, 200)}
    said = ", ".join(f"with {count} classes {share:.0%}" for count, share in shares.items())
    return fault or _right(f"{numbers(ours):,} for our {ours} classes, as in the table. Of the whole network, {said} "
                           "would start anew.")  # fmt: skip


@check
def how_far_to_freeze(name: object, saved: dict[str, float], held: dict[str, float]) -> Verdict:
    """Judge up to which layer to freeze: half of the arithmetic saved, four fifths of the weights left to learn.

    Args:
        name: The layer's name.
        saved: The share of the arithmetic that is frozen up to each layer.
        held: The share of the weights that is frozen up to each layer.
    """
    if not isinstance(name, str):
        return _wrong(f"A layer's name is wanted here, in quotes, not {_shown(name)}.")
    name = (name.split() or [""])[-1]  # the plot says "on to block_5_add"
    if name not in saved:
        return _wrong(f"There is no layer {_shown(name)}. Take one of the names in the plot.")
    found = (
        f"Up to `{name}` freezing saves {saved[name]:.0%} of the arithmetic, and {1 - held[name]:.0%} of the weights"
    )
    if saved[name] < 0.5:
        return _wrong(f"{found} learn on. Half of the arithmetic is not saved yet: freeze further.")
    if held[name] > 0.2:
        return _wrong(f"{found} learn on. That is less than four fifths: freeze less.")
    return _right(f"{found} still learn.")


@check
def steps_to_pay(function: object, times: dict[str, dict[str, float]], left: dict[str, int]) -> Verdict:
    """Judge a function of (before, after, pause): after how many steps has freezing paid for its pause?

    Args:
        function: The function to judge.
        times: Its arguments for some runs, in seconds: {run: {"before": ..., "after": ..., "pause": ...}}.
        left: How many steps each of these runs had after the pause.
    """
    cases = [(0.5, 0.2, 12.0), (0.1, 0.08, 3.0)]
    mistakes = {
        "You divide by what a step took, not by what it saves.": lambda before, _, pause: pause / before,
        "You divide by what a step still takes, not by what it saves.": lambda _, after, pause: pause / after,
        "That is upside down.": lambda before, after, pause: (before - after) / pause,
        "You multiply; how often do the savings fit into the pause?": lambda before, after, pause: (
            pause * (before - after)
        ),
        "Subtract the other way round: a step before took longer.": lambda before, after, pause: (
            pause / (after - before)
        ),
    }
    fault = _fault(function, cases, lambda before, after, pause: pause / (before - after), mistakes)
    return fault or _right(" ".join(_paid(name, **seconds, left=left[name]) for name, seconds in times.items()))


def _paid(name: str, before: float, after: float, pause: float, left: int) -> str:
    """Return in words whether freezing paid for itself in a run."""
    if after >= before:
        return f"The run '{untrusted.markdown(name)}': its steps did not get faster, so there it never pays."
    needed, verdict = pause / (before - after), "pays"
    if needed > left:
        verdict = "does not pay yet"
    run = f"The run '{untrusted.markdown(name)}'"
    return f"{run}: {needed:.0f} steps pay for it, and it had {left}, so freezing {verdict}."


@check
def recall_at(function: object, curves: dict[str, np.ndarray], wanted: float) -> Verdict:
    """Judge a function of (curve, wanted): at which highest recall is the precision as wanted, or higher?

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
        "That is the place in the curve; the recall is a hundredth of it.": lambda *case: 100 * truth(*case),
        "That is how many places there are; the first of them is recall 0.": lambda curve, wanted: (
            curve >= wanted
        ).sum(),
        "That is one too many: the first place is recall 0.": lambda curve, wanted: (curve >= wanted).sum() / 100,
        "That is a precision. At which recall does it stand?": lambda curve, wanted: curve[curve >= wanted].min(),
        "That is the smallest recall there, not the largest.": lambda *_: 0.0,
        "A precision that is just as high as wanted is enough: `>=`, not `>`.": lambda curve, wanted: (
            max(np.flatnonzero(curve > wanted), default=0) / 100
        ),
    }
    fault = _fault(function, cases[:2], truth, mistakes)
    if fault is None and truth(*cases[2]) != _number(_called(function, *cases[2])):
        fault = _wrong(f"Where the precision never reaches {wanted:.0%}, nothing is found: the answer is 0.")
    found = [f"{untrusted.markdown(name)} {truth(curve, wanted):.0%}" for name, curve in curves.items()]
    return fault or _right(f"With {wanted:.0%} of the boxes right, this detector finds: {', '.join(found)}.")

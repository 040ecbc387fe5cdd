"""What a participant's answer to an exercise must satisfy. Each check says why an answer is wrong.

A check takes the answer first, then what it needs to judge it, and returns a `Verdict`, which shows itself below the
cell. Whatever the answer is, and whatever a participant's function does, a check does not raise: Run All goes on. Only
where WORKSHOP_STRICT is set, as in the tests of the solved notebooks, an answer that is not right is an error.
"""

import dataclasses
import functools
import os

import numpy as np

from workshop_utils import guards
from workshop_utils.errors import WorkshopError

STRICT = "WORKSHOP_STRICT"


class NotRight(WorkshopError, AssertionError):
    """An answer that is open or wrong, where only right ones are wanted."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a check says of an answer. `right` is None where there is no answer yet."""

    right: bool | None
    words: str

    def _repr_markdown_(self) -> str:
        return f"{self._mark()} {self.words}"

    def __repr__(self) -> str:
        return f"{self._mark().strip('*')} {self.words}"

    def _mark(self) -> str:
        return {True: "**Right.**", False: "**Not yet.**", None: "**Open.**"}[self.right]


class _Judged(Exception):
    """Ends a check with a verdict."""


def check(function):
    """Make a check of a function that returns a Verdict: it takes any answer, and never raises."""

    @functools.wraps(function)
    def judged(answer, *known, **more) -> Verdict:
        try:
            verdict = _open() if answer is Ellipsis else function(answer, *known, **more)
        except _Judged as end:
            (verdict,) = end.args
        except Exception as fault:
            said = guards.markdown(f"{type(fault).__name__}: {fault}")
            verdict = _wrong(f"Your answer ends with an error: {said}")
        if os.environ.get(STRICT) and not verdict.right:
            raise NotRight(f"{function.__name__}: {verdict!r}")
        return verdict

    return judged


def _right(words: str) -> Verdict:
    return Verdict(True, words)


def _wrong(words: str) -> Verdict:
    return Verdict(False, words)


def _open() -> Verdict:
    return Verdict(None, "Replace the `...` by your answer and run this cell again.")


def _number(answer) -> float:
    """Return an answer as a number; ends the check where it is none."""
    if isinstance(answer, bool) or not np.isscalar(answer) or isinstance(answer, str | bytes):
        raise _Judged(_wrong(f"A number is wanted here, not {_shown(answer)}."))
    return float(answer)


def _called(function, *arguments):
    """Return what a participant's function returns; ends the check where it is no function or returns nothing yet."""
    if not callable(function):
        raise _Judged(_wrong(f"A function is wanted here, not {_shown(function)}."))
    result = function(*arguments)
    if result is None or result is Ellipsis:
        raise _Judged(_open())
    return result


def _array(answer, shape: tuple[int, ...]) -> np.ndarray:
    """Return an answer as an array of a shape; ends the check where it is none."""
    try:
        array = np.asarray(answer, float)
    except (TypeError, ValueError):
        raise _Judged(_wrong(f"{_times(shape)} numbers are wanted here, not {_shown(answer)}.")) from None
    if array.shape != shape:
        raise _Judged(_wrong(f"{_times(shape)} numbers are wanted here; yours are {_times(array.shape) or 'one'}."))
    return array


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _shown(answer) -> str:
    """Return an answer as it can stand in a sentence, however long it is and whatever it holds."""
    text = repr(answer)
    return guards.markdown(text if len(text) <= 60 else f"{text[:57]}...")


# 00 · Start here


# 01 · Why transfer learning


# 02 · Label images


# 03 · Build the pipeline


# 04 · Fine-tune


def _fault(function, cases, truth, mistakes: dict) -> Verdict | None:
    """Return what is wrong with a participant's function, None where it gives the truth for all cases.

    `cases` are its arguments, `truth` is a function of them; so are the values of `mistakes`, whose keys say in words
    what was done wrong where the answer is theirs.
    """
    for case in cases:
        answer = _number(_called(function, *case))
        if not _close(answer, truth(*case)):
            why = next((words for words, mistaken in mistakes.items() if _close(answer, mistaken(*case))), "")
            given = ", ".join(_figure(each) for each in case if np.isscalar(each))
            return _wrong(f"For {given or 'an example of ours'} your function gives {_figure(answer)}. {why}".strip())
    return None


def _figure(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def _close(answer: float, other: float, tolerance: float = 1e-3) -> bool:
    return abs(answer - other) <= tolerance * max(abs(other), 1e-9)


@check
def starts_anew(function, maps: list[tuple[int, int]], ours: int, total: int) -> Verdict:
    """`maps` are (channels, anchors a cell); `ours` is how many classes our photos have, `total` all numbers there."""

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
def how_far_to_freeze(name, saved: dict[str, float], held: dict[str, float]) -> Verdict:
    """`saved` and `held` say for each layer which share of arithmetic and of weights is frozen up to it."""
    if not isinstance(name, str):
        return _wrong(f"A layer's name is wanted here, in quotes, not {_shown(name)}.")
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
def steps_to_pay(function, times: dict[str, dict[str, float]], left: dict[str, int]) -> Verdict:
    """`times` are the function's arguments for some runs, `left` how many steps each of them had after the pause."""
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
        return f"The run '{guards.markdown(name)}': its steps did not get faster, so there it never pays."
    needed, verdict = pause / (before - after), "pays"
    if needed > left:
        verdict = "does not pay yet"
    return (
        f"The run '{guards.markdown(name)}': {needed:.0f} steps pay for it, and it had {left}, so freezing {verdict}."
    )


@check
def recall_at(function, curves: dict[str, np.ndarray], wanted: float) -> Verdict:
    """`curves` are those of `evaluation.Metrics`: 101 precisions each, at the recalls 0.00, 0.01, ... 1.00."""
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
    }
    fault = _fault(function, cases[:2], truth, mistakes)
    if fault is None and truth(*cases[2]) != _number(_called(function, *cases[2])):
        fault = _wrong(f"Where the precision never reaches {wanted:.0%}, nothing is found: the answer is 0.")
    found = [f"{guards.markdown(name)} {truth(curve, wanted):.0%}" for name, curve in curves.items()]
    return fault or _right(f"With {wanted:.0%} of the boxes right, this detector finds: {', '.join(found)}.")


# 05 · Use as is


@check
def all_alike(answer, share: float, classes: int, measured: float) -> Verdict:
    """`share` is how many of the cups have the flavour that all are called, `measured` the AP50 that gives."""
    answer = _number(answer)
    if abs(answer - measured) <= 0.01:
        return _right(f"COCO's evaluation says {measured:.3f}. The boxes are perfect, so the names are all that costs.")
    if abs(answer - share) <= 0.02:
        return _wrong(f"That is about the AP50 of the one flavour. AP50 is the mean over all {classes} of them.")
    if abs(answer - 1) < 0.02:
        return _wrong("That would be the class-agnostic score. Here a box with the wrong name is wrong.")
    if answer == 0:
        return _wrong("Zero is for a detector that never says a right name. This one does, at some of the cups.")
    return _wrong("What is the precision of the one flavour, at any recall? And what do the other flavours score?")


@check
def precision_and_recall(function, overlap: np.ndarray) -> Verdict:
    """`overlap` (cups, boxes) holds the IoU of each cup with each box of a photo."""
    twice = np.array([[0.9, 0.7, 0.0, 0.1, 0.0], [0.0, 0.0, 0.6, 0.0, 0.3]])
    for each in (np.array([[0.9, 0.0], [0.0, 0.2], [0.4, 0.0], [0.0, 0.0]]), overlap, twice):
        precision, recall = _array(_called(function, each.copy()), (2,))
        cups, boxes = each.shape
        found = (each.max(axis=1) >= 0.5).sum()
        right = (found / boxes, found / cups)
        given = f"For {cups} cups and {boxes} boxes your function gives {precision:.2f} and {recall:.2f}."
        if np.allclose((precision, recall), right, atol=1e-6):
            continue
        if np.allclose((precision, recall), right[::-1], atol=1e-6):
            return _wrong(f"{given} Those are swapped: precision asks of the boxes, recall of the cups.")
        if np.allclose(precision, (each.max(axis=0) >= 0.5).mean(), atol=1e-6):
            return _wrong(f"{given} Two of the boxes are on the same cup. It is found once; the second box is wrong.")
        if np.allclose((precision, recall), ((each.max(axis=0) > 0).mean(), (each.max(axis=1) > 0).mean()), atol=1e-6):
            return _wrong(f"{given} A box that touches a cup does not count yet: their IoU must be at least 0.5.")
        return _wrong(f"{given} Count the cups that have a box with an IoU of at least 0.5; then divide.")
    found = (overlap.max(axis=1) >= 0.5).sum()
    return _right(f"On this photo {found} of {overlap.shape[1]} boxes are on a cup: precision "
                  f"{found / overlap.shape[1]:.2f}; and {found} of {len(overlap)} cups are found: recall "
                  f"{found / len(overlap):.2f}.")  # fmt: skip


@check
def cup_like(answer, known: list[str], score) -> Verdict:
    """`known` are the detector's own names; `score` gives, for a list of them, the AP50 of its boxes called so."""
    if not isinstance(answer, dict):
        return _wrong(f"A dictionary is wanted here, not {_shown(answer)}.")
    unknown = [name for name in answer if name not in known]
    if unknown:
        return _wrong(f"COCO has no class {_shown(unknown[0])}. Section 1 lists what it has.")
    if set(answer.values()) - {"cup-like"}:
        return _wrong("Every name must be mapped to 'cup-like': that is the only class we score here.")
    if not answer:
        return _wrong("No name is mapped yet, so nothing is found.")
    if set(answer) == set(known):
        return _wrong(f"With all names it is the class-agnostic score, {score(known):.3f}. Laptops are no yoghurts.")
    mine, cup, everything = score(list(answer)), score(["cup"]), score(known)
    if mine <= max(cup, everything):
        return _wrong(
            f"AP50 is {mine:.3f}. With 'cup' alone it is {cup:.3f}, with all names {everything:.3f}: beat both."
        )
    return _right(f"AP50 is {mine:.3f}; with 'cup' alone it is {cup:.3f}, with all names {everything:.3f}.")


# 06 · Random init


@check
def running_average(function, layer_says: float) -> Verdict:
    """`layer_says` is what Keras makes of the start 0 and the batches 1, 3, 2 with momentum 0.9."""

    def truth(start, batches, momentum):
        for batch in batches:
            start = momentum * start + (1 - momentum) * batch
        return start

    mistakes = {
        "Momentum is the share that stays; you gave it to the batch (in PyTorch it is that way round).": (
            lambda start, batches, momentum: truth(start, batches, 1 - momentum)
        ),
        "That is the plain mean of the batches.": lambda start, batches, momentum: np.mean(batches),
        "You took the first batch only; go on through all of them.": (
            lambda start, batches, momentum: truth(start, batches[:1], momentum)
        ),
        "You took the last batch only; keep what the others left.": (
            lambda start, batches, momentum: truth(start, batches[-1:], momentum)
        ),
    }
    cases = [(0.0, [1.0, 3.0, 2.0], 0.9), (5.0, [1.0, 2.0], 0.75)]
    fault = _fault(function, cases, truth, mistakes)
    return fault or _right(f"From 0, the batches 1, 3, 2 lead to {truth(*cases[0]):.3f}; Keras's layer says "
                           f"{layer_says:.3f}. Their true mean is 2: three steps are far too few.")  # fmt: skip


@check
def steps_until(function, momentum: float, steps: int) -> Verdict:
    """`momentum` is that of our network, `steps` how long it is trained here."""

    def truth(share, momentum):
        return np.log(share) / np.log(momentum)

    mistakes = {
        "Each step takes a share of what is left, so what is left is no straight line: use logarithms.": (
            lambda share, momentum: (1 - share) / (1 - momentum)
        ),
        "That is upside down.": lambda share, momentum: np.log(momentum) / np.log(share),
        "You put in 1 - share: what is gone, not what is left.": lambda share, momentum: truth(1 - share, momentum),
    }
    for case in ((0.01, momentum), (0.01, 0.9997), (0.5, 0.9)):
        answer = _number(_called(function, *case))
        if not (_close(answer, truth(*case)) or abs(answer - truth(*case)) <= 1):  # whole steps are right, too
            return _fault(function, [case], truth, mistakes)
    slow, own = truth(0.01, 0.9997), truth(0.01, momentum)
    verdict = "enough" if steps >= own else "not enough"
    return _right(f"With {momentum} it takes {own:,.0f} steps until 1% is left, with 0.9997 {slow:,.0f}. This recipe "
                  f"has {steps:,}: {verdict} even for the faster one.")  # fmt: skip


@check
def hours_for_coco(answer, photos: int, step_seconds: float, batch_size: int) -> Verdict:
    """How long it takes to see so many photos once, where a step of `batch_size` photos takes `step_seconds`."""
    answer, truth = _number(answer), photos / batch_size * step_seconds / 3600
    if _close(answer, truth, 0.02):
        return _right(f"{truth:.1f} hours on this machine, to see each photo once.")
    mistakes = {
        "those are seconds": truth * 3600,
        "those are minutes": truth * 60,
        "those are days": truth / 24,
        f"a step sees {batch_size} photos at once, not one": truth * batch_size,
        f"a step sees {batch_size} photos: divide by them, do not multiply": truth * batch_size**2,
    }
    why = next((words for words, mistaken in mistakes.items() if _close(answer, mistaken, 0.02)), None)
    return _wrong(
        f"{answer:.4g} hours? {why.capitalize()}." if why else f"{answer:.4g} hours? How many steps are that?"
    )


# 07 · Compare the strategies


# 08 · Export the checkpoint


# 09 · Detect and classify


# 10 · Your own data


# 11 · Scale out

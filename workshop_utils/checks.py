"""What a participant's answer to an exercise must satisfy. Each check says why an answer is wrong.

A check takes the answer first, then what it needs to judge it, and returns a `Verdict`, which shows itself below the
cell. Whatever the answer is, and whatever a participant's function does, a check does not raise: Run All goes on. Only
where WORKSHOP_STRICT is set, as in the tests of the solved notebooks, an answer that is not right is an error.
"""

import dataclasses
import functools
import os
from typing import NamedTuple

import numpy as np

from workshop_utils import drawing, guards
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


@check
def remaining(answer, scores, threshold: float) -> Verdict:
    """How many of one photo's scores (100,), padded with zeros, are at least `threshold`."""
    number, found = _number(answer), int((scores > 0).sum())
    kept = int((scores >= threshold).sum())
    if number == kept:
        return _right(
            f"{kept} of the {found} boxes remain. The detector did the same work; we only look at less of it."
        )
    if number == (scores < threshold).sum():
        return _wrong(f"You counted the scores *below* {threshold}. Those are the boxes that go.")
    if number in (len(scores), found):
        return _wrong(f"This is how many boxes there are at all. Ask of each score whether it is at least {threshold}.")
    if 0 < number < 1:
        return _wrong("This looks like a score. How *many* scores are at least that high?")
    return _wrong(f"Compare each of `found.scores[0]` with {threshold}, and count where the score is at least that.")


@check
def pixels(answer, box, width: int, height: int) -> Verdict:
    """A box (ymin, xmin, ymax, xmax, normalised) in the pixels of its photo, in the same order."""
    given, (top, left, bottom, right) = _array(answer, (4,)), np.asarray(box, float)

    def is_like(*edges) -> bool:
        return np.allclose(given, edges, rtol=0, atol=1)

    if is_like(top * height, left * width, bottom * height, right * width):
        across, down = (right - left) * width, (bottom - top) * height
        return _right(f"The box is {across:.0f} pixels wide and {down:.0f} tall, in a photo of {width} x {height}.")
    if is_like(top, left, bottom, right):
        return _wrong("These are still fractions. A fraction of the photo's height or width is how many pixels?")
    if is_like(top * width, left * height, bottom * width, right * height):
        return _wrong("Height and width are swapped: ymin and ymax run down the photo's height.")
    if is_like(left * width, top * height, right * width, bottom * height):
        return _wrong("The pixels are right, their order is not: a box begins with ymin here.")
    if is_like(top * height, left * width, (bottom - top) * height, (right - left) * width):
        return _wrong("The last two are the box's height and width. Wanted are its lower and its right edge.")
    if is_like(*(300 * edge for edge in (top, left, bottom, right))):
        return _wrong(f"The network sees 300 x 300 pixels, but this photo has {width} x {height}: use its own size.")
    return _wrong("Multiply ymin and ymax by the photo's height, xmin and xmax by its width.")


# 01 · Why transfer learning


@check
def receptive_field(answer, convolutions: list[tuple[int, int]], known: int) -> Verdict:
    """A function of (kernel side, stride) of convolutions, from the photo on; `known` is what the package counts."""
    given = _number(_called(answer, convolutions))
    sides, strides = zip(*convolutions, strict=True)
    if given == 1 + sum(side - 1 for side in sides) != known:
        return _wrong(
            f"{given:.0f} forgets the strides. After a stride of 2, neighbours are two pixels apart, so the next "
            "kernel reaches twice as far."
        )
    if given == _seen(convolutions, stride_first=True):
        return _wrong(
            f"{given:.0f} lets a stride count too early: a layer's own stride spreads what comes *after* it. "
            "Add first, then multiply the step."
        )
    if given == known - 1:
        return _wrong(f"{given:.0f} is one too few: before any convolution, a unit is one pixel and sees one.")
    if given == sum(sides):
        return _wrong("You added the kernels' sides. A kernel of 3 adds only 2: one on either side of its middle.")
    if given == np.prod(strides):
        return _wrong("You multiplied the strides. That says how far apart two units are, not how far one sees.")
    if given != known:
        return _wrong("Each convolution adds (side - 1) times the step so far; then the step grows by its stride.")
    for other in ([(1, 1)], [(5, 1)], [(3, 1), (3, 1), (3, 1)], [(7, 3), (1, 2), (3, 1)]):
        if (given := _number(_called(answer, other))) != (wanted := _seen(other)):
            return _wrong(f"Right for this layer; but of {other} yours makes {given:g}, and it is {wanted}.")
    return _right(f"{known} pixels, as the table says. Whatever lies farther off, this unit cannot know of it.")


def _seen(convolutions: list[tuple[int, int]], stride_first: bool = False) -> int:
    seen, step = 1, 1
    for side, stride in convolutions:
        step *= stride if stride_first else 1
        seen += (side - 1) * step
        step *= 1 if stride_first else stride
    return seen


@check
def ascent_step(answer) -> Verdict:
    """A function of (picture, gradient, rate) that returns the picture after one step of gradient ascent."""
    rng = np.random.default_rng(0)
    picture, gradient = rng.uniform(-0.7, 0.7, (4, 4, 3)), rng.normal(size=(4, 4, 3))
    given = _array(_called(answer, picture.copy(), gradient.copy(), 0.1), picture.shape)
    if np.allclose(given, picture - 0.1 * gradient):
        return _wrong("This goes down: it is the step of training, which makes a loss *smaller*. We want more.")
    if np.allclose(given, 0.1 * gradient) or np.allclose(given, gradient):
        return _wrong("This is the step alone. Add it to the picture.")
    if np.allclose(given, picture + gradient):
        return _wrong("The rate is missing: it says how long the step is.")
    if not np.allclose(given, picture + 0.1 * gradient):
        return _wrong("Take the picture, and add `rate` times the gradient.")
    if not np.allclose(_called(answer, picture.copy(), gradient.copy(), 5.0), np.clip(picture + 5.0 * gradient, -1, 1)):
        return _wrong("Right, as long as the picture stays within -1 and 1. A long step leaves that: clip the result.")
    return _right(_climbed(answer))


def _climbed(step) -> str:
    """Let a step climb a hill whose top is a grey of 0.5, and say how far it gets."""
    picture = np.zeros((4, 4, 3))
    before = -((picture - 0.5) ** 2).mean()
    for _ in range(20):
        picture = np.asarray(step(picture, 2 * (0.5 - picture), 0.1), float)
    after = -((picture - 0.5) ** 2).mean()
    return (
        f"We let your step climb a small hill, 20 times: from a height of {before:.2f} to {after:.2f}, where the top "
        "is 0. Below, the hill is a channel's answer."
    )


@check
def worst_layer(answer, accuracy: dict[str, float]) -> Verdict:
    """Which layer names the fewest flavours, by `accuracy` of each."""
    worst = min(accuracy, key=accuracy.get)
    said = _one_of(answer, accuracy)
    if said == worst:
        return _right(
            f"The {worst} layer names {accuracy[worst]:.0%}. To COCO a cup is a cup, whatever is in it: what does not "
            "help to say *cup* is lost on the way. And on its coarse map a cup is only a few cells."
        )
    return _wrong(
        f"The {said} layer names {accuracy[said]:.0%}, and another names fewer. Which layer has moved farthest from "
        "what a cup looks like to what it *is*?"
    )


class _Problem(NamedTuple):
    """How like COCO's photos (0 to 1) those of some problem are, and why a way fits it."""

    likeness: float
    why: str


_PROBLEMS = {
    "cars at a crossing": _Problem(0.95, "COCO has cars: there is nothing to learn, so nothing has to be labelled."),
    "twelve toy cars": _Problem(0.6, "Toys are related to COCO's cars, but it cannot tell twelve of them apart."),
    "letters on forms": _Problem(
        0.15, "Letters are unlike COCO's photos, but 500 scans are far too few for random weights. Edges are edges."
    ),
    "chest X-rays": _Problem(
        0.1,
        "They are unlike COCO's photos, and many: random weights catch up (He et al. 2018, arXiv 1811.08883; Raghu "
        "et al. 2019, arXiv 1902.07208, on X-rays). Fine-tuning still gets there sooner, so try both.",
    ),
}


@check
def ways(answer, problems: dict[str, int]) -> Verdict:
    """Which way fits each problem of so many labelled photos, {problem: way}, as `drawing.strategy_map` has it."""
    if not isinstance(answer, dict) or answer.keys() != problems.keys():
        return _wrong(f"A dictionary is wanted here, with a way for each of: {', '.join(problems)}.")
    if all(way is Ellipsis for way in answer.values()):
        return _open()
    said = {problem: _one_of(answer[problem], drawing.WAYS) for problem in problems}
    fits = {problem: drawing.way_of(photos, _PROBLEMS[problem].likeness) for problem, photos in problems.items()}
    wrong = [problem for problem in problems if said[problem] != fits[problem]]
    if wrong:
        return _wrong(" ".join(f"**{each}**: {said[each]}? {_objection(said[each], fits[each])}" for each in wrong))
    return _right(" ".join(f"**{problem}**: {fits[problem]}. {_PROBLEMS[problem].why}" for problem in problems))


def _objection(said: str, fits: str) -> str:
    """Return the question that leads from the way that was said to the one that fits."""
    if said == "as is":
        return "Does COCO have a name for what is to be told apart?"
    if fits == "as is":
        return "Look whether COCO has these classes already. What would there be to train?"
    if said == "random init":
        return "Look at the number of photos: random weights need very many."
    return "So many photos, so unlike COCO's: what is left that only COCO could teach?"


def _one_of(answer, names) -> str:
    """Return which of the names an answer is, however it is spelt; ends the check where it is none."""
    spelt = {name.replace("-", " "): name for name in names}
    said = answer.lower().strip().replace("_", " ").replace("-", " ") if isinstance(answer, str) else answer
    if not isinstance(said, str) or said not in spelt:
        raise _Judged(_wrong(f"{_shown(answer)} is none of: {', '.join(names)}."))
    return spelt[said]


# 02 · Label images


# 03 · Build the pipeline


# 04 · Fine-tune


# 05 · Use as is


# 06 · Random init


# 07 · Compare the strategies


# 08 · Export the checkpoint


# 09 · Detect and classify


# 10 · Your own data


# 11 · Scale out

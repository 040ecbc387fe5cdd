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


# 05 · Use as is


# 06 · Random init


# 07 · Compare the strategies


# 08 · Export the checkpoint


# 09 · Detect and classify


# 10 · Your own data


# 11 · Scale out


@check
def loss_of_the_whole(function) -> Verdict:
    """Judge a function of two workers' losses and counts of matched anchors that returns the whole batch's loss."""
    for losses, matched in (([2.0, 4.0], [30, 10]), ([1.5, 1.0, 0.25], [2, 40, 7]), ([3.0, 1.0], [0, 5])):
        # A part without matched anchors divides its sum by one, as `multibox_loss` does.
        sums = [loss * max(count, 1) for loss, count in zip(losses, matched, strict=True)]
        wanted = sum(sums) / sum(matched)
        answer = _number(_called(function, losses, matched))
        case = f"For losses {losses} and {matched} matched anchors"
        if np.isclose(answer, wanted):
            continue
        if np.isclose(answer, np.mean(losses)):
            return _wrong(f"{case} you take the plain mean: a worker with few anchors counts as much as one with many.")
        if np.isclose(answer, sum(losses)):
            return _wrong(f"{case} you add the losses. Each has been divided already, by a count of its own.")
        if np.isclose(answer, sum(sums)):
            return _wrong(f"{case} you have the sum over all anchors. It is still to be divided by how many there are.")
        if 0 in matched and np.isclose(answer, np.dot(losses, matched) / sum(matched)):
            return _wrong(f"{case} a sum is lost: without matched anchors a loss is divided by one, not by zero.")
        return _wrong(f"{case} the whole batch's loss is {wanted:.4g}, and yours is {answer:.4g}.")
    return _right("The sums add up, the means do not. So the workers send sums and counts.")


@check
def photos_each(answer, seconds_a_photo: float, seconds_of_link: float) -> Verdict:
    """Judge how many photos each worker needs in a batch for the link to take a tenth of the step."""
    photos, wanted = _number(answer), 9 * seconds_of_link / seconds_a_photo
    if not np.isfinite(photos) or photos <= 0:
        return _wrong(f"A number of photos above zero is wanted, not {_shown(answer)}.")

    def near(value: float) -> bool:
        return np.isclose(photos, value, rtol=1e-3) or photos == np.ceil(value)

    if near(wanted):
        share = seconds_of_link / (seconds_of_link + photos * seconds_a_photo)
        return _right(f"Then the link takes {share:.0%} of the step: more photos a worker, fewer steps an epoch.")
    if near(10 * seconds_of_link / seconds_a_photo):
        return _wrong("That makes the link a tenth of the computing. The step is both together.")
    if near(wanted / 8) or near(wanted * 8):
        return _wrong("You are off by a factor of eight: a link's rate is given in bits, and gradients are in bytes.")
    if near(seconds_of_link / seconds_a_photo):
        return _wrong("There the link takes as long as the computing, which is half of the step.")
    if near(wanted * seconds_a_photo):
        return _wrong("Those are the seconds that the computing should take. How many photos is that?")
    share = seconds_of_link / (seconds_of_link + photos * seconds_a_photo)
    return _wrong(f"With {photos:.4g} photos each, the link takes {share:.0%} of the step.")

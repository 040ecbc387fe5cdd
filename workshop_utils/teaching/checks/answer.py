"""How a check takes an answer, whatever it is, and what it says of it."""

import dataclasses
import functools
import os
from collections.abc import Callable

import numpy as np

from workshop_utils.core import untrusted
from workshop_utils.core.errors import WorkshopError

STRICT = "WORKSHOP_STRICT"


class NotRight(WorkshopError, AssertionError):
    """An answer that is open or wrong, where only right ones are wanted."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a check says of an answer. `right` is None where there is no answer yet."""

    right: bool | None
    words: str

    def _repr_markdown_(self) -> str:
        mark, word, colour = self._look()
        look = f"background: {colour}; color: white; padding: 1px 8px; border-radius: 4px"
        return f'<span style="{look}">**{mark} {word}.**</span> {self.words}'

    def __repr__(self) -> str:
        _, word, _ = self._look()
        return f"{word}. {untrusted.plain(self.words)}"

    def _look(self) -> tuple[str, str, str]:
        """Return a mark, a word and a colour, so that no one depends on seeing colours."""
        return {
            True: ("✔", "Right", "#00703C"),
            False: ("✘", "Not yet", "#B3261E"),
            None: ("○", "Open", "#5F6368"),
        }[self.right]


class _Judged(WorkshopError):
    """Ends a check with a verdict."""


def check(function: Callable[..., Verdict]) -> Callable[..., Verdict]:
    """Make a check of a function that judges an answer.

    Args:
        function: Takes the answer first, then what it needs to judge it; returns a Verdict.

    Returns:
        The same function, but it takes any answer and never raises.

    Raises:
        NotRight: By the check, where WORKSHOP_STRICT is set and the answer is not right.
    """

    @functools.wraps(function)
    def judged(answer: object, *known, **more) -> Verdict:
        try:
            verdict = _open() if answer is Ellipsis else function(answer, *known, **more)
        except _Judged as end:
            (verdict,) = end.args
        except Exception as fault:
            said = untrusted.markdown(f"{type(fault).__name__}: {fault}")
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
    answer = answer.item() if isinstance(answer, np.ndarray) and answer.ndim == 0 else answer
    if isinstance(answer, bool) or not np.isscalar(answer) or isinstance(answer, str | bytes):
        raise _Judged(_wrong(f"A number is wanted here, not {_shown(answer)}."))
    return float(answer)


def _called(function, *arguments):
    """Return what a participant's function returns; ends the check where it is no function or returns nothing yet."""
    if not callable(function):
        raise _Judged(_wrong(f"A function is wanted here, not {_shown(function)}."))
    result = function(*arguments)
    if result is None or result is Ellipsis:
        told = "Your function returned nothing. Replace the `...`, and let every way through it end in a `return`."
        raise _Judged(Verdict(None, told))
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
    return untrusted.markdown(text if len(text) <= 60 else f"{text[:57]}...")

"""Verdicts on answers, and helpers that read an answer of any type."""

import dataclasses
import functools
import os
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from workshop_utils.core import untrusted
from workshop_utils.core.errors import WorkshopError

STRICT = "WORKSHOP_STRICT"


class NotRight(WorkshopError, AssertionError):
    """An answer is open or wrong, and WORKSHOP_STRICT allows only right ones."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """A check's verdict on an answer, and the reason for it. `right` is None if there is no answer yet."""

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
    """End a check with a verdict."""


def check(function: Callable[..., Verdict]) -> Callable[..., Verdict]:
    """Turn a function that judges an answer into a check.

    Args:
        function: Takes the answer first, then what it needs to judge it; returns a Verdict.

    Returns:
        The same function, but it accepts any answer and never raises, except NotRight: if WORKSHOP_STRICT is set and
        the answer is not right.
    """

    @functools.wraps(function)
    def judged(answer: object, *known, **more) -> Verdict:
        try:
            verdict = _open() if answer is Ellipsis else function(answer, *known, **more)
        except _Judged as end:
            (verdict,) = end.args
        except Exception as fault:
            said = untrusted.markdown(f"{type(fault).__name__}: {fault}")
            verdict = _wrong(f"Your answer raises an error: {said}")
        if os.environ.get(STRICT) and not verdict.right:
            raise NotRight(f"{function.__name__}: {verdict!r}")
        return verdict

    return judged


def _right(words: str) -> Verdict:
    return Verdict(True, words)


def _wrong(words: str) -> Verdict:
    return Verdict(False, words)


def _open() -> Verdict:
    return Verdict(None, "Replace `...` with your answer and run this cell again.")


def _number(answer) -> float:
    """Return an answer as a number; end the check if it is not a number."""
    answer = answer.item() if isinstance(answer, np.ndarray) and answer.ndim == 0 else answer
    if isinstance(answer, bool) or not np.isscalar(answer) or isinstance(answer, str | bytes):
        raise _Judged(_wrong(f"This should be a number, not {_shown(answer)}."))
    return float(cast(float, answer))


def _called(function: Any, *arguments: Any) -> Any:
    """Return what a participant's function returns; end the check if it is not a function or returns nothing yet."""
    if not callable(function):
        raise _Judged(_wrong(f"This should be a function, not {_shown(function)}."))
    result = function(*arguments)
    if result is None or result is Ellipsis:
        words = "Your function returned nothing. Replace `...`, and make sure that every path ends with `return`."
        raise _Judged(Verdict(None, words))
    return result


def _array(answer, shape: tuple[int, ...]) -> np.ndarray:
    """Return an answer as an array of a shape; end the check if it does not have that shape."""
    try:
        array = np.asarray(answer, float)
    except (TypeError, ValueError):
        raise _Judged(_wrong(f"This should be {_times(shape)} numbers, not {_shown(answer)}.")) from None
    if array.shape != shape:
        raise _Judged(_wrong(f"This should be {_times(shape)} numbers; yours are {_times(array.shape) or 'one'}."))
    return array


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _shown(answer) -> str:
    """Return an answer as text for a sentence: shortened if it is long, and safe as Markdown."""
    text = repr(answer)
    return untrusted.markdown(text if len(text) <= 60 else f"{text[:57]}...")

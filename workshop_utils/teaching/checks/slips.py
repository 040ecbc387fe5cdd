"""Known slips: which wrong answers they lead to, and the hint for each."""

from typing import Any

import numpy as np

from workshop_utils.teaching.checks.answer import Verdict, _called, _number, _wrong


def _nearest(number: float, slips: dict[float, str], within: float = 0.01) -> str | None:
    """Return the hint for the known slip that gives this number, if there is one; `within` is a relative tolerance."""
    return next((words for value, words in slips.items() if abs(number - value) <= within * abs(value)), None)


def _slip(said, slips: dict, rtol: float = 1e-3) -> str | None:
    """Return the hint for the known slip that leads to this answer, if there is one."""
    return next((words for words, value in slips.items() if np.allclose(said, value, rtol=rtol, atol=1e-6)), None)


def _fault(function, cases, truth, mistakes: dict) -> Verdict | None:
    """Return what is wrong with a participant's function, None if it is right for all cases.

    `cases` are its arguments. `truth` and the values of `mistakes` are functions of them; each key of `mistakes` is the
    hint for an answer that equals its value. If no mistake gives the answer, the verdict states the right one.
    """
    for case in cases:
        answer = _number(_called(function, *case))
        if not _close(answer, truth(*case)):
            otherwise = f"It should be {_figure(truth(*case))}."
            why = next((words for words, mistaken in mistakes.items() if _close(answer, mistaken(*case))), otherwise)
            given = ", ".join(_figure(each) for each in case if np.isscalar(each))
            return _wrong(f"For {given or 'one of our examples'}, your function gives {_figure(answer)}. {why}")
    return None


def _figure(number: Any) -> str:
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def _close(answer: float, other: float, tolerance: float = 1e-3) -> bool:
    return abs(answer - other) <= tolerance * max(abs(other), 1e-9)

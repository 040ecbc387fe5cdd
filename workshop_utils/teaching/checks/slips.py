"""Which known slip leads to a wrong answer, and what to say of it."""

import numpy as np

from workshop_utils.teaching.checks.answer import Verdict, _called, _number, _wrong


def _nearest(number: float, slips: dict[float, str], within: float = 0.01) -> str | None:
    """Return the words for the known slip that gives this number, if one does; `within` is a fraction of it."""
    return next((words for value, words in slips.items() if abs(number - value) <= within * abs(value)), None)


def _slip(said, slips: dict, rtol: float = 1e-3) -> str | None:
    """Return what to say of the slip that leads to this answer, if any does."""
    return next((words for words, value in slips.items() if np.allclose(said, value, rtol=rtol, atol=1e-6)), None)


def _fault(function, cases, truth, mistakes: dict) -> Verdict | None:
    """Return what is wrong with a participant's function, None where it gives the truth for all cases.

    `cases` are its arguments, `truth` is a function of them; so are the values of `mistakes`, whose keys say in words
    what was done wrong where the answer is theirs. Where it is nobody's, the right one is told.
    """
    for case in cases:
        answer = _number(_called(function, *case))
        if not _close(answer, truth(*case)):
            otherwise = f"It should be {_figure(truth(*case))}."
            why = next((words for words, mistaken in mistakes.items() if _close(answer, mistaken(*case))), otherwise)
            given = ", ".join(_figure(each) for each in case if np.isscalar(each))
            return _wrong(f"For {given or 'an example of ours'} your function gives {_figure(answer)}. {why}")
    return None


def _figure(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def _close(answer: float, other: float, tolerance: float = 1e-3) -> bool:
    return abs(answer - other) <= tolerance * max(abs(other), 1e-9)

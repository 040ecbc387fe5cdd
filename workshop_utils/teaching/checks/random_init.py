"""Checks of notebook `06_random_init`: running averages, and how long it takes to see COCO's photos."""

import numpy as np

from workshop_utils.teaching.checks.answer import Verdict, _called, _number, _right, _wrong, check
from workshop_utils.teaching.checks.slips import _close, _fault


@check
def running_average(function: object, layer_says: float) -> Verdict:
    """Judge a function of (start, batches, momentum) that returns the running average after all batches.

    Args:
        function: The function to judge.
        layer_says: The running average of Keras's layer for the start 0, the batches 1, 3, 2 and momentum 0.9.
    """

    def truth(start, batches, momentum):
        for batch in batches:
            start = momentum * start + (1 - momentum) * batch
        return start

    mistakes = {
        "Momentum is the share of the old value; you gave it to the batch, as PyTorch does.": (
            lambda start, batches, momentum: truth(start, batches, 1 - momentum)
        ),
        "That is the plain mean of the batches.": lambda start, batches, momentum: np.mean(batches),
        "You used the first batch only; go through all of them.": (
            lambda start, batches, momentum: truth(start, batches[:1], momentum)
        ),
        "You used the last batch only; keep the result of the others.": (
            lambda start, batches, momentum: truth(start, batches[-1:], momentum)
        ),
    }
    cases = [(0.0, [1.0, 3.0, 2.0], 0.9), (5.0, [1.0, 2.0], 0.75)]
    fault = _fault(function, cases, truth, mistakes)
    return fault or _right(f"From 0, the batches 1, 3, 2 give {truth(*cases[0]):.3f}; Keras's layer gives "
                           f"{layer_says:.3f}. Their mean is 2: three steps are far too few.")  # fmt: skip


@check
def steps_until(function: object, momentum: float, steps: int) -> Verdict:
    """Judge a function of (share, momentum) that returns after how many steps only that share of the start is left.

    Args:
        function: The function to judge.
        momentum: The momentum of our network's batch norm.
        steps: The number of training steps here.
    """

    def truth(share, momentum):
        return np.log(share) / np.log(momentum)

    mistakes = {
        "Each step removes a share of what is left, so it does not fall in a straight line: use logarithms.": (
            lambda share, momentum: (1 - share) / (1 - momentum)
        ),
        "That is upside down.": lambda share, momentum: np.log(momentum) / np.log(share),
        "You used 1 - share: what is gone, not what is left.": lambda share, momentum: truth(1 - share, momentum),
    }
    for case in ((0.01, momentum), (0.01, 0.9997), (0.5, 0.9)):
        answer = _number(_called(function, *case))
        is_right = _close(answer, truth(*case)) or abs(answer - truth(*case)) <= 1  # whole steps are right, too
        if not is_right and (fault := _fault(function, [case], truth, mistakes)):
            return fault
    slow, own = truth(0.01, 0.9997), truth(0.01, momentum)
    verdict = "enough for the smaller momentum" if steps >= own else "not enough even for the smaller momentum"
    return _right(f"With {momentum} 1% is left after {own:,.0f} steps, with 0.9997 after {slow:,.0f}. This recipe "
                  f"has {steps:,}: {verdict}.")  # fmt: skip


@check
def hours_for_coco(answer: object, photos: int, step_seconds: float, batch_size: int) -> Verdict:
    """Judge the number of hours it takes to see each photo once.

    Args:
        answer: The hours to judge.
        photos: The number of photos.
        step_seconds: The duration of a step, in seconds.
        batch_size: The number of photos in a step.
    """
    answer, truth = _number(answer), photos / batch_size * step_seconds / 3600
    if _close(answer, truth, 0.02):
        return _right(f"{truth:.1f} hours on this machine to see each photo once.")
    mistakes = {
        "those are seconds": truth * 3600,
        "those are minutes": truth * 60,
        "those are days": truth / 24,
        f"a step sees {batch_size} photos at once, not one": truth * batch_size,
        f"a step sees {batch_size} photos: divide by that, do not multiply": truth * batch_size**2,
    }
    why = next((words for words, mistaken in mistakes.items() if _close(answer, mistaken, 0.02)), None)
    said = f"{answer:,.0f}" if abs(answer) >= 1000 else f"{answer:.4g}"
    return _wrong(f"{said} hours? {why.capitalize()}." if why else f"{said} hours? How many steps is that?")

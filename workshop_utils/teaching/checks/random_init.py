"""The checks of notebook `06_random_init`: running averages, and how long it takes to see COCO."""

import numpy as np

from workshop_utils.teaching.checks.answer import Verdict, _called, _number, _right, _wrong, check
from workshop_utils.teaching.checks.slips import _close, _fault


@check
def running_average(function: object, layer_says: float) -> Verdict:
    """Judge a function of (start, batches, momentum): what is the running average after all batches?

    Args:
        function: The function to judge.
        layer_says: What Keras makes of the start 0 and the batches 1, 3, 2 with momentum 0.9.
    """

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
def steps_until(function: object, momentum: float, steps: int) -> Verdict:
    """Judge a function of (share, momentum): after how many steps is only that share of the start left?

    Args:
        function: The function to judge.
        momentum: That of our network's batch norm.
        steps: How many steps our network is trained here.
    """

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
    verdict = "enough for the faster one" if steps >= own else "not enough even for the faster one"
    return _right(f"With {momentum} it takes {own:,.0f} steps until 1% is left, with 0.9997 {slow:,.0f}. This recipe "
                  f"has {steps:,}: {verdict}.")  # fmt: skip


@check
def hours_for_coco(answer: object, photos: int, step_seconds: float, batch_size: int) -> Verdict:
    """Judge how many hours it takes to see each photo once.

    Args:
        answer: The hours to judge.
        photos: How many photos there are.
        step_seconds: How long a step takes.
        batch_size: How many photos a step sees.
    """
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
    said = f"{answer:,.0f}" if abs(answer) >= 1000 else f"{answer:.4g}"
    return _wrong(f"{said} hours? {why.capitalize()}." if why else f"{said} hours? How many steps is that?")

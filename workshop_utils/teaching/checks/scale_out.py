"""Checks of notebook `11_scale_out`: the loss of the whole batch, and the link's share of a step."""

import numpy as np

from workshop_utils.teaching.checks.answer import Verdict, _called, _number, _right, _shown, _wrong, check


@check
def loss_of_the_whole(function: object) -> Verdict:
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
            return _wrong(f"{case} you use the plain mean: a worker with few anchors counts as much as one with many.")
        if np.isclose(answer, sum(losses)):
            return _wrong(f"{case} you add the losses. Each has already been divided by its own count.")
        if np.isclose(answer, sum(sums)):
            return _wrong(f"{case} you have the sum over all anchors. It still has to be divided by the matched ones.")
        if 0 in matched and np.isclose(answer, np.dot(losses, matched) / sum(matched)):
            return _wrong(f"{case} a sum is lost: a loss without matched anchors was divided by one, not by zero.")
        return _wrong(f"{case} the whole batch's loss is {wanted:.4g}, and yours is {answer:.4g}.")
    return _right("Sums can be added, means cannot. So the workers send sums and counts.")


@check
def photos_each(answer: object, seconds_per_photo: float, seconds_of_link: float) -> Verdict:
    """Judge how many photos each worker needs in a batch for the link to take a tenth of the step.

    Args:
        answer: The number of photos to judge.
        seconds_per_photo: Seconds a worker computes for one photo.
        seconds_of_link: Seconds the link needs for the gradients of one step.
    """
    photos, wanted = _number(answer), 9 * seconds_of_link / seconds_per_photo
    if not np.isfinite(photos) or photos <= 0:
        return _wrong(f"This should be a number of photos above zero, not {_shown(answer)}.")

    def near(value: float) -> bool:
        return bool(np.isclose(photos, value, rtol=1e-3)) or photos in (np.ceil(value), np.round(value))

    if near(wanted):
        share = seconds_of_link / (seconds_of_link + photos * seconds_per_photo)
        return _right(f"Then the link takes {share:.0%} of the step. More photos per worker, fewer steps per epoch.")
    if near(10 * seconds_of_link / seconds_per_photo):
        return _wrong("That makes the link a tenth of the computing. A step is both together.")
    if near(wanted / 8) or near(wanted * 8):
        return _wrong("You are off by a factor of eight: the rate of a link is in bits, and gradients are in bytes.")
    if near(seconds_of_link / seconds_per_photo):
        return _wrong("With that, the link takes as long as the computing, which is half of the step.")
    if near(wanted * seconds_per_photo):
        return _wrong("Those are the seconds that the computing should take. How many photos is that?")
    share = seconds_of_link / (seconds_of_link + photos * seconds_per_photo)
    return _wrong(f"With {photos:.4g} photos each, the link takes {share:.0%} of the step.")

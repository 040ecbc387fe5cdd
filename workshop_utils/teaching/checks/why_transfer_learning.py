"""Checks of notebook `01_why_transfer_learning`: what a layer sees, which way fits a problem, what v1 and v2 save."""

from typing import NamedTuple

import numpy as np

from workshop_utils.plots import diagrams
from workshop_utils.teaching.checks.answer import (
    Verdict,
    _array,
    _called,
    _Judged,
    _number,
    _open,
    _right,
    _shown,
    _wrong,
    check,
)


@check
def receptive_field(answer: object, convolutions: list[tuple[int, int]], known: int) -> Verdict:
    """Judge a function that returns how many pixels of the photo, in height and in width, a unit sees.

    Args:
        answer: The function to judge.
        convolutions: Its argument: (side of the kernel, stride) of each convolution, starting at the photo.
        known: The result of `activations.receptive_field`.
    """
    given = _number(_called(answer, convolutions))
    sides, strides = zip(*convolutions, strict=True)
    if given == 1 + sum(side - 1 for side in sides) != known:
        return _wrong(
            f"{given:.0f} ignores the strides. After a stride of 2, neighbours are two pixels apart, so the next "
            "kernel reaches twice as far."
        )
    if given == _seen(convolutions, stride_first=True):
        return _wrong(
            f"{given:.0f} counts each stride too early: a layer's stride affects only what comes *after* it. "
            "Add first, then multiply the step."
        )
    if given == known - 1:
        return _wrong(f"{given:.0f} is one too few: before any convolution, a unit is one pixel and sees one.")
    if given == sum(sides):
        return _wrong("You added the kernels' sides. A kernel of 3 adds only 2: one on each side of its middle.")
    if given == np.prod(strides):
        return _wrong("You multiplied the strides. That is how far apart two units are, not how far one sees.")
    if given != known:
        return _wrong("Each convolution adds (side - 1) times the current step; then its stride multiplies the step.")
    for other in ([(1, 1)], [(5, 1)], [(3, 1), (3, 1), (3, 1)], [(7, 3), (1, 2), (3, 1)]):
        if (given := _number(_called(answer, other))) != (wanted := _seen(other)):
            return _wrong(f"Right for this layer, but for {other} your function returns {given:g} instead of {wanted}.")
    return _right(f"{known} pixels, as the table says. The unit cannot see anything further away.")


def _seen(convolutions: list[tuple[int, int]], stride_first: bool = False) -> int:
    seen, step = 1, 1
    for side, stride in convolutions:
        step *= stride if stride_first else 1
        seen += (side - 1) * step
        step *= 1 if stride_first else stride
    return seen


@check
def ascent_step(answer: object) -> Verdict:
    """Judge a function of (picture, gradient, rate) that returns the picture after one step of gradient ascent."""
    rng = np.random.default_rng(0)
    picture, gradient = rng.uniform(-0.7, 0.7, (4, 4, 3)), rng.normal(size=(4, 4, 3))
    given = _array(_called(answer, picture.copy(), gradient.copy(), 0.1), picture.shape)
    if np.allclose(given, picture - 0.1 * gradient):
        return _wrong(
            "This goes down: it is the training step, which makes a loss *smaller*. Here the response should grow."
        )
    if np.allclose(given, 0.1 * gradient) or np.allclose(given, gradient):
        return _wrong("This is only the step. Add it to the picture.")
    if np.allclose(given, picture + gradient):
        return _wrong("The rate is missing: it sets the size of the step.")
    if not np.allclose(given, picture + 0.1 * gradient):
        return _wrong("Take the picture and add `rate` times the gradient.")
    if not np.allclose(_called(answer, picture.copy(), gradient.copy(), 5.0), np.clip(picture + 5.0 * gradient, -1, 1)):
        return _wrong(
            "Right, as long as the picture stays between -1 and 1. A large step leaves that range: clip the result."
        )
    return _right(_climbed(answer))


def _climbed(step) -> str:
    """Climb a hill whose top is a grey of 0.5 with a participant's step, starting at black; report how far it gets."""
    picture = np.zeros((4, 4, 3))
    for _ in range(20):
        picture = np.asarray(step(picture, 2 * (0.5 - picture), 0.1), float)
    return (
        f"We tried your step on a small hill: 20 steps took a picture from 0.00 to {picture.mean():.2f}, and the "
        "top of the hill is at 0.50. Below, the hill is a channel's response."
    )


@check
def worst_layer(answer: object, accuracy: dict[str, float]) -> Verdict:
    """Judge which layer names the fewest flavours correctly; `accuracy` holds each layer's share, from 0 to 1."""
    worst = min(accuracy, key=lambda layer: accuracy[layer])
    said = _one_of(answer, accuracy)
    if said == worst:
        return _right(
            f"The {worst} layer names {accuracy[worst]:.0%}. To COCO a cup is a cup, no matter what is in it: what "
            "does not help to say *cup* is lost on the way. And on its coarse map a cup covers only a few cells."
        )
    return _wrong(
        f"The {said} layer names {accuracy[said]:.0%}, and another one names fewer. Which layer is furthest from how a "
        "cup *looks*, and closest to what it *is*?"
    )


class _Problem(NamedTuple):
    """A problem: similarity of its photos to COCO's (0 to 1), why a way fits, and another way that is right, too."""

    similarity: float
    why: str
    also: str = ""


_PROBLEMS = {
    "cars at a crossing": _Problem(0.95, "COCO has cars: there is nothing to learn, so you need no labels."),
    "twelve toy cars": _Problem(0.6, "Toys are related to COCO's cars, but COCO cannot tell the twelve models apart."),
    "letters on forms": _Problem(
        0.15,
        "Letters are unlike COCO's photos, but 500 scans are far too few for random weights. Edges still transfer.",
    ),
    "chest X-rays": _Problem(
        0.1,
        "They are unlike COCO's photos, and there are many: random weights catch up (He et al. 2019, arXiv 1811.08883; "
        "Raghu et al. 2019, arXiv 1902.07208, on X-rays). Fine-tuning still gets there sooner, so try both.",
        also="fine-tune",
    ),
}


@check
def ways(answer: object, problems: dict[str, int]) -> Verdict:
    """Judge which way fits each problem.

    Args:
        answer: {problem: way}; the ways are `diagrams.STRATEGIES`, and `diagrams.strategy_map` draws which fits where.
        problems: The number of labelled photos of each problem.
    """
    if not isinstance(answer, dict) or answer.keys() != problems.keys():
        return _wrong(f"This should be a dictionary with a strategy for each of: {', '.join(problems)}.")
    if all(way is Ellipsis for way in answer.values()):
        return _open()
    said = {problem: _one_of(answer[problem], diagrams.STRATEGIES) for problem in problems}
    fits = {
        problem: diagrams.recommended_strategy(photos, _PROBLEMS[problem].similarity)
        for problem, photos in problems.items()
    }
    wrong = [each for each in problems if said[each] not in (fits[each], _PROBLEMS[each].also)]
    if wrong:
        return _wrong(_listed({each: f"{said[each]}? {_objection(said[each], fits[each])}" for each in wrong}))
    return _right(_listed({problem: f"{said[problem]}. {_PROBLEMS[problem].why}" for problem in problems}))


def _listed(words: dict[str, str]) -> str:
    return "\n\n" + "\n".join(f"- **{name}**: {said}" for name, said in words.items())


def _objection(said: str, fits: str) -> str:
    """Return a question that leads from the answered way to the one that fits."""
    if said == "as is":
        return "Does COCO have a class for each thing you have to tell apart?"
    if fits == "as is":
        return "COCO may have these classes already. What would you train?"
    return "Look at the number of photos: random weights need very many."


def _one_of(answer, names) -> str:
    """Return which of the names an answer is, however it is spelt; end the check if it is none of them."""
    spelt = {name.replace("-", " "): name for name in names}
    said = answer.lower().strip().replace("_", " ").replace("-", " ") if isinstance(answer, str) else answer
    if not isinstance(said, str) or said not in spelt:
        raise _Judged(_wrong(f"{_shown(answer)} is not one of: {', '.join(names)}."))
    return spelt[said]


@check
def separable_share(answer: object, known: float) -> Verdict:
    """Judge a function that returns which share of a plain convolution's multiply-adds a separable one takes.

    Args:
        answer: The function of the kernel's side and of the channels before and after.
        known: The share that was counted in MobileNet v1's block, of 3 x 3 with 512 channels before and after.
    """
    for side, before, after in ((3, 512, 512), (3, 32, 64), (5, 16, 8)):
        given = _number(_called(answer, side, before, after))
        plain, depthwise, pointwise = side**2 * before * after, side**2 * before, before * after
        here = f"For ({side}, {before}, {after})"
        if np.isclose(given, (depthwise + pointwise) / plain):
            continue
        if np.isclose(given, plain / (depthwise + pointwise)):
            return _wrong(f"{here} your function returns {given:.3g}. Turn the fraction around: separable over plain.")
        if np.isclose(given, pointwise / plain):
            return _wrong(f"{here} your function returns {given:.3g}. That is the 1 x 1 convolution alone.")
        if np.isclose(given, depthwise / plain):
            return _wrong(f"{here} your function returns {given:.3g}. That is the depthwise convolution alone.")
        if np.isclose(given, depthwise + pointwise):
            return _wrong(f"{here} your function returns {given:.0f} products. Divide by those of the plain one.")
        if np.isclose(given, (side * before + pointwise) / (side * before * after)):
            return _wrong(f"{here} your function returns {given:.3g}. A kernel of {side} x {side} has {side**2} cells.")
        return _wrong(f"{here} your function returns {given:.3g} instead of {(depthwise + pointwise) / plain:.3g}.")
    return _right(f"{known:.1%} in v1's block, as counted: 1 / 512 + 1 / 9 of the plain convolution.")

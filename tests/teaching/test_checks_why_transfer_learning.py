"""Verdicts of the checks of notebook `01_why_transfer_learning` on right, wrong and missing answers."""

import math

import numpy as np
import pytest
from verdicts import ABSURD, is_open, right, wrong

from workshop_utils.teaching import checks

EARLY = [(3, 2), (3, 1), (3, 2)]
"""The sides and strides of the convolutions up to notebook 01's early layer."""
ACCURACY = {"early": 0.8, "middle": 0.82, "late": 0.4}
PROBLEMS = {"cars at a crossing": 0, "twelve toy cars": 80, "letters on forms": 500, "chest X-rays": 50_000}
WAYS = dict(zip(PROBLEMS, ("as is", "fine-tune", "fine-tune", "random init")))


def seen(convolutions, begin=1, early=False, minus=1):
    sees, step = begin, 1
    for side, stride in convolutions:
        step *= stride if early else 1
        sees += (side - minus) * step
        step *= 1 if early else stride
    return sees


def test_a_receptive_field_is_checked():
    assert right(checks.receptive_field(seen, EARLY, 11)) and is_open(checks.receptive_field(lambda _: ..., EARLY, 11))
    for answer, words in {
        lambda convolutions: seen([(side, 1) for side, _ in convolutions]): "forgets the strides",
        lambda convolutions: seen(convolutions, early=True): "too early",
        lambda convolutions: seen(convolutions, begin=0): "one too few",
        lambda convolutions: sum(side for side, _ in convolutions): "adds only 2",
        lambda convolutions: math.prod(stride for _, stride in convolutions): "how far apart",
        lambda _: 12345: "Each convolution adds",
        lambda _: 11: "Right for this layer",
    }.items():
        assert wrong(checks.receptive_field(answer, EARLY, 11), words)


def test_a_step_of_gradient_ascent_is_checked():
    def step(picture, gradient, rate):
        return np.clip(picture + rate * gradient, -1, 1)

    verdict = checks.ascent_step(step)
    assert right(verdict) and "from 0.00 to 0.49" in verdict.words
    assert is_open(checks.ascent_step(lambda *_: None))
    for answer, words in {
        lambda picture, gradient, rate: picture - rate * gradient: "goes down",
        lambda picture, gradient, rate: rate * gradient: "the step alone",
        lambda picture, gradient, rate: picture + gradient: "rate is missing",
        lambda picture, gradient, rate: picture + rate * gradient: "clip",
        lambda picture, gradient, rate: picture: "add `rate` times",
        lambda picture, gradient, rate: 3: "numbers are wanted",
    }.items():
        assert wrong(checks.ascent_step(answer), words)


def test_the_layer_with_the_fewest_right_names_is_checked():
    assert right(checks.worst_layer("late", ACCURACY)) and right(checks.worst_layer(" Late", ACCURACY))
    assert is_open(checks.worst_layer(..., ACCURACY)) and wrong(checks.worst_layer("early", ACCURACY), "80%")
    assert wrong(checks.worst_layer("deep", ACCURACY), "none of: early, middle, late")


def test_the_strategy_for_each_problem_is_checked():
    verdict = checks.ways(WAYS, PROBLEMS)
    assert right(verdict) and all(problem in verdict.words for problem in PROBLEMS)
    assert right(checks.ways({problem: way.upper().replace(" ", "_") for problem, way in WAYS.items()}, PROBLEMS))
    both = checks.ways(WAYS | {"chest X-rays": "fine-tune"}, PROBLEMS)
    assert right(both) and "**chest X-rays**: fine-tune." in both.words and "try both" in both.words
    assert is_open(checks.ways(..., PROBLEMS)) and is_open(checks.ways(dict.fromkeys(PROBLEMS, ...), PROBLEMS))
    for problem, way, words in [
        ("cars at a crossing", "fine-tune", "What would there be to train"),
        ("twelve toy cars", "as is", "name for what is to be told apart"),
        ("letters on forms", "random init", "number of photos"),
        ("chest X-rays", "as is", "name for what is to be told apart"),
    ]:
        verdict = checks.ways(WAYS | {problem: way}, PROBLEMS)
        assert wrong(verdict, problem, words) and verdict.words.count("**") == 2
    assert wrong(checks.ways({"twelve toy cars": "fine-tune"}, PROBLEMS), "A dictionary")
    assert wrong(checks.ways(WAYS | {"twelve toy cars": "magic"}, PROBLEMS), "none of")


@pytest.mark.parametrize("answer", ABSURD.values(), ids=ABSURD)
def test_no_absurd_answer_in_notebook_01_raises_or_is_right(answer):
    verdicts = [
        checks.receptive_field(answer, EARLY, 11),
        checks.ascent_step(answer),
        checks.worst_layer(answer, ACCURACY),
        checks.ways(answer, PROBLEMS),
    ]
    assert not any(right(verdict) or "<script>" in verdict.words for verdict in verdicts)

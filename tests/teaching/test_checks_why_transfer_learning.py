"""Verdicts of the checks of notebook `01_why_transfer_learning` on right, wrong and missing answers."""

import math

import numpy as np
import pytest
from verdicts import ABSURD, each_explained, is_open, right, wrong

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
    assert each_explained(
        {
            "forgets the strides": checks.receptive_field(
                lambda convolutions: seen([(side, 1) for side, _ in convolutions]), EARLY, 11
            ),
            "too early": checks.receptive_field(lambda convolutions: seen(convolutions, early=True), EARLY, 11),
            "one too few": checks.receptive_field(lambda convolutions: seen(convolutions, begin=0), EARLY, 11),
            "adds only 2": checks.receptive_field(
                lambda convolutions: sum(side for side, _ in convolutions), EARLY, 11
            ),
            "how far apart": checks.receptive_field(
                lambda convolutions: math.prod(stride for _, stride in convolutions), EARLY, 11
            ),
            "Each convolution adds": checks.receptive_field(lambda _: 12345, EARLY, 11),
            "Right for this layer": checks.receptive_field(lambda _: 11, EARLY, 11),
        }
    )


def test_a_step_of_gradient_ascent_is_checked():

    def step(picture, gradient, rate):
        return np.clip(picture + rate * gradient, -1, 1)

    verdict = checks.ascent_step(step)
    assert right(verdict, "0.00", "0.49")
    assert is_open(checks.ascent_step(lambda *_: None))
    assert each_explained(
        {
            "goes down": checks.ascent_step(lambda picture, gradient, rate: picture - rate * gradient),
            "the step alone": checks.ascent_step(lambda picture, gradient, rate: rate * gradient),
            "rate is missing": checks.ascent_step(lambda picture, gradient, rate: picture + gradient),
            "clip": checks.ascent_step(lambda picture, gradient, rate: picture + rate * gradient),
            "add `rate` times": checks.ascent_step(lambda picture, gradient, rate: picture),
            "numbers are wanted": checks.ascent_step(lambda picture, gradient, rate: 3),
        }
    )


def test_the_layer_with_the_fewest_right_names_is_checked():
    assert right(checks.worst_layer("late", ACCURACY)) and right(checks.worst_layer(" Late", ACCURACY))
    assert is_open(checks.worst_layer(..., ACCURACY))
    assert each_explained(
        {
            "80%": checks.worst_layer("early", ACCURACY),
            "none of: early, middle, late": checks.worst_layer("deep", ACCURACY),
        }
    )


def test_the_strategy_for_each_problem_is_checked():
    verdict = checks.ways(WAYS, PROBLEMS)
    assert right(verdict, *PROBLEMS)
    assert right(checks.ways({problem: way.upper().replace(" ", "_") for problem, way in WAYS.items()}, PROBLEMS))
    both = checks.ways(WAYS | {"chest X-rays": "fine-tune"}, PROBLEMS)
    assert right(both, "**chest X-rays**: fine-tune.") and both.words != verdict.words
    assert is_open(checks.ways(..., PROBLEMS)) and is_open(checks.ways(dict.fromkeys(PROBLEMS, ...), PROBLEMS))
    explanations = {}
    for problem, way in [
        ("cars at a crossing", "fine-tune"),
        ("twelve toy cars", "as is"),
        ("letters on forms", "random init"),
        ("chest X-rays", "as is"),
    ]:
        verdict = checks.ways(WAYS | {problem: way}, PROBLEMS)
        assert wrong(verdict, problem) and verdict.words.count("**") == 2
        explanations.setdefault(way, set()).add(verdict.words.replace(problem, ""))
    assert {way: len(each) for way, each in explanations.items()} == {"fine-tune": 1, "as is": 1, "random init": 1}
    assert len(set.union(*explanations.values())) == 3
    assert each_explained(
        {
            "A dictionary": checks.ways({"twelve toy cars": "fine-tune"}, PROBLEMS),
            "none of": checks.ways(WAYS | {"twelve toy cars": "magic"}, PROBLEMS),
        }
    )


def test_the_share_of_a_separable_convolution_is_one_over_channels_plus_one_over_cells():
    verdict = checks.separable_share(lambda side, before, after: 1 / after + 1 / side**2, 0.113)
    assert right(verdict, "11.3%")
    assert is_open(checks.separable_share(lambda *_: ..., 0.113)) and is_open(checks.separable_share(..., 0.113))
    assert each_explained(
        {
            "times as much": checks.separable_share(lambda side, before, after: 1 / (1 / after + 1 / side**2), 0.1),
            "pointwise alone": checks.separable_share(lambda side, before, after: 1 / side**2, 0.1),
            "depthwise alone": checks.separable_share(lambda side, before, after: 1 / after, 0.1),
            "not divided": checks.separable_share(lambda side, before, after: before * (side**2 + after), 0.1),
            "side not squared": checks.separable_share(lambda side, before, after: 1 / after + 1 / side, 0.1),
            "channels exchanged": checks.separable_share(lambda side, before, after: 1 / before + 1 / side**2, 0.1),
        }
    )


@pytest.mark.parametrize("answer", ABSURD.values(), ids=ABSURD)
def test_no_absurd_answer_in_notebook_01_raises_or_is_right(answer):
    verdicts = [
        checks.receptive_field(answer, EARLY, 11),
        checks.ascent_step(answer),
        checks.worst_layer(answer, ACCURACY),
        checks.ways(answer, PROBLEMS),
        checks.separable_share(answer, 0.113),
    ]
    assert not any(right(verdict) or "<script>" in verdict.words for verdict in verdicts)

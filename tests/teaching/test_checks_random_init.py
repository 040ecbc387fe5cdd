"""What the checks of notebook `06_random_init` say of right answers, of wrong ones, and of none."""

import math

import pytest
from verdicts import ABSURD, is_open, right, wrong

from workshop_utils.teaching import checks


def running(start, batches, momentum):
    for batch in batches:
        start = momentum * start + (1 - momentum) * batch
    return start


def running_average(answer):
    return checks.running_average(answer, layer_says=running(0.0, [1, 3, 2], 0.9))


@pytest.mark.parametrize(
    ("mistaken", "words"),
    [
        (lambda start, batches, momentum: running(start, batches, 1 - momentum), "PyTorch"),
        (lambda start, batches, momentum: sum(batches) / len(batches), "plain mean"),
        (lambda start, batches, momentum: running(start, batches[:1], momentum), "first batch only"),
        (lambda start, batches, momentum: running(start, batches[-1:], momentum), "last batch only"),
        (lambda start, batches, momentum: start + 1, "gives"),
    ],
)
def test_a_running_average_that_runs_otherwise_is_named(mistaken, words):
    said = running_average(running)
    assert right(said) and "0.551" in said.words
    assert wrong(running_average(mistaken), words)


def steps_until(answer, steps=300):
    return checks.steps_until(answer, momentum=0.99, steps=steps)


def until(share, momentum):
    return math.log(share) / math.log(momentum)


@pytest.mark.parametrize(
    ("mistaken", "words"),
    [
        (lambda share, momentum: (1 - share) / (1 - momentum), "use logarithms"),
        (lambda share, momentum: math.log(momentum) / math.log(share), "upside down"),
        (lambda share, momentum: until(1 - share, momentum), "1 - share"),
        (lambda share, momentum: 458.2, "For 0.01, 0.9997"),
    ],
)
def test_steps_until_little_is_left_follow_from_logarithms(mistaken, words):
    assert right(steps_until(until)) and right(steps_until(lambda *case: math.ceil(until(*case))))
    assert wrong(steps_until(mistaken), words)


def test_whether_this_recipe_has_enough_steps_is_told():
    assert "has 300: not enough even for the smaller momentum." in steps_until(until).words
    assert "has 1,000: enough for the smaller momentum." in steps_until(until, steps=1000).words


def hours(answer):
    return checks.hours_for_coco(answer, photos=100_000, step_seconds=0.72, batch_size=8)


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (3600, "9,000 hours? Those are seconds"),
        (60, "minutes"),
        (1 / 24, "days"),
        (8, "not one"),
        (64, "divide"),
        (3.3, "steps is that?"),
    ],
)
def test_hours_that_are_off_by_a_factor_are_explained(factor, words):
    assert right(hours(2.5)) and right(hours(2.52))
    assert wrong(hours(2.5 * factor), words)


@pytest.mark.parametrize("judge", [running_average, steps_until, hours])
def test_open_and_absurd_answers_to_06_are_taken_kindly(judge):
    assert is_open(judge(...))
    for answer in ABSURD.values():
        verdict = judge(answer)
        assert not verdict.right and "<script>" not in verdict._repr_markdown_()


@pytest.mark.parametrize("judge", [running_average, steps_until])
def test_a_function_without_an_answer_in_06_is_open(judge):
    assert is_open(judge(lambda *_: None)) and is_open(judge(lambda *_: ...))

"""Verdicts of the checks of notebook `06_random_init` on right, wrong and missing answers."""

import math

import pytest
from verdicts import ABSURD, each_explained, is_open, right

from workshop_utils.teaching import checks


def running(start, batches, momentum):
    for batch in batches:
        start = momentum * start + (1 - momentum) * batch
    return start


def running_average(answer):
    return checks.running_average(answer, layer_says=running(0.0, [1, 3, 2], 0.9))


def test_a_wrong_running_average_is_named():
    said = running_average(running)
    assert right(said, "0.551")
    assert each_explained(
        {
            "PyTorch": running_average(lambda start, batches, momentum: running(start, batches, 1 - momentum)),
            "plain mean": running_average(lambda start, batches, momentum: sum(batches) / len(batches)),
            "first batch only": running_average(lambda start, batches, momentum: running(start, batches[:1], momentum)),
            "last batch only": running_average(lambda start, batches, momentum: running(start, batches[-1:], momentum)),
            "gives": running_average(lambda start, batches, momentum: start + 1),
        }
    )


def steps_until(answer, steps=300):
    return checks.steps_until(answer, momentum=0.99, steps=steps)


def until(share, momentum):
    return math.log(share) / math.log(momentum)


def test_steps_until_little_is_left_follow_from_logarithms():
    assert right(steps_until(until)) and right(steps_until(lambda *case: math.ceil(until(*case))))
    assert each_explained(
        {
            "use logarithms": steps_until(lambda share, momentum: (1 - share) / (1 - momentum)),
            "upside down": steps_until(lambda share, momentum: math.log(momentum) / math.log(share)),
            "1 - share": steps_until(lambda share, momentum: until(1 - share, momentum)),
            "For 0.01, 0.9997": steps_until(lambda share, momentum: 458.2),
        }
    )


def test_the_check_says_whether_this_recipe_has_enough_steps():
    said = steps_until(until), steps_until(until, steps=1000)
    assert right(said[0], "300") and right(said[1], "1,000")
    assert said[0].words.replace("300", "1,000") != said[1].words


def hours(answer):
    return checks.hours_for_coco(answer, photos=100_000, step_seconds=0.72, batch_size=8)


def test_hours_that_are_off_by_a_factor_are_explained():
    assert right(hours(2.5)) and right(hours(2.52))
    assert each_explained(
        {
            "9,000 hours? Those are seconds": hours(2.5 * 3600),
            "minutes": hours(2.5 * 60),
            "days": hours(2.5 * (1 / 24)),
            "not one": hours(2.5 * 8),
            "divide": hours(2.5 * 64),
            "steps is that?": hours(2.5 * 3.3),
        }
    )


@pytest.mark.parametrize("judge", [running_average, steps_until, hours])
def test_open_and_absurd_answers_to_06_are_handled(judge):
    assert is_open(judge(...))
    for answer in ABSURD.values():
        verdict = judge(answer)
        assert not verdict.right and "<script>" not in verdict._repr_markdown_()


@pytest.mark.parametrize("judge", [running_average, steps_until])
def test_a_function_without_an_answer_in_06_is_open(judge):
    assert is_open(judge(lambda *_: None)) and is_open(judge(lambda *_: ...))

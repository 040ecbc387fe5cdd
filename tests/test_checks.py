"""What the checks say of right answers, of wrong ones, and of none."""

import math

import numpy as np
import pytest

from workshop_utils import checks

ABSURD = [None, "a string", [], object(), lambda *_: 1 / 0, float("nan"), "<script>alert(1)</script>"]
"""What nobody would answer."""


def right(verdict) -> bool:
    return verdict.right is True


def wrong(verdict, *words: str) -> bool:
    """Whether the answer is called wrong, and these words say why."""
    return verdict.right is False and all(word in verdict.words for word in words)


def is_open(verdict) -> bool:
    return verdict.right is None


@checks.check
def doubled(answer, number):
    return checks._right("Twice.") if checks._number(answer) == 2 * number else checks._wrong("Not twice.")


@checks.check
def doubles(function, number):
    return checks._right("Twice.") if checks._called(function, number) == 2 * number else checks._wrong("Not twice.")


def test_a_check_says_right_wrong_or_open():
    assert right(doubled(4, 2)) and wrong(doubled(5, 2), "Not twice") and is_open(doubled(..., 2))
    assert right(doubles(lambda number: 2 * number, 2)) and is_open(doubles(lambda number: ..., 2))


@pytest.mark.parametrize("answer", ABSURD, ids=repr)
def test_no_answer_however_odd_raises_or_is_right(answer):
    for check in (doubled, doubles):
        verdict = check(answer, 2)
        assert not verdict.right and "<script>" not in verdict._repr_markdown_()


def test_a_fault_in_a_participants_function_is_told_in_words():
    assert wrong(doubles(lambda number: number / 0, 2), "ZeroDivisionError")


@pytest.mark.parametrize("answer", [5, ...])
def test_where_only_right_answers_are_wanted_another_is_an_error(answer, monkeypatch):
    monkeypatch.setenv(checks.STRICT, "1")
    assert right(doubled(4, 2))
    with pytest.raises(checks.NotRight, match="doubled"):
        doubled(answer, 2)


# One section a notebook, in the order of workshop_utils/checks.py


# 00 · Start here

SCORES = np.array([0.9, 0.7, 0.6, 0.4, 0.35, 0.1] + [0.0] * 94, np.float32)
BOX, WIDTH, HEIGHT = (0.25, 0.5, 0.5, 0.75), 512, 384
"""In pixels: 96, 256, 192, 384."""


def test_remaining_boxes_are_counted():
    assert right(checks.remaining(3, SCORES, 0.6)) and right(checks.remaining(np.int64(3), SCORES, 0.6))
    assert is_open(checks.remaining(..., SCORES, 0.6))
    assert wrong(checks.remaining(97, SCORES, 0.6), "below")
    assert wrong(checks.remaining(100, SCORES, 0.6), "at all") and wrong(checks.remaining(6, SCORES, 0.6), "at all")
    assert wrong(checks.remaining(0.9, SCORES, 0.6), "How *many*")
    assert wrong(checks.remaining(5, SCORES, 0.6), "at least")
    assert wrong(checks.remaining(SCORES >= 0.6, SCORES, 0.6), "A number is wanted")


def test_a_boxs_pixels_are_read():
    assert right(checks.pixels([96, 256, 192, 384], BOX, WIDTH, HEIGHT)) and is_open(checks.pixels(..., BOX, 512, 384))
    for answer, words in {
        BOX: "still fractions",
        (128, 192, 256, 288): "swapped",
        (256, 96, 384, 192): "order",
        (96, 256, 96, 128): "lower and its right edge",
        (75, 150, 150, 225): "its own size",
        (1, 2, 3, 4): "Multiply",
    }.items():
        assert wrong(checks.pixels(answer, BOX, WIDTH, HEIGHT), words)
    assert wrong(checks.pixels([96, 256], BOX, WIDTH, HEIGHT), "4 numbers")


@pytest.mark.parametrize("answer", ABSURD, ids=repr)
def test_absurd_answers_in_notebook_00(answer):
    assert not right(checks.remaining(answer, SCORES, 0.6)) and not right(checks.pixels(answer, BOX, WIDTH, HEIGHT))


# 01 · Why transfer learning

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


def test_a_receptive_field_is_counted():
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


def test_a_step_of_gradient_ascent_is_taken():
    def step(picture, gradient, rate):
        return np.clip(picture + rate * gradient, -1, 1)

    verdict = checks.ascent_step(step)
    assert right(verdict) and "-0.25 to -0.00" in verdict.words
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


def test_the_layer_that_names_fewest_is_found():
    assert right(checks.worst_layer("late", ACCURACY)) and right(checks.worst_layer(" Late", ACCURACY))
    assert is_open(checks.worst_layer(..., ACCURACY)) and wrong(checks.worst_layer("early", ACCURACY), "80%")
    assert wrong(checks.worst_layer("deep", ACCURACY), "none of: early, middle, late")


def test_each_problem_finds_its_way():
    verdict = checks.ways(WAYS, PROBLEMS)
    assert right(verdict) and all(problem in verdict.words for problem in PROBLEMS)
    assert right(checks.ways({problem: way.upper().replace(" ", "_") for problem, way in WAYS.items()}, PROBLEMS))
    assert is_open(checks.ways(..., PROBLEMS)) and is_open(checks.ways(dict.fromkeys(PROBLEMS, ...), PROBLEMS))
    for problem, way, words in [
        ("cars at a crossing", "fine-tune", "What would there be to train"),
        ("twelve toy cars", "as is", "name for what is to be told apart"),
        ("letters on forms", "random init", "number of photos"),
        ("chest X-rays", "fine-tune", "only COCO could teach"),
    ]:
        verdict = checks.ways(WAYS | {problem: way}, PROBLEMS)
        assert wrong(verdict, problem, words) and verdict.words.count("**") == 2
    assert wrong(checks.ways({"twelve toy cars": "fine-tune"}, PROBLEMS), "A dictionary")
    assert wrong(checks.ways(WAYS | {"twelve toy cars": "magic"}, PROBLEMS), "none of")


@pytest.mark.parametrize("answer", ABSURD, ids=repr)
def test_absurd_answers_in_notebook_01(answer):
    verdicts = [
        checks.receptive_field(answer, EARLY, 11),
        checks.ascent_step(answer),
        checks.worst_layer(answer, ACCURACY),
        checks.ways(answer, PROBLEMS),
    ]
    assert not any(right(verdict) or "<script>" in verdict.words for verdict in verdicts)


# 02 · Label images


# 03 · Build the pipeline


# 04 · Fine-tune


# 05 · Use as is


# 06 · Random init


# 07 · Compare the strategies


# 08 · Export the checkpoint


# 09 · Detect and classify


# 10 · Your own data


# 11 · Scale out

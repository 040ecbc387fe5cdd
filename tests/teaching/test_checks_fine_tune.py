"""What the checks of notebook `04_fine_tune` say of right answers, of wrong ones, and of none."""

import re

import numpy as np
import pytest
from verdicts import ABSURD, is_open, right, wrong

from workshop_utils.teaching import checks

MAPS = [(576, 3), (1280, 6), (512, 6), (256, 6), (256, 6), (128, 6)]


def new_weights(answer):
    return checks.new_weights(answer, MAPS, ours=5, total=3_161_290)


def numbers(classes, background=1, bias=1, anchors=True):
    return sum((channels + bias) * (count if anchors else 1) * (classes + background) for channels, count in MAPS)


def test_what_new_weights_grows_with_the_classes():
    said = new_weights(numbers)
    assert right(said) and f"{numbers(5):,} for our 5 classes" in said.words
    assert f"with 200 classes {numbers(200) / (3_161_290 - numbers(5) + numbers(200)):.0%}" in said.words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"background": 0}, "forgot the background"),
        ({"bias": 0}, "forgot the bias"),
        ({"anchors": False}, "several anchors"),
        ({"background": 0, "bias": 0}, "both"),
    ],
)
def test_what_was_forgotten_of_what_new_weights_is_named(change, words):
    assert wrong(new_weights(lambda classes: numbers(classes, **change)), words)


def test_what_new_weights_must_hold_for_other_numbers_of_classes():
    assert wrong(new_weights(lambda classes: numbers(5)), "For 20")


SAVED = {"block_9_add": 0.44, "block_12_add": 0.61, "block_16_project_BN": 0.84}
HELD = {"block_9_add": 0.08, "block_12_add": 0.18, "block_16_project_BN": 0.58}


@pytest.mark.parametrize(
    ("name", "words"),
    [("block_9_add", "freeze more"), ("block_16_project_BN", "freeze less"), ("block_99", "There is no layer")],
)
def test_freezing_too_little_and_too_much_get_different_hints(name, words):
    assert right(checks.how_far_to_freeze("block_12_add", SAVED, HELD))
    assert wrong(checks.how_far_to_freeze(name, SAVED, HELD), words)


def test_a_layer_is_known_by_the_words_of_the_plot_too():
    assert right(checks.how_far_to_freeze("on to block_12_add", SAVED, HELD))
    assert wrong(checks.how_far_to_freeze(" ", SAVED, HELD), "There is no layer")


TIMES = {"yours": {"before": 0.2, "after": 0.1, "pause": 10.0}, "longer": {"before": 0.7, "after": 0.2, "pause": 20.0}}


def steps_to_pay(answer, times=TIMES):
    return checks.steps_to_pay(answer, times, {"yours": 84, "longer": 700})


def test_a_cache_pays_off_in_the_run_that_is_long_enough():
    said = steps_to_pay(lambda before, after, pause: pause / (before - after))
    assert right(said)
    assert re.search(r"yours: .*\b100\b.*\b84\b.*not", said.words)
    assert re.search(r"longer: .*\b40\b.*\b700\b", said.words)


def test_a_cache_that_makes_no_step_faster_never_pays_off():
    times = {"yours": {"before": 0.1, "after": 0.1, "pause": 10.0}}
    said = steps_to_pay(lambda before, after, pause: pause / (before - after), times)
    assert right(said) and "never" in said.words


@pytest.mark.parametrize(
    ("mistaken", "words"),
    [
        (lambda before, after, pause: pause / before, "the time of a step"),
        (lambda before, after, pause: pause / after, "a faster step"),
        (lambda before, after, pause: (before - after) / pause, "upside down"),
        (lambda before, after, pause: pause * (before - after), "multiply"),
        (lambda before, after, pause: pause / (after - before), "the other way round"),
        (lambda before, after, pause: 7, "gives 7. It should be 40."),
    ],
)
def test_a_wrong_account_of_freezing_is_named(mistaken, words):
    assert wrong(steps_to_pay(mistaken), words)


CURVES = {"peach": np.linspace(1, 0, 101), "vanilla": np.zeros(101)}


def recall_at(answer):
    return checks.recall_at(answer, CURVES, 0.8)


def read_off(curve, wanted):
    places = np.flatnonzero(curve >= wanted)
    return places[-1] / 100 if len(places) else 0.0


def test_the_largest_recall_with_enough_precision_is_right():
    said = recall_at(read_off)
    assert right(said) and "peach 20%, vanilla 0%" in said.words


@pytest.mark.parametrize(
    ("mistaken", "words"),
    [
        (lambda curve, wanted: np.flatnonzero(curve >= wanted)[-1], "a hundredth"),
        (lambda curve, wanted: (curve >= wanted).sum(), "number of positions"),
        (lambda curve, wanted: (curve >= wanted).mean() * 1.01, "one too many"),
        (lambda curve, wanted: curve[curve >= wanted][-1], "precision"),
        (lambda curve, wanted: np.flatnonzero(curve >= wanted)[0] / 100, "smallest"),
        (lambda curve, wanted: np.flatnonzero(curve > wanted)[-1] / 100, "`>=`, not `>`"),
        (lambda curve, wanted: np.flatnonzero(curve >= wanted)[-1] / 100, "IndexError"),
        (lambda curve, wanted: read_off(curve, wanted) or 1.0, "never reaches 80%"),
    ],
)
def test_a_misread_curve_gets_its_hint(mistaken, words):
    assert wrong(recall_at(mistaken), words)


@pytest.mark.parametrize(
    "judge", [new_weights, lambda answer: checks.how_far_to_freeze(answer, SAVED, HELD), steps_to_pay, recall_at]
)
def test_open_and_absurd_answers_to_04_are_taken_kindly(judge):
    assert is_open(judge(...))
    for answer in ABSURD.values():
        verdict = judge(answer)
        assert not verdict.right and "<script>" not in verdict._repr_markdown_()


@pytest.mark.parametrize("judge", [new_weights, steps_to_pay, recall_at])
def test_a_function_without_an_answer_in_04_is_open(judge):
    assert is_open(judge(lambda *_: None)) and is_open(judge(lambda *_: ...))

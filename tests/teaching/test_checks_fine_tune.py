"""Verdicts of the checks of notebook `04_fine_tune` on right, wrong and missing answers."""

import re

import numpy as np
import pytest
from verdicts import ABSURD, each_explained, is_open, right

from workshop_utils.teaching import checks

MAPS = [(576, 3), (1280, 6), (512, 6), (256, 6), (256, 6), (128, 6)]


def new_weights(answer):
    return checks.new_weights(answer, MAPS, ours=5, total=3_161_290)


def numbers(classes, background=1, bias=1, anchors=True):
    return sum((channels + bias) * (count if anchors else 1) * (classes + background) for channels, count in MAPS)


def test_the_number_of_new_weights_grows_with_the_classes():
    said = new_weights(numbers)
    share = numbers(200) / (3_161_290 - numbers(5) + numbers(200))
    assert right(said, f"{numbers(5):,}", " 5 ", "200", f"{share:.0%}")


def test_forgotten_new_weights_are_named():
    assert each_explained(
        {
            "forgot the background:": new_weights(lambda classes: numbers(classes, **{"background": 0})),
            "forgot the bias:": new_weights(lambda classes: numbers(classes, **{"bias": 0})),
            "several anchors": new_weights(lambda classes: numbers(classes, **{"anchors": False})),
            "both": new_weights(lambda classes: numbers(classes, **{"background": 0, "bias": 0})),
        }
    )


def test_the_number_of_new_weights_is_checked_for_other_numbers_of_classes():
    assert each_explained({"For 20": new_weights(lambda classes: numbers(5))})


SAVED = {"block_9_add": 0.44, "block_12_add": 0.61, "block_16_project_BN": 0.84}
HELD = {"block_9_add": 0.08, "block_12_add": 0.18, "block_16_project_BN": 0.58}


def test_freezing_too_little_and_too_much_are_distinguished():
    assert right(checks.how_far_to_freeze("block_12_add", SAVED, HELD))
    assert each_explained(
        {
            "freeze further": checks.how_far_to_freeze("block_9_add", SAVED, HELD),
            "freeze less": checks.how_far_to_freeze("block_16_project_BN", SAVED, HELD),
            "There is no layer": checks.how_far_to_freeze("block_99", SAVED, HELD),
        }
    )


def test_a_layer_is_accepted_under_its_name_in_the_plot_too():
    assert right(checks.how_far_to_freeze("on to block_12_add", SAVED, HELD))
    assert each_explained({"There is no layer": checks.how_far_to_freeze(" ", SAVED, HELD)})


TIMES = {"yours": {"before": 0.2, "after": 0.1, "pause": 10.0}, "longer": {"before": 0.7, "after": 0.2, "pause": 20.0}}


def steps_to_pay(answer, times=TIMES):
    return checks.steps_to_pay(answer, times, {"yours": 84, "longer": 700})


def test_a_cache_pays_off_in_the_run_that_is_long_enough():
    said = steps_to_pay(lambda before, after, pause: pause / (before - after))
    assert right(said) and re.search("yours.*100.*84.*longer.*40.*700", said.words)


def test_a_cache_that_makes_no_step_faster_never_pays_off():
    times = {"yours": {"before": 0.1, "after": 0.1, "pause": 10.0}}
    said = steps_to_pay(lambda before, after, pause: pause / (before - after), times)
    assert right(said, "yours") and not re.search(r"\d", said.words)


def test_a_mistake_about_freezing_is_named():
    assert each_explained(
        {
            "what a step took": steps_to_pay(lambda before, after, pause: pause / before),
            "still takes": steps_to_pay(lambda before, after, pause: pause / after),
            "upside down": steps_to_pay(lambda before, after, pause: (before - after) / pause),
            "multiply": steps_to_pay(lambda before, after, pause: pause * (before - after)),
            "the other way round": steps_to_pay(lambda before, after, pause: pause / (after - before)),
            "gives 7. It should be 40.": steps_to_pay(lambda before, after, pause: 7),
        }
    )


CURVES = {"peach": np.linspace(1, 0, 101), "vanilla": np.zeros(101)}


def recall_at(answer):
    return checks.recall_at(answer, CURVES, 0.8)


def read_off(curve, wanted):
    places = np.flatnonzero(curve >= wanted)
    return places[-1] / 100 if len(places) else 0.0


def test_the_largest_recall_with_enough_precision_is_right():
    said = recall_at(read_off)
    assert right(said, "peach 20%", "vanilla 0%")


def test_a_curve_that_is_read_wrongly_is_explained():
    assert each_explained(
        {
            "a hundredth": recall_at(lambda curve, wanted: np.flatnonzero(curve >= wanted)[-1]),
            "how many places": recall_at(lambda curve, wanted: (curve >= wanted).sum()),
            "one too many": recall_at(lambda curve, wanted: (curve >= wanted).mean() * 1.01),
            "precision": recall_at(lambda curve, wanted: curve[curve >= wanted][-1]),
            "smallest": recall_at(lambda curve, wanted: np.flatnonzero(curve >= wanted)[0] / 100),
            "`>=`, not `>`": recall_at(lambda curve, wanted: np.flatnonzero(curve > wanted)[-1] / 100),
            "IndexError": recall_at(lambda curve, wanted: np.flatnonzero(curve >= wanted)[-1] / 100),
            "never reaches 80%": recall_at(lambda curve, wanted: read_off(curve, wanted) or 1.0),
        }
    )


@pytest.mark.parametrize(
    "judge", [new_weights, lambda answer: checks.how_far_to_freeze(answer, SAVED, HELD), steps_to_pay, recall_at]
)
def test_open_and_absurd_answers_to_04_are_handled(judge):
    assert is_open(judge(...))
    for answer in ABSURD.values():
        verdict = judge(answer)
        assert not verdict.right and "<script>" not in verdict._repr_markdown_()


@pytest.mark.parametrize("judge", [new_weights, steps_to_pay, recall_at])
def test_a_function_without_an_answer_in_04_is_open(judge):
    assert is_open(judge(lambda *_: None)) and is_open(judge(lambda *_: ...))

"""Verdicts of the checks of notebook `05_use_as_is` on right, wrong and missing answers."""

import numpy as np
import pytest
from verdicts import ABSURD, is_open, right, wrong

from workshop_utils.teaching import checks


def all_alike(answer):
    return checks.all_alike(answer, share=0.22, classes=5, measured=0.048)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (0.22, "the one flavour. AP50 is the mean"),
        (0.205, "78% of them stand on cups of other flavours"),
        (1.0, "class-agnostic"),
        (0, "never says"),
        (0.5, "what do the other"),
    ],
)
def test_calling_all_cups_alike_scores_a_share_of_a_fifth(answer, words):
    assert right(all_alike(0.22 / 5)) and right(all_alike(0.048))
    assert wrong(all_alike(answer), words)


OVERLAP = np.array([[0.8, 0.0, 0.1], [0.0, 0.4, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.7]])


def precision_and_recall(answer):
    return checks.precision_and_recall(answer, OVERLAP)


def shares(overlap, least=0.5):
    found = (overlap.max(axis=1) >= least).sum()
    return found / overlap.shape[1], found / overlap.shape[0]


def test_precision_is_of_the_boxes_and_recall_of_the_cups():
    said = precision_and_recall(shares)
    assert right(said) and "2 of 3 boxes" in said.words and "2 of 4 cups" in said.words


@pytest.mark.parametrize(
    ("mistaken", "words"),
    [
        (lambda overlap: shares(overlap)[::-1], "swapped"),
        (lambda overlap: ((overlap.max(axis=0) >= 0.5).mean(), (overlap.max(axis=1) >= 0.5).mean()), "same cup"),
        (lambda overlap: ((overlap.max(axis=0) > 0).mean(), (overlap.max(axis=1) > 0).mean()), "touches"),
        (lambda overlap: (0.123, 0.4), "Count the cups"),
        (lambda overlap: (shares(overlap)[0], 0.4), "Count the cups"),
        (lambda overlap: 0.5, "2 numbers are wanted"),
    ],
)
def test_a_wrong_precision_or_recall_is_named(mistaken, words):
    assert wrong(precision_and_recall(mistaken), words)


NAMES = ["cup", "bottle", "laptop"]


def cup_like(answer):
    return checks.cup_like(
        answer, NAMES, lambda names: {1: 0.4, 2: 0.5, 3: 0.45}[len(names)] - 0.1 * ("cup" not in names)
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"mug": "cup-like"}, "COCO has no class 'mug'"),
        ({"cup": "yoghurt"}, "'cup-like'"),
        ({"cup": "cup-like"}, "beat both"),
        ({"bottle": "cup-like", "laptop": "cup-like"}, "beat both"),
        (dict.fromkeys(NAMES, "cup-like"), "class-agnostic"),
        (["cup"], "A dictionary"),
        ({}, "No name"),
    ],
)
def test_only_names_that_beat_both_one_and_all_are_cup_like(answer, words):
    assert right(cup_like({"cup": "cup-like", "bottle": "cup-like"}))
    assert wrong(cup_like(answer), words)


@pytest.mark.parametrize("judge", [all_alike, precision_and_recall, cup_like])
def test_open_and_absurd_answers_to_05_are_handled(judge):
    assert is_open(judge(...))
    for answer in ABSURD.values():
        verdict = judge(answer)
        assert not verdict.right and "<script>" not in verdict._repr_markdown_()


@pytest.mark.parametrize("judge", [precision_and_recall])
def test_a_function_without_an_answer_in_05_is_open(judge):
    assert is_open(judge(lambda *_: None)) and is_open(judge(lambda *_: ...))

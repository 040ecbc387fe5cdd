"""Verdicts of the checks of notebook `05_use_as_is` on right, wrong and missing answers."""

import numpy as np
import pytest
from verdicts import ABSURD, each_explained, is_open, right, wrong

from workshop_utils.teaching import checks


def all_alike(answer):
    return checks.all_alike(answer, share=0.22, classes=5, measured=0.048)


def test_calling_all_cups_the_same_is_right_for_a_fifth():
    assert right(all_alike(0.22 / 5)) and right(all_alike(0.048)) and wrong(all_alike(0.205), "78%")
    assert each_explained(
        {
            "the one flavour's": [all_alike(0.22), all_alike(0.205)],
            "class-agnostic": all_alike(1.0),
            "never says": all_alike(0),
            "what do the other": all_alike(0.5),
        }
    )


OVERLAP = np.array([[0.8, 0.0, 0.1], [0.0, 0.4, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.7]])


def precision_and_recall(answer):
    return checks.precision_and_recall(answer, OVERLAP)


def shares(overlap, least=0.5):
    found = (overlap.max(axis=1) >= least).sum()
    return found / overlap.shape[1], found / overlap.shape[0]


def test_precision_is_of_the_boxes_and_recall_of_the_cups():
    said = precision_and_recall(shares)
    assert right(said, "3", "4", "0.67", "0.50")


def test_a_wrong_precision_or_recall_is_named():
    assert each_explained(
        {
            "swapped": precision_and_recall(lambda overlap: shares(overlap)[::-1]),
            "same cup": precision_and_recall(
                lambda overlap: ((overlap.max(axis=0) >= 0.5).mean(), (overlap.max(axis=1) >= 0.5).mean())
            ),
            "touches": precision_and_recall(
                lambda overlap: ((overlap.max(axis=0) > 0).mean(), (overlap.max(axis=1) > 0).mean())
            ),
            "Count the cups": [
                precision_and_recall(lambda overlap: (0.123, 0.4)),
                precision_and_recall(lambda overlap: (shares(overlap)[0], 0.4)),
            ],
            "2 numbers are wanted": precision_and_recall(lambda overlap: 0.5),
        }
    )


NAMES = ["cup", "bottle", "laptop"]


def cup_like(answer):
    return checks.cup_like(
        answer, NAMES, lambda names: {1: 0.4, 2: 0.5, 3: 0.45}[len(names)] - 0.1 * ("cup" not in names)
    )


def test_only_names_that_beat_both_one_and_all_are_cup_like():
    assert right(cup_like({"cup": "cup-like", "bottle": "cup-like"}))
    assert each_explained(
        {
            "COCO has no class 'mug'": cup_like({"mug": "cup-like"}),
            "'cup-like'": cup_like({"cup": "yoghurt"}),
            "beat both": [cup_like({"cup": "cup-like"}), cup_like({"bottle": "cup-like", "laptop": "cup-like"})],
            "class-agnostic": cup_like(dict.fromkeys(NAMES, "cup-like")),
            "A dictionary": cup_like(["cup"]),
            "No name": cup_like({}),
        }
    )


@pytest.mark.parametrize("judge", [all_alike, precision_and_recall, cup_like])
def test_open_and_absurd_answers_to_05_are_handled(judge):
    assert is_open(judge(...))
    for answer in ABSURD.values():
        verdict = judge(answer)
        assert not verdict.right and "<script>" not in verdict._repr_markdown_()


@pytest.mark.parametrize("judge", [precision_and_recall])
def test_a_function_without_an_answer_in_05_is_open(judge):
    assert is_open(judge(lambda *_: None)) and is_open(judge(lambda *_: ...))

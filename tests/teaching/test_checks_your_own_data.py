"""Verdicts of the checks of notebook `10_your_own_data` on right, wrong and missing answers."""

import pathlib

import pytest
from verdicts import ABSURD, each_explained, is_open, right, wrong

from workshop_utils.core import settings
from workshop_utils.data.findings import Finding, Kind
from workshop_utils.teaching import checks


def finding(name: str, kind: Kind) -> Finding:
    return Finding(pathlib.Path("annotations") / name, "words", kind)


FOUND = [finding("0001.jpg", Kind.BROKEN_PHOTO), finding("0003.xml", Kind.REVERSED_BOX), finding("5.xml", Kind.NO_AREA)]


@pytest.mark.parametrize("answer", [{"0001", "5"}, ["0001.jpg", "5.xml"]])
def test_the_photos_to_repair_are_those_set_aside(answer):
    assert right(checks.photos_to_repair(answer, FOUND))


def test_a_photo_too_many_or_too_few_to_repair_is_named():
    assert each_explained(
        {
            "0003 is repaired": checks.photos_to_repair({"0001", "0003", "5"}, FOUND),
            "1 more cannot be used": checks.photos_to_repair({"0001"}, FOUND),
            "2 more cannot be used": checks.photos_to_repair(set(), FOUND),
            "called '0009'": checks.photos_to_repair({"0009"}, FOUND),
            "a set of photos": checks.photos_to_repair({1, 5}, FOUND),
        }
    )


PHOTOS = range(8), range(10)
"""Eight training photos, of ten labelled ones."""


def test_the_views_per_photo_are_the_shown_photos_divided_by_the_training_photos():
    assert right(checks.times_seen(150 * 8 / 8, settings.recipe("workshop", steps=150), *PHOTOS))
    assert right(checks.times_seen(8, settings.recipe("quick", steps=31, batch_size=2), *PHOTOS)), "7.75, rounded"


def test_a_wrong_count_of_views_is_explained():
    assert each_explained(
        {
            "kept back for the test": checks.times_seen(120, settings.recipe("workshop", steps=150), *PHOTOS),
            "a whole batch": checks.times_seen(150 / 8, settings.recipe("workshop", steps=150), *PHOTOS),
            "and some photos are kept back": checks.times_seen(15, settings.recipe("workshop", steps=150), *PHOTOS),
            "half of the recipe's already": checks.times_seen(300, settings.recipe("workshop", steps=150), *PHOTOS),
            "Among how many": checks.times_seen(1200, settings.recipe("workshop", steps=150), *PHOTOS),
            "upside down": checks.times_seen(8 / 1200, settings.recipe("workshop", steps=150), *PHOTOS),
            "Steps times photos per step": checks.times_seen(7, settings.recipe("workshop", steps=150), *PHOTOS),
        }
    )


THRESHOLDS = [
    {"threshold": 0.1, "missed": 0, "false alarms": 9},
    {"threshold": 0.3, "missed": 1, "false alarms": 3},
    {"threshold": 0.5, "missed": 3, "false alarms": 0},
    {"threshold": 0.7, "missed": 5, "false alarms": 0},
]


def test_the_cheapest_threshold_weighs_misses_and_false_alarms_by_their_costs():
    assert right(checks.cheapest_threshold(0.3, THRESHOLDS, 5, 1)) and right(
        checks.cheapest_threshold(0.5, THRESHOLDS, 1, 5)
    )


def test_a_more_expensive_threshold_is_explained():
    assert each_explained(
        {
            "you swapped them": checks.cheapest_threshold(0.5, THRESHOLDS, 5, 1),
            "the fewest mistakes": checks.cheapest_threshold(
                0.5, [*THRESHOLDS[:2], {"threshold": 0.5, "missed": 2, "false alarms": 1}, THRESHOLDS[3]], 5, 1
            ),
            "cost 9. There is a threshold at which they cost 8": checks.cheapest_threshold(0.1, THRESHOLDS, 5, 1),
            "not one of the thresholds": [
                checks.cheapest_threshold(0.2, THRESHOLDS, 5, 1),
                checks.cheapest_threshold(float("nan"), THRESHOLDS, 5, 1),
            ],
        }
    )


@pytest.mark.parametrize("answer", ABSURD.values(), ids=ABSURD)
def test_no_absurd_answer_about_your_own_data_raises_or_is_right(answer):
    known = [
        (checks.photos_to_repair, FOUND),
        (checks.times_seen, settings.recipe("quick"), *PHOTOS),
        (checks.cheapest_threshold, THRESHOLDS, 5, 1),
    ]
    for check, *rest in known:
        verdict = check(answer, *rest)
        assert wrong(verdict) and "<script>" not in verdict._repr_markdown_() and is_open(check(..., *rest))

"""Verdicts of the checks of notebook `10_your_own_data` on right, wrong and missing answers."""

import dataclasses
import pathlib

import pytest
from verdicts import ABSURD, is_open, right, wrong

from workshop_utils.core import settings
from workshop_utils.data.findings import Finding, Kind
from workshop_utils.teaching import checks


def finding(name: str, kind: Kind) -> Finding:
    return Finding(pathlib.Path("annotations") / name, "words", kind)


FOUND = [finding("0001.jpg", Kind.BROKEN_PHOTO), finding("0003.xml", Kind.REVERSED_BOX), finding("5.xml", Kind.NO_AREA)]


@pytest.mark.parametrize("answer", [{"0001", "5"}, ["0001.jpg", "5.xml"]])
def test_the_photos_to_repair_are_those_set_aside(answer):
    assert right(checks.photos_to_mend(answer, FOUND))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"0001", "0003", "5"}, "0003 is repaired"),
        ({"0001"}, "1 more cannot be used"),
        (set(), "2 more cannot be used"),
        ({"0009"}, "called '0009'"),
        ({1, 5}, "A set of photos"),
    ],
)
def test_a_photo_too_many_or_too_few_to_mend_is_named(answer, said):
    assert wrong(checks.photos_to_mend(answer, FOUND), said)


@dataclasses.dataclass
class Labelled:
    """A data set of ten photos, two of them for validation."""

    samples = range(10)

    def split(self):
        return list(range(8)), list(range(2))


def test_the_views_per_photo_are_the_shown_photos_divided_by_the_training_photos():
    assert right(checks.times_seen(150 * 8 / 8, settings.recipe("workshop", steps=150), Labelled()))
    assert right(checks.times_seen(8, settings.recipe("quick", steps=31), Labelled())), "7.75, rounded"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (120, "kept back for the test"),
        (150 / 8, "a whole batch"),
        (15, "and some photos are kept back"),
        (300, "half of the recipe's already"),
        (1200, "Among how many"),
        (8 / 1200, "upside down"),
        (7, "Steps times photos a step"),
    ],
)
def test_a_wrong_count_of_views_is_explained(answer, said):
    assert wrong(checks.times_seen(answer, settings.recipe("workshop", steps=150), Labelled()), said)


THRESHOLDS = [
    {"threshold": 0.1, "missed": 0, "false alarms": 9},
    {"threshold": 0.3, "missed": 1, "false alarms": 3},
    {"threshold": 0.5, "missed": 3, "false alarms": 0},
    {"threshold": 0.7, "missed": 5, "false alarms": 0},
]


def test_the_cheapest_threshold_weighs_misses_and_false_alarms_by_what_they_cost():
    assert right(checks.cheapest_threshold(0.3, THRESHOLDS, 5, 1)) and right(
        checks.cheapest_threshold(0.5, THRESHOLDS, 1, 5)
    )


@pytest.mark.parametrize(
    ("answer", "rows", "said"),
    [
        (0.5, THRESHOLDS, "you swapped them"),
        (
            0.5,
            [*THRESHOLDS[:2], {"threshold": 0.5, "missed": 2, "false alarms": 1}, THRESHOLDS[3]],
            "the fewest mistakes",
        ),
        (0.1, THRESHOLDS, "cost 9. There is a threshold at which they cost 8"),
        (0.2, THRESHOLDS, "none of the thresholds"),
        (float("nan"), THRESHOLDS, "none of the thresholds"),
    ],
)
def test_a_dearer_threshold_is_explained(answer, rows, said):
    assert wrong(checks.cheapest_threshold(answer, rows, 5, 1), said)


@pytest.mark.parametrize("answer", ABSURD.values(), ids=ABSURD)
def test_no_absurd_answer_about_your_own_data_raises_or_is_right(answer):
    known = [
        (checks.photos_to_mend, FOUND),
        (checks.times_seen, settings.recipe("quick"), Labelled()),
        (checks.cheapest_threshold, THRESHOLDS, 5, 1),
    ]
    for check, *rest in known:
        verdict = check(answer, *rest)
        assert wrong(verdict) and "<script>" not in verdict._repr_markdown_() and is_open(check(..., *rest))

"""Counting: which tracks cross a line, in which direction, and as what."""

import numpy as np
import pytest

from workshop_utils.core.errors import UsageError
from workshop_utils.deploy.video.counting import UNCERTAIN_ID, Counter, CountingLine
from workshop_utils.deploy.video.tracking import Track

STEEP, FLAT = CountingLine(0.5, 0.2, 0.5, 0.8), CountingLine(0.2, 0.5, 0.8, 0.5)


def around(x: float, y: float) -> np.ndarray:
    """Return a box with this centre."""
    return np.array([y - 0.1, x - 0.1, y + 0.1, x + 0.1])


def counts(line: CountingLine, *ways: list[tuple[float, float]], classes=(), certain=True) -> dict:
    """Count tracks whose centres take these ways, one frame after another."""
    counter = Counter(line)
    for frame in range(max(map(len, ways))):
        counter.update(
            Track(number, around(*way[frame]),
                  0.9, classes[number] if classes else 1, certain, 0)
            for number, way in enumerate(ways) if frame < len(way)
        )  # fmt: skip
    return counter.counts()


@pytest.mark.parametrize("line", [STEEP, CountingLine(0.5, 0.8, 0.5, 0.2)])
def test_both_directions_of_a_steep_line_are_right_and_left_no_matter_how_it_is_drawn(line):
    right, left = [(0.3, 0.5), (0.45, 0.5), (0.6, 0.5)], [(0.7, 0.4), (0.3, 0.4)]
    assert counts(line, right, left, right) == {1: {"right": 2, "left": 1}}


@pytest.mark.parametrize("line", [FLAT, CountingLine(0.8, 0.5, 0.2, 0.5)])
def test_both_directions_of_a_flat_line_are_down_and_up(line):
    assert counts(line, [(0.5, 0.3), (0.5, 0.7)], [(0.4, 0.6), (0.4, 0.4)]) == {1: {"down": 1, "up": 1}}


def test_only_what_crosses_between_the_ends_counts():
    assert counts(STEEP, [(0.3, 0.1), (0.7, 0.1)], [(0.3, 0.9), (0.7, 0.9)], [(0.3, 0.5), (0.4, 0.5)]) == {}
    assert counts(STEEP, [(0.4, 0.1), (0.6, 0.5)]) == {1: {"right": 1, "left": 0}}, "it crosses at a height of 0.3"


def test_a_centre_on_the_line_counts_once_and_only_if_it_continues():
    assert counts(STEEP, [(0.4, 0.5), (0.5, 0.5), (0.5, 0.5), (0.6, 0.5)]) == {1: {"right": 1, "left": 0}}
    assert counts(STEEP, [(0.4, 0.5), (0.5, 0.5), (0.4, 0.5)]) == {}
    assert counts(STEEP, [(0.5, 0.5), (0.6, 0.5)]) == {}, "it appeared on the line"


def test_a_track_that_crosses_between_its_first_two_sightings_counts():
    counter = Counter(STEEP)
    counter.update([Track(1, around(0.55, 0.5), 0.9, 1, True, 0, started=around(0.45, 0.5))])
    counter.update([Track(1, around(0.65, 0.5), 0.9, 1, True, 0)])
    assert counter.counts() == {1: {"right": 1, "left": 0}}


def test_going_back_counts_in_the_other_direction():
    assert counts(STEEP, [(0.4, 0.5), (0.6, 0.5), (0.4, 0.5)]) == {1: {"right": 1, "left": 1}}


def test_classes_are_counted_apart_and_uncertain_tracks_under_none():
    way = [(0.4, 0.5), (0.6, 0.5)]
    assert counts(STEEP, way, way, way, classes=(2, 1, 2)) == {
        1: {"right": 1, "left": 0}, 2: {"right": 2, "left": 0}}  # fmt: skip
    assert counts(STEEP, way, way, certain=False) == {UNCERTAIN_ID: {"right": 2, "left": 0}}


def test_the_class_is_that_of_all_votes_also_of_those_after_the_crossing():
    counter = Counter(STEEP)
    for number, (shift, class_id, certain) in enumerate([(0, 1, True), (0.3, 1, False), (0.4, 2, True)]):
        counter.update([Track(1, around(0.35 + shift, 0.5), 0.9, class_id, certain, 0)])
        assert (counter.counts() == {}) == (number == 0)
    assert counter.counts() == {2: {"right": 1, "left": 0}}


def test_a_line_is_given_in_pixels_or_in_fractions():
    wanted = CountingLine(0.5, 0.0, 0.5, 1.0)
    assert CountingLine.parse("256,0,256,384", (512, 384)) == CountingLine.parse(" 0.5, 0, .5,1", (512, 384)) == wanted


@pytest.mark.parametrize("text", ["", "1,2,3", "a,b,c,d", "0,0,900,10", "-5,0,10,10", "7,7,7,7", "nan,0,1,1"])
def test_what_is_not_a_line_in_the_film_is_wrong_usage(text):
    with pytest.raises(UsageError) as error:
        CountingLine.parse(text, (512, 384))
    assert str(error.value).startswith("usage: ") and error.value.exit_code == 2

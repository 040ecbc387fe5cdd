"""HOTA, MOTA and IDF1 of tracks whose mistakes are known."""

import numpy as np
import pytest

from workshop_utils.deploy.video import tracking_scores
from workshop_utils.deploy.video.film_truth import FrameTruth

FRAMES = 10


def boxes_at(frame):
    """Return the boxes of two cups in a frame; both move to the right."""
    return np.array([(0.2, 0.05 * frame, 0.5, 0.05 * frame + 0.2), (0.6, 0.05 * frame, 0.9, 0.05 * frame + 0.2)])


def truth(visible=(1.0, 1.0)):
    tracks, names = np.array([7, 9]), ["peach", "vanilla"]
    return [FrameTruth(boxes_at(frame), tracks, names, np.array(visible)) for frame in range(FRAMES)]


BOXES = [boxes_at(frame) for frame in range(FRAMES)]


def test_a_tracker_without_mistakes_scores_one():
    scores = tracking_scores.score(truth(), BOXES, [[1, 2]] * FRAMES)
    assert (scores.HOTA, scores.MOTA, scores.IDF1, scores.switches) == (pytest.approx(1), 1, 1, 0)


def test_an_exchanged_id_lowers_each_score():
    exchanged = [[1, 2]] * 5 + [[2, 1]] * 5
    scores = tracking_scores.score(truth(), BOXES, exchanged)
    assert scores.switches == 2
    assert pytest.approx(1 - 2 / (2 * FRAMES)) == scores.MOTA
    assert pytest.approx(0.5) == scores.IDF1, "each cup has its id in half of the frames"
    assert scores.HOTA < 0.8


def test_a_missed_cup_costs_as_many_frames_as_it_is_missed():
    missed = [boxes[:1] for boxes in BOXES]
    scores = tracking_scores.score(truth(), missed, [[1]] * FRAMES)
    assert pytest.approx(0.5) == scores.MOTA and pytest.approx(2 / 3) == scores.IDF1


def test_a_cup_that_hardly_shows_counts_neither_as_missed_nor_as_invented():
    hidden = truth(visible=(1.0, tracking_scores.LEAST_VISIBLE / 2))
    for boxes, ids in ((BOXES, [[1, 2]] * FRAMES), ([each[:1] for each in BOXES], [[1]] * FRAMES)):
        scores = tracking_scores.score(hidden, boxes, ids)
        assert (scores.MOTA, scores.IDF1) == (1, 1)


def test_frames_without_boxes_are_allowed():
    scores = tracking_scores.score(truth(), [np.zeros((0, 4))] * FRAMES, [[]] * FRAMES)
    assert (scores.MOTA, scores.IDF1, scores.HOTA) == (0, 0, 0)


def test_each_change_of_an_id_is_listed_with_its_frame():
    exchanged = [[1, 2]] * 5 + [[2, 1]] * 5
    assert tracking_scores.ids_of_objects(truth(), BOXES, exchanged) == {7: [(0, 1), (5, 2)], 9: [(0, 2), (5, 1)]}
    nowhere = [np.array([(0.0, 0.9, 0.1, 1.0)])] * FRAMES
    assert tracking_scores.ids_of_objects(truth(), nowhere, [[1]] * FRAMES) == {}


def test_a_cup_counted_under_a_wrong_name_is_an_error_twice():
    crossed = {("peach", "right"): 3, ("vanilla", "right"): 1}
    assert tracking_scores.counting_error(crossed, crossed) == 0
    assert tracking_scores.counting_error({("peach", "right"): 3}, crossed) == 0.25
    assert tracking_scores.counting_error({("peach", "right"): 4}, crossed) == 0.5
    assert tracking_scores.counting_error({("peach", "left"): 3, ("vanilla", "right"): 1}, crossed) == 1.5

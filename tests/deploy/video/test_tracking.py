"""Tracks: one number for one object, and the class by vote."""

import sys

import numpy as np
import pytest

from workshop_utils.deploy.video import tracking
from workshop_utils.deploy.video.films import FilmError
from workshop_utils.deploy.video.tracking import Tracker

FPS = 15


def boxes(*xmins: float) -> np.ndarray:
    return np.array([(0.4, xmin, 0.7, xmin + 0.15) for xmin in xmins]).reshape(-1, 4)


def follow(tracker: Tracker, frames) -> list[list[tracking.Track]]:
    """Update a tracker with frames of (xmins, scores, classes)."""
    return [tracker.update(boxes(*xmins), np.array(scores), np.array(classes), number / FPS)
            for number, (xmins, scores, classes) in enumerate(frames)]  # fmt: skip


def test_two_objects_keep_their_numbers_while_they_move():
    frames = [((0.02 * n, 0.8 - 0.02 * n), (0.9, 0.8), (1, 2)) for n in range(10)]
    frames = [frame if n % 2 else tuple(part[::-1] for part in frame) for n, frame in enumerate(frames)]
    for n, found in enumerate(follow(Tracker(FPS), frames)[1:], start=1):
        assert [(track.id, track.class_id) for track in found] == [(found[0].id, found[0].class_id),
                                                                   (found[1].id, found[1].class_id)]  # fmt: skip
        by_class = {track.class_id: track for track in found}
        assert np.allclose(by_class[1].box, boxes(0.02 * n)[0]) and by_class[1].detection == (0 if n % 2 else 1)
    first = {track.class_id: track.id for track in follow(Tracker(FPS), frames)[1]}
    last = {track.class_id: track.id for track in follow(Tracker(FPS), frames)[-1]}
    assert first == last and set(first.values()) == {1, 2}


def test_a_partly_hidden_object_with_a_low_score_stays_in_its_track():
    frames = [((0.3 + 0.01 * n,), (0.2 if 3 <= n < 7 else 0.9,), (1,)) for n in range(10)]
    assert [[track.id for track in found] for found in follow(Tracker(FPS), frames)[1:]] == [[1]] * 9
    weak = [((0.3,), (0.2,), (1,))] * 5
    assert follow(Tracker(FPS), weak) == [[]] * 5, "it starts no track"


def test_a_track_survives_a_short_gap_and_ends_after_a_long_one():
    def ids(gap: int) -> list[int]:
        frames = [((0.3,), (0.9,), (1,))] * 5 + [((), (), ())] * gap + [((0.3,), (0.9,), (1,))] * 5
        return [track.id for found in follow(Tracker(FPS), frames) for track in found]

    assert set(ids(5)) == {1} and set(ids(3 * FPS)) == {1, 2}


def test_the_votes_decide_the_class_and_whether_it_is_certain():
    classes = [1, 1, 2, 1, 1, 1, 1, 1]
    *_, last = follow(Tracker(FPS), [((0.3,), (0.9,), (each,)) for each in classes])
    assert last[0].class_id == 1 and last[0].is_certain and last[0].name({1: "peach", 2: "vanilla"}) == "peach"
    *_, last = follow(Tracker(FPS), [((0.3,), (0.9,), (1 + n % 2,)) for n in range(9)])
    assert not last[0].is_certain and last[0].name({1: "peach", 2: "vanilla"}) == tracking.UNCERTAIN
    *_, last = follow(Tracker(FPS), [((0.3,), (0.9 if n % 2 else 0.2,), (1 + n % 2,)) for n in range(9)])
    assert last[0].class_id == 2 and last[0].is_certain, "a detection with a high score counts for more"


def test_a_track_of_few_detections_is_not_certain():
    certain = [found[0].is_certain for found in follow(Tracker(FPS), [((0.3,), (0.9,), (1,))] * 5)[1:]]
    assert certain == [False, False, True, True], "three detections have 2.7 votes; the first is before the track"


def test_a_track_of_mostly_low_scores_is_not_certain():
    *_, last = follow(Tracker(FPS), [((0.3,), (0.9 if n == 0 else 0.25,), (1,)) for n in range(20)])
    assert not last[0].is_certain
    *_, last = follow(Tracker(FPS), [((0.3,), (0.9 if n < 10 else 0.25,), (1,)) for n in range(20)])
    assert last[0].is_certain, "half of the time it was in full view"


def test_a_new_track_gives_the_box_with_which_it_started():
    found = follow(Tracker(FPS), [((0.3 + 0.02 * n, 0.7), (0.9, 0.9 if n else 0.2), (1, 2)) for n in range(4)])
    assert np.allclose(found[1][0].started, boxes(0.3)[0])
    assert [track.id for track in found[2]] == [1, 2] and np.allclose(found[2][1].started, boxes(0.7)[0])
    assert [track.started for track in (found[2][0], *found[3])] == [None] * 3


def test_frames_without_objects_and_a_variable_rate_are_fine():
    tracker = Tracker(FPS)
    assert tracker.update(boxes(), np.array([]), np.array([])) == []
    for time_s in (0.0, 0.1, 0.2, 0.9, 1.0):
        found = tracker.update(boxes(0.3), np.array([0.9]), np.array([1]), time_s)
    assert [track.id for track in found] == [1]


@pytest.mark.parametrize("missing", ["trackers", "supervision"])
def test_a_missing_library_is_named(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(FilmError, match="trackers"):
        Tracker(FPS)


def test_opencv_that_cannot_be_loaded_is_named_with_its_remedy(monkeypatch, tmp_path):
    (tmp_path / "trackers.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "trackers", raising=False)
    with pytest.raises(FilmError, match=r"libGL(.|\n)+opencv-python-headless"):
        Tracker(FPS)

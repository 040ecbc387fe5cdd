"""Follow objects from frame to frame with ByteTrack, and let each track vote on its class.

ByteTrack (Zhang et al. 2022, arXiv 2110.06864) predicts where each track's box is in the next frame, and assigns to it
the detection that overlaps most: first the detections with a high score, then those with a low one, which are often
partly hidden objects. The library `trackers` implements it.
"""

import collections
import dataclasses
from typing import Any

import numpy as np

from workshop_utils.deploy.video.films import MISSING, FilmError

LOWEST_SCORE = 0.1
"""Detections with a lower score are of no use for tracking; ByteTrack's authors use the same limit."""

SECONDS_LOST = 1.0
"""A track that is not found for longer than this has ended."""

MIN_SHARE = 0.6
"""A track is certain of its class if this share of its votes is for it. Each detection votes with its score."""

MIN_VOTES = 2.0
"""A track with fewer votes, of about three detections, is not certain of its class. Often it is a second box around an
object that has a track."""

UNCERTAIN = "uncertain"
"""What tracks are called that are not certain of their class."""

SCALE = 1000.0
"""ByteTrack's Kalman filter expects boxes in pixels. So a film is treated as 1000 pixels wide and high."""

WITHOUT_LIBGL = """trackers needs OpenCV, which cannot be loaded here ({}). On a machine without a display, run:
python -m pip uninstall --yes opencv-python
python -m pip install --force-reinstall opencv-python-headless"""


@dataclasses.dataclass(frozen=True)
class Track:
    """A track in one frame.

    Attributes:
        id: Its number, from 1.
        box: (4,): ymin, xmin, ymax, xmax, normalised.
        score: The score of the detection in this frame.
        class_id: The class with most votes up to this frame.
        is_certain: Whether it has at least MIN_VOTES, and at least MIN_SHARE of them are for this class.
        detection: The row of the detection among those that `Tracker.update` got.
    """

    id: int
    box: np.ndarray
    score: float
    class_id: int
    is_certain: bool
    detection: int

    def name(self, names: dict[int, str]) -> str:
        """Return the name of its class among {class id: name}, or UNCERTAIN."""
        return names[self.class_id] if self.is_certain else UNCERTAIN


class Tracker:
    """Gives the detections of one object the same number in all frames.

    Args:
        fps: Frames per second of the film.
        min_score: Only detections with at least this score start a track. Those with a lower score, down to
            LOWEST_SCORE, continue one.

    Raises:
        FilmError: If `trackers` is not installed or cannot be loaded.
    """

    def __init__(self, fps: float, min_score: float = 0.4):
        self._supervision, self._byte_track = library()
        self._tracker = self._byte_track(
            lost_track_buffer=round(30 * SECONDS_LOST),  # in frames of a film with 30 per second
            frame_rate=fps,
            track_activation_threshold=min_score,
            high_conf_det_threshold=min_score,
        )
        self._votes: dict[int, Any] = collections.defaultdict(collections.Counter)  # of scores, which are not integers

    def update(
        self, boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, time_s: float | None = None
    ) -> list[Track]:
        """Assign the detections of the next frame to tracks.

        Args:
            boxes: (n, 4): ymin, xmin, ymax, xmax, normalised.
            scores: (n,), down to LOWEST_SCORE.
            classes: Class ids, (n,).
            time_s: When the frame is shown, in seconds; by default 1 / fps after the frame before.

        Returns:
            The tracks that were found in this frame. A track counts from its second frame.
        """
        rows = np.flatnonzero(np.asarray(scores) >= LOWEST_SCORE)
        detections = self._supervision.Detections(
            xyxy=np.asarray(boxes, np.float64).reshape(-1, 4)[rows][:, [1, 0, 3, 2]] * SCALE,
            confidence=np.asarray(scores, np.float64)[rows],
            class_id=np.asarray(classes, int)[rows],
            data={"row": rows},
        )
        found = self._tracker.update(detections, timestamp=time_s)
        tracks = []
        for number, row in zip(found.tracker_id, found.data.get("row", ())):
            if number >= 0:
                self._votes[int(number)][int(classes[row])] += float(scores[row])
                tracks.append(self._track(int(number), int(row), boxes, scores))
        return sorted(tracks, key=lambda track: track.id)

    def _track(self, number: int, row: int, boxes: np.ndarray, scores: np.ndarray) -> Track:
        votes = self._votes[number]
        class_id, most = votes.most_common(1)[0]
        is_certain = votes.total() >= MIN_VOTES and most >= MIN_SHARE * votes.total()
        return Track(number + 1, boxes[row], float(scores[row]), class_id, is_certain, row)


def library() -> tuple[Any, Any]:
    """Return the module `supervision` and ByteTrack's class. Raises FilmError if they cannot be imported."""
    try:
        import supervision
        import trackers
    except ModuleNotFoundError:
        raise FilmError(MISSING) from None
    except ImportError as error:
        raise FilmError(WITHOUT_LIBGL.format(error)) from None
    return supervision, trackers.ByteTrackTracker

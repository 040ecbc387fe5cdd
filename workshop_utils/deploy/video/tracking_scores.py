"""Measure how well a tracker follows objects: HOTA, MOTA and IDF1, as the library `trackers` computes them.

- MOTA (Bernardin and Stiefelhagen 2008, doi 10.1155/2008/246309): one minus missed objects, false boxes and changes of
  the id, as a share of all objects in all frames. It is below 0 if there are more mistakes than objects.
- IDF1 (Ristani et al. 2016, arXiv 1609.01775): the F1 of boxes whose id is right, after each object is assigned the id
  that fits it best over the whole film.
- HOTA (Luiten et al. 2021, arXiv 2009.07736): the geometric mean of how well objects are found and how well the boxes
  of each belong together, averaged over IoU limits from 0.05 to 0.95.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from workshop_utils.data import geometry
from workshop_utils.deploy.video import tracking
from workshop_utils.deploy.video.film_truth import FrameTruth

LEAST_VISIBLE = 0.25
"""Cups of which less than this share is visible are left out, and so are the tracks on them: no detector need find
them, and none is wrong to."""


@dataclasses.dataclass(frozen=True)
class TrackingScores:
    """How well a tracker followed the objects of a film.

    Attributes:
        HOTA: From 0 to 1.
        MOTA: At most 1.
        IDF1: From 0 to 1.
        switches: How often an object got another id than before.
    """

    HOTA: float
    MOTA: float
    IDF1: float
    switches: int


def score(truth: Iterable[FrameTruth], boxes: Sequence[np.ndarray], ids: Sequence[Sequence[int]]) -> TrackingScores:
    """Compare the tracks of a film with its ground truth. Flavours are ignored.

    Args:
        truth: The ground truth of each frame.
        boxes: The boxes of the tracks in each frame, (n, 4), normalised.
        ids: The ids of these boxes, (n,) for each frame.

    Raises:
        FilmError: If `trackers` is not installed or cannot be loaded.
    """
    tracking.library()
    from trackers import eval as metrics

    there, said, overlaps = [], [], []
    for frame, found, numbers in zip(truth, boxes, ids, strict=True):
        found = np.asarray(found, float).reshape(-1, 4)
        overlap = geometry.iou(frame.boxes, found)
        clear = frame.visible >= LEAST_VISIBLE
        kept = ~_on_hidden(overlap, clear)
        there.append(frame.tracks[clear])
        said.append(np.asarray(numbers, int)[kept])
        overlaps.append(overlap[clear][:, kept])
    clear_mot = metrics.compute_clear_metrics(there, said, overlaps)
    hota = metrics.compute_hota_metrics(there, said, overlaps)
    identity = metrics.compute_identity_metrics(there, said, overlaps)
    return TrackingScores(hota["HOTA"], clear_mot["MOTA"], identity["IDF1"], clear_mot["IDSW"])


def _on_hidden(overlap: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """Return which boxes (m,) overlap most with a cup that hardly shows, given IoUs (n, m) and which cups show (n,)."""
    if clear.all() or not overlap.size:
        return np.zeros(overlap.shape[1], bool)
    return (overlap.max(axis=0) > 0) & ~clear[overlap.argmax(axis=0)]


def ids_of_objects(
    truth: Iterable[FrameTruth], boxes: Sequence[np.ndarray], ids: Sequence[Sequence[int]], least: float = 0.5
) -> dict[int, list[tuple[int, int]]]:
    """Return which ids a tracker gave each object, and from which frame on.

    Args:
        truth: The ground truth of each frame.
        boxes: The boxes of the tracks in each frame, (n, 4), normalised.
        ids: The ids of these boxes, (n,) for each frame.
        least: An object has the box that overlaps it most, if their IoU is at least this.

    Returns:
        {track id of the object: [(position of a frame, id), ...]}, an entry for each change of the id. One entry means
        that the tracker never changed it.
    """
    given: dict[int, list[tuple[int, int]]] = {}
    for place, (frame, found, numbers) in enumerate(zip(truth, boxes, ids, strict=True)):
        overlap = geometry.iou(frame.boxes, np.asarray(found, float).reshape(-1, 4))
        for track, row in zip(frame.tracks, overlap, strict=True):
            if row.max(initial=0) >= least:
                so_far, number = given.setdefault(int(track), []), int(numbers[row.argmax()])
                if not so_far or so_far[-1][1] != number:
                    so_far.append((place, number))
    return given


def counting_error(counted: Mapping[tuple[str, str], int], crossed: Mapping[tuple[str, str], int]) -> float:
    """Return the counting error: all differences between two counts, divided by the number of true crossings.

    A cup that is counted under a wrong name counts twice: it is missing there and too many here.

    Args:
        counted: {(class name, direction): number} as counted.
        crossed: The same from the ground truth; at least one crossing.
    """
    differences = sum(abs(counted.get(key, 0) - crossed.get(key, 0)) for key in counted.keys() | crossed.keys())
    return differences / sum(crossed.values())

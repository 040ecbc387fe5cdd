"""Order photos by how much a detector would learn from their labels.

A photo helps if the detector is unsure about it, and if it differs from those already labelled: twenty photos of the
same unclear scene teach little more than one.
"""

import dataclasses
import pathlib
import sys
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from workshop_utils.core.errors import WorkshopError
from workshop_utils.curation import measures
from workshop_utils.training.strategies import Detector


class CurationError(WorkshopError, ValueError):
    """Photos or labels that cannot be used as asked. The message names them and says what to do."""


@dataclasses.dataclass(frozen=True)
class Ranked:
    """A photo, and why it is at its place.

    Attributes:
        photo: Its path.
        uncertainty: How unsure the detector is about it: up to 1 for each object; see `uncertainty.of_photo`.
        novelty: How much it differs from the labelled photos and those ranked before it, from 0 (the same photo) to 1.4
            (nothing in common): the distance to the nearest of them.
    """

    photo: pathlib.Path
    uncertainty: float
    novelty: float


def order(
    detector: Detector,
    photos: Iterable[pathlib.Path],
    labelled: Iterable[pathlib.Path] = (),
    count: int | None = None,
    report: Callable[[str], None] = lambda line: print(line, file=sys.stderr),
) -> list[Ranked]:
    """Return the photos to label next, the most informative first.

    Args:
        detector: A detector of the workshop and the names of its classes, as `trainer.load_model` returns it.
        photos: The photos to order. Those that are in `labelled`, too, are left out.
        labelled: The photos that have labels already.
        count: How many to return; by default all.
        report: Called with a line about each photo that cannot be read, which is left out.

    Raises:
        CurationError: If there is no photo to order.
    """
    done = {path.resolve() for path in map(pathlib.Path, labelled)}
    pool = [path for path in map(pathlib.Path, photos) if path.resolve() not in done]
    if not pool:
        reason = "every photo has labels already" if done else "there is no photo"
        raise CurationError(f"There is nothing to order: {reason}. Add photos without labels.")
    measured = measures.measure(detector.model, [*pool, *map(pathlib.Path, labelled)], report)
    pool = [path for path in pool if path in measured]
    if not pool:
        raise CurationError("There is nothing to order: no photo without labels can be read. Replace them.")
    known = [features for path, (_, features) in measured.items() if path.resolve() in done]
    unsure = np.array([measured[path][0] for path in pool])
    ranks = greedy(unsure, np.stack([measured[path][1] for path in pool]), known, count)
    return [Ranked(pool[place], float(unsure[place]), novelty) for place, novelty in ranks]


def greedy(
    unsure: np.ndarray, features: np.ndarray, known: Sequence[np.ndarray] = (), count: int | None = None
) -> list[tuple[int, float]]:
    """Return (index, novelty) of photos, best first: next comes the photo with the largest uncertainty * novelty.

    The novelty of photo x is min ||f(x) - f(z)|| over all photos z that are labelled or were chosen before. Without the
    uncertainty, this is the k-center greedy algorithm of Sener and Savarese 2018 (Active learning for convolutional
    neural networks: a core-set approach, arXiv 1708.00489, algorithm 1). Of equal photos, the first comes first.

    Args:
        unsure: The uncertainty of each photo, (n,).
        features: Vectors of length 1, none of whose numbers is negative, (n, d).
        known: The vectors of the labelled photos.
        count: How many to return; by default all.
    """
    novelty = np.full(len(features), np.sqrt(2.0))
    for vector in known:
        np.minimum(novelty, _distance(features, vector), out=novelty)
    left, ranks = np.ones(len(features), bool), []
    for _ in range(len(features) if count is None else min(count, len(features))):
        gain = np.where(left, np.maximum(unsure, 1e-9) * novelty, -1.0)
        best = int(np.argmax(gain))
        ranks.append((best, float(novelty[best])))
        left[best] = False
        np.minimum(novelty, _distance(features, features[best]), out=novelty)
    return ranks


def _distance(features: np.ndarray, vector: np.ndarray) -> np.ndarray:
    return np.linalg.norm(features - vector, axis=1)

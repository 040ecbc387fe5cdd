"""A second opinion on labels: what the features of a crop say, compared with those of all other crops.

Crops around labels show what the classes look like. Crops around detections without a label show what looks like an
object, but is not labelled: other things, or objects whose label is missing. Kernel ridge regression learns both, and
judges only photos that it has not learned from.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from workshop_utils.curation import likelihood
from workshop_utils.curation.judging import Crops
from workshop_utils.curation.likelihood import SAME_OBJECT, Scene
from workshop_utils.data import geometry

FOLDS = 5
"""The photos are judged in this number of groups, each by what was learned from the others."""

RIDGE, WIDTH = 0.1, 0.5
"""The regularisation, and the width of the kernel: exp(-WIDTH * distance^2 / its median)."""

MOST = 3000
"""The number of crops to learn from, at most: time grows with its cube."""

THE_SAME = 0.99
"""The IoU above which two boxes are the same one."""


def added(scenes: Sequence[Scene], crops: Sequence[Crops], seed: int = 0) -> list[Scene]:
    """Return the photos with second opinions on labels (labels, n + 1) and detections (detections, n + 1).

    Column i is the evidence for class i of `likelihood.names`, about 1 if it is that class and 0 if not. The last
    column is the evidence for the background.

    Args:
        scenes: The photos.
        crops: The crops of each. Each label has one.
        seed: Decides which photos are judged together, and which crops are learned from if there are more than MOST.
    """
    rng, known = np.random.default_rng(seed), likelihood.names(scenes)
    targets = [_targets(scene, each.boxes, known) for scene, each in zip(scenes, crops, strict=True)]
    group = rng.permutation(len(scenes)) % FOLDS
    detector = np.array([each.detector for each in crops])
    said = [np.zeros((len(each.boxes), len(known) + 1)) for each in crops]
    for number in np.unique(detector):
        for fold in range(FOLDS):
            others = np.flatnonzero((detector == number) & (group != fold)).tolist()
            judged = [
                place for place in np.flatnonzero((detector == number) & (group == fold)).tolist() if len(said[place])
            ]
            features = np.concatenate([crops[place].features for place in others] or [np.zeros((0, 1))])
            target = np.concatenate([targets[place] for place in others] or [np.zeros(0, int)])
            rows = rng.permutation(np.flatnonzero(target >= 0))[:MOST]
            if judged and len(rows):
                regression = Regression(features[rows], target[rows], len(known) + 1)
                for place in judged:
                    said[place] = regression(crops[place].features)
    return [_with_opinions(scene, each.boxes, some) for scene, each, some in zip(scenes, crops, said, strict=True)]


class Regression:
    """Kernel ridge regression with a Gaussian kernel on standardised features. All classes count the same in all."""

    def __init__(self, features: np.ndarray, classes: np.ndarray, count: int) -> None:
        """Learn from features (n, d) and classes 0 to count - 1, (n,)."""
        self._mean, self._deviation = features.mean(axis=0), features.std(axis=0) + 1e-6
        self._known = self._standardised(features)
        distance = _distance(self._known, self._known)
        self._width = WIDTH / max(float(np.median(distance)), 1e-9)
        weight = 1 / np.bincount(classes, minlength=count)[classes]
        weight /= weight.mean()
        targets = np.eye(count)[classes]
        self._usual = np.average(targets, axis=0, weights=weight)
        kernel = np.exp(-self._width * distance) + np.diag(RIDGE / weight)
        self._coefficients = np.linalg.solve(kernel, targets - self._usual)

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Return the evidence for each class, (n, count)."""
        distance = _distance(self._standardised(features), self._known)
        return np.exp(-self._width * distance) @ self._coefficients + self._usual

    def _standardised(self, features: np.ndarray) -> np.ndarray:
        return (np.asarray(features, float) - self._mean) / self._deviation


def _targets(scene: Scene, boxes: np.ndarray, known: Sequence[str]) -> np.ndarray:
    """Return what each crop is learned as: a class, len(known) for the background, -1 if it is left out."""
    number = {name: place for place, name in enumerate(known)}
    result = np.full(len(boxes), -1)
    paired = {detection: pair for pair in scene.pairs(scene.boxes).items() for detection in pair[1][:1]}
    for place, row in _rows(scene.boxes, boxes).items():
        result[row] = number[scene.names[place]]
    for place, row in _rows(scene.found, boxes, scene.kept).items():
        if result[row] < 0:
            label, (_, iou) = paired.get(place, (-1, (place, 0.0)))
            if label < 0:
                result[row] = len(known)
            elif iou >= SAME_OBJECT:
                result[row] = number[scene.names[label]]
    return result


def _with_opinions(scene: Scene, boxes: np.ndarray, said: np.ndarray) -> Scene:
    """Return a scene with the rows of `said` that are about its labels and its detections."""
    parts = []
    for wanted, unknown in ((scene.boxes, 0.0), (scene.found, np.nan)):
        rows, part = _rows(wanted, boxes), np.full((len(wanted), said.shape[1]), unknown)
        part[list(rows)] = said[list(rows.values())]
        parts.append(part)
    return dataclasses.replace(scene, second_on_labels=parts[0], second_on_found=parts[1])


def _rows(wanted: np.ndarray, boxes: np.ndarray, places: Sequence[int] | None = None) -> dict[int, int]:
    """Return {place of a box in `wanted`: its row in `boxes`} for those that are there."""
    if not len(wanted) or not len(boxes):
        return {}
    overlap = geometry.iou(wanted, boxes)
    return {place: int(overlap[place].argmax()) for place in (range(len(wanted)) if places is None else places)
            if overlap[place].max() > THE_SAME}  # fmt: skip


def _distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the squared distance of each row to each other row, (n, m)."""
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)
    return np.maximum(squares - 2 * first @ second.T, 0)

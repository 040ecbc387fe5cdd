"""How much more probable a detector's answer is if a label is wrong than if it is right.

Most labels of a data set are right, and each of them can be made wrong: by another name, by a shift, by a box on
nothing, or by leaving it out. The detections stay the same. Logistic regression learns to tell the detector's
answers to right labels from its answers to wrong ones, for each kind separately, so that the kinds can be compared.
The answers are the detections and, if there are crops, what `second_opinion` says.
"""

import dataclasses
import functools
from collections.abc import Iterator, Sequence

import numpy as np

from workshop_utils.data import geometry
from workshop_utils.model import nms

SAME_OBJECT = 0.5
"""The IoU above which a label and a detection are about the same object, as in AP50."""

TOUCHING = 0.15
"""The IoU below which a label and a detection are not paired."""

PRIOR = 0.2
"""The odds of each kind of fault before the detector is asked. They move all scores, and change no rank."""

DRAWS = 4
"""How often each label is made wrong in each way. Fewer draws make the ranks depend on chance."""

TRIES = 200
"""The number of random places that are tried for a box that is made wrong."""

AT_EDGE = 0.01
"""A box that is as near to the photo's edge may be that of an object which is only partly on the photo."""


@dataclasses.dataclass(frozen=True)
class Scene:
    """The labels and the detections of one photo.

    Attributes:
        boxes: The boxes of the labels, (labels, 4), normalised.
        names: Their classes.
        found: The boxes of the detections, (detections, 4), the highest score first.
        found_names: Their classes, (detections,).
        scores: Their scores, (detections,).
        second_on_labels: The second opinion on the labels, (labels, classes + 1), if there is one: see
            `second_opinion.added`.
        second_on_found: The second opinion on the detections, (detections, classes + 1), NaN for those without one.
    """

    boxes: np.ndarray
    names: Sequence[str]
    found: np.ndarray
    found_names: np.ndarray
    scores: np.ndarray
    second_on_labels: np.ndarray | None = None
    second_on_found: np.ndarray | None = None

    @functools.cached_property
    def kept(self) -> list[int]:
        """The detections after non-maximum suppression across classes: one for each object."""
        return nms.suppress_across_classes(self.found, self.scores, SAME_OBJECT)

    def pairs(self, boxes: np.ndarray) -> dict[int, tuple[int, float]]:
        """Pair boxes and kept detections one to one, as `pair` does: {box: (detection, IoU)}."""
        overlap = geometry.iou(boxes, self.found[self.kept])
        pairs = pair(overlap, self.scores[self.kept])
        return {row: (self.kept[column], float(overlap[row, column])) for row, column in pairs}

    def answer(self, boxes: np.ndarray, place: int, name: str) -> list[float]:
        """Return what the detector says about box number `place` with this name, as numbers for `Judge`."""
        best = {"own": 0.0, "other": 0.0}
        for each in np.flatnonzero(geometry.iou(boxes[place][None], self.found)[0] >= SAME_OBJECT):
            key = "own" if self.found_names[each] == name else "other"
            best[key] = max(best[key], self.scores[each])
        number, iou = self.pairs(boxes).get(place, (None, 0.0))
        score = 0.0 if number is None else self.scores[number]
        same = number is not None and self.found_names[number] == name
        own, other = logit(best["own"]), logit(best["other"])
        hinges = [iou**2, score * (1 - iou), score * max(0.0, 0.9 - iou), min(iou, 0.6)]
        area = np.prod(boxes[place][2:] - boxes[place][:2])
        scores = own, other, max(own, other), own - other, logit(score)
        return [float(each) for each in (*scores, iou, same, np.log(area + 1e-6), *hinges)]

    def second_on_name(self, place: int, number: int) -> list[float]:
        """Return as numbers for `Judge` what the second opinion on a label is, if it had the name of class `number`."""
        if self.second_on_labels is None:
            return []
        said = self.second_on_labels[place]
        own, other, nothing = said[number], np.delete(said[:-1], number).max(initial=0.0), said[-1]
        return [float(each) for each in (own, other, nothing, own - other)]

    def as_object(self, number: int, boxes: np.ndarray) -> list[float] | None:
        """Return as numbers for `Judge` how much a kept detection looks like an object next to these labels.

        Return None if there are second opinions, but none on this detection, because its score is too low.
        """
        box, numbers = self.found[number], [float(each) for each in self.best_names[self.kept.index(number)]]
        if self.second_on_found is not None:
            said = self.second_on_found[number]
            if np.isnan(said).any():
                return None
            best, second = np.sort([0.0, *said[:-1]])[:-3:-1]
            numbers += [float(best), float(best - second), float(said[-1])]
        sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
        area = float(np.prod(box[2:] - box[:2]))
        hidden = float(np.prod(np.clip(sides, 0, None), axis=1).max(initial=0.0)) / max(area, 1e-9)
        at_edge = float(min(*box[:2], *(1 - box[2:])) < AT_EDGE)
        nearest = float(geometry.iou(box[None], boxes)[0].max(initial=0.0))
        return [*numbers, float(np.log(area + 1e-6)), at_edge, hidden, nearest]

    @functools.cached_property
    def best_names(self) -> np.ndarray:
        """The three highest scores of different names at the place of each kept detection, as logits."""
        overlap = geometry.iou(self.found[self.kept], self.found) >= SAME_OBJECT
        best = [np.where(overlap & (self.found_names == name), self.scores, 0).max(axis=1, initial=0)
                for name in np.unique(self.found_names)]  # fmt: skip
        padded = np.stack([*best, *np.zeros((3, len(self.kept)))])
        return logit(np.sort(padded, axis=0)[:-4:-1].T)


class Judge:
    """Logistic regression on standardised numbers. The right and the wrong ones count the same in all.

    Fitted by iteratively reweighted least squares (Bishop 2006, Pattern recognition and machine learning, 4.3.3), with
    a ridge of 1.
    """

    def __init__(self, right: np.ndarray, wrong: np.ndarray, steps: int = 40) -> None:
        """Learn from answers, (n, features) and (m, features)."""
        both = np.concatenate([right, wrong])
        self._mean, self._deviation = both.mean(axis=0), both.std(axis=0) + 1e-9
        target = np.repeat([0.0, 1.0], [len(right), len(wrong)])
        weight = np.repeat([0.5 * len(both) / len(right), 0.5 * len(both) / len(wrong)], [len(right), len(wrong)])
        columns = self._columns(both)
        self._coefficients = np.zeros(columns.shape[1])
        for _ in range(steps):
            guess = 1 / (1 + np.exp(-np.clip(columns @ self._coefficients, -30, 30)))
            curvature = np.clip(weight * guess * (1 - guess), 1e-6, None)
            hessian = (columns * curvature[:, None]).T @ columns + np.eye(len(self._coefficients))
            gradient = columns.T @ (weight * (target - guess)) - self._coefficients
            self._coefficients += np.linalg.solve(hessian, gradient)

    def ratio(self, answers: np.ndarray) -> np.ndarray:
        """Return how many times more probable each answer is if the label is wrong, (n,)."""
        return np.exp(np.clip(self._columns(answers) @ self._coefficients, -30, 30))

    def _columns(self, answers: np.ndarray) -> np.ndarray:
        return np.column_stack([np.ones(len(answers)), (answers - self._mean) / self._deviation])


def names(scenes: Sequence[Scene]) -> list[str]:
    """Return the classes of the labels, sorted."""
    return sorted({name for scene in scenes for name in scene.names})


def pair(overlap: np.ndarray, scores: np.ndarray) -> list[tuple[int, int]]:
    """Pair boxes and detections one to one: [(box, detection)], the largest IoU times the root of the score first.

    By the IoU alone, a shifted box would belong to a detection with a score near 0 that happens to be there.
    """
    weights = np.where(overlap >= TOUCHING, overlap * np.sqrt(scores), 0.0)
    return [(row, column) for row, column, _ in geometry.pair(weights)]


def of_labels(scenes: Sequence[Scene], seed: int = 0) -> list[np.ndarray]:
    """Return the odds that a label has a wrong name, a shifted box, or is on nothing: (labels, 3) for each scene."""
    rng, known = np.random.default_rng(seed), names(scenes)
    wrong: tuple[list, list, list] = ([], [], [])
    for scene in scenes:
        for place in list(range(len(scene.names))) * DRAWS:
            for answers, answer in zip(wrong, _made_wrong(scene, place, known, rng), strict=True):
                answers += [answer] if answer else []
    labels = [(scene, place, name) for scene in scenes for place, name in enumerate(scene.names)]
    right = [scene.answer(scene.boxes, place, name) for scene, place, name in labels]
    second = [scene.second_on_name(place, known.index(name)) for scene, place, name in labels]
    named = [first + more for first, more in zip(right, second, strict=True)]
    odds = np.stack([PRIOR * Judge(np.array(said), np.array(each)).ratio(np.array(said)) if each
                     else np.zeros(len(said)) for each, said in zip(wrong, (named, right, right))], axis=1)  # fmt: skip
    return np.split(odds, np.cumsum([len(scene.names) for scene in scenes])[:-1])


def of_missing(scenes: Sequence[Scene]) -> list[dict[int, float]]:
    """Return the odds that a label is missing, {detection: odds} for each scene, for detections without a label.

    A label that is left out leaves a detection without a label, so detections with labels show what these look like.
    Most others are on no object (Elkan and Noto 2008, Learning classifiers from only positive and unlabeled data).
    """
    with_label, without, places = [], [], []
    for number, scene in enumerate(scenes):
        paired = {detection: (label, iou) for label, (detection, iou) in scene.pairs(scene.boxes).items()}
        for detection in scene.kept:
            label, iou = paired.get(detection, (None, 0.0))
            if label is None:
                without.append(scene.as_object(detection, scene.boxes))
                places.append((number, detection))
            elif iou >= SAME_OBJECT:
                with_label.append(scene.as_object(detection, np.delete(scene.boxes, label, axis=0)))
    places = [place for place, each in zip(places, without, strict=True) if each]
    with_label, without = ([each for each in some if each] for some in (with_label, without))
    result: list[dict[int, float]] = [{} for _ in scenes]
    if with_label and without:
        ratios = Judge(np.array(without), np.array(with_label)).ratio(np.array(without))
        prior = PRIOR * sum(len(scene.names) for scene in scenes) / len(without)
        for (number, detection), ratio, (*_, nearest) in zip(places, ratios, without, strict=True):
            # What overlaps a label is less probably another object.
            result[number][detection] = float(prior * ratio * max(0.01, 1 - nearest))
    return result


def logit(score: np.ndarray | float) -> np.ndarray:
    """Return the log odds of a score, kept finite."""
    return np.log((np.asarray(score) + 0.01) / (1.01 - np.asarray(score)))


def _made_wrong(scene: Scene, place: int, known: list[str], rng: np.random.Generator) -> Iterator[list[float] | None]:
    """Yield what the detector says if this label had another name, another place, and if it were on nothing."""
    box, name, boxes = scene.boxes[place], scene.names[place], scene.boxes
    other = str(rng.choice([each for each in known if each != name] or [""]))
    yield scene.answer(boxes, place, other) + scene.second_on_name(place, known.index(other)) if other else None
    size = box[2:] - box[:2]
    moves = (box + np.tile(rng.uniform(-0.5, 0.5, 2) * size, 2) for _ in range(TRIES))
    moved = next((each for each in moves if _clearly_shifted(each, box)), None)
    yield None if moved is None else scene.answer(_replaced(boxes, place, moved), place, name)
    corners = (rng.uniform(size=2) * (1 - size) for _ in range(TRIES))
    places = (np.concatenate([corner, corner + size]) for corner in corners)
    free = next((each for each in places if geometry.iou(each[None], boxes).max() < 0.1), None)
    yield None if free is None else scene.answer(np.vstack([boxes, free]), len(boxes), name)


def _clearly_shifted(moved: np.ndarray, box: np.ndarray) -> bool:
    inside = moved.min() >= 0 and moved.max() <= 1
    return bool(inside and 0.25 < geometry.iou(moved[None], box[None])[0, 0] < 0.65)


def _replaced(boxes: np.ndarray, place: int, box: np.ndarray) -> np.ndarray:
    changed = boxes.copy()
    changed[place] = box
    return changed

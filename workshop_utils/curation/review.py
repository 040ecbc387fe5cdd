"""Find labels that a detector contradicts with confidence, and rank them.

The idea is confident learning (Northcutt, Jiang and Chuang 2021, arXiv 1911.00068): a label is suspicious if the model
prefers another one, with a score that is high compared with the scores of labels it confirms. ObjectLab (Tkachenko,
Thyagarajan and Mueller 2023, arXiv 2309.00832) carries it over to boxes: it looks for swapped names, badly located
boxes and overlooked objects. Here a box on nothing is a fourth kind.
"""

import collections
import dataclasses
import enum
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

from workshop_utils.core import phrases
from workshop_utils.core.errors import WorkshopError
from workshop_utils.curation import likelihood, second_opinion
from workshop_utils.curation.judging import Crops
from workshop_utils.curation.likelihood import SAME_OBJECT
from workshop_utils.data import geometry
from workshop_utils.data.dataset import Dataset, DatasetError, Sample
from workshop_utils.evaluation import average_precision
from workshop_utils.evaluation.average_precision import Result
from workshop_utils.model import nms
from workshop_utils.training.plan import Plan

ENOUGH = 100
"""From this number of labels on, the scores are learned from the data set; see `likelihood`."""

MISSES = 4
"""How much more often a detector misses an object than an annotator draws a box on nothing, as an exponent."""

MIN_SCORE = 0.5
"""The least score of a suspicion that is worth a look."""


class ReviewError(WorkshopError, ValueError):
    """Labels that a detector cannot judge. The message says why, and what to do."""


class Kind(enum.StrEnum):
    """What can be wrong with a label."""

    WRONG_NAME = "wrong name"
    SHIFTED_BOX = "shifted box"
    MISSING_BOX = "missing box"
    BOX_ON_NOTHING = "box on nothing"


@dataclasses.dataclass(frozen=True)
class NamedBox:
    """A label or a detection.

    Attributes:
        name: Its class.
        box: ymin, xmin, ymax, xmax, normalised.
        score: The detection's score, 0 to 1; 1 for a label.
    """

    name: str
    box: tuple[float, float, float, float]
    score: float = 1.0


@dataclasses.dataclass(frozen=True)
class Suspicion:
    """A label that is probably wrong.

    Attributes:
        photo: The photo's name.
        kind: What is probably wrong.
        label: The suspicious label; None for a missing one.
        detection: What the detector found there; None for a box on nothing.
        score: How clearly the detector contradicts the label, 0 to 1.
    """

    photo: str
    kind: Kind
    label: NamedBox | None
    detection: NamedBox | None
    score: float


@dataclasses.dataclass(frozen=True)
class _Photo:
    """The labels and detections of one photo.

    Attributes:
        name: The photo's name.
        labels: The labels.
        found: The detections, the highest score first.
        overlap: IoU of each label with each detection, (labels, detections).
    """

    name: str
    labels: list[NamedBox]
    found: list[NamedBox]
    overlap: np.ndarray

    def first(self, place: int, fits: Callable[[str], bool]) -> NamedBox | None:
        """Return the detection on label number `place` with the highest score whose name fits, if there is one."""
        on_it = self.overlap[place] >= SAME_OBJECT
        return next((found for found, is_on in zip(self.found, on_it) if is_on and fits(found.name)), None)

    def rival(self, place: int) -> float:
        """Return the highest score of another name at the place of detection number `place`, 0 if there is none."""
        overlap = geometry.iou(np.array([self.found[place].box]), np.array([each.box for each in self.found]))[0]
        others = (each.score for each, iou in zip(self.found, overlap)
                  if iou >= SAME_OBJECT and each.name != self.found[place].name)  # fmt: skip
        return max(others, default=0.0)

    def pairs(self) -> dict[int, int]:
        """Pair labels and detections one to one, as `likelihood.pair` does: {detection: label or -1}.

        Several detections of one object count as the one with the highest score.
        """
        boxes = np.array([each.box for each in self.found]).reshape(-1, 4)
        scores = np.array([each.score for each in self.found])
        kept = nms.suppress_across_classes(boxes, scores, SAME_OBJECT)
        pairs = likelihood.pair(self.overlap[:, kept], scores[kept])
        return dict.fromkeys(kept, -1) | {kept[column]: label for label, column in pairs}

    def scene(self, known: set[str]) -> likelihood.Scene:
        """Return the photo as arrays, without the labels of unknown classes."""
        labels = [label for label in self.labels if label.name in known]
        boxes = [np.array([each.box for each in some], float).reshape(-1, 4) for some in (labels, self.found)]
        names = np.array([each.name for each in self.found], str)
        scores = np.array([each.score for each in self.found])
        return likelihood.Scene(boxes[0], [label.name for label in labels], boxes[1], names, scores)


@dataclasses.dataclass(frozen=True)
class Usual:
    """How a detector confirms labels.

    Attributes:
        scores: The mean score of each class. A class whose labels are never confirmed is missing.
        overlap: The mean IoU.
    """

    scores: dict[str, float]
    overlap: float

    def confidence(self, found: NamedBox | None) -> float:
        """Return a detection's score compared with that of confirmed labels of its class, at most 1; 0 for None."""
        return min(1.0, found.score / self.scores.get(found.name, 1.0)) if found else 0.0


def find(
    samples: Sequence[Sample],
    detections_of_each: Sequence[Result],
    classes: Mapping[int, str],
    crops: Sequence[Crops] | None = None,
) -> list[Suspicion]:
    """Return what looks wrong, the clearest first. Each label and each detection is in one suspicion at most.

    Only classes that both the labels and the detector have are compared.

    Args:
        samples: The labelled photos.
        detections_of_each: For each photo boxes (n, 4), class ids (n,) and scores (n,), after non-maximum suppression
            by class. The detector should not have been trained with these labels: it may have memorised them.
        classes: The detector's classes, {id: name}. Case, extra spaces and the Unicode form make no difference.
        crops: For each photo its crops, as `judging.ask` returns them. They are used from ENOUGH labels on.
    """
    labelled = {name for sample in samples for name in sample.classes}
    same = average_precision.matching_names(classes.values(), labelled)
    names = {number: same[name] for number, name in classes.items() if name in same}
    photos = [_compare(*each, names) for each in zip(samples, detections_of_each, strict=True)]
    known = set(names.values())
    if sum(label.name in known for photo in photos for label in photo.labels) >= ENOUGH:
        suspicions = list(_learned(photos, known, crops))
    else:
        expected = usual(photos)
        suspicions = [each for photo in photos for each in _suspicions(photo, expected, known)]
    return sorted(suspicions, key=lambda each: -each.score)


def check_classes(samples: Sequence[Sample], classes: Mapping[int, str], source: object) -> None:
    """Raise ReviewError if a detector has none of the classes of the labels, or if there are no labels.

    Args:
        samples: The labelled photos.
        classes: The detector's classes, {id: name}.
        source: Where the detector comes from, for the message.
    """
    labelled = sorted({name for sample in samples for name in sample.classes})
    if not average_precision.matching_names(classes.values(), labelled):
        what = f"{source}: has none of the classes of these labels. It has {phrases.quoted(classes.values())}"
        raise ReviewError(f"{what}; the labels have {phrases.quoted(labelled) or 'none'}. Choose another run.")


def seen_photos(plan: Plan, data: Dataset, source: pathlib.Path) -> list[str]:
    """Return the photos of a data set that a run was trained on, if it was trained on this data set.

    Args:
        plan: The run's plan.
        data: The data set. Its labels may have changed since training.
        source: Its folder.
    """
    if plan.fingerprint != data.fingerprint() and pathlib.Path(plan.data) != source.resolve():
        return []
    try:
        return [sample.name for sample in plan.split(data)[0]] if plan.chosen.trains else []
    except DatasetError:  # photos were removed since
        return []


def usual(photos: Iterable["_Photo"]) -> Usual:
    """Return how the detector confirms labels: with the same name, and an IoU of at least SAME_OBJECT.

    The mean scores are the thresholds of confident learning, equation 2.
    """
    scores, overlaps = collections.defaultdict(list), [1.0]
    for photo in photos:
        for place, label in enumerate(photo.labels):
            if confirmed := photo.first(place, label.name.__eq__):
                scores[label.name].append(confirmed.score)
                overlaps.append(photo.overlap[place, photo.found.index(confirmed)])
    return Usual(
        {name: float(np.mean(some)) for name, some in scores.items()}, float(np.mean(overlaps[1:] or overlaps))
    )


def _edges(box: np.ndarray) -> tuple[float, float, float, float]:
    ymin, xmin, ymax, xmax = map(float, box)
    return ymin, xmin, ymax, xmax


def _compare(sample: Sample, result: Result, names: Mapping[int, str]) -> _Photo:
    labels = [NamedBox(name, _edges(box)) for name, box in zip(sample.classes, sample.boxes, strict=True)]
    found = [
        NamedBox(names[int(number)], _edges(box), float(score))
        for box, number, score in zip(*result, strict=True)
        if int(number) in names
    ]
    found.sort(key=lambda each: -each.score)
    boxes = [np.array([each.box for each in some]).reshape(-1, 4) for some in (labels, found)]
    return _Photo(sample.name, labels, found, geometry.iou(*boxes))


def _learned(photos: Sequence[_Photo], known: set[str], crops: Sequence[Crops] | None) -> Iterator[Suspicion]:
    """Yield what looks wrong, with the probability that it is: the odds of the kinds of fault add up."""
    scenes = [photo.scene(known) for photo in photos]
    scenes = scenes if crops is None else second_opinion.added(scenes, crops)
    for photo, odds_of_each, missing in zip(
        photos, likelihood.of_labels(scenes), likelihood.of_missing(scenes), strict=True
    ):
        paired = {label: place for place, label in photo.pairs().items()}
        places = (place for place, label in enumerate(photo.labels) if label.name in known)
        for place, odds in zip(places, odds_of_each, strict=True):
            other, own = photo.first(place, photo.labels[place].name.__ne__), paired.get(place)
            kinds = {Kind.WRONG_NAME: other, Kind.SHIFTED_BOX: None if own is None else photo.found[own]}
            ranked = [(each, kind) for kind, each in zip(kinds, odds[:2], strict=True) if kinds[kind]]
            kind = max([*ranked, (odds[2], Kind.BOX_ON_NOTHING)])[1]
            yield Suspicion(
                photo.name, kind, photo.labels[place], kinds.get(kind), float(odds.sum() / (1 + odds.sum()))
            )
        for place, odds in missing.items():
            yield Suspicion(photo.name, Kind.MISSING_BOX, None, photo.found[place], odds / (1 + odds))


def _suspicions(photo: _Photo, expected: Usual, known: set[str]) -> Iterator[Suspicion]:
    """Yield what looks wrong in one photo, at most one suspicion per label and per detection."""
    paired = photo.pairs()
    detection_of = {label: place for place, label in paired.items()}
    for place, label in enumerate(photo.labels):
        if label.name not in known:
            continue
        if place in detection_of:
            yield _contradicted(photo, place, detection_of[place], expected)
        else:
            seen = expected.confidence(photo.first(place, lambda name: True))
            yield Suspicion(photo.name, Kind.BOX_ON_NOTHING, label, None, (1 - seen) ** MISSES)
    for place, label in paired.items():
        if label == -1:
            found, nearest = photo.found[place], photo.overlap[:, place].max(initial=0.0)
            # A detector gives several names to what belongs to none of its classes.
            margin = dataclasses.replace(found, score=found.score - photo.rival(place))
            yield Suspicion(photo.name, Kind.MISSING_BOX, None, found, expected.confidence(margin) * float(1 - nearest))


def _contradicted(photo: _Photo, place: int, found_place: int, expected: Usual) -> Suspicion:
    """Return how clearly a detection contradicts the label that it is paired with: its name, its box, or both."""
    label, found, iou = photo.labels[place], photo.found[found_place], photo.overlap[place, found_place]
    confidence = expected.confidence(found)
    apart = float(np.clip((expected.overlap - iou) / max(expected.overlap - SAME_OBJECT, 0.01), 0, 1))
    shifted = Suspicion(photo.name, Kind.SHIFTED_BOX, label, found, confidence * apart)
    nothing = Suspicion(photo.name, Kind.BOX_ON_NOTHING, label, None, (1 - confidence) ** MISSES)
    doubt = 1 - expected.confidence(photo.first(place, label.name.__eq__))
    other = photo.first(place, label.name.__ne__)
    renamed = Suspicion(photo.name, Kind.WRONG_NAME, label, other, expected.confidence(other) * doubt)
    return max(renamed, shifted, nothing, key=lambda each: each.score)

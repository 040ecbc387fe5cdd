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
from workshop_utils.data import geometry
from workshop_utils.data.dataset import Dataset, DatasetError, Sample
from workshop_utils.evaluation import average_precision
from workshop_utils.evaluation.average_precision import Result
from workshop_utils.model import nms
from workshop_utils.training.plan import Plan

SAME_OBJECT = 0.5
"""The IoU above which a label and a detection are about the same object, as in AP50."""

TOUCHING = 0.15
"""The IoU below which a label and a detection have nothing to do with each other."""

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

    def first(self, place: int, fits: Callable[[str], bool], least: float) -> tuple[NamedBox, float] | None:
        """Return the detection with the highest score whose name fits, and its IoU, at least `least`, with a label."""
        pairs = zip(self.found, self.overlap[place].tolist(), strict=True)
        return next(((found, iou) for found, iou in pairs if fits(found.name) and iou >= least), None)


def find(
    samples: Sequence[Sample], detections_of_each: Sequence[Result], classes: Mapping[int, str]
) -> list[Suspicion]:
    """Return what looks wrong, the clearest first. Each label and each detection is in one suspicion at most.

    Labels of classes that the detector does not have are not judged.

    Args:
        samples: The labelled photos.
        detections_of_each: For each photo boxes (n, 4), class ids (n,) and scores (n,), after non-maximum suppression
            by class. The detector should not have been trained with these labels: it may have memorised them.
        classes: The detector's classes, {id: name}. Case, extra spaces and the Unicode form make no difference.
    """
    labelled = {name for sample in samples for name in sample.classes}
    same = average_precision.matching_names(classes.values(), labelled)
    names = {number: same.get(name, name) for number, name in classes.items()}
    photos = [_compare(*each, names) for each in zip(samples, detections_of_each, strict=True)]
    usual, known = usual_scores(photos, names.values()), set(names.values())
    suspicions = [each for photo in photos for each in _suspicions(photo, usual, known)]
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


def usual_scores(photos: "Iterable[_Photo]", names: Iterable[str]) -> dict[str, float]:
    """Return the mean score with which the detector confirms the labels of each class.

    This is the threshold of confident learning, equation 2: what counts as a high score differs between classes. A
    class whose labels are never confirmed has 1.
    """
    scores = collections.defaultdict(list)
    for photo in photos:
        for place, label in enumerate(photo.labels):
            if confirmed := photo.first(place, label.name.__eq__, SAME_OBJECT):
                scores[label.name].append(confirmed[0].score)
    return {name: float(np.mean(scores[name])) if scores[name] else 1.0 for name in names}


def _compare(sample: Sample, result: Result, names: Mapping[int, str]) -> _Photo:
    labels = [NamedBox(name, tuple(map(float, box))) for name, box in zip(sample.classes, sample.boxes, strict=True)]
    found = [
        NamedBox(names[int(number)], tuple(map(float, box)), float(score))
        for box, number, score in zip(*result, strict=True)
        if int(number) in names
    ]
    found.sort(key=lambda each: -each.score)
    boxes = [np.array([each.box for each in some]).reshape(-1, 4) for some in (labels, found)]
    return _Photo(sample.name, labels, found, geometry.iou(*boxes))


def _suspicions(photo: _Photo, usual: Mapping[str, float], known: set[str]) -> Iterator[Suspicion]:
    """Yield what looks wrong in one photo, at most one suspicion per label and per detection."""
    for place, label in enumerate(photo.labels):
        if label.name in known:
            yield max(_about_label(photo, place, usual), key=lambda each: each.score)
    yield from _missing(photo, usual)


def _about_label(photo: _Photo, place: int, usual: Mapping[str, float]) -> Iterator[Suspicion]:
    """Yield how much speaks for each kind of fault of one label."""
    label = photo.labels[place]

    def confidence(pair: tuple[NamedBox, float] | None) -> float:
        return min(1.0, pair[0].score / usual[pair[0].name]) if pair else 0.0

    confirmed = photo.first(place, label.name.__eq__, SAME_OBJECT)
    other = photo.first(place, label.name.__ne__, SAME_OBJECT)
    near = photo.first(place, label.name.__eq__, TOUCHING)
    yield Suspicion(photo.name, Kind.BOX_ON_NOTHING, label, None, 1 - confidence(photo.first(place, bool, TOUCHING)))
    if other:
        score = confidence(other) * (1 - confidence(confirmed))
        yield Suspicion(photo.name, Kind.WRONG_NAME, label, other[0], score)
    if near:
        yield Suspicion(photo.name, Kind.SHIFTED_BOX, label, near[0], confidence(near) * (1 - near[1]))


def _missing(photo: _Photo, usual: Mapping[str, float]) -> Iterator[Suspicion]:
    """Yield the detections that no label touches; of several names for one object, the one with the highest score."""
    boxes = np.array([each.box for each in photo.found]).reshape(-1, 4)
    for place in nms.suppress_across_classes(boxes, np.array([each.score for each in photo.found]), SAME_OBJECT):
        found = photo.found[place]
        if photo.overlap[:, place].max(initial=0.0) < TOUCHING:
            yield Suspicion(photo.name, Kind.MISSING_BOX, None, found, min(1.0, found.score / usual[found.name]))

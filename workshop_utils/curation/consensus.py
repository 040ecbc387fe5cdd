"""Where several people labelled one photo: what they agree on, and the places where they do not.

Boxes of different people that overlap enough are one object, as in weighted boxes fusion (Solovyev, Wang and Gabruseva
2021, arXiv 1910.13302), which fuses the boxes of several detectors. People have no confidence scores, so each counts
the same, and the fused box has the median of each edge: one careless box does not move it, as it would move the mean.
"""

import collections
import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from workshop_utils.data import geometry
from workshop_utils.data.dataset import Sample

MIN_IOU = 0.55
"""The least IoU at which two people's boxes are the same object, as in weighted boxes fusion. A box over two equal
objects has an IoU of 0.5 with each, and so it is neither of them."""

SAME_PLACE = 0.1
"""The IoU at which boxes that are not the same object are about the same place, unless one person drew both."""


@dataclasses.dataclass(frozen=True)
class Label:
    """One object: its class name, its box (ymin, xmin, ymax, xmax, normalised), and Pascal VOC's flags."""

    name: str
    box: tuple[float, float, float, float]
    difficult: int = 0
    truncated: int = 0


@dataclasses.dataclass(frozen=True)
class Version:
    """What some of the people drew at one place.

    Attributes:
        people: Who drew it.
        labels: The boxes, fused; empty if they drew nothing there.
    """

    people: tuple[str, ...]
    labels: tuple[Label, ...]


@dataclasses.dataclass(frozen=True)
class Consensus:
    """The labels of one photo.

    Attributes:
        agreed: What more than half of the people drew.
        undecided: For each place without a majority, its versions, the one of most people first.
        outvoted: For each place where a majority won, the versions of the others.
    """

    agreed: tuple[Label, ...]
    undecided: tuple[tuple[Version, ...], ...]
    outvoted: tuple[tuple[Version, ...], ...]


@dataclasses.dataclass(frozen=True)
class _Object:
    """Boxes of different people around one object: {person: place of the box in this person's sample}."""

    drawn: dict[str, int]
    box: np.ndarray


def of_photo(drawn: Mapping[str, Sample], min_iou: float = MIN_IOU) -> Consensus:
    """Return what people agree on.

    At each place, everyone has a version: the boxes that they drew, with their names, or nothing. The version of more
    than half of them wins.

    Args:
        drawn: {person: the photo with this person's labels}.
        min_iou: The least IoU at which boxes of two people are the same object.
    """
    agreed, undecided, outvoted = [], [], []
    for place in _places(_objects(drawn, min_iou)):
        versions = _versions(place, drawn)
        if 2 * len(versions[0].people) > len(drawn):
            agreed += versions[0].labels
            outvoted += [tuple(versions[1:])] if versions[1:] else []
        else:
            undecided.append(tuple(versions))
    return Consensus(tuple(agreed), tuple(undecided), tuple(outvoted))


def _objects(drawn: Mapping[str, Sample], min_iou: float) -> list[_Object]:
    """Return the objects: the boxes with the highest IoU are joined first, and no person has two boxes in one."""
    people = list(drawn)
    pairs = []
    for place, first in enumerate(people):
        for second in people[place + 1 :]:
            overlap = geometry.iou(drawn[first].boxes, drawn[second].boxes)
            for row, column in np.argwhere(overlap >= min_iou):
                pairs.append((-float(overlap[row, column]), (first, int(row)), (second, int(column))))
    members = {(person, row): {person: row} for person in people for row in range(len(drawn[person].boxes))}
    for _, first, second in sorted(pairs):
        one, other = members[first], members[second]
        if one.keys().isdisjoint(other):
            one |= other
            members |= {each: one for each in other.items()}
    unique = {id(each): each for each in members.values()}
    return [_Object(each, _fused(each, drawn)) for each in unique.values()]


def _fused(rows: Mapping[str, int], drawn: Mapping[str, Sample]) -> np.ndarray:
    return np.median([drawn[person].boxes[row] for person, row in rows.items()], axis=0)


def _places(objects: Sequence[_Object]) -> Iterator[list[_Object]]:
    """Yield the objects of each place. Objects that overlap are at one place, unless one person drew both."""
    if not objects:
        return
    boxes = np.stack([each.box for each in objects])
    left = dict.fromkeys(range(len(objects)))
    while left:
        first = next(iter(left))
        del left[first]
        waiting, place = [first], []
        while waiting:
            number = waiting.pop()
            place.append(objects[number])
            overlap = geometry.iou(boxes[number : number + 1], boxes)[0]
            near = [
                other
                for other in np.flatnonzero(overlap > SAME_PLACE).tolist()
                if other in left and objects[number].drawn.keys().isdisjoint(objects[other].drawn)
            ]
            waiting += near
            for other in near:
                del left[other]
        yield place


def _versions(place: Sequence[_Object], drawn: Mapping[str, Sample]) -> list[Version]:
    """Return the versions of one place, that of most people first, and the first of equal ones by people's order."""
    people_with = collections.defaultdict(list)
    for person, sample in drawn.items():
        shown = [(number, each.drawn[person]) for number, each in enumerate(place) if person in each.drawn]
        people_with[tuple((number, sample.classes[row]) for number, row in shown)].append(person)
    versions = []
    for key, people in people_with.items():
        labels = [
            _label(name, {person: place[number].drawn[person] for person in people}, drawn) for number, name in key
        ]
        versions.append(Version(tuple(people), tuple(labels)))
    return sorted(versions, key=lambda each: -len(each.people))


def _label(name: str, rows: Mapping[str, int], drawn: Mapping[str, Sample]) -> Label:
    """Return the label of several people: the median box, and a flag if at least half of them set it."""
    flags = [(drawn[person].difficult[row], drawn[person].truncated[row]) for person, row in rows.items()]
    difficult, truncated = (int(2 * sum(map(bool, each)) >= len(flags)) for each in zip(*flags, strict=True))
    return Label(name, tuple(_fused(rows, drawn).tolist()), difficult, truncated)

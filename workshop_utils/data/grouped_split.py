"""Divide photos into training and validation set without dividing a group, and with every class in both.

If all photos are groups of their own and each class is in both sets, this is the same split as `Dataset.split`.
"""

import collections
from collections.abc import Sequence
from typing import NamedTuple

from workshop_utils.data import dataset
from workshop_utils.data.dataset import Sample


class _Part:
    """The groups of the training or of the validation set, and in how many of them each class is."""

    def __init__(self, units: Sequence["_Unit"]):
        self.units, self.counts = list(units), collections.Counter(name for unit in units for name in unit.classes)

    def having(self, name: str) -> list["_Unit"]:
        return [unit for unit in self.units if name in unit.classes]

    def can_spare(self, unit: "_Unit") -> bool:
        """Return whether each class of a unit is in another one, too."""
        return all(self.counts[name] > 1 for name in unit.classes)

    def move(self, unit: "_Unit", to: "_Part") -> None:
        self.units = [each for each in self.units if each is not unit]
        self.counts.subtract(unit.classes)
        to.units.append(unit)
        to.counts.update(unit.classes)


class _Unit(NamedTuple):
    """Photos that are not divided, and the classes of their objects that count in a score."""

    samples: list[Sample]
    classes: set[str]

    @property
    def size(self) -> int:
        return len(self.samples)


def split(
    samples: Sequence[Sample], groups: Sequence[Sequence[str]], limit: int | None = None
) -> tuple[list[Sample], list[Sample]]:
    """Return training and validation samples, about 80 % and 20 %.

    A class that occurs in one group only is in the training set. The validation set is larger than 20 % if it cannot
    have every class otherwise, or if the groups are too large. It is empty if all photos are one group.

    Args:
        samples: The samples of a data set.
        groups: The names of the photos of each group. Each other photo is its own group.
        limit: As for `Dataset.split`.
    """
    shuffled = dataset.shuffled(samples)
    group_of = {name: number for number, names in enumerate(groups) for name in names}
    by_group: dict[object, list[Sample]] = collections.defaultdict(list)
    for sample in shuffled:
        by_group[group_of.get(sample.name, sample.name)].append(sample)
    units = [_Unit(photos, _classes(photos)) for photos in by_group.values()]
    held_out = max(1, round(0.2 * len(shuffled))) if len(units) > 1 else 0
    validation = _Part(_fill(units, held_out))
    held = set(map(id, validation.units))
    _cover(_Part([unit for unit in units if id(unit) not in held]), validation, held_out)
    chosen = {sample.name for unit in validation.units for sample in unit.samples}
    validation_samples = [sample for sample in shuffled if sample.name in chosen]
    training_samples = [sample for sample in shuffled if sample.name not in chosen]
    if limit is None or limit >= len(shuffled):
        return training_samples, validation_samples
    held_out = max(1, round(0.2 * limit))
    return training_samples[: max(1, limit - held_out)], validation_samples[:held_out]


def unmeasured(validation: Sequence[Sample], label_map: dict[int, str]) -> list[str]:
    """Return the classes without an object that counts in the validation set; their AP cannot be measured."""
    measured = _classes(validation)
    return [name for name in label_map.values() if name not in measured]


def _classes(samples: Sequence[Sample]) -> set[str]:
    """Return the classes of the objects that count in a score: those that are not difficult."""
    return {name for each in samples for name, hard in zip(each.classes, each.difficult, strict=True) if not hard}


def _fill(units: Sequence[_Unit], room: int) -> list[_Unit]:
    """Return the units that fit into the validation set, in order; the smallest if none fits."""
    chosen: list[_Unit] = []
    for unit in units:
        if unit.size <= room:
            chosen.append(unit)
            room -= unit.size
    return chosen or (sorted(units, key=lambda unit: unit.size)[:1] if room else [])


def _cover(training: _Part, validation: _Part, held_out: int) -> None:
    """Move units so that each class is in the training set and, where that can be done, in the validation set."""
    counts = training.counts + validation.counts
    rarest_first = sorted(counts, key=lambda name: (counts[name], name))
    for name in rarest_first:
        if not training.counts[name]:
            validation.move(min(validation.having(name), key=lambda unit: unit.size), training)
    for name in rarest_first:
        movable = [unit for unit in training.having(name) if training.can_spare(unit)]
        if not validation.counts[name] and movable:
            training.move(min(movable, key=lambda unit: unit.size), validation)
    size = sum(unit.size for unit in validation.units)
    for unit in reversed(validation.units):
        if size - unit.size >= held_out and validation.can_spare(unit):
            validation.move(unit, training)
            size -= unit.size

"""Merge the labels of several people, of the same or of different photos, into one data set.

No label is overwritten: where people disagree and none of them has a majority, the photo waits for a decision.
"""

import collections
import dataclasses
import itertools
import pathlib
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from tqdm import tqdm

from workshop_utils.core import phrases
from workshop_utils.core.errors import UsageError, WorkshopError
from workshop_utils.curation import consensus, same_photos
from workshop_utils.curation.consensus import Consensus
from workshop_utils.data import formats, inspection, label_map
from workshop_utils.data.dataset import Dataset, DatasetError, Sample
from workshop_utils.data.names import composed
from workshop_utils.evaluation import agreement
from workshop_utils.evaluation.agreement import PairAgreement

TRUTH = "truth"
CONSENSUS = "consensus"


@dataclasses.dataclass(frozen=True)
class MergedPhoto:
    """One photo.

    Attributes:
        photo: The photo, with its name in the merged set and the labels that people agree on.
        labels_of: {person: the photo with this person's labels}.
        found: What people agree on, and where they do not.
        true: The photo with the true labels, if they are known.
    """

    photo: Sample
    labels_of: dict[str, Sample]
    found: Consensus
    true: Sample | None = None


@dataclasses.dataclass(frozen=True)
class Merged:
    """The labels of several people.

    Attributes:
        people: Their names.
        photos: All photos that at least one of them labelled, sorted by name.
        label_map: {id: class name}.
        notes: What you should know about the data sets.
        min_iou: The least IoU at which boxes of two people are the same object.
    """

    people: list[str]
    photos: list[MergedPhoto]
    label_map: dict[int, str]
    notes: list[str]
    min_iou: float

    @property
    def agreed(self) -> Dataset:
        """The photos without an open decision, as a data set."""
        return Dataset([each.photo for each in self.photos if not each.found.undecided], self.label_map)

    @property
    def undecided(self) -> list[MergedPhoto]:
        """The photos that wait for a decision."""
        return [each for each in self.photos if each.found.undecided]

    def pairs(self) -> list[PairAgreement]:
        """Return the agreement of each two people with photos in common, and of each, and the consensus, with the
        truth."""
        views = [each.labels_of | ({TRUTH: each.true} if each.true else {}) for each in self.photos]
        names = [*self.people, TRUTH]
        found = [_pair(first, second, views, self.min_iou) for first, second in itertools.combinations(names, 2)]
        agreed = [
            {CONSENSUS: each.photo, TRUTH: each.true} for each in self.photos if each.true and not each.found.undecided
        ]
        return [each for each in (*found, _pair(CONSENSUS, TRUTH, agreed, self.min_iou)) if each.photos]


def _pair(first: str, second: str, views: Iterable[Mapping[str, Sample]], min_iou: float) -> PairAgreement:
    shared = [(each[first], each[second]) for each in views if first in each and second in each]
    return agreement.of_pair(first, second, shared, min_iou)


def open_sets(paths: Sequence[pathlib.Path]) -> tuple[dict[str, Dataset], list[str]]:
    """Open the data sets of several people.

    Returns:
        {name of the person: data set}, and a line for each data set that cannot be used.

    Raises:
        UsageError: If a path is given twice.
        DatasetError: If no data set can be used.
    """
    for path, count in collections.Counter(pathlib.Path(path).resolve() for path in paths).items():
        if count > 1:
            raise UsageError(f"{path}: is given {count} times. Name each data set once.")
    sets, faults = {}, []
    for name, path in zip(people_names(paths), paths, strict=True):
        try:
            sets[name] = formats.open_dataset(path)
        except (WorkshopError, OSError) as error:
            faults.append(str(error))
    if not sets:
        raise DatasetError("\n".join([*faults, "None of the data sets can be used."]))
    return sets, faults


def people_names(paths: Sequence[pathlib.Path]) -> list[str]:
    """Return a name for the person behind each path: its stem, with the names of its folders if others have the same.

    So ana/take_home.zip and ben/take_home.zip become ana-take_home and ben-take_home.
    """
    parts = [(*(whole := pathlib.Path(path).resolve()).parent.parts[1:], whole.stem) for path in paths]
    depth = max(range(1, max(map(len, parts)) + 1), key=lambda depth: (len({each[-depth:] for each in parts}), -depth))
    counts = collections.Counter(each[-1] for each in parts)
    names = ["-".join(each[-depth:]) if counts[each[-1]] > 1 else each[-1] for each in parts]
    repeated = collections.Counter(names)
    reserved = {TRUTH, CONSENSUS}
    return [
        f"{name}-{place}" if repeated[name] > 1 or name in reserved else name
        for place, name in enumerate(names, start=1)
    ]


def merge(sets: Mapping[str, Dataset], truth: Dataset | None = None, min_iou: float = consensus.MIN_IOU) -> Merged:
    """Merge the labels of several people.

    Args:
        sets: {name of the person: data set}.
        truth: The true labels, if they are known. They only measure: nothing of them is in the result.
        min_iou: The least IoU at which boxes of two people are the same object.
    """
    sets, notes = _without_copies(sets)
    known = [*sets.values(), *([truth] if truth else [])]
    spelling = _spelling(known, notes)
    renamed = [[_renamed(sample, spelling) for sample in each.samples] for each in known]
    mapping = _label_map(list(sets.values()), spelling, notes)
    people, merged, taken = list(sets), [], set()
    for samples in tqdm(same_photos.group(renamed), "merge", unit="photo", delay=1, leave=False, disable=None):
        drawn = {people[number]: sample for number, sample in samples.items() if number < len(people)}
        if drawn:
            found = consensus.of_photo(drawn, min_iou)
            photo = _with_labels(_largest(drawn), _free_name(drawn, taken, notes), found)
            merged.append(MergedPhoto(photo, drawn, found, samples.get(len(people))))
    return Merged(people, sorted(merged, key=lambda each: each.photo.name), mapping, notes, min_iou)


def _without_copies(sets: Mapping[str, Dataset]) -> tuple[dict[str, Dataset], list[str]]:
    """Return the data sets without those that are the same as another: no one's labels count twice."""
    first_with, kept, notes = {}, {}, []
    for name, data in sets.items():
        is_empty = not any(sample.classes for sample in data.samples)
        first = name if is_empty else first_with.setdefault(same_photos.content(data.samples), name)
        if first == name:
            kept[name] = data
        else:
            notes.append(f"{name}: has the same photos and labels as {first}. They count once.")
    return kept, notes


def _spelling(sets: Sequence[Dataset], notes: list[str]) -> dict[str, str]:
    """Return {class name: name to use}. Names that differ only in case become one, unless one set has both."""
    used = [name for data in sets for sample in data.samples for name in sample.classes]
    listed = [name for data in sets for name in data.label_map.values()]
    spelling = inspection.spellings([*used, *listed])
    for data in sets:
        forms = collections.defaultdict(set)
        for name in {*data.label_map.values(), *(name for sample in data.samples for name in sample.classes)}:
            forms[name.lower()].add(name)
        apart = {lower for lower, names in forms.items() if len(names) > 1}
        spelling |= {name: name for name in spelling if name.lower() in apart}
    changed = sorted(name for name, use in spelling.items() if name != use)
    notes += [
        f"The class '{name}' is written '{spelling[name]}' by most. Both are '{spelling[name]}' now."
        for name in changed
    ]
    return spelling


def _renamed(sample: Sample, spelling: Mapping[str, str]) -> Sample:
    return dataclasses.replace(sample, classes=tuple(spelling[name] for name in sample.classes))


def _label_map(sets: Sequence[Dataset], spelling: Mapping[str, str], notes: list[str]) -> dict[int, str]:
    """Return the label map of all, or a new one of all their classes if they differ."""
    maps = [{number: spelling[name] for number, name in data.label_map.items()} for data in sets]
    if all(each == maps[0] for each in maps):
        return maps[0]
    numbered = label_map.number(name for each in maps for name in each.values())
    notes.append(f"The label maps differ, so the classes are numbered again: {phrases.quoted(numbered.values())}.")
    return numbered


def _largest(drawn: Mapping[str, Sample]) -> Sample:
    """Return the photo with the most pixels."""
    return max(drawn.values(), key=lambda sample: sample.width * sample.height)


def _free_name(drawn: Mapping[str, Sample], taken: set[str], notes: list[str]) -> str:
    """Return a name for a photo whose stem no other photo has: its file name, or one with the person's name in it."""
    person, sample = next(pair for pair in drawn.items() if pair[1] is _largest(drawn))
    path = pathlib.PurePath(pathlib.PureWindowsPath(sample.name).name)  # splits at / and \
    stems = itertools.chain(
        [path.stem, f"{path.stem}-{person}"], (f"{path.stem}-{person}-{n}" for n in itertools.count(2))
    )
    stem = next(each for each in stems if composed(each).lower() not in taken)
    taken.add(composed(stem).lower())
    if stem != path.stem:
        notes.append(
            f"{person}: {sample.name} is another photo than the {path.name} of others. It becomes {stem}{path.suffix}."
        )
    return f"{stem}{path.suffix}"


def _with_labels(sample: Sample, name: str, found: Consensus) -> Sample:
    """Return a photo with the labels that people agree on."""
    return dataclasses.replace(
        sample,
        name=name,
        boxes=np.array([each.box for each in found.agreed], np.float32).reshape(-1, 4),
        classes=tuple(each.name for each in found.agreed),
        difficult=tuple(each.difficult for each in found.agreed),
        truncated=tuple(each.truncated for each in found.agreed),
        part="",
    )

"""Plant wrong labels in a copy of a data set, so that you can count how many of them a review finds."""

import dataclasses
import pathlib
import shutil
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from workshop_utils.core import files
from workshop_utils.curation.review import Kind, Suspicion
from workshop_utils.data import geometry, photos, voc
from workshop_utils.data.annotation import Annotation, Box
from workshop_utils.data.dataset import DatasetError

COUNTS = {Kind.WRONG_NAME: 20, Kind.SHIFTED_BOX: 20, Kind.MISSING_BOX: 20, Kind.BOX_ON_NOTHING: 10}
"""The number of wrong labels of each kind."""

SHIFTED_IOU = (0.3, 0.6)
"""The IoU of a shifted box with the box before, at least and at most: clearly wrong, and still on the object."""

LARGEST_OVERLAP = 0.1
"""The largest share of a box on nothing that overlaps a labelled object."""

TRIES = 200
"""The number of random places that are tried for a box before another box is chosen."""


@dataclasses.dataclass(frozen=True)
class PlantedFault:
    """One label that was made wrong.

    Attributes:
        photo: The photo's file name.
        kind: What is wrong.
        before: The right label; None if there was none.
        after: The wrong label; None if it was removed.
        size: (width, height) of the photo, in pixels.
    """

    photo: str
    kind: Kind
    before: Box | None
    after: Box | None
    size: tuple[int, int]

    def is_meant_by(self, suspicion: Suspicion) -> bool:
        """Return whether a suspicion points at this label, of any kind: a missing one, if the detection is on it."""
        if suspicion.photo != self.photo:
            return False
        if self.after is None:
            if suspicion.label or suspicion.detection is None or self.before is None:
                return False
            return _iou(suspicion.detection.box, self._normalised(self.before)) >= 0.5
        return suspicion.label is not None and _iou(suspicion.label.box, self._normalised(self.after)) > 0.95

    def _normalised(self, box: Box) -> tuple[float, ...]:
        return voc.normalised(Annotation(self.photo, *self.size, (box,)))[0]


def plant(
    source: pathlib.Path, out: pathlib.Path, seed: int = 0, counts: Mapping[Kind, int] = COUNTS
) -> list[PlantedFault]:
    """Write a copy of a data set with wrong labels, each in another label or place. The data set does not change.

    Args:
        source: A folder with images/ and annotations/ in Pascal VOC.
        out: The folder for the copy, which must not exist yet.
        seed: Decides which labels become wrong, and how.
        counts: The number of wrong labels of each kind.

    Raises:
        DatasetError: If the data set has too few labels.
        VocError: If an annotation cannot be read.
        WriteError: If the copy cannot be written.
    """
    found = {path.stem: path for path in photos.find(source / "images")}
    truth = {path.stem: voc.read(path) for path in sorted((source / "annotations").glob("*.xml")) if path.stem in found}
    rng = np.random.default_rng(seed)
    labels = {stem: list(annotation.boxes) for stem, annotation in truth.items()}
    faults = []
    for stem, kind, before, after in _faults(truth, rng, counts):
        if before is not None:
            labels[stem].remove(before)
        if after is not None:
            labels[stem].append(after)
        faults.append(PlantedFault(found[stem].name, kind, before, after, (truth[stem].width, truth[stem].height)))
    with files.new_folder(out) as unfinished:
        shutil.copytree(source / "images", unfinished / "images")
        (unfinished / "annotations").mkdir()
        for stem, annotation in truth.items():
            changed = dataclasses.replace(annotation, boxes=tuple(labels[stem]))
            voc.write(changed, unfinished / "annotations" / f"{stem}.xml")
    return faults


def repaired(boxes: Sequence[Box], faults: Sequence[PlantedFault]) -> list[Box]:
    """Return the boxes of one photo with these faults repaired; those that are repaired already stay."""
    kept = [box for box in boxes if box not in [fault.after for fault in faults]]
    return kept + [fault.before for fault in faults if fault.before is not None and fault.before not in kept]


def repair(folder: pathlib.Path, faults: Sequence[PlantedFault], suspicions: Sequence[Suspicion]) -> int:
    """Repair the planted faults that suspicions point at, as someone who knows the truth would; return how many.

    Args:
        folder: What `plant` wrote. Its annotations are changed.
        faults: What `plant` returned.
        suspicions: The reviewed suspicions. Those that point at no planted fault change nothing.

    Raises:
        VocError: If an annotation cannot be read.
        WriteError: If an annotation cannot be written.
    """
    found = [fault for fault in faults if any(fault.is_meant_by(suspicion) for suspicion in suspicions)]
    for photo in {fault.photo for fault in found}:
        xml = folder / "annotations" / f"{pathlib.Path(photo).stem}.xml"
        annotation = voc.read(xml)
        boxes = repaired(annotation.boxes, [fault for fault in found if fault.photo == photo])
        voc.write(dataclasses.replace(annotation, boxes=tuple(boxes)), xml)
    return len(found)


def _faults(
    truth: dict[str, Annotation], rng: np.random.Generator, counts: Mapping[Kind, int]
) -> Iterator[tuple[str, Kind, Box | None, Box | None]]:
    """Yield the photo's stem, the kind, and the label before and after, for each fault."""
    names = sorted({box.name for annotation in truth.values() for box in annotation.boxes})
    labels = [(stem, box) for stem, annotation in truth.items() for box in annotation.boxes]
    order = iter([labels[place] for place in rng.permutation(len(labels))])
    for kind, count in counts.items():
        planted = 0
        while planted < count:
            stem, box = next(order, (None, None))
            if stem is None or box is None or (kind is Kind.WRONG_NAME and len(names) < 2):
                raise DatasetError(f"There are too few labels for {count} of the kind '{kind}'. Plant fewer.")
            after = _make_wrong(kind, box, truth[stem], names, rng)
            if after is None and kind is not Kind.MISSING_BOX:
                continue
            yield stem, kind, None if kind is Kind.BOX_ON_NOTHING else box, after
            planted += 1


def _make_wrong(kind: Kind, box: Box, annotation: Annotation, names: list[str], rng) -> Box | None:
    """Return the wrong label; None if there is no place for it, or if it is a missing one."""
    if kind is Kind.WRONG_NAME:
        return dataclasses.replace(box, name=str(rng.choice([name for name in names if name != box.name])))
    if kind is Kind.MISSING_BOX:
        return None
    others = np.array([(each.ymin, each.xmin, each.ymax, each.xmax) for each in annotation.boxes])
    for _ in range(TRIES):
        width, height = box.xmax - box.xmin, box.ymax - box.ymin
        if kind is Kind.SHIFTED_BOX:
            right, down = (rng.uniform(-0.5, 0.5, 2) * (width, height)).round()
            moved = dataclasses.replace(
                box, xmin=box.xmin + right, ymin=box.ymin + down, xmax=box.xmax + right, ymax=box.ymax + down
            )
            fits = SHIFTED_IOU[0] <= _iou(_edges(moved), _edges(box)) <= SHIFTED_IOU[1]
        else:
            left, top = (rng.uniform(size=2) * (annotation.width - width, annotation.height - height)).round()
            moved = dataclasses.replace(box, xmin=left, ymin=top, xmax=left + width, ymax=top + height, truncated=0)
            fits = (_shared(_edges(moved), others) <= LARGEST_OVERLAP * width * height).all()
        inside = moved.xmin >= 0 and moved.ymin >= 0 and moved.xmax <= annotation.width
        if fits and inside and moved.ymax <= annotation.height:
            return moved
    return None


def _edges(box: Box) -> tuple[float, float, float, float]:
    return box.ymin, box.xmin, box.ymax, box.xmax


def _iou(first: Sequence[float], second: Sequence[float]) -> float:
    return float(geometry.iou(np.array([first]), np.array([second]))[0, 0])


def _shared(box: Sequence[float], others: np.ndarray) -> np.ndarray:
    """Return the area that a box shares with each of the others (n, 4)."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    return np.prod(np.clip(sides, 0, None), axis=1)

"""A labelled data set in memory, and its split into training and validation set.

A folder (`images/` and `annotations/`) and the records written from it give the same samples, and so the same split,
the same batches and the same fingerprint.
"""

import collections
import dataclasses
import hashlib
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from workshop_utils.core import disk_cache, settings
from workshop_utils.core.errors import WorkshopError
from workshop_utils.data import inspection, label_map, photos, voc
from workshop_utils.data.findings import Finding
from workshop_utils.data.names import composed

LABEL_MAP = label_map.FILENAME

MAX_UNCACHED_PIXELS = 1_000_000
"""Photos of up to this many pixels are decoded each time they are used, which takes milliseconds. Larger photos are
cached on disk after they are shrunk."""


class DatasetError(WorkshopError, ValueError):
    """A data set that cannot be used at all. The message names the folder.

    Attributes:
        findings: What is wrong with each file.
    """

    def __init__(self, message: str, findings: Iterable[Finding] = ()):
        super().__init__(message)
        self.findings = list(findings)


@dataclasses.dataclass(frozen=True, eq=False)
class Sample:
    """One labelled photo.

    Attributes:
        name: The photo's file name.
        width: Its width, in pixels.
        height: Its height, in pixels.
        boxes: (n, 4): ymin, xmin, ymax, xmax, normalised.
        classes: The class of each box.
        difficult: 1 for each box that is hard to recognise, else 0.
        truncated: 1 for each box whose object is only partly visible, else 0.
        sha256: The SHA-256 digest of the photo's file, in hex.
        source: The photo's file (any object with `read_bytes`), or its bytes.
        part: "train", "val" or "test" if the data set comes with a split, else "".
    """

    name: str
    width: int
    height: int
    boxes: np.ndarray
    classes: tuple[str, ...]
    difficult: tuple[int, ...]
    truncated: tuple[int, ...]
    sha256: str
    source: pathlib.Path | bytes = dataclasses.field(repr=False)
    part: str = ""

    @property
    def encoded(self) -> bytes:
        """The bytes of the photo's file.

        Raises:
            PhotoError: If the file has changed or is missing since the data set was loaded.
        """
        try:
            data = self.source if isinstance(self.source, bytes) else self.source.read_bytes()
        except OSError as error:
            what = f"{self.source}: cannot be read any more ({error.strerror}). Load the data set again."
            raise photos.PhotoError(what) from None
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise photos.PhotoError(f"{self.source}: has changed since it was loaded. Load the data set again.")
        return data

    @property
    def image(self) -> np.ndarray:
        """The photo as uint8 (height, width, 3), shrunk to photos.WORKING_SIDE. It is decoded at each use."""
        if self.width * self.height <= MAX_UNCACHED_PIXELS:
            return self._decode()
        return _DECODED.get(self.sha256, self._decode)

    def _decode(self) -> np.ndarray:
        return photos.shrink(photos.read(self.encoded, self.name))


_DECODED = disk_cache.DiskCache(settings.RUNS)


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A labelled data set.

    Attributes:
        samples: The photos, sorted by name.
        label_map: {id: class name}.
        findings: What was repaired and what was left out.
    """

    samples: list[Sample]
    label_map: dict[int, str]
    findings: list[Finding] = dataclasses.field(default_factory=list[Finding])

    def fingerprint(self) -> str:
        """Return 12 hex digits that identify the photos, boxes and classes."""
        digest = hashlib.sha256(repr(self.label_map).encode())
        for sample in self.samples:
            digest.update(f"{sample.name} {sample.sha256} {sample.classes} {sample.difficult}{sample.part}".encode())
            digest.update(sample.boxes.tobytes())
        return digest.hexdigest()[:12]

    def split(self, limit: int | None = None) -> tuple[list[Sample], list[Sample]]:
        """Return training and validation samples, 80 % and 20 %, shuffled with settings.SPLIT_SEED.

        Samples are sorted by name first, so the split does not depend on the file system.

        Args:
            limit: The number of samples in both sets together. The samples of a smaller limit are a subset of those of
                a larger one. None uses all.
        """
        photos = shuffled(self.samples)
        held_out = max(1, round(0.2 * len(photos))) if len(photos) > 1 else 0
        validation, training = photos[:held_out], photos[held_out:]
        if limit is None or limit >= len(photos):
            return training, validation
        held_out = max(1, round(0.2 * limit))
        return training[: max(1, limit - held_out)], validation[:held_out]


def shuffled(samples: Iterable[Sample]) -> list[Sample]:
    """Return samples in the order in which they are divided: sorted by name, then shuffled with settings.SPLIT_SEED."""
    ordered = sorted(samples, key=lambda sample: sample.name)
    return [ordered[place] for place in np.random.default_rng(settings.SPLIT_SEED).permutation(len(ordered))]


def load(folder: pathlib.Path) -> Dataset:
    """Load a Pascal VOC folder: every photo that is intact or can be repaired, without duplicates.

    The label map is the folder's own `label_map.pbtxt`, or else the sorted classes that occur.

    Raises:
        DatasetError: If no photo can be used.
        VocError: If `folder` is not a data set.
        LabelMapError: If its label map cannot be used.
    """
    return from_inspection(inspection.inspect(folder))


def from_inspection(found: inspection.Inspection) -> Dataset:
    """Return the usable photos of an inspected data set, of any format.

    A sample has its photo's file name. If several photos have the same one, in different folders, the names of these
    folders are in front of it.

    Raises:
        DatasetError: If no photo can be used.
    """
    if found.problem:
        first = "".join(f"\n  {finding}" for finding in found.findings[:5])
        raise DatasetError(f"{found.problem}{first}", found.findings)
    stems = collections.Counter(composed(each.photo.stem).lower() for each in found.usable)
    samples: list[Sample] = []
    for each in found.usable:
        is_unique = stems[composed(each.photo.stem).lower()] == 1
        name = each.photo.name if is_unique else each.photo.relative_to(found.folder).as_posix()
        samples.append(_sample(each, name))
    return Dataset(samples, found.label_map, found.findings)


def select(samples: list[Sample], names: list[str]) -> list[Sample]:
    """Return the samples with these names, in the order of `samples`.

    The Unicode form of accents makes no difference: file systems change it.

    Raises:
        DatasetError: If a name is not among the samples, or `names` is empty.
    """
    wanted = set(map(composed, names))
    unknown = sorted(wanted - {composed(sample.name) for sample in samples})
    if unknown or not names:
        why = f"'{unknown[0]}' is not one of the {len(samples)} training photos" if unknown else "it names no photo"
        raise DatasetError(f"The list of training photos cannot be used: {why}. Correct the list.")
    return [sample for sample in samples if composed(sample.name) in wanted]


def from_encoded(
    name: str,
    encoded: bytes,
    boxes: ArrayLike,
    classes: Sequence[str],
    difficult: Sequence[int],
    truncated: Sequence[int],
) -> Sample:
    """Return a sample for an encoded photo.

    Args:
        name: The photo's file name.
        encoded: The file's bytes.
        boxes: (n, 4): ymin, xmin, ymax, xmax, normalised.
        classes: The class of each box.
        difficult: 1 for each box that is hard to recognise, else 0.
        truncated: 1 for each box whose object is only partly visible, else 0.

    Raises:
        PhotoError: If the photo cannot be read.
    """
    width, height = photos.read(encoded, name).size
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    digest = hashlib.sha256(encoded).hexdigest()
    return Sample(name, width, height, boxes, tuple(classes), tuple(difficult), tuple(truncated), digest, encoded)


def class_ids(sample: Sample, mapping: dict[int, str]) -> np.ndarray:
    """Return the class id of each box of a sample, int32 (n,).

    Args:
        sample: A labelled photo.
        mapping: The label map, {id: class name}.
    """
    ids = {name: number for number, name in mapping.items()}
    return np.array([ids[name] for name in sample.classes], np.int32)


def _sample(usable: inspection.Usable, name: str) -> Sample:
    annotation = usable.annotation
    boxes = annotation.boxes
    return Sample(
        name=name,
        width=annotation.width,
        height=annotation.height,
        boxes=np.array(voc.normalised(annotation), np.float32).reshape(-1, 4),
        classes=tuple(box.name for box in boxes),
        difficult=tuple(box.difficult for box in boxes),
        truncated=tuple(box.truncated for box in boxes),
        sha256=hashlib.sha256(usable.photo.read_bytes()).hexdigest(),
        source=usable.photo,
        part=usable.part,
    )

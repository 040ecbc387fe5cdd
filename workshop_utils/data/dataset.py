"""A labelled data set in memory, its split into training and validation, and the batches made of it.

A data set is read from a folder (`images/` and `annotations/`) or from the records made of one; both give the same
samples, hence the same split, the same batches and the same fingerprint.
"""

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
"""A photo of so many pixels is decoded in milliseconds, each time it is used. What larger ones shrink to is kept."""


class DatasetError(WorkshopError, ValueError):
    """A data set that cannot be used at all; the message names the folder, `findings` what is wrong with each file."""

    def __init__(self, message: str, findings: Iterable[Finding] = ()):
        super().__init__(message)
        self.findings = list(findings)


@dataclasses.dataclass(frozen=True, eq=False)
class Sample:
    """One labelled photo.

    `width` and `height` are the photo's, in pixels; `source` is its file (whatever has `read_bytes`), or that file's
    bytes, whose digest is `sha256`. `boxes` (n, 4) are ymin, xmin, ymax, xmax, normalised.
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

    @property
    def encoded(self) -> bytes:
        """The file as it was when the sample was made. Raises PhotoError where it has changed or vanished since."""
        try:
            data = self.source if isinstance(self.source, bytes) else self.source.read_bytes()
        except OSError as fault:
            raise photos.PhotoError(f"{self.source}: is not there any more ({fault.strerror}). Load anew.") from None
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise photos.PhotoError(f"{self.source}: has changed since the data set was loaded. Load it anew.")
        return data

    @property
    def image(self) -> np.ndarray:
        """The photo as uint8 (height, width, 3), shrunk to photos.WORKING_SIDE; decoded when it is used."""
        if self.width * self.height <= MAX_UNCACHED_PIXELS:
            return self._decode()
        return _DECODED.get(self.sha256, self._decode)

    def _decode(self) -> np.ndarray:
        return photos.shrink(photos.read(self.encoded, self.name))


_DECODED = disk_cache.DiskCache(settings.RUNS)


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Samples sorted by name, their label map, and what had to be left out."""

    samples: list[Sample]
    label_map: dict[int, str]
    findings: list[Finding] = dataclasses.field(default_factory=list)

    def fingerprint(self) -> str:
        """Return twelve hex digits that change with any photo, box or class."""
        digest = hashlib.sha256(repr(self.label_map).encode())
        for sample in self.samples:
            digest.update(f"{sample.name} {sample.sha256} {sample.classes} {sample.difficult}".encode())
            digest.update(sample.boxes.tobytes())
        return digest.hexdigest()[:12]

    def split(self, limit: int | None = None) -> tuple[list[Sample], list[Sample]]:
        """Return training and validation samples, 80 to 20, shuffled with settings.SPLIT_SEED.

        Samples are sorted by name first, so the split does not depend on the file system. `limit` takes that many
        samples in all; a smaller limit's samples are among a larger one's.
        """
        ordered = sorted(self.samples, key=lambda sample: sample.name)
        shuffled = [ordered[place] for place in np.random.default_rng(settings.SPLIT_SEED).permutation(len(ordered))]
        held_out = max(1, round(0.2 * len(shuffled))) if len(shuffled) > 1 else 0
        validation, training = shuffled[:held_out], shuffled[held_out:]
        if limit is None or limit >= len(shuffled):
            return training, validation
        held_out = max(1, round(0.2 * limit))
        return training[: max(1, limit - held_out)], validation[:held_out]


def load(folder: pathlib.Path) -> Dataset:
    """Read every photo of a VOC folder that is whole or can be repaired, each photo once; `findings` names what was
    repaired and what is left out.

    The label map is the folder's own `label_map.pbtxt`, or else made of the classes found, sorted. Raises
    DatasetError where nothing is left, VocError or LabelMapError for a folder or a label map that is none.
    """
    found = inspection.inspect(folder)
    if found.problem:
        told = "".join(f"\n  {finding}" for finding in found.findings[:5])
        raise DatasetError(f"{found.problem}{told}", found.findings)
    return Dataset([_sample(each) for each in found.usable], found.label_map, found.findings)


def select(samples: list[Sample], names: list[str]) -> list[Sample]:
    """Return the samples with these names, in the order they have. Raises DatasetError for a name that none has.

    How a name's accents are spelt makes no difference: file systems change that.
    """
    wanted = set(map(composed, names))
    unknown = sorted(wanted - {composed(sample.name) for sample in samples})
    if unknown or not names:
        said = f"'{unknown[0]}' is not among them" if unknown else "no photo is named"
        raise DatasetError(f"Of {len(samples)} training photos some are to be used, but {said}. Correct the list.")
    return [sample for sample in samples if composed(sample.name) in wanted]


def from_encoded(
    name: str,
    encoded: bytes,
    boxes: ArrayLike,
    classes: Sequence[str],
    difficult: Sequence[int],
    truncated: Sequence[int],
) -> Sample:
    """Return the sample of an encoded photo.

    Args:
        name: The photo's file name.
        encoded: The file's bytes.
        boxes: (n, 4): ymin, xmin, ymax, xmax, normalised.
        classes: Each box's class.
        difficult: 1 for each box that is hard to recognise, else 0.
        truncated: 1 for each box whose object is only partly visible, else 0.

    Raises:
        PhotoError: Where the photo cannot be read.
    """
    width, height = photos.read(encoded, name).size
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    digest = hashlib.sha256(encoded).hexdigest()
    return Sample(name, width, height, boxes, tuple(classes), tuple(difficult), tuple(truncated), digest, encoded)


def class_ids(sample: Sample, mapping: dict[int, str]) -> np.ndarray:
    """Return the label map's id of each of the sample's boxes, (n,)."""
    ids = {name: number for number, name in mapping.items()}
    return np.array([ids[name] for name in sample.classes], np.int32)


def _sample(usable: inspection.Usable) -> Sample:
    annotation = usable.annotation
    boxes = annotation.boxes
    return Sample(
        name=usable.photo.name,
        width=annotation.width,
        height=annotation.height,
        boxes=np.array(voc.normalised(annotation), np.float32).reshape(-1, 4),
        classes=tuple(box.name for box in boxes),
        difficult=tuple(box.difficult for box in boxes),
        truncated=tuple(box.truncated for box in boxes),
        sha256=hashlib.sha256(usable.photo.read_bytes()).hexdigest(),
        source=usable.photo,
    )

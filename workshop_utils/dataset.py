"""A labelled data set in memory, its split into training and validation, and the batches made of it.

A data set is read from a folder (`images/` and `annotations/`) or from the records made of one; both give the same
samples, hence the same split, the same batches and the same fingerprint.
"""

import dataclasses
import functools
import hashlib
import pathlib
from collections.abc import Iterator

import numpy as np

from workshop_utils import anchors, augmentation, label_map, photos, settings, voc

LABEL_MAP = "label_map.pbtxt"


class DatasetError(ValueError):
    """A data set that cannot be used at all; the message names the folder, `findings` what is wrong with each file."""

    def __init__(self, message: str, findings=()):
        super().__init__(message)
        self.findings = list(findings)


@dataclasses.dataclass(frozen=True)
class Sample:
    """One labelled photo.

    `width` and `height` are the photo's, in pixels; `encoded` is the file as it was. `boxes` (n, 4) are ymin, xmin,
    ymax, xmax, normalised.
    """

    name: str
    width: int
    height: int
    boxes: np.ndarray
    classes: tuple[str, ...]
    difficult: tuple[int, ...]
    truncated: tuple[int, ...]
    encoded: bytes = dataclasses.field(repr=False)

    @functools.cached_property
    def image(self) -> np.ndarray:
        """The photo as uint8 (height, width, 3), shrunk to photos.WORKING_SIDE; decoded when first used, then kept."""
        return photos.shrink(photos.read(self.encoded, self.name))

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.encoded).hexdigest()


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Samples sorted by name, their label map, and what had to be left out."""

    samples: list[Sample]
    label_map: dict[int, str]
    findings: list[voc.Finding] = dataclasses.field(default_factory=list)

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
    """Read every photo of a VOC folder that is whole; the others are left out and named in `findings`.

    The label map is the folder's own `label_map.pbtxt`, or else made of the classes found, sorted. Raises
    DatasetError where nothing is left, VocError or LabelMapError for a folder or a label map that is none.
    """
    folder = pathlib.Path(folder)
    pairs, findings = voc.pairs(folder)
    mapping = label_map.read(folder / LABEL_MAP) if (folder / LABEL_MAP).exists() else None
    samples = []
    for photo, xml in pairs:
        sample, faults = _read_pair(photo, xml, mapping)
        findings += faults
        if sample is not None:
            samples.append(sample)
    mapping = mapping or label_map.number(name for sample in samples for name in sample.classes)
    if not samples or not mapping:
        told = "".join(f"\n  {finding}" for finding in findings[:5])
        raise DatasetError(f"{folder}: holds no photo with a usable annotation.{told}", findings)
    return Dataset(samples, mapping, findings)


def from_encoded(name: str, encoded: bytes, boxes, classes, difficult, truncated) -> Sample:
    """Return the sample of an encoded photo and its boxes (normalised). Raises PhotoError."""
    width, height = photos.read(encoded, name).size
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    return Sample(name, width, height, boxes, tuple(classes), tuple(difficult), tuple(truncated), encoded)


def class_ids(sample: Sample, mapping: dict[int, str]) -> np.ndarray:
    """Return the label map's id of each of the sample's boxes, (n,)."""
    ids = {name: number for number, name in mapping.items()}
    return np.array([ids[name] for name in sample.classes], np.int32)


def batch(samples: list[Sample], mapping: dict[int, str], step: int, size: int, seed: int) -> tuple[np.ndarray, ...]:
    """Return training batch number `step`: images (size, 300, 300, 3) in [-1, 1], encodings (size, 1917, 4), classes
    (size, 1917).

    A batch depends on nothing but these arguments: training that was interrupted goes on as if it had not been.
    """
    views = []
    for place in range(step * size, (step + 1) * size):
        epoch, index = divmod(place, len(samples))
        order = np.random.default_rng([seed, epoch]).permutation(len(samples))
        sample = samples[order[index]]
        rng = np.random.default_rng([seed, epoch, index])
        views.append(augmentation.random_view(sample.image, sample.boxes, class_ids(sample, mapping), rng))
    targets = [anchors.targets(view.boxes, view.class_ids) for view in views]
    images = photos.to_input(np.stack([view.image for view in views]))
    return images, np.stack([encodings for encodings, _ in targets]), np.stack([classes for _, classes in targets])


def batches(samples, mapping, size: int, seed: int, start: int, stop: int) -> Iterator[tuple]:
    """Yield the training batches `start` to `stop`, prepared in another thread while the network works."""
    from workshop_utils.quiet import tf

    def generate():
        for step in range(start, stop):
            yield batch(samples, mapping, step, size, seed)

    side, count = photos.INPUT_SIDE, len(anchors.anchors())
    signature = (
        tf.TensorSpec((size, side, side, 3), tf.float32),
        tf.TensorSpec((size, count, 4), tf.float32),
        tf.TensorSpec((size, count), tf.int32),
    )
    return iter(tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(2))


def _read_pair(photo, xml, mapping) -> tuple[Sample | None, list[voc.Finding]]:
    try:
        annotation = voc.read(xml)
        encoded = photo.read_bytes()
        boxes = annotation.boxes
        sample = from_encoded(
            photo.name,
            encoded,
            voc.normalised(annotation),
            (box.name for box in boxes),
            (box.difficult for box in boxes),
            (box.truncated for box in boxes),
        )
    except voc.VocError as fault:
        return None, [voc.Finding(xml, str(fault).removeprefix(f"{xml}: "))]
    except (photos.PhotoError, OSError) as fault:
        return None, [voc.Finding(photo, str(fault).removeprefix(f"{photo.name}: "))]
    faults = voc.mismatches(annotation, xml, photo, (sample.width, sample.height))
    if (annotation.width, annotation.height) != (sample.width, sample.height):
        return None, faults
    unknown = sorted(set(sample.classes) - set(mapping.values())) if mapping else []
    if unknown:
        names = ", ".join(f"'{name}'" for name in unknown)
        return None, [*faults, voc.Finding(xml, f"has the class {names}, which {LABEL_MAP} does not list.")]
    return sample, faults

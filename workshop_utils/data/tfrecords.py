"""TFRecord files with the tf.Example keys of the Object Detection API, as its `create_pascal_tf_record.py` writes them.

A record has one photo, with its original encoding, and its boxes. TensorFlow reads many records from one file quickly.
A large set is divided into several files, its shards: `train.record-00000-of-00004` and so on.
"""

# TensorFlow has no type stubs for tf.train and tf.io.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false
import contextlib
import dataclasses
import pathlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from workshop_utils.core import files
from workshop_utils.core.tensorflow import as_os_error, tf
from workshop_utils.data import dataset, given_split, label_map, record_files
from workshop_utils.data.dataset import Dataset, DatasetError, Sample
from workshop_utils.data.names import tidy
from workshop_utils.data.record_files import FILES, REST, exist_in

_FEATURES = {
    "image/height": tf.io.FixedLenFeature([], tf.int64),
    "image/width": tf.io.FixedLenFeature([], tf.int64),
    "image/filename": tf.io.FixedLenFeature([], tf.string),
    "image/encoded": tf.io.FixedLenFeature([], tf.string),
    **{f"image/object/bbox/{edge}": tf.io.VarLenFeature(tf.float32) for edge in ("ymin", "xmin", "ymax", "xmax")},
    "image/object/class/text": tf.io.VarLenFeature(tf.string),
    "image/object/difficult": tf.io.VarLenFeature(tf.int64),
    "image/object/truncated": tf.io.VarLenFeature(tf.int64),
    "workshop/part": tf.io.FixedLenFeature([], tf.string, ""),
}


def write(data: Dataset, folder: pathlib.Path, shards: int = 1, *, keep_split: bool = False) -> None:
    """Write a data set's split as train.record and val.record, with label_map.pbtxt next to them.

    A record says in which part its photo came, so that a given split can also be kept later.

    Existing records are replaced after all new ones are written. While they are replaced, there is no label map, and
    `read` rejects records without one. So it never reads old and new records together, even after an interruption.

    Args:
        data: The data set.
        folder: The folder for the records.
        shards: The number of files for each of the two, named and filled like those of the Object Detection API's
            `open_sharded_output_tfrecords`.
        keep_split: Whether the photos are divided as the data set's author did. Photos for neither training nor
            validation are then in test.record.

    Raises:
        DatasetError: If the folder has records in another number of files, or there is no split to keep.
        WriteError: If the folder cannot be written to.
    """
    folder = pathlib.Path(folder)
    files.make_folder(folder)
    divided = given_split.split(data.samples) if keep_split else data.split()
    parts: dict[str, list[Sample]] = dict(zip(FILES, divided, strict=True))
    used = {sample.name for samples in parts.values() for sample in samples}
    if rest := [sample for sample in data.samples if sample.name not in used]:
        parts[REST] = rest
    wanted = {path for name in parts for path in record_files.shard_paths(folder / name, shards)}
    others = sorted({path for name in (*FILES, REST) for path in folder.glob(f"{name}*")} - wanted)
    if others:
        raise DatasetError(f"{others[0]}: would be mixed with the new records. Choose another folder.")
    with contextlib.ExitStack() as replaced:
        for name, samples in parts.items():
            for place, path in enumerate(record_files.shard_paths(folder / name, shards)):
                unfinished = replaced.enter_context(files.replacing(path))
                with as_os_error(), tf.io.TFRecordWriter(str(unfinished)) as writer:
                    for sample in samples[place::shards]:
                        writer.write(to_example(sample, data.label_map).SerializeToString())
        (folder / dataset.LABEL_MAP).unlink(missing_ok=True)
    label_map.write(data.label_map, folder / dataset.LABEL_MAP)


def read(folder: pathlib.Path) -> Dataset:
    """Read the records that `write` or another tool wrote, in any number of shards.

    Boxes are kept in memory. Photos are read again from their record when they are used.

    Raises:
        DatasetError: If a file is missing or broken, or a record cannot be used.
        LabelMapError: If the label map cannot be used.
    """
    folder = pathlib.Path(folder)
    if exist_in(folder) and not (folder / dataset.LABEL_MAP).exists():
        what = "is missing. It is written last, so the records may be incomplete. Write them again."
        raise DatasetError(f"{folder / dataset.LABEL_MAP}: {what}")
    mapping = label_map.read(folder / dataset.LABEL_MAP)
    samples: list[Sample] = []
    names = (*FILES, *[REST] * any(folder.glob(f"{REST}*")))
    for path in (path for name in names for path in record_files.find(folder / name)):
        try:
            samples += _samples(path, set(mapping.values()))
        except tf.errors.OpError as error:
            raise DatasetError(f"{path}: cannot be read ({error.message}). Write the records again.") from None
    return Dataset(sorted(samples, key=lambda sample: sample.name), mapping)


def to_example(sample: Sample, mapping: dict[int, str]) -> tf.train.Example:
    """Return a sample as a tf.Example. Box edges are normalised, with one list per edge.

    Args:
        sample: A labelled photo.
        mapping: The label map, {id: class name}.

    Raises:
        PhotoError: If the photo has changed since it was loaded.
    """
    name, kind = sample.name.encode(), b"png" if sample.encoded.startswith(b"\x89PNG") else b"jpeg"
    ymin, xmin, ymax, xmax = sample.boxes.T
    return tf.train.Example(
        features=tf.train.Features(
            feature={
                "image/height": _integers([sample.height]),
                "image/width": _integers([sample.width]),
                "image/filename": _bytes([name]),
                "image/source_id": _bytes([name]),
                "image/key/sha256": _bytes([sample.sha256.encode()]),
                "image/encoded": _bytes([sample.encoded]),
                "image/format": _bytes([kind]),
                "image/object/bbox/ymin": _floats(ymin),
                "image/object/bbox/xmin": _floats(xmin),
                "image/object/bbox/ymax": _floats(ymax),
                "image/object/bbox/xmax": _floats(xmax),
                "image/object/class/text": _bytes([each.encode() for each in sample.classes]),
                "image/object/class/label": _integers(dataset.class_ids(sample, mapping)),
                "image/object/difficult": _integers(sample.difficult),
                "image/object/truncated": _integers(sample.truncated),
                "image/object/view": _bytes([b"Unspecified"] * len(sample.classes)),
                **({"workshop/part": _bytes([sample.part.encode()])} if sample.part else {}),
            }
        )
    )


def from_example(record: bytes | tf.Tensor) -> Sample:
    """Return the sample of one serialised tf.Example. The flags difficult and truncated default to 0.

    Raises:
        PhotoError: If the photo cannot be read.
        DatasetError: If a box is invalid or has no class.
        UnicodeDecodeError: If a name is not UTF-8.
        tf.errors.OpError: If the record is not a tf.Example.
    """
    fields: dict[str, Any] = {
        key: (value.values if isinstance(value, tf.SparseTensor) else value).numpy()
        for key, value in tf.io.parse_single_example(record, _FEATURES).items()
    }
    edges = [fields[f"image/object/bbox/{edge}"] for edge in ("ymin", "xmin", "ymax", "xmax")]
    classes = [tidy(text.decode()) for text in fields["image/object/class/text"]]
    flags = [fields[f"image/object/{flag}"].tolist() or [0] * len(classes) for flag in ("difficult", "truncated")]
    if len({len(values) for values in (*edges, classes, *flags)}) > 1:
        raise DatasetError("its lists of edges, classes and flags differ in length")
    boxes = np.stack(edges, axis=-1)
    if not ((boxes >= 0) & (boxes <= 1)).all() or (boxes[:, :2] >= boxes[:, 2:]).any():
        raise DatasetError("a box extends beyond the photo or has no area")
    sample = dataset.from_encoded(fields["image/filename"].decode(), fields["image/encoded"], boxes, classes, *flags)
    return dataclasses.replace(sample, part=fields["workshop/part"].decode())


@dataclasses.dataclass(frozen=True)
class _Stored:
    """The position of a photo in a record file. The bytes of 1,000 photos would not fit in memory."""

    path: pathlib.Path
    offset: int
    length: int

    def read_bytes(self) -> bytes:
        """Return the encoded photo."""
        with open(self.path, "rb") as stream:
            stream.seek(self.offset)
            example = tf.train.Example.FromString(stream.read(self.length))
        return example.features.feature["image/encoded"].bytes_list.value[0]


def _samples(path: pathlib.Path, names: set[str]) -> list[Sample]:
    """Return the samples of one file. Each record has 12 bytes of length and checksum before it, and 4 after it."""
    samples, offset = list[Sample](), 12
    for number, record in enumerate(tf.data.TFRecordDataset(str(path)), start=1):
        length = len(record.numpy())
        try:
            sample = from_example(record)
            if unknown := set(sample.classes) - names:
                raise DatasetError(f"its class '{min(unknown)}' is not in {dataset.LABEL_MAP}")
        except (ValueError, tf.errors.OpError) as error:
            reason = getattr(error, "message", None) or error
            raise DatasetError(f"{path}: record {number} cannot be used ({reason}). Write the records again.") from None
        samples.append(dataclasses.replace(sample, source=_Stored(path, offset, length)))
        offset += length + 16
    return samples


def _bytes(values: Iterable[bytes]) -> tf.train.Feature:
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def _floats(values: Iterable[float]) -> tf.train.Feature:
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def _integers(values: Iterable[int]) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))

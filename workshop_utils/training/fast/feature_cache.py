"""Cached features: compute the outputs of frozen layers once, and train only the layers after them.

The output of frozen layers for a photo never changes. So it is computed once, for some augmented views of each photo,
and stored on disk in half precision. A training step then runs only the layers after the frozen ones.
"""

import contextlib
import dataclasses
import itertools
import pathlib
import sys
import zipfile
from collections.abc import Iterator
from typing import IO

import numpy as np
from tqdm.auto import tqdm

from workshop_utils.core import files
from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.data import dataset
from workshop_utils.model import anchors, preprocessing
from workshop_utils.training import augmentation, batches
from workshop_utils.training.fast import folded_layers, precision

BATCH = 8
"""Number of views computed at once."""

SHARD = 128
"""Number of views in one group of files. Computing them takes seconds, the most that an interruption can lose."""


def split(model: keras.Model, layer: str) -> tuple[keras.Model, keras.Model]:
    """Split a detector into its frozen layers and the layers after them.

    Both parts share the layers of the model, so training the second part trains the model.

    Args:
        model: The detector.
        layer: The name of the last frozen layer.

    Returns:
        A model from the image to the features that the later layers need (the output of `layer`, and of any earlier
        layer with a connection past it), and a model from these features to the detector's outputs.
    """
    end = [each.name for each in model.layers].index(layer) + 1
    needed = {id(tensor) for each in model.layers[end:] for tensor in keras.tree.flatten(each.input)}
    features = [each.output for each in model.layers[:end] if id(each.output) in needed]
    return keras.Model(model.input, features, name="frozen"), keras.Model(features, model.outputs, name="trained")


@dataclasses.dataclass(frozen=True)
class FeatureCache:
    """The features of some augmented views of each training photo, in the files of a folder.

    Row v * len(samples) + i has view v of photo i, which is its view in epoch `first_epoch` + v (`batches.view`).

    Attributes:
        folder: Where the files are.
        samples: The training photos.
        label_map: Their label map.
        views: Number of views of each photo.
        seed: The seed of the run.
        first_epoch: The epoch of the first view.
    """

    folder: pathlib.Path
    samples: list[dataset.Sample]
    label_map: dict[int, str]
    views: int
    seed: int
    first_epoch: int = 0

    def fill(self, frozen: keras.Model) -> None:
        """Compute the features that are missing or damaged, and show a progress bar.

        Args:
            frozen: The frozen layers, from `split`.

        Raises:
            WriteError: If a file cannot be written, as on a full disk.
        """
        files.make_folder(self.folder)
        files.remove_unfinished(self.folder)
        rows = self.views * len(self.samples)
        shards = [range(first, min(first + SHARD, rows)) for first in range(0, rows, SHARD)]
        missing = [shard for shard in shards if not self._is_intact(shard[0], len(frozen.outputs))]
        compute = tf.function(folded_layers.fold(frozen, precision.policy()))
        views = batches.prefetch((self._view(row) for shard in missing for row in shard), 2 * BATCH)
        done = rows - sum(map(len, missing))
        with contextlib.closing(views), tqdm(total=rows, initial=done, desc="cache features", unit="view") as bar:
            for shard in missing:
                self._write(shard, views, compute)
                bar.update(len(shard))

    def batches(self, size: int, start: int, stop: int) -> Iterator[tuple]:
        """Yield the batches of `batches.batches`, with a list of float16 features instead of images.

        Args:
            size: Photos per batch.
            start: The first batch.
            stop: The batch after the last one.
        """
        shards = [self._read(first) for first in range(0, self.views * len(self.samples), SHARD)]
        return batches.prefetch(self._batch(shards, step, size) for step in range(start, stop))

    def _batch(self, shards: list["_Shard"], step: int, size: int) -> tuple:
        rows = [
            (epoch - self.first_epoch) % self.views * len(self.samples) + index
            for epoch, index in batches.epochs_and_indices(step, size, len(self.samples), self.seed)
        ]
        outputs = zip(*(shards[row // SHARD].outputs(row % SHARD) for row in rows), strict=True)
        targets = [anchors.targets(*shards[row // SHARD].truth(row % SHARD)) for row in rows]
        return [np.stack(each) for each in outputs], *map(np.stack, zip(*targets, strict=True))

    def _view(self, row: int) -> augmentation.View:
        view, index = divmod(row, len(self.samples))
        return batches.view(self.samples, self.label_map, self.first_epoch + view, index, self.seed)

    def _write(self, shard: range, views: Iterator[augmentation.View], compute) -> None:
        """Write the files of one shard."""
        outputs, boxes, classes = [], [], []
        for start in range(0, len(shard), BATCH):
            some = list(itertools.islice(views, len(shard[start : start + BATCH])))
            images = preprocessing.to_input(np.stack([view.image for view in some]))
            outputs.append([tf.cast(each, tf.float16).numpy() for each in tf.nest.flatten(compute(images))])
            boxes += [view.boxes for view in some]
            classes += [view.class_ids for view in some]
        with _sealed(self._truth(shard[0])) as stream:
            ends = np.cumsum([len(each) for each in boxes])
            np.savez(stream, ends=ends, boxes=np.concatenate(boxes), classes=np.concatenate(classes))
        for number, parts in enumerate(zip(*outputs, strict=True)):
            with _sealed(self._features(shard[0], number)) as stream:
                np.save(stream, np.concatenate(parts))

    def _is_intact(self, first: int, outputs: int) -> bool:
        """Return whether all files of a shard exist and are undamaged. A damaged shard is reported."""
        paths = [self._truth(first), *(self._features(first, number) for number in range(outputs))]
        if not all(path.exists() for path in paths):
            return False
        try:
            if not all(map(files.is_intact, paths)):
                raise ValueError("a checksum does not match")
            self._read(first).outputs(0)
        except (OSError, EOFError, TypeError, ValueError, zipfile.BadZipFile) as error:
            print(f"{paths[0]}: it or its features are damaged ({error}). Computing them again.", file=sys.stderr)
            return False
        return True

    def _read(self, first: int) -> "_Shard":
        paths = sorted(self.folder.glob(f"{first:08d}-features-*.npy"))
        with np.load(self._truth(first), allow_pickle=False) as truth:
            return _Shard(paths, **truth)

    def _features(self, first: int, number: int) -> pathlib.Path:
        return self.folder / f"{first:08d}-features-{number}.npy"

    def _truth(self, first: int) -> pathlib.Path:
        return self.folder / f"{first:08d}-truth.npz"


@contextlib.contextmanager
def _sealed(path: pathlib.Path) -> Iterator[IO[bytes]]:
    """Yield a stream to write a file, which gets a checksum at the end."""
    with files.replacing(path) as unfinished:
        with open(unfinished, "wb") as stream:
            yield stream
        files.seal(unfinished)


@dataclasses.dataclass(frozen=True)
class _Shard:
    """SHARD rows of features and labels.

    A file is mapped into memory only while a row is read, because mapped pages count as memory of the process.

    Attributes:
        features: The files of the features, one for each output of the frozen layers.
        ends: The boxes of row i end before index ends[i], (rows,).
        boxes: The boxes of all rows, (n, 4).
        classes: The class id of each box, (n,).
    """

    features: list[pathlib.Path]
    ends: np.ndarray
    boxes: np.ndarray
    classes: np.ndarray

    def outputs(self, row: int) -> list[np.ndarray]:
        return [np.load(path, mmap_mode="r", allow_pickle=False)[row] for path in self.features]

    def truth(self, row: int) -> tuple[np.ndarray, np.ndarray]:
        here = slice(self.ends[row - 1] if row else 0, self.ends[row])
        return self.boxes[here], self.classes[here]

"""The frozen part of a detector, computed once.

What frozen layers make of a photo never changes. So their output for some augmented views of each photo is computed
before training, kept on disk in half precision, and only the layers behind them, the tail, are run at each step.
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
SHARD = 128
"""So many views are in one pair of files. Making them takes seconds, and no more than that is lost when interrupted."""


def split(model: keras.Model, layer: str) -> tuple[keras.Model, keras.Model]:
    """Return the trunk, from the image to `layer`, and the tail, from what the trunk gives to the model's outputs.

    Both use the model's own layers: what the tail learns, the model has learnt. What the trunk gives is `layer`'s
    output and that of any layer before it which the tail needs too.
    """
    names = [each.name for each in model.layers]
    before, behind = model.layers[: names.index(layer) + 1], model.layers[names.index(layer) + 1 :]
    needed = {id(tensor) for each in behind for tensor in keras.tree.flatten(each.input)}
    crossing = [each.output for each in before if id(each.output) in needed]
    return keras.Model(model.input, crossing, name="trunk"), keras.Model(crossing, model.outputs, name="tail")


@dataclasses.dataclass(frozen=True)
class FeatureCache:
    """What the trunk makes of `views` augmented views of each training photo, in the files of a folder.

    Row v * len(samples) + i is view v of photo i: what `dataset.view` shows of it in epoch `first_epoch` + v.
    """

    folder: pathlib.Path
    samples: list[dataset.Sample]
    label_map: dict[int, str]
    views: int
    seed: int
    first_epoch: int = 0

    def fill(self, trunk: keras.Model) -> None:
        """Compute what is not there yet, or damaged, with a progress bar. Raises WriteError where the disk is full."""
        files.make_folder(self.folder)
        files.remove_unfinished(self.folder)
        rows = self.views * len(self.samples)
        shards = [range(first, min(first + SHARD, rows)) for first in range(0, rows, SHARD)]
        missing = [shard for shard in shards if not self._is_intact(shard[0], len(trunk.outputs))]
        compute = tf.function(folded_layers.fold(trunk, precision.policy()))
        views = batches.ahead((self._view(row) for shard in missing for row in shard), 2 * BATCH)
        done = rows - sum(map(len, missing))
        with contextlib.closing(views), tqdm(total=rows, initial=done, desc="frozen layers", unit="view") as bar:
            for shard in missing:
                self._write(shard, views, compute)
                bar.update(len(shard))

    def batches(self, size: int, start: int, stop: int) -> Iterator[tuple]:
        """Yield what `dataset.batches` yields, with the trunk's outputs, in half precision, instead of images."""
        shards = [self._read(first) for first in range(0, self.views * len(self.samples), SHARD)]
        return batches.ahead(self._batch(shards, step, size) for step in range(start, stop))

    def _batch(self, shards: list["_Shard"], step: int, size: int) -> tuple:
        rows = [
            (epoch - self.first_epoch) % self.views * len(self.samples) + index
            for epoch, index in batches.places(step, size, len(self.samples), self.seed)
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
        """Return whether all files of a shard are there as they were written. Where one is damaged, that is said."""
        paths = [self._truth(first), *(self._features(first, number) for number in range(outputs))]
        if not all(path.exists() for path in paths):
            return False
        try:
            if not all(map(files.is_intact, paths)):
                raise ValueError("its bytes are not those that were written")
            self._read(first).outputs(0)
        except (OSError, EOFError, TypeError, ValueError, zipfile.BadZipFile) as fault:
            print(f"{paths[0]}: it, or what is kept with it, is damaged ({fault}). Computing it anew.", file=sys.stderr)
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
    """Yield a stream to write a file with, which then gets a seal."""
    with files.replacing(path) as unfinished:
        with open(unfinished, "wb") as stream:
            yield stream
        files.seal(unfinished)


@dataclasses.dataclass(frozen=True)
class _Shard:
    """SHARD rows: files of the trunk's outputs, and the boxes of all rows, row i's behind ends[i - 1].

    A file is mapped into memory only while a row is read: what stays mapped counts as the process's own.
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

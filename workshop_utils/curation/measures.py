"""What a detector says about photos without labels: how unsure it is about each, and the features it computes.

Both come from one pass of the network. They are cached on disk as long as the process runs, for each photo and the
weights of the detector, so ordering the same photos again takes no time.
"""

import hashlib
import itertools
import pathlib
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from tqdm.auto import tqdm

from workshop_utils.core import disk_cache, settings
from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.curation import uncertainty
from workshop_utils.data import photos
from workshop_utils.model import detection, preprocessing
from workshop_utils.training import batches
from workshop_utils.training.fast import folded_layers

BATCH = 8
"""Number of photos that the network sees at once."""

LEAST_SCORE = 0.05
"""Boxes with a lower score hardly count: the network is sure that they show the background."""

_CACHE = disk_cache.DiskCache(settings.RUNS)


def measure(
    model: keras.Model, paths: Iterable[pathlib.Path], report: Callable[[str], None]
) -> dict[pathlib.Path, tuple[float, np.ndarray]]:
    """Return {photo: (uncertainty, features)} for each photo that can be read.

    The features are the last feature map of the backbone, averaged over its cells and scaled to length 1. None of them
    is negative.

    Args:
        model: The detector.
        paths: The photos.
        report: Called with a line about each photo that cannot be read.
    """
    paths, weights = list(dict.fromkeys(paths)), _digest(model)
    keys: dict[pathlib.Path, str] = {}
    for path in paths:
        try:
            found = path.stat()
        except OSError as error:
            report(f"Skipped: {path}: cannot be read ({error.strerror}).")
        else:
            keys[path] = f"{weights} {path.resolve()} {found.st_mtime_ns} {found.st_size}"
    missing = [path for path, key in keys.items() if key not in _CACHE]
    measured = dict(_computed(model, missing, report)) if missing else {}
    result = {}
    for path, key in keys.items():
        if path in measured or key in _CACHE:
            row = _CACHE.get(key, lambda path=path: measured[path].view(np.uint8)).view(np.float32)
            result[path] = float(row[0]), row[1:]
    return result


def _computed(
    model: keras.Model, paths: list[pathlib.Path], report: Callable[[str], None]
) -> Iterator[tuple[pathlib.Path, np.ndarray]]:
    """Yield each photo that can be read, and its uncertainty followed by its features, float32."""
    network = folded_layers.fold(keras.Model(model.input, [*model.outputs, _pooled(model)]))

    @tf.function(reduce_retracing=True)
    def run(images):
        encodings, logits, features = network(images, training=False)
        return *detection.decode(encodings, logits), tf.math.l2_normalize(features, axis=-1)

    views = batches.prefetch(((path, _view(path, report)) for path in paths), 2 * BATCH)
    readable = (pair for pair in tqdm(views, "look at photos", len(paths), unit="photo", delay=1, leave=False)
                if pair[1] is not None)  # fmt: skip
    while some := list(itertools.islice(readable, BATCH)):
        boxes, scores, features = run(preprocessing.to_input(np.stack([view for _, view in some])))
        found = detection.select(boxes, scores, LEAST_SCORE)
        for (path, _), row, *detections in zip(some, features.numpy(), *found, strict=True):
            yield path, np.concatenate([[uncertainty.of_photo(*detections)], row]).astype(np.float32)


def _view(path: pathlib.Path, report: Callable[[str], None]) -> np.ndarray | None:
    """Return a photo as the network sees it; None if it cannot be read, which is reported."""
    try:
        return preprocessing.resize(photos.shrink(photos.read(path)))
    except photos.PhotoError as error:
        report(f"Skipped: {error}")
        return None


def _pooled(model: keras.Model) -> tf.Tensor:
    """Return the mean of the backbone's last feature map, from which the first extra layer computes."""
    first = next(layer for layer in model.layers if layer.name.startswith("extra_"))
    return keras.layers.GlobalAveragePooling2D(name="pooled")(first.input)


def _digest(model: keras.Model) -> str:
    """Return hex digits that change with any weight."""
    digest = hashlib.sha256()
    for array in model.get_weights():
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()

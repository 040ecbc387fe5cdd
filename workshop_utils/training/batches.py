"""Training batches: which photos, which augmented view of each, and the targets the network should learn.

A batch depends only on the data, the step and the seed, so interrupted training continues exactly where it stopped, and
several machines can each compute their part of a batch.
"""

import collections
import concurrent.futures
import functools
from collections.abc import Iterator

import numpy as np

from workshop_utils.data import dataset
from workshop_utils.model import anchors, preprocessing
from workshop_utils.training import augmentation


def epochs_and_indices(step: int, size: int, count: int, seed: int) -> list[tuple[int, int]]:
    """Return (epoch, which of `count` photos) for each photo of training batch number `step`.

    In every epoch each photo comes once, in an order drawn for that epoch.
    """
    return [
        (epoch, int(_order(seed, epoch, count)[index]))
        for epoch, index in (divmod(place, count) for place in range(step * size, (step + 1) * size))
    ]


@functools.lru_cache(maxsize=2)  # a batch may lie in two epochs
def _order(seed: int, epoch: int, count: int) -> np.ndarray:
    """Return the order in which `count` photos come in an epoch."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def view(
    samples: list[dataset.Sample], mapping: dict[int, str], epoch: int, index: int, seed: int
) -> augmentation.View:
    """Return the augmented view that is seen of samples[index] in an epoch."""
    sample, rng = samples[index], np.random.default_rng([seed, epoch, index])
    return augmentation.random_view(sample.image, sample.boxes, dataset.class_ids(sample, mapping), rng)


def batch(
    samples: list[dataset.Sample],
    mapping: dict[int, str],
    step: int,
    size: int,
    seed: int,
    part: slice = slice(None),
    repeat: tuple[int, int] | None = None,
) -> tuple[np.ndarray, ...]:
    """Return training batch number `step`. It depends on nothing but these arguments.

    Args:
        samples: The training photos.
        mapping: Their label map.
        step: Which batch, counted from 0.
        size: Photos in a batch.
        seed: Decides the order of the photos and how each is augmented.
        part: Which photos of the batch to read and return.
        repeat: (first epoch, count): from that epoch on, the views of `count` epochs are shown again and again. None
            shows a new view in every epoch.

    Returns:
        Images (size, 300, 300, 3) in [-1, 1], box encodings (size, 1917, 4) and class ids (size, 1917).
    """
    shown = epochs_and_indices(step, size, len(samples), seed)[part]
    if repeat:
        first, count = repeat
        shown = [(first + (epoch - first) % count, index) for epoch, index in shown]
    views = [view(samples, mapping, *place, seed) for place in shown]
    targets = [anchors.targets(each.boxes, each.class_ids) for each in views]
    images = preprocessing.to_input(np.stack([each.image for each in views]))
    return images, *map(np.stack, zip(*targets, strict=True))


def batches(
    samples: list[dataset.Sample],
    mapping: dict[int, str],
    size: int,
    seed: int,
    start: int,
    stop: int,
    part: slice = slice(None),
    repeat: tuple[int, int] | None = None,
) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield the training batches `start` to `stop`, prepared in another thread while the network works.

    The other arguments are those of `batch`.
    """
    return prefetch(batch(samples, mapping, step, size, seed, part, repeat) for step in range(start, stop))


def prefetch(items: Iterator, count: int = 2) -> Iterator:
    """Yield the items, computed in another thread, at most `count` of them in advance."""
    nothing = object()
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        waiting = collections.deque(thread.submit(next, items, nothing) for _ in range(count))
        while (item := waiting.popleft().result()) is not nothing:
            waiting.append(thread.submit(next, items, nothing))
            yield item

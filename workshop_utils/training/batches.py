"""Training batches: which photos, which augmented view of each, and the targets the network should learn.

A batch depends only on the data, the step and the seed. So interrupted training resumes exactly where it stopped, and
several machines can each compute their part of a batch.
"""

import collections
import concurrent.futures
import functools
from collections.abc import Generator, Iterator

import numpy as np

from workshop_utils.data import dataset
from workshop_utils.model import anchors, preprocessing
from workshop_utils.training import augmentation


def epochs_and_indices(step: int, size: int, count: int, seed: int) -> list[tuple[int, int]]:
    """Return (epoch, photo index) for each photo of batch number `step`.

    Every epoch contains each photo once, in its own random order.

    Args:
        step: The batch, counted from 0.
        size: Photos per batch.
        count: Number of training photos.
        seed: Determines the order in each epoch.
    """
    return [
        (epoch, int(_order(seed, epoch, count)[index]))
        for epoch, index in (divmod(position, count) for position in range(step * size, (step + 1) * size))
    ]


@functools.lru_cache(maxsize=2)  # a batch may span two epochs
def _order(seed: int, epoch: int, count: int) -> np.ndarray:
    """Return the order of `count` photos in an epoch."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def view(
    samples: list[dataset.Sample], mapping: dict[int, str], epoch: int, index: int, seed: int
) -> augmentation.View:
    """Return the augmented view of `samples[index]` in an epoch; the same arguments give the same view."""
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
    """Return training batch number `step`. It depends only on these arguments.

    Args:
        samples: The training photos.
        mapping: Their label map.
        step: The batch, counted from 0.
        size: Photos per batch.
        seed: Determines the order of the photos and how each is augmented.
        part: Which photos of the batch to read and return.
        repeat: (first epoch, count): from that epoch on, the views of `count` epochs are repeated in turn. If None,
            every epoch has new views.

    Returns:
        Images (size, 300, 300, 3) in [-1, 1], box encodings (size, 1917, 4) and class ids (size, 1917).
    """
    shown = epochs_and_indices(step, size, len(samples), seed)[part]
    if repeat:
        first, count = repeat
        shown = [(first + (epoch - first) % count, index) for epoch, index in shown]
    views = [view(samples, mapping, epoch, index, seed) for epoch, index in shown]
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
    """Yield the batches from `start` up to, but not including, `stop`, prepared in a background thread.

    The other arguments are those of `batch`.
    """
    return prefetch(batch(samples, mapping, step, size, seed, part, repeat) for step in range(start, stop))


def prefetch(items: Iterator, count: int = 2) -> Generator:
    """Yield the items, computed in a background thread at most `count` items ahead."""
    nothing = object()
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        waiting = collections.deque(thread.submit(next, items, nothing) for _ in range(count))
        while (item := waiting.popleft().result()) is not nothing:
            waiting.append(thread.submit(next, items, nothing))
            yield item

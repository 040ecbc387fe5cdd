"""How much memory training will take: estimated, and compared with what is free, before the first step."""

import math

import psutil

from workshop_utils.core import machine
from workshop_utils.core.tensorflow import keras
from workshop_utils.training.plan import Plan

BASE = 0.95e9
"""Bytes that training takes whatever the batch size: TensorFlow, the network and the photos."""

BYTES_PER_OUTPUT = 2.2
"""Bytes for each number that a layer computes, if it learns. Both are fitted to the peaks of six runs in float32, from
1.3 to 2.4 GB, with batches of 8 to 24 photos and between 9 and 42 million such numbers for each photo. The estimate is
at most 13% from each of these peaks; bfloat16 takes less."""


def estimate(plan: Plan, model: keras.Model) -> float:
    """Return the peak memory of the process that trains `model` by `plan`, in bytes.

    Nearly all of it that grows with the batch is the outputs of the layers that learn: their gradients need them.
    """
    names = [layer.name for layer in model.layers]
    frozen = plan.freezing.train_from if plan.freezing and not plan.freezing.thaw else ""
    learning = model.layers[names.index(frozen) + 1 :] if frozen in names else model.layers
    outputs = sum(math.prod(layer.output.shape[1:]) for layer in learning)
    return BASE + BYTES_PER_OUTPUT * outputs * plan.recipe.batch_size


def warn(plan: Plan, model: keras.Model) -> None:
    """Print a line if training will probably need more memory than this process can get."""
    needed = estimate(plan, model)
    available = machine.free_memory() + psutil.Process().memory_info().rss
    if needed > available:
        print(
            f"Training in batches of {plan.recipe.batch_size} photos takes about {needed / 1e9:.1f} GB of memory, but "
            f"only {available / 1e9:.1f} GB is available, so the system may end it. Close other programs and "
            "notebooks, or take smaller batches (--set batch_size=...).",
            flush=True,
        )

"""Measure the seconds of one step of the workshop's full fine-tuning, on a batch that is already computed.

    python benchmarks/step.py STEPS [LAYER]

With LAYER, only the layers after it train. Prints one line of JSON, with this machine's matrix-product rate in GFLOP/s.
"""

import json
import statistics
import sys
import time

from workshop_utils.core import settings
from workshop_utils.core.tensorflow import tf
from workshop_utils.data import dataset
from workshop_utils.training import batches, strategies, train_step
from workshop_utils.training.fast import feature_cache, folded_layers

SIDE = 2048


def gflop_per_second(dtype: str = "float32") -> float:
    """Return the rate of a large matrix product, the best that a convolution can reach."""
    first, second = (tf.cast(tf.random.normal((SIDE, SIDE)), dtype) for _ in range(2))
    multiply = tf.function(tf.matmul)
    return 2 * SIDE**3 / 1e9 / median_seconds(lambda: multiply(first, second).numpy(), 10)


def median_seconds(call, times: int) -> float:
    seconds = []
    for _ in range(times + 3):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[3:])


def prepared(layer: str, policy: str = "float32"):
    """Return a function that does one training step, the model of the layers that learn, and the batch size.

    The layers after `layer` learn; with "" all layers do.
    """
    recipe, data = settings.recipe("seed"), dataset.load(settings.YOGHURT)
    images, *targets = batches.batch(data.split()[0], data.label_map, 0, recipe.batch_size, recipe.seed)
    learner = strategies.get("fine_tune").start(data.label_map).model
    if layer:
        frozen, learner = feature_cache.split(learner, layer)
        images = tf.nest.flatten(frozen(images))
    step = train_step.make_step(
        folded_layers.fold(learner, policy), train_step.make_optimizer(recipe), batch_norm_learns=False
    )
    return lambda: [float(loss) for loss in step(images, *targets)], learner, recipe.batch_size


def main() -> None:
    call, _, _ = prepared(sys.argv[2] if len(sys.argv) > 2 else "")
    print(json.dumps({"step": median_seconds(call, int(sys.argv[1])), "gflop_per_second": gflop_per_second()}))


if __name__ == "__main__":
    main()

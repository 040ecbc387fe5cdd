"""The seconds of one training step of the workshop's full fine-tuning, on a batch that is at hand.

    python benchmarks/step.py STEPS [LAYER]

With LAYER, the step of what is behind it. Prints one line of JSON, with this machine's matrix-product rate in GFLOP/s.
"""

import json
import statistics
import sys
import time

from workshop_utils import dataset, folding, settings, strategies, training, trunk
from workshop_utils.quiet import tf

SIDE = 2048


def gflop_per_second() -> float:
    """The rate of a large float32 matrix product: what a convolution can reach at best."""
    first, second = tf.random.normal((SIDE, SIDE)), tf.random.normal((SIDE, SIDE))
    multiply = tf.function(tf.matmul)
    return 2 * SIDE**3 / 1e9 / median_seconds(lambda: multiply(first, second).numpy(), 10)


def median_seconds(call, times: int) -> float:
    seconds = []
    for _ in range(times + 3):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[3:])


def main() -> None:
    recipe, data = settings.recipe("seed"), dataset.load(settings.YOGHURT)
    images, *targets = dataset.batch(data.split()[0], data.label_map, 0, recipe.batch_size, recipe.seed)
    strategy = strategies.fine_tune(data.label_map, "")
    if len(sys.argv) > 2:
        frozen, learner = trunk.split(strategy.model, sys.argv[2])
        images = tf.nest.flatten(frozen(images))
    else:
        learner = strategy.model
    learner, optimizer = folding.fold(learner), training.make_optimizer(recipe)
    step = training.make_step(learner, optimizer, batch_norm_learns=False)
    seconds = median_seconds(lambda: [float(loss) for loss in step(images, *targets)], int(sys.argv[1]))
    print(json.dumps({"step": seconds, "gflop_per_second": gflop_per_second()}))


if __name__ == "__main__":
    main()

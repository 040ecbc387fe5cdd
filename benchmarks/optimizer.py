"""Compare `training.fast.optimizer` with Keras's optimizer: the milliseconds to update the weights.

    python benchmarks/optimizer.py

Updates the weights that fine-tuning trains after freezing. Prints one line of JSON.
"""

import json

from step import median_seconds

from workshop_utils.core import settings
from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.data import label_map
from workshop_utils.training import strategies, train_step


def milliseconds(optimizer, weights) -> float:
    """Return the median of many updates, with gradients from the same graph, as in training."""
    optimizer.build(weights)
    gradients = [tf.Variable(1e-3 * tf.random.normal(weight.shape)) for weight in weights]
    update = tf.function(lambda: optimizer.apply_gradients(zip(map(tf.identity, gradients), weights, strict=True)))
    return 1000 * median_seconds(lambda: (update(), optimizer.iterations.numpy()), 50)


def main() -> None:
    classes = label_map.number(["blueberry", "natural", "peach", "strawberry", "vanilla"])
    weights = strategies.get("fine_tune").start(classes).model.trainable_variables
    ours = train_step.make_optimizer(settings.recipe("seed"))
    theirs = keras.optimizers.SGD.from_config(ours.get_config())
    print(json.dumps({"keras": milliseconds(theirs, weights), "ours": milliseconds(ours, weights)}))


if __name__ == "__main__":
    main()

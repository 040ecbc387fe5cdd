import numpy as np
import pytest

from workshop_utils.core import settings
from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.training import train_step
from workshop_utils.training.fast.optimizer import Momentum

SHAPES = ((3, 4), (7,), (2, 2, 3, 1))


def trained(optimizer, gradients) -> list[np.ndarray]:
    """Return some weights and the optimizer's state after a step for each of the lists of gradients."""
    weights = [keras.Variable(np.full(shape, 0.5, np.float32), name=f"w{len(shape)}") for shape in SHAPES]
    optimizer.build(weights)
    step = tf.function(lambda *given: optimizer.apply_gradients(zip(given, weights, strict=True)))
    for each in gradients:
        step(*each)
    return [np.asarray(variable) for variable in (*weights, *optimizer.variables)]


@pytest.mark.parametrize("size", [0.01, 100.0], ids=["small", "clipped"])
def test_five_steps_lead_to_the_weights_and_state_of_keras(size):
    rng = np.random.default_rng(0)
    gradients = [[tf.constant(size * rng.normal(size=shape), tf.float32) for shape in SHAPES] for _ in range(5)]
    ours = train_step.make_optimizer(settings.recipe("seed", steps=10, warmup=2))
    theirs = keras.optimizers.SGD.from_config(ours.get_config())
    assert (type(ours), type(theirs)) == (Momentum, keras.optimizers.SGD)
    for mine, other in zip(trained(ours, gradients), trained(theirs, gradients), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-8)


def test_weights_without_a_gradient_stay():
    frozen, learning = keras.Variable([1.0], name="frozen"), keras.Variable([1.0], name="learning")
    optimizer = train_step.make_optimizer(settings.recipe("seed"))
    optimizer.build([frozen, learning])
    optimizer.apply_gradients([(tf.constant([1.0]), learning)])
    assert (float(frozen.value[0]), int(optimizer.iterations)) == (1.0, 1)
    assert float(learning.value[0]) < 1.0

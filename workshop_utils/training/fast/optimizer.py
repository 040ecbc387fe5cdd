"""SGD with momentum, as in Keras but with fewer operations on each weight.

There are millions of weights, so on a CPU each operation on all of them takes time. Keras clips, multiplies, adds and
assigns separately. Here clipping is a factor of the learning rate, and TensorFlow's operation for Keras momentum does
the rest (`benchmarks/optimizer.py` times both).
"""

from collections.abc import Iterable, Sequence
from typing import Any

from workshop_utils.core.tensorflow import keras, tf


class Momentum(keras.optimizers.SGD):
    """`keras.optimizers.SGD` with `momentum` and `global_clipnorm`: the same state, schedule and weights.

    If the norm of all gradients together exceeds `global_clipnorm`, they are scaled down to it (Pascanu et al. 2013,
    arXiv 1211.5063, algorithm 1).
    """

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Create a velocity for each weight."""
        super().build(variables)
        self.velocities = {weight.path: velocity for weight, velocity in zip(variables, self.momentums, strict=True)}

    def apply_gradients(self, grads_and_vars: Iterable[tuple[tf.Tensor, keras.Variable]]) -> None:
        """Update the weights.

        Args:
            grads_and_vars: (gradient, weight) pairs; `build` must have been called with these weights, among others.
        """
        gradients, weights = zip(*grads_and_vars, strict=True)
        if not self.built:
            self.build(weights)
        rate = self.learning_rate * tf.minimum(1.0, self.global_clipnorm / tf.linalg.global_norm(gradients))
        for gradient, weight in zip(gradients, weights, strict=True):
            tf.raw_ops.ResourceApplyKerasMomentum(
                var=weight.value.handle,
                accum=self.velocities[weight.path].value.handle,
                lr=rate,
                grad=gradient,
                momentum=self.momentum,
            )
        iterations: Any = self.iterations
        iterations.assign_add(1)

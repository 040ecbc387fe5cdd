"""SGD with momentum as Keras computes it, with fewer passes over the weights.

There are millions of weights, and on a CPU each pass over them takes its time. Keras clips the gradients, multiplies,
adds and assigns in operations of their own. Here clipping is a factor of the rate, and TensorFlow's own operation for
Keras's momentum does the rest (`benchmarks/optimizer.py` times both).
"""

from collections.abc import Iterable, Sequence

from workshop_utils.core.tensorflow import keras, tf


class Momentum(keras.optimizers.SGD):
    """What `keras.optimizers.SGD` with `momentum` and `global_clipnorm` is: the same state, schedule and weights.

    Of the norm of all gradients together, what is above `global_clipnorm` is scaled away (Pascanu et al. 2013, arXiv
    1211.5063, algorithm 1).
    """

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Make a velocity for each of the weights."""
        super().build(variables)
        self.velocities = {weight.path: velocity for weight, velocity in zip(variables, self.momentums, strict=True)}

    def apply_gradients(self, grads_and_vars: Iterable[tuple[tf.Tensor, keras.Variable]]) -> None:
        """Change weights by their gradients: pairs of (gradient, weight), each weight one that `build` was given."""
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
        self.iterations.assign_add(1)

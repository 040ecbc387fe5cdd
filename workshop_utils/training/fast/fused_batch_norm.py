"""Train networks whose batch norm learns in less time and memory: the same function of the same weights.

Keras computes the statistics of a batch in several operations on the whole array; TensorFlow has one fused operation.
And the outputs of the early layers, the largest arrays, are not kept for the gradients but recomputed (Chen et al.
2016, arXiv 1604.06174).
"""

from typing import Any

from workshop_utils.core.tensorflow import keras, tf

layers = keras.layers


class FusedBatchNorm(layers.Layer):
    """A BatchNormalization layer in training mode, computed in one operation.

    Args:
        norm: The layer, whose weights are used.
        updates: Whether a call updates the moving averages.
    """

    def __init__(self, norm: layers.BatchNormalization, updates: bool):
        super().__init__(name=f"{norm.name}_fused", autocast=False)
        self.norm, self.updates = norm, updates

    def call(self, features: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Return the normalised features, of the same shape."""
        norm: Any = self.norm
        gamma, beta = (tf.convert_to_tensor(weight) for weight in (norm.gamma, norm.beta))
        normalised, mean, variance = tf.compat.v1.nn.fused_batch_norm(features, gamma, beta, epsilon=norm.epsilon)
        if self.updates:
            count = tf.cast(tf.size(features) // tf.size(mean), tf.float32)
            for average, measured in (
                (norm.moving_mean, mean),
                (norm.moving_variance, variance * (count - 1) / count),  # biased, as in Keras
            ):
                average.assign(norm.momentum * average + (1 - norm.momentum) * measured)
        return normalised


class Recomputed(layers.Layer):
    """A model with one input and one output, whose intermediate outputs are recomputed for the gradients."""

    def __init__(self, part: keras.Model):
        super().__init__(name=f"{part.name}_recomputed", autocast=False)
        self.forward, self.recompute = _fused(part, updates=True), _fused(part, updates=False)

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Return the model's output. Only the first computation updates the moving averages."""

        @tf.custom_gradient
        def compute(features):
            def gradient(upstream, variables=()):
                with tf.control_dependencies([upstream]), tf.GradientTape() as tape:
                    inputs = tf.identity(features)
                    tape.watch(inputs)
                    output = self.recompute(inputs, training=True)
                of_features, *of_weights = tape.gradient(output, [inputs, *variables], upstream)
                return of_features, of_weights

            return self.forward(features, training=True), gradient

        return compute(features)


def fuse(model: keras.Model, recomputed_up_to: str) -> keras.Model:
    """Return a model with the same weights that computes what `model` computes in training mode.

    Args:
        model: The model.
        recomputed_up_to: The name of the last layer whose outputs are recomputed instead of kept.
    """
    boundary = model.get_layer(recomputed_up_to).output
    early = keras.Model(model.input, boundary, name="early")
    late = _fused(keras.Model(boundary, model.outputs, name="late"), updates=True)
    image = keras.Input(model.input_shape[1:])
    return keras.Model(image, late(Recomputed(early)(image)))


def _fused(model: keras.Model, updates: bool) -> keras.Model:
    def replace(layer):
        if isinstance(layer, layers.BatchNormalization):
            return FusedBatchNorm(layer, updates)
        return layer if layer.weights else type(layer).from_config(layer.get_config())

    return keras.models.clone_model(model, clone_function=replace)

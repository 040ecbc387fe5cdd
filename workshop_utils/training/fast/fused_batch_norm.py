"""Networks whose batch norm learns, in less time and memory: the same function of the same weights.

Two things cost most. Keras computes the statistics of a batch in several operations that each pass over the whole
array; TensorFlow has one operation for all of them. And the outputs of the early layers, the largest arrays of all, are
computed again for the gradients instead of being kept (Chen et al. 2016, arXiv 1604.06174: trade computation for
memory).
"""

from workshop_utils.core.tensorflow import keras, tf

layers = keras.layers


class FusedBatchNorm(layers.Layer):
    """What a BatchNormalization layer computes in training, in one operation, on that layer's weights.

    Args:
        norm: The layer.
        updates: Whether a call updates the running averages.
    """

    def __init__(self, norm: layers.BatchNormalization, updates: bool):
        super().__init__(name=f"{norm.name}_fused", autocast=False)
        self.norm, self.updates = norm, updates

    def call(self, features: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
        """Return the normalised features, of the same shape."""
        norm = self.norm
        gamma, beta = (tf.convert_to_tensor(weight) for weight in (norm.gamma, norm.beta))
        normalised, mean, variance = tf.compat.v1.nn.fused_batch_norm(features, gamma, beta, epsilon=norm.epsilon)
        if self.updates:
            count = tf.cast(tf.size(features) // tf.size(mean), tf.float32)
            for average, measured in (
                (norm.moving_mean, mean),
                (norm.moving_variance, variance * (count - 1) / count),  # Keras's is that of these values, not of all
            ):
                average.assign(norm.momentum * average + (1 - norm.momentum) * measured)
        return normalised


class Recomputed(layers.Layer):
    """What a model with one input and one output computes; its layers' outputs are computed again for the gradients."""

    def __init__(self, part: keras.Model):
        super().__init__(name=f"{part.name}_recomputed", autocast=False)
        self.first, self.again = _fused(part, updates=True), _fused(part, updates=False)

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Return the model's output. Only the first computation updates the running averages."""

        @tf.custom_gradient
        def compute(features):
            def gradient(upstream, variables=()):
                with tf.control_dependencies([upstream]), tf.GradientTape() as tape:
                    features_again = tf.identity(features)
                    tape.watch(features_again)
                    output = self.again(features_again, training=True)
                of_features, *of_weights = tape.gradient(output, [features_again, *variables], upstream)
                return of_features, of_weights

            return self.first(features, training=True), gradient

        return compute(features)


def fuse(model: keras.Model, recomputed_up_to: str) -> keras.Model:
    """Return a model on the same weights that computes what `model` computes in training.

    The outputs of the layers up to the one called `recomputed_up_to` are computed twice instead of being kept.
    """
    border = model.get_layer(recomputed_up_to).output
    early = keras.Model(model.input, border, name="early")
    late = _fused(keras.Model(border, model.outputs, name="late"), updates=True)
    image = keras.Input(model.input_shape[1:])
    return keras.Model(image, late(Recomputed(early)(image)))


def _fused(model: keras.Model, updates: bool) -> keras.Model:
    def replace(layer):
        if isinstance(layer, layers.BatchNormalization):
            return FusedBatchNorm(layer, updates)
        return layer if layer.weights else type(layer).from_config(layer.get_config())

    return keras.models.clone_model(model, clone_function=replace)

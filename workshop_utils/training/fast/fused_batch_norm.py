"""A network whose batch norm learns, in less time and memory: the same function of the same weights.

Two things cost most. Keras computes the statistics of a batch in several operations that each pass over the whole
array; TensorFlow has one operation for all of them. And of the early layers' output, the largest arrays of all, what is
needed for their gradients is not kept but computed again (Chen et al. 2016, arXiv 1604.06174, on trading computation
for memory).
"""

from workshop_utils.core.tensorflow import keras, tf

layers = keras.layers

RECOMPUTED = "block_2_add"
"""Up to here the output of layers is computed twice: the arrays are the largest there, and the kernels are small."""


class FusedBatchNorm(layers.Layer):
    """What `norm`, a BatchNormalization, computes in training, in one operation. The weights are its own.

    `measures` says whether a call moves the running averages; what is computed a second time must not.
    """

    def __init__(self, norm: layers.BatchNormalization):
        super().__init__(name=f"{norm.name}_fused", autocast=False)
        self.norm, self.measures = norm, True

    def call(self, features, mask=None):
        norm = self.norm
        gamma, beta = (tf.convert_to_tensor(weight) for weight in (norm.gamma, norm.beta))
        normalised, mean, variance = tf.compat.v1.nn.fused_batch_norm(features, gamma, beta, epsilon=norm.epsilon)
        if self.measures:
            count = tf.cast(tf.size(features) // tf.size(mean), tf.float32)
            for average, measured in (
                (norm.moving_mean, mean),
                (norm.moving_variance, variance * (count - 1) / count),  # Keras's is that of these values, not of all
            ):
                average.assign(norm.momentum * average + (1 - norm.momentum) * measured)
        return normalised


class Recomputed(layers.Layer):
    """What `part`, a model with one input and one output, computes; for its gradients it is computed once more."""

    def __init__(self, part: keras.Model):
        super().__init__(name=f"{part.name}_recomputed", autocast=False)
        self.part = part

    def call(self, features):
        norms = [layer for layer in self.part.layers if isinstance(layer, FusedBatchNorm)]
        times = []

        def compute(features):
            for norm in norms:
                norm.measures = not times
            times.append(features)
            return self.part(features, training=True)

        return tf.recompute_grad(compute)(features)


def lean(model: keras.Model) -> keras.Model:
    """Return a model on the same weights that computes what `model` computes in training."""
    border = model.get_layer(RECOMPUTED).output
    early = _fused(keras.Model(model.input, border, name="early"))
    late = _fused(keras.Model(border, model.outputs, name="late"))
    image = keras.Input(model.input_shape[1:])
    return keras.Model(image, late(Recomputed(early)(image)))


def _fused(model: keras.Model) -> keras.Model:
    def replace(layer):
        if isinstance(layer, layers.BatchNormalization):
            return FusedBatchNorm(layer)
        return layer if layer.weights else type(layer).from_config(layer.get_config())

    return keras.models.clone_model(model, clone_function=replace)

"""Fold batch norm into the convolution before it: the same function with fewer intermediate arrays.

With fixed statistics, batch norm multiplies each channel by a number and adds another. A convolution with a scaled
kernel and a bias does both (Jacob et al. 2018, arXiv 1712.05877, section 3.2). Here the kernel is scaled at each call,
so both layers can still be trained, with the same gradients.
"""

from typing import Any

from workshop_utils.core.tensorflow import keras, tf

layers = keras.layers


class FoldedConvolution(layers.Layer):
    """A convolution followed by a batch norm in inference mode, computed as one convolution.

    Args:
        convolution: The Conv2D or DepthwiseConv2D layer; its weights are used.
        batch_norm: The batch norm after it, whose weights are used, or None if there is none.
        precision: A Keras dtype policy.
    """

    def __init__(self, convolution: layers.Layer, batch_norm: layers.BatchNormalization | None, precision: str):
        super().__init__(name=f"{convolution.name}_folded", autocast=False)
        self.convolution, self.batch_norm = convolution, batch_norm
        self.precision = keras.DTypePolicy(precision).compute_dtype
        self.depthwise = isinstance(convolution, layers.DepthwiseConv2D)

    def call(self, features: tf.Tensor) -> tf.Tensor:
        """Return the output of the two layers for features (N, height, width, channels)."""
        kernel, bias = self._kernel_and_bias()
        features, kernel, bias = (tf.cast(each, self.precision) for each in (features, kernel, bias))
        convolve = depthwise if self.depthwise else tf.nn.conv2d
        strides, padding = self.convolution.strides, self.convolution.padding.upper()
        return tf.nn.bias_add(convolve(features, kernel, strides, padding), bias)

    def _kernel_and_bias(self) -> tuple[tf.Tensor, tf.Tensor]:
        convolution: Any = self.convolution
        norm: Any = self.batch_norm
        kernel = tf.convert_to_tensor(convolution.kernel)
        bias = tf.convert_to_tensor(convolution.bias) if convolution.use_bias else 0.0
        if norm is None:
            return kernel, bias
        scale = tf.convert_to_tensor(norm.gamma) * tf.math.rsqrt(norm.moving_variance + norm.epsilon)
        per_channel = scale[:, None] if self.depthwise else scale
        return kernel * per_channel, norm.beta + (bias - norm.moving_mean) * scale


def depthwise(features: tf.Tensor, kernel: tf.Tensor, strides: tuple[int, int], padding: str) -> tf.Tensor:
    """Return `tf.nn.depthwise_conv2d` of the arguments.

    If strided, the gradient of `features` is computed in float32, because on a CPU bfloat16 takes many times as long
    (`benchmarks/strided_gradient.py`).

    Args:
        features: (N, height, width, channels).
        kernel: (height, width, channels, 1).
        strides: Vertical and horizontal stride.
        padding: "SAME" or "VALID".
    """
    if max(strides) == 1:
        return tf.nn.depthwise_conv2d(features, kernel, [1, 1, 1, 1], padding)
    all_strides = [1, *strides, 1]

    @tf.custom_gradient
    def convolve(features, kernel):
        def gradient(upstream):
            in_float32 = (tf.cast(each, tf.float32) for each in (kernel, upstream))
            of_features = tf.nn.depthwise_conv2d_backprop_input(tf.shape(features), *in_float32, all_strides, padding)
            of_kernel = tf.nn.depthwise_conv2d_backprop_filter(features, kernel.shape, upstream, all_strides, padding)
            return tf.cast(of_features, features.dtype), of_kernel

        return tf.nn.depthwise_conv2d(features, kernel, all_strides, padding), gradient

    return convolve(features, kernel)


def fold(model: keras.Model, precision: str = "float32") -> keras.Model:
    """Return a model with the same weights that computes what `model` computes in inference mode.

    A batch norm that does not follow a convolution of the model is not folded.

    Args:
        model: The model.
        precision: A Keras dtype policy. With `mixed_bfloat16` the weights are float32, and everything else bfloat16.
    """
    source = {id(layer.output): layer for layer in model.layers}
    norms = {}
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization) and (convolution := source.get(id(layer.input))):
            norms[convolution.name] = layer
    folded = {norm.name for norm in norms.values()}

    def replace(layer):
        if isinstance(layer, (layers.Conv2D, layers.DepthwiseConv2D)) and (layer.name in norms or layer.use_bias):
            return FoldedConvolution(layer, norms.get(layer.name), precision)
        return layer if layer.weights else type(layer).from_config(layer.get_config() | {"dtype": precision})

    def call(layer, *inputs, **settings):
        return inputs[0] if layer.name in folded else layer(*inputs, **settings)

    return keras.models.clone_model(model, clone_function=replace, call_function=call)

"""Measure the input gradient of strided depthwise convolutions on a CPU: why `folded_layers` computes it in float32.

    python benchmarks/strided_gradient.py

Measures the three such layers of MobileNetV2's backbone after its first blocks, with 8 photos. Prints one line of JSON:
the median milliseconds of the gradient and of the convolution, by layer and precision.
"""

import json

from step import median_seconds

from workshop_utils.core.tensorflow import tf

LAYERS = {"block_3": (77, 144), "block_6": (39, 192), "block_13": (21, 576)}
"""Side and channels of the layer's input, with padding."""

BATCH, STRIDES = 8, [1, 2, 2, 1]


def milliseconds(side: int, channels: int, dtype: str) -> dict[str, float]:
    shape = (BATCH, side, side, channels)
    kernel = tf.cast(tf.random.normal((3, 3, channels, 1)), dtype)
    convolve = tf.function(lambda batch: tf.nn.depthwise_conv2d(batch, kernel, STRIDES, "VALID"))
    gradient = tf.function(lambda back: tf.nn.depthwise_conv2d_backprop_input(shape, kernel, back, STRIDES, "VALID"))
    inputs = tf.cast(tf.random.normal(shape), dtype)
    convolved = convolve(inputs)
    calls = {"convolution": lambda: convolve(inputs), "gradient": lambda: gradient(convolved)}
    return {name: 1000 * median_seconds(call, 20) for name, call in calls.items()}


def main() -> None:
    dtypes = ("float32", "bfloat16")
    print(json.dumps({name: {dtype: milliseconds(*size, dtype) for dtype in dtypes} for name, size in LAYERS.items()}))


if __name__ == "__main__":
    main()

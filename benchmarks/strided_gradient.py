"""Why `folded_layers` computes strided depthwise convolutions in float32: what their input's gradient costs on a CPU.

    python benchmarks/strided_gradient.py

The three such layers of MobileNetV2's backbone behind its first blocks, with 8 photos. Prints one line of JSON: by
layer and precision the median milliseconds of the gradient, and those of the convolution itself.
"""

import json

from step import median_seconds

from workshop_utils.core.tensorflow import tf

LAYERS = {"block_3": (77, 144), "block_6": (39, 192), "block_13": (21, 576)}
"""Side and channels of what the layer is given, padding included."""

BATCH, STRIDES = 8, [1, 2, 2, 1]


def milliseconds(side: int, channels: int, dtype: str) -> dict[str, float]:
    shape = (BATCH, side, side, channels)
    kernel = tf.cast(tf.random.normal((3, 3, channels, 1)), dtype)
    convolve = tf.function(lambda given: tf.nn.depthwise_conv2d(given, kernel, STRIDES, "VALID"))
    gradient = tf.function(lambda given: tf.nn.depthwise_conv2d_backprop_input(shape, kernel, given, STRIDES, "VALID"))
    given = tf.cast(tf.random.normal(shape), dtype)
    convolved = convolve(given)
    calls = {"convolution": lambda: convolve(given), "gradient": lambda: gradient(convolved)}
    return {name: 1000 * median_seconds(call, 20) for name, call in calls.items()}


def main() -> None:
    dtypes = ("float32", "bfloat16")
    print(json.dumps({name: {dtype: milliseconds(*size, dtype) for dtype in dtypes} for name, size in LAYERS.items()}))


if __name__ == "__main__":
    main()

"""SSD MobileNet v1 of the Object Detection API, written with TensorFlow's raw operations and the API's own names.

It is the reference for `model.ssd_mobilenet_v1` and shares no code with it. Also writes checkpoints of TensorFlow 1.
"""

import hashlib
import pathlib

import numpy as np
import tensorflow as tf

from workshop_utils.core.download import Download

SCOPE = "FeatureExtractor/MobilenetV1/"
STRIDED = (2, 4, 6, 12)
CHANNELS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
EXTRAS = {
    "Conv2d_13_pointwise_1_Conv2d_2_1x1_256": (1, 1, 1024, 256),
    "Conv2d_13_pointwise_2_Conv2d_2_3x3_s2_512": (3, 3, 256, 512),
    "Conv2d_13_pointwise_1_Conv2d_3_1x1_128": (1, 1, 512, 128),
    "Conv2d_13_pointwise_2_Conv2d_3_3x3_s2_256": (3, 3, 128, 256),
    "Conv2d_13_pointwise_1_Conv2d_4_1x1_128": (1, 1, 256, 128),
    "Conv2d_13_pointwise_2_Conv2d_4_3x3_s2_256": (3, 3, 128, 256),
    "Conv2d_13_pointwise_1_Conv2d_5_1x1_64": (1, 1, 256, 64),
    "Conv2d_13_pointwise_2_Conv2d_5_3x3_s2_128": (3, 3, 64, 128),
}
HEADS = ((512, 3), (1024, 6), (512, 6), (256, 6), (256, 6), (128, 6))
"""Channels and anchors per cell of each of the six feature maps."""


def weights(classes: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Return random variables by name, of a size that keeps the outputs of all layers near 1."""
    rng = np.random.default_rng(seed)
    found = {}

    def variable(name: str, *shape: int, centre: float = 0.0, spread: float = 0.1) -> None:
        found[name] = rng.normal(centre, spread, shape).astype(np.float32)

    def convolution(name: str, *shape: int, kernel: str = "weights", channels: int | None = None) -> None:
        inputs = shape[0] * shape[1] * (1 if channels else shape[2])
        variable(f"{name}/{kernel}", *shape, spread=(2 / inputs) ** 0.5)
        for part, centre in (("gamma", 1), ("beta", 0.2), ("moving_mean", 0), ("moving_variance", 1)):
            variable(f"{name}/BatchNorm/{part}", channels or shape[-1], centre=centre)

    convolution(f"{SCOPE}Conv2d_0", 3, 3, 3, 32)
    for number, (before, after) in enumerate(zip((32, *CHANNELS), CHANNELS), start=1):
        depthwise = {"kernel": "depthwise_weights", "channels": before}
        convolution(f"{SCOPE}Conv2d_{number}_depthwise", 3, 3, before, 1, **depthwise)
        convolution(f"{SCOPE}Conv2d_{number}_pointwise", 1, 1, before, after)
    for name, shape in EXTRAS.items():
        convolution(SCOPE + name, *shape)
    for level, (channels, anchors) in enumerate(HEADS):
        for head, values in (("BoxEncodingPredictor", 4), ("ClassPredictor", classes + 1)):
            variable(f"BoxPredictor_{level}/{head}/weights", 1, 1, channels, anchors * values, spread=channels**-0.5)
            variable(f"BoxPredictor_{level}/{head}/biases", anchors * values)
    return found


def run(values: dict[str, np.ndarray], images: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return box encodings (N, 1917, 4) and class logits (N, 1917, classes + 1) for images (N, 300, 300, 3)."""
    raw = tf.raw_ops

    def block(x, name: str, strides: int = 1, kernel: str = "weights"):
        convolve = raw.Conv2D if kernel == "weights" else raw.DepthwiseConv2dNative
        x = convolve(input=x, filter=values[f"{name}/{kernel}"], strides=[1, strides, strides, 1], padding="SAME")
        gamma, beta, mean, variance = (
            values[f"{name}/BatchNorm/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        x = raw.FusedBatchNormV3(
            x=x, scale=gamma, offset=beta, mean=mean, variance=variance, epsilon=0.001, is_training=False
        ).y
        return raw.Relu6(features=x)

    x, maps = block(images, f"{SCOPE}Conv2d_0", 2), []
    for number in range(1, 14):
        x = block(x, f"{SCOPE}Conv2d_{number}_depthwise", 2 if number in STRIDED else 1, "depthwise_weights")
        x = block(x, f"{SCOPE}Conv2d_{number}_pointwise")
        if number in (11, 13):
            maps.append(x)
    for name in EXTRAS:
        x = block(x, SCOPE + name, 2 if "_s2_" in name else 1)
        if "_s2_" in name:
            maps.append(x)
    outputs = {"BoxEncodingPredictor": [], "ClassPredictor": []}
    for level, (features, (_, anchors)) in enumerate(zip(maps, HEADS, strict=True)):
        for head, found in outputs.items():
            name = f"BoxPredictor_{level}/{head}"
            y = raw.Conv2D(input=features, filter=values[f"{name}/weights"], strides=[1] * 4, padding="SAME")
            y = raw.BiasAdd(value=y, bias=values[f"{name}/biases"])
            found.append(tf.reshape(y, (len(images), -1, y.shape[-1] // anchors)))
    return tuple(np.concatenate(found, axis=1) for found in outputs.values())


def save(prefix: pathlib.Path, values: dict[str, np.ndarray]) -> pathlib.Path:
    """Write a checkpoint as TensorFlow 1's Saver does: PREFIX.index and PREFIX.data-*. Return the prefix."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(values),
        shape_and_slices=[""] * len(values),
        tensors=list(values.values()),
    )
    return prefix


def as_download(archive: pathlib.Path, address: str = "") -> Download:
    """Return the address, size and hash of an archive that a test made."""
    data = archive.read_bytes()
    return Download(address or f"http://127.0.0.1:9/{archive.name}", len(data), hashlib.sha256(data).hexdigest())

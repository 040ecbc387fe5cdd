"""SSDLite MobileNetV2 as a Keras model.

SSD (arXiv 1512.02325) with depthwise separable prediction layers on MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381,
section 6.2). It matches the `ssdlite_mobilenet_v2` of the Object Detection API layer by layer.
"""

import numpy as np

from workshop_utils.core.tensorflow import keras
from workshop_utils.model import preprocessing, ssd, tf1_checkpoint
from workshop_utils.model.anchors import GRIDS
from workshop_utils.model.ssd import EPSILON, EXTRA_BLOCKS

_BACKBONE = "FeatureExtractor/MobilenetV2/"


def build(classes: int, batch_norm_momentum: float = 0.99) -> keras.Model:
    """Return the detector with random weights.

    Its input is float images (N, 300, 300, 3) in [-1, 1]; its outputs are [box_encodings (N, 1917, 4),
    class_logits (N, 1917, classes + 1)], with the background's logit first.

    Args:
        classes: Number of classes, without the background.
        batch_norm_momentum: The momentum of the moving averages.
    """
    side = preprocessing.INPUT_SIDE
    backbone = keras.applications.MobileNetV2(
        input_shape=(side, side, 3),
        include_top=False,
        weights=None,  # pyright: ignore[reportArgumentType]
    )
    maps = [backbone.get_layer("block_13_expand_relu").output, backbone.get_layer("out_relu").output]
    model = ssd.detector(
        backbone.input,
        maps,
        classes,
        "ssdlite_mobilenet_v2",
        strided=lambda x, channels, name: ssd.convolution(
            ssd.depthwise(x, f"{name}_depthwise", strides=2), channels, name
        ),
        before_head=lambda features, name: ssd.depthwise(features, f"{name}_depthwise"),
    )
    for layer in batch_norms(model):
        layer.momentum = batch_norm_momentum
    return model


def batch_norms(model: keras.Model) -> list[keras.layers.BatchNormalization]:
    """Return the model's batch-norm layers."""
    return [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]


def weights_by_layer(values: dict[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """Return {layer name: arrays for `set_weights`}, given the arrays of Google's graph by name."""
    layers = {}

    def convolution(layer: str, name: str, norm: str | None = None) -> None:
        layers[layer] = [values[f"{name}/Conv2D/merged_input"]]
        folded(norm or f"{layer}_BN", name, scale=None)

    def depthwise(layer: str, name: str) -> None:
        layers[layer] = [values[f"{name}/depthwise_weights"]]
        folded(f"{layer}_BN", name, scale=values[f"{name}/BatchNorm/batchnorm/mul"])

    def folded(layer: str, name: str, scale) -> None:
        """Set a batch norm to y = scale * x + shift: with mean 0 and variance 1 - epsilon, nothing else remains."""
        shift = values[f"{name}/BatchNorm/batchnorm/sub"]
        ones = np.ones_like(shift)
        layers[layer] = [ones if scale is None else scale, shift, 0 * ones, (1 - EPSILON) * ones]

    convolution("Conv1", _BACKBONE + "Conv", norm="bn_Conv1")
    depthwise("expanded_conv_depthwise", _BACKBONE + "expanded_conv/depthwise")
    convolution("expanded_conv_project", _BACKBONE + "expanded_conv/project")
    for number in range(1, 17):
        name = f"{_BACKBONE}expanded_conv_{number}"
        convolution(f"block_{number}_expand", f"{name}/expand")
        depthwise(f"block_{number}_depthwise", f"{name}/depthwise")
        convolution(f"block_{number}_project", f"{name}/project")
    convolution("Conv_1", _BACKBONE + "Conv_1", norm="Conv_1_bn")
    for number, (reduced, channels) in enumerate(EXTRA_BLOCKS, start=1):
        strided = f"{_BACKBONE}layer_19_2_Conv2d_{number + 1}_3x3_s2_{channels}"
        convolution(f"extra_{number}_reduce", f"{_BACKBONE}layer_19_1_Conv2d_{number + 1}_1x1_{reduced}")
        depthwise(f"extra_{number}_depthwise", f"{strided}_depthwise")
        convolution(f"extra_{number}", strided)
    for level in range(6):
        for head, predictor in (("box", "BoxEncodingPredictor"), ("class", "ClassPredictor")):
            name = f"BoxPredictor_{level}/{predictor}"
            layers[f"{head}_{level}"] = [values[f"{name}/weights"], values[f"{name}/biases"]]
            layers[f"{head}_{level}_depthwise"] = [values[f"{name}_depthwise/depthwise_weights"]]
            layers[f"{head}_{level}_depthwise_BN"] = [
                values[f"{name}_depthwise/BatchNorm/{part}"]
                for part in ("gamma", "beta", "moving_mean", "moving_variance")
            ]
    return layers


def variables() -> tf1_checkpoint.Names:
    """Return {layer name: names in a checkpoint of the Object Detection API, in the order of `set_weights`}."""
    names = tf1_checkpoint.convolution("Conv1", f"{_BACKBONE}Conv", norm="bn_Conv1")
    names |= tf1_checkpoint.convolution("Conv_1", f"{_BACKBONE}Conv_1", norm="Conv_1_bn")
    for number in range(17):
        layer, scope = (f"block_{number}", f"expanded_conv_{number}") if number else ("expanded_conv", "expanded_conv")
        for part in ("expand", "depthwise", "project") if number else ("depthwise", "project"):
            kernel = "depthwise_weights" if part == "depthwise" else "weights"
            names |= tf1_checkpoint.convolution(f"{layer}_{part}", f"{_BACKBONE}{scope}/{part}", kernel)
    for number, (reduced, channels) in enumerate(EXTRA_BLOCKS, start=1):
        layer, strided = f"extra_{number}", f"{_BACKBONE}layer_19_2_Conv2d_{number + 1}_3x3_s2_{channels}"
        reduce = f"{_BACKBONE}layer_19_1_Conv2d_{number + 1}_1x1_{reduced}"
        names |= tf1_checkpoint.convolution(f"{layer}_reduce", reduce)
        names |= tf1_checkpoint.convolution(f"{layer}_depthwise", f"{strided}_depthwise", "depthwise_weights")
        names |= tf1_checkpoint.convolution(layer, strided)
    for level in range(len(GRIDS)):
        for head, predictor in (("box", "BoxEncodingPredictor"), ("class", "ClassPredictor")):
            layer, scope = f"{head}_{level}", f"BoxPredictor_{level}/{predictor}"
            names |= tf1_checkpoint.convolution(f"{layer}_depthwise", f"{scope}_depthwise", "depthwise_weights")
            names[layer] = (f"{scope}/weights", f"{scope}/biases")
    return names

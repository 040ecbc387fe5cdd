"""COCO weights of each architecture: fetch them, load them, transfer them to a network for other classes."""

import pathlib
import re
import warnings

import numpy as np

from workshop_utils.core import files, settings
from workshop_utils.core.tensorflow import keras
from workshop_utils.model import architectures
from workshop_utils.model.architectures import Architecture
from workshop_utils.model.coco_download import PretrainedError

COCO_CLASSES = 90
DEFAULT = architectures.get()


def coco_detector(folder: pathlib.Path = settings.PRETRAINED, architecture: Architecture = DEFAULT) -> keras.Model:
    """Return a detector with COCO's weights and classes. Logit 0 is the background; the other 90 are COCO's ids.

    Args:
        folder: The folder of the weights, which are fetched if they are not there.
        architecture: By default SSDLite MobileNetV2.

    Raises:
        PretrainedError: If the weights cannot be fetched or loaded.
    """
    weights = fetch(folder, architecture)
    model = architecture.build(COCO_CLASSES)
    _load(weights, model)
    return model


def load_into(
    model: keras.Model, folder: pathlib.Path = settings.PRETRAINED, architecture: Architecture = DEFAULT
) -> None:
    """Load COCO's weights into a detector for other classes, without building COCO's detector first.

    Changes the same layers as `transfer` and takes a third of the time. Takes and raises the same as `coco_detector`.
    """
    weights = fetch(folder, architecture)
    before = [(layer, layer.get_weights()) for layer in model.layers if layer.weights]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Keras warns of the layers that do not fit
        _load(weights, model, skip_mismatch=True)
    for layer, values in before:
        if _depends_on_classes(layer, architecture):  # with 90 classes, its weights fit and were loaded
            layer.set_weights(values)
        elif all(map(np.array_equal, layer.get_weights(), values)):
            raise PretrainedError(f"{weights}: has no weights for {layer.name}. Delete it and fetch it again.")


def fetch(folder: pathlib.Path = settings.PRETRAINED, architecture: Architecture = DEFAULT) -> pathlib.Path:
    """Return the path of the Keras weights file, and create the file if it does not exist.

    Args:
        folder: The folder of the weights. If it already has the download, no network is needed.
        architecture: By default SSDLite MobileNetV2.

    Raises:
        PretrainedError: If the hash is wrong, the network is missing or the disk is full. No partial file remains.
    """
    weights = folder / architecture.weights_file
    if weights.exists():
        return weights
    try:
        folder.mkdir(parents=True, exist_ok=True)
        arrays = architecture.read_coco(folder)
        model = architecture.build(COCO_CLASSES)
        for layer, values in arrays.items():
            model.get_layer(layer).set_weights(values)
        files.write_weights(model, weights)
    except OSError as error:
        raise PretrainedError(
            f"{folder}: cannot be written ({error}). Free 60 MB of disk space and run this again."
        ) from None
    return weights


def transfer(source: keras.Model, target: keras.Model, architecture: Architecture = DEFAULT) -> None:
    """Copy the weights of every layer from one detector to another, except those whose shape depends on the classes.

    The depthwise layers before the class outputs have the same shape for any number of classes, so they are copied,
    too, as in the Object Detection API.
    """
    for layer in target.layers:
        if layer.weights and not _depends_on_classes(layer, architecture):
            layer.set_weights(source.get_layer(layer.name).get_weights())


def _depends_on_classes(layer: keras.layers.Layer, architecture: Architecture) -> bool:
    return re.fullmatch(architecture.class_layers, layer.name) is not None


def _load(weights: pathlib.Path, model: keras.Model, **options: bool) -> None:
    """Load a file of weights into a model. Raises PretrainedError if the file is damaged."""
    try:
        if not files.is_intact(weights):
            raise ValueError("its checksum does not match")
        model.load_weights(weights, **options)
    except (OSError, ValueError, KeyError) as error:
        raise PretrainedError(f"{weights}: cannot be loaded ({error}). Delete it and fetch it again.") from None

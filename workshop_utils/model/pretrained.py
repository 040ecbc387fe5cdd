"""COCO's weights for each architecture: fetch them once, load them, transfer them to a network for other classes."""

import pathlib

from workshop_utils.core import files, settings
from workshop_utils.core.tensorflow import keras
from workshop_utils.model import architectures
from workshop_utils.model.architectures import Architecture
from workshop_utils.model.coco_download import PretrainedError

COCO_CLASSES = 90


def coco_detector(folder: pathlib.Path = settings.PRETRAINED, architecture: Architecture | None = None) -> keras.Model:
    """Return a detector with COCO's weights, fetched first if they are not in `folder`.

    Logit 0 is the background, the other 90 are COCO's ids. Raises PretrainedError.
    """
    architecture = architecture or architectures.get()
    weights = fetch(folder, architecture)
    model = architecture.build(COCO_CLASSES)
    try:
        if not files.is_intact(weights):
            raise ValueError("its bytes are not those that were written")
        model.load_weights(weights)
    except (OSError, ValueError, KeyError) as fault:
        raise PretrainedError(f"{weights}: cannot be loaded ({fault}). Delete it and fetch again.") from None
    return model


def fetch(folder: pathlib.Path = settings.PRETRAINED, architecture: Architecture | None = None) -> pathlib.Path:
    """Return the path of the Keras weights file in `folder`; make it first if it is not there.

    A download that is already in `folder` is used, and no network is needed. Raises PretrainedError for a wrong hash, a
    missing network or a full disk; the folder then holds no half-written file.
    """
    architecture, folder = architecture or architectures.get(), pathlib.Path(folder)
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
    except OSError as fault:
        raise PretrainedError(
            f"{folder}: cannot be written ({fault}). Free some space (60 MB) and run this again."
        ) from None
    return weights


def transfer(source: keras.Model, target: keras.Model, architecture: Architecture | None = None) -> None:
    """Copy every layer's weights from one detector to another, except where the shape depends on the classes.

    The depthwise filters in front of the class outputs look at shapes, not names, so they carry over, as in the Object
    Detection API, which restores every variable whose shape still fits.
    """
    architecture = architecture or architectures.get()
    for layer in target.layers:
        if layer.weights and not architecture.names_classes(layer):
            layer.set_weights(source.get_layer(layer.name).get_weights())

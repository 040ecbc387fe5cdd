"""Load the detector of a run, or COCO's, into Keras."""

import pathlib
from collections.abc import Callable

from workshop_utils.core.tensorflow import keras
from workshop_utils.data import label_map
from workshop_utils.model import architectures, detection, pretrained
from workshop_utils.training import checkpoints, trainer
from workshop_utils.training.run_folder import RunFolder


def load(source: str, checkpoint: str | int, architecture: str | None) -> tuple[keras.Model, dict[int, str]]:
    """Return a detector, and the names of its class ids. The arguments and errors are those of `open_detector`."""
    if source == "coco":
        return pretrained.coco_detector(architecture=architectures.get(architecture)), label_map.coco()
    run = RunFolder(pathlib.Path(source))
    return trainer.load_model(run, checkpoints.choose(run, checkpoint))


def runner(model: keras.Model) -> Callable:
    """Return the `run` of an OpenDetector for a model."""
    return lambda image, min_score: tuple(part[0] for part in detection.detect(model, image[None], min_score))

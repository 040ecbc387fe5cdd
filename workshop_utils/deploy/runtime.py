"""A detector made ready for photos: COCO's own, a run's, or an exported file's."""

import dataclasses
import pathlib
from collections.abc import Callable, Iterable

import numpy as np

from workshop_utils.core import files
from workshop_utils.core.errors import WorkshopError
from workshop_utils.core.tensorflow import keras
from workshop_utils.data import label_map
from workshop_utils.data.dataset import LABEL_MAP
from workshop_utils.deploy import export_formats
from workshop_utils.model import detection, nms, pretrained
from workshop_utils.model.detection import Detections
from workshop_utils.training import trainer
from workshop_utils.training.run_folder import RunFolder


class InferenceError(WorkshopError, ValueError):
    """A detector or photos that cannot be used as asked; the message says which and what to do."""


@dataclasses.dataclass(frozen=True)
class OpenDetector:
    """A detector, ready to run.

    Attributes:
        name: Where it comes from.
        label_map: What its class ids mean.
        run: As for `export_formats.OpenFile`.
    """

    name: str
    label_map: dict[int, str]
    run: Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray, np.ndarray]]

    def detect(self, images: Iterable[np.ndarray], min_score: float = 0.01) -> Detections:
        """Detect in uint8 images (height, width, 3), each of any size."""
        found = [self.run(image, min_score) for image in images]
        return Detections(*(np.stack(part) for part in zip(*found, strict=True)))


def open_detector(source: str | pathlib.Path) -> OpenDetector:
    """Open `coco`, a run's folder, the folder that `export` wrote of a run, or one file in it.

    Of a folder with several formats the fastest is opened.

    Raises:
        InferenceError: Where there is no detector or a broken one, or the label map is of other classes.
        RunFolderError: For a run that cannot be read, or has no checkpoint.
        LabelMapError: For a label map that cannot be read.
    """
    if str(source) == "coco":
        return OpenDetector("coco", label_map.coco(), _runner(pretrained.coco_detector()))
    path = pathlib.Path(source)
    if (path / "recipe.json").exists():
        model, names = trainer.load_model(RunFolder(path))
        return OpenDetector(str(path), names, _runner(model))
    return _open_export(path)


def once(found: Detections) -> Detections:
    """Return the detections with each object under one name, the one with the highest score.

    Non-maximum suppression works class by class, so a cup that looks like peach and like strawberry is found as both.
    Here boxes of any class that overlap by more than NMS_IOU are one object.
    """
    single = Detections(*(np.zeros_like(part) for part in found))
    for photo, (boxes, scores) in enumerate(zip(found.boxes, found.scores)):
        kept = nms.once(boxes, scores, detection.NMS_IOU)
        for part, every in zip(single, found):
            part[photo, : len(kept)] = every[photo][kept]
    return single


def _runner(model: keras.Model) -> Callable:
    """Return the `run` of an OpenDetector for a Keras model."""

    def run(image: np.ndarray, min_score: float) -> tuple[np.ndarray, ...]:
        return tuple(part[0] for part in detection.detect(model, image[None], min_score))

    return run


def _open_export(source: pathlib.Path) -> OpenDetector:
    """Open what `export` wrote. Raises InferenceError and LabelMapError."""
    for each in (source, *(source / each.file_name for each in export_formats.FORMATS.values())):
        files.restore_backup(each)
    found = export_formats.find(source)
    if found is None:
        names = ", ".join(each.file_name for each in export_formats.FORMATS.values())
        raise InferenceError(f"{source}: is neither 'coco' nor a run, and no exported detector ({names}).")
    kind, path = found
    names = label_map.read(path.parent / LABEL_MAP)
    try:
        run, classes = kind.open_file(path)
    except Exception as fault:  # each runtime has errors of its own for a broken file, or another model
        reason = str(fault).split("\n")[0]
        raise InferenceError(
            f"{path}: cannot be used ({reason}). It is broken, or no detector of this workshop: export it again."
        ) from None
    if classes not in (None, max(names)):
        raise InferenceError(
            f"{path}: has scores for {classes} classes, but the last id in {LABEL_MAP} is {max(names)}. Put the "
            f"{LABEL_MAP} beside it that was exported with it."
        )
    return OpenDetector(str(path), names, run)

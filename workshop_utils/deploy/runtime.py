"""Open a detector and run it on photos: COCO's, that of a run, or an exported file.

TensorFlow takes half a gigabyte of memory. So it is imported only for what runs in Keras or as a SavedModel.
"""

import contextlib
import dataclasses
import multiprocessing
import os
import pathlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures

import numpy as np

from workshop_utils.core import elapsed, files
from workshop_utils.core.errors import WorkshopError
from workshop_utils.data import label_map
from workshop_utils.data.dataset import LABEL_MAP
from workshop_utils.deploy import export_formats
from workshop_utils.model import nms
from workshop_utils.model.nms import Detections

FAST = "litert"
"""The format in which a detector runs that is opened for many photos. See benchmarks/results.md."""


LAST = "last"
"""`checkpoints.LAST`, whose import would load TensorFlow."""


class InferenceError(WorkshopError, ValueError):
    """A detector, photos or an output folder that cannot be used. The message names it and says what to do."""


@dataclasses.dataclass(frozen=True)
class OpenDetector:
    """A detector, ready to run.

    Attributes:
        name: What it was opened from.
        label_map: The names of its class ids.
        run: As for `export_formats.OpenFile`.
        format: In what it runs: the name of an export format, or "keras".
    """

    name: str
    label_map: dict[int, str]
    run: Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray, np.ndarray]]
    format: str = "keras"

    def detect(self, images: Iterable[np.ndarray], min_score: float = 0.01) -> Detections:
        """Detect objects in images.

        Args:
            images: uint8 images (height, width, 3), each of any size.
            min_score: Boxes with a lower score are left out.
        """
        found = [self.run(image, min_score) for image in images]
        return Detections(*(np.stack(part) for part in zip(*found, strict=True)))


def open_detector(
    source: str | pathlib.Path,
    checkpoint: str | int = LAST,
    architecture: str | None = None,
    fast: bool = False,
) -> OpenDetector:
    """Open a detector.

    Args:
        source: `coco`, a run folder, its export folder, or a file in it. If an export folder has several formats, the
            fastest is opened.
        checkpoint: Which checkpoint of a run: `best`, `last` or a step.
        architecture: The network of `coco`, by default SSDLite MobileNetV2. Runs and exports have their own.
        fast: Whether to convert a run or COCO's detector to the format FAST first, in another process. This takes some
            seconds, so it pays for a film, but not for a few photos. An exported file stays as it is.

    Raises:
        InferenceError: If there is no detector, it is invalid, or the label map is for other classes, or if a
            checkpoint is chosen of what is not a run.
        RunFolderError: If a run cannot be read, or has no such checkpoint.
        LabelMapError: If a label map cannot be read.
        PretrainedError: If COCO's weights cannot be fetched or loaded.
        SettingsError: If there is no such architecture.
    """
    path = pathlib.Path(source)
    is_run = str(source) != "coco" and (path / "recipe.json").exists()
    if checkpoint != LAST and not is_run:
        raise InferenceError(f"{source}: is not a run, so there is no checkpoint to choose. Leave out --checkpoint.")
    if not is_run and str(source) != "coco":
        return _open_export(path)
    if fast:
        return _converted(str(path), checkpoint, architecture)
    from workshop_utils.deploy import keras_detector

    model, names = keras_detector.load(str(path), checkpoint, architecture)
    return OpenDetector(str(path), names, keras_detector.runner(model))


def suppress_across_classes(found: Detections) -> Detections:
    """Return the detections with one box per object: the best of all classes.

    Non-maximum suppression works class by class, so a cup that looks like peach and like strawberry is detected as
    both. Here boxes of all classes with an IoU above NMS_IOU count as one object.
    """
    result = Detections(*(np.zeros_like(part) for part in found))
    for photo, (boxes, scores) in enumerate(zip(found.boxes, found.scores)):
        kept = nms.suppress_across_classes(boxes, scores, nms.NMS_IOU)
        for part, before in zip(result, found):
            part[photo, : len(kept)] = before[photo][kept]
    return result


def _converted(source: str, checkpoint: str | int, architecture: str | None) -> OpenDetector:
    """Return an OpenDetector that runs in the format FAST. Only the process that converts it loads TensorFlow."""
    kind = export_formats.get(FAST)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # Windows cannot remove a file in use
        path = pathlib.Path(folder, kind.file_name)
        with (
            _one_heap(),
            elapsed.shown(f"Converting {source} to LiteRT (5 to 20 seconds):", "Converted in"),
            futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as processes,
        ):
            names = processes.submit(_convert, path, source, checkpoint, architecture).result()
        return OpenDetector(source, names, kind.open_file(path).run, kind.name)


@contextlib.contextmanager
def _one_heap() -> Iterator[None]:
    """In this context, let the threads of each new process share one heap (on Linux), which saves 50 MB at its peak."""
    before = os.environ.get("MALLOC_ARENA_MAX")
    os.environ["MALLOC_ARENA_MAX"] = before or "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["MALLOC_ARENA_MAX"]


def _convert(path: pathlib.Path, source: str, checkpoint: str | int, architecture: str | None) -> dict[int, str]:
    """Write a detector in the format FAST, and return the names of its class ids."""
    from workshop_utils.deploy import keras_detector

    model, names = keras_detector.load(source, checkpoint, architecture)
    export_formats.get(FAST).write(model, path, None)
    return names


def _open_export(source: pathlib.Path) -> OpenDetector:
    """Open an exported file, or the fastest in a folder. Raises InferenceError and LabelMapError."""
    for each in (source, *(source / each.file_name for each in export_formats.FORMATS.values())):
        files.restore_backup(each)
    found = export_formats.find(source)
    if found is None:
        names = ", ".join(each.file_name for each in export_formats.FORMATS.values())
        raise InferenceError(f"{source}: is neither 'coco', nor a run, nor an exported detector ({names}).")
    kind, path = found
    names = label_map.read(path.parent / LABEL_MAP)
    try:
        run, classes = kind.open_file(path)
    except Exception as error:  # each runtime raises other errors for an invalid file or another model
        reason = str(error).split("\n")[0]
        raise InferenceError(
            f"{path}: cannot be used ({reason}). It is damaged, or not a detector of this workshop. Export it again."
        ) from None
    if classes not in (None, max(names)):
        raise InferenceError(
            f"{path}: has scores for {classes} classes, but the last id in {LABEL_MAP} is {max(names)}. Put the "
            f"{LABEL_MAP} that was exported with it into the same folder."
        )
    return OpenDetector(str(path), names, run, kind.name)

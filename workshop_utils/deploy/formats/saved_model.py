"""TensorFlow's SavedModel: a folder that takes photos of any size and includes resizing and non-maximum suppression.

The signature is that of the Object Detection API's exported graphs, and TensorFlow Serving can run it directly.
"""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from workshop_utils.core import files, untrusted
from workshop_utils.core.tensorflow import as_os_error, keras, tf
from workshop_utils.deploy.export_formats import OpenFile
from workshop_utils.deploy.formats import opening
from workshop_utils.model import detection, preprocessing


def write(model: keras.Model, path: pathlib.Path, _photos: None = None) -> None:
    """Write a SavedModel folder.

    Input: `input_tensor` (N, height, width, 3), uint8, of any size. Outputs, all float32: `detection_boxes`
    (N, 100, 4), `detection_classes` (N, 100), `detection_scores` (N, 100) and `num_detections` (N,).

    Args:
        model: The detector.
        path: The folder.

    Raises:
        WriteError: If the folder cannot be written.
    """
    module: Any = tf.Module()
    module.weights = [weight.value for weight in model.variables]  # without Keras's layers, it is saved twice as fast

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8, name="input_tensor")])
    def serve(input_tensor):
        images = preprocessing.to_input(_resize(input_tensor))
        boxes, classes, scores = detection.suppress(*detection.decode(*model(images, training=False)), 0.01)
        return {
            "detection_boxes": boxes,
            "detection_classes": tf.cast(classes, tf.float32),
            "detection_scores": scores,
            "num_detections": tf.reduce_sum(tf.cast(scores > 0, tf.float32), axis=1),
        }

    with _replacing_folder(path) as unfinished:
        tf.saved_model.save(module, str(unfinished), signatures={"serving_default": serve})


def open_file(path: pathlib.Path) -> OpenFile:
    """Open a SavedModel folder. Its signature does not show the number of classes.

    Raises:
        ValueError: If its graph does more than compute, or its outputs have the wrong shapes.
        Exception: TensorFlow's errors if it is invalid.
    """
    if acting := untrusted.unsafe_operations(path):
        raise ValueError(f"its graph does more than compute ({', '.join(acting[:5])}), so it was not run")
    loaded = tf.saved_model.load(str(path))

    def run(image: np.ndarray, min_score: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        outputs = loaded.signatures["serving_default"](input_tensor=tf.constant(image[None]))
        found = {name: value.numpy()[0] for name, value in outputs.items()}
        boxes, classes, scores = (found[f"detection_{part}"] for part in ("boxes", "classes", "scores"))
        good = scores >= min_score
        return np.where(good[:, None], boxes, 0), np.where(good, classes, 0).astype(np.int32), np.where(good, scores, 0)

    boxes, _, scores = run(opening.BLANK, 1.0)
    opening.check_shapes(boxes.shape, scores.shape, (len(scores),))
    return OpenFile(run, None)


def _resize(images: tf.Tensor) -> tf.Tensor:
    """`preprocessing.resize` in TensorFlow: first across, then down, rounded after each, as Pillow does it."""
    side = preprocessing.INPUT_SIDE
    for size in ((tf.shape(images)[1], side), (side, side)):
        images = tf.floor(tf.image.resize(images, size, antialias=True) + 0.5)
    return images


@contextlib.contextmanager
def _replacing_folder(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yield a new folder that replaces `path` on success, as `files.replacing` does for a file. Raises WriteError.

    Replacing a folder takes two renames. If the process is killed between them, `files.restore_backup` restores the old
    folder.
    """
    with tempfile.TemporaryDirectory(prefix=files.UNFINISHED, dir=path.parent) as scratch:
        unfinished = pathlib.Path(scratch, path.name)
        try:
            with as_os_error():
                yield unfinished
            files.restore_backup(path)
            if path.exists():
                os.replace(path, files.backup_path(path))
            os.replace(unfinished, path)
        except OSError as error:
            raise files.WriteError(
                f"{path}: cannot be written ({files.reason(error)}). {files.remedy(error)}, and export again."
            ) from None
        finally:
            files.restore_backup(path)

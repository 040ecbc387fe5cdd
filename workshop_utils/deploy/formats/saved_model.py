"""TensorFlow's SavedModel: a folder that takes photos of any size and does everything, as the Object Detection API's
exported graphs do. TensorFlow Serving runs it as it is."""

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator

import numpy as np

from workshop_utils.core import files, untrusted
from workshop_utils.core.tensorflow import disk_faults, keras, tf
from workshop_utils.deploy.export_formats import OpenFile
from workshop_utils.deploy.formats import common
from workshop_utils.model import detection, preprocessing


def write(model: keras.Model, path: pathlib.Path, _photos: None = None) -> None:
    """Write a SavedModel folder.

    In: `input_tensor` (N, height, width, 3), uint8, of any size. Out, all float32: `detection_boxes` (N, 100, 4),
    `detection_classes` (N, 100), `detection_scores` (N, 100) and `num_detections` (N). Raises WriteError.
    """
    module = tf.Module()
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
    """Open a SavedModel folder; how many classes it knows cannot be seen from outside.

    Raises ValueError where it would do more than compute, and what TensorFlow raises for a broken one.
    """
    if acting := untrusted.operations_that_act(path):
        raise ValueError(f"it would do more than compute ({', '.join(acting[:5])}), so it is not run")
    loaded = tf.saved_model.load(str(path))

    def run(image: np.ndarray, min_score: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        outputs = loaded.signatures["serving_default"](input_tensor=tf.constant(image[None]))
        found = {name: value.numpy()[0] for name, value in outputs.items()}
        boxes, classes, scores = (found[f"detection_{part}"] for part in ("boxes", "classes", "scores"))
        good = scores >= min_score
        return np.where(good[:, None], boxes, 0), np.where(good, classes, 0).astype(np.int32), np.where(good, scores, 0)

    boxes, _, scores = run(common.BLANK, 1.0)
    common.check_shapes(boxes.shape, scores.shape, (len(scores),))
    return OpenFile(run, None)


def _resize(images: tf.Tensor) -> tf.Tensor:
    """`preprocessing.resize` in TensorFlow: first across, then down, rounded after each, as Pillow does it."""
    side = preprocessing.INPUT_SIDE
    for size in ((tf.shape(images)[1], side), (side, side)):
        images = tf.floor(tf.image.resize(images, size, antialias=True) + 0.5)
    return images


@contextlib.contextmanager
def _replacing_folder(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """`files.replacing` for a whole folder. Raises WriteError.

    Replacing a folder takes two renames. A process that is killed between them leaves the old folder for
    `files.put_back`.
    """
    with tempfile.TemporaryDirectory(prefix=files.UNFINISHED, dir=path.parent) as scratch:
        unfinished = pathlib.Path(scratch, path.name)
        try:
            with disk_faults():
                yield unfinished
            files.put_back(path)
            if path.exists():
                os.replace(path, files.aside(path))
            os.replace(unfinished, path)
        except OSError as fault:
            raise files.WriteError(
                f"{path}: cannot be written ({files.reason(fault)}). {files.remedy(fault)}, and export again."
            ) from None
        finally:
            files.put_back(path)

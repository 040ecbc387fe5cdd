"""From a checkpoint to files that other programs run: SavedModel, LiteRT, ONNX.

The SavedModel takes photos of any size and does everything, as the Object Detection API's exported graphs do. LiteRT
and ONNX take a photo already resized by `photos.resize` and give boxes and scores before non-maximum suppression: each
has an operation for it that differs from TensorFlow's, so `inference` adds it (`nms.suppress`). Scaling to [-1, 1] is
inside all three.
"""

import contextlib
import gc
import os
import pathlib
import tempfile
import warnings
from collections.abc import Iterator

import numpy as np

from workshop_utils.core import files
from workshop_utils.core.errors import WorkshopError
from workshop_utils.core.tensorflow import disk_faults, hushed, keras, tf
from workshop_utils.data import dataset, label_map
from workshop_utils.model import detection, preprocessing
from workshop_utils.training import trainer
from workshop_utils.training.run_folder import RunFolder

FILE_NAMES = {
    "saved_model": "saved_model",
    "litert": "detector.tflite",
    "litert_int8": "detector_int8.tflite",
    "onnx": "detector.onnx",
}
ROOM = 50_000_000
"""Bytes that must be free where temporary files lie, for LiteRT: some times the network, which is written there for a
while. Keras 3.13 does not say when it cannot."""

FORMATS = ("saved_model", "litert", "onnx")
"""What is written unless told otherwise. `litert_int8` besides needs the photos that the run was trained on."""

CALIBRATION_PHOTOS = 64
"""From so many training photos the ranges of the numbers are measured that become whole ones."""

LABELS = "labels.txt"


class ExportError(WorkshopError, RuntimeError):
    """A format that does not exist, or that this machine cannot write."""


def export(experiment: RunFolder, formats=FORMATS, step: int | None = None) -> dict[str, pathlib.Path]:
    """Write a run's checkpoint (the last one, without `step`) to `RUN/export`; return the path of each format.

    Beside them lie `label_map.pbtxt` and `labels.txt`, one name a line, line 1 for column 0 of the scores. Raises
    ExportError, ExperimentError where there is no such checkpoint or a link out of the run, WriteError where the disk
    is full. What exporting left unfinished when it was killed is put in order first.
    """
    unknown = [name for name in formats if name not in FILE_NAMES]
    if unknown:
        raise ExportError(f"There is no format '{unknown[0]}'. Choose among: {', '.join(FILE_NAMES)}.")
    experiment.refuse_links()
    model, names = trainer.load_model(experiment, step)
    folder = experiment.folder / "export"
    files.make_folder(folder)
    files.sweep(folder)
    files.put_back(folder / FILE_NAMES["saved_model"])
    label_map.write(names, folder / dataset.LABEL_MAP)
    files.write_text("".join(f"{names.get(number, '')}\n" for number in range(1, max(names) + 1)), folder / LABELS)
    writers = {
        "saved_model": write_saved_model,
        "litert": write_litert,
        "litert_int8": lambda model, path: write_litert_int8(model, path, _calibration(experiment)),
        "onnx": write_onnx,
    }
    paths = {name: folder / FILE_NAMES[name] for name in formats}
    for name, path in paths.items():
        with _tidily():
            writers[name](model, path)
    return paths


def write_saved_model(model, path: pathlib.Path) -> None:
    """Write a SavedModel: uint8 images (N, height, width, 3) of any size in; detection_boxes (N, 100, 4),
    detection_classes (N, 100), detection_scores (N, 100) and num_detections (N) out, all float32."""
    module = tf.Module()
    module.model = model

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


def write_litert(model, path: pathlib.Path) -> None:
    """Write a .tflite file: float32 image (1, 300, 300, 3), pixels 0 to 255, in; boxes and scores out."""
    _export(_with_boxes(model, batch=1), path, "litert")


def write_litert_int8(model, path: pathlib.Path, images) -> None:
    """Write a .tflite file that computes in whole numbers from -128 to 127, and is a third as large.

    What goes in is as for `write_litert`; out come box_encodings and class_logits, because boxes in 256 steps would
    be coarse. `images` (uint8, 300x300x3) show what range the numbers have at each layer (Jacob et al. 2018, arXiv
    1712.05877).
    """
    side = preprocessing.INPUT_SIDE
    image = keras.Input((side, side, 3), batch_size=1, name="image")
    encodings, logits = model(preprocessing.to_input(image))
    whole = keras.Model(image, {"box_encodings": encodings, "class_logits": logits})
    whole(np.zeros((1, side, side, 3), np.float32))

    def representative():
        yield from ([each[None].astype(np.float32)] for each in images)

    _export(whole, path, "litert", optimizations=[tf.lite.Optimize.DEFAULT], representative_dataset=representative)


def write_onnx(model, path: pathlib.Path) -> None:
    """Write an .onnx file: float32 images (N, 300, 300, 3), pixels 0 to 255, in; boxes and scores out."""
    _export(_with_boxes(model, batch=None), path, "onnx")


def _resize(images: tf.Tensor) -> tf.Tensor:
    """`photos.resize` in TensorFlow: first across, then down, rounded after each, as Pillow does it."""
    side = preprocessing.INPUT_SIDE
    for size in ((tf.shape(images)[1], side), (side, side)):
        images = tf.floor(tf.image.resize(images, size, antialias=True) + 0.5)
    return images


class _Decode(keras.layers.Layer):
    def call(self, outputs):
        return detection.decode.python_function(*outputs)


def _with_boxes(model, batch: int | None) -> keras.Model:
    """Return the detector with scaling before it and box decoding behind it."""
    side = preprocessing.INPUT_SIDE
    image = keras.Input((side, side, 3), batch_size=batch, name="image")
    boxes, scores = _Decode()(model(preprocessing.to_input(image)))
    whole = keras.Model(image, {"boxes": boxes, "scores": scores})
    whole(np.zeros((1, side, side, 3), np.float32))
    return whole


def _calibration(experiment: RunFolder) -> list[np.ndarray]:
    """Return training photos of a run, resized. Raises ExportError where they are not what the run was trained on."""
    plan = experiment.plan
    try:
        data = dataset.load(pathlib.Path(plan.data))
        if not plan.data or data.fingerprint() != plan.fingerprint:
            raise dataset.DatasetError("they are not those that the run was trained on")
    except WorkshopError as fault:
        raise ExportError(
            f"{plan.data or experiment.folder}: litert_int8 needs the photos of the run, but {fault}."
        ) from None
    return [preprocessing.resize(sample.image) for sample in data.split(plan.recipe.photos)[0][:CALIBRATION_PHOTOS]]


def _export(model: keras.Model, path: pathlib.Path, kind: str, **options) -> None:
    with files.replacing(path) as unfinished, warnings.catch_warnings(), disk_faults(), hushed():
        warnings.simplefilter("ignore", FutureWarning)  # tf2onnx's, of NumPy names it looks up and does not need
        if kind == "litert":
            with tempfile.TemporaryFile() as room:
                room.write(bytes(ROOM))
        model.export(str(unfinished), format=kind, verbose=False, **options)


@contextlib.contextmanager
def _tidily() -> Iterator[None]:
    """Within it, copies of graphs that are not needed any more are soon cleared away: half a gigabyte, for ONNX.

    They refer to themselves, so Python's collector has to find them, and the more objects there are the more seldom it
    looks. So it passes over all that was there before (TensorFlow's, mostly) and looks more often at what is new.
    """
    often, before = (700, 5, 2), gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*often)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
        gc.collect()


@contextlib.contextmanager
def _replacing_folder(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """`files.replacing` for a whole folder. Raises WriteError.

    That takes two strokes. Who is killed between them leaves the old folder to `files.put_back`.
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

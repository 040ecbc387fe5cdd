"""LiteRT, formerly TensorFlow Lite: one file for phones, small boards and browsers, in float32 or in int8.

The input is one photo, resized by `preprocessing.resize`; its shape is fixed, because LiteRT in a browser refuses any
other. Non-maximum suppression is not in the file: LiteRT's own operation for it takes one class at a time, so the
runtime here adds `nms.suppress`.
"""

import pathlib
import tempfile
from collections.abc import Iterator

import numpy as np
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from workshop_utils.core import files, machine
from workshop_utils.core.tensorflow import disk_faults, hushed, keras, tf
from workshop_utils.deploy.export_formats import OpenFile
from workshop_utils.deploy.formats import common
from workshop_utils.model import preprocessing

ROOM = 50_000_000
"""Bytes that must be free in the folder for temporary files: the network is written there for a while, and Keras 3.13
does not say when it cannot."""


def write(model: keras.Model, path: pathlib.Path, _photos: None = None) -> None:
    """Write a .tflite file in float32.

    In: `image` (1, 300, 300, 3), float32 pixels from 0 to 255. Out: `boxes` (1, 1917, 4) and `scores`
    (1, 1917, classes). Raises WriteError.
    """
    _export(common.with_boxes(model, batch=1), path)


def write_int8(model: keras.Model, path: pathlib.Path, photos: list[np.ndarray]) -> None:
    """Write a .tflite file that computes in whole numbers from -128 to 127 and is a third as large.

    In: as for `write`. Out: `box_encodings` (1, 1917, 4) and `class_logits` (1, 1917, 1 + classes), float32: decoded
    boxes in 256 steps would be coarse. `photos`, uint8 (300, 300, 3), show which range the numbers of each layer have
    (Jacob et al. 2018, arXiv 1712.05877, section 3). Raises WriteError.
    """
    image = common.image_input(batch=1)
    encodings, logits = model(preprocessing.to_input(image))
    network = common.after_one_call(keras.Model(image, {"box_encodings": encodings, "class_logits": logits}))

    def representative_dataset() -> Iterator[list[np.ndarray]]:
        for photo in photos:
            yield [photo[None].astype(np.float32)]

    _export(network, path, optimizations=[tf.lite.Optimize.DEFAULT], representative_dataset=representative_dataset)


def open_file(path: pathlib.Path) -> OpenFile:
    """Open a .tflite file of either kind. Raises what LiteRT raises for a broken one."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=machine.cores())
    with hushed():  # it remarks on how it is going to compute
        interpreter.allocate_tensors()
    signature = interpreter.get_signature_runner()
    return common.open_network(lambda image: signature(image=image))


def _export(network: keras.Model, path: pathlib.Path, **options) -> None:
    """Convert the network and write the file.

    The weights become constants before the conversion. Keras's own export saves them as variables, reads them back and
    freezes them then, which takes two to three times as long for the same file.
    """
    signature = [tf.TensorSpec(each.shape, each.dtype, name=each.name) for each in network.inputs]
    names = list(network.output)
    outputs = tf.function(lambda image: [network(image, training=False)[name] for name in names], signature)
    frozen = convert_variables_to_constants_v2(outputs.get_concrete_function())
    serve = tf.function(lambda image: dict(zip(names, frozen(image), strict=True)), signature)
    with files.replacing(path) as unfinished, disk_faults(), hushed():
        with tempfile.TemporaryFile() as room:
            room.write(bytes(ROOM))
        with tempfile.TemporaryDirectory() as folder:
            tf.saved_model.save(tf.Module(), folder, signatures=serve.get_concrete_function())
            converter = tf.lite.TFLiteConverter.from_saved_model(folder)
            for name, value in options.items():
                setattr(converter, name, value)
            unfinished.write_bytes(converter.convert())

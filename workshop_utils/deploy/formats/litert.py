"""LiteRT, formerly TensorFlow Lite: one file for phones, small boards and browsers, in float32 or int8.

The input is one photo, resized by `preprocessing.resize`. Its shape is fixed, because LiteRT in browsers requires that.
The file does not include non-maximum suppression, because LiteRT's operation for it takes only one class at a time;
the runtime here adds `nms.suppress`. Only writing imports TensorFlow, which takes half a gigabyte of memory.
"""

import gc
import pathlib
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from workshop_utils.core import files, machine
from workshop_utils.core.stderr import quiet_stderr
from workshop_utils.deploy.export_formats import OpenFile
from workshop_utils.deploy.formats import opening
from workshop_utils.model import preprocessing

if TYPE_CHECKING:
    from workshop_utils.core.tensorflow import keras


def write(model: "keras.Model", path: pathlib.Path, _photos: None = None) -> None:
    """Write a .tflite file in float32.

    Input: `image` (1, 300, 300, 3), float32 pixels from 0 to 255. Outputs: `boxes` (1, 1917, 4) and `scores`
    (1, 1917, classes).

    Args:
        model: The detector.
        path: The file to write.

    Raises:
        WriteError: If the file cannot be written.
    """
    from workshop_utils.deploy.formats import common

    _export(common.with_decoding(model, batch=1), path)


def write_int8(model: "keras.Model", path: pathlib.Path, photos: list[np.ndarray]) -> None:
    """Write a quantised .tflite file (int8), which is a third as large.

    Input: as for `write`. Outputs: `box_encodings` (1, 1917, 4) and `class_logits` (1, 1917, 1 + classes), float32,
    because decoded boxes with only 256 values would be too coarse.

    Args:
        model: The detector.
        path: The file to write.
        photos: Photos, uint8 (300, 300, 3), to calibrate the int8 ranges of each layer (Jacob et al. 2018, arXiv
            1712.05877, section 3).

    Raises:
        WriteError: If the file cannot be written.
    """
    from workshop_utils.core.tensorflow import keras, tf
    from workshop_utils.deploy.formats import common

    image = common.image_input(batch=1)
    encodings, logits = model(preprocessing.to_input(image))
    network = keras.Model(image, {"box_encodings": encodings, "class_logits": logits})

    def representative_dataset() -> Iterator[list[np.ndarray]]:
        return ([photo[None].astype(np.float32)] for photo in photos)

    _export(network, path, optimizations=[tf.lite.Optimize.DEFAULT], representative_dataset=representative_dataset)


def open_file(path: pathlib.Path) -> OpenFile:
    """Open a .tflite file of either kind. Raises LiteRT's errors if it is invalid."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=machine.cores())
    with quiet_stderr():  # LiteRT reports the delegate it uses
        interpreter.allocate_tensors()
    signature = interpreter.get_signature_runner()
    return opening.open_network(lambda image: signature(image=image))


def _export(network: "keras.Model", path: pathlib.Path, **options) -> None:
    """Convert the network and write the file. Keras's own export takes twice as long: it saves and loads it twice more.

    Args:
        network: The network, with named inputs and outputs.
        path: The file to write.
        **options: Attributes to set on TensorFlow's converter.
    """
    from workshop_utils.core.tensorflow import as_os_error, tf

    signature = [tf.TensorSpec(each.shape, each.dtype, name=each.name) for each in network.inputs]
    module: Any = tf.Module()
    module.held = [variable.value for variable in network.variables]
    module.serve = tf.function(lambda image: network(image, training=False), signature, autograph=False)
    with files.replacing(path) as unfinished, as_os_error(), quiet_stderr(), tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures={"serving_default": module.serve})
        gc.collect()  # frees 50 MB of graphs, before the converter takes 200
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        for name, value in options.items():
            setattr(converter, name, value)
        unfinished.write_bytes(converter.convert())

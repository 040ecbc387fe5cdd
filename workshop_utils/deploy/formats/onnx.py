"""ONNX: one file that nearly every framework, runtime and browser can read.

The input is photos, resized by `preprocessing.resize`. The file does not include non-maximum suppression, because the
operation of ONNX differs from TensorFlow's; the runtime here adds `nms.suppress`.
"""

import pathlib
import warnings
from typing import Any, cast

from workshop_utils.core import files, machine
from workshop_utils.core.stderr import quiet_stderr
from workshop_utils.core.tensorflow import as_os_error, keras, tf
from workshop_utils.deploy.export_formats import OpenFile
from workshop_utils.deploy.formats import common, opening


def write(model: keras.Model, path: pathlib.Path, _photos: None = None) -> None:
    """Write an .onnx file.

    Input: `image` (N, 300, 300, 3), float32 pixels from 0 to 255. Outputs: `boxes` (N, 1917, 4) and `scores`
    (N, 1917, classes).

    Args:
        model: The detector.
        path: The file.

    Raises:
        WriteError: If the file cannot be written.
    """
    _export(common.with_decoding(model, batch=None), path)


def open_file(path: pathlib.Path) -> OpenFile:
    """Open an .onnx file. Raises ONNX Runtime's errors if it is invalid."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # for versions without the variable set in `workshop_utils/__init__.py`
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = machine.cores()
    session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    names, run, first = ["boxes", "scores"], cast(Any, session.run), session.get_inputs()[0].name
    return opening.open_network(lambda image: dict(zip(names, run(names, {first: image}), strict=True)))


def _export(network: keras.Model, path: pathlib.Path) -> None:
    """Convert the network and write the file. Keras's own export takes half as long again: it traces layers twice."""
    import tf2onnx

    (image,) = network.inputs
    signature = [tf.TensorSpec(image.shape, image.dtype, name=image.name)]
    serve = tf.function(lambda image: network(image, training=False), signature, autograph=False)
    with files.replacing(path) as unfinished, warnings.catch_warnings(), as_os_error(), quiet_stderr():
        warnings.simplefilter("ignore", FutureWarning)  # from NumPy names that tf2onnx looks up
        tf2onnx.convert.from_function(serve, signature, output_path=str(unfinished))

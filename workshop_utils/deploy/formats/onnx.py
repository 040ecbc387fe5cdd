"""ONNX: one file that nearly every framework, runtime and browser reads.

Photos come resized by `preprocessing.resize`. Non-maximum suppression is not in the file: ONNX's operation for it
differs from TensorFlow's, so the runtime here adds `nms.suppress`.
"""

import pathlib
import warnings

from workshop_utils.core import files, machine
from workshop_utils.core.tensorflow import as_os_error, keras, quiet_stderr
from workshop_utils.deploy.export_formats import OpenFile
from workshop_utils.deploy.formats import common


def write(model: keras.Model, path: pathlib.Path, _photos: None = None) -> None:
    """Write an .onnx file.

    In: `image` (N, 300, 300, 3), float32 pixels from 0 to 255. Out: `boxes` (N, 1917, 4) and `scores`
    (N, 1917, classes). Raises WriteError.
    """
    _export(common.with_boxes(model, batch=None), path)


def open_file(path: pathlib.Path) -> OpenFile:
    """Open an .onnx file. Raises what ONNX Runtime raises for a broken one."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # where the variable set in `workshop_utils/__init__.py` is not known
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = machine.cores()
    session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    names = ("boxes", "scores")
    return common.open_network(
        lambda image: dict(zip(names, session.run(names, {session.get_inputs()[0].name: image}), strict=True))
    )


def _export(network: keras.Model, path: pathlib.Path) -> None:
    with files.replacing(path) as unfinished, warnings.catch_warnings(), as_os_error(), quiet_stderr():
        warnings.simplefilter("ignore", FutureWarning)  # tf2onnx's, of NumPy names it looks up and does not need
        network.export(str(unfinished), format="onnx", verbose=False)

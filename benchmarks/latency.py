"""Measure how long one photo takes, from pixels to boxes, in each format.

    python benchmarks/latency.py RUN

Uses one photo of 300x300 pixels and one thread per core. The outputs are raw, except the SavedModel's, which also
resizes the photo and suppresses overlapping boxes. Prints one line of JSON: the median milliseconds of each format.
"""

import json
import pathlib
import statistics
import sys
import time

import numpy as np

from workshop_utils.core import machine, settings
from workshop_utils.core.tensorflow import tf
from workshop_utils.data import photos
from workshop_utils.deploy import export, export_formats
from workshop_utils.model import preprocessing
from workshop_utils.training import trainer
from workshop_utils.training.run_folder import RunFolder

CALLS = 60
WARM_UP = 10


def milliseconds(call) -> float:
    """Return the median of CALLS calls."""
    seconds = []
    for _ in range(WARM_UP + CALLS):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return 1000 * statistics.median(seconds[WARM_UP:])


def main() -> None:
    run = RunFolder(pathlib.Path(sys.argv[1]))
    paths = export.export(run, export_formats.FORMATS)
    photo = preprocessing.resize(photos.shrink(photos.read(settings.YOGHURT / "images" / "0001.jpg")))[None]
    image, model = preprocessing.to_input(photo), trainer.load_model(run)[0]
    result = {"keras_predict": milliseconds(lambda: model.predict(image, verbose=0))}  # pyright: ignore[reportArgumentType]
    compiled = tf.function(lambda images: model(images, training=False))
    result["keras_compiled"] = milliseconds(lambda: compiled(image)[0].numpy())
    serve = tf.saved_model.load(str(paths["saved_model"])).signatures["serving_default"]
    result["saved_model"] = milliseconds(lambda: serve(input_tensor=tf.constant(photo))["detection_scores"].numpy())
    for name in ("litert", "litert_int8"):
        result[name] = milliseconds(_litert(paths[name], photo))
    result["onnx"] = milliseconds(_onnx(paths["onnx"], photo))
    print(json.dumps(result))


def _litert(path, photo):
    from ai_edge_litert.interpreter import Interpreter

    signature = Interpreter(str(path), num_threads=machine.cores()).get_signature_runner()
    return lambda: signature(image=photo.astype(np.float32))


def _onnx(path, photo):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = machine.cores()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda: session.run(["boxes", "scores"], {name: photo.astype(np.float32)})


if __name__ == "__main__":
    main()

"""Photos in, annotated photos and files out: from a run, from an exported file, or from the COCO model itself."""

import collections
import dataclasses
import pathlib

import numpy as np

from workshop_utils.core import files, machine, untrusted
from workshop_utils.core.errors import WorkshopError
from workshop_utils.core.tensorflow import hushed
from workshop_utils.data import label_map
from workshop_utils.data.dataset import LABEL_MAP
from workshop_utils.model import anchors, detection, nms, preprocessing
from workshop_utils.model.detection import Detections

FASTEST_FIRST = ("detector.tflite", "detector.onnx", "saved_model")
"""What `export` writes, in the order of how fast one photo is done (benchmarks/results.md)."""

BLANK = np.zeros((preprocessing.INPUT_SIDE, preprocessing.INPUT_SIDE, 3), np.uint8)
"""What a file is tried on when it is opened: a whole file may hold another model."""


class InferenceError(WorkshopError, ValueError):
    """A detector or photos that cannot be used as asked; the message says which and what to do."""


@dataclasses.dataclass(frozen=True)
class OpenDetector:
    """A detector in some format, made ready.

    `run` takes a uint8 image (height, width, 3) and a least score, and returns (boxes (100, 4), class ids (100,),
    scores (100,)).
    """

    name: str
    label_map: dict[int, str]
    run: collections.abc.Callable

    def detect(self, images, min_score: float = 0.01) -> Detections:
        """Detect in uint8 images (height, width, 3), each of any size."""
        found = [self.run(image, min_score) for image in images]
        return Detections(*(np.stack(part) for part in zip(*found, strict=True)))


def open_detector(source: str | pathlib.Path) -> OpenDetector:
    """Open `coco`, a run's folder, what `export` wrote of one, or one file of that.

    Of a folder with several formats the fastest is taken. Raises InferenceError for what is no detector and for a label
    map of other classes; ExperimentError and LabelMapError for a run or a label map that is none.
    """
    if str(source) == "coco":
        from workshop_utils.model import pretrained

        return OpenDetector("coco", label_map.coco(), _keras(pretrained.coco_detector()))
    path = pathlib.Path(source)
    if (path / "recipe.json").exists():
        from workshop_utils.training import trainer
        from workshop_utils.training.run_folder import RunFolder

        model, names = trainer.load_model(RunFolder(path))
        return OpenDetector(str(path), names, _keras(model))
    for each in (path, path / "saved_model"):
        files.put_back(each)
    path = next((path / name for name in FASTEST_FIRST if (path / name).exists()), path)
    kinds = {".tflite": _litert, ".onnx": _onnx}
    if (path / "saved_model.pb").exists():
        opened = _saved_model
    elif path.suffix in kinds and path.is_file():
        opened = kinds[path.suffix]
    else:
        raise InferenceError(
            f"{source}: is neither 'coco' nor a run, nor a SavedModel folder, a .tflite or an .onnx file."
        )
    names = label_map.read(path.parent / LABEL_MAP)
    try:
        run, classes = opened(path)
    except InferenceError:
        raise
    except Exception as fault:  # each runtime has errors of its own for a broken file, or another model
        said = str(fault).split("\n")[0]
        raise InferenceError(
            f"{path}: cannot be used ({said}). It is broken or no detector of ours: export it anew."
        ) from None
    if classes not in (None, max(names)):
        raise InferenceError(
            f"{path}: has scores for {classes} classes, but the last id in {LABEL_MAP} is {max(names)}. Put the "
            f"{LABEL_MAP} beside it that was exported with it."
        )
    return OpenDetector(str(path), names, run)


def once(found: Detections) -> Detections:
    """Return the detections with each object under one name, the surest.

    Non-maximum suppression works class by class, so a cup that looks like peach and like strawberry is found as both.
    Here boxes of whatever class that overlap by more than NMS_IOU are one object.
    """
    single = Detections(*(np.zeros_like(part) for part in found))
    for photo, (boxes, scores) in enumerate(zip(found.boxes, found.scores)):
        kept = nms.once(boxes, scores, detection.NMS_IOU)
        for part, every in zip(single, found):
            part[photo, : len(kept)] = every[photo][kept]
    return single


def _keras(model):
    def run(image, min_score):
        return tuple(part[0] for part in detection.detect(model, image[None], min_score))

    return run


def _saved_model(path: pathlib.Path):
    """Return what runs a SavedModel, and None: how many classes it knows cannot be seen from outside."""
    from workshop_utils.core.tensorflow import tf

    if acting := untrusted.operations_that_act(path):
        raise InferenceError(
            f"{path}: would do more than compute ({', '.join(acting[:5])}), so it is not run. Take one of `export`'s."
        )
    loaded = tf.saved_model.load(str(path))
    serve = loaded.signatures["serving_default"]

    def run(image, min_score):
        found = {key: value.numpy()[0] for key, value in serve(input_tensor=tf.constant(image[None])).items()}
        good = found["detection_scores"] >= min_score
        return tuple(
            np.where(good[:, None] if part.ndim == 2 else good, part, 0)
            for part in (
                found["detection_boxes"],
                found["detection_classes"].astype(np.int32),
                found["detection_scores"],
            )
        )

    run.keeps = loaded
    boxes, _, scores = run(BLANK, 1.0)
    _refuse_shapes(boxes.shape, scores.shape, (len(scores),))
    return run, None


def _litert(path: pathlib.Path):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=machine.cores())
    with hushed():  # it remarks on how it is going to compute
        interpreter.allocate_tensors()
    signature = interpreter.get_signature_runner()
    return _from_raw(lambda image: signature(image=image))


def _onnx(path: pathlib.Path):
    import onnxruntime

    onnxruntime.disable_telemetry_events()  # where the variable set in `__init__` is not known
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = machine.cores()
    session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    return _from_raw(
        lambda image: dict(
            zip(("boxes", "scores"), session.run(["boxes", "scores"], {session.get_inputs()[0].name: image}))
        )
    )


def _from_raw(raw):
    """Return what runs a network without non-maximum suppression, and how many classes it has scores for."""

    def predict(image):
        found = raw(preprocessing.resize(image)[None].astype(np.float32))
        if "boxes" in found:
            return found["boxes"][0], found["scores"][0]
        return _decode(found["box_encodings"][0], found["class_logits"][0])

    def run(image, min_score):
        return nms.suppress(*predict(image), min_score, detection.NMS_IOU, detection.MAX_DETECTIONS)

    boxes, scores = predict(BLANK)
    _refuse_shapes(boxes.shape, scores.shape, (len(boxes), scores.shape[-1]))
    return run, scores.shape[-1]


def _refuse_shapes(boxes: tuple, scores: tuple, wanted: tuple) -> None:
    if boxes != (wanted[0], 4) or scores != wanted:
        raise ValueError(f"boxes come in the shape {boxes}, scores in {scores}")


def _decode(encodings, logits):
    """`detector.decode` of one photo in NumPy."""
    boxes = np.clip(anchors.decode(encodings, anchors.anchors()), 0.0, 1.0)
    return boxes, 1 / (1 + np.exp(-logits[:, 1:]))

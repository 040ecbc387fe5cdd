"""Photos in, annotated photos and files out: from a run, from an exported file, or from the COCO model itself."""

import collections
import csv
import dataclasses
import pathlib

import numpy as np
from tqdm.auto import tqdm

from workshop_utils import anchors, detector, drawing, files, guards, label_map, machine, nms, photos, voc
from workshop_utils.dataset import LABEL_MAP
from workshop_utils.detector import Detections
from workshop_utils.errors import WorkshopError
from workshop_utils.quiet import hushed

BATCH = 8
DETECTIONS = "detections.csv"
CONTENTS = "contents.csv"

FASTEST_FIRST = ("detector.tflite", "detector.onnx", "saved_model")
"""What `export` writes, in the order of how fast one photo is done (benchmarks/results.md)."""

BLANK = np.zeros((photos.INPUT_SIDE, photos.INPUT_SIDE, 3), np.uint8)
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


@dataclasses.dataclass(frozen=True)
class PhotoReport:
    """What one photo holds. Where it could not be read, `fault` says why and all else is empty."""

    path: pathlib.Path
    boxes: np.ndarray
    names: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    fault: str | None = None

    @property
    def counts(self) -> dict[str, int]:
        return dict(sorted(collections.Counter(self.names).items()))


def open_detector(source: str | pathlib.Path) -> OpenDetector:
    """Open `coco`, a run's folder, what `export` wrote of one, or one file of that.

    Of a folder with several formats the fastest is taken. Raises InferenceError for what is no detector and for a label
    map of other classes; ExperimentError and LabelMapError for a run or a label map that is none.
    """
    if str(source) == "coco":
        from workshop_utils import pretrained

        return OpenDetector("coco", label_map.coco(), _keras(pretrained.coco_detector()))
    path = pathlib.Path(source)
    if (path / "recipe.json").exists():
        from workshop_utils import training
        from workshop_utils.experiment import Experiment

        model, names = training.load_model(Experiment(path))
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
        kept = nms.once(boxes, scores, detector.NMS_IOU)
        for part, every in zip(single, found):
            part[photo, : len(kept)] = every[photo][kept]
    return single


def annotate(
    source: OpenDetector, paths, out: pathlib.Path, min_score: float = 0.4, every_name: bool = False
) -> list[PhotoReport]:
    """Detect in photos and write into `out`, for each, NAME.labeled.jpg and NAME.xml; for all, DETECTIONS and CONTENTS.

    Each object is found once (see `once`), or, with `every_name`, under every name that it is found by. A photo that
    cannot be read is reported and the rest goes on. What was interrupted can be called again. Raises InferenceError
    where two photos have one stem, where `out` holds files that an earlier call did not write, or where a class is
    found that the label map does not name; WriteError where the disk is full.
    """
    paths = [pathlib.Path(path) for path in paths]
    _refuse_clashes(paths, out)
    files.make_folder(out)
    if not (out / DETECTIONS).exists():
        _write_tables([], [], out)  # by this the next call knows that what follows is ours
    bar = tqdm(paths, desc="detect", unit="photo")
    reports = [_annotate_one(source, path, out, min_score, every_name) for path in bar]
    _write_tables(reports, list(source.label_map.values()), out)
    return reports


def collect(arguments) -> list[pathlib.Path]:
    """Return the photos meant by files and folders, in their order, each once.

    Raises InferenceError where there is none, and for a link that leads out of its folder; PhotoError for a folder that
    cannot be listed.
    """
    found: dict[pathlib.Path, None] = {}
    for argument in map(pathlib.Path, arguments):
        paths = photos.find(argument) if argument.is_dir() else [argument]
        if astray := [path for path in paths if argument.is_dir() and guards.leaves(path, argument)]:
            raise InferenceError(f"{astray[0]}: is a link that leads out of {argument}. Put the photo itself there.")
        found.update(dict.fromkeys(paths))
    if not found:
        raise InferenceError(
            f"No photos in: {', '.join(map(str, arguments))}. Photos end in {', '.join(sorted(photos.SUFFIXES))}."
        )
    return list(found)


def _annotate_one(source: OpenDetector, path, out: pathlib.Path, min_score: float, every_name: bool) -> PhotoReport:
    try:
        photo = photos.read(path)
    except photos.PhotoError as fault:
        return PhotoReport(path, np.zeros((0, 4), np.float32), fault=str(fault))
    found = source.detect([photos.shrink(photo)], min_score)
    if not every_name:
        found = once(found)
    boxes, classes, scores = (part[0] for part in found)
    kept = (scores >= min_score) & (classes > 0)  # 0 is padding
    boxes, classes, scores = boxes[kept], classes[kept], scores[kept]
    if unnamed := set(classes.tolist()) - source.label_map.keys():
        raise InferenceError(
            f"{source.name}: finds class {min(unnamed)}, which its label map does not name. Take the {LABEL_MAP} that "
            "was exported with it."
        )
    names = tuple(source.label_map[number] for number in classes.tolist())
    annotation = voc.from_normalised(photo.size, names, boxes, path.name, path.resolve().parent.name)
    try:
        voc.write(annotation, out / f"{path.stem}.xml")
    except voc.VocError as fault:
        return PhotoReport(path, np.zeros((0, 4), np.float32), fault=str(fault))
    picture = drawing.photo_with_detections(photo, boxes, classes, scores, source.label_map, min_score)
    with files.replacing(out / f"{path.stem}.labeled.jpg") as unfinished:
        picture.save(unfinished, "JPEG", quality=92)
    return PhotoReport(path, boxes, names, tuple(scores.tolist()))


def _refuse_clashes(paths: list[pathlib.Path], out: pathlib.Path) -> None:
    stems = collections.Counter(path.stem for path in paths)
    twice = [path for path in paths if stems[path.stem] > 1]
    if twice:
        raise InferenceError(f"{twice[0]} and {twice[1]} would be written to one file. Detect them into two folders.")
    if out.exists() and not out.is_dir():
        raise InferenceError(f"{out}: is a file, not a folder. Choose another --out.")
    if (out / DETECTIONS).exists():
        return
    for path in paths:
        for clash in (out / f"{path.stem}.xml", out / f"{path.stem}.labeled.jpg"):
            if clash.exists():
                raise InferenceError(f"{clash}: exists already and was not made by detecting. Choose another --out.")


def _write_tables(reports: list[PhotoReport], names: list[str], out: pathlib.Path) -> None:
    rows = [
        [report.path.name, name, f"{score:.4f}", *(f"{edge:.5f}" for edge in box)]
        for report in reports
        for box, name, score in zip(report.boxes, report.names, report.scores, strict=True)
    ]
    _write_table([["photo", "class", "score", "ymin", "xmin", "ymax", "xmax"], *rows], out / DETECTIONS)
    seen = [name for name in names if any(name in report.names for report in reports)]
    rows = [
        [report.path.name, *("" if report.fault else str(report.counts.get(name, 0)) for name in seen)]
        for report in reports
    ]
    _write_table([["photo", *seen], *rows], out / CONTENTS)


def _write_table(rows: list[list[str]], path: pathlib.Path) -> None:
    how = {"newline": "", "encoding": "utf-8", "errors": "backslashreplace"}
    with files.replacing(path) as unfinished, open(unfinished, "w", **how) as stream:
        csv.writer(stream).writerows([guards.cell(text) for text in row] for row in rows)


def _keras(model):
    def run(image, min_score):
        return tuple(part[0] for part in detector.detect(model, image[None], min_score))

    return run


def _saved_model(path: pathlib.Path):
    """Return what runs a SavedModel, and None: how many classes it knows cannot be seen from outside."""
    from workshop_utils.quiet import tf

    if acting := guards.operations_that_act(path):
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
        found = raw(photos.resize(image)[None].astype(np.float32))
        if "boxes" in found:
            return found["boxes"][0], found["scores"][0]
        return _decode(found["box_encodings"][0], found["class_logits"][0])

    def run(image, min_score):
        return nms.suppress(*predict(image), min_score, detector.NMS_IOU, detector.MAX_DETECTIONS)

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

"""From a run, an export or COCO's weights to the LiteRT file that the page runs."""

import dataclasses
import pathlib
import tempfile

from workshop_utils.core.errors import UsageError
from workshop_utils.data import label_map
from workshop_utils.deploy import export, export_formats, runtime
from workshop_utils.deploy.runtime import InferenceError
from workshop_utils.training.run_folder import RECIPE, RunFolder

INPUT_SHAPE = [1, 300, 300, 3]
"""LiteRT.js takes a network whose input has a fixed shape."""

FEW = 8
"""As many classes are named on the page, and no more."""


@dataclasses.dataclass(frozen=True)
class Network:
    """A detector in the form that the page needs.

    Attributes:
        name: What it is called.
        data: The LiteRT file.
        label_map: What its class ids mean.
        decodes: Whether its outputs are boxes; else they are encodings relative to the anchors.
    """

    name: str
    data: bytes
    label_map: dict[int, str]
    decodes: bool

    @property
    def description(self) -> str:
        """What it finds, for people."""
        names = sorted(self.label_map.values())
        if len(names) > FEW:
            return f"{self.name} finds {len(names)} kinds of objects, from {names[0]} to {names[-1]}."
        return f"{self.name} finds {', '.join(names)}."


def open_network(source: str | pathlib.Path, int8: bool = False, architecture: str | None = None) -> Network:
    """Return the network of `coco`, of a run, of an export folder or of one `.tflite` file.

    A run is exported first, into RUN/export.

    Args:
        source: Where it comes from.
        int8: Whether to take the quantised file, a third as large.
        architecture: The network of `coco`, by default SSDLite MobileNetV2.

    Raises:
        UsageError: For `coco` with `int8`: there are no training photos to calibrate it on.
        InferenceError: If there is no LiteRT file, or one of another model.
        RunFolderError, ExportError, LabelMapError, PretrainedError: As `export` and `runtime.open_detector` do.
    """
    kind = export_formats.get("litert_int8" if int8 else "litert")
    if str(source) == "coco":
        return _coco(int8, architecture)
    path = pathlib.Path(source)
    name = _name(path.resolve())
    if (path / RECIPE).exists():
        path = export.export(RunFolder(path), [kind.name])[kind.name]
    elif path.is_dir():
        path = path / kind.file_name
    if not path.is_file() or path.suffix != ".tflite":
        raise InferenceError(
            f"{path}: is not a LiteRT file, and the page needs one. Name a run, or export one with "
            f"`--formats {kind.name}`."
        )
    return _read(path, name)


def _name(path: pathlib.Path) -> str:
    """Return the name of the run that a path is, or that was exported to it; without a run, the path's own name."""
    runs = (place for place in (path, *path.parents[:2]) if (place / RECIPE).exists())
    return next(runs, path).name


def _coco(int8: bool, architecture: str | None) -> Network:
    if int8:
        raise UsageError("usage: coco has no training photos to calibrate int8 on; leave --int8 out, or name a run")
    from workshop_utils.deploy.formats import litert
    from workshop_utils.model import architectures, pretrained

    model = pretrained.coco_detector(architecture=architectures.get(architecture))
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch, "detector.tflite")
        litert.write(model, path)
        return Network("COCO's detector", path.read_bytes(), label_map.coco(), decodes=True)


def _read(path: pathlib.Path, name: str) -> Network:
    """Read a LiteRT file and the label map next to it. Raises InferenceError and LabelMapError."""
    from ai_edge_litert.interpreter import Interpreter

    detector = runtime.open_detector(path)
    data = path.read_bytes()
    interpreter = Interpreter(model_content=data)
    shape = interpreter.get_input_details()[0]["shape_signature"].tolist()
    if shape != INPUT_SHAPE:
        raise InferenceError(
            f"{path}: takes photos of the shape {shape}, and a browser only runs {INPUT_SHAPE}. Export the run again."
        )
    outputs = interpreter.get_signature_list()["serving_default"]["outputs"]
    return Network(name, data, detector.label_map, decodes="boxes" in outputs)

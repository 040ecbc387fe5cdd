"""A format is added with one module and one entry, and listing the formats imports nothing."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from workshop_utils.core import files, settings
from workshop_utils.deploy import export, export_formats, runtime
from workshop_utils.deploy.export_formats import ExportFormat, OpenFile
from workshop_utils.model import detection, ssdlite_mobilenet_v2
from workshop_utils.training.run_folder import Plan, RunFolder


def write_weights(model, path, photos):
    """Write a format from outside the package: the weights, and the mean of the photos if there are any."""
    arrays = {f"w{place}": weight for place, weight in enumerate(model.get_weights())}
    with files.replacing(path) as unfinished, open(unfinished, "wb") as stream:
        np.savez(stream, **arrays, mean=np.mean(photos) if photos else -1.0)


def open_weights(path):
    with np.load(path) as stored:
        model = ssdlite_mobilenet_v2.build(90)
        model.set_weights([stored[f"w{place}"] for place in range(len(stored.files) - 1)])
    return OpenFile(lambda image, least: tuple(part[0] for part in detection.detect(model, image[None], least)), 90)


WEIGHTS = ExportFormat("weights", "weights.npz", write_weights, open_weights, speed_rank=9, default=False)


@pytest.fixture
def registry(monkeypatch):
    """The registry, restored after the test."""
    monkeypatch.setattr(export_formats, "FORMATS", dict(export_formats.FORMATS))
    return export_formats


@pytest.fixture
def run(yoghurt, tmp_path):
    """A run of the COCO detector."""
    recipe, run = settings.recipe("quick", photos=10), RunFolder(tmp_path / "run")
    run.begin(Plan("as_is", recipe, yoghurt.label_map, str(settings.YOGHURT), yoghurt.fingerprint()))
    return run


def test_a_format_registered_from_outside_is_written_opened_and_detects(registry, run, coco, yoghurt):
    registry.register(WEIGHTS)
    paths = export.export(run, ["weights"])
    assert paths == {"weights": run.folder / "export" / "weights.npz"}
    image = yoghurt.samples[5].image
    wanted = detection.detect(coco, image[None])
    assert wanted.scores.max() > 0.3
    for source in (paths["weights"], run.folder / "export"):
        for found, part in zip(runtime.open_detector(source).detect([image]), wanted, strict=True):
            np.testing.assert_array_equal(found, part)


def test_a_format_from_outside_can_ask_for_photos_and_be_a_default(registry, run, monkeypatch, yoghurt):
    for name in registry.defaults():
        monkeypatch.setitem(registry.FORMATS, name, dataclasses.replace(registry.get(name), default=False))
    registry.register(dataclasses.replace(WEIGHTS, needs_photos=True, default=True))
    [path] = export.export(run).values()
    with np.load(path) as stored:
        assert 50 < stored["mean"] < 200, "it is the mean of photos"


def test_a_broken_file_of_a_format_from_outside_is_named(registry, run):
    registry.register(WEIGHTS)
    path = export.export(run, ["weights"])["weights"]
    path.write_bytes(b"no weights")
    with pytest.raises(runtime.InferenceError, match=r"weights\.npz: "):
        runtime.open_detector(path)


@pytest.mark.parametrize("taken", [{"name": "onnx"}, {"file_name": "detector.onnx"}])
def test_a_format_with_a_name_that_exists_is_refused(registry, taken):
    before = dict(registry.FORMATS)
    with pytest.raises(export_formats.ExportError, match=r"'onnx'.*detector\.onnx"):
        registry.register(dataclasses.replace(WEIGHTS, **taken))
    assert before == registry.FORMATS


def test_an_unknown_format_is_wrong_usage_and_names_the_others():
    with pytest.raises(export_formats.UnknownFormatError, match=r"'tfjs'.*saved_model, litert, litert_int8, onnx"):
        export_formats.get("tfjs")
    assert export_formats.UnknownFormatError.exit_code == 2


def test_int8_is_written_only_if_it_is_named():
    assert export_formats.defaults() == ["saved_model", "litert", "onnx"]


def test_listing_the_formats_imports_neither_tensorflow_nor_any_runtime():
    program = (
        "import sys\nfrom workshop_utils.deploy import export_formats\n"
        "print(*export_formats.FORMATS, *export_formats.defaults(), export_formats.get('onnx').file_name)\n"
        "heavy = {'tensorflow', 'keras', 'onnx', 'onnxruntime', 'ai_edge_litert', 'pycocotools', 'matplotlib'}\n"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=settings.PROJECT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "saved_model litert litert_int8 onnx saved_model litert onnx detector.onnx",
        "[]",
    ]

"""Every exported format finds what the checkpoint finds."""

import json
import subprocess
import sys

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from PIL import Image
from training_runs import train

from workshop_utils.core import settings
from workshop_utils.data import dataset, geometry, label_map, tfrecords
from workshop_utils.deploy import export, export_formats, keras_detector, runtime
from workshop_utils.deploy.formats import litert, saved_model
from workshop_utils.model import preprocessing
from workshop_utils.training import trainer
from workshop_utils.training.run_folder import Plan, RunFolder, RunFolderError

SIZES = ((512, 384), (300, 300), (200, 320), (97, 61), (1280, 720))


@pytest.fixture(scope="module")
def as_is(yoghurt, tmp_path_factory):
    recipe = settings.recipe("quick", photos=10)
    return train("as_is", yoghurt, recipe, tmp_path_factory.mktemp("as_is"), settings.YOGHURT)


@pytest.fixture(scope="module")
def exported(as_is):
    return export.export(as_is)


@pytest.fixture(scope="module")
def fine_tuned(yoghurt, tmp_path_factory):
    changes = {"steps": 4, "photos": 10, "batch_size": 2, "checkpoint_every": 2, "evaluate_every": 4}
    recipe, folder = settings.recipe("quick", **changes), tmp_path_factory.mktemp("tuned")
    return train("fine_tune", yoghurt, recipe, folder, train_from="block_16_project_BN")


@pytest.fixture(scope="module")
def images(yoghurt):
    photo = Image.fromarray(yoghurt.samples[5].image)
    return [sample.image for sample in yoghurt.samples[:3]] + [np.asarray(photo.resize(size)) for size in SIZES]


@pytest.mark.parametrize("kind", export_formats.defaults())
def test_each_format_finds_the_same_boxes_on_photos_of_several_sizes(kind, as_is, exported, images):
    wanted = runtime.open_detector(as_is.folder).detect(images)
    found = runtime.open_detector(exported[kind]).detect(images)
    assert (wanted.scores > 0.3).sum() >= 10
    for row in range(len(images)):
        for place in np.flatnonzero(wanted.scores[row] > 0.3):
            same = (found.classes[row] == wanted.classes[row, place]) & (
                np.abs(found.scores[row] - wanted.scores[row, place]) < 0.02
            )
            overlap = geometry.iou(wanted.boxes[row, place][None], found.boxes[row])[0]
            assert overlap[same].max(initial=0) > 0.97


@pytest.mark.long  # short: test_importing.py trains and detects with this network
def test_ssd_mobilenet_v1_is_trained_from_random_weights_exported_and_detects(voc_folder, tmp_path):
    data, changes = dataset.load(voc_folder), {"steps": 2, "batch_size": 2, "evaluate_every": 2}
    recipe, network = settings.recipe("quick", photos=None, checkpoint_every=2, **changes), "ssd_mobilenet_v1"
    plan = Plan.of(data, "random_init", recipe, source=voc_folder, architecture=network)
    run = trainer.train(plan, data, tmp_path / "run")
    assert trainer.load_model(run)[0].name == network and run.metrics()["AP"] is not None
    images = [sample.image for sample in data.samples[:2]]
    wanted = runtime.open_detector(run.folder).detect(images, 0.0)
    assert (wanted.scores > 0).all()
    paths = export.export(run, list(export_formats.FORMATS))
    for kind, path in paths.items():
        found = runtime.open_detector(path).detect(images, 0.0)
        assert set(found.classes[found.scores > 0]) <= set(data.label_map), kind
        np.testing.assert_allclose(found.scores, wanted.scores, atol=0.02 if kind == "litert_int8" else 1e-3)


EXPORT_STEP_2 = """
import pathlib, sys
from workshop_utils.deploy import export
from workshop_utils.training import run_folder, trainer

def peak():
    # Not getrusage: its peak includes that of the process which started this one.
    (line,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return 1024 * int(line.split()[1])

run = run_folder.RunFolder(pathlib.Path(sys.argv[1]))
trainer.load_model(run)
before = peak()
export.export(run, ["onnx"], 2)
print(peak() - before)
"""


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the peak memory of a process in this form")
def test_writing_onnx_takes_less_than_a_gigabyte(fine_tuned):
    command = [sys.executable, "-c", EXPORT_STEP_2, str(fine_tuned.folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=settings.PROJECT)
    assert done.returncode == 0, done.stderr[-2000:]
    assert 0 < int(done.stdout) < 750e6


@pytest.mark.parametrize("kind", ["litert", "onnx"])
def test_the_portable_formats_differ_by_rounding_only(kind, as_is, exported, images):
    wanted = runtime.open_detector(as_is.folder).detect(images)
    found = runtime.open_detector(exported[kind]).detect(images)
    np.testing.assert_allclose(found.scores, wanted.scores, atol=1e-4)


def test_the_saved_model_runs_without_this_package(exported):
    program = (
        "import sys, numpy, tensorflow as tf\n"
        f"serve = tf.saved_model.load({str(exported['saved_model'])!r}).signatures['serving_default']\n"
        "found = serve(input_tensor=tf.zeros((2, 123, 77, 3), tf.uint8))\n"
        "print(sorted((name, value.shape.as_list(), value.dtype.name) for name, value in found.items()))\n"
        "assert 'workshop_utils' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr[-2000:]
    assert eval(done.stdout) == [
        ("detection_boxes", [2, 100, 4], "float32"),
        ("detection_classes", [2, 100], "float32"),
        ("detection_scores", [2, 100], "float32"),
        ("num_detections", [2], "float32"),
    ]


def test_opening_and_running_a_litert_file_prints_nothing_and_does_not_load_tensorflow(exported):
    program = (
        "import sys, numpy; from workshop_utils.deploy import runtime\n"
        f"runtime.open_detector({str(exported['litert'])!r}).detect([numpy.zeros((60, 80, 3), numpy.uint8)])\n"
        "assert 'tensorflow' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=settings.PROJECT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def assert_takes_one_photo(path, **outputs: tuple[int, ...]):
    """Assert that every shape in a .tflite file is fixed, because LiteRT in a browser runs no other."""
    interpreter = Interpreter(str(path))
    shapes = [each["shape_signature"].tolist() for each in interpreter.get_tensor_details()]
    assert len(shapes) > 300 and not [shape for shape in shapes if -1 in shape]
    signature = interpreter.get_signature_runner()
    sides = signature.get_input_details(), signature.get_output_details()
    found = [{name: (tuple(each["shape_signature"]), each["dtype"]) for name, each in side.items()} for side in sides]
    assert found[0] == {"image": ((1, 300, 300, 3), np.float32)}
    assert found[1] == {name: (shape, np.float32) for name, shape in outputs.items()}


def test_a_litert_file_takes_exactly_one_photo(exported):
    assert_takes_one_photo(exported["litert"], boxes=(1, 1917, 4), scores=(1, 1917, 90))


@pytest.mark.parametrize("size", SIZES)
def test_the_saved_model_resizes_as_training_does(size, yoghurt):
    image = np.asarray(Image.fromarray(yoghurt.samples[5].image).resize(size))
    ours = saved_model._resize(image[None])[0].numpy()
    differences = np.abs(ours - preprocessing.resize(image))
    assert differences.max() <= 2
    assert differences.mean() < 0.2


def test_int8_finds_nearly_the_same_in_a_quarter_of_the_bytes(as_is, exported, images, capfd):
    path = export.export(as_is, ["litert_int8"])["litert_int8"]
    assert capfd.readouterr().err == ""
    assert_takes_one_photo(path, box_encodings=(1, 1917, 4), class_logits=(1, 1917, 91))
    assert path.stat().st_size < 0.35 * exported["litert"].stat().st_size
    wanted = runtime.open_detector(exported["litert"]).detect(images)
    found = runtime.open_detector(path).detect(images)
    again = [
        geometry.iou(box[None], found.boxes[row][found.classes[row] == number])[0].max(initial=0) > 0.75
        for row in range(len(images))
        for box, number in zip(*(part[row][wanted.scores[row] > 0.3] for part in wanted[:2]), strict=True)
    ]
    assert len(again) >= 10 and np.mean(again) > 0.8, again


@pytest.mark.parametrize("data", ["", "moved/elsewhere"])
def test_int8_needs_the_photos_of_the_run(as_is, data, tmp_path):
    fields = json.loads((as_is.folder / "recipe.json").read_text()) | {"data": data}
    (tmp_path / "recipe.json").write_text(json.dumps(fields))
    with pytest.raises(export.ExportError, match="litert_int8"):
        export.export(RunFolder(tmp_path), ["litert_int8"])


@pytest.fixture
def calibration(monkeypatch):
    """Replace the writer of int8 files; return a list of the photos of each call."""
    given = []

    def write(_, path, photos):
        given.append(photos)
        path.write_bytes(b"")

    monkeypatch.setattr(litert, "write_int8", write)
    return given


@pytest.mark.parametrize("shards", [1, 3])
def test_int8_is_calibrated_on_the_training_photos_of_records_too(yoghurt, calibration, shards, tmp_path):
    tfrecords.write(dataset.Dataset(yoghurt.samples[:10], yoghurt.label_map), tmp_path / "records", shards)
    data, run = tfrecords.read(tmp_path / "records"), RunFolder(tmp_path / "run")
    plan = Plan("as_is", settings.recipe("quick"), data.label_map, str(tmp_path / "records"), data.fingerprint())
    run.begin(plan)
    assert export.export(run, ["litert_int8"])["litert_int8"].exists()
    training = data.split(plan.recipe.photos)[0]
    np.testing.assert_array_equal(calibration[0], [preprocessing.resize(sample.image) for sample in training])
    assert len(training) == 8


def test_int8_is_calibrated_on_64_photos_at_most(as_is, calibration):
    fields = json.loads((as_is.folder / "recipe.json").read_text())
    fields["recipe"]["photos"] = 100
    run = RunFolder(as_is.folder.parent / "of_100_photos")
    run.folder.mkdir()
    (run.folder / "recipe.json").write_text(json.dumps(fields))
    export.export(run, ["litert_int8"])
    assert len(calibration[0]) == 64


def test_labels_are_written_next_to_the_files(fine_tuned):
    export.export(fine_tuned, [])
    folder = fine_tuned.folder / "export"
    assert label_map.read(folder / "label_map.pbtxt") == fine_tuned.plan.classes
    assert (folder / "labels.txt").read_text().splitlines() == list(fine_tuned.plan.classes.values())


def test_coco_s_labels_leave_the_gaps_in_its_ids_empty(as_is, exported):
    lines = (as_is.folder / "export" / "labels.txt").read_text().split("\n")
    assert (lines[47 - 1], lines[12 - 1], lines[90 - 1]) == ("cup", "", "toothbrush")


@pytest.mark.long  # short: test_checkpoints.py
def test_the_named_checkpoint_is_exported_and_by_default_the_last(fine_tuned, images):
    last = export.export(fine_tuned, ["litert"])["litert"]
    of_step_4 = runtime.open_detector(last).detect(images[:1], min_score=0.0).scores
    exported = export.export(fine_tuned, ["litert"], 2)["litert"]
    of_step_2 = runtime.open_detector(exported).detect(images[:1], min_score=0.0).scores
    model, _ = trainer.load_model(fine_tuned, 2)
    expected = runtime.OpenDetector("", {}, keras_detector.runner(model)).detect(images[:1], min_score=0.0).scores
    np.testing.assert_allclose(of_step_2, expected, atol=1e-4)
    assert np.abs(of_step_2 - of_step_4).max() > 1e-3


def test_a_missing_checkpoint_is_named_with_the_existing_ones(fine_tuned):
    with pytest.raises(RunFolderError, match=r" 3\b.* 2, 4\b"):
        export.export(fine_tuned, ["onnx"], 3)


def test_an_unknown_format_is_refused(fine_tuned):
    with pytest.raises(export.ExportError, match=r"'tfjs'.*saved_model, litert, .*onnx"):
        export.export(fine_tuned, ["tfjs"])


def test_a_failed_export_leaves_the_old_file(as_is, exported, monkeypatch):
    path = exported["litert"]
    before, names = path.read_bytes(), sorted(each.name for each in path.parent.iterdir())

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tensorflow.saved_model.save", full)
    with pytest.raises(OSError, match="No space"):
        export.export(as_is, ["litert"])
    assert path.read_bytes() == before
    assert sorted(each.name for each in path.parent.iterdir()) == names

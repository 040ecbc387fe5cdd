"""From a run, an export or COCO's weights to the file that the page runs; what the page cannot run is refused."""

import numpy as np
import pytest
import tensorflow as tf

from workshop_utils.core.errors import UsageError
from workshop_utils.data import label_map
from workshop_utils.deploy import export
from workshop_utils.deploy.runtime import InferenceError
from workshop_utils.deploy.web import networks
from workshop_utils.training.run_folder import RunFolder, RunFolderError


def litert_file(path, batch: int | None = 1, classes: int = 2, names: tuple[str, str] = ("boxes", "scores")):
    """Write a LiteRT file that takes photos as ours do and returns the same box and score for every photo."""
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec((batch, 300, 300, 3), tf.float32, name="image")])
    def serve(image):
        zero = tf.reduce_mean(image) * 0.0
        return {names[0]: tf.zeros((1, 1917, 4)) + zero, names[1]: tf.zeros((1, 1917, classes)) + zero}

    module.serve = serve
    converter = tf.lite.TFLiteConverter.from_concrete_functions([serve.get_concrete_function()], module)
    path.write_bytes(converter.convert())
    return path


@pytest.fixture
def exported(tmp_path):
    """An export folder."""
    folder = tmp_path / "cups" / "export"
    folder.mkdir(parents=True)
    litert_file(folder / "detector.tflite")
    label_map.write({1: "peach", 2: "vanilla"}, folder / "label_map.pbtxt")
    return folder


def test_an_export_folder_and_a_file_in_it_are_the_same_network(exported):
    of_folder, of_file = networks.open_network(exported), networks.open_network(exported / "detector.tflite")
    assert of_folder.data == of_file.data == (exported / "detector.tflite").read_bytes()
    assert of_folder.label_map == {1: "peach", 2: "vanilla"} and of_folder.decodes
    assert "peach, vanilla" in of_folder.description


def test_a_quantised_file_is_taken_if_asked_for_and_its_boxes_are_decoded_on_the_page(exported):
    litert_file(exported / "detector_int8.tflite", classes=3, names=("box_encodings", "class_logits"))
    network = networks.open_network(exported, int8=True)
    assert network.data == (exported / "detector_int8.tflite").read_bytes() and not network.decodes


def test_a_run_is_exported_first(tmp_path, exported, monkeypatch):
    (exported.parent / "recipe.json").write_text("{}")
    asked = []

    def exports(run, formats):
        asked.append((run, formats))
        return {formats[0]: exported / "detector.tflite"}

    monkeypatch.setattr(export, "export", exports)
    network = networks.open_network(exported.parent)
    assert asked == [(RunFolder(exported.parent), ["litert"])] and network.name == "cups"


def test_an_export_of_a_run_has_the_name_of_the_run(exported):
    assert networks.open_network(exported).name == "export"
    (exported.parent / "recipe.json").write_text("{}")
    assert networks.open_network(exported).name == networks.open_network(exported / "detector.tflite").name == "cups"


def test_a_run_without_a_checkpoint_is_refused(tmp_path):
    (tmp_path / "recipe.json").write_text("{}")
    with pytest.raises(RunFolderError, match=r"recipe\.json"):
        networks.open_network(tmp_path)


@pytest.mark.parametrize("source", ["nowhere", "other.onnx", "empty"])
def test_what_is_not_a_litert_file_is_refused(tmp_path, monkeypatch, source):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.onnx").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InferenceError, match=rf"{source}.*--formats litert`"):
        networks.open_network(source)


def test_an_export_of_another_model_or_an_old_one_is_refused(exported):
    path = exported / "detector.tflite"
    litert_file(path, names=("places", "scores"))
    with pytest.raises(InferenceError, match=r"detector\.tflite: "):
        networks.open_network(exported)
    litert_file(path, batch=None)
    with pytest.raises(InferenceError, match=r"\[-1, 300, 300, 3\]"):
        networks.open_network(exported)
    path.write_bytes(np.random.default_rng(0).bytes(1000))
    with pytest.raises(InferenceError, match=r"detector\.tflite: "):
        networks.open_network(exported)


def test_a_label_map_that_does_not_fit_is_refused(exported):
    label_map.write({1: "peach"}, exported / "label_map.pbtxt")
    with pytest.raises(InferenceError, match=r"2 classes.*is 1\."):
        networks.open_network(exported)


def test_coco_has_no_quantised_network():
    with pytest.raises(UsageError, match="usage: coco"):
        networks.open_network("coco", int8=True)


def test_many_classes_are_counted_and_few_are_named():
    few, many = (networks.Network("cups", b"", dict(enumerate("abcdefghijkl"[:count])), True) for count in (3, 12))
    assert few.description == "cups finds a, b, c."
    assert "12" in many.description and " d" not in many.description

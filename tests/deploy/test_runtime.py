"""Opening detectors from runs and exported files, and refusing other files."""

import json
import shutil

import numpy as np
import onnx
import pytest
import tensorflow as tf

from workshop_utils.core import settings
from workshop_utils.data import label_map
from workshop_utils.deploy import runtime
from workshop_utils.deploy.formats import litert, saved_model
from workshop_utils.deploy.formats import onnx as onnx_format
from workshop_utils.model import ssdlite_mobilenet_v2
from workshop_utils.training import checkpoints
from workshop_utils.training.run_folder import Plan, RunFolderError


def test_a_path_that_is_not_a_detector_is_refused(tmp_path):
    with pytest.raises(runtime.InferenceError, match=str(tmp_path)):
        runtime.open_detector(tmp_path)


def test_the_fastest_format_of_an_export_folder_is_used(tmp_path, monkeypatch):
    label_map.write({1: "cup"}, tmp_path / "label_map.pbtxt")
    (tmp_path / "saved_model").mkdir()
    (tmp_path / "saved_model" / "saved_model.pb").write_bytes(b"")
    for name in ("detector.onnx", "detector_int8.tflite", "detector.tflite"):
        (tmp_path / name).write_bytes(b"")
    for module in (litert, onnx_format, saved_model):
        monkeypatch.setattr(module, "open_file", lambda path: (path.name, None))
    for name in ("detector.tflite", "detector.onnx", "saved_model", "detector_int8.tflite"):
        path = tmp_path / name
        assert runtime.open_detector(tmp_path).run == runtime.open_detector(path).run == name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(runtime.InferenceError, match=r"\(saved_model, detector\.tflite, "):
        runtime.open_detector(tmp_path)


def network(path, **shapes: tuple[int, ...]):
    """Write an ONNX file that returns zeros in these shapes for any photo."""
    real = onnx.TensorProto.FLOAT
    nodes = [onnx.helper.make_node("ReduceMin", ["image"], ["darkest"], keepdims=0)]
    for name, shape in shapes.items():
        zeros = onnx.numpy_helper.from_array(np.zeros(shape, np.float32))
        nodes.append(onnx.helper.make_node("Constant", [], [f"{name}_zeros"], value=zeros))
        nodes.append(onnx.helper.make_node("Mul", [f"{name}_zeros", "darkest"], [name]))
    image = onnx.helper.make_tensor_value_info("image", real, (1, 300, 300, 3))
    given = [onnx.helper.make_tensor_value_info(name, real, shape) for name, shape in shapes.items()]
    graph = onnx.helper.make_graph(nodes, "zeros", [image], given)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path


def test_a_file_is_opened_only_if_its_outputs_and_classes_fit(tmp_path):
    label_map.write({1: "peach", 2: "vanilla"}, tmp_path / "label_map.pbtxt")
    opened = runtime.open_detector(network(tmp_path / "a.onnx", boxes=(1, 9, 4), scores=(1, 9, 2)))
    assert opened.detect([np.zeros((30, 40, 3), np.uint8)]).scores.max() == 0


@pytest.mark.parametrize(
    ("names", "shapes", "said"),
    [
        (["peach"], {"boxes": (1, 9, 4), "scores": (1, 9, 2)}, r"\b2 classes.*label_map\.pbtxt .*\b1\b"),
        (["a", "b", "c"], {"boxes": (1, 9, 4), "scores": (1, 9, 2)}, r"\b2 classes.*label_map\.pbtxt .*\b3\b"),
        (["a", "b"], {"boxes": (1, 9, 4), "logits": (1, 9, 2)}, r"\(.*scores.*\)"),
        (["a", "b"], {"boxes": (1, 9, 5), "scores": (1, 9, 2)}, r"\(9, 5\).*\(9, 2\)"),
        (["a", "b"], {"boxes": (1, 9, 4), "scores": (1, 8, 2)}, r"\(9, 4\).*\(8, 2\)"),
        (["a", "b"], {"boxes": (1, 9, 4), "scores": (1, 9)}, r"\(9, 4\).*\(9,\)"),
    ],
)
def test_an_intact_file_with_another_model_is_refused(tmp_path, names, shapes, said):
    label_map.write(label_map.number(names), tmp_path / "label_map.pbtxt")
    with pytest.raises(runtime.InferenceError, match=rf"a\.onnx: .*{said}"):
        runtime.open_detector(network(tmp_path / "a.onnx", **shapes))


def test_a_saved_model_with_other_outputs_is_refused(tmp_path):
    class Scores(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8, name="input_tensor")])
        def serve(self, input_tensor):
            return {"detection_scores": tf.zeros((1, 100))}

    module, path = Scores(), tmp_path / "saved_model"
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.serve})
    label_map.write({1: "peach"}, tmp_path / "label_map.pbtxt")
    with pytest.raises(runtime.InferenceError, match=r"saved_model: .*'detection_boxes'"):
        runtime.open_detector(path)


@pytest.mark.parametrize(("names", "said"), [({2_000_000_000: "cup"}, "'cup'.*2000000000.*10000"), ({}, "item")])
def test_a_run_whose_classes_would_fill_the_memory_is_refused_before_it_is_built(tmp_path, monkeypatch, names, said):
    plan = Plan("random_init", settings.recipe("quick"), names, "cups", "0123456789ab")
    (tmp_path / "recipe.json").write_text(json.dumps(plan.as_json()))
    monkeypatch.setattr(ssdlite_mobilenet_v2, "build", lambda *_: pytest.fail("it was built"))
    with pytest.raises(RunFolderError, match=rf"recipe\.json: .*{said}"):
        runtime.open_detector(tmp_path)


def test_by_default_the_last_checkpoint_is_opened():
    assert runtime.LAST == checkpoints.LAST, "the runtime has its own constant, because checkpoints load TensorFlow"

"""Detecting on photos: what is written, what is refused, what is said of a bad photo."""

import csv
import dataclasses
import json
import shutil

import numpy as np
import onnx
import pytest
import tensorflow as tf
from PIL import Image

from workshop_utils.core import settings
from workshop_utils.data import label_map, voc
from workshop_utils.deploy import annotate, runtime
from workshop_utils.deploy.formats import litert, saved_model
from workshop_utils.deploy.formats import onnx as onnx_format
from workshop_utils.model import ssdlite_mobilenet_v2
from workshop_utils.training.run_folder import Plan, RunFolderError


@pytest.fixture(scope="module")
def coco_open():
    return runtime.open_detector("coco")


@pytest.fixture
def album(tmp_path):
    folder = tmp_path / "album"
    folder.mkdir()
    for name in ("0001.jpg", "0005.jpg"):
        shutil.copy(settings.YOGHURT / "images" / name, folder)
    return folder


def table(path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_each_photo_gets_a_picture_an_annotation_and_its_rows(coco_open, album, tmp_path):
    out = tmp_path / "out"
    reports = annotate.annotate(coco_open, annotate.collect([album]), out, min_score=0.3)
    rows = table(out / "detections.csv")
    assert sum(len(report.names) for report in reports) == len(rows) > 0
    for report in reports:
        annotation = voc.read(out / f"{report.path.stem}.xml")
        assert tuple(box.name for box in annotation.boxes) == report.names
        assert annotation.filename == report.path.name
        with Image.open(out / f"{report.path.stem}.labeled.jpg") as picture, Image.open(report.path) as photo:
            assert picture.size == photo.size
            assert picture.tobytes() != photo.convert("RGB").tobytes()
        mine = [row for row in rows if row["photo"] == report.path.name]
        assert [row["class"] for row in mine] == list(report.names)
        assert all(float(row["score"]) >= 0.3 for row in mine)


def two_names(size: int = 100):
    """A detector that finds a cup under two names, and another cup."""
    boxes, classes, scores = np.zeros((size, 4), np.float32), np.zeros(size, np.int32), np.zeros(size, np.float32)
    boxes[:3] = (0.1, 0.1, 0.5, 0.4), (0.11, 0.1, 0.5, 0.4), (0.1, 0.6, 0.5, 0.9)
    classes[:3], scores[:3] = (2, 1, 1), (0.9, 0.8, 0.7)
    names = {1: "peach", 2: "vanilla"}
    return runtime.OpenDetector("two names", names, lambda image, min_score: (boxes, classes, scores))


def test_an_object_is_counted_once_unless_every_name_is_wanted(album, tmp_path):
    paths = annotate.collect([album])
    for every_name, counts in ((False, {"peach": 1, "vanilla": 1}), (True, {"peach": 2, "vanilla": 1})):
        reports = annotate.annotate(two_names(), paths, tmp_path / str(every_name), every_name=every_name)
        assert [report.counts for report in reports] == [counts, counts]
        assert len(table(tmp_path / str(every_name) / "detections.csv")) == 2 * sum(counts.values())


def test_detections_once_are_padded_as_all_detections_are():
    image = np.zeros((30, 40, 3), np.uint8)
    found = two_names().detect([image, image])
    single = runtime.once(found)
    assert [part.shape for part in single] == [part.shape for part in found]
    assert [part.dtype for part in single] == [part.dtype for part in found]
    assert single.classes[1, :3].tolist() == [2, 1, 0]
    assert single.scores[1, :3] == pytest.approx([0.9, 0.7, 0])


def test_padding_is_no_detection_even_where_every_score_will_do(album, tmp_path):
    paths = annotate.collect([album])
    for every_name, count in ((False, 2), (True, 3)):
        out = tmp_path / str(every_name)
        reports = annotate.annotate(two_names(), paths, out, min_score=0.0, every_name=every_name)
        assert [len(report.names) for report in reports] == [count, count]


def test_a_class_without_a_name_is_a_fault_that_says_what_to_do(album, tmp_path):
    source = dataclasses.replace(two_names(), label_map={1: "peach"})
    with pytest.raises(runtime.InferenceError, match=r"two names: finds class 2, which its label map does not name\."):
        annotate.annotate(source, annotate.collect([album]), tmp_path / "out")


def test_contents_count_the_classes_on_each_photo(coco_open, album, tmp_path):
    reports = annotate.annotate(coco_open, annotate.collect([album]), tmp_path / "out", min_score=0.3)
    rows = table(tmp_path / "out" / "contents.csv")
    for report, row in zip(reports, rows, strict=True):
        assert {name: int(count) for name, count in row.items() if name != "photo" and count != "0"} == report.counts


def test_an_unreadable_photo_is_named_and_the_rest_goes_on(coco_open, album, tmp_path):
    (album / "0003.jpg").write_bytes(b"not a photo")
    reports = annotate.annotate(coco_open, annotate.collect([album]), tmp_path / "out")
    assert [report.fault is None for report in reports] == [True, False, True]
    assert "0003.jpg" in reports[1].fault
    assert not (tmp_path / "out" / "0003.xml").exists()


def test_a_large_photo_keeps_its_size_and_its_boxes_place(coco_open, album, tmp_path):
    with Image.open(settings.TO_LABEL / "0005.jpg") as photo:
        photo.resize((2048, 1536)).save(album / "large.png")
    *_, large = annotate.annotate(coco_open, annotate.collect([album]), tmp_path / "out", 0.3)[-3:]
    assert Image.open(tmp_path / "out" / "large.labeled.jpg").size == (2048, 1536)
    assert len(large.names) > 0


def test_the_participant_s_own_annotations_are_not_overwritten(coco_open, album):
    (album / "0001.xml").write_text("mine")
    with pytest.raises(runtime.InferenceError, match=r"0001\.xml.*another --out"):
        annotate.annotate(coco_open, annotate.collect([album]), album)
    assert (album / "0001.xml").read_text() == "mine"


def test_detecting_again_into_the_same_folder_is_allowed(coco_open, album, tmp_path):
    for _ in range(2):
        reports = annotate.annotate(coco_open, annotate.collect([album]), tmp_path / "out")
    assert len(reports) == 2


def test_two_photos_of_one_name_are_refused(coco_open, album, tmp_path):
    (tmp_path / "other").mkdir()
    shutil.copy(album / "0001.jpg", tmp_path / "other")
    with pytest.raises(runtime.InferenceError, match="one file"):
        annotate.annotate(coco_open, annotate.collect([album, tmp_path / "other"]), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_photos_is_a_fault_that_says_where(tmp_path):
    with pytest.raises(runtime.InferenceError, match=str(tmp_path)):
        annotate.collect([tmp_path])


def test_what_is_no_detector_is_refused(tmp_path):
    with pytest.raises(runtime.InferenceError, match="neither 'coco' nor a run"):
        runtime.open_detector(tmp_path)


def test_of_an_export_folder_the_fastest_format_is_taken(tmp_path, monkeypatch):
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
    with pytest.raises(runtime.InferenceError, match=r"no exported detector \(saved_model, detector\.tflite, "):
        runtime.open_detector(tmp_path)


def network(path, **shapes: tuple[int, ...]):
    """Write an ONNX file that gives zeros in these shapes, whatever photo it sees."""
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


def test_a_file_is_opened_where_its_outputs_and_its_classes_fit(tmp_path):
    label_map.write({1: "peach", 2: "vanilla"}, tmp_path / "label_map.pbtxt")
    opened = runtime.open_detector(network(tmp_path / "a.onnx", boxes=(1, 9, 4), scores=(1, 9, 2)))
    assert opened.detect([np.zeros((30, 40, 3), np.uint8)]).scores.max() == 0


@pytest.mark.parametrize(
    ("names", "shapes", "said"),
    [
        (
            ["peach"],
            {"boxes": (1, 9, 4), "scores": (1, 9, 2)},
            r"scores for 2 classes, but the last id in .* is 1\. Put",
        ),
        (
            ["a", "b", "c"],
            {"boxes": (1, 9, 4), "scores": (1, 9, 2)},
            r"scores for 2 classes, but the last id .* is 3\.",
        ),
        (["a", "b"], {"boxes": (1, 9, 4), "logits": (1, 9, 2)}, r"cannot be used \(.*scores.*\).*export it again"),
        (
            ["a", "b"],
            {"boxes": (1, 9, 5), "scores": (1, 9, 2)},
            r"boxes come in the shape \(9, 5\), scores in \(9, 2\)",
        ),
        (
            ["a", "b"],
            {"boxes": (1, 9, 4), "scores": (1, 8, 2)},
            r"boxes come in the shape \(9, 4\), scores in \(8, 2\)",
        ),
        (["a", "b"], {"boxes": (1, 9, 4), "scores": (1, 9)}, r"boxes come in the shape \(9, 4\), scores in \(9,\)"),
    ],
)
def test_a_whole_file_that_holds_another_model_is_refused_when_it_is_opened(tmp_path, names, shapes, said):
    label_map.write(label_map.number(names), tmp_path / "label_map.pbtxt")
    with pytest.raises(runtime.InferenceError, match=rf"a\.onnx: .*{said}"):
        runtime.open_detector(network(tmp_path / "a.onnx", **shapes))


def test_a_saved_model_with_other_outputs_is_refused_when_it_is_opened(tmp_path):
    class Scores(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.uint8, name="input_tensor")])
        def serve(self, input_tensor):
            return {"detection_scores": tf.zeros((1, 100))}

    module, path = Scores(), tmp_path / "saved_model"
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.serve})
    label_map.write({1: "peach"}, tmp_path / "label_map.pbtxt")
    with pytest.raises(
        runtime.InferenceError, match=r"saved_model: cannot be used \('detection_boxes'\).*export it again"
    ):
        runtime.open_detector(path)


@pytest.mark.parametrize(
    ("names", "said"), [({2_000_000_000: "cup"}, "'cup' has id 2000000000; ids go up to 10000"), ({}, "holds no item")]
)
def test_a_run_whose_classes_would_fill_the_memory_is_refused_before_it_is_built(tmp_path, monkeypatch, names, said):
    plan = Plan("random_init", settings.recipe("quick"), names, "cups", "0123456789ab")
    (tmp_path / "recipe.json").write_text(json.dumps(dataclasses.asdict(plan)))
    monkeypatch.setattr(ssdlite_mobilenet_v2, "build", lambda *_: pytest.fail("it was built"))
    with pytest.raises(RunFolderError, match=rf"recipe\.json: is not a recipe this workshop wrote \(.*{said}"):
        runtime.open_detector(tmp_path)

import contextlib
import io
import json
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from workshop_utils.data import dataset, label_map
from workshop_utils.evaluation import average_precision
from workshop_utils.model import detection

ONE = pytest.approx(1)  # pycocotools adds a tiny number to a divisor
CLASSES = {1: "cup", 2: "mug"}
LEFT, RIGHT, TOP = [0.1, 0.1, 0.9, 0.4], [0.1, 0.6, 0.9, 0.9], [0.02, 0.1, 0.07, 0.9]


def photo(*objects, size=(200, 100), difficult=()) -> dataset.Sample:
    """Return a grey photo with objects, (class, box) each."""
    stream = io.BytesIO()
    Image.new("L", size, 128).save(stream, "PNG")
    boxes, names = [box for _, box in objects], [name for name, _ in objects]
    flags = [int(place in difficult) for place in range(len(objects))]
    return dataset.from_encoded("photo.png", stream.getvalue(), boxes, names, flags, [0] * len(objects))


def found(*objects):
    """Return detections, (class id, box, score) each, as `score` takes them."""
    ids, boxes, scores = zip(*objects) if objects else ((), (), ())
    return np.reshape(boxes, (-1, 4)).astype(np.float32), np.array(ids, int), np.array(scores, np.float32)


def truth_as_found(samples, ids):
    """Return the detections of a perfect detector, with these class ids."""
    return [
        found(*((ids[name], box, 0.9) for name, box in zip(sample.classes, sample.boxes, strict=True)))
        for sample in samples
    ]


@pytest.fixture
def scripted(monkeypatch):
    """Replace the network by one that returns the boxes and scores of this list, one photo after another."""
    script = []

    def predict(_, images):
        results = [script.pop(0) for _ in range(len(images))]
        rows = max(len(boxes) for boxes, _, _ in results)
        boxes, scores = np.zeros((len(images), rows, 4), "f4"), np.zeros((len(images), rows, 90), "f4")
        for place, (own, ids, values) in enumerate(results):
            boxes[place, : len(own)] = own
            scores[place, np.arange(len(own)), ids - 1] = values
        return boxes, scores

    monkeypatch.setattr(detection, "predict", predict)
    return script


CUP_AND_MUG = [photo(("cup", LEFT), ("mug", RIGHT)), photo(("mug", LEFT), size=(64, 64))]


# score


def test_perfect_detections_have_ap_1():
    metrics = average_precision.score(CUP_AND_MUG, truth_as_found(CUP_AND_MUG, {"cup": 1, "mug": 2}), CLASSES)
    assert (metrics.AP, metrics.AP50, metrics.AP75) == (ONE, ONE, ONE)
    assert metrics.per_class == {"cup": ONE, "mug": ONE}
    assert metrics.per_class_AP50 == {"cup": ONE, "mug": ONE}
    for curve in metrics.curves.values():
        np.testing.assert_allclose(curve, np.ones(101))


@pytest.mark.parametrize("result", [found(), found((0, LEFT, 0.9))], ids=["nothing", "padding"])
def test_if_nothing_is_found_ap_is_0_for_every_class(result):
    metrics = average_precision.score(CUP_AND_MUG, [result, result], CLASSES)
    assert (metrics.AP, metrics.AP50, metrics.AP75) == (0, 0, 0)
    assert metrics.per_class == metrics.per_class_AP50 == {"cup": 0, "mug": 0}
    assert [curve.tolist() for curve in metrics.curves.values()] == [[0] * 101] * 2


def test_the_right_boxes_under_the_wrong_names_have_ap_0():
    metrics = average_precision.score(CUP_AND_MUG, truth_as_found(CUP_AND_MUG, {"cup": 2, "mug": 1}), CLASSES)
    assert metrics.AP == metrics.AP50 == 0


def test_a_box_counts_at_thresholds_up_to_its_iou():
    near = [0.1, 0.1, 0.9, 0.1 + 0.3 * 0.62]  # inside LEFT, 0.62 of its width
    metrics = average_precision.score([photo(("cup", LEFT))], [found((1, near, 0.9))], CLASSES)
    assert (metrics.AP50, metrics.AP75) == (ONE, 0)
    np.testing.assert_allclose(metrics.AP, 0.3, err_msg="at 0.50, 0.55 and 0.60 of ten thresholds")


def test_missed_objects_lower_recall():
    metrics = average_precision.score(
        [photo(("cup", LEFT)), photo(("cup", LEFT))], [found((1, LEFT, 0.9)), found()], CLASSES
    )
    np.testing.assert_allclose(metrics.AP50, 51 / 101, err_msg="recall 0.00 to 0.50 is reached")
    np.testing.assert_allclose(metrics.curves["cup"], [1.0] * 51 + [0.0] * 50)


def test_false_positives_lower_precision_if_they_score_higher():
    sample = photo(("cup", LEFT))
    before = average_precision.score([sample], [found((1, RIGHT, 0.95), (1, LEFT, 0.9))], CLASSES)
    behind = average_precision.score([sample], [found((1, RIGHT, 0.85), (1, LEFT, 0.9))], CLASSES)
    np.testing.assert_allclose([before.AP, behind.AP], [0.5, 1])


def test_an_object_found_twice_counts_once():
    metrics = average_precision.score(
        [photo(("cup", LEFT), ("cup", RIGHT))], [found((1, LEFT, 0.9), (1, LEFT, 0.8))], CLASSES
    )
    np.testing.assert_allclose(metrics.AP50, 51 / 101)


def test_a_class_without_ground_truth_is_neither_listed_nor_counted():
    metrics = average_precision.score([photo(("cup", LEFT))], [found((1, LEFT, 0.9), (2, RIGHT, 0.8))], CLASSES)
    assert (metrics.per_class, metrics.per_class_AP50) == ({"cup": ONE}, {"cup": ONE})
    assert list(metrics.curves) == ["cup"]
    assert metrics.AP == ONE


def test_a_difficult_object_is_neither_missed_nor_a_false_positive():
    sample = photo(("cup", LEFT), ("cup", RIGHT), difficult=[1])
    assert average_precision.score([sample], [found((1, LEFT, 0.9))], CLASSES).AP == ONE
    assert average_precision.score([sample], [found((1, LEFT, 0.9), (1, RIGHT, 0.95))], CLASSES).AP == ONE


def test_a_class_with_difficult_objects_only_is_neither_listed_nor_counted():
    sample = photo(("cup", LEFT), ("mug", RIGHT), difficult=[1])
    metrics = average_precision.score([sample], [found((1, LEFT, 0.9))], CLASSES)
    assert metrics.per_class == {"cup": ONE}
    assert metrics.AP == ONE


DIFFICULT = photo(("cup", LEFT), ("mug", RIGHT), difficult=[0, 1])


@pytest.mark.parametrize("result", [found(), found((1, LEFT, 0.9))], ids=["nothing found", "something found"])
@pytest.mark.parametrize("samples", [[], [photo()], [DIFFICULT]], ids=["no photo", "no object", "difficult ones only"])
def test_if_nothing_can_be_measured_every_score_is_none_with_a_reason(samples, result):
    metrics = average_precision.score(samples, [result] * len(samples), CLASSES)
    assert (metrics.AP, metrics.AP50, metrics.AP75, metrics.per_class, metrics.curves) == (None, None, None, {}, {})
    as_json = json.loads(json.dumps(metrics.as_json()))
    assert as_json["AP"] is as_json["AP50"] is as_json["AP75"] is None
    assert as_json["per_class"] == as_json["per_class_AP50"] == {"cup": None, "mug": None}
    assert as_json["reason"]


def test_different_reasons_for_an_unmeasured_score_differ():
    reasons = [average_precision.score(samples, [found()] * len(samples), CLASSES).reason
               for samples in ([], [photo()], [DIFFICULT], [photo(("cup", LEFT))])]  # fmt: skip
    assert len(set(reasons)) == 4 and "mug" in str(reasons[3]) and "cup" not in str(reasons[3])


@pytest.mark.parametrize("result", [found(), found((1, LEFT, 0.9), (2, RIGHT, 0.9))], ids=["nothing", "something"])
def test_a_class_without_ground_truth_is_null_in_json_and_one_that_is_missed_is_0(result):
    metrics = average_precision.score([photo(("cup", LEFT))], [result], CLASSES).as_json()
    expected = ONE if len(result[0]) else 0
    assert metrics["AP"] == expected
    assert metrics["per_class"] == metrics["per_class_AP50"] == {"cup": expected, "mug": None}
    assert "mug" in metrics["reason"]


def test_class_agnostic_scores_need_an_object():
    nothing = average_precision.Found([found((1, LEFT, 0.9))], [found((1, LEFT, 0.9))])
    assert average_precision.score_class_agnostic(nothing, [photo()]).AP is None


def test_boxes_are_matched_within_their_own_photo():
    samples = [photo(("cup", LEFT)), photo(("cup", RIGHT))]
    assert average_precision.score(samples, [found((1, RIGHT, 0.9)), found((1, LEFT, 0.9))], CLASSES).AP50 == 0


def test_the_scores_equal_those_of_pycocotools():
    """A crowd of random boxes, scored here by plain pycocotools in pixels."""
    rng = np.random.default_rng(8)
    names = {3: "cup", 5: "mug", 9: "jar"}
    samples, results, annotations, rows = [], [], [], []
    for image in range(1, 13):
        corner, size = rng.uniform(0, 0.5, (5, 2)), rng.uniform(0.1, 0.5, (5, 2))
        boxes = np.hstack([corner, corner + size]).astype(np.float32)
        ids = rng.choice(list(names), 5)
        guesses = np.clip(boxes + rng.normal(0, 0.02, boxes.shape), 0, 1).astype(np.float32)
        called = np.where(rng.random(5) < 0.8, ids, rng.choice(list(names), 5))
        scores = rng.uniform(0.1, 1, 5).astype(np.float32)
        samples.append(photo(*((names[number], box) for number, box in zip(ids, boxes, strict=True)), size=(300, 200)))
        results.append((guesses, called, scores))

        def pixels(box):
            ymin, xmin, ymax, xmax = (float(edge) for edge in box)
            return [xmin * 300, ymin * 200, (xmax - xmin) * 300, (ymax - ymin) * 200]

        for box, number in zip(boxes, ids, strict=True):
            bbox = pixels(box)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": int(number),
                    "bbox": bbox,
                    "area": bbox[2] * bbox[3],
                    "iscrowd": 0,
                }
            )
        for box, number, score in zip(guesses, called, scores, strict=True):
            rows.append({"image_id": image, "category_id": int(number), "bbox": pixels(box), "score": float(score)})

    with contextlib.redirect_stdout(io.StringIO()):
        truth = cast(Any, COCO())
        truth.dataset = {
            "info": {},
            "images": [{"id": image} for image in range(1, 13)],
            "categories": [{"id": number, "name": name} for number, name in names.items()],
            "annotations": annotations,
        }
        truth.createIndex()
        plain = COCOeval(truth, truth.loadRes(rows), "bbox")
        plain.evaluate()
        plain.accumulate()
        plain.summarize()
    metrics = average_precision.score(samples, results, names)
    assert metrics.AP is not None and 0.2 < metrics.AP < 0.9
    np.testing.assert_allclose([metrics.AP, metrics.AP50, metrics.AP75], plain.stats[:3], atol=1e-6)
    by_class = plain.eval["precision"][..., 0, -1].mean(axis=(0, 1))
    np.testing.assert_allclose(list(metrics.per_class.values()), by_class, atol=1e-6)


# evaluate


def test_every_photo_is_evaluated_once_in_order_at_any_batch_size(scripted):
    boxes = [[0.1, 0.02 * place, 0.9, 0.02 * place + 0.1] for place in range(19)]
    samples = [photo(("cup", box)) for box in boxes]
    scripted += [found((1, box, 0.9)) for box in boxes]
    assert average_precision.evaluate(None, samples, CLASSES).AP50 == ONE
    assert scripted == []


def test_a_model_with_other_ids_is_scored_by_name(scripted):
    scripted += truth_as_found(CUP_AND_MUG, {"cup": 47, "mug": 3})
    metrics = average_precision.evaluate(None, CUP_AND_MUG, CLASSES, names={3: "mug", 47: "cup", 62: "chair"})
    assert metrics.per_class == {"cup": ONE, "mug": ONE}


@pytest.mark.parametrize(
    ("own", "truth"),
    [
        ("CUP", "cup"),
        ("cup", "Cup"),
        (" cup", "cup"),
        ("coffee  cup", "Coffee cup"),
        ("cre\u0300me", "cr\u00e8me"),
        ("CR\u00c8ME", "cre\u0300me"),
    ],
)
def test_a_class_is_the_same_in_capitals_with_extra_spaces_and_with_either_form_of_accents(scripted, own, truth):
    samples = [photo((truth, LEFT))]
    scripted.append(found((3, LEFT, 0.9)))
    metrics = average_precision.evaluate(None, samples, {1: truth}, names={3: own, 4: "chair"})
    assert metrics.per_class == {truth: ONE}
    assert average_precision.unknown_classes(samples, {3: own}) == []


def test_classes_that_differ_in_capitals_are_matched_by_their_exact_names_first(scripted):
    samples, classes = [photo(("Cup", LEFT), ("cup", RIGHT))], {1: "Cup", 2: "cup"}
    scripted.append(found((7, LEFT, 0.9), (8, RIGHT, 0.9)))
    metrics = average_precision.evaluate(None, samples, classes, names={7: "Cup", 8: "cup"})
    assert metrics.per_class == {"Cup": ONE, "cup": ONE}


def test_classes_that_a_detector_never_learned_are_named_and_have_ap_0(scripted):
    samples = [photo(("cup", LEFT), ("mug", RIGHT))]
    scripted.append(found((1, LEFT, 0.9), (2, RIGHT, 0.9)))
    assert average_precision.unknown_classes(samples, {1: "Cup", 2: "mugs"}) == ["mug"]
    metrics = average_precision.evaluate(None, samples, CLASSES, names={1: "Cup", 2: "mugs"})
    assert metrics.per_class == {"cup": ONE, "mug": 0}


def test_detections_of_other_classes_are_not_counted(scripted):
    scripted.append(found((1, RIGHT, 0.99), (2, LEFT, 0.9)))
    metrics = average_precision.evaluate(None, [photo(("cup", LEFT))], CLASSES, names={1: "chair", 2: "cup"})
    assert metrics.AP == ONE


def test_class_agnostic_the_right_boxes_under_wrong_names_have_ap_1(scripted):
    scripted += truth_as_found(CUP_AND_MUG, {"cup": 2, "mug": 1})
    metrics = average_precision.score_class_agnostic(average_precision.detect_all(None, CUP_AND_MUG), CUP_AND_MUG)
    assert (metrics.AP, metrics.per_class) == (ONE, {"object": ONE})


def test_the_names_of_detections_above_a_score_are_counted_most_frequent_first(scripted):
    scripted += [found((3, LEFT, 0.9), (1, RIGHT, 0.4), (2, TOP, 0.1)), found((3, LEFT, 0.31))]
    found_in_both = average_precision.detect_all(None, CUP_AND_MUG)
    called = average_precision.predicted_names(found_in_both, {1: "cup", 2: "mug", 3: "vase"})
    assert list(called.items()) == [("vase", 2), ("cup", 1)]


def test_metrics_are_ready_for_json_without_the_curves():
    metrics = average_precision.score(CUP_AND_MUG, truth_as_found(CUP_AND_MUG, {"cup": 1, "mug": 2}), CLASSES).as_json()
    assert json.loads(json.dumps(metrics)) == metrics
    assert set(metrics) == {"AP", "AP50", "AP75", "per_class", "per_class_AP50"}
    third = average_precision.Metrics(1 / 3, 1, 1, {"cup": 2 / 3}, {}, {}).as_json()
    assert (third["AP"], third["per_class"]["cup"]) == (0.333333, 0.666667)


def test_scoring_prints_nothing(capsys):
    average_precision.score(CUP_AND_MUG, truth_as_found(CUP_AND_MUG, {"cup": 1, "mug": 2}), CLASSES)
    assert capsys.readouterr().out == ""


# The real detector on the real photos


@pytest.fixture(scope="module")
def few(yoghurt):
    return yoghurt.split()[1][:16]


def test_the_coco_detector_finds_the_cups_but_does_not_know_their_flavours(coco, yoghurt):
    _, validation = yoghurt.split()
    metrics = average_precision.measure(coco, validation, yoghurt.label_map, label_map.coco(), class_agnostic=True)
    assert metrics["AP"] == 0
    assert metrics["class_agnostic"]["AP50"] > 0.4
    called = metrics["class_agnostic"]["called"]
    assert set(called) <= set(label_map.coco().values()) and sum(called.values()) > 72


def test_each_photo_passes_through_the_network_once_for_all_scores(coco, yoghurt, few, monkeypatch):
    seen, predict = [], detection.predict

    def counted(model, images):
        seen.extend(image.tobytes() for image in images)
        return predict(model, images)

    monkeypatch.setattr(detection, "predict", counted)
    average_precision.measure(coco, few, yoghurt.label_map, label_map.coco(), class_agnostic=True)
    assert len(seen) == len(set(seen)) == len(few)


@pytest.mark.parametrize("names", [label_map.coco(), dict.fromkeys(label_map.coco(), "peach")], ids=["COCO's", "peach"])
def test_the_scores_equal_those_of_detecting_in_each_way(coco, yoghurt, few, names):
    images = np.stack([sample.image for sample in few])
    ways = [zip(*detection.detect(coco, images, class_agnostic=way), strict=True) for way in (False, True)]
    found = average_precision.Found(*map(list, ways))
    metrics = average_precision.measure(coco, few, yoghurt.label_map, names, class_agnostic=True)
    assert (metrics["AP"] > 0) == ("peach" in names.values()), "calling all cups peach is sometimes right"
    agnostic = metrics.pop("class_agnostic")
    assert agnostic.pop("called") == average_precision.predicted_names(found, names)
    assert agnostic == average_precision.score_class_agnostic(found, few).as_json()
    assert metrics == average_precision.score_by_class(found, few, yoghurt.label_map, names).as_json()

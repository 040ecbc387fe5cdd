import gc
import weakref

import numpy as np
import pytest
import reference_graph
import tensorflow as tf

from workshop_utils.core import settings
from workshop_utils.data import photos
from workshop_utils.model import detection, preprocessing, pretrained, ssdlite_mobilenet_v2
from workshop_utils.model.anchors import anchors

PHOTOS = [settings.YOGHURT / "images" / f"{number:04}.jpg" for number in (1, 90, 180, 270)]
NOWHERE = np.float32([0, 0, 0, 0])
LEFT, RIGHT = np.float32([0.1, 0.1, 0.9, 0.4]), np.float32([0.1, 0.6, 0.9, 0.9])
NEAR_LEFT = np.float32([0.1, 0.1, 0.9, 0.42])  # overlaps LEFT with an IoU of 0.94
NEXT_TO_LEFT = np.float32([0.1, 0.22, 0.9, 0.52])  # overlaps LEFT with an IoU of 0.43


@pytest.fixture(scope="module")
def images():
    return np.stack([np.asarray(photos.read(path)) for path in PHOTOS])


@pytest.fixture(scope="module")
def untrained():
    return ssdlite_mobilenet_v2.build(5)


def found(boxes, scores, min_score=0.01, **options) -> list[tuple[list[float], int, float]]:
    """Suppress one photo's boxes and return the others, (box, class, score), without the padding."""
    kept = detection.suppress(np.float32([boxes]), np.float32([scores]), min_score, **options)
    boxes, classes, scores = (part.numpy()[0] for part in kept)
    count = int((scores > 0).sum())
    assert not boxes[count:].any() and not classes[count:].any() and not scores[count:].any(), "padding is all zeros"
    return list(zip(boxes[:count].tolist(), classes[:count].tolist(), scores[:count].tolist(), strict=True))


def row(box, number, score):
    return box.tolist(), number, float(np.float32(score))


# The network


def test_the_detector_gives_the_outputs_of_the_original_graph(coco, tarball, images):
    small = np.stack([preprocessing.resize(image) for image in images])
    wanted_boxes, wanted_logits = reference_graph.run(tarball, small)
    boxes, logits = coco.predict(preprocessing.to_input(small), verbose=0)
    assert np.abs(wanted_logits).max() > 8, "the reference has detected something"
    np.testing.assert_allclose(boxes, wanted_boxes, rtol=0, atol=1e-4)
    np.testing.assert_allclose(logits, wanted_logits, rtol=0, atol=1e-4)


@pytest.mark.parametrize("classes", [1, 90])
def test_a_detector_can_be_built_for_any_number_of_classes(classes):
    model = ssdlite_mobilenet_v2.build(classes)
    assert model.input_shape == (None, 300, 300, 3)
    assert model.output_shape == [(None, 1917, 4), (None, 1917, classes + 1)]
    assert {layer.epsilon for layer in ssdlite_mobilenet_v2.batch_norms(model)} == {1e-3}


def test_batch_norm_is_built_with_the_given_momentum():
    norms = ssdlite_mobilenet_v2.batch_norms(ssdlite_mobilenet_v2.build(1, batch_norm_momentum=0.9))
    assert {layer.momentum for layer in norms} == {0.9}
    assert len(norms) == 52 + 12 + 12, "backbone, extra blocks, heads"


def test_an_untrained_detector_detects_hardly_anything(untrained):
    """Class biases start at -log(99), a score of 0.01, because most anchors are background (focal loss paper, 4.1)."""
    image = np.zeros((1, 300, 300, 3), np.float32)
    _, logits = untrained(image, training=False)
    assert tf.sigmoid(logits).numpy().max() < 0.05


def test_each_anchors_output_depends_on_the_place_of_the_anchor(coco, images):
    """Darken one corner of a photo: the outputs of the smallest anchors change there and not far from it."""
    image = preprocessing.to_input(preprocessing.resize(images[0]))[None]
    dark = image.copy()
    dark[:, :60, :60] = -1
    first_level = slice(0, 1083)
    change = np.abs(coco(dark)[1].numpy() - coco(image)[1].numpy())[0, first_level].max(axis=-1)
    centres = (anchors()[first_level, :2] + anchors()[first_level, 2:]) / 2
    inside = (centres < 0.2).all(axis=1)
    far = (centres > 0.95).all(axis=1)
    assert change[inside].max() > 20 * change[far].max()


# Transfer


@pytest.mark.parametrize("classes", [5, pretrained.COCO_CLASSES])
@pytest.mark.parametrize("from_file", [False, True])
def test_transfer_copies_all_of_coco_except_the_class_layers(classes, from_file, coco, recwarn):
    target = ssdlite_mobilenet_v2.build(classes)
    before = {layer.name: layer.get_weights() for layer in target.layers}
    recwarn.clear()
    pretrained.load_into(target) if from_file else pretrained.transfer(coco, target)
    assert not [each for each in recwarn.list if each.category is UserWarning]
    class_layers = [f"class_{level}" for level in range(6)]
    for layer in target.layers:
        if layer.weights:
            wanted = before[layer.name] if layer.name in class_layers else coco.get_layer(layer.name).get_weights()
            for now, weight in zip(layer.get_weights(), wanted, strict=True):
                np.testing.assert_array_equal(now, weight, err_msg=layer.name)
    box_heads = [coco.get_layer(f"box_{level}").get_weights()[0] for level in range(6)]
    assert all(np.abs(kernel).max() > 0.01 for kernel in box_heads), "the transferred weights are not trivial"


def test_a_detector_with_new_classes_gives_cocos_boxes(coco, images):
    target = ssdlite_mobilenet_v2.build(5)
    pretrained.transfer(coco, target)
    image = preprocessing.to_input(preprocessing.resize(images[0]))[None]
    np.testing.assert_array_equal(target(image)[0], coco(image)[0])


# From outputs to boxes


def test_decoding_gives_boxes_clipped_to_the_photo_and_a_score_for_each_class():
    encodings = np.zeros((1, 1917, 4), np.float32)
    encodings[0, 500] = [0, 0, np.log(2) / 0.2, np.log(3) / 0.2]
    logits = np.full((1, 1917, 4), -9, np.float32)
    logits[0, 500] = [9, 0, np.log(3), -np.log(3)]
    boxes, scores = detection.decode(encodings, logits)
    wanted = np.clip(anchors(), 0, 1)
    ymin, xmin, ymax, xmax = anchors()[500]
    grown = [ymin - (ymax - ymin) / 2, xmin - (xmax - xmin), ymax + (ymax - ymin) / 2, xmax + (xmax - xmin)]
    wanted[500] = np.clip(grown, 0, 1)
    np.testing.assert_allclose(boxes[0], wanted, atol=1e-6)
    assert scores.shape == (1, 1917, 3), "the background is gone"
    np.testing.assert_allclose(scores[0, 500], [0.5, 0.75, 0.25], atol=1e-6)


def test_the_best_of_overlapping_boxes_is_kept():
    kept = found([NEAR_LEFT, LEFT, RIGHT], [[0.6], [0.9], [0.5]])
    assert kept == [row(LEFT, 1, 0.9), row(RIGHT, 1, 0.5)]


def test_boxes_that_overlap_by_less_than_the_threshold_are_both_kept():
    assert len(found([LEFT, NEXT_TO_LEFT], [[0.9], [0.8]])) == 2


def test_classes_do_not_suppress_each_other():
    kept = found([LEFT, NEAR_LEFT], [[0.9, 0.0], [0.0, 0.8]])
    assert kept == [row(LEFT, 1, 0.9), row(NEAR_LEFT, 2, 0.8)]


def test_one_box_may_have_two_classes():
    assert found([LEFT], [[0.7, 0.9]]) == [row(LEFT, 2, 0.9), row(LEFT, 1, 0.7)]


def test_class_agnostic_suppression_gives_each_box_one_class_and_drops_overlaps_of_any_class():
    kept = found([LEFT, NEAR_LEFT, RIGHT], [[0.9, 0.7], [0.1, 0.8], [0.2, 0.6]], class_agnostic=True)
    assert kept == [row(LEFT, 1, 0.9), row(RIGHT, 2, 0.6)]


def test_class_agnostic_suppression_uses_the_class_of_the_better_of_two_equal_boxes():
    """Clipping makes boxes of different anchors equal, especially if an object fills the photo."""
    whole = np.float32([0, 0, 1, 1])
    assert found([whole, whole], [[0.5, 0.1], [0.2, 0.9]], class_agnostic=True) == [row(whole, 2, 0.9)]


def test_class_agnostic_suppression_names_a_box_after_its_own_anchor_even_beyond_the_photo():
    beyond = np.float32([-0.2, -0.2, 0.3, 0.3])
    [(_, number, score)] = found([RIGHT, beyond], [[0.001, 0.0], [0.1, 0.8]], class_agnostic=True)
    assert (number, score) == (2, np.float32(0.8))


def test_class_agnostic_suppression_equals_tensorflows_on_each_boxs_best_score(coco, yoghurt):
    boxes, scores = detection.predict(coco, np.stack([sample.image for sample in yoghurt.samples[:24]]))
    best = tf.reduce_max(scores, axis=-1, keepdims=True)
    wanted = tf.image.combined_non_max_suppression(boxes[:, :, None], best, 100, 100, 0.6, 0.01)
    kept = detection.select(boxes, scores, class_agnostic=True)
    assert (kept.scores > 0.3).sum() > 24
    np.testing.assert_array_equal(kept.scores, wanted.nmsed_scores)
    for own, theirs in zip(kept.boxes.tolist(), wanted.nmsed_boxes.numpy().tolist(), strict=True):
        assert sorted(own) == sorted(theirs), "either of two equal scores may come first"


def test_class_agnostic_suppression_gives_a_box_the_best_class_of_its_anchor(coco, images):
    boxes, scores = detection.predict(coco, images[:1])
    kept = detection.select(boxes, scores, class_agnostic=True)
    named = list(zip(kept.boxes[0].tolist(), kept.classes[0].tolist(), kept.scores[0].tolist(), strict=True))
    anchors_own = zip(boxes.numpy()[0].tolist(), scores.numpy()[0], strict=True)
    possible = [(box, int(each.argmax()) + 1, float(each.max())) for box, each in anchors_own]
    assert len({number for _, number, _ in named}) > 3
    assert all(detected in possible for detected in named if detected[1])


def test_scores_below_the_minimum_are_dropped():
    assert found([LEFT, RIGHT], [[0.3], [0.5]], min_score=0.4) == [row(RIGHT, 1, 0.5)]


def test_if_nothing_is_found_all_rows_are_padding_with_class_0():
    for class_agnostic in (False, True):
        assert found([LEFT, NOWHERE], [[0.001, 0.0], [0.0, 0.0]], class_agnostic=class_agnostic) == []


def test_at_most_a_hundred_boxes_are_kept_the_best_first():
    grid = [[y / 15, x / 15, (y + 1) / 15, (x + 1) / 15] for y in range(15) for x in range(15)]
    scores = np.random.default_rng(1).permutation(225)[:, None] / 250 + 0.05
    kept = [score for _, _, score in found(grid, scores)]
    assert kept == sorted(kept, reverse=True)
    np.testing.assert_allclose(kept, np.sort(scores[:, 0])[::-1][:100], atol=1e-4)


# detect


def test_photos_of_any_size_are_resized_by_the_same_rule(coco, images):
    for size in ((384, 512), (91, 40), (300, 300)):
        small = np.stack([np.asarray(photos.read(path).resize(size[::-1])) for path in PHOTOS[:2]])
        from_pixels = detection.detect(coco, small)
        prepared = preprocessing.to_input(np.stack([preprocessing.resize(image) for image in small]))
        for part, wanted in zip(from_pixels, detection.detect(coco, prepared), strict=True):
            np.testing.assert_array_equal(part, wanted)


def test_detections_are_a_hundred_rows_per_photo_inside_it_best_first(coco, images):
    boxes, classes, scores = detection.detect(coco, images)
    assert (boxes.shape, classes.shape, scores.shape) == ((4, 100, 4), (4, 100), (4, 100))
    assert boxes.min() >= 0 and boxes.max() <= 1
    assert (np.diff(scores, axis=1) <= 0).all()
    assert ((classes > 0) == (scores > 0)).all() and classes.max() <= 90
    assert scores[scores > 0].min() > 0.01


def test_a_photo_gives_the_same_detections_alone_and_in_a_batch(coco, images):
    together = detection.detect(coco, images)
    for place in range(len(images)):
        alone = detection.detect(coco, images[place : place + 1])
        sure = alone.scores[0] > 0.2
        np.testing.assert_allclose(together.scores[place][sure], alone.scores[0][sure], atol=1e-4)
        np.testing.assert_allclose(together.boxes[place][sure], alone.boxes[0][sure], atol=1e-4)
        np.testing.assert_array_equal(together.classes[place][sure], alone.classes[0][sure])


def test_a_model_that_has_detected_is_freed_with_its_compiled_pass(images):
    model = ssdlite_mobilenet_v2.build(1)
    detection.detect(model, images[:1])
    assert model in detection._COMPILED and not hasattr(model, "compiled_forward")
    kept, compiled = weakref.ref(model), weakref.ref(detection._COMPILED[model])
    del model
    gc.collect()
    assert kept() is None and compiled() is None


def test_a_model_is_compiled_once_for_all_photos(images):
    model = ssdlite_mobilenet_v2.build(1)
    for count in (1, 2, 4, 3):
        detection.detect(model, images[:count])
    assert detection._compiled(model).experimental_get_tracing_count() <= 2, "once for one photo, once for any number"


def test_after_more_training_a_model_detects_with_its_new_weights(images):
    model = ssdlite_mobilenet_v2.build(1)
    before = detection.detect(model, images[:1], 0.0).scores
    model.get_layer("class_0").bias.assign_add(np.full(model.get_layer("class_0").bias.shape, [0.0, 3.0] * 3))
    assert detection.detect(model, images[:1], 0.0).scores.max() > before.max() + 0.05


def test_detecting_trains_nothing(coco, images):
    before = [np.array(weight) for weight in coco.get_weights()]
    detection.detect(coco, images[:1])
    for now, then in zip(coco.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_detect_respects_the_minimum_score(coco, images):
    few = detection.detect(coco, images[:1], min_score=0.3).scores[0]
    all_of_them = detection.detect(coco, images[:1]).scores[0]
    np.testing.assert_array_equal(few[few > 0], all_of_them[all_of_them > 0.3])
    assert 0 < (few > 0).sum() < (all_of_them > 0).sum()


def test_the_coco_detector_finds_the_yoghurts_class_agnostically_with_one_class_per_box(coco, yoghurt):
    sample = yoghurt.samples[0]
    boxes, classes, scores = (part[0] for part in detection.detect(coco, sample.image[None], class_agnostic=True))
    sure = scores > 0.3
    assert sure.any() and (classes[sure] > 0).all()
    assert len({box.tobytes() for box in boxes[sure]}) == sure.sum()

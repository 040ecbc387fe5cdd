import itertools

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from workshop_utils.data import geometry
from workshop_utils.model import anchors

EDGE = st.floats(0, 1, width=32)
SIDES = st.tuples(EDGE, EDGE).map(sorted).filter(lambda pair: pair[1] - pair[0] > 0.004)
BOX = st.tuples(SIDES, SIDES).map(lambda sides: (sides[0][0], sides[1][0], sides[0][1], sides[1][1]))
BOXES = st.lists(BOX, min_size=1, max_size=6).map(lambda boxes: np.array(boxes, np.float32))


def iou_by_hand(first, second):
    height = min(first[2], second[2]) - max(first[0], second[0])
    width = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(height, 0.0) * max(width, 0.0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return shared / (sum(areas) - shared)


# The anchors


def test_the_anchors_equal_those_in_the_coco_detectors_file(tarball):
    from workshop_utils.model import coco_download

    weights, _ = coco_download.read_tarball(tarball)
    np.testing.assert_allclose(anchors.anchors(), weights["Postprocessor/ExpandDims"][0], rtol=0, atol=1e-6)


def test_the_mirror_image_of_each_anchor_is_an_anchor():
    ymin, xmin, ymax, xmax = anchors.anchors().T
    turned = np.stack([ymin, 1 - xmax, ymax, 1 - xmin], axis=-1)
    np.testing.assert_allclose(anchors.anchors()[anchors.mirrored()], turned, rtol=0, atol=1e-6)


def test_each_feature_map_has_its_share_of_the_1917_anchors():
    slices = anchors.level_slices()
    assert [part.stop - part.start for part in slices] == [1083, 600, 150, 54, 24, 6]
    assert slices[0].start == 0 and slices[-1].stop == len(anchors.anchors()) == 1917
    assert all(before.stop == after.start for before, after in itertools.pairwise(slices))


def test_the_anchors_of_a_cell_share_its_centre_and_have_the_documented_shapes():
    for level, (grid, part) in enumerate(zip(anchors.GRIDS, anchors.level_slices(), strict=True)):
        shapes = anchors.shapes(level)
        row, column = grid // 2, grid - 1
        first = part.start + (row * grid + column) * len(shapes)
        cell = anchors.anchors()[first : first + len(shapes)].astype(np.float64)
        centres, sizes = (cell[:, :2] + cell[:, 2:]) / 2, cell[:, 2:] - cell[:, :2]
        np.testing.assert_allclose(centres, [[(row + 0.5) / grid, (column + 0.5) / grid]] * len(shapes), atol=1e-6)
        np.testing.assert_allclose(np.sqrt(sizes.prod(axis=1)), [scale for scale, _ in shapes], atol=1e-6)
        np.testing.assert_allclose(sizes[:, 1] / sizes[:, 0], [ratio for _, ratio in shapes], rtol=1e-5)


def test_the_anchors_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        anchors.anchors()[0] = 0


def test_the_anchors_are_computed_once():
    assert anchors.anchors() is anchors.anchors()


# Intersection over union


@hypothesis.given(BOXES, BOXES)
def test_iou_equals_the_value_computed_by_hand(first, second):
    wanted = [[iou_by_hand(a.tolist(), b.tolist()) for b in second] for a in first]
    np.testing.assert_allclose(geometry.iou(first, second), wanted, atol=1e-6)


@hypothesis.given(BOXES, BOXES)
def test_iou_is_symmetric_and_between_0_and_1(first, second):
    overlap = geometry.iou(first, second)
    np.testing.assert_array_equal(overlap, geometry.iou(second, first).T)
    assert (overlap >= 0).all()
    assert (overlap <= 1 + 1e-6).all()


@hypothesis.given(BOXES)
def test_a_box_overlaps_itself_completely(boxes):
    np.testing.assert_allclose(np.diag(geometry.iou(boxes, boxes)), 1, atol=1e-6)


def test_boxes_that_only_touch_do_not_overlap():
    box = np.array([[0.0, 0.0, 0.5, 0.5]], np.float32)
    touching = np.array([[0.0, 0.5, 0.5, 1.0], [0.5, 0.0, 1.0, 0.5], [0.6, 0.6, 0.9, 0.9]], np.float32)
    np.testing.assert_array_equal(geometry.iou(box, touching), [[0, 0, 0]])


def test_a_box_without_area_overlaps_nothing():
    flat = np.array([[0.5, 0.5, 0.5, 0.5]], np.float32)
    np.testing.assert_array_equal(geometry.iou(flat, flat), [[0]])


# Matching


def match_by_hand(boxes):
    overlap = geometry.iou(anchors.anchors(), boxes)
    matched = []
    for row in overlap.tolist():
        best = max(range(len(boxes)), key=lambda box: row[box])
        matched.append(best if row[best] >= 0.5 else -1)
    taken = set()
    for box in range(len(boxes)):
        column = overlap[:, box].tolist()
        claimed = column.index(max(column))
        if claimed not in taken:
            matched[claimed] = box
            taken.add(claimed)
    return matched


@hypothesis.given(BOXES)
def test_matching_follows_the_definition_anchor_by_anchor(boxes):
    np.testing.assert_array_equal(anchors.match(boxes), match_by_hand(boxes))


@hypothesis.given(BOXES)
def test_every_box_has_its_best_anchor_unless_an_earlier_box_claims_it(boxes):
    matched = anchors.match(boxes)
    best = geometry.iou(anchors.anchors(), boxes).argmax(axis=0).tolist()
    for box, claimed in enumerate(best):
        assert matched[claimed] == best.index(claimed)
        assert box in matched or best.index(claimed) < box


def test_if_two_boxes_claim_one_anchor_the_first_gets_it():
    anchor = anchors.anchors()[600]
    near, nearer = anchor + np.float32([0, 0, 0.003, 0]), anchor
    for boxes in (np.stack([near, nearer]), np.stack([nearer, near])):
        assert anchors.match(boxes)[600] == 0


def test_a_box_far_smaller_than_any_anchor_still_gets_one():
    matched = anchors.match(np.array([[0.51, 0.51, 0.52, 0.52]], np.float32))
    assert (matched >= 0).sum() == 1


def test_an_anchor_matches_a_box_from_an_iou_of_one_half(monkeypatch):
    overlap = np.zeros((1917, 2), np.float32)
    overlap[:3] = [[0.9, 0.8], [0.3, 0.5], [0.2, np.nextafter(np.float32(0.5), np.float32(0))]]
    monkeypatch.setattr(anchors, "iou", lambda *_: overlap)
    assert anchors.match(np.zeros((2, 4), np.float32))[:4].tolist() == [0, 1, -1, -1]


def test_without_boxes_every_anchor_is_background():
    np.testing.assert_array_equal(anchors.match(np.zeros((0, 4), np.float32)), np.full(1917, -1))


# Box coding


@hypothesis.given(BOXES, st.lists(st.integers(0, 1916), min_size=6, max_size=6))
def test_decoding_undoes_encoding(boxes, places):
    chosen = anchors.anchors()[places[: len(boxes)]]
    np.testing.assert_allclose(anchors.decode(anchors.encode(boxes, chosen), chosen), boxes, atol=2e-6)


def test_a_box_without_height_or_width_has_a_finite_encoding():
    flat = np.array([[0.5, 0.2, 0.5, 0.8], [0.2, 0.5, 0.8, 0.5]], np.float32)
    assert np.isfinite(anchors.encode(flat, anchors.anchors()[:2])).all()


def test_an_encoding_follows_the_ssd_paper():
    anchor = np.array([[0.2, 0.2, 0.6, 0.4]], np.float32)  # centre .4, .3; size .4, .2
    box = np.array([[0.3, 0.1, 0.7, 0.7]], np.float32)  # centre .5, .4; size .4, .6
    wanted = [[0.1 / 0.4 / 0.1, 0.1 / 0.2 / 0.1, 0.0, np.log(3) / 0.2]]
    np.testing.assert_allclose(anchors.encode(box, anchor), wanted, atol=1e-5)
    lower = np.array([[0.4, 0.1, 0.6, 0.7]], np.float32)  # centre .5, .4; size .2, .6
    wanted[0][2] = np.log(0.5) / 0.2
    np.testing.assert_allclose(anchors.encode(lower, anchor), wanted, atol=1e-5)


def test_box_coding_equals_that_of_keras():
    import keras

    form = {"anchor_format": "yxyx", "box_format": "yxyx", "variance": anchors.VARIANCES}
    rng = np.random.default_rng(5)
    encodings = rng.normal(size=(1917, 4)).astype(np.float32)
    boxes = anchors.decode(encodings, anchors.anchors())
    decode = keras.utils.bounding_boxes.decode_deltas_to_boxes
    np.testing.assert_allclose(
        boxes, decode(anchors.anchors(), encodings, encoded_format="center_yxhw", **form), atol=1e-6
    )
    encode = keras.utils.bounding_boxes.encode_box_to_deltas
    np.testing.assert_allclose(
        anchors.encode(boxes, anchors.anchors()),
        encode(anchors.anchors(), boxes, encoding_format="center_yxhw", **form),
        atol=1e-4,
    )


# Targets


@hypothesis.given(BOXES, st.data())
def test_targets_give_class_and_place_of_the_matched_box_and_background_elsewhere(boxes, data):
    ids = np.array(data.draw(st.lists(st.integers(1, 90), min_size=len(boxes), max_size=len(boxes))))
    encodings, classes = anchors.targets(boxes, ids)
    matched = anchors.match(boxes)
    positive = matched >= 0
    np.testing.assert_array_equal(classes[positive], ids[matched[positive]])
    np.testing.assert_array_equal(classes[~positive], 0)
    np.testing.assert_array_equal(encodings[~positive], 0)
    decoded = anchors.decode(encodings[positive], anchors.anchors()[positive])
    np.testing.assert_allclose(decoded, boxes[matched[positive]], atol=2e-6)
    assert (encodings.dtype, classes.dtype) == (np.float32, np.int32)


def test_a_photo_without_boxes_is_all_background():
    encodings, classes = anchors.targets(np.zeros((0, 4), np.float32), np.zeros(0, np.int32))
    assert encodings.shape == (1917, 4) and not encodings.any()
    assert classes.shape == (1917,) and not classes.any()

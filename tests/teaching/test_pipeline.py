"""What notebook 03 shows of records, of matching and of the network is what is there."""

import numpy as np

from workshop_utils.data import tfrecords
from workshop_utils.model import anchors
from workshop_utils.teaching import pipeline


def test_every_kind_of_feature_is_readable_and_the_photo_is_not_printed(yoghurt):
    sample = yoghurt.samples[0]
    example = tfrecords.to_example(sample, yoghurt.label_map)
    texts = {key: pipeline.feature_text(feature) for key, feature in example.features.feature.items()}
    assert texts["image/encoded"] == f"{len(sample.encoded):,} bytes of JPEG"
    assert texts["image/filename"] == sample.name and texts["image/height"] == str(sample.height)
    assert [float(edge) for edge in texts["image/object/bbox/ymin"].split(", ")] == [
        round(float(edge), 3) for edge in sample.boxes[:, 0]
    ]
    assert texts["image/object/class/text"].split(", ") == list(sample.classes)


def test_the_chosen_anchors_hold_each_boxs_best_and_some_on_both_sides_of_the_threshold():
    overlap = np.random.default_rng(0).uniform(0, 0.7, (500, 3))
    overlap[:, 1] *= 0.5
    chosen = pipeline.instructive_anchors(overlap)
    np.testing.assert_array_equal(chosen.max(axis=0), overlap.max(axis=0).round(2))
    best = chosen.max(axis=1)
    assert len(chosen) <= 7 and (best < anchors.MATCH_IOU).sum() >= 2 and (best > anchors.MATCH_IOU).sum() >= 2


def test_every_weight_belongs_to_one_part(coco):
    weights = pipeline.weights_by_part(coco)
    assert sum(weights.values()) == coco.count_params() and next(iter(weights)) == "backbone"
    assert weights["extra layers"] == sum(
        layer.count_params() for layer in coco.layers if layer.name.startswith("extra_")
    )
    assert all(weights.values())

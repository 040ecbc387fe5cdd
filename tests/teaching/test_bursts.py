"""Frames of a burst: near-duplicates of their photo, whose boxes move with the scene."""

import dataclasses

import numpy as np
import pytest

from workshop_utils.data import grouped_split, groups
from workshop_utils.teaching import bursts


@pytest.fixture(scope="module")
def scenes(yoghurt):
    return yoghurt.samples[:10]


def test_frames_of_a_burst_are_near_duplicates_and_scenes_are_not(scenes):
    burst = [frame for scene in scenes for frame in (scene, *bursts.frames(scene))]
    grouping = groups.by("near", burst)
    assert sorted(map(len, grouping.photos)) == [3] * len(scenes)
    training, validation = grouped_split.split(burst, grouping.photos)
    assert not {each.name[:4] for each in training} & {each.name[:4] for each in validation}


def test_the_boxes_of_a_frame_move_with_its_pixels(scenes):
    for scene in scenes:
        for frame in bursts.frames(scene, 3):
            assert frame.image.shape[:2] == (frame.height, frame.width)
            moved = scene.image.shape[1] - frame.width
            left = round(scene.image.shape[1] * bursts.STEP * int(frame.name[-5]))
            cut = scene.image[:, left : left + frame.width].astype(int)
            assert np.abs(cut - frame.image).mean() < 5, "the frame shows another part of the photo"
            edges = np.clip(scene.boxes[:, 1::2] * (frame.width + moved) - left, 0, frame.width)
            assert frame.boxes[:, 1::2] * frame.width == pytest.approx(edges, abs=0.01)
            assert (frame.boxes[:, ::2] == scene.boxes[:, ::2]).all() and frame.classes == scene.classes


def test_a_box_that_a_frame_does_not_show_is_left_out(scenes):
    scene = scenes[0]
    edge = bursts.STEP / 2
    narrow = np.array([[0.1, 0.0, 0.9, edge], [0.1, 0.2, 0.9, 0.5]], np.float32)
    photo = dataclasses.replace(scene, boxes=narrow, classes=("lost", "kept"), difficult=(1, 0), truncated=(1, 0))
    (frame,) = bursts.frames(photo, 1)
    assert (frame.classes, frame.difficult, frame.truncated, len(frame.boxes)) == (("kept",), (0,), (0,), 1)

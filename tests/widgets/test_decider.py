"""The decider, used from code and by the messages of its buttons."""

import dataclasses
import pathlib

import pytest
from test_box_editor import press

from workshop_utils.curation import merged_folder, merging
from workshop_utils.data import dataset, voc
from workshop_utils.data.dataset import Dataset
from workshop_utils.widgets.decider import Decider
from workshop_utils.widgets.view import LabelingError


@pytest.fixture(scope="module")
def merged(yoghurt) -> merging.Merged:
    return disagreeing(yoghurt)


def disagreeing(photos: Dataset) -> merging.Merged:
    """Two people label three photos, and give two cups of the first and one of the second different names."""
    data = Dataset(photos.samples[:3], photos.label_map)
    first, second, third = data.samples
    others = [
        dataclasses.replace(first, classes=("other", "other", *first.classes[2:])),
        dataclasses.replace(second, classes=("other", *second.classes[1:])),
        third,
    ]
    return merging.merge({"ana": data, "ben": Dataset(others, data.label_map | {9: "other"})})


@pytest.fixture
def folder(merged, tmp_path) -> pathlib.Path:
    merged_folder.write(merged, tmp_path / "class")
    return tmp_path / "class"


def names(boxes) -> list[str]:
    return sorted(box.name for box in boxes)


def test_only_photos_to_decide_are_shown_with_the_agreed_boxes_and_the_leading_versions(folder, merged):
    decider = Decider(folder)
    first, second, _ = merged.photos
    assert [path.name for path in decider.paths] == [first.photo.name, second.photo.name]
    assert names(decider.boxes) == sorted(first.labels_of["ana"].classes)
    assert [people for people, _ in decider.versions] == ["ana", "ben"]


def test_choosing_at_each_place_and_submitting_writes_the_annotation_and_shows_the_next_photo(folder, merged):
    decider = Decider(folder)
    decider.choose(2)
    press(decider, "Next place")
    decider.choose(1)
    press(decider, "Submit")
    first = merged.photos[0]
    written = voc.read(folder / "annotations" / f"{first.photo.name[:-4]}.xml")
    assert names(written.boxes).count("other") == 1 and len(written.boxes) == len(first.labels_of["ana"].classes)
    assert decider.path.name == merged.photos[1].photo.name
    assert [each.name for each in dataset.load(folder).samples] == [first.photo.name, merged.photos[2].photo.name]


def test_trying_versions_in_turn_changes_only_this_place(folder):
    decider = Decider(folder)
    start = names(decider.boxes)
    press(decider, "Try another version")
    assert names(decider.boxes).count("other") == 1
    press(decider, "Try another version")
    assert names(decider.boxes) == start


def test_what_was_chosen_is_a_draft_until_it_is_submitted_and_outlives_the_kernel(folder, merged):
    Decider(folder).choose(2)
    assert len(dataset.load(folder).samples) == 1
    assert names(Decider(folder).boxes).count("other") == 1


def test_an_annotation_that_exists_is_shown_and_not_replaced_by_what_was_agreed(folder, merged):
    decider = Decider(folder)
    decider.clear()
    decider.submit()
    decider.previous()
    assert decider.boxes == [] and decider.path.name == merged.photos[0].photo.name


def test_a_version_that_does_not_exist_and_a_folder_without_decisions_are_named(folder, tmp_path, yoghurt):
    with pytest.raises(LabelingError, match="version 3"):
        Decider(folder).choose(3)
    alone = Dataset(yoghurt.samples[:1], yoghurt.label_map)
    merged_folder.write(merging.merge({"ana": alone}), tmp_path / "alone")
    with pytest.raises(LabelingError, match="agree everywhere"):
        Decider(tmp_path / "alone")

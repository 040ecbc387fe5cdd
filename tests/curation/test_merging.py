"""Several people's data sets become one."""

import dataclasses
import pathlib
import shutil

import numpy as np
import pytest

from workshop_utils.core.errors import UsageError
from workshop_utils.curation import merging
from workshop_utils.data import dataset
from workshop_utils.data.dataset import Dataset, DatasetError, Sample


@pytest.fixture(scope="module")
def few(yoghurt) -> Dataset:
    return Dataset(yoghurt.samples[:4], yoghurt.label_map)


def renamed(data: Dataset, name: str, other: str) -> Dataset:
    samples = [
        dataclasses.replace(each, classes=tuple(other if one == name else one for one in each.classes))
        for each in data.samples
    ]
    return Dataset(samples, {number: other if one == name else one for number, one in data.label_map.items()})


def without_boxes(sample: Sample) -> Sample:
    return dataclasses.replace(sample, boxes=np.zeros((0, 4), np.float32), classes=(), difficult=(), truncated=())


def moved(data: Dataset) -> Dataset:
    """Return the data set with slightly other boxes, so that it is not a copy."""
    shifted = [dataclasses.replace(each, boxes=np.clip(each.boxes + np.float32(0.002), 0, 1)) for each in data.samples]
    return Dataset(shifted, data.label_map)


def test_different_photos_are_put_together_and_the_same_ones_once(few):
    first, second = Dataset(few.samples[:3], few.label_map), moved(Dataset(few.samples[1:], few.label_map))
    merged = merging.merge({"ana": first, "ben": second})
    assert [each.photo.name for each in merged.photos] == [each.name for each in few.samples]
    assert [list(each.labels_of) for each in merged.photos] == [["ana"], ["ana", "ben"], ["ana", "ben"], ["ben"]]
    assert merged.agreed.label_map == few.label_map and not merged.notes and not merged.undecided


def test_two_different_photos_with_one_name_are_both_kept(few):
    first, second = few.samples[:2]
    sets = {
        "ana": Dataset([dataclasses.replace(first, name="IMG_1.jpg")], few.label_map),
        "ben": Dataset([dataclasses.replace(second, name="img_1.JPG")], few.label_map),
    }
    merged = merging.merge(sets)
    found = {each.photo.name: each.photo.sha256 for each in merged.photos}
    assert found == {"IMG_1.jpg": first.sha256, "img_1-ben.JPG": second.sha256}
    assert any("ben" in note and "img_1-ben" in note for note in merged.notes)


def test_an_empty_annotation_is_a_vote_for_no_box_and_a_missing_one_is_no_vote(few):
    empty = Dataset([without_boxes(few.samples[0])], few.label_map)
    merged = merging.merge({"ana": few, "ben": empty, "eve": moved(empty)})
    assert len(merged.photos[0].photo.boxes) == 0 and merged.photos[0].found.outvoted
    assert len(merged.photos[1].photo.boxes) == len(few.samples[1].boxes)


def test_label_maps_in_another_order_are_joined_by_name(few):
    backwards = dict(zip(few.label_map, reversed(few.label_map.values()), strict=True))
    merged = merging.merge({"ana": few, "ben": Dataset(moved(few).samples, backwards)})
    assert not merged.undecided and sorted(merged.label_map.values()) == sorted(few.label_map.values())
    assert any("label maps differ" in note for note in merged.notes)


def test_a_class_in_another_case_is_the_same_class_and_this_is_noted(few):
    merged = merging.merge({"ana": few, "ben": moved(few), "eve": moved(moved(renamed(few, "peach", "Peach")))})
    assert merged.label_map == few.label_map and not any(each.found.outvoted for each in merged.photos)
    assert any("'Peach'" in note and "'peach'" in note for note in merged.notes)


def test_classes_that_one_person_tells_apart_by_case_stay_apart(few):
    both = renamed(few, "natural", "Peach")
    merged = merging.merge({"ana": both, "ben": moved(both)})
    assert {"peach", "Peach"} <= set(merged.label_map.values()) and not merged.undecided


def test_the_same_labels_twice_count_once(few):
    disagreeing = moved(renamed(few, "peach", "vanilla"))
    merged = merging.merge({"ana": few, "copy": few, "ben": disagreeing})
    assert merged.people == ["ana", "ben"] and merged.undecided
    assert any("copy" in note and "ana" in note for note in merged.notes)


def test_every_pair_is_measured_and_everyone_against_the_truth_which_never_votes(few):
    wrong = renamed(few, "peach", "vanilla")
    sets = {"ben": moved(wrong), "eve": moved(moved(wrong))}
    merged = merging.merge(sets, truth=few)
    pairs = {(each.first, each.second): each for each in merged.pairs()}
    assert set(pairs) == {("ben", "eve"), ("ben", "truth"), ("eve", "truth"), ("consensus", "truth")}
    assert pairs["ben", "eve"].share == 1.0
    truth = pairs["consensus", "truth"]
    assert truth.share < 1 and set(truth.renamed) == {("vanilla", "peach")}
    assert "peach" not in {name for each in merged.photos for name in each.photo.classes}


def test_photos_only_in_the_truth_are_not_in_the_result(few):
    merged = merging.merge({"ana": Dataset(few.samples[:1], few.label_map)}, truth=few)
    assert [each.photo.name for each in merged.photos] == [few.samples[0].name]


def test_people_are_named_after_their_files_or_folders():
    paths = [pathlib.Path(each) for each in ("class/ana/take_home.zip", "class/ben/take_home.zip", "class/eve.zip")]
    assert merging.people_names(paths) == ["ana-take_home", "ben-take_home", "eve"]
    assert merging.people_names([pathlib.Path("a/x.zip"), pathlib.Path("a/x")]) == ["x-1", "x-2"]
    assert merging.people_names([pathlib.Path("truth.zip")]) != ["truth"]


def test_a_data_set_that_cannot_be_used_does_not_stop_the_others(voc_folder, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    sets, faults = merging.open_sets([voc_folder, empty])
    assert list(sets) == ["cups"] and len(faults) == 1 and str(empty) in faults[0]
    with pytest.raises(DatasetError, match="empty"):
        merging.open_sets([empty])


def test_a_data_set_named_twice_is_wrong_usage(voc_folder):
    with pytest.raises(UsageError, match="2 times"):
        merging.open_sets([voc_folder, voc_folder / ".." / voc_folder.name])


def test_no_file_of_the_data_sets_changes(voc_folder, tmp_path):
    other = shutil.copytree(voc_folder, tmp_path / "other")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    sets, _ = merging.open_sets([voc_folder, other])
    merging.merge(sets)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert dataset.load(voc_folder).samples[0].name

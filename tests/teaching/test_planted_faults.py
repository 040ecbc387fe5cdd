"""Planted faults are wrong in the way they say, and only in the copy."""

import collections

import numpy as np
import pytest
from conftest import first_photos

from workshop_utils.core import settings
from workshop_utils.curation.review import Kind, NamedBox, Suspicion
from workshop_utils.data import dataset, geometry, voc
from workshop_utils.data.dataset import DatasetError
from workshop_utils.teaching import planted_faults

FEW = {Kind.WRONG_NAME: 3, Kind.SHIFTED_BOX: 3, Kind.MISSING_BOX: 2, Kind.BOX_ON_NOTHING: 2}


@pytest.fixture
def source(tmp_path):
    return first_photos(tmp_path / "cups", 12)


def boxes_of(folder) -> dict[str, list[voc.Box]]:
    return {path.stem: list(voc.read(path).boxes) for path in sorted((folder / "annotations").glob("*.xml"))}


def edges(box) -> np.ndarray:
    return np.array([[box.ymin, box.xmin, box.ymax, box.xmax]])


def iou(one, other) -> float:
    return geometry.iou(edges(one), edges(other))[0, 0]


def test_only_the_copy_is_changed_and_by_the_planted_faults_alone(source, tmp_path):
    contents = {path: path.read_bytes() for path in source.rglob("*.*")}
    before = boxes_of(source)
    faults = planted_faults.plant(source, tmp_path / "copy", 3, FEW)
    assert {path: path.read_bytes() for path in source.rglob("*.*")} == contents
    after = boxes_of(tmp_path / "copy")
    for stem, boxes in before.items():
        here = [fault for fault in faults if fault.photo == f"{stem}.jpg"]
        expected = collections.Counter(boxes)
        expected.subtract(fault.before for fault in here if fault.before)
        expected.update(fault.after for fault in here if fault.after)
        assert +expected == collections.Counter(after[stem])


@pytest.mark.parametrize("seed", range(4))
def test_each_fault_is_wrong_in_the_way_it_says(source, tmp_path, seed):
    faults = planted_faults.plant(source, tmp_path / "copy", seed, FEW)
    assert collections.Counter(fault.kind for fault in faults) == FEW
    truth = boxes_of(source)
    for fault in faults:
        if fault.kind is Kind.WRONG_NAME:
            assert fault.before.name != fault.after.name and iou(fault.before, fault.after) == 1
        elif fault.kind is Kind.SHIFTED_BOX:
            assert fault.before.name == fault.after.name and 0.3 <= iou(fault.before, fault.after) <= 0.6
        elif fault.kind is Kind.MISSING_BOX:
            assert fault.after is None
        else:
            assert fault.before is None
            assert all(iou(fault.after, box) <= 0.1 for box in truth[fault.photo.removesuffix(".jpg")])


def test_a_seed_plants_the_same_faults_again_and_another_seed_others(source, tmp_path):
    one, again, other = (planted_faults.plant(source, tmp_path / str(n), seed, FEW) for n, seed in enumerate((1, 1, 2)))
    assert one == again != other


def test_the_workshops_photos_have_room_for_all_seventy(tmp_path):
    faults = planted_faults.plant(settings.YOGHURT, tmp_path / "copy", 0)
    assert collections.Counter(fault.kind for fault in faults) == planted_faults.COUNTS and len(faults) == 70
    assert not dataset.load(tmp_path / "copy").findings


def test_more_faults_than_labels_are_refused_and_nothing_is_written(source, tmp_path):
    with pytest.raises(DatasetError):
        planted_faults.plant(source, tmp_path / "copy", 0, {Kind.WRONG_NAME: 500})
    assert not (tmp_path / "copy").exists()


def suspicions_about(faults, data) -> list[Suspicion]:
    """Return a perfect list of suspicions."""
    sizes = {sample.name: (sample.width, sample.height) for sample in data.samples}

    def named(fault, box):
        annotation = box and voc.Annotation(fault.photo, *sizes[fault.photo], (box,))
        return NamedBox(box.name, voc.normalised(annotation)[0]) if box else None

    return [Suspicion(each.photo, each.kind, named(each, each.after), named(each, each.before), 1) for each in faults]


def test_reviewing_with_the_truth_repairs_what_was_found_and_nothing_else(source, tmp_path):
    copy = tmp_path / "copy"
    faults = planted_faults.plant(source, copy, 3, FEW)
    before = {stem: collections.Counter(boxes) for stem, boxes in boxes_of(source).items()}
    found = suspicions_about(faults, dataset.load(copy))
    assert [fault.is_meant_by(each) for fault, each in zip(faults, found, strict=True)] == [True] * len(faults)
    alarm = Suspicion("0001.jpg", Kind.MISSING_BOX, None, NamedBox("peach", (0, 0, 0.01, 0.01)), 1)
    assert planted_faults.repair(copy, faults, [*found[:-1], alarm]) == len(faults) - 1
    left = {stem: collections.Counter(boxes) for stem, boxes in boxes_of(copy).items()}
    wrong = [stem for stem in before if left[stem] != before[stem]]
    assert wrong == [faults[-1].photo.removesuffix(".jpg")]
    planted_faults.repair(copy, faults, found)
    assert {stem: collections.Counter(boxes) for stem, boxes in boxes_of(copy).items()} == before

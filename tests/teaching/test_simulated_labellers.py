"""The five simulated labellers have the habits that their descriptions promise."""

import numpy as np
import pytest

from workshop_utils.data import formats
from workshop_utils.evaluation import agreement
from workshop_utils.teaching import simulated_labellers


@pytest.fixture(scope="module")
def against_truth(yoghurt) -> dict[str, agreement.PairAgreement]:
    """{name: how well the person agrees with the truth}, on 120 photos."""
    photos = yoghurt.samples[:120]
    pairs = {each.name: list(zip(each.label(photos), photos, strict=True)) for each in simulated_labellers.CLASS}
    return {name: agreement.of_pair(name, "truth", each, 0.5) for name, each in pairs.items()}


def test_the_habits_show_in_the_agreement_with_the_truth(against_truth):
    ana, ben, chloe, dev, emma = against_truth.values()
    assert ana.share == max(each.share for each in against_truth.values()) > 0.9 and ana.mean_iou > 0.9
    assert ben.mean_iou < min(each.mean_iou for each in (ana, chloe, dev, emma)) - 0.1
    assert chloe.only_second > 0 and emma.only_second > 0
    assert set(dev.renamed) == {("strawberry", "vanilla"), ("vanilla", "strawberry")} and not ana.renamed


def test_only_small_objects_are_missed_by_the_one_who_misses_small_objects(yoghurt):
    chloe = simulated_labellers.CLASS[2]
    photos = yoghurt.samples[:60]
    for drawn, true in zip(chloe.label(photos), photos, strict=True):
        area = (true.boxes[:, 2:] - true.boxes[:, :2]).prod(axis=1)
        assert len(drawn.boxes) >= np.count_nonzero(area >= chloe.small)


def test_a_photo_gets_the_same_labels_in_any_selection_and_others_with_another_seed(yoghurt):
    emma = simulated_labellers.CLASS[4]
    alone, among = emma.label(yoghurt.samples[3:4])[0], emma.label(yoghurt.samples[:5])[3]
    assert (alone.boxes == among.boxes).all() and alone.classes == among.classes
    assert emma.label(yoghurt.samples[3:4], seed=1)[0].boxes.tolist() != alone.boxes.tolist()


def test_a_take_home_zip_is_opened_with_the_same_labels(yoghurt, tmp_path, monkeypatch):
    monkeypatch.setattr("workshop_utils.data.archives.UNPACKED", tmp_path / "unpacked")
    drawn = simulated_labellers.CLASS[1].label(yoghurt.samples[:2])
    simulated_labellers.write_take_home(drawn, yoghurt.label_map, tmp_path / "ben.zip")
    opened = formats.open_dataset(tmp_path / "ben.zip")
    assert not opened.findings and [each.name for each in opened.samples] == [each.name for each in drawn]
    assert all((one.boxes == other.boxes).all() for one, other in zip(opened.samples, drawn, strict=True))

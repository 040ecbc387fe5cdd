"""The recorded rounds of labelling are complete and what they claim."""

import dataclasses
import json

import pytest

from workshop_utils.data import dataset
from workshop_utils.plots import charts
from workshop_utils.teaching import label_curves
from workshop_utils.teaching.label_curves import INFORMATIVE, RANDOM
from workshop_utils.teaching.recorded import RecordedError


@pytest.fixture(scope="module")
def rounds():
    return label_curves.rounds()


def test_each_round_adds_training_photos_to_those_of_the_round_before(rounds, yoghurt):
    training = yoghurt.split()[0]
    before = {}
    for each in sorted(rounds, key=lambda each: each.photos):
        assert len(set(each.names)) == len(each.names) == each.photos
        assert sum(len(sample.classes) for sample in dataset.select(training, list(each.names))) == each.boxes
        first = before.get((each.seed, each.order)) or before.get((each.seed, INFORMATIVE), ())
        shared = first if each.order == INFORMATIVE else first[:10]
        assert each.names[: len(shared)] == shared
        before[each.seed, each.order] = each.names
        assert each.fingerprint == yoghurt.fingerprint() and 0 < each.AP50 < 1 and 0 < each.new_line_AP50 < 1


def test_both_orders_were_recorded_with_the_same_seeds_and_numbers_of_photos(rounds):
    curves = label_curves.histories(rounds)
    assert list(curves) == [INFORMATIVE, RANDOM]
    counts = {order: [[row["photos"] for row in rows] for rows in histories] for order, histories in curves.items()}
    assert counts[INFORMATIVE] == counts[RANDOM] and counts[RANDOM]
    assert all(each == counts[RANDOM][0] and each[0] == 10 and len(each) >= 3 for each in counts[RANDOM])
    assert curves[INFORMATIVE][0][0] == curves[RANDOM][0][0], "the first round is the same"
    charts.bands(curves, "AP50", "photos", alt="")


def test_a_seed_that_is_not_complete_is_left_out(rounds):
    complete = len(label_curves.histories(rounds)[RANDOM])
    last = [each for each in rounds if (each.seed, each.order) == (rounds[0].seed, RANDOM)][-1]
    assert len(label_curves.histories([each for each in rounds if each is not last])[RANDOM]) == complete - 1


def test_a_damaged_line_is_named(rounds, tmp_path):
    path = tmp_path / "rounds.jsonl"
    assert label_curves.rounds(path) == []
    path.write_text(json.dumps(dataclasses.asdict(rounds[0])) + '\n{"seed": 1}\n')
    with pytest.raises(RecordedError, match="line 2"):
        label_curves.rounds(path)

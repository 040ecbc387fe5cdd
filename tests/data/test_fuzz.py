"""A minute of what `make fuzz` does at length."""

import json

import fuzzing
import pytest


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of EXIF that is broken
@pytest.mark.parametrize(("target", "count"), [("annotation", 5000), ("photo", 3000)])
def test_whatever_a_file_holds_only_our_own_named_errors_come_out(target, count):
    outcomes = fuzzing.fuzz(target, count)
    assert sum(outcomes.values()) >= count
    assert outcomes["taken"] > count / 50 and outcomes["refused"] > count / 50, "both ways are walked"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_at_length_it_goes_on_where_it_was_and_begins_anew_where_the_code_is_another(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzzing, "RECORDS", tmp_path)
    monkeypatch.setattr(fuzzing, "BATCH", 10)
    seeds, fuzz = [], fuzzing.fuzz
    monkeypatch.setattr(fuzzing, "fuzz", lambda target, count, seed: seeds.append(seed) or fuzz(target, count, seed))

    def at_length(count: int) -> dict:
        check, strategy, _, module = fuzzing.TARGETS["annotation"]
        monkeypatch.setitem(fuzzing.TARGETS, "annotation", (check, strategy, count, module))
        fuzzing.at_length("annotation")
        return json.loads((tmp_path / "annotation.json").read_text())

    assert at_length(20)["batches"] == 2
    record = at_length(30)
    assert record["batches"] == 3 and sum(record["outcomes"].values()) >= 30
    (tmp_path / "annotation.json").write_text(json.dumps(record | {"code": "another"}))
    assert at_length(20)["batches"] == 2
    assert seeds == [0, 1, 2, 0, 1]

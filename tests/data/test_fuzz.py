"""A short version of `make fuzz`."""

import json

import fuzzing
import pytest


@pytest.mark.filterwarnings("ignore::UserWarning")  # from Pillow, about broken EXIF
@pytest.mark.parametrize(
    ("target", "count", "ways"),
    [
        ("annotation", 1000, ("taken", "refused")),
        ("photo", 500, ("taken", "refused")),
        ("heic", 200, ("taken", "refused")),
        ("coco", 500, ("taken", "a box refused", "refused")),
        ("yolo", 500, ("taken", "refused")),
        ("exif", 500, ("turned", "upright", "unreadable")),
        ("text", 500, ("taken", "refused")),
        ("label_map", 500, ("taken", "refused")),
    ],
)
def test_any_file_content_raises_only_our_own_errors(target, count, ways):
    outcomes = fuzzing.fuzz(target, count)
    assert sum(outcomes.values()) >= count
    assert all(outcomes[way] > count / 50 for way in ways), "every outcome occurs"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_long_run_resumes_and_starts_over_if_the_code_has_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzzing, "RECORDS", tmp_path)
    monkeypatch.setattr(fuzzing, "BATCH", 10)
    seeds, fuzz = [], fuzzing.fuzz
    monkeypatch.setattr(fuzzing, "fuzz", lambda target, count, seed: seeds.append(seed) or fuzz(target, count, seed))

    def at_length(count: int) -> dict:
        check, strategy, _, modules = fuzzing.TARGETS["annotation"]
        monkeypatch.setitem(fuzzing.TARGETS, "annotation", (check, strategy, count, modules))
        fuzzing.at_length("annotation")
        return json.loads((tmp_path / "annotation.json").read_text())

    assert at_length(20)["batches"] == 2
    record = at_length(30)
    assert record["batches"] == 3 and sum(record["outcomes"].values()) >= 30
    (tmp_path / "annotation.json").write_text(json.dumps(record | {"code": "another"}))
    assert at_length(20)["batches"] == 2
    assert seeds == [0, 1, 2, 0, 1]

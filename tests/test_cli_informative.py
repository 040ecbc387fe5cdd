"""`next` lists the photos to label next, and says what it skips."""

import shutil

import pytest

from workshop_utils.cli import main
from workshop_utils.core import settings
from workshop_utils.data import label_map, photos
from workshop_utils.training import trainer
from workshop_utils.training.plan import Plan
from workshop_utils.training.run_folder import RunFolder
from workshop_utils.training.strategies import Detector


@pytest.fixture
def run(tmp_path, coco, yoghurt, monkeypatch):
    """A run that finds what COCO's detector finds; it takes the workshop's flavours for other things."""
    folder = tmp_path / "run"
    RunFolder(folder).begin(Plan.of(yoghurt, recipe=settings.recipe("quick")))
    names = label_map.coco() | {1: "peach"}
    monkeypatch.setattr(trainer, "load_model", lambda run, step: Detector(coco, names))
    return folder


def test_it_lists_photos_one_a_line_beginning_with_the_file_best_first_with_both_numbers(run, capsys):
    assert main(["next", str(run), str(settings.TO_LABEL), "--count", "5"]) == 0
    out, err = capsys.readouterr()
    rows = [line.rsplit(":", 1) for line in out.splitlines()]
    assert len(rows) == 5 and {name for name, _ in rows} <= set(map(str, photos.find(settings.TO_LABEL)))
    numbers = [[float(part.split()[-1]) for part in text.split(",")] for _, text in rows]
    gains = [uncertainty * novelty for uncertainty, novelty in numbers]
    assert gains[0] == max(gains) and all(gain > 0 for gain in gains)
    assert "12" in err


def test_only_photos_without_labels_are_listed_and_unknown_classes_are_named(run, voc_folder, capsys):
    (voc_folder / "images" / "broken.jpg").write_bytes(b"no photo")
    shutil.copy(settings.TO_LABEL / "0004.jpg", voc_folder / "images" / "new.jpg")
    assert main(["next", str(run), str(voc_folder)]) == 0
    out, err = capsys.readouterr()
    (line,) = out.splitlines()
    assert line.startswith(str(voc_folder / "images" / "new.jpg"))
    assert "broken.jpg" in err
    (line,) = [line for line in err.splitlines() if line.startswith(str(run))]
    assert "'vanilla'" in line and "'peach'" not in line


@pytest.mark.parametrize("case", ["labelled", "empty", "missing", "no run"])
def test_if_there_is_nothing_to_order_it_says_why_and_exits_1(run, voc_folder, tmp_path, capsys, case):
    folder = {"labelled": voc_folder, "empty": tmp_path / "empty", "missing": tmp_path / "missing"}.get(
        case, voc_folder
    )
    (tmp_path / "empty").mkdir()
    assert main(["next", str(tmp_path if case == "no run" else run), str(folder)]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.strip() and "Traceback" not in err
    if case in ("missing", "no run"):
        assert str(tmp_path) in err

"""The command `review`: exit codes, a line per suspicion that begins with its photo, and no label changed."""

import dataclasses
import re
import shutil

import pytest
from conftest import first_photos

from workshop_utils.cli import main
from workshop_utils.curation import cross_validation, judging
from workshop_utils.data import dataset, voc
from workshop_utils.training.plan import Plan
from workshop_utils.training.run_folder import RunFolder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of COCO's detector, which is not trained."""
    data = dataset.load(first_photos(tmp_path_factory.mktemp("source") / "cups"))
    run = RunFolder(tmp_path_factory.mktemp("run") / "as_is")
    with run.locked():
        run.begin(Plan.of(data, "as_is"))
    return run.folder


@pytest.fixture(scope="module")
def confirmed(tmp_path_factory, coco):
    """A folder whose labels are what COCO's detector finds as cups in six photos when it judges."""
    folder = first_photos(tmp_path_factory.mktemp("confirmed") / "cups")
    samples = dataset.load(folder).samples
    for sample, (boxes, ids, scores) in zip(samples, judging.detections(coco, samples), strict=True):
        boxes = boxes[(ids == 47) & (scores > 0.15)]
        annotation = voc.from_normalised((sample.width, sample.height), ["cup"] * len(boxes), boxes, sample.name)
        voc.write(annotation, folder / "annotations" / sample.name.replace(".jpg", ".xml"))
    return folder


@pytest.fixture
def folder(confirmed, tmp_path):
    """A copy of that folder, to damage."""
    return shutil.copytree(confirmed, tmp_path / "cups")


def contents(folder) -> dict:
    return {path: path.read_bytes() for path in folder.rglob("*.*")}


def reviewed(folder, run, *more: str) -> int:
    return main(["review", str(folder), "--run", str(run), "--out", str(folder.parent / "page"), *more])


def test_labels_that_are_all_fine_exit_0_and_say_so(folder, run, capsys):
    before = contents(folder)
    assert reviewed(folder, run) == 0
    out, err = capsys.readouterr()
    assert out == "" and re.search(r"None of \d+ labels", err)
    assert contents(folder) == before and (folder.parent / "page" / "index.html").exists()


def test_a_wrong_label_exits_1_on_a_line_that_begins_with_its_photo(folder, run, capsys):
    xml = folder / "annotations" / "0001.xml"
    annotation = voc.read(xml)
    clearest, *others = annotation.boxes
    voc.write(dataclasses.replace(annotation, boxes=(dataclasses.replace(clearest, name="bottle"), *others)), xml)
    before = contents(folder)
    assert reviewed(folder, run) == 1
    line, *_ = capsys.readouterr().out.splitlines()
    assert line.startswith("0001.jpg: wrong name") and "bottle" in line and "cup" in line
    assert contents(folder) == before, "the command never changes a label"
    assert len((folder.parent / "page" / "suspicions.csv").read_text().splitlines()) >= 2


def test_a_run_without_the_classes_of_the_labels_is_refused(run, voc_folder, capsys):
    assert reviewed(voc_folder, run) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith(f"{run}: ") and "'peach'" in err


def test_an_unreadable_photo_is_named_and_the_others_are_reviewed(folder, run, capsys):
    (folder / "images" / "0002.jpg").write_bytes(b"no photo")
    assert reviewed(folder, run) == 0
    assert str(folder / "images" / "0002.jpg") in capsys.readouterr().err


def test_an_empty_set_and_a_missing_run_are_named(folder, run, tmp_path, capsys):
    (tmp_path / "nothing" / "images").mkdir(parents=True)
    assert reviewed(tmp_path / "nothing", run) == 1
    assert capsys.readouterr().err.startswith(str(tmp_path / "nothing"))
    assert reviewed(folder, tmp_path / "no_run") == 1
    assert str(tmp_path / "no_run") in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--checkpoint", "best"], ["--min-score", "2"]])
def test_wrong_usage_exits_2(folder, arguments, capsys):
    try:
        code = main(["review", str(folder), *arguments])
    except SystemExit as stop:
        code = stop.code
    assert code == 2 and capsys.readouterr().err


def test_without_a_run_cross_validated_ones_judge_in_a_folder_for_this_state_of_the_labels(
    folder, tmp_path, capsys, monkeypatch, coco
):
    used = []

    def ask(data, place):
        used.append(place)
        answers = judging.ask(coco, data.samples)
        cups = [(boxes, (ids == 47).astype(int), scores) for boxes, ids, scores in answers.detections]
        return dataclasses.replace(answers, detections=cups)

    monkeypatch.setattr(cross_validation, "ask", ask)
    arguments = ["review", str(folder), "--out", str(tmp_path / "page")]
    assert main(arguments) == 0
    xml = folder / "annotations" / "0001.xml"
    voc.write(dataclasses.replace(voc.read(xml), boxes=voc.read(xml).boxes[1:]), xml)
    assert main(arguments) == 1
    assert capsys.readouterr().out.startswith("0001.jpg: missing box")
    assert len(set(used)) == 2 and all(place.parent == tmp_path / "page" for place in used)

"""The command line's contract: exit codes, the JSON on the last line, resuming, findings that begin with the file."""

import argparse
import csv
import dataclasses
import functools
import json
import re
import subprocess
import sys

import pytest

from workshop_utils.cli import main
from workshop_utils.core import settings
from workshop_utils.core.arguments import lines
from workshop_utils.data import dataset, label_map, tfrecords, voc
from workshop_utils.model import pretrained
from workshop_utils.training import trainer

TAIL = ["--train-from", "block_16_project_BN", "--recipe", "quick", "--set", "batch_size=2"]
"""Few layers are trained, because they compile in a few seconds."""
TINY = [*TAIL, "steps=4", "photos=10", "evaluate_every=4", "checkpoint_every=2"]


def last_line(capsys) -> dict:
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])


@pytest.fixture(scope="module", autouse=True)
def each_detector_is_loaded_once():
    """A detector that is loaded again is compiled again, which takes longer than it detects."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer, "load_model", functools.cache(trainer.load_model))
        patch.setattr(pretrained, "coco_detector", functools.cache(pretrained.coco_detector))
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    assert main(["train", str(settings.YOGHURT), *TINY, "--experiment", str(folder)]) == 0
    return folder


def test_check_finds_nothing_in_the_workshop_s_photos(capsys):
    assert main(["check", str(settings.YOGHURT)]) == 0
    assert capsys.readouterr().out == ""


def test_check_lists_every_finding_beginning_with_its_file_and_exits_1(voc_folder, capsys):
    images, annotations = voc_folder / "images", voc_folder / "annotations"
    (images / "0001.jpg").unlink()
    (annotations / "0002.xml").unlink()
    (images / "0003.jpg").write_bytes(b"no photo")
    (annotations / "0004.xml").write_text("<annotation>")
    (voc_folder / "label_map.pbtxt").write_text("".join(
        f'item {{ name: "{name}" id: {number} }}\n' for number, name in enumerate(["strawberry", "vanilla"], start=1)
    ))  # fmt: skip
    assert main(["check", str(voc_folder)]) == 1
    lines = capsys.readouterr().out.splitlines()
    for file in (annotations / "0001.xml", images / "0002.jpg", images / "0003.jpg", annotations / "0004.xml"):
        assert sum(line.startswith(f"{file}: ") for line in lines) == 1
    assert any("'natural'" in line and "label_map.pbtxt" in line for line in lines)
    assert all(line.startswith(str(voc_folder)) for line in lines)


def test_check_lists_every_file_even_if_none_is_good(voc_folder, capsys):
    for path in (voc_folder / "images").iterdir():
        path.write_bytes(b"no photo")
    assert main(["check", str(voc_folder)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        *(str(path) for path in sorted((voc_folder / "images").iterdir())),
        str(voc_folder),
    ]


def test_a_sharded_data_set_reads_as_the_same(voc_folder, tmp_path, capsys):
    assert main(["shard", str(voc_folder), "--out", str(tmp_path / "shards"), "--shards", "2"]) == 0
    assert re.findall(r"\b\d+\b", capsys.readouterr().out)[:2] == ["6", "2"]
    assert (tmp_path / "shards" / "train.record-00001-of-00002").exists()
    assert tfrecords.read(tmp_path / "shards").fingerprint() == dataset.load(voc_folder).fingerprint()


def test_training_writes_a_recipe_a_history_and_checkpoints(run):
    recipe = json.loads((run / "recipe.json").read_text())
    assert recipe["recipe"]["steps"] == 4
    assert [row["step"] for row in csv.DictReader((run / "history.csv").read_text().splitlines())] == ["4"]
    assert [path.name for path in sorted((run / "checkpoints").glob("*.h5"))] == [
        "step-000002.weights.h5",
        "step-000004.weights.h5",
    ]


def test_evaluating_a_run_prints_fractions_as_json_and_writes_them(run, capsys):
    assert main(["evaluate", str(run)]) == 0
    printed = last_line(capsys)
    assert printed == json.loads((run / "metrics.json").read_text())
    assert {"AP", "AP50", "AP75", "per_class"} <= set(printed)
    per_class = [value for value in printed["per_class"].values() if value is not None]
    assert all(0 <= value <= 1 for value in (printed["AP"], printed["AP50"], printed["AP75"], *per_class))
    assert per_class and ("reason" in printed) == (len(per_class) < 5), "two photos may not show all five flavours"


@pytest.mark.long  # short: test_ssd_mobilenet_v1.py and test_importing.py use that network
def test_cocos_detector_may_have_another_network(monkeypatch, tmp_path, capsys):
    chosen = []

    def untrained(architecture):
        chosen.append(architecture.name)
        return architecture.build(90)

    monkeypatch.setattr(pretrained, "coco_detector", untrained)
    photo, network = str(settings.YOGHURT / "images" / "0001.jpg"), ["--architecture", "ssd_mobilenet_v1"]
    assert main(["detect", "coco", photo, *network, "--out", str(tmp_path / "found")]) == 0
    assert main(["web", "coco", *network, "--out", str(tmp_path / "page")]) == 0
    assert chosen == ["ssd_mobilenet_v1"] * 2 and (tmp_path / "page" / "index.html").exists()
    assert capsys.readouterr().out.splitlines()[0].startswith(photo)


def test_evaluating_coco_adds_the_class_agnostic_score(voc_folder, tmp_path, capsys):
    assert main(["evaluate", "coco", "--data", str(voc_folder), "--out", str(tmp_path / "out")]) == 0
    printed = last_line(capsys)
    assert printed["AP50"] == 0
    assert printed["class_agnostic"]["AP50"] > 0.2
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == printed


def test_classes_that_coco_knows_are_matched_by_name(voc_folder, tmp_path, capsys):
    for path in (voc_folder / "annotations").iterdir():
        annotation = voc.read(path)
        cups = tuple(voc.Box("cup", box.xmin, box.ymin, box.xmax, box.ymax) for box in annotation.boxes)
        voc.write(voc.dataclasses.replace(annotation, boxes=cups), path)
    assert main(["evaluate", "coco", "--data", str(voc_folder), "--out", str(tmp_path)]) == 0
    assert last_line(capsys)["per_class"]["cup"] > 0.1


def renamed(folder, old: str, new: str) -> None:
    """Write another class into every annotation of a data set that has it."""
    for path in (folder / "annotations").iterdir():
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(f"<name>{old}</name>", f"<name>{new}</name>"), encoding="utf-8")


def test_a_class_in_other_capitals_scores_as_the_class_the_run_learned(run, voc_folder, tmp_path, capsys):
    evaluating = ["evaluate", str(run), "--data", str(voc_folder), "--out", str(tmp_path / "out")]
    assert main(evaluating) == 0
    before = last_line(capsys)
    renamed(voc_folder, "vanilla", "VANILLA")
    assert main(evaluating) == 0
    out, err = capsys.readouterr()
    after = json.loads(out.splitlines()[-1])
    assert after["AP"] == before["AP"] and after["per_class"]["VANILLA"] == before["per_class"]["vanilla"]
    assert "'VANILLA'" not in err and "'vanilla'" not in err


def test_a_class_that_the_run_never_learned_is_named(run, voc_folder, tmp_path, capsys):
    renamed(voc_folder, "vanilla", "lemon")
    assert main(["evaluate", str(run), "--data", str(voc_folder), "--out", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out.splitlines()[-1])["per_class"]["lemon"] == 0
    (line,) = [line for line in err.splitlines() if "'lemon'" in line]
    assert line.index("'lemon'") < line.index("'peach'") and line.count("'lemon'") == 1


def without_objects(folder) -> None:
    for path in (folder / "annotations").iterdir():
        voc.write(dataclasses.replace(voc.read(path), boxes=()), path)


def difficult(folder) -> None:
    for path in (folder / "annotations").iterdir():
        path.write_text(path.read_text().replace("<difficult>0<", "<difficult>1<"))


@pytest.mark.parametrize("change", [without_objects, difficult])
@pytest.mark.parametrize("source", ["coco", "run"])
def test_if_nothing_can_be_measured_the_scores_are_null_with_a_reason(
    run, voc_folder, tmp_path, capsys, change, source
):
    label_map.write(dataset.load(voc_folder).label_map, voc_folder / label_map.FILENAME)
    change(voc_folder)
    source = str(run) if source == "run" else source
    assert main(["evaluate", source, "--data", str(voc_folder), "--out", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    printed = json.loads(out.splitlines()[-1])
    assert printed["AP"] is printed["AP50"] is printed["AP75"] is None
    assert set(printed["per_class"].values()) == {None}
    assert printed["reason"] in err
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == printed


def test_a_class_that_no_photo_shows_is_null_and_named_as_the_reason(run, voc_folder, tmp_path, capsys):
    label_map.write(dataset.load(voc_folder).label_map, voc_folder / label_map.FILENAME)
    renamed(voc_folder, "vanilla", "peach")
    assert main(["evaluate", str(run), "--data", str(voc_folder), "--out", str(tmp_path / "out")]) == 0
    printed = last_line(capsys)
    assert printed["AP"] is not None and printed["per_class"]["peach"] is not None
    assert printed["per_class"]["vanilla"] is None and "'vanilla'" in printed["reason"]


@pytest.mark.long  # short: test_average_precision.py
def test_a_run_without_a_validation_photo_is_trained_and_its_score_is_null(voc_folder, tmp_path, capsys):
    for part in ("images", "annotations"):
        for path in sorted((voc_folder / part).iterdir())[1:]:
            path.unlink()
    folder = tmp_path / "run"
    training = ["train", str(voc_folder), *TAIL, "steps=2"]
    assert main([*training, "--experiment", str(folder)]) == 0
    printed = last_line(capsys)
    assert printed["AP"] is None and printed["reason"]
    assert json.loads((folder / "metrics.json").read_text()) == printed
    (row,) = csv.DictReader((folder / "history.csv").read_text().splitlines())
    assert (row["step"], row["AP"], row["AP50"]) == ("2", "", "")
    assert main(["evaluate", str(folder)]) == 0
    assert last_line(capsys) == printed


def test_a_run_that_diverges_exits_1_names_the_rate_and_is_not_exported(voc_folder, tmp_path, capsys):
    folder = tmp_path / "run"
    changes = ["steps=10", "learning_rate=1e12"]
    assert main(["train", str(voc_folder), *TAIL, *changes, "--experiment", str(folder)]) == 1
    assert "1e+12" in capsys.readouterr().err
    assert not (folder / "metrics.json").exists() and not list((folder / "checkpoints").glob("*.h5"))
    assert main(["export", str(folder), "--formats", "litert"]) == 1
    assert not (folder / "export").exists()


@pytest.mark.long  # short: the commands one by one in this file, the names in test_names.py and test_labels.py
def test_a_run_on_other_classes_goes_from_training_to_detection(voc_folder, tmp_path, capsys):
    for path in (voc_folder / "annotations").iterdir():
        path.write_text(path.read_text().replace("vanilla", "crème brûlée").replace("peach", "crème brûlée"))
    run, out = str(tmp_path / "run"), tmp_path / "found"
    assert main(["train", str(voc_folder), *TAIL, "steps=2", "photos=6", "--experiment", run]) == 0
    assert main(["evaluate", run, "--data", str(voc_folder), "--out", str(tmp_path / "scores")]) == 0
    assert "crème brûlée" in last_line(capsys)["per_class"]
    assert main(["export", run, "--formats", "litert", "--checkpoint", "2"]) == 0
    exported = tmp_path / "run" / "export" / "detector.tflite"
    assert main(["detect", str(exported), str(voc_folder / "images"), "--out", str(out), "--min-score", "0.02"]) == 0
    assert len(list(out.glob("*.labeled.jpg"))) == 6


TRAIN_AND_DIE_AT_THE_THIRD_STEP = """
import os, runpy, sys
from workshop_utils.training import callbacks, trainer

callbacks.SAVE_EVERY_SECONDS, make_step, calls = 0, trainer.make_step, []

def dying(*arguments):
    step = make_step(*arguments)

    def once(*batch):
        calls.append(batch)
        return step(*batch) if len(calls) < 3 else os._exit(9)

    return once

trainer.make_step = dying
runpy.run_module("workshop_utils", run_name="__main__")
"""


def test_the_same_command_resumes_and_says_where(tmp_path, forks):
    arguments = ["train", settings.YOGHURT, *TINY, "--experiment", tmp_path / "run"]
    assert forks.start(TRAIN_AND_DIE_AT_THE_THIRD_STEP, arguments).wait().returncode == 9
    again = forks.start('import runpy; runpy.run_module("workshop_utils", run_name="__main__")', arguments).wait()
    assert again.returncode == 0, again.stderr[-2000:]
    assert "step 2\n" in again.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["train"],
        ["train", "x", "--strategy", "magic"],
        ["train", "x", "--recipe", "slow"],
        ["train", "x", "--set", "steps"],
        ["train", "x", "--set", "colour=3"],
        ["train", "x", "--workers", "10.0.0.5:2222"],
        ["train", "x", "--workers", "10.0.0.5:2222,10.0.0.6", "--index", "0"],
        ["shard", "x", "--out", "y", "--shards", "0"],
        ["detect", "coco"],
        ["detect", "coco", "x.jpg", "--out", "y", "--min-score", "2"],
        ["evaluate", "coco"],
        ["check", "x", "--out", "y"],
        ["export", "x", "--formats", "pdf"],
    ],
)
def test_wrong_usage_exits_2(arguments, capsys):
    try:
        code = main(arguments)
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "x", "--out", "y"],
        ["train", "x", "--set", "steps=3", "photos"],
        ["evaluate", "coco"],
        ["evaluate", "x", "--architecture", "ssd_mobilenet_v1"],
        ["detect", "x", "y.jpg", "--out", "z", "--architecture", "ssd_mobilenet_v1"],
    ],
)
def test_wrong_usage_found_after_parsing_is_reported_in_one_line(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("usage: ") and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def the_help(command, capsys) -> str:
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    return capsys.readouterr().out


def test_a_registered_strategy_or_export_format_becomes_a_choice_of_the_command_line(monkeypatch, capsys, tmp_path):
    from workshop_utils.deploy import export_formats
    from workshop_utils.training import strategies

    monkeypatch.chdir(tmp_path)
    training, exporting = ["train", "nowhere", "--strategy", "toy"], ["export", "nowhere", "--formats", "toy"]
    for arguments in (training, exporting):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2 and "'toy'" in capsys.readouterr().err
    toy = dataclasses.replace(strategies.get("as_is"), name="toy")
    monkeypatch.setitem(strategies.STRATEGIES, "toy", toy)
    monkeypatch.setitem(export_formats.FORMATS, "toy", export_formats.get("onnx"))
    assert main(training) == main(exporting) == 1, "they are valid choices, but there is no data set and no run"
    for command, registry in (("train", strategies.STRATEGIES), ("export", export_formats.FORMATS)):
        choices = re.search(r"\{(.*?)\}", the_help(command, capsys))[1].split(",")
        assert sorted(choices) == sorted(registry)


HELP_WITHOUT_TENSORFLOW = """
import sys
from workshop_utils.cli import main
try:
    main(["check", "--help"])
finally:
    print({"tensorflow", "keras"} & sys.modules.keys())
"""


def test_the_help_of_a_command_does_not_import_tensorflow():
    done = subprocess.run([sys.executable, "-c", HELP_WITHOUT_TENSORFLOW], capture_output=True, text=True, check=True)
    assert "--fix" in done.stdout and done.stdout.endswith("set()\n")


@pytest.mark.parametrize(
    "arguments",
    [["check", "nowhere"], ["shard", "nowhere", "--out", "y"], ["train", "nowhere"], ["evaluate", "nowhere"],
     ["export", "nowhere"], ["detect", "nowhere", "x.jpg", "--out", "y"]],
)  # fmt: skip
def test_a_missing_file_or_folder_is_named_and_exits_1(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    said = "".join(capsys.readouterr())
    assert "nowhere" in said
    assert "Traceback" not in said


def test_a_list_names_the_photos_to_train_on(tmp_path, monkeypatch, capsys):
    from workshop_utils.training import trainer

    (tmp_path / "few.txt").write_text("0003.jpg\n\n 0001.jpg \n")
    asked = []
    monkeypatch.setattr(trainer, "train", lambda plan, *_, **__: asked.append(plan.train_on) or sys.exit(0))
    with pytest.raises(SystemExit):
        main(["train", str(settings.YOGHURT), "--train-on", str(tmp_path / "few.txt")])
    assert asked == [["0003.jpg", "0001.jpg"]]
    with pytest.raises(SystemExit) as stopped:
        main(["train", str(settings.YOGHURT), "--train-on", str(tmp_path / "none.txt")])
    assert stopped.value.code == 2
    assert "none.txt" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_list_from_any_editor_or_shell_is_read(tmp_path, encoding):
    path = tmp_path / "few.txt"
    path.write_bytes("0003.jpg\r\n\r\n käse.jpg\r\n".encode(encoding))
    assert lines(str(path)) == ["0003.jpg", "käse.jpg"]


def test_a_list_in_an_unknown_encoding_is_wrong_usage_and_says_what_to_do(tmp_path):
    path = tmp_path / "few.txt"
    path.write_bytes("käse.jpg".encode("latin-1"))
    with pytest.raises(argparse.ArgumentTypeError, match=r"few\.txt.*UTF-8"):
        lines(str(path))


def test_a_command_starts_without_loading_what_only_others_need():
    program = "import sys, workshop_utils.cli; print({'numpy', 'PIL', 'tensorflow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=settings.PROJECT, capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stdout + done.stderr

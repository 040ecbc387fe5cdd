"""Cells of the notebooks in states that Run All does not reach: photos uploaded later, runs not recorded yet."""

import ast
import contextlib
import dataclasses
import functools
import hashlib
import io
import itertools
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import time
import types
import zipfile
from typing import Any

import numpy as np
import pytest
from IPython.display import Markdown
from PIL import Image
from tqdm.auto import tqdm

from workshop_utils.core import machine, settings
from workshop_utils.data import dataset, grouped_split, groups, photos
from workshop_utils.teaching import bursts, checks, recorded
from workshop_utils.training import run_folder
from workshop_utils.training.plan import Plan
from workshop_utils.widgets import data_sets, labeler, live_curves, uploads


@functools.cache
def cells(number: str) -> dict[str, str]:
    """Return the code of a solved notebook by the ids of its cells, in order."""
    (path,) = (settings.PROJECT / "notebooks" / "solutions").glob(f"{number}_*.ipynb")
    code = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    return {cell["id"]: "".join(cell["source"]) for cell in code}


def run(source: str, names: dict) -> str:
    """Run a cell with these names defined; return its output: what it prints, and its last value."""
    body = ast.parse(source).body
    last: Any = body.pop() if isinstance(body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(ast.Module(body, []), "cell", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "cell", "eval"), names) if last else None
    return printed.getvalue() + (getattr(value, "data", None) or str(value or ""))


def cell(name: str, names: dict, old: str = "", new: str = "") -> str:
    """Run the cell with this id after replacing some code; return its output."""
    source = cells(name[:2])[name]
    assert old in source
    return run(source.replace(old, new, 1), names)


def numbers(text: str) -> list[str]:
    """Return the numbers in a text, in order."""
    return re.findall(r"\d(?:[\d.,]*\d)?", text)


class Drawing:
    """Replaces `charts` and `drawing`: returns only the text of each picture."""

    def __getattr__(self, name):
        return lambda *_, alt="", **__: alt


def rows(ap: float, steps: int) -> list[dict]:
    """Return a history in which the loss falls and AP rises."""
    parts = {"localisation": 0.4, "classification": 0.6}
    return [
        {"step": float(step), "seconds": 0.6 * step, "loss": 1 / step} | parts | {"AP": share, "AP50": share}
        for step, share in ((10, None), (steps // 2, ap / 2), (steps, ap))
    ]


def made(strategy: str, ap: float, rung: int | None = None, **changes) -> recorded.Recorded:
    """Return a recorded run with these scores."""
    recipe = settings.recipe("workshop" if rung else "seed", **changes)
    history = [] if strategy == "as_is" else rows(ap, recipe.steps)
    metrics = {"AP": ap, "AP50": ap, "AP75": ap}
    return recorded.Recorded(strategy, recipe, "f", "train", "2026-01-31", 5.0, metrics, history, rung)


NONE = []
FIRST = [made("fine_tune", 0.77), made("as_is", 0.0), made("random_init", 0.15)]
FIRST += [made("fine_tune", 0.3 + 0.1 * place, rung) for place, rung in enumerate(settings.LADDER)]
FIRST += [made("random_init", 0.03 + 0.01 * place, rung, learning_rate=0.1) for place, rung in enumerate((10, 30, 288))]
MORE = [made("fine_tune", 0.75, seed=43), made("random_init", 0.13, seed=43)]
MORE += [made("random_init", ap, learning_rate=rate, warmup=50) for rate, ap in ((0.03, 0.2), (0.1, 0.3), (0.3, 0.1))]
ALL = [*FIRST, *MORE, made("random_init", 0.45, learning_rate=0.1, warmup=50, steps=3000)]


def compared(runs, monkeypatch) -> dict[str, str]:
    """Return the output of each cell of notebook 07 about recorded runs, with the exercises solved."""
    monkeypatch.setenv(checks.STRICT, "1")
    monkeypatch.setattr(recorded, "everything", lambda: runs)
    names = ("fine_tune", "as_is", "random_init")
    known = {"np": np, "math": math, "checks": checks, "recorded": recorded, "settings": settings}
    known |= {"charts": Drawing(), "drawing": Drawing()}
    known |= {"Markdown": Markdown, "names": names, "recipe": settings.recipe("quick"), "training_photos": range(96)}
    known |= {"scores": {name: {"AP": 0.2} for name in names}, "data": types.SimpleNamespace(fingerprint=lambda: "f")}
    known["histories"] = {name: rows(0.2, 120) for name in ("fine_tune", "random_init")}
    ids = list(cells("07"))
    return {name: cell(name, known) for name in ids[ids.index("07-15") : ids.index("07-48") + 1]}


def test_without_recorded_runs_the_comparison_only_says_so(monkeypatch):
    said = compared(NONE, monkeypatch)
    assert numbers(said["07-17"]) == numbers(said["07-54"]) == []
    assert said["07-29"] == said["07-41"] == said["07-44"] == said["07-48"] == ""


def test_no_prediction_is_requested_for_a_score_that_was_already_shown(monkeypatch):
    said = compared(FIRST, monkeypatch)
    assert all(f"1 of {name}" in said["07-17"] for name in ("fine_tune", "as_is", "random_init"))
    assert "1,000 steps" in said["07-17"] and said["07-54"] == compared(NONE, monkeypatch)["07-54"]
    assert "0.15" in said["07-38"] and "0.77" in said["07-38"]
    assert said["07-41"] == "" and "1,000 steps" in said["07-40"] and "3 of 3" in said["07-44"]


def test_the_longest_run_is_predicted_from_all_other_runs(monkeypatch):
    said = compared(ALL, monkeypatch)
    known = said["07-36"] + said["07-54"]
    assert "after **1,000** steps **0.30**" in known and "at least **0.75**" in known and "took **3,000**" in known
    assert "0.45" not in known and "It reached **0.45**" in said["07-38"]
    assert "3,000 steps, seeds: 1" in said["07-40"]
    assert re.search(r"0\.45, 0\.30 behind .*\n.* 5 minutes", said["07-41"])
    assert "0.1 suits random weights best" in said["07-34"] and "end of the range" not in said["07-34"]


def test_a_best_rate_at_the_end_of_the_tried_range_is_pointed_out(monkeypatch):
    runs = [*FIRST, made("random_init", 0.2, learning_rate=0.3, warmup=50)]
    assert "0.3 " in compared(runs, monkeypatch)["07-34"] and "end of" in compared(runs, monkeypatch)["07-34"]


@pytest.mark.parametrize(
    ("runs", "photos", "known", "lines"),
    [
        (FIRST[:3], 288, ["50", "0.05", "500", "0.15", "1,000"], 3),
        (FIRST[:3], 96, ["50", "0.05", "500", "0.15", "1,000"], 2),
        ([made("random_init", 0.02)], 288, ["50", "0.05", "0.02", "1,000"], 2),
        (NONE, 288, [], 0),
    ],
)
def test_more_steps_are_suggested_only_if_they_helped_on_the_same_photos(runs, photos, known, lines):
    data = types.SimpleNamespace(split=lambda limit: (range(288), range(72)))
    names = {"recorded": types.SimpleNamespace(load=lambda: runs), "data": data, "training_photos": range(photos)}
    names |= {"chosen": settings.recipe("workshop"), "scores": {"AP50": 0.0}}
    said = cell("06-52", names)
    assert sorted(numbers(said)) == sorted(known) and said.count("\n") == lines


@pytest.mark.parametrize("runs", [FIRST[:3], NONE])
def test_initial_losses_are_compared_with_fine_tuning_if_that_is_recorded(runs):
    known = {"recorded": types.SimpleNamespace(load=lambda: runs), "history": rows(0.0, 300)}
    said = cell("06-50", known)
    assert numbers(said) == ["0.40", "0.60"] * (1 + bool(runs))


def jpeg() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (40, 30), "grey").save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture
def brought(tmp_path, monkeypatch) -> dict:
    """The names that notebook 10 defines if you bring photos; a folder with one photo replaces the example."""
    monkeypatch.setattr(settings, "RUNS", tmp_path)

    def make_example(folder):
        uploads.keep("example.jpg", jpeg(), folder / "images")
        return folder

    known = {
        "data_sets": data_sets,
        "pathlib": pathlib,
        "photos": photos,
        "settings": settings,
        "uploads": uploads,
        "MY_PHOTOS": None,
    }
    return known | {"make_example": make_example}


def test_photos_uploaded_after_run_all_are_used_from_the_next_cell_on(brought, tmp_path):
    cell("10-31", brought)
    cell("10-07", brought)
    assert brought["folder"] == tmp_path / "example_photos" and not brought["yours"]
    uploads.keep("mug.jpg", jpeg(), tmp_path / "my_photos" / "images")
    cell("10-07", brought)
    assert brought["folder"] == tmp_path / "my_photos" and brought["yours"]


@pytest.mark.parametrize("kind", ["photos", "data set"])
def test_a_folder_of_photos_may_be_given_relative_to_the_home_folder(brought, kind, tmp_path, monkeypatch):
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    named = tmp_path / "home" / "mugs"
    uploads.keep("mug.jpg", jpeg(), named / "images" if kind == "data set" else named)
    brought["MY_PHOTOS"] = "~/mugs"
    cell("10-31", brought)
    cell("10-07", brought)
    assert brought["folder"] == (named if kind == "data set" else tmp_path / "my_photos")
    assert [path.name for path in photos.find(brought["folder"] / "images")] == ["mug.jpg"]


def test_with_fewer_than_two_labelled_photos_a_message_says_what_to_do():
    for labelled, paths in itertools.product(range(3), (["a", "b"], ["a", "b", "c"])):
        labels = types.SimpleNamespace(paths=paths, unlabelled=paths[labelled:])
        known = {"labels": labels, "labeler": labeler, "yours": True}
        if labelled < 2:
            with pytest.raises(labeler.LabelingError):
                cell("10-34", known)
        else:
            assert numbers(cell("10-34", known))[:2] == ["2", f"{len(paths) - 2}"]


def test_a_changed_recipe_or_other_labels_start_a_new_run_and_the_same_ones_resume(
    brought, divided, yoghurt, tmp_path, monkeypatch
):
    monkeypatch.setenv("WORKSHOP_RECIPE", "workshop")
    folders = []

    def train(plan, data, folder, callbacks):
        folders.append(folder)
        return types.SimpleNamespace(history=lambda: [])

    known = brought | {
        "trainer": types.SimpleNamespace(train=train),
        "hashlib": hashlib,
        "dataclasses": dataclasses,
    }
    known |= {"live_curves": live_curves, "machine": machine}
    runs = (("", "mug"), ("", "mug"), ("steps=600", "mug"), ("learning_rate=0.001", "mug"), ("", "plate"))
    for changes, label in runs:
        known |= divided(yoghurt.samples[:5], **{"0001": label}) | {"folder": tmp_path / "mugs"}
        cell("10-40", known, "settings.recipe()", f"settings.recipe({changes})")
        cell("10-52", known)
        cell("10-15", known)
    assert folders[0] == folders[1] and len(set(folders)) == 4
    assert all(folder.name.startswith("mugs-workshop-half-") for folder in folders)


@pytest.fixture
def divided(yoghurt, tmp_path):
    """Return what cell 10-52 knows, for photos with these classes."""

    def known(samples, **classes) -> dict:
        named = [(each, classes.get(each.name[:4], "mug")) for each in samples]
        samples = [dataclasses.replace(each, classes=(name,) * len(each.boxes)) for each, name in named]
        names = {"groups": groups, "grouped_split": grouped_split, "Plan": Plan, "folder": tmp_path}
        names |= {"mine": dataset.Dataset(samples, {1: "mug", 2: "plate"}), "short": settings.recipe("quick")}
        return names

    return known


def test_a_class_that_no_validation_photo_shows_is_named(divided, yoghurt):
    said = cell("10-52", divided(yoghurt.samples[:10], **{"0001": "plate"}))
    assert re.findall(r"validation \w+ \w+ '(mug|plate)'", said) == ["plate"]


def test_a_burst_is_not_divided_between_training_and_validation(divided, yoghurt):
    shown = yoghurt.samples[:6]
    known = divided([frame for scene in shown for frame in (scene, *bursts.frames(scene))])
    said = cell("10-52", known)
    parts = [{sample.name[:4] for sample in known[f"{part}_photos"]} for part in ("training", "validation")]
    assert all(parts) and not parts[0] & parts[1] and re.search(r"\b18 photos\b.*\b6 groups\b", said)
    assert known["plan"].groups.by == "near", "the run is trained and evaluated on the same split"


def test_photos_that_are_all_one_burst_are_divided_photo_by_photo(divided, yoghurt):
    known = divided([yoghurt.samples[0], *bursts.frames(yoghurt.samples[0], 4)])
    assert "too good" in cell("10-52", known)
    assert (len(known["training_photos"]), len(known["validation_photos"])) == (4, 1)
    assert known["plan"].groups.by == "none"


@pytest.mark.parametrize(("memory", "words"), [(0.3, "0.30 too"), (0, "no difference"), (None, "cannot compare")])
def test_the_burst_shows_what_a_random_split_would_score_too_much(yoghurt, memory, words):
    scored = iter([None if memory is None else 0.5 + memory, 0.5])
    scores = types.SimpleNamespace(evaluate=lambda *_: types.SimpleNamespace(AP50=next(scored)))
    known = {"training_photos": yoghurt.samples[:3], "validation_photos": yoghurt.samples[3:4], "bursts": bursts}
    known |= {"groups": groups, "average_precision": scores, "model": None}
    known |= {"label_map": {}, "Markdown": Markdown}
    assert re.search(r"\b9 photos\b.*\b3 groups\b.*\b3\b", cell("10-71", known))
    assert words in cell("10-72", known)


def test_a_class_in_no_validation_photo_is_listed_as_not_measured():
    metrics = {"AP50": 0.17, "per_class_AP50": {"apple": None, "raccoon": 0.17}}
    experiment = types.SimpleNamespace(metrics=lambda: metrics)
    sample = types.SimpleNamespace(classes=("raccoon", "raccoon"))
    said = cell("10-17", {"experiment": experiment, "validation_photos": [sample, sample]})
    assert "apple: not measured, 0 objects" in said and "raccoon: 0.17, 4 objects" in said


@pytest.mark.parametrize(
    ("fewer", "more", "words"),
    [(0.4, 0.6, "gained 0.20"), (0.6, 0.6, "gained nothing"), (None, 0.6, "cannot compare")],
)
def test_what_twice_the_photos_bring_is_read_from_the_two_runs(fewer, more, words):
    known = {"half_score": {"AP50": fewer}, "score": {"AP50": more}, "half_of_them": range(8), "Markdown": Markdown}
    said = cell("10-63", known | {"training_photos": range(16), "validation_photos": range(4)})
    assert words in said and "4 validation photos" in said
    assert "validation photos" not in cell(
        "10-63", known | {"half_score": {"AP50": 0.1}, "validation_photos": range(20)}
    )


@pytest.mark.parametrize(
    ("known", "unknown", "advice"),
    [
        (0.3, 0.1, "more steps"),
        (0.9, 0.4, "overfits"),
        (0.9, 0.7, "about as well"),
        (0.9, None, "label more photos"),
        (None, 0.7, "label more photos"),
    ],
)
def test_the_score_on_training_photos_shows_what_is_missing(known, unknown, advice):
    trainer = types.SimpleNamespace(load_model=lambda experiment: ("model", {}))
    scored = types.SimpleNamespace(evaluate=lambda model, samples, label_map: types.SimpleNamespace(AP50=known))
    names = {"trainer": trainer, "average_precision": scored, "experiment": None, "training_photos": []}
    said = cell("10-54", names | {"score": {"AP50": unknown}})
    known, unknown = ("none" if each is None else f"{each:.2f}" for each in (known, unknown))
    assert f"AP50 {known} on photos it trained on, {unknown} on the others." in said and advice in said


def test_an_unmeasurable_score_is_shown_with_its_reason():
    metrics = {"AP50": None, "reason": "no object is labelled in these photos"}
    experiment = types.SimpleNamespace(metrics=lambda: metrics)
    said = cell("10-17", {"experiment": experiment, "validation_photos": [None]})
    assert metrics["reason"] in said and "0.00" not in said


def test_the_download_contains_everything_that_would_be_lost(tmp_path):
    files = ("mugs/images/a.jpg", "mugs/annotations/a.xml", "run/export/detector.tflite", "run/detected/a.labeled.jpg")
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_text(file)
    names = {"folder": tmp_path / "mugs", "exported": tmp_path / files[2], "out": tmp_path / "run" / "detected"}
    names |= {"experiment": run_folder.RunFolder(tmp_path / "run"), "zipfile": zipfile}
    assert "take_home.zip" in cell("10-60", names)
    with zipfile.ZipFile(tmp_path / "run" / "take_home.zip") as parcel:
        held = {name: parcel.read(name).decode() for name in parcel.namelist()}
    kept = ("photos/a.jpg", "labels/a.xml", "detector/detector.tflite", "detected/a.labeled.jpg")
    assert held == dict(zip(kept, files, strict=True))


def test_two_workers_on_one_machine_do_not_use_its_gpu(tmp_path):
    known = {"run_folder": run_folder, "folder": tmp_path, "os": os, "tqdm": tqdm, "steps": 1, "time": time}
    known["subprocess"] = subprocess
    cell("11-09", known)
    look = "import os, sys; sys.exit(os.environ['CUDA_VISIBLE_DEVICES'] != '-1')"
    assert known["train"]("together", [[sys.executable, "-c", look]] * 2) == []

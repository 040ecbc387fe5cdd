"""The results of `make bench` are those that were measured and meet the targets, and the README repeats them."""

import hashlib
import importlib.util
import io
import json
import re
import statistics
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw

from workshop_utils.core import settings
from workshop_utils.data.dataset import Sample
from workshop_utils.model.architectures import ARCHITECTURES

FOLDER = settings.PROJECT / "benchmarks"


def benchmark(name: str):
    """Return a module of that folder. It is loaded by its path, because another module may have the same name."""
    found = importlib.util.spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


report = benchmark("report")


@pytest.fixture(scope="module")
def rows():
    return report.read(FOLDER / "measurements.jsonl")


@pytest.fixture(scope="module")
def recorded():
    return json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))


def test_the_page_shows_what_was_measured(rows, recorded):
    results = report.Results(rows)
    assert results.summary() == recorded
    assert report.markdown(results, recorded) == (FOLDER / "results.md").read_text(encoding="utf-8")


def test_every_target_is_met(recorded):
    assert [name for name in report.TARGETS if report.met(recorded, name) != "yes"] == []


def test_compared_values_were_measured_equally_often(rows):
    results = report.Results(rows)
    for name in ("seed_plain_keras", "seed_ours", "step_ours", "step_torch", "photos_small", "photos_large", "latency"):
        assert sum(each == name for each, _ in results.rows) == 3, name


def test_the_networks_were_measured_in_the_same_rounds(rows):
    """In none, until `make bench` has run with both."""
    rounds = [{at for name, at in report.Results(rows).rows if name == f"network_{each}"} for each in ARCHITECTURES]
    assert rounds[1:] == rounds[:-1] and rounds[0] in (set(), {0, 1, 2})


def test_a_ratio_compares_values_of_the_same_round():
    rows = [{"name": name, "round": number, "date": "2026-01-01", "machine": "here", "result": {"seconds": seconds}}
            for name, all_seconds in (("one", (1, 2, 30)), ("other", (10, 10, 100)))
            for number, seconds in enumerate(all_seconds)]  # fmt: skip
    assert report.Results(rows).ratio("one", "other") == 0.2
    assert report.Results(rows[:1]).ratio("one", "other") is None


def test_what_was_measured_on_another_machine_is_named():
    rows = [{"name": name, "round": 0, "date": "2026-01-01", "machine": machine, "result": {}}
            for name, machine in (("seed_ours", "here"), ("latency", "here"), ("web", "elsewhere"))]  # fmt: skip
    text = report.machines(report.Results(rows))
    assert re.findall("here|elsewhere|web|latency", text) == ["here", "web", "elsewhere"]


def test_the_readme_repeats_the_measured_figures(rows):
    results, text = report.Results(rows), (settings.PROJECT / "README.md").read_text(encoding="utf-8")
    names = ("seed_ours", "seed_plain_keras")
    minutes = [round(results.median(name, "seconds") / 60, 1) for name in names]
    scores = [round(results.mean(name, "AP50"), 3) for name in names]
    sentences = re.search(r"Fine-tuning for 1,000 steps .*? in plain Keras\.", " ".join(text.split()))[0]
    assert [float(number) for number in re.findall(r"\d+\.\d+", sentences)] == minutes + scores


def test_fine_tuning_is_not_behind_plain_keras_on_real_photos(monkeypatch):
    monkeypatch.setitem(sys.modules, "report", report)
    real_photos = benchmark("real_photos")
    measured = report.read(real_photos.MEASUREMENTS)
    assert real_photos.page(measured) == real_photos.PAGE.read_text(encoding="utf-8")
    for name in ("bccd", "raccoon"):
        gaps = real_photos.gaps([row for row in measured if row["dataset"] == name], "plain_keras")
        assert len(gaps) == 3 and statistics.mean(gaps) <= report.TARGETS["ap_gap"], name


def test_red_cells_with_a_bright_centre_become_a_class_of_their_own():
    photo, stream = Image.new("RGB", (200, 100), "white"), io.BytesIO()
    for left, centre in ((0, "white"), (100, "maroon")):
        ImageDraw.Draw(photo).ellipse((left, 0, left + 99, 99), fill="brown")
        ImageDraw.Draw(photo).ellipse((left + 30, 30, left + 70, 70), fill=centre)
    photo.save(stream, "PNG")
    boxes = np.array([[0, 0, 1, 0.5], [0, 0.5, 1, 1], [0, 0, 1, 0.5]], np.float32)
    digest, flags = hashlib.sha256(stream.getvalue()).hexdigest(), (0, 0, 0)
    sample = Sample("a.png", 200, 100, boxes, ("RBC", "RBC", "WBC"), flags, flags, digest, stream.getvalue())
    assert benchmark("fine_grained").named(sample) == ["PALE", "FILLED", "WBC"]

"""Everyone can use the report of `make run`, and it fits the screen."""

import accessibility
import browser
import numpy as np
import pytest

from workshop_utils.core import settings
from workshop_utils.data import dataset
from workshop_utils.training import strategies

CLASSES = ["blueberry", "natural", "peach", "strawberry", "vanilla"]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of two real photos, with made-up scores. Its detectors find half of the cups."""
    import comparison

    samples = dataset.load(settings.YOGHURT).samples[:2]
    names = dict(enumerate(CLASSES, start=1))
    seen = []
    for sample in samples:
        half = len(sample.classes) // 2
        found = (sample.boxes[:half], np.arange(half) % 5 + 1, np.full(half, 0.5))
        seen.append(comparison.seen_on(sample, found, names))
    metrics = {"AP": 0.4, "AP50": 0.7, "AP75": None, "per_class_AP50": dict.fromkeys(CLASSES, 0.7)}
    metrics["reason"] = "no object is there"
    history = [{"step": step, "AP50": step / 100, "seconds": step} for step in (0, 20, 40)]
    titles = list(strategies.STRATEGIES)
    pictures = [[comparison.drawn(*each, names, title) for each in zip(samples, seen)] for title in titles]
    compared = {
        "rows": [comparison._row(title, "trained", metrics, CLASSES, "1.0") for title in titles],
        "sums": [comparison._sum(title, "trained", seen) for title in titles],
        "classes": CLASSES,
        "called": {"cup": 3},
        "examples": list(zip([comparison.labelled(sample, CLASSES) for sample in samples], *pictures)),
        "curves": comparison._curves({"fine_tune, this run": history, "fine_tune, recorded": history[:2]}),
        "recorded": True,
        "recipes": {"fine_tune": "40 steps"},
        "recipe": settings.recipe("quick"),
        "training": 10,
        "validation": 2,
        "fingerprint": "0123abcd",
    }
    path = tmp_path_factory.mktemp("report") / "report.html"
    comparison.write_page(compared, {"00_start_here": 12.0, "01_why_transfer_learning": 34.0}, path)
    return path


@pytest.mark.parametrize("width", [400, 1366])
def test_axe_core_finds_no_serious_fault_on_the_report_and_it_fits(report, width):
    browser.require()
    with browser.chromium() as chromium:
        page = chromium.new_page(viewport={"width": width, "height": 650})
        page.goto(report.as_uri())
        assert page.locator("figure img").count() == 2 * (1 + len(strategies.STRATEGIES)) + 1
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert accessibility.serious_faults(page) == []

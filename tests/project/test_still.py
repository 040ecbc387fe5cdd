"""Pages of executed notebooks show what each widget showed last, and everyone can use them."""

import json
import re

import accessibility
import browser
import execute
import nbformat
import pytest
import still

from workshop_utils.core import settings

WIDGETS = """
import pathlib, shutil
import ipywidgets
import numpy as np
from IPython.display import Markdown, display
from workshop_utils.core import settings
from workshop_utils.plots import drawing
from workshop_utils.widgets import explorer, labeler, uploads

here = pathlib.Path({folder!r})
(here / "images").mkdir()
shutil.copy(settings.TO_LABEL / "0001.jpg", here / "images")
labels = labeler.Labeler(here / "images", here / "annotations", ["peach", "<vanilla>"])
labels.add("<vanilla>", (100, 100, 200, 200))
look = lambda layer, channel: drawing.picture(np.zeros((8, 8, 3), np.uint8), alt=f"channel {{channel}} of {{layer}}")
channels = explorer.ChannelExplorer({{"early": 32}}, look, lambda *_: iter([np.zeros((8, 8, 3), np.uint8)]))
# Numbers, comments and words such as `in` have colours:
assert 1 in (1, 2)
display(labels, channels, uploads.PhotoUpload(here / "mine"), ipywidgets.HBox([ipywidgets.Label("1 < 2")]))
"""


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The folder of a notebook with widgets, executed as `make run` does."""
    folder = tmp_path_factory.mktemp("still")
    text = "# Widgets\n\nA formula, $r = 1$, a [link](https://example.org) in it, and\n\n$$q = \\frac{1}{2}$$"
    cells = [nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell(WIDGETS.format(folder=str(folder)))]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "00_widgets.ipynb")
    execute.execute(folder / "00_widgets.ipynb", folder / "out")
    return folder / "out"


@pytest.fixture(scope="module")
def page(executed):
    return (executed / "00_widgets.html").read_text(encoding="utf-8")


def test_a_picture_of_the_widget_is_shown_instead_of_its_name(page):
    assert page.count(still.NOTE) == 4
    assert "(children=" not in page and "Labeler at" not in page
    assert re.search(r'<img alt="[^"]*with 1 boxes: &lt;vanilla&gt;" src="data:image/png', page)
    assert '<img alt="channel 0 of early"' in page


def test_controls_of_a_picture_have_their_values_and_are_off(page):
    controls = dict(re.findall(r"<label>(\w+) <(?:input|select) ([^>]*)>", page))
    assert controls.keys() == {"layer", "channel", "xmin", "ymin", "xmax", "ymax"}
    assert all("disabled" in attributes for attributes in controls.values())
    assert 'max="31"' in controls["channel"] and 'value="0"' in controls["channel"]
    assert re.search(r"<option>early</option>", page)
    buttons = re.findall(r"<button disabled[^>]*>([^<]+)</button>", page)
    assert {"Submit", "Propose boxes", "Upload photos"} < set(buttons)
    assert "1 &lt; 2" in page


def test_the_executed_notebook_keeps_its_widgets(executed):
    notebook = json.loads((executed / "00_widgets.ipynb").read_text(encoding="utf-8"))
    assert all(still.VIEW in output["data"] for output in notebook["cells"][1]["outputs"])
    still.put_pictures(notebook)
    assert all("text/html" in output["data"] for output in notebook["cells"][1]["outputs"])
    assert "widgets" not in notebook["metadata"], "the page would hold it without using it"


def test_a_widget_without_a_stored_state_stays_as_text():
    output = {"data": {still.VIEW: {"model_id": "gone"}, "text/plain": "Labeler"}}
    notebook = {"metadata": {}, "cells": [{"outputs": [output]}, {"cell_type": "markdown"}]}
    still.put_pictures(notebook)
    assert notebook["cells"][0]["outputs"][0]["data"]["text/plain"] == "Labeler"


def test_axe_core_finds_no_serious_fault_on_the_page_of_an_executed_notebook(executed):
    browser.require()
    with browser.chromium() as chromium:
        shown = chromium.new_page(viewport=browser.SCREEN)
        shown.goto((executed / "00_widgets.html").as_uri())
        assert shown.locator("figure img").count() >= 3
        assert accessibility.serious_faults(shown) == []


def test_axe_core_finds_no_serious_fault_on_the_site():
    browser.require()
    site = settings.PROJECT / "build" / "site"
    if not site.exists():
        pytest.skip("`make site` has not built the site")
    with browser.chromium() as chromium:
        shown = chromium.new_page(viewport=browser.SCREEN)
        for path in (site / "index.html", *sorted(site.glob("notebooks/0[0-3]*.html"))):
            shown.goto(path.as_uri())
            assert accessibility.serious_faults(shown) == [], path

"""Curves that grow during training: one output, redrawn rarely, and complete at the end."""

import pathlib
import sys
import types
from typing import Any, cast

import execute
import nbformat
import pytest
from nbclient import NotebookClient

from workshop_utils.plots import charts, drawing
from workshop_utils.widgets import live_curves

CELL = """\
from workshop_utils.widgets import live_curves

rows = [{"step": step, "loss": 100 / step, "classification": 60 / step, "localisation": 40 / step, "AP50": None}
        for step in range(10, 101, 10)]
rows[-1]["AP50"] = 0.25
curves = live_curves.Curves(100)
live_curves.PAUSE, live_curves.SHARE = 0.0, 1e9
for row in rows:
    curves.on_row(None, row)
curves.finish(rows)"""


def row(step: int, AP50: float | None = None) -> dict:
    return {"step": step, "loss": 100 / step, "classification": 60 / step, "localisation": 40 / step, "AP50": AP50}


class Place:
    """A stand-in for a notebook's output, where each picture replaces the one before."""

    def __init__(self):
        self.began, self.pictures = 0, []

    def display(self, picture):
        self.began += 1
        self.pictures.append(picture)

    def update(self, picture):
        assert self.began == 1, "there is nothing to update"
        self.pictures.append(picture)


@pytest.fixture
def place(monkeypatch) -> Place:
    """A notebook's output for the curves, as if a kernel ran."""
    made = Place()
    monkeypatch.setattr(live_curves, "get_ipython", lambda: types.SimpleNamespace(kernel=object()))
    monkeypatch.setattr(live_curves, "DisplayHandle", lambda: made)
    return made


@pytest.fixture
def clock(monkeypatch) -> types.SimpleNamespace:
    """A clock that advances only when it is moved, and drawing that takes a fifth of a second."""
    hands = types.SimpleNamespace(now=100.0)

    def draw(history, steps, marks, *, alt):
        hands.now += 0.2
        return alt

    monkeypatch.setattr(live_curves.time, "monotonic", lambda: hands.now)
    monkeypatch.setattr(charts, "run_curves", draw)
    return hands


def test_a_kernel_shows_the_curves_once_and_redraws_them_in_place():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    ours = execute.OnePython(sys.executable)
    kernel = execute.KernelManager(
        kernel_spec_manager=ours, client_class="jupyter_client.asynchronous.AsyncKernelClient"
    )
    redrawn = []
    client = NotebookClient(notebook, km=kernel, resources={"metadata": {"path": str(pathlib.Path.cwd())}})
    process = client.process_message
    cast(Any, client).process_message = lambda message, *rest: (
        redrawn.append(message["msg_type"]) or process(message, *rest)
    )
    client.execute()
    (output,) = notebook.cells[0].outputs
    assert redrawn.count("display_data") == 1 and redrawn.count("update_display_data") == 10
    page = output["data"]["text/html"]
    assert "1.00 at step 100 of 100" in page and "0.25 at step 100" in page and "data:image/png;base64," in page


def test_drawing_takes_at_most_a_twentieth_of_the_time(place, clock):
    curves, began = live_curves.Curves(1000), clock.now
    for step in range(1, 1001):
        clock.now += 0.1
        curves.on_row(None, row(step))
    spent, whole = 0.2 * len(place.pictures), clock.now - began
    assert 0.5 * live_curves.SHARE * whole < spent <= 0.2 + live_curves.SHARE * whole


def test_the_first_row_is_shown_at_once_and_the_next_waits(place, clock):
    curves = live_curves.Curves(100)
    curves.on_row(None, row(10))
    curves.on_row(None, row(20))
    assert len(place.pictures) == 1
    clock.now += 60
    curves.on_row(None, row(30))
    assert len(place.pictures) == 2 and "step 30" in place.pictures[-1]


def test_rows_left_out_while_training_are_drawn_at_the_end(place, clock):
    curves, rows = live_curves.Curves(100), [row(step) for step in (10, 20, 30)]
    for each in rows:
        curves.on_row(None, each)
    assert "step 30" not in place.pictures[-1]
    curves.finish(rows)
    assert "step 30 of 100" in place.pictures[-1] and place.began == 1


def test_a_finished_run_is_shown_completely_at_once(place):
    live_curves.Curves(30).finish([row(10), row(20, 0.1), row(30, 0.3)])
    (picture,) = place.pictures
    assert isinstance(picture, drawing.Picture)
    assert "10.00 at step 10" in picture.alt and "0.10 at step 20, 0.30 at step 30" in picture.alt


def test_a_run_without_rows_shows_nothing(place):
    live_curves.Curves(30).finish([])
    assert not place.pictures


def test_outside_a_notebook_nothing_is_drawn(capsys, monkeypatch):
    monkeypatch.setattr(charts, "run_curves", pytest.fail)
    curves = live_curves.Curves(30)
    curves.on_row(None, row(10))
    curves.finish([row(10), row(20)])
    assert capsys.readouterr().out == ""

"""A long operation shows how many seconds it has taken."""

import os
import sys
import time

import execute
import nbformat
import pytest

from workshop_utils.core import elapsed
from workshop_utils.core.stderr import quiet_stderr

CELL = """\
import time
from workshop_utils.core import elapsed
elapsed.SECONDS_BETWEEN = 0.1
with elapsed.shown("Writing:", "Wrote in"):
    time.sleep(0.5)"""


def seen_in_a_terminal(run, monkeypatch) -> str:
    """Return what a function writes to standard error where that is a terminal."""
    parent, child = pytest.importorskip("pty").openpty()
    with os.fdopen(child, "w") as stderr, monkeypatch.context() as patch:
        patch.setattr(sys, "stderr", stderr)
        patch.setattr(elapsed, "SECONDS_BETWEEN", 0.1)
        run()
    with os.fdopen(parent, "rb", buffering=0) as terminal:
        return b"".join(pieces(terminal)).decode()


def pieces(terminal):
    """Read until the other end is closed, which Linux reports as an error: one read can return a part only."""
    while True:
        try:
            piece = terminal.read(10_000)
        except OSError:
            return
        if not piece:
            return
        yield piece


def test_a_terminal_counts_seconds_in_one_line_also_while_native_output_is_silenced(monkeypatch):
    def run():
        with elapsed.shown("Writing:", "Wrote in"), quiet_stderr():
            time.sleep(0.35)

    seen = seen_in_a_terminal(run, monkeypatch)
    assert seen.count("\rWriting: 0 s") >= 2 and seen.rstrip().endswith("\rWrote in 0 s\033[K")
    assert seen.count("\n") == 1


def test_an_operation_that_fails_is_not_called_finished(monkeypatch):
    def run():
        with pytest.raises(ValueError), elapsed.shown("Writing:", "Wrote in"):
            raise ValueError

    seen = seen_in_a_terminal(run, monkeypatch)
    assert "Writing: 0 s" in seen and "Wrote" not in seen


def test_a_log_gets_nothing(capfd):
    with elapsed.shown("Writing:", "Wrote in"):
        pass
    assert capfd.readouterr() == ("", "")


def test_an_executed_notebook_keeps_the_last_line_only(tmp_path):
    path = tmp_path / "long.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)]), path)
    execute.execute(path, tmp_path / "out")
    (cell,) = nbformat.read(tmp_path / "out" / path.name, as_version=4).cells
    (shown,) = cell.outputs
    assert shown["data"]["text/plain"] in ("Wrote in 0 s", "Wrote in 1 s")

"""The programs that execute the notebooks and build the report, and the errors that a notebook shows."""

import io
import itertools
import os
import re
import signal
import subprocess
import sys
import time

import execute
import nbformat
import progress
import pytest
from conftest import MODULES

from workshop_utils.core import settings


def notebook(folder, *cells: str):
    """Write a notebook of these code cells; return its path."""
    content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    path = folder / "page.ipynb"
    nbformat.write(content, path)
    return path


def executed(folder):
    return nbformat.read(folder / "out" / "page.ipynb", as_version=4)


def test_a_notebook_is_executed_and_saved_as_notebook_and_page(tmp_path):
    path = notebook(tmp_path, "print(6 * 7)")
    assert execute.execute(path, tmp_path / "out") > 0
    assert executed(tmp_path).cells[0].outputs[0].text == "42\n"
    assert "42" in (tmp_path / "out" / "page.html").read_text()
    assert nbformat.read(path, as_version=4).cells[0].outputs == [], "the notebook itself does not change"


def test_a_notebook_can_run_in_another_python_and_environment(tmp_path):
    other = tmp_path / "python"
    other.symlink_to(sys.executable)
    environment = os.environ | {"ASKED_FOR": "this", "PYTHONPATH": os.pathsep.join(sys.path)}
    path = notebook(tmp_path, "import os, sys\nprint(sys.executable, os.environ['ASKED_FOR'])")
    execute.execute(path, tmp_path / "out", str(other), environment)
    assert executed(tmp_path).cells[0].outputs[0].text == f"{other} this\n"


def test_a_page_folds_hints_and_is_self_contained_wherever_its_notebook_is(tmp_path):
    path = settings.PROJECT / "notebooks" / "03_build_the_pipeline.ipynb"
    page = execute._html(nbformat.read(path, as_version=4), tmp_path / path.name)
    folded = re.findall(r"<details><summary>(\w+)</summary>(.*?)</details>", page, re.DOTALL)
    assert len(folded) >= 6 and all(len(text) > 40 for _, text in folded), "the folded text is between the tags"
    assert 'alt="Open in Colab"' in page and "../docs" not in page and 'href="04_fine_tune.html' in page


class Terminal(io.StringIO):
    """A stand-in for the output of a terminal."""

    def isatty(self) -> bool:
        return True


def test_on_a_terminal_one_line_shows_cell_and_time_while_a_notebook_runs(tmp_path, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    path = notebook(tmp_path, "1 + 1", "import time\ntime.sleep(2.5)")
    with progress.Progress(path.name) as shown:
        took = execute.execute(path, tmp_path / "out", watch=shown.cell)
    _, *lines = terminal.getvalue().split("\r")
    name, seconds, unit = lines[-1].split()
    assert (name, unit) == ("page.ipynb", "s") and abs(int(seconds) - took) < 1 and lines[-1].endswith("\n")
    assert not any("\n" in line for line in lines[:-1]), "one line is rewritten"
    said = [line.split()[1:] for line in lines[:-1]]
    assert said[0] == ["starting,", "0:00"] and ["cell", "1", "of", "2,"] in [words[:4] for words in said]
    times = [words[4] for words in said if words[:4] == ["cell", "2", "of", "2,"]]
    assert len(times) >= 3 and times == sorted(times) and times[0] < times[-1], "the time advances within a cell"
    assert all(len(line) >= len(before.rstrip()) for before, line in itertools.pairwise(lines)), "nothing is left over"


def test_text_between_code_cells_is_not_counted(tmp_path):
    path = notebook(tmp_path, "1 + 1", "2 + 2", "1 / 0")
    content = nbformat.read(path, as_version=4)
    content.cells[1:1] = [nbformat.v4.new_markdown_cell(text) for text in ("one", "two")]
    nbformat.write(content, path)
    begun = []
    with pytest.raises(execute.NotebookError, match="cell 3 of 3"):
        execute.execute(path, tmp_path / "out", watch=lambda number, count: begun.append((number, count)))
    assert begun == [(1, 3), (2, 3), (3, 3)]


def test_in_a_log_each_notebook_has_one_line_and_a_long_one_more(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WORKSHOP_RECIPE", "quick")
    import report  # it sets this recipe by default

    notebook(tmp_path, "1 + 1").rename(tmp_path / "00_short.ipynb")
    monkeypatch.setattr(report, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(report, "BUILD", tmp_path / "build")
    assert progress.ELSEWHERE >= 10, "a log has at most one line in ten seconds, and one for each notebook"
    report.execute_all()
    assert [line.split()[::2] for line in capsys.readouterr().out.splitlines()] == [["00_short.ipynb", "s"]]
    (tmp_path / "00_short.ipynb").unlink()
    notebook(tmp_path, "1 + 1", "import time\ntime.sleep(2.5)").rename(tmp_path / "01_long.ipynb")
    monkeypatch.setattr(progress, "ELSEWHERE", 1)
    report.execute_all()
    said = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["cell", "2", "of", "2,"] in [words[1:5] for words in said[:-1]] and said[-1][-1] == "s"


def test_a_workshop_error_appears_in_a_notebook_as_its_message_only(tmp_path):
    source = 'from workshop_utils.data import voc\nvoc.read("nowhere.xml")'
    with pytest.raises(execute.NotebookError, match=r"cell 2 of 2 .*nowhere\.xml: "):
        execute.execute(notebook(tmp_path, "1 + 1", source), tmp_path / "out")
    (shown,) = executed(tmp_path).cells[1].outputs
    assert len(shown.traceback) == 1
    assert shown.traceback[0].startswith("nowhere.xml: ")
    assert "Traceback" not in (tmp_path / "out" / "page.html").read_text()


def test_any_other_error_keeps_its_traceback(tmp_path):
    with pytest.raises(execute.NotebookError, match=r"cell 1 of 1 .*ZeroDivisionError"):
        execute.execute(notebook(tmp_path, "1 / 0"), tmp_path / "out")
    assert "Traceback" in "".join(executed(tmp_path).cells[0].outputs[0].traceback)


def test_a_cell_that_hangs_is_given_up_and_named(tmp_path, monkeypatch):
    monkeypatch.setattr(execute, "LONGEST_CELL", 2)
    with pytest.raises(execute.NotebookError, match="cell 1 of 1"):
        execute.execute(notebook(tmp_path, "import time\ntime.sleep(60)"), tmp_path / "out")


def test_a_kernel_that_dies_is_reported(tmp_path):
    with pytest.raises(execute.NotebookError, match="cell 1 of 1"):
        execute.execute(notebook(tmp_path, "import os\nos._exit(9)"), tmp_path / "out")


def test_every_error_class_of_ours_is_shown_without_a_traceback():
    import importlib

    from workshop_utils.core.errors import WorkshopError

    found = set()
    for path in (path for path in MODULES if not path.stem.startswith("_")):
        name = ".".join(path.relative_to(settings.PROJECT).with_suffix("").parts)
        for value in vars(importlib.import_module(name)).values():
            if isinstance(value, type) and issubclass(value, Exception) and "workshop_utils" in value.__module__:
                assert issubclass(value, WorkshopError), value
                found.add(value)
    assert len(found) >= 13


REPORT_ELSEWHERE = """
import os, pathlib, sys
sys.path.insert(0, sys.argv[1])
import report
report.BUILD = pathlib.Path(sys.argv[2])
report.REPORT = report.BUILD / "report.html"
print("begun", flush=True)
sys.exit(report.main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
@pytest.mark.parametrize("seconds", [0, 0.3, 1, 2.5])
def test_ctrl_c_ends_the_report_with_one_sentence_at_any_moment(tmp_path, seconds):
    command = [sys.executable, "-c", REPORT_ELSEWHERE, str(settings.PROJECT / "tools"), str(tmp_path / "build")]
    environment = os.environ | {"WORKSHOP_RECIPE": "quick"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as child:
        assert child.stdout.readline() == "begun\n"
        child.stdout.readline()
        time.sleep(seconds)
        os.killpg(child.pid, signal.SIGINT)  # as a terminal does: to the kernels, too
        said = child.communicate(timeout=120)[1]
    assert child.returncode == 130
    assert len(said.strip().splitlines()) == 1 and "Traceback" not in said


def test_an_unknown_recipe_is_reported_and_nothing_is_removed(tmp_path):
    (tmp_path / "notebooks").mkdir()
    command = [sys.executable, "-c", REPORT_ELSEWHERE, str(settings.PROJECT / "tools"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"WORKSHOP_RECIPE": "fast"})
    assert done.returncode == 2 and "no recipe 'fast'" in done.stderr
    assert (tmp_path / "notebooks").exists()


def test_the_comparison_shows_a_dash_and_a_reason_if_nothing_could_be_measured(monkeypatch):
    monkeypatch.syspath_prepend(settings.PROJECT / "tools")
    import comparison

    nothing = {"AP": None, "AP50": None, "AP75": None, "per_class_AP50": {"cup": None}, "reason": "no object is there"}
    row = comparison._row("fine_tune", "trained", nothing, ["cup"], "1.0")
    assert row["scores"] == [None] * 4 and nothing["reason"] in row["explanation"]
    assert comparison.table({"rows": [row], "classes": ["cup"]}).splitlines()[-1].split() == [
        "fine_tune", "–", "–", "–", "–", "1.0"
    ]  # fmt: skip


def test_the_check_of_a_gpu_refuses_to_run_without_one(monkeypatch, capsys):
    monkeypatch.syspath_prepend(settings.PROJECT / "tools")
    import gpu
    import outcomes

    monkeypatch.setattr(gpu.tf.config, "list_physical_devices", lambda kind: [])
    monkeypatch.setattr(outcomes, "write", None)
    assert gpu.main() == 1
    captured = capsys.readouterr()
    assert captured.err and not captured.out

"""The long trials go on where they were interrupted, try again what has changed, and see what is left behind."""

import dataclasses
import subprocess
import sys

import bundle
import install
import nbformat
import outcomes
import pytest
import trial

from workshop_utils.core import settings

VERSIONS = {"tensorflow": "2.20.0"}


@pytest.fixture
def little(tmp_path, monkeypatch):
    """A trial of a project with one test file and two notebooks, whose attempts are written into a list."""
    for name in (
        *("tests/part/test_c.py", "tests/notebooks/test_notebooks.py", "tests/fixtures/g.txt", "workshop_utils/d.py"),
        *("README.md", "data/yoghurt/e.xml", "results/f.json", "tools/h.py", "tools/colab.py"),
    ):
        (tmp_path / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "project" / name).write_text("1")
    for folder in ("notebooks", "notebooks/solutions"):
        (tmp_path / "project" / folder).mkdir(exist_ok=True)
        write_notebook(tmp_path / "project" / folder / "00_a.ipynb", "recorded.load()")
        write_notebook(tmp_path / "project" / folder / "01_b.ipynb", "1 + 1")
    (tmp_path / "project" / "requirements.txt").write_text("tensorflow>=2.20\n")
    (tmp_path / "project" / ".gitignore").write_text("/runs/\n")
    monkeypatch.setattr(settings, "PROJECT", tmp_path / "project")
    monkeypatch.setattr(trial, "FOLDER", tmp_path / "trials")
    monkeypatch.setattr(outcomes, "FOLDER", tmp_path / "outcomes")
    commit(tmp_path / "project")
    each = trial.Trial("little", "3.11")
    each.folder.mkdir(parents=True)
    trial._git("clone", "--quiet", tmp_path / "project", each.clone)
    return each


def write_notebook(path, code, text="What we do"):
    cells = [nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell(code)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def commit(folder):
    trial._git("init", "--quiet", folder)
    trial._git("-C", folder, "add", "-A")
    trial._git("-C", folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "Change")


def attempts(little, versions=VERSIONS, passes=lambda part: True, chosen=()) -> list[str]:
    """Try all, and return what was attempted."""
    tried = []

    def attempt(_, part):
        tried.append(part)
        return trial.Attempt(passes(part), "as it was told", {"peak_bytes": 7})

    failed = trial.try_all(little, versions, attempt, chosen)
    assert failed == int(any(not passes(part) for part in tried))
    return tried


def test_what_passed_is_not_tried_again_and_what_failed_is(little):
    assert attempts(little, passes=lambda part: part != "00_a") == ["test_c", "00_a", "01_b"]
    written = outcomes.read("little")
    assert {part: each["passed"] for part, each in written["parts"].items()} == {
        "test_c": True,
        "00_a": False,
        "01_b": True,
    }
    assert written["versions"] == VERSIONS and written["parts"]["01_b"]["peak_bytes"] == 7
    assert {each["machine"] for each in written["parts"].values()} == {outcomes.here()}
    assert attempts(little) == ["00_a"]
    assert attempts(little) == []


def test_what_was_interrupted_goes_on(little):
    def stopped(_, part):
        if part == "00_a":
            raise KeyboardInterrupt
        return trial.Attempt(True, "")

    with pytest.raises(KeyboardInterrupt):
        trial.try_all(little, VERSIONS, stopped, ())
    assert attempts(little) == ["00_a", "01_b"]


@pytest.mark.parametrize(
    ("changed", "again"),
    [
        ("workshop_utils/d.py", ["test_c", "00_a", "01_b"]),
        ("data/yoghurt/e.xml", ["test_c", "00_a", "01_b"]),
        ("results/f.json", ["00_a"]),
        ("requirements.txt", ["test_c", "00_a", "01_b"]),
        ("tools/colab.py", ["test_c", "00_a", "01_b"]),
        ("tests/fixtures/g.txt", ["test_c"]),
        ("tools/h.py", ["test_c"]),
        ("README.md", []),
        (".gitignore", []),
    ],
)
def test_what_has_changed_is_tried_again(little, changed, again):
    attempts(little)
    path = settings.PROJECT / changed
    path.write_text(path.read_text() + "\n#")
    commit(settings.PROJECT)
    assert list(trial.missing(little, VERSIONS, trial.parts_of(little))) == again
    assert attempts(little) == again


def test_all_that_an_outcome_depends_on_is_there():
    assert [name for name in trial.USED_BY_TESTS if not (settings.PROJECT / name).exists()] == []


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for Python is a shell script")
def test_a_test_file_is_run_by_its_path_and_a_notebook_by_its_name(little):
    little.venv_python.parent.mkdir(parents=True)
    little.venv_python.write_text('#!/bin/sh\necho "$@"\n')
    little.venv_python.chmod(0o755)
    assert trial.try_tests(little, "test_c").said.endswith(" tests/part/test_c.py")
    assert trial.try_tests(little, "00_a").said.endswith(" tests/notebooks/test_notebooks.py -k 00_a")


def test_a_test_file_that_is_there_twice_is_named(little):
    (settings.PROJECT / "tests" / "test_c.py").touch()
    with pytest.raises(trial.TrialError, match=r"test_c\.py.*\b2\b"):
        trial.test_file("test_c")


@pytest.mark.parametrize("folder", ["notebooks", "notebooks/solutions"])
def test_a_notebook_is_tried_again_where_its_code_has_changed_and_not_for_a_word(little, folder):
    attempts(little)
    write_notebook(settings.PROJECT / folder / "01_b.ipynb", "1 + 1", text="Said better")
    commit(settings.PROJECT)
    assert attempts(little) == []
    write_notebook(settings.PROJECT / folder / "01_b.ipynb", "1 + 2")
    commit(settings.PROJECT)
    assert attempts(little) == ["01_b"]


def test_what_was_never_tried_or_failed_or_has_changed_is_said_to_be_missing(little, monkeypatch, capsys):
    monkeypatch.setattr(trial, "resolved", lambda each: "tensorflow==2.20.0\n")
    attempts(little, passes=lambda part: part != "00_a", chosen=("00_a", "test_c"))
    (settings.PROJECT / "tests" / "part" / "test_c.py").write_text("2")
    commit(settings.PROJECT)
    capsys.readouterr()
    assert trial.tell_missing([little]) == 0
    today = outcomes.today()
    said = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert said == [
        ["little:", "0 of 3 stand"],
        ["test_c", f"changed since {today}"],
        ["00_a", f"failed on {today}"],
        ["01_b", "not tried on these versions"],
    ]
    attempts(little)
    capsys.readouterr()
    assert trial.tell_missing([little]) == 0
    assert capsys.readouterr().out == "little: 3 of 3 stand\n"


def test_what_is_not_for_a_place_is_neither_tried_nor_missing_there(little):
    on_binder = dataclasses.replace(little, tests=False, without=("01_b",))
    assert attempts(on_binder) == ["00_a"]
    assert trial.missing(on_binder, VERSIONS, trial.parts_of(on_binder)) == {}


def test_another_version_begins_the_trial_anew(little):
    attempts(little)
    assert attempts(little, {"tensorflow": "2.21.0"}, chosen=("00",)) == ["00_a"]
    assert list(outcomes.read("little")["parts"]) == ["00_a"], "the others were tried on other versions"


def test_a_part_that_leaves_something_for_git_to_see_has_failed(little):
    (little.clone / "runs").mkdir()
    (little.clone / "runs" / "ignored.txt").touch()
    assert trial.changes_nothing(little, trial.Attempt(True, "")).passed
    (little.clone / "notebooks" / "left.txt").touch()
    came = trial.changes_nothing(little, trial.Attempt(True, ""))
    assert not came.passed and "left.txt" in came.said


BROUGHT = {"tensorflow": "2.20.0", "protobuf": "5.29.6"}
READY = "Installing onnx (about a minute).\nReady: the workshop in /content/workshop, 1 packages installed, and so on."


def on_colab(first: str = READY, second: str = "All packages are installed.", **there: str) -> trial.Attempt:
    """Judge a notebook of which two cells said this, where Colab's packages and onnx are `there` afterwards."""
    outputs = [{"output_type": "stream", "name": "stdout", "text": first}]
    shown = [{"output_type": "execute_result", "data": {"text/markdown": [second], "a/widget+json": {"model_id": "1"}}}]
    cells = [{"cell_type": "markdown"}, *({"cell_type": "code", "outputs": each} for each in (outputs, shown))]
    return trial.came_on_colab({"cells": cells}, BROUGHT, BROUGHT | {"onnx": "1.20.0"} | there)


def test_on_colab_what_pip_added_is_written_down():
    came = on_colab()
    assert came.passed and came.said == READY.splitlines()[-1] and came.measured == {"installed": {"onnx": "1.20.0"}}


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"protobuf": "6.33.0"}, "Colab's own protobuf was replaced"),
        ({"first": "Traceback"}, "did not prepare Colab"),
        ({"first": READY.replace("1 packages", "no packages")}, "nothing was to be installed"),
        ({"second": "**Missing: jupyterlab.** Run pip"}, "sends who is on Colab to install something"),
    ],
)
def test_on_colab_a_notebook_fails_that_changed_colab_or_did_not_try_pip_or_sends_people_to_it(what, said):
    came = on_colab(**what)
    assert not came.passed and said in came.said


def test_a_python_that_is_not_there_is_named():
    with pytest.raises(trial.TrialError, match=r"\bpython3\.2\b"):
        trial.interpreter("3.2")


def test_a_bundle_holds_what_git_tracks_the_weights_the_packages_and_how_to_install(tmp_path, monkeypatch):
    import zipfile

    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "a-1.0-py3-none-any.whl").write_bytes(b"a wheel")
    monkeypatch.setattr(bundle, "FOLDER", tmp_path)
    monkeypatch.setattr(bundle, "WHEELS", wheels)
    monkeypatch.setattr(bundle, "fetch_wheels", lambda: None)
    made = bundle.make()
    with zipfile.ZipFile(made) as archive:
        held = set(archive.namelist())
    inside = {name.removeprefix(f"{made.stem}/") for name in held}
    assert held == {f"{made.stem}/{name}" for name in inside}, "all in one folder"
    tracked = subprocess.run(["git", "ls-files"], cwd=settings.PROJECT, capture_output=True, text=True).stdout.split()
    assert {"README.md", "notebooks/00_start_here.ipynb"} <= set(tracked) & inside
    assert {
        "install.py",
        "wheels/a-1.0-py3-none-any.whl",
        "data/pretrained/ssdlite_mobilenet_v2_coco.weights.h5",
    } <= inside


def test_a_bundle_for_another_machine_says_so_and_installs_nothing(tmp_path, monkeypatch, capsys):
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "MADE_FOR.txt").write_text("Python 3.9 on Atari ST\n")
    monkeypatch.setattr(install, "HERE", tmp_path)
    monkeypatch.setattr(install, "WHEELS", tmp_path / "wheels")
    assert install.main() == 2
    said = capsys.readouterr().out
    assert "Python 3.9 on Atari ST" in said and install.made_for() in said
    assert not (tmp_path / ".venv").exists()

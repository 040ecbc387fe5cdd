"""The long trials resume after an interruption, repeat parts that changed, and notice files that a part leaves."""

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
    """A trial of a project with one test file and two notebooks."""
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
    """Run the trial; return the parts that were attempted."""
    tried = []

    def attempt(_, part):
        tried.append(part)
        return trial.Attempt(passes(part), "as ordered", {"peak_bytes": 7})

    failed = trial.try_all(little, versions, attempt, chosen)
    assert failed == int(any(not passes(part) for part in tried))
    return tried


def test_a_part_that_passed_is_not_tried_again_and_one_that_failed_is(little):
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


def test_an_interrupted_trial_resumes(little):
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
def test_a_part_is_tried_again_if_something_it_uses_has_changed(little, changed, again):
    attempts(little)
    path = settings.PROJECT / changed
    path.write_text(path.read_text() + "\n#")
    commit(settings.PROJECT)
    assert list(trial.missing(little, VERSIONS, trial.parts_of(little))) == again
    assert attempts(little) == again


def test_everything_that_an_outcome_depends_on_exists():
    assert [name for name in trial.USED_BY_TESTS if not (settings.PROJECT / name).exists()] == []


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for Python is a shell script")
def test_a_test_file_runs_by_its_path_and_a_notebook_by_its_name(little):
    little.venv_python.parent.mkdir(parents=True)
    little.venv_python.write_text('#!/bin/sh\necho "$@"\n')
    little.venv_python.chmod(0o755)
    assert trial.try_tests(little, "test_c").said.endswith(" tests/part/test_c.py")
    assert trial.try_tests(little, "00_a").said.endswith(" tests/notebooks/test_notebooks.py -k 00_a")


def test_two_test_files_with_the_same_name_are_an_error(little):
    (settings.PROJECT / "tests" / "test_c.py").touch()
    with pytest.raises(trial.TrialError, match=r"test_c\.py.*\b2\b"):
        trial.test_file("test_c")


@pytest.mark.parametrize("folder", ["notebooks", "notebooks/solutions"])
def test_a_notebook_is_tried_again_if_its_code_changed_but_not_if_its_text_did(little, folder):
    attempts(little)
    write_notebook(settings.PROJECT / folder / "01_b.ipynb", "1 + 1", text="Said better")
    commit(settings.PROJECT)
    assert attempts(little) == []
    write_notebook(settings.PROJECT / folder / "01_b.ipynb", "1 + 2")
    commit(settings.PROJECT)
    assert attempts(little) == ["01_b"]


def test_untried_failed_and_changed_parts_are_listed_as_missing(little, monkeypatch, capsys):
    monkeypatch.setattr(trial, "resolved", lambda each: "tensorflow==2.20.0\n")
    attempts(little, passes=lambda part: part != "00_a", chosen=("00_a", "test_c"))
    (settings.PROJECT / "tests" / "part" / "test_c.py").write_text("2")
    commit(settings.PROJECT)
    capsys.readouterr()
    assert trial.list_missing([little]) == 0
    today = outcomes.today()
    said = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert said == [
        ["little:", "0 of 3 up to date"],
        ["test_c", f"changed since {today}"],
        ["00_a", f"failed on {today}"],
        ["01_b", "not tried on these versions"],
    ]
    attempts(little)
    capsys.readouterr()
    assert trial.list_missing([little]) == 0
    assert capsys.readouterr().out == "little: 3 of 3 up to date\n"


def test_a_part_left_out_of_a_trial_is_neither_tried_nor_missing(little):
    on_binder = dataclasses.replace(little, tests=False, without=("01_b",))
    assert attempts(on_binder) == ["00_a"]
    assert trial.missing(on_binder, VERSIONS, trial.parts_of(on_binder)) == {}


def test_another_version_of_a_package_starts_the_trial_over(little):
    attempts(little)
    assert attempts(little, {"tensorflow": "2.21.0"}, chosen=("00",)) == ["00_a"]
    assert list(outcomes.read("little")["parts"]) == ["00_a"], "the others were tried on other versions"


def test_a_part_fails_if_it_leaves_a_file_that_git_does_not_ignore(little):
    (little.clone / "runs").mkdir()
    (little.clone / "runs" / "ignored.txt").touch()
    assert trial.changes_nothing(little, trial.Attempt(True, "")).passed
    (little.clone / "notebooks" / "left.txt").touch()
    came = trial.changes_nothing(little, trial.Attempt(True, ""))
    assert not came.passed and "left.txt" in came.said


BROUGHT = {"tensorflow": "2.20.0", "protobuf": "5.29.6"}
READY = "Installing onnx (about a minute).\nReady: the workshop in /content/workshop, 1 packages installed, and so on."


def on_colab(first: str = READY, second: str = "All packages are installed.", **there: str) -> trial.Attempt:
    """Judge a notebook whose two cells printed this; afterwards onnx is installed, and `there`."""
    outputs = [{"output_type": "stream", "name": "stdout", "text": first}]
    shown = [{"output_type": "execute_result", "data": {"text/markdown": [second], "a/widget+json": {"model_id": "1"}}}]
    cells = [{"cell_type": "markdown"}, *({"cell_type": "code", "outputs": each} for each in (outputs, shown))]
    return trial.judge_colab({"cells": cells}, BROUGHT, BROUGHT | {"onnx": "1.20.0"} | there)


def test_on_colab_the_packages_that_pip_added_are_recorded():
    came = on_colab()
    assert came.passed and came.said == READY.splitlines()[-1] and came.measured == {"installed": {"onnx": "1.20.0"}}


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ({"protobuf": "6.33.0"}, "Colab's own protobuf was replaced"),
        ({"first": "Traceback"}, "did not prepare Colab"),
        ({"first": READY.replace("1 packages", "no packages")}, "it installed nothing"),
        ({"second": "**Missing: jupyterlab.** Run pip"}, "asks Colab users to install something"),
    ],
)
def test_on_colab_a_notebook_fails_if_it_changes_colab_or_skips_pip_or_asks_users_to_run_it(what, said):
    came = on_colab(**what)
    assert not came.passed and said in came.said


def test_a_python_that_is_not_there_is_named():
    with pytest.raises(trial.TrialError, match=r"\bpython3\.2\b"):
        trial.interpreter("3.2")


def test_a_bundle_contains_the_tracked_files_the_weights_the_packages_and_the_installer(tmp_path, monkeypatch):
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
    assert held == {f"{made.stem}/{name}" for name in inside}, "everything is in one folder"
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

"""The long trials go on where they were interrupted, try again what has changed, and see what is left behind."""

import subprocess
import sys

import pytest

from workshop_utils import settings

sys.path.insert(0, str(settings.PROJECT / "tools"))

import bundle
import install
import outcomes
import trial

VERSIONS = {"tensorflow": "2.20.0"}


@pytest.fixture
def little(tmp_path, monkeypatch):
    """A trial of a project with one test file and two notebooks, whose attempts are written into a list."""
    for name in ("notebooks/00_a.ipynb", "notebooks/01_b.ipynb", "tests/test_c.py", "workshop_utils/d.py"):
        (tmp_path / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "project" / name).write_text("1")
    (tmp_path / "project" / "tests" / "conftest.py").touch()
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
    [("notebooks/00_a.ipynb", ["00_a"]), ("workshop_utils/d.py", ["test_c", "00_a", "01_b"]), (".gitignore", [])],
)
def test_what_has_changed_is_tried_again(little, changed, again):
    attempts(little)
    path = settings.PROJECT / changed
    path.write_text(path.read_text() + "\n#")
    commit(settings.PROJECT)
    assert attempts(little) == again


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


def test_a_python_that_is_not_there_is_named():
    with pytest.raises(trial.TrialError, match=r"no python3\.2 here"):
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

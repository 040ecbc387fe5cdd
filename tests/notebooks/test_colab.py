"""The notebooks' first cell prepares Colab, and does nothing anywhere else. Git and pip are stand-ins here:
`make test-colab` runs all notebooks with the real ones, on Colab's versions."""

import json
import os
import pathlib
import subprocess
import sys

import colab
import links
import pytest
from packaging.requirements import Requirement

from workshop_utils.core import settings

STAND_IN = settings.PROJECT / "tests" / "fixtures" / "colab"

RUN_TWICE = """
import json, os, sys
if sys.argv[2] != "elsewhere":
    import google.colab
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(history_manager=None)
for _ in range(2):
    done = shell.run_cell(open(sys.argv[1], encoding="utf-8").read())
    fault = done.error_before_exec or done.error_in_exec
    assert str(fault or "") == sys.argv[3], fault
print(json.dumps([os.getcwd(), sys.path[0], os.environ.get("PYTHONPATH", "")]))
"""

GIT = """#!/bin/bash
echo "git $*" >> "$COLAB_LOG"
clone="${@: -1}"
if [ -e "$clone" ]; then echo "fatal: destination path '$clone' already exists" >&2; exit 128; fi
mkdir -p "$clone/data" "$clone/notebooks"
if [ -n "$GIT_FAILS" ]; then exit 128; fi
cp -r "$PROJECT/workshop_utils" "$PROJECT/tools" "$clone"
ln -s "$PROJECT/data/pretrained" "$clone/data/pretrained"
{ cat "$PROJECT/requirements.txt"; echo "made-up-package>=1"; } > "$clone/requirements.txt"
"""

PIP = """
import os, pathlib, sys
kept = [open(sys.argv[place + 1]).read().split() for place, word in enumerate(sys.argv) if word == "--constraint"][0]
tensorflow = [line for line in kept if line.startswith("tensorflow==")]
compiled = "none" if sys.argv[sys.argv.index("--only-binary") + 1] == ":all:" else "some"
with open(os.environ["COLAB_LOG"], "a", encoding="utf-8") as log:
    log.write(f"pip {sys.argv[1]} {sys.argv[-1]}, keeping {tensorflow}, compiling {compiled}\\n")
described = pathlib.Path(__file__).parent.parent / "made_up_package-1.0.dist-info"
described.mkdir()
(described / "METADATA").write_text("Metadata-Version: 2.1\\nName: made-up-package\\nVersion: 1.0\\n")
"""


@pytest.fixture
def run(tmp_path):
    """Run the first cell twice, as IPython does; return its output, its folder and paths afterwards, and its commands.

    Both times it must end with the error message `fault`, or without an error.
    """
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text(GIT)
    (tmp_path / "bin" / "git").chmod(0o755)
    (tmp_path / "site" / "pip").mkdir(parents=True)
    (tmp_path / "site" / "pip" / "__init__.py").touch()
    (tmp_path / "site" / "pip" / "__main__.py").write_text(PIP)
    cell = links.COLAB_CELL.format(repository=links.repository(), tag=links.tag(), folder=tmp_path / "workshop")
    (tmp_path / "cell.py").write_text(cell)
    environment = os.environ | {
        "COLAB_LOG": str(tmp_path / "log"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PROJECT": str(settings.PROJECT),
        "PYTHONPATH": f"{tmp_path / 'site'}{os.pathsep}{STAND_IN}",
    }

    def run(where: str, fault: str = "", **variables: str):
        command = [sys.executable, "-c", RUN_TWICE, str(tmp_path / "cell.py"), where, fault]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment | variables, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        *said, left = done.stdout.strip().splitlines()
        log = tmp_path / "log"
        return said, json.loads(left), log.read_text().splitlines() if log.exists() else []

    return run


def test_outside_colab_the_cell_does_nothing(run, tmp_path):
    said, (folder, _, python_path), called = run("elsewhere")
    assert (said, called) == ([], [])
    assert folder == str(tmp_path) and python_path == f"{tmp_path / 'site'}{os.pathsep}{STAND_IN}"
    assert not (tmp_path / "workshop").exists()


def test_on_colab_it_fetches_and_installs_what_is_missing_and_a_second_run_changes_nothing(run, tmp_path):
    workshop, half = tmp_path / "workshop", tmp_path / "workshop.part"
    (half / "half").mkdir(parents=True)  # as a killed clone leaves it
    said, (folder, path, python_path), called = run("colab")
    clone, installing, *widgets = called
    assert clone == f"git clone --quiet --depth 1 --branch {links.tag()} {links.repository()} {half}"
    assert not half.exists() and not (workshop / "half").exists()
    version = colab.installed()["tensorflow"]
    assert installing == f"pip install made-up-package>=1, keeping ['tensorflow=={version}'], compiling none"
    assert widgets == ["widgets of others allowed"] * 2
    assert [folder, path] == [str(workshop / "notebooks"), str(workshop)]
    assert python_path.split(os.pathsep).count(str(workshop)) == 1
    begun, first, again = said
    assert begun.startswith("Installing made-up-package")
    assert first.startswith(f"Ready: the workshop in {workshop}, 1 packages installed, COCO weights downloaded.")
    assert again == first.replace("1 packages", "no packages")
    assert "no GPU (Runtime" in first or "Computing on" in first


def test_if_github_does_not_answer_it_says_so_and_no_partial_clone_is_used(run, tmp_path):
    _, (folder, *_), called = run("colab", "GitHub did not answer: run this cell again.", GIT_FAILS="1")
    assert [line.split()[:2] for line in called] == [["git", "clone"]] * 2, "the second run tries again"
    assert not (tmp_path / "workshop").exists() and folder == str(tmp_path)


LINES = [
    "# a remark",
    "",
    "tensorflow>=2.20,<2.22",
    "Pillow>=11.0",
    "tqdm>=4.66",
    'colorama>=0.4; sys_platform == "nowhere"',
]


def named(requirements: list[Requirement]) -> list[str]:
    return [each.name for each in requirements]


@pytest.mark.parametrize(
    ("here", "lacking", "odd"),
    [
        ({"tensorflow": "2.20.0", "pillow": "11.3.0", "tqdm": "4.67.1"}, [], []),
        ({"tensorflow": "2.20.0", "pillow": "11.3.0"}, ["tqdm"], []),
        ({"tensorflow": "2.20.0", "pillow": "10.4.0", "tqdm": "4.67.1"}, ["pillow"], []),
        ({"tensorflow": "2.23.0", "pillow": "11.3.0", "tqdm": "4.67.1"}, [], ["tensorflow"]),
        ({"tensorflow": "2.21.0rc1", "pillow": "12.0", "tqdm": "5.0"}, [], []),
        ({"pillow": "11.3.0", "tqdm": "4.67.1"}, [], []),
    ],
)
def test_missing_and_old_packages_are_installed_but_colabs_own_stay(here, lacking, odd):
    found = colab.missing(colab.requirements(LINES), here)
    assert (named(found[0]), named(found[1])) == (lacking, odd)


def test_an_extra_adds_its_requirements():
    names = {each.name for each in colab.requirements(colab.extra("video"))}
    assert {"av", "trackers"} <= names and "jupyterlab" not in names


def test_here_everything_is_installed():
    lines = pathlib.Path(settings.PROJECT, "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert colab.missing(colab.requirements(lines), colab.installed()) == ([], [])


def test_if_pip_fails_the_message_says_what_to_do(monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "No matching distribution")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(colab.ColabError, match=r"(?s)\btqdm\b.*No matching"):
        colab.install([Requirement("tqdm>=4.66")], {})

"""The recorded outcomes of the long trials have passed, on the versions that the requirements name.

The trials are `make test-colab`, `test-oldest`, `test-newest`, `test-binder` and `test-bundle`. The tests marked
`release` judge what is recorded: `make release-check` runs them before a release, `make test` does not.
"""

import asyncio
import os
import re
import subprocess
import sys

import binder_memory
import nbformat
import outcomes
import pytest
import trial
from packaging.requirements import Requirement
from packaging.version import Version

from workshop_utils.core import settings

ROOT = settings.PROJECT
RECORDED = sorted(path.stem for path in outcomes.FOLDER.glob("*.json"))
REQUIREMENTS = [
    Requirement(line)
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.release
@pytest.mark.parametrize("name", RECORDED)
def test_every_recorded_outcome_passed_and_has_its_date_and_command(name):
    came = outcomes.read(name)
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert came["command"].split()[-1] in targets
    for part, what in came.get("parts", {name: came | {"passed": True}}).items():
        assert what["passed"], f"{part}: {what['said']}"
        assert what["machine"] and re.fullmatch(r"\d{4}-\d\d-\d\d", what["date"]), part


@pytest.mark.release
@pytest.mark.parametrize("name", RECORDED)
def test_every_recorded_part_is_an_existing_test_file_or_notebook(name, monkeypatch, tmp_path):
    monkeypatch.setattr(binder_memory, "FOLDER", tmp_path)
    each = trial.TRIALS.get(name) or binder_memory.as_on_binder()
    assert outcomes.read(name).get("parts", {}).keys() <= {*trial.parts_of(each)}, "rename the record with the file"


@pytest.mark.release
def test_the_oldest_tried_versions_are_the_lowest_allowed_ones():
    tried = outcomes.read("oldest")["versions"]
    for requirement in REQUIREMENTS:
        (floor,) = [each.version for each in requirement.specifier if each.operator == ">="]
        assert Version(tried[requirement.name]) == Version(floor), f"{requirement}: {tried[requirement.name]} was tried"


@pytest.mark.release
def test_colabs_versions_were_tried():
    brought = dict(
        re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "tests/fixtures/colab/versions.txt").read_text(), re.MULTILINE)
    )
    tried = outcomes.read("colab")["versions"]
    asked = [each.name for each in REQUIREMENTS if each.name in brought]
    assert {name: tried.get(name) for name in asked} == {name: brought[name] for name in asked}


@pytest.mark.release
@pytest.mark.parametrize("name", [name for name in RECORDED if name.startswith("binder")])
def test_on_binder_every_notebook_stayed_below_the_memory_limit(name):
    for part, what in outcomes.read(name)["parts"].items():
        assert what["server_alone_bytes"] < what["peak_bytes"] < binder_memory.MOST, part
        assert what["samples"] >= 10, f"{part}: too few samples to find a peak"


def test_on_binder_every_notebook_is_tried_except_the_one_that_needs_more_memory(monkeypatch, tmp_path):
    monkeypatch.setattr(binder_memory, "FOLDER", tmp_path)
    monkeypatch.delenv("WORKSHOP_RECIPE", raising=False)
    binder = binder_memory.as_on_binder()
    notebooks = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert trial.parts_of(binder) == [name for name in notebooks if name != "11_scale_out"]
    assert "tensorflow-cpu" in (tmp_path / "binder.txt").read_text()


class Silent:
    """A connection to a kernel that accepts a message and never answers."""

    async def write_message(self, message):
        self.sent = message

    async def read_message(self):
        await asyncio.Event().wait()


def test_a_silent_kernel_is_given_up():
    cell = nbformat.v4.new_code_cell("1 + 1")
    with pytest.raises(binder_memory.BinderError, match=r"\b0\.1 s"):
        asyncio.run(asyncio.wait_for(binder_memory.run_cell(Silent(), cell, patience=0.1), 10))


ALLOCATE = """
import os, subprocess, sys
block = bytearray(os.urandom(100 * 2**20))
if len(sys.argv) > 1:
    child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/smaps_rollup"), reason="only Linux reports it")
def test_memory_includes_the_children_of_a_process():
    command = [sys.executable, "-c", ALLOCATE, ALLOCATE]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        with binder_memory.sampling(process.pid) as memory:
            pass
        process.stdin.close()
    assert 200 * 2**20 < memory.peak < 280 * 2**20


def test_a_process_that_has_ended_uses_no_memory():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert binder_memory.proportional_set_size(process.pid) == 0

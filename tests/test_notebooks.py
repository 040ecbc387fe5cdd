"""Every notebook runs from a fresh kernel, at the `quick` recipe, in order, so that later ones find earlier runs."""

import json
import os
import subprocess
import sys

import pytest

from workshop_utils import settings

FOLDER = settings.PROJECT / "notebooks"
NAMES = (
    "00_start_here",
    "01_why_transfer_learning",
    "02_label_images",
    "03_build_the_pipeline",
    "04_fine_tune",
    "05_use_as_is",
    "06_random_init",
    "07_compare_the_strategies",
    "08_export_the_checkpoint",
    "09_detect_and_classify",
    "10_your_own_data",
)
PATHS = [FOLDER / f"{name}.ipynb" for name in NAMES]
MOST_LINES = 15


def code_cells(path):
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def test_the_eleven_notebooks_are_there_and_no_others():
    assert sorted(FOLDER.glob("*.ipynb")) == PATHS


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_notebook_runs_from_a_fresh_kernel(path):
    options = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=600", "--nbval-kernel-startup-timeout=120"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(path)]
    environment = os.environ | {"WORKSHOP_RECIPE": "quick"}
    done = subprocess.run(command, cwd=settings.PROJECT, env=environment, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, f"{path.name} fails:\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}"


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_notebook_is_kept_without_outputs(path):
    assert code_cells(path)
    for cell in code_cells(path):
        assert cell["outputs"] == [] and cell["execution_count"] is None, "".join(cell["source"])


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_notebooks_cells_can_be_read_at_a_glance(path):
    for cell in code_cells(path):
        source = "".join(cell["source"])
        assert len(source.splitlines()) <= MOST_LINES, source

"""Every notebook runs from a fresh kernel, at the `quick` recipe, in order, so that later ones find earlier runs.

What runs is the participant's notebook, as Run All does it; and behind each exercise, in the same kernel, the solved
cell, of which the check must say that it is right. At the very end all solved cells run once more, as for somebody who
returns to an exercise after Run All. There is no network, where one may take it away.
"""

import copy
import json
import os
import subprocess
import sys

import exercises
import pytest
from conftest import without_network

from workshop_utils.core import settings
from workshop_utils.teaching import checks

SOLVED = sorted(exercises.SOLUTIONS.glob("*.ipynb"))
OPTIONS = ("--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=600", "--nbval-kernel-startup-timeout=120")
IS_OPEN = "assert Out[max(Out)].right is None, Out[max(Out)]"


def strict(source: str) -> str:
    """Return the code of a solved cell that fails where its check does not say right."""
    return f"%env {checks.STRICT}=1\n{source}\n\n%env {checks.STRICT}="


def with_solutions(solved: dict, name: str) -> dict:
    """Return the participant's notebook with two cells behind each exercise: that it is open, and the solved one. The
    solved ones come again at the end."""
    notebook = exercises.participants(solved, name)
    solutions = {cell["id"]: cell for cell in solved["cells"]}
    cells, again = [], []
    for cell in notebook["cells"]:
        cells.append(cell)
        if exercises.TAG in cell["metadata"].get("tags", ()):
            answer = strict("".join(solutions[cell["id"]]["source"]))
            for place, end, source in ((cells, "open", IS_OPEN), (cells, "solved", answer), (again, "again", answer)):
                place.append(copy.deepcopy(cell) | {"id": f"{cell['id']}-{end}", "source": source})
    return notebook | {"cells": cells + again}


def seen_by_git() -> str:
    """Return what git would call changed or new in the project, but text that somebody may be writing just now; nothing
    where this is no checkout. `make test-colab` and its like look at all, in a clone of their own."""
    command = ["git", "status", "--porcelain", "--untracked-files=all", "--", ".", ":!*.py", ":!*.ipynb", ":!*.md"]
    return subprocess.run(command, cwd=settings.PROJECT, capture_output=True, text=True).stdout


@pytest.mark.parametrize("solved", SOLVED, ids=lambda path: path.stem)
def test_a_notebook_and_its_solutions_run_from_a_fresh_kernel(solved, tmp_path):
    content = with_solutions(json.loads(solved.read_text(encoding="utf-8")), solved.name)
    path = tmp_path / solved.name
    path.write_text(json.dumps(content), encoding="utf-8")
    command = [*without_network(), sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *OPTIONS, str(path)]
    environment = os.environ | {"WORKSHOP_RECIPE": "quick"}
    before = seen_by_git()
    done = subprocess.run(command, cwd=settings.PROJECT, env=environment, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, f"{path.name} fails:\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    assert seen_by_git() == before, "a notebook writes only where git does not look, so that `git pull` never conflicts"

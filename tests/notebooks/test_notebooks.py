"""Every notebook runs from a fresh kernel, at `quick` or shorter, in order, so that later ones find earlier runs.

Runs the participants' notebook, as Run All does. After each exercise, the solved cell runs in the same kernel, and its
check must accept it. Finally all solved cells run again, as if a participant returned to an exercise after Run All.
There is no network, if the system allows running without one. With WORKSHOP_RECIPE=quick, as in `make test-all` and the
trials, notebooks train as long as they do for participants.
"""

import copy
import json
import os
import subprocess
import sys

import exercises
import pytest
from conftest import shares_runs, without_network

from workshop_utils.core import settings
from workshop_utils.teaching import checks

SOLVED = sorted(exercises.SOLUTIONS.glob("*.ipynb"), key=lambda path: (not shares_runs(path.stem), path.stem))
"""Those that share runs come first, in order, because one worker runs them all; see `conftest.py`."""
OPTIONS = ("--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=600", "--nbval-kernel-startup-timeout=120")
SHORT_TRAINING = """import dataclasses

from workshop_utils.core import settings

quick = settings.RECIPES["quick"]
of_random = quick.by_strategy["random_init"] | {"steps": 50, "batch_size": 2, "evaluate_every": 50}
shorter = {"steps": 16, "photos": 100, "warmup": 6, "evaluate_every": 16, "by_strategy": {"random_init": of_random}}
settings.RECIPES["quick"] = dataclasses.replace(quick, **shorter)
"""
FEW_CALIBRATED = """
from workshop_utils.deploy import export

export.CALIBRATION_PHOTOS = 8
"""
FEW_MEASURED = """
from workshop_utils.training import trainer

def few_measured(plan, model, names, validation, evaluate=trainer.evaluate):
    return evaluate(plan, model, names, validation[:10])


trainer.evaluate = few_measured
"""
SHORT_ASCENT = """from workshop_utils.teaching import activations

activations.Ascent.climb.__defaults__ = (4, 0)
"""
SHORTENED = {"01": SHORT_ASCENT} | dict.fromkeys(("04", "05", "06", "07", "08", "09", "10", "12", "13"), SHORT_TRAINING)
for few in ("10", "12"):
    SHORTENED[few] += FEW_MEASURED
SHORTENED["08"] += FEW_CALIBRATED
"""What runs first in a notebook: its checks need neither 250 steps nor all photos, nor 40 steps of gradient ascent."""
FIRST_EXTRA = 11
"""Like `make run`, `make test` leaves out this notebook and later ones. Tests of their modules hold what they show."""
WITHOUT_ADDRESSES = """import sys

sys.modules["rfc3987_syntax"] = None  # takes a second to import, and checks addresses, which no notebook has
import pytest

sys.exit(pytest.main(sys.argv[1:]))
"""
IS_OPEN = "assert Out[max(Out)].right is None, Out[max(Out)]"


def strict(source: str) -> str:
    """Return the code of a solved cell that fails unless its check accepts it."""
    return f"%env {checks.STRICT}=1\n{source}\n\n%env {checks.STRICT}="


def with_solutions(solved: dict, name: str) -> dict:
    """Return the participants' notebook with two cells after each exercise: one that checks that it is open, and the
    solved one. The solved ones follow again at the end."""
    notebook = exercises.participants(solved, name)
    solutions = {cell["id"]: cell for cell in solved["cells"]}
    cells, again = [], []
    if name[:2] in SHORTENED and os.environ.get("WORKSHOP_RECIPE") != "quick":
        first = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
        cells.append(copy.deepcopy(first) | {"id": "short", "metadata": {}, "source": SHORTENED[name[:2]]})
    for cell in notebook["cells"]:
        cells.append(cell)
        if exercises.TAG in cell["metadata"].get("tags", ()):
            answer = strict("".join(solutions[cell["id"]]["source"]))
            for place, end, source in ((cells, "open", IS_OPEN), (cells, "solved", answer), (again, "again", answer)):
                place.append(copy.deepcopy(cell) | {"id": f"{cell['id']}-{end}", "source": source})
    return notebook | {"cells": cells + again}


def seen_by_git() -> str:
    """Return the changed or new files that git reports, except text files, which you may be editing; nothing outside a
    checkout. The long trials look at all files, in their own clone."""
    command = ["git", "status", "--porcelain", "--untracked-files=all", "--", ".", ":!*.py", ":!*.ipynb", ":!*.md"]
    return subprocess.run(command, cwd=settings.PROJECT, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    "solved",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.long] * (int(path.name[:2]) >= FIRST_EXTRA))
        for path in SOLVED
    ],
)
def test_a_notebook_and_its_solutions_run_from_a_fresh_kernel(solved, tmp_path):
    content = with_solutions(json.loads(solved.read_text(encoding="utf-8")), solved.name)
    path = tmp_path / solved.name
    path.write_text(json.dumps(content), encoding="utf-8")
    command = [*without_network(), sys.executable, "-c", WITHOUT_ADDRESSES, "-q", "-p", "no:cacheprovider", *OPTIONS]
    command.append(str(path))
    environment = os.environ | {"WORKSHOP_RECIPE": "quick"}
    before = seen_by_git()
    done = subprocess.run(command, cwd=settings.PROJECT, env=environment, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, f"{path.name} fails:\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    assert seen_by_git() == before, "a notebook writes only files that git ignores, so that `git pull` never conflicts"

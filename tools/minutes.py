"""Measure the run time of each notebook, from the first cell to the last: `make minutes`.

    python tools/minutes.py                  # at `quick`, then at `workshop`
    python tools/minutes.py quick            # at this recipe only
    python tools/minutes.py quick 04 12 13   # these notebooks only; the times of the others stay

Runs the notebooks of the last commit in order, in a clone in build/minutes/, so that each reuses the runs of those
before it. Writes the seconds to docs/minutes.json after each notebook. An interrupted measurement continues; after a
new commit it starts over, unless you choose notebooks. `make exercises` puts the times into the notebooks' first cells.
Run this on an idle machine.
"""

import json
import os
import shutil
import sys
from collections.abc import Sequence
from typing import Any

import outcomes
from progress import Progress, clock
from resolver import output

from workshop_utils.core import files, settings

MEASURED = settings.PROJECT / "docs" / "minutes.json"
FOLDER = settings.PROJECT / "build" / "minutes"
RECIPES = ("quick", "workshop")


def main(*arguments: str) -> int:
    """Measure at these recipes, by default at all, the notebooks with these numbers, by default all.

    Returns:
        The exit code.
    """
    numbers = [each for each in arguments if each.isdigit()]
    recipes = [each for each in arguments if not each.isdigit()]

    def work() -> int:
        for recipe in recipes or RECIPES:
            measure(settings.recipe(recipe).name, numbers)
        return 0

    return outcomes.exit_code(work)


def measure(recipe: str, numbers: Sequence[str] = ()) -> None:
    """Execute the last commit's notebooks at a recipe, except those that are already measured. Raises NotebookError.

    Args:
        recipe: The name of the recipe.
        numbers: The notebooks to measure, and measure again; by default those that are missing.
    """
    import execute

    on, measured = device(), read()
    made = {"commit": output("git", "rev-parse", "HEAD"), "date": outcomes.today(), "machine": outcomes.here()}
    came: dict[str, Any] = measured.setdefault(on, {}).get(recipe, {})
    clone = FOLDER / recipe
    if not numbers and (came.get("commit") != made["commit"] or not clone.exists()):
        came = made | {"seconds": {}}
    if numbers or not came["seconds"]:
        shutil.rmtree(clone, ignore_errors=True)
        output("git", "clone", "--quiet", settings.PROJECT, clone)
        shutil.copytree(settings.PRETRAINED, clone / "data" / "pretrained", dirs_exist_ok=True)
    measured[on][recipe] = came
    kernels = os.environ | {"WORKSHOP_RECIPE": recipe, "PYTHONPATH": str(clone), "TF_CPP_MIN_LOG_LEVEL": "3"}
    for notebook in sorted((clone / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        if notebook.stem[:2] in numbers or (not numbers and notebook.stem not in came["seconds"]):
            with Progress(f"{recipe:9} {notebook.name}") as shown:
                took = execute.execute(notebook, clone / "build", environment=kernels, watch=shown.cell)
            came["seconds"][notebook.stem] = round(took, 1)
            if numbers:
                came.setdefault("measured_later", {})[notebook.stem] = made
            files.write_text(json.dumps(measured, indent=1) + "\n", MEASURED)
    print(f"  {recipe:9} all: {sum(came['seconds'].values()):.0f} s", flush=True)


def device() -> str:
    """Return `GPU` or `CPU`: the device that TensorFlow uses here."""
    from workshop_utils.core.tensorflow import tf

    return "GPU" if tf.config.list_physical_devices("GPU") else "CPU"


def read() -> dict:
    """Return the measurements, {device: {recipe: measurement}}."""
    return json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}


def run_time(notebook: str, measured: dict) -> str:
    """Return the line with a notebook's run time, by its name without .ipynb."""
    both = []
    for on, where in (("CPU", "without a GPU"), ("GPU", "with a GPU")):
        seconds = {recipe: came["seconds"].get(notebook) for recipe, came in measured.get(on, {}).items()}
        times = [f"{clock(took)} at `{recipe}`" for recipe, took in seconds.items() if took is not None]
        both.append(f"{where} {' and '.join(times) if times else 'not measured yet'}")
    return f"**Run time** (minutes:seconds): {'; '.join(both)}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

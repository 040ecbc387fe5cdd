"""Execute the whole series of notebooks and compare the three strategies: what `make run` does.

    python tools/report.py

The executed notebooks go to build/notebooks/, the comparison to build/report.html. The recipe is WORKSHOP_RECIPE's,
or else `quick`.
"""

import os
import shutil
import sys

os.environ["WORKSHOP_RECIPE"] = os.environ.get("WORKSHOP_RECIPE") or "quick"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from progress import Progress

from workshop_utils.core import settings
from workshop_utils.core.errors import WorkshopError

NOTEBOOKS = settings.PROJECT / "notebooks"
BUILD = settings.PROJECT / "build"
REPORT = BUILD / "report.html"


def main() -> int:
    """Make the report; return the exit code. Every fault is one message on standard error."""
    try:
        recipe = settings.recipe()
        print(f"Recipe {recipe.name}: {recipe.steps} steps. WORKSHOP_RECIPE chooses another.", flush=True)
        REPORT.unlink(missing_ok=True)
        shutil.rmtree(BUILD / "notebooks", ignore_errors=True)
        seconds = execute_all()
        print("Comparing the strategies.", flush=True)
        import comparison  # TensorFlow comes in only now: until here the kernels need the memory

        compared = comparison.compare(recipe)
        comparison.write_page(compared, seconds, REPORT)
        print(f"\n{comparison.table(compared)}\n\nThe report, with pictures: {REPORT.relative_to(settings.PROJECT)}")
    except settings.SettingsError as fault:
        print(f"WORKSHOP_RECIPE: {fault}", file=sys.stderr)
        return 2
    except (WorkshopError, OSError) as fault:
        print(f"\n{fault}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. What was trained is kept: the same command again goes on from there.", file=sys.stderr)
        return 130
    return 0


def execute_all() -> dict[str, float]:
    """Execute notebooks/NN_*.ipynb in order; return the seconds each took. Raises NotebookError."""
    import execute  # takes seconds to come in: only here is Ctrl-C told in words

    notebooks = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    if not notebooks:
        raise execute.NotebookError(f"{NOTEBOOKS}: holds no notebook. Get the whole project again.")
    seconds = {}
    for notebook in notebooks:
        with Progress(notebook.name) as shown:
            seconds[notebook.stem] = execute.execute(notebook, BUILD / "notebooks", watch=shown.cell)
    return seconds


if __name__ == "__main__":
    sys.exit(main())

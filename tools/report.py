"""Execute the notebooks 00 to 10 and compare the three strategies: what `make run` does.

    python tools/report.py [extras]

With `extras` it executes the notebooks after 10 and compares nothing: what `make extras` does. The executed notebooks
go to build/notebooks/, the comparison to build/report.html. The recipe is WORKSHOP_RECIPE's, or else `quick`.
"""

import os
import shutil
import sys

os.environ["WORKSHOP_RECIPE"] = os.environ.get("WORKSHOP_RECIPE") or "quick"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from progress import Progress

from workshop_utils.core import interrupts, settings
from workshop_utils.core.errors import WorkshopError

NOTEBOOKS = settings.PROJECT / "notebooks"
BUILD = settings.PROJECT / "build"
REPORT = BUILD / "report.html"
LAST = 10
"""The number of the last notebook that everyone goes through; those with higher numbers are extras."""


def main() -> int:
    """Make the report; return the exit code. Every fault is one message on standard error."""
    try:
        recipe = settings.recipe()
        print(f"Recipe {recipe.name}: {recipe.summary}. WORKSHOP_RECIPE chooses another.", flush=True)
        if sys.argv[1:] == ["extras"]:
            execute_all(extras=True)
            return 0
        REPORT.unlink(missing_ok=True)
        shutil.rmtree(BUILD / "notebooks", ignore_errors=True)
        seconds = execute_all()
        print("Comparing the strategies.", flush=True)
        with interrupts.held_back():
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
        print("\nInterrupted. What was trained is kept: run the same command again to continue.", file=sys.stderr)
        return 130
    return 0


def execute_all(extras: bool = False) -> dict[str, float]:
    """Execute the series, or the extras, in order; return the seconds each notebook took. Raises NotebookError."""
    with interrupts.held_back():
        import execute  # slow to import, and only from here on Ctrl-C ends with a sentence

    notebooks = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    notebooks = [path for path in notebooks if (int(path.name[:2]) > LAST) == extras]
    if not notebooks:
        raise execute.NotebookError(f"{NOTEBOOKS}: holds no notebook. Get the whole project again.")
    seconds = {}
    for notebook in notebooks:
        with Progress(notebook.name) as shown:
            seconds[notebook.stem] = execute.execute(notebook, BUILD / "notebooks", watch=shown.cell)
    return seconds


if __name__ == "__main__":
    sys.exit(main())

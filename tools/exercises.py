"""Generate the participants' notebooks from the solved ones: `make exercises`.

    python tools/exercises.py

Edit notebooks/solutions/; this generates notebooks/. An answer between the lines BEGIN_SOLUTION and END_SOLUTION (as in
nbgrader) becomes `...`, and the solution is folded below its cell. This also adds the badges, the run times that
`make minutes` measured, and the cell for Colab.
"""

import ast
import copy
import json
import pathlib
import re
import sys
import textwrap

import links
import minutes

from workshop_utils.core import files, settings
from workshop_utils.core.errors import WorkshopError

NOTEBOOKS = settings.PROJECT / "notebooks"
SOLUTIONS = NOTEBOOKS / "solutions"

TAG = "exercise"
BEGIN_SOLUTION = "### BEGIN SOLUTION"
END_SOLUTION = "### END SOLUTION"
OPEN = "...  # your answer"

FOLDED = {"cellView": "form", "jupyter": {"source_hidden": True}}
"""Metadata of a cell whose code Colab (the first field) and JupyterLab (the second) hide until you open it."""


class ExerciseError(WorkshopError, ValueError):
    """A solved notebook that cannot be converted. The message names the file and the cell."""


def main() -> int:
    try:
        for solved in sorted(SOLUTIONS.glob("*.ipynb")):
            files.write_text(participants_text(solved), NOTEBOOKS / solved.name)
            print(f"Wrote {(NOTEBOOKS / solved.name).relative_to(settings.PROJECT)}")
    except (WorkshopError, OSError) as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


def participants_text(solved: pathlib.Path) -> str:
    """Return the text of the participants' notebook for a solved one. Raises ExerciseError."""
    notebook = json.loads(solved.read_text(encoding="utf-8"))
    try:
        return json.dumps(participants(notebook, solved.name), indent=1, ensure_ascii=False) + "\n"
    except (ExerciseError, SyntaxError) as fault:
        raise ExerciseError(f"{solved}: {fault}") from None


def participants(solved: dict, name: str) -> dict:
    """Return the participants' notebook for a solved one. Raises ExerciseError."""
    title, *rest = solved["cells"]
    head, _, text = _source(title).partition("\n")
    run_time = minutes.run_time(pathlib.Path(name).stem, minutes.read())
    text = re.sub(r"^\*\*Time\*\*: .*", lambda time: f"{time[0]}\n\n{run_time}", text, flags=re.MULTILINE)
    cells = [
        _markdown(title["id"], f"{head}\n\n{links.badges(name)}\n{text}"),
        _code("colab", links.colab_cell(), FOLDED),
    ]
    for cell in rest:
        if TAG in cell["metadata"].get("tags", ()):
            open_cell, solution = copy.deepcopy(cell), solution_of(_source(cell))
            open_cell["source"] = _lines(stub(_source(cell)))
            cells += [open_cell, _markdown(f"{cell['id']}-solution", folded(solution))]
        else:
            cells.append(cell)
    return solved | {"cells": cells}


def stub(source: str) -> str:
    """Return an exercise cell with `...` for the solution, assigned to the names that later lines need."""
    lines, first, last = _block(source)
    indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
    names = [] if indent else _needed(source, first + 1, last + 1)
    answer = [f"{name} = {OPEN}" for name in names] or [indent + OPEN]
    return "\n".join([*lines[:first], *answer, *lines[last + 1 :]])


def solution_of(source: str) -> str:
    """Return the solution in an exercise cell."""
    lines, first, last = _block(source)
    return textwrap.dedent("\n".join(lines[first + 1 : last]))


def folded(solution: str) -> str:
    """Return a solution as Markdown that unfolds when clicked."""
    return f"<details><summary>Solution</summary>\n\n```python\n{solution}\n```\n\n</details>"


def _block(source: str) -> tuple[list[str], int, int]:
    """Return a cell's lines, and the indices of the two that mark the solution. Raises ExerciseError."""
    lines = source.splitlines()
    marks = [
        [place for place, line in enumerate(lines) if line.strip() == mark] for mark in (BEGIN_SOLUTION, END_SOLUTION)
    ]
    if [len(places) for places in marks] != [1, 1] or marks[0][0] + 1 >= marks[1][0]:
        raise ExerciseError(f"an exercise needs one solution between two marks, which this cell lacks:\n{source}")
    return lines, marks[0][0], marks[1][0]


def _needed(source: str, first: int, last: int) -> list[str]:
    """Return the names that lines `first` to `last` (from 1) bind and later lines use."""
    bound, used = [], set()
    for statement in ast.parse(source).body:
        nodes = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
        if statement.lineno > last:
            used |= {node.id for node in nodes if isinstance(node.ctx, ast.Load)}
        elif statement.lineno >= first:
            bound += [node.id for node in nodes if isinstance(node.ctx, ast.Store)]
            bound += [statement.name] if isinstance(statement, ast.FunctionDef) else []
    return [name for name in dict.fromkeys(bound) if name in used]


def _source(cell: dict) -> str:
    return "".join(cell["source"])


def _lines(source: str) -> list[str]:
    return source.splitlines(keepends=True)


def _markdown(name: str, source: str) -> dict:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": _lines(source)}


def _code(name: str, source: str, metadata: dict) -> dict:
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": name,
        "metadata": metadata,
        "outputs": [],
        "source": _lines(source.rstrip("\n")),
    }


if __name__ == "__main__":
    sys.exit(main())

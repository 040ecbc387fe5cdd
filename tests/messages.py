"""Every message of the workshop in one file, so that a new wording is one change to read and breaks no other test.

`make messages` writes `messages.txt`, `project/test_messages.py` compares it.
"""

import ast
import pathlib
import re
import sys
import tempfile

TESTS = pathlib.Path(__file__).parent
PATH = TESTS / "messages.txt"
HEAD = "Every message, by the module it is in; what is filled in is between braces. `make messages` renews this file.\n"

sys.path[:0] = [str(TESTS.parent), str(TESTS), str(TESTS / "data")]

import test_messy_data as messy  # noqa: E402
from conftest import MODULES  # noqa: E402

from workshop_utils.core import settings  # noqa: E402
from workshop_utils.data import inspection, label_map  # noqa: E402
from workshop_utils.data.finding_kinds import Kind  # noqa: E402

PROSE = re.compile(r"[A-Za-z]{2,}[,:;.]? [a-z]{2,}|^: [a-z]+ ")
"""What tells a text for people from a name, a format or a regular expression."""


def listed() -> str:
    """Return the content of `messages.txt`: the texts of each module, and findings as examples give them."""
    sections = {module.relative_to(settings.PROJECT).as_posix(): texts(module) for module in MODULES}
    sections["Findings in a data set with every problem"] = examples()
    return HEAD + "".join(
        f"\n## {name}\n" + "".join(f"{line!r}\n"[1:-2] + "\n" for line in lines)
        for name, lines in sections.items()
        if lines
    )


def texts(module: pathlib.Path) -> list[str]:
    """Return the texts for people in a module's code, in their order; without docstrings."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    skipped = {id(each.value) for each in ast.walk(tree) if isinstance(each, ast.Expr)}
    found = []

    def visit(node: ast.AST) -> None:
        if id(node) in skipped:
            return
        if isinstance(node, ast.JoinedStr):
            skipped.update(id(each) for each in node.values if isinstance(each, ast.Constant))
            found.append("".join(_shown(each) for each in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(tree)
    return [text for text in found if PROSE.search(text)]


def _shown(part: ast.expr) -> str:
    return f"{{{ast.unparse(part.value)}}}" if isinstance(part, ast.FormattedValue) else ast.literal_eval(part)


def examples() -> list[str]:
    """Return the findings in a data set with every problem, except those that depend on the user or on a library."""
    left_out = {Kind.DENIED, Kind.BROKEN_PHOTO, Kind.BROKEN_XML}
    with tempfile.TemporaryDirectory() as scratch:
        folder = messy.clean_in(pathlib.Path(scratch))
        for name in (name for name, problem in messy.PROBLEMS.items() if problem.kind not in left_out):
            messy.damaged(folder, name)
        label_map.write(label_map.number(messy.LISTED), folder / label_map.FILENAME)
        found = inspection.inspect(folder).all_findings
    return sorted(f"{each.kind.name}: {str(each).replace(f'{folder}/', '')}" for each in found)


if __name__ == "__main__":
    PATH.write_text(listed(), encoding="utf-8")

"""Wording is kept in one place: `messages.txt`. No other test depends on it."""

import ast
import re

import messages
from conftest import TESTS

NOT_OURS = "Running Terminals and Kernels"
"""What JupyterLab calls it."""


def test_every_message_is_in_the_file_of_messages():
    renewed = messages.listed()
    assert renewed == messages.PATH.read_text(encoding="utf-8"), "`make messages` renews it; look at what has changed"


def asserted(tree: ast.AST) -> list[str]:
    """Return the texts that tests look for: what `match=` is given, and the left side of `in`."""
    looked_for = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "match"]
    looked_for += [
        node.left for node in ast.walk(tree) if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In)
    ]
    constants = (each for node in looked_for for each in ast.walk(node) if isinstance(each, ast.Constant))
    return [each.value for each in constants if isinstance(each.value, str)]


def test_no_test_looks_for_three_words_of_a_message():
    known = messages.PATH.read_text(encoding="utf-8").replace(NOT_OURS, "")
    readers = {"test_benchmarks.py", "test_packaging.py"}  # of the README and of commands
    for path in sorted(each for each in TESTS.rglob("test_*.py") if each.name not in readers):
        for text in asserted(ast.parse(path.read_text(encoding="utf-8"))):
            found = [each for each in re.findall(r"(?=\b([A-Za-z]+ [a-z]+ [A-Za-z]+)\b)", text) if each in known]
            assert not found, f"{path.name} looks for {found}: assert kinds, places and numbers"

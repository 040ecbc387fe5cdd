"""What instructors plan with adds up, and names what is there."""

import json
import re

import pytest

from workshop_utils import settings

TEXT = (settings.PROJECT / "INSTRUCTORS.md").read_text(encoding="utf-8")
PLANS = re.findall(r"### (\d+) minutes: .*?\n\n(.*?)(?=\n#)", TEXT, re.DOTALL)


def rows(table: str) -> list[list[str]]:
    lines = [line for line in table.strip().splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def exercises_of(number: str) -> set[int]:
    (path,) = (settings.PROJECT / "notebooks").glob(f"{number}_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return {int(found) for cell in cells for found in re.findall(r"^### Exercise (\d+):", "".join(cell["source"]))}


def test_there_are_plans_for_60_90_and_180_minutes():
    assert [int(minutes) for minutes, _ in PLANS] == [60, 90, 180]


@pytest.mark.parametrize(("minutes", "table"), PLANS, ids=[minutes for minutes, _ in PLANS])
def test_a_plan_adds_up_and_names_notebooks_and_exercises_that_are_there(minutes, table):
    plan = rows(table)
    assert sum(int(row[0]) for row in plan) == int(minutes)
    for _, number, _, exercises in plan:
        if number:
            wanted = {int(each) for each in re.findall(r"\d+", exercises)}
            assert wanted <= exercises_of(number), f"notebook {number} has the exercises {exercises_of(number)}"


def test_every_command_is_a_target_of_make():
    targets = re.findall(r"^([a-z-]+):", (settings.PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = {each for words in re.findall(r"`make ([a-z -]+)`|^make ([a-z-]+)", TEXT, re.MULTILINE) for each in words}
    assert {word for words in named for word in words.split()} <= set(targets)


def test_every_constant_of_a_data_set_is_there():
    (table,) = re.findall(r"\n( +\| constant .*?)\n\n", TEXT, re.DOTALL)
    names = {
        name
        for row in rows(re.sub(r"^ +", "", table, flags=re.MULTILINE))
        for name in re.findall(r"`([A-Z_]+)", row[0])
    }
    assert {"YOGHURT", "NEW_LINE", "TO_LABEL", "TO_LABEL_TRUTH", "RECIPES"} <= names
    assert all(hasattr(settings, name) for name in names)

"""The timing plans add up, and everything that INSTRUCTORS.md names exists."""

import collections
import json
import re

import pytest

from workshop_utils.core import settings

TEXT = (settings.PROJECT / "INSTRUCTORS.md").read_text(encoding="utf-8")
PLANS = re.findall(r"### (\d+) minutes: .*?\n\n(.*?)(?=\n#)", TEXT, re.DOTALL)
README = (settings.PROJECT / "README.md").read_text(encoding="utf-8")
TIMED = re.findall(r"^\| \[(\d\d)_\w+\]\(.+?\) \| (\d+)–(\d+) \|", README, re.MULTILINE)
LEAST = {name: int(least) for name, least, _ in TIMED}
"""How many minutes each notebook takes without its exercises, from the README."""
MOST = {name: int(most) for name, _, most in TIMED}
"""The same with the exercises."""


def rows(table: str) -> list[list[str]]:
    lines = [line for line in table.strip().splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def exercises_of(number: str) -> set[int]:
    (path,) = (settings.PROJECT / "notebooks").glob(f"{number}_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return {int(found) for cell in cells for found in re.findall(r"^### Exercise (\d+):", "".join(cell["source"]))}


def test_the_times_that_the_readme_promises_are_the_sums_of_its_table():
    minutes, hours = map(int, re.search(r"about (\d+) minutes on a laptop, or (\d+) hours with", README).groups())
    series = [name for name in LEAST if name < "10"]
    assert len(series) == 10
    assert abs(sum(LEAST[name] for name in series) - minutes) <= 5
    assert abs(sum(MOST[name] for name in series) - hours * 60) <= 15


def test_there_are_plans_for_60_90_and_180_minutes_and_one_for_labelling_together():
    assert [int(minutes) for minutes, _ in PLANS] == [60, 90, 180, 30]


@pytest.mark.parametrize(("minutes", "table"), PLANS, ids=[minutes for minutes, _ in PLANS])
def test_a_plan_adds_up_and_names_existing_notebooks_and_exercises(minutes, table):
    plan = rows(table)
    assert sum(int(row[0]) for row in plan) == int(minutes)
    for _, number, _, exercises in plan:
        if number:
            wanted = {int(each) for each in re.findall(r"\d+", exercises)}
            assert wanted <= exercises_of(number), f"notebook {number} has the exercises {exercises_of(number)}"


@pytest.mark.parametrize(("minutes", "table"), PLANS, ids=[minutes for minutes, _ in PLANS])
def test_a_plan_gives_each_notebook_enough_time_and_trains_one_at_a_time(minutes, table):
    plan, given = rows(table), collections.Counter()
    for row in plan:
        given[row[1]] += int(row[0])
    assert set(LEAST) == {path.name[:2] for path in (settings.PROJECT / "notebooks").glob("*.ipynb")} - {"10"}
    assert {number: given[number] for number in given.keys() & LEAST.keys() if given[number] < LEAST[number]} == {}
    for _, _, happens, _ in plan:
        if "Break" in happens and "trains during the break" in happens:
            assert "shut its kernel down" in happens, "two open notebooks do not fit in 2 GB"


def test_the_longest_plan_has_every_notebook_except_the_extras_and_says_so():
    ((title, table),) = re.findall(r"### 180 minutes: (.*?)\n\n(.*?)(?=\n#)", TEXT, re.DOTALL)
    plan = [row for row in rows(table) if row[1]]
    assert title == "all except the extras, with the first two exercises"
    assert {row[1] for row in plan} == {f"{number:02}" for number in range(11)}
    assert {row[3] for row in plan if row[1] != "10" and "Break" not in row[2]} == {"1, 2"}


def test_every_command_is_a_target_of_make():
    targets = re.findall(r"^([a-z-]+):", (settings.PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    commands = re.findall(r"`(?:\w+=\w+ )?make ([a-z -]+)`|^make ([a-z-]+)", TEXT, re.MULTILINE)
    named = {each for words in commands for each in words}
    assert {word for words in named for word in words.split()} <= set(targets)


def test_every_constant_of_a_data_set_exists():
    (table,) = re.findall(r"\n( +\| constant .*?)\n\n", TEXT, re.DOTALL)
    names = {
        name
        for row in rows(re.sub(r"^ +", "", table, flags=re.MULTILINE))
        for name in re.findall(r"`([A-Z_]+)", row[0])
    }
    assert {"YOGHURT", "NEW_LINE", "TO_LABEL", "TO_LABEL_TRUTH", "RECIPES"} <= names
    assert all(hasattr(settings, name) for name in names)

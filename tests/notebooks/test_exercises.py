"""The participants' notebooks are those that `make exercises` generates from the solved ones."""

import ast

import exercises
import minutes
import pytest

SOLVED = sorted(exercises.SOLUTIONS.glob("*.ipynb"))
ANSWER = """\
boxes = 3
### BEGIN SOLUTION
half = boxes / 2
area = half**2
### END SOLUTION
checks.area(area, boxes)"""
FUNCTION = """\
def double(number):
    ### BEGIN SOLUTION
    twice = number + number
    return twice
    ### END SOLUTION


checks.double(double)"""


@pytest.mark.parametrize("solved", SOLVED, ids=lambda path: path.stem)
def test_each_participants_notebook_is_the_output_of_make_exercises(solved):
    there = (exercises.NOTEBOOKS / solved.name).read_text(encoding="utf-8")
    assert there == exercises.participants_text(solved), "edit the solved notebook; then run `make exercises`"


def test_the_run_time_is_below_the_time(monkeypatch):
    measured = {"CPU": {"quick": {"seconds": {"00_a": 65.4}}, "workshop": {"seconds": {"00_a": 700}}}}
    monkeypatch.setattr(minutes, "read", lambda: measured)
    title = {"id": "1", "cell_type": "markdown", "source": ["# A\n", "\n", "**Time**: about 3 minutes"]}
    text = "".join(exercises.participants({"cells": [title]}, "00_a.ipynb")["cells"][0]["source"])
    *_, time, _, run_time = text.splitlines()
    assert time == "**Time**: about 3 minutes"
    assert run_time == (
        "**Run time** (minutes:seconds): without a GPU 1:05 at `quick` and 11:40 at `workshop`; "
        "with a GPU not measured yet"
    )


@pytest.mark.parametrize("solved", SOLVED, ids=lambda path: path.stem)
def test_the_run_time_of_each_notebook_was_measured(solved):
    recipes = minutes.read()["CPU"]
    assert all(recipes[recipe]["seconds"][solved.stem] > 0 for recipe in minutes.RECIPES)


@pytest.mark.parametrize(("recipe", "last", "at_most"), [("quick", "10", 12), ("workshop", "09", 45)])
def test_the_run_times_fit_into_the_planned_minutes(recipe, last, at_most):
    seconds = minutes.read()["CPU"][recipe]["seconds"]
    assert sum(took for name, took in seconds.items() if name[:2] <= last) <= 60 * at_most


def test_every_participants_notebook_has_a_solved_one():
    assert [path.name for path in sorted(exercises.NOTEBOOKS.glob("*.ipynb"))] == [path.name for path in SOLVED]


def test_an_answer_becomes_dots_assigned_to_the_checked_name():
    assert exercises.stub(ANSWER) == "boxes = 3\narea = ...  # your answer\nchecks.area(area, boxes)"
    assert exercises.solution_of(ANSWER) == "half = boxes / 2\narea = half**2"


def test_a_functions_body_becomes_dots():
    stub = exercises.stub(FUNCTION)
    assert stub.splitlines()[:2] == ["def double(number):", "    ...  # your answer"]
    ast.parse(stub)
    assert exercises.solution_of(FUNCTION) == "twice = number + number\nreturn twice"


@pytest.mark.parametrize("source", ["1 + 1", ANSWER.replace("### END SOLUTION\n", ""), ANSWER + "\n" + ANSWER])
def test_a_cell_without_one_marked_solution_is_refused(source):
    with pytest.raises(exercises.ExerciseError):
        exercises.stub(source)


def test_no_solution_is_left_in_a_participants_cell():
    for solved in SOLVED:
        text = exercises.participants_text(solved)
        assert exercises.BEGIN_SOLUTION not in text and exercises.END_SOLUTION not in text

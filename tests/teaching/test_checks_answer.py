"""How a check handles any answer, however absurd."""

import numpy as np
import pytest
from verdicts import ABSURD, each_explained, is_open, right, wrong

from workshop_utils.teaching import checks
from workshop_utils.teaching.checks.answer import _called, _number, _right, _wrong


@checks.check
def doubled(answer, number):
    return _right("Twice.") if _number(answer) == 2 * number else _wrong("Not twice.")


@checks.check
def doubles(function, number):
    return _right("Twice.") if _called(function, number) == 2 * number else _wrong("Not twice.")


def test_a_check_says_right_wrong_or_open():
    assert right(doubled(4, 2)) and is_open(doubled(..., 2))
    assert right(doubles(lambda number: 2 * number, 2)) and is_open(doubles(lambda number: ..., 2))
    assert each_explained({"Not twice": doubled(5, 2)})


def test_a_function_without_return_is_pointed_out():
    verdict = doubles(lambda number: None, 2)
    assert is_open(verdict) and "`return`" in verdict.words


def test_an_array_without_axes_is_a_number():
    assert right(doubled(np.array(4.0), 2))
    for answer in (np.array([4.0]), np.array("4"), np.array(True)):
        assert wrong(doubled(answer, 2)) and doubled(answer, 2).words != doubled(5, 2).words
    assert each_explained({"Not twice": doubled(np.array(5), 2)})


@pytest.mark.parametrize("answer", ABSURD.values(), ids=ABSURD)
def test_no_absurd_answer_raises_or_is_right(answer):
    for check in (doubled, doubles):
        verdict = check(answer, 2)
        assert not verdict.right and "<script>" not in verdict._repr_markdown_()


def test_an_answer_is_shown_as_text_on_a_page_and_in_a_terminal():
    verdict = doubled(["$a$", "*b*"], 2)
    assert "['$a$', '*b*']" in repr(verdict)
    assert "*b*" not in verdict.words and "$a$" not in verdict.words


def test_an_error_in_a_participants_function_is_explained():
    assert each_explained({"ZeroDivisionError": doubles(lambda number: number / 0, 2)})


@pytest.mark.parametrize("answer", [5, ...])
def test_in_strict_mode_any_other_answer_is_an_error(answer, monkeypatch):
    monkeypatch.setenv(checks.STRICT, "1")
    assert right(doubled(4, 2))
    with pytest.raises(checks.NotRight, match="doubled"):
        doubled(answer, 2)

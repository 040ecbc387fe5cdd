"""A mistake is recognised by the answer it leads to, and by no other."""

import numpy as np
from verdicts import each_explained, is_open, wrong

from workshop_utils.teaching import checks
from workshop_utils.teaching.checks.slips import _close, _fault, _nearest, _slip

SLIPS = {50.0: "half of it", 200.0: "twice as much"}


def test_the_nearest_mistake_is_within_a_hundredth():
    assert _nearest(50.5, SLIPS) == "half of it" and _nearest(199, SLIPS) == "twice as much"
    assert _nearest(50.6, SLIPS) is None and _nearest(float("nan"), SLIPS) is None
    assert _nearest(180, SLIPS, within=0.1) == "twice as much"


def test_a_mistake_with_several_numbers_needs_all_of_them():
    slips = {"exchanged": np.array([2.0, 1.0]), "halved": np.array([0.5, 1.0])}
    assert _slip([2, 1.001], slips) == "exchanged" and _slip(np.array([0.5, 1]), slips) == "halved"
    assert _slip([2, 1.1], slips) is None and _slip([2, 1.1], slips, rtol=0.1) == "exchanged"


def test_numbers_are_close_in_proportion_to_their_size():
    assert _close(1000.9, 1000) and not _close(1002, 1000) and _close(1.0, 1.02, tolerance=0.02)
    assert _close(0.0, 0.0) and not _close(1e-6, 0.0)


@checks.check
def added(function):
    mistakes = {"You subtract.": lambda one, other: one - other, "You take the first alone.": lambda one, other: one}
    return _fault(function, [(1, 2), (3000, 4)], lambda one, other: one + other, mistakes) or checks.Verdict(True, "")


def test_a_function_is_wrong_if_one_case_is_and_the_mistake_is_named():
    assert added(lambda one, other: one + other).right
    assert wrong(added(lambda one, other: 7), "1, 2", "7", "3")
    assert is_open(added(lambda one, other: None))
    assert each_explained(
        {
            "For 1, 2 your function gives -1. You subtract.": added(lambda one, other: one - other),
            "gives 1. You take the first alone.": added(lambda one, other: one),
            "For 3,000, 4 your function gives 3. It should be 3,004.": added(lambda one, other: 3),
            "A number is wanted": added(lambda one, other: "3"),
        }
    )


def test_a_case_without_numbers_is_called_an_example():
    fault = _fault(lambda values: 1, [([1, 2],)], sum, {})
    assert each_explained({"For an example of ours your function gives 1.": fault})

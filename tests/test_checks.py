"""What the checks say of right answers, of wrong ones, and of none."""

import pytest

from workshop_utils import checks

ABSURD = [None, "a string", [], object(), lambda *_: 1 / 0, float("nan"), "<script>alert(1)</script>"]
"""What nobody would answer."""


def right(verdict) -> bool:
    return verdict.right is True


def wrong(verdict, *words: str) -> bool:
    """Whether the answer is called wrong, and these words say why."""
    return verdict.right is False and all(word in verdict.words for word in words)


def is_open(verdict) -> bool:
    return verdict.right is None


@checks.check
def doubled(answer, number):
    return checks._right("Twice.") if checks._number(answer) == 2 * number else checks._wrong("Not twice.")


@checks.check
def doubles(function, number):
    return checks._right("Twice.") if checks._called(function, number) == 2 * number else checks._wrong("Not twice.")


def test_a_check_says_right_wrong_or_open():
    assert right(doubled(4, 2)) and wrong(doubled(5, 2), "Not twice") and is_open(doubled(..., 2))
    assert right(doubles(lambda number: 2 * number, 2)) and is_open(doubles(lambda number: ..., 2))


@pytest.mark.parametrize("answer", ABSURD, ids=repr)
def test_no_answer_however_odd_raises_or_is_right(answer):
    for check in (doubled, doubles):
        verdict = check(answer, 2)
        assert not verdict.right and "<script>" not in verdict._repr_markdown_()


def test_a_fault_in_a_participants_function_is_told_in_words():
    assert wrong(doubles(lambda number: number / 0, 2), "ZeroDivisionError")


@pytest.mark.parametrize("answer", [5, ...])
def test_where_only_right_answers_are_wanted_another_is_an_error(answer, monkeypatch):
    monkeypatch.setenv(checks.STRICT, "1")
    assert right(doubled(4, 2))
    with pytest.raises(checks.NotRight, match="doubled"):
        doubled(answer, 2)


# One section a notebook, in the order of workshop_utils/checks.py


# 00 · Start here


# 01 · Why transfer learning


# 02 · Label images


# 03 · Build the pipeline


# 04 · Fine-tune


# 05 · Use as is


# 06 · Random init


# 07 · Compare the strategies


# 08 · Export the checkpoint


# 09 · Detect and classify


# 10 · Your own data


# 11 · Scale out


def whole(losses, matched):
    return sum(loss * max(count, 1) for loss, count in zip(losses, matched, strict=True)) / sum(matched)


def test_the_loss_of_the_whole():
    assert right(checks.loss_of_the_whole(whole))
    assert is_open(checks.loss_of_the_whole(...)) and is_open(checks.loss_of_the_whole(lambda losses, matched: ...))
    assert wrong(checks.loss_of_the_whole(lambda losses, matched: sum(losses) / len(losses)), "plain mean")
    assert wrong(checks.loss_of_the_whole(lambda losses, matched: sum(losses)), "add the losses")
    assert wrong(checks.loss_of_the_whole(lambda losses, matched: whole(losses, matched) * sum(matched)), "divided")
    without_one = lambda losses, matched: sum(a * b for a, b in zip(losses, matched)) / sum(matched)  # noqa: E731
    assert wrong(checks.loss_of_the_whole(without_one), "divided by one")
    assert wrong(checks.loss_of_the_whole(lambda losses, matched: 7), "yours is 7")
    assert wrong(checks.loss_of_the_whole(lambda losses: 7), "TypeError")


def test_how_many_photos_each_worker_needs():
    a_photo, link = 0.04, 0.125
    for answer in (9 * link / a_photo, 29):
        assert right(checks.photos_each(answer, a_photo, link))
    for answer, words in (
        (10 * link / a_photo, "both together"), (9 * link / 8 / a_photo, "factor of eight"),
        (9 * link * 8 / a_photo, "factor of eight"), (link / a_photo, "half of the step"),
        (9 * link, "How many photos"), (100, "the link takes 3%"), (-1, "above zero"), (float("nan"), "above zero"),
    ):  # fmt: skip
        assert wrong(checks.photos_each(answer, a_photo, link), words)
    assert is_open(checks.photos_each(..., a_photo, link))


@pytest.mark.parametrize("answer", ABSURD, ids=repr)
def test_no_absurd_answer_about_scaling_out_is_right(answer):
    for verdict in (checks.loss_of_the_whole(answer), checks.photos_each(answer, 0.04, 0.125)):
        assert not verdict.right and "<script>" not in verdict._repr_markdown_()

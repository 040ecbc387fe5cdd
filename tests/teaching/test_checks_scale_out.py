"""Verdicts of the checks of notebook `11_scale_out` on right, wrong and missing answers."""

import pytest
from verdicts import ABSURD, is_open, right, wrong

from workshop_utils.teaching import checks


def whole(losses, matched):
    return sum(loss * max(count, 1) for loss, count in zip(losses, matched, strict=True)) / sum(matched)


def test_the_loss_of_the_whole_batch_is_checked():
    assert right(checks.loss_of_the_whole(whole))
    assert is_open(checks.loss_of_the_whole(...)) and is_open(checks.loss_of_the_whole(lambda losses, matched: ...))
    assert wrong(checks.loss_of_the_whole(lambda losses, matched: sum(losses) / len(losses)), "plain mean")
    assert wrong(checks.loss_of_the_whole(lambda losses, matched: sum(losses)), "add the losses")
    assert wrong(checks.loss_of_the_whole(lambda losses, matched: whole(losses, matched) * sum(matched)), "divided")
    without_one = lambda losses, matched: sum(a * b for a, b in zip(losses, matched)) / sum(matched)  # noqa: E731
    assert wrong(checks.loss_of_the_whole(without_one), "divided by one")
    assert wrong(checks.loss_of_the_whole(lambda losses, matched: 7), "yours is 7")
    assert wrong(checks.loss_of_the_whole(lambda losses: 7), "TypeError")


def test_the_number_of_photos_per_worker_is_checked():
    a_photo, link = 0.04, 0.125
    for answer in (9 * link / a_photo, 28, 29):
        assert right(checks.photos_each(answer, a_photo, link))
    for answer, words in (
        (10 * link / a_photo, "both together"), (9 * link / 8 / a_photo, "factor of eight"),
        (9 * link * 8 / a_photo, "factor of eight"), (link / a_photo, "half of the step"),
        (9 * link, "How many photos"), (100, "the link takes 3%"), (-1, "above zero"), (float("nan"), "above zero"),
    ):  # fmt: skip
        assert wrong(checks.photos_each(answer, a_photo, link), words)
    assert is_open(checks.photos_each(..., a_photo, link))


@pytest.mark.parametrize("answer", ABSURD.values(), ids=ABSURD)
def test_no_absurd_answer_about_scaling_out_is_right(answer):
    for verdict in (checks.loss_of_the_whole(answer), checks.photos_each(answer, 0.04, 0.125)):
        assert not verdict.right and "<script>" not in verdict._repr_markdown_()

"""Verdicts of the checks of notebook `11_scale_out` on right, wrong and missing answers."""

import pytest
from verdicts import ABSURD, each_explained, is_open, right

from workshop_utils.teaching import checks


def whole(losses, matched):
    return sum(loss * max(count, 1) for loss, count in zip(losses, matched, strict=True)) / sum(matched)


def test_the_loss_of_the_whole_batch_is_checked():
    assert right(checks.loss_of_the_whole(whole))
    assert is_open(checks.loss_of_the_whole(...)) and is_open(checks.loss_of_the_whole(lambda losses, matched: ...))

    def without_one(losses, matched):
        return sum(a * b for a, b in zip(losses, matched)) / sum(matched)

    assert each_explained(
        {
            "plain mean": checks.loss_of_the_whole(lambda losses, matched: sum(losses) / len(losses)),
            "add the losses": checks.loss_of_the_whole(lambda losses, matched: sum(losses)),
            "divided": checks.loss_of_the_whole(lambda losses, matched: whole(losses, matched) * sum(matched)),
            "divided by one": checks.loss_of_the_whole(without_one),
            "yours is 7": checks.loss_of_the_whole(lambda losses, matched: 7),
            "TypeError": checks.loss_of_the_whole(lambda losses: 7),
        }
    )


def test_the_number_of_photos_per_worker_is_checked():
    a_photo, link = 0.04, 0.125
    for answer in (9 * link / a_photo, 28, 29):
        assert right(checks.photos_each(answer, a_photo, link))
    assert is_open(checks.photos_each(..., a_photo, link))
    assert each_explained(
        {
            "both together": checks.photos_each(10 * link / a_photo, a_photo, link),
            "factor of eight": [
                checks.photos_each(9 * link / 8 / a_photo, a_photo, link),
                checks.photos_each(9 * link * 8 / a_photo, a_photo, link),
            ],
            "half of the step": checks.photos_each(link / a_photo, a_photo, link),
            "How many photos": checks.photos_each(9 * link, a_photo, link),
            "the link takes 3%": checks.photos_each(100, a_photo, link),
            "above zero": [checks.photos_each(-1, a_photo, link), checks.photos_each(float("nan"), a_photo, link)],
        }
    )


@pytest.mark.parametrize("answer", ABSURD.values(), ids=ABSURD)
def test_no_absurd_answer_about_scaling_out_is_right(answer):
    for verdict in (checks.loss_of_the_whole(answer), checks.photos_each(answer, 0.04, 0.125)):
        assert not verdict.right and "<script>" not in verdict._repr_markdown_()

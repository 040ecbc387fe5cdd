"""Verdicts of the checks of notebook `12_label_what_helps` on right, wrong and missing answers."""

import collections

import pytest
from verdicts import ABSURD, each_explained, is_open, right

from workshop_utils.teaching import checks


def both(hits, planted, count):
    return sum(hits[:count]) / count, sum(hits[:count]) / planted


def margin(scores):
    best, *others = sorted(scores, reverse=True)
    return abs(best - max([1 - best, *others]))


def majority(names):
    counted = collections.Counter(names)
    return next((name for name, count in counted.items() if name is not None and 2 * count > len(names)), None)


def test_precision_and_recall_of_a_ranked_list_are_checked():
    assert right(checks.start_of_the_list(both))
    assert is_open(checks.start_of_the_list(...)) and is_open(checks.start_of_the_list(lambda *_: ...))
    assert each_explained(
        {
            "wrong order": checks.start_of_the_list(lambda *case: both(*case)[::-1]),
            "number of hits": checks.start_of_the_list(lambda hits, _, count: [sum(hits[:count])] * 2),
            "nowhere in the list": checks.start_of_the_list(
                lambda hits, planted, count: (both(hits, planted, count)[0], sum(hits[:count]) / sum(hits))
            ),
            "whole list": checks.start_of_the_list(
                lambda hits, planted, count: (sum(hits) / len(hits), both(hits, planted, count)[1])
            ),
            "precision is wrong": checks.start_of_the_list(lambda *case: (0.9, both(*case)[1])),
            "recall is wrong": checks.start_of_the_list(lambda *case: (both(*case)[0], 0.9)),
            "2 numbers": checks.start_of_the_list(lambda *_: 0.5),
        }
    )


def test_the_margin_of_an_object_is_checked():
    assert right(checks.margin(margin))
    assert is_open(checks.margin(...)) and is_open(checks.margin(lambda scores: ...))

    def without_background(scores):
        best, *others = sorted(scores, reverse=True)
        return best - others[0] if others else best

    assert each_explained(
        {
            "no background": checks.margin(without_background),
            "only the background": checks.margin(lambda scores: abs(2 * max(scores) - 1)),
            "negative": checks.margin(lambda scores: -margin(scores)),
            "how unsure": checks.margin(lambda scores: 1 - margin(scores)),
            "yours is 7": checks.margin(lambda scores: 7),
            "TypeError": checks.margin(lambda: 7),
        }
    )


def test_a_majority_is_checked():
    assert right(checks.majority(majority))
    assert is_open(checks.majority(...)) and is_open(checks.majority(lambda names: None))

    def most_frequent(names):
        return max((name for name in names if name), key=names.count, default=None)

    def of_those_who_drew(names):
        return majority([name for name in names if name])

    assert each_explained(
        {
            "most frequent": checks.majority(most_frequent),
            "drew nothing": checks.majority(of_those_who_drew),
            "agree": checks.majority(lambda names: names[0] if len(names) == 1 else None),
            "a number": checks.majority(lambda names: 7),
        }
    )


@pytest.mark.parametrize("answer", ABSURD.values(), ids=ABSURD)
def test_no_absurd_answer_about_labels_is_right(answer):
    for verdict in (checks.start_of_the_list(answer), checks.margin(answer), checks.majority(answer)):
        assert not verdict.right and "<script>" not in verdict._repr_markdown_()

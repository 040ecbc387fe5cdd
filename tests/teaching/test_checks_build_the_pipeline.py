"""Verdicts of the checks of notebook `03_build_the_pipeline` on right, wrong and missing answers."""

import numpy as np
import pytest
from verdicts import ABSURD, each_explained, is_open, right, wrong

from workshop_utils.model import anchors
from workshop_utils.teaching import checks


def test_the_anchors_of_all_maps_are_counted():

    def count(grids, shapes):
        return sum(cells**2 * each for cells, each in zip(grids, shapes))

    verdict = checks.anchors_in_all(count)
    assert right(verdict) and "1,917" in verdict.words and f"{4 * 1917:,}" in verdict.words
    assert wrong(checks.anchors_in_all(lambda grids, shapes: sum(n * k for n, k in zip(grids, shapes))), "n², not n")
    assert wrong(checks.anchors_in_all(lambda grids, shapes: sum(n * n for n in grids)), "one anchor for each shape")
    assert wrong(
        checks.anchors_in_all(lambda grids, shapes: sum(n * n for n in grids) * sum(shapes)), "differ from map to map"
    )
    assert wrong(checks.anchors_in_all(lambda grids, shapes: 1917), "should be 16")
    assert is_open(checks.anchors_in_all(...)) and is_open(checks.anchors_in_all(lambda grids, shapes: None))
    assert each_explained(
        {
            "n², not n": checks.anchors_in_all(lambda grids, shapes: sum(n * k for n, k in zip(grids, shapes))),
            "as many anchors as": checks.anchors_in_all(lambda grids, shapes: sum(n * n for n in grids)),
            "differ from map to map": checks.anchors_in_all(
                lambda grids, shapes: sum(n * n for n in grids) * sum(shapes)
            ),
            "16 is right": checks.anchors_in_all(lambda grids, shapes: 1917),
        }
    )


IOUS = [[0.46, 0.0, 0.03], [0.0, 0.4, 0.11], [0.65, 0.0, 0.15], [0.34, 0.05, 0.38], [0.17, 0.0, 0.62], [0.1, 0, 0.69]]


def test_an_anchor_is_responsible_by_the_threshold_or_because_a_cup_claims_it():

    def said(*answer):
        return checks.responsible(answer, IOUS)

    assert right(said(0, 2, 1, 0, 3, 3)) and "4 of the 6" in said(0, 2, 1, 0, 3, 3).words
    assert wrong(said(0, 0, 1, 0, 3, 3), "Anchor b", "Each cup also gets")
    assert wrong(said(1, 2, 1, 3, 3, 3), "Anchor a", "below the threshold is background")
    assert wrong(said(1, 2, 1, 0, 3, 3), "Anchor a", "one anchor below the threshold")
    assert wrong(said(-1, 1, 0, -1, 2, 2), "Count the cups from 1")
    assert wrong(said(0, 2, 1, 0, 3, 0), "Anchor f", "Compare its row")
    assert wrong(said(0, 2, 1), "6 numbers; yours are 3") and is_open(checks.responsible(..., IOUS))


CUP_BOX, ANCHOR = np.array([0.4, 0.3, 0.8, 0.6], np.float32), np.array([0.2, 0.35, 0.9, 0.75], np.float32)


def coder(shift=lambda by, of, size: by / of, growth=lambda size, of: np.log(size / of), end=lambda code, v: code / v):
    """Return a function that encodes a box, with each step as given here."""

    def encode(box, anchor):
        size, of = box[2:] - box[:2], anchor[2:] - anchor[:2]
        by = (box[:2] + box[2:] - anchor[:2] - anchor[2:]) / 2
        return end(np.concatenate([shift(by, of, size), growth(size, of)]), anchors.VARIANCES)

    return encode


@pytest.mark.parametrize(
    ("slip", "words"),
    [
        (coder(end=lambda code, v: code), "Divide by the variances at the end: 0.1 for the centre and 0.2"),
        (coder(end=lambda code, v: code * v), "you multiplied by them"),
        (coder(end=lambda code, v: code / v[::-1]), "swapped the variances"),
        (coder(end=lambda code, v: (code / v)[[1, 0, 3, 2]]), "the order is y, x, height, width"),
        (coder(end=lambda code, v: -code / v), "All signs"),
        (coder(growth=lambda size, of: size / of), "you returned the ratio itself"),
        (coder(growth=lambda size, of: np.log10(size / of)), "`np.log`."),
        (coder(growth=lambda size, of: np.log2(size / of)), "not of base 2"),
        (coder(growth=lambda size, of: np.log(of / size)), "growth is box over anchor"),
        (coder(shift=lambda by, of, size: -by / of), "yours goes back"),
        (coder(shift=lambda by, of, size: by / of[::-1]), "the other way round"),
        (coder(shift=lambda by, of, size: by), "in sizes of the anchor."),
        (coder(shift=lambda by, of, size: by / size), "not of the box"),
        (coder(shift=lambda by, of, size: by * 3), "right so far: height, width"),
        (coder(end=lambda code, v: code / 7), "none of the four"),
        (lambda box, anchor: (box[:2] - anchor[:2]) / 0.1, "4 numbers; yours are 2"),
        (lambda box, anchor: [*(box[:2] - anchor[:2]) / (anchor[2:] - anchor[:2]) / 0.1, *coder()(box, anchor)[2:]],
         "not their corners"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_box_coding_is_named(slip, words):
    assert wrong(checks.encoding(slip, CUP_BOX, ANCHOR), words)


def test_the_box_coding_is_right_if_it_equals_the_packages():
    def constant(box, anchor):
        return coder()(CUP_BOX, ANCHOR)

    assert right(checks.encoding(coder(), CUP_BOX, ANCHOR))
    assert wrong(checks.encoding(constant, CUP_BOX, ANCHOR)), "right for this one box only"
    assert is_open(checks.encoding(..., CUP_BOX, ANCHOR)) and is_open(checks.encoding(lambda *_: ..., CUP_BOX, ANCHOR))


def test_the_weight_of_easy_examples_is_that_of_the_focal_loss():

    def said(answer):
        return checks.easy_ones(answer, 0.01, 0.1, 0.25, 2.0)

    cup, belt = (-np.log(0.1), -np.log(0.99))
    truth = 0.25 * 0.9**2 * cup / (0.75 * 0.01**2 * belt)
    assert right(said(truth)) and right(said(round(truth, -3))) and f"{cup / belt:,.0f} have" in said(truth).words
    assert wrong(said(cup / belt), "cross-entropy")
    assert wrong(said(3 * truth), "Alpha is missing") and wrong(said(9 * truth), "alphas are swapped")
    assert wrong(said(cup / belt / 3), "Gamma is missing")
    assert wrong(said(0.25 * 0.9**2 * cup / (0.75 * 0.99**2 * belt)), "gives 0.99")
    assert wrong(said(1 / truth), "upside down") and wrong(said(12), "Divide the loss on the cup")
    assert is_open(said(...))
    assert each_explained(
        {
            "cross-entropy": said(cup / belt),
            "Alpha is missing": said(3 * truth),
            "alphas are exchanged": said(9 * truth),
            "Gamma is missing": said(cup / belt / 3),
            "gives 0.99": said(0.25 * 0.9**2 * cup / (0.75 * 0.99**2 * belt)),
            "other way round": said(1 / truth),
            "Divide the loss on the cup": said(12),
        }
    )


@pytest.mark.parametrize("answer", ABSURD.values(), ids=ABSURD)
def test_no_absurd_answer_about_the_pipeline_raises_or_is_right(answer):
    verdicts = (
        checks.anchors_in_all(answer),
        checks.responsible(answer, IOUS),
        checks.encoding(answer, CUP_BOX, ANCHOR),
        checks.easy_ones(answer, 0.01, 0.1, 0.25, 2.0),
    )
    assert not any(verdict.right or "<script>" in verdict._repr_markdown_() for verdict in verdicts)

"""Verdicts of the checks of notebook `03_build_the_pipeline` on right, wrong and missing answers."""

import numpy as np
import pytest
from verdicts import ABSURD, is_open, right, told_apart, wrong

from workshop_utils.model import anchors
from workshop_utils.teaching import checks


def test_the_anchors_of_all_maps_are_counted():

    def count(grids, shapes):
        return sum(cells**2 * each for cells, each in zip(grids, shapes))

    verdict = checks.anchors_in_all(count)
    assert right(verdict, "1,917", f"{4 * 1917:,}")
    assert is_open(checks.anchors_in_all(...)) and is_open(checks.anchors_in_all(lambda grids, shapes: None))
    assert told_apart(
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

    assert right(said(0, 2, 1, 0, 3, 3), "4", "6")
    assert is_open(checks.responsible(..., IOUS))
    assert told_apart(
        {
            "Anchor b, Each cup also claims": said(0, 0, 1, 0, 3, 3),
            "Anchor a, below the threshold is background": said(1, 2, 1, 3, 3, 3),
            "Anchor a, one anchor only": said(1, 2, 1, 0, 3, 3),
            "Count the cups from 1": said(-1, 1, 0, -1, 2, 2),
            "Anchor f, Look along its row": said(0, 2, 1, 0, 3, 0),
            "6 numbers are wanted here; yours are 3": said(0, 2, 1),
        }
    )


CUP_BOX, ANCHOR = np.array([0.4, 0.3, 0.8, 0.6], np.float32), np.array([0.2, 0.35, 0.9, 0.75], np.float32)


def coder(shift=lambda by, of, size: by / of, growth=lambda size, of: np.log(size / of), end=lambda code, v: code / v):
    """Return a function that encodes a box, with each step as given here."""

    def encode(box, anchor):
        size, of = box[2:] - box[:2], anchor[2:] - anchor[:2]
        by = (box[:2] + box[2:] - anchor[:2] - anchor[2:]) / 2
        return end(np.concatenate([shift(by, of, size), growth(size, of)]), anchors.VARIANCES)

    return encode


def test_a_slip_in_the_box_coding_is_named():
    assert told_apart(
        {
            "Divide by the variances at the end: 0.1 for the centre and 0.2": checks.encoding(
                coder(end=lambda code, v: code), CUP_BOX, ANCHOR
            ),
            "you multiply by them": checks.encoding(coder(end=lambda code, v: code * v), CUP_BOX, ANCHOR),
            "exchanged the variances": checks.encoding(coder(end=lambda code, v: code / v[::-1]), CUP_BOX, ANCHOR),
            "the order is y, x, height, width": checks.encoding(
                coder(end=lambda code, v: (code / v)[[1, 0, 3, 2]]), CUP_BOX, ANCHOR
            ),
            "All signs": checks.encoding(coder(end=lambda code, v: -code / v), CUP_BOX, ANCHOR),
            "you give the ratio itself": checks.encoding(coder(growth=lambda size, of: size / of), CUP_BOX, ANCHOR),
            "`np.log`.": checks.encoding(coder(growth=lambda size, of: np.log10(size / of)), CUP_BOX, ANCHOR),
            "not of base 2": checks.encoding(coder(growth=lambda size, of: np.log2(size / of)), CUP_BOX, ANCHOR),
            "growth is box over anchor": checks.encoding(
                coder(growth=lambda size, of: np.log(of / size)), CUP_BOX, ANCHOR
            ),
            "yours leads back": checks.encoding(coder(shift=lambda by, of, size: -by / of), CUP_BOX, ANCHOR),
            "the other way round": checks.encoding(coder(shift=lambda by, of, size: by / of[::-1]), CUP_BOX, ANCHOR),
            "in sizes of the anchor.": checks.encoding(coder(shift=lambda by, of, size: by), CUP_BOX, ANCHOR),
            "not of the box": checks.encoding(coder(shift=lambda by, of, size: by / size), CUP_BOX, ANCHOR),
            "right so far: height, width": checks.encoding(coder(shift=lambda by, of, size: by * 3), CUP_BOX, ANCHOR),
            "none of the four": checks.encoding(coder(end=lambda code, v: code / 7), CUP_BOX, ANCHOR),
            "4 numbers are wanted here; yours are 2": checks.encoding(
                lambda box, anchor: (box[:2] - anchor[:2]) / 0.1, CUP_BOX, ANCHOR
            ),
            "not their corners": checks.encoding(
                lambda box, anchor: [
                    *(box[:2] - anchor[:2]) / (anchor[2:] - anchor[:2]) / 0.1,
                    *coder()(box, anchor)[2:],
                ],
                CUP_BOX,
                ANCHOR,
            ),
        }
    )


def test_the_box_coding_is_right_if_it_equals_the_packages():
    def constant(box, anchor):
        return coder()(CUP_BOX, ANCHOR)

    assert right(checks.encoding(coder(), CUP_BOX, ANCHOR))
    assert wrong(checks.encoding(constant, CUP_BOX, ANCHOR)), "right for this one box only"
    assert is_open(checks.encoding(..., CUP_BOX, ANCHOR)) and is_open(checks.encoding(lambda *_: ..., CUP_BOX, ANCHOR))


def test_the_weight_of_easy_answers_is_that_of_the_focal_loss():

    def said(answer):
        return checks.easy_ones(answer, 0.01, 0.1, 0.25, 2.0)

    cup, belt = (-np.log(0.1), -np.log(0.99))
    truth = 0.25 * 0.9**2 * cup / (0.75 * 0.01**2 * belt)
    assert right(said(truth), f"{cup / belt:,.0f}") and right(said(round(truth, -3)))
    assert is_open(said(...))
    assert told_apart(
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

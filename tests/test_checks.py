"""What the checks say of right answers, of wrong ones, and of none."""

import numpy as np
import pytest

from workshop_utils import anchors, checks

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


def test_the_anchors_of_all_maps_are_counted():
    def count(grids, shapes):
        return sum(cells**2 * each for cells, each in zip(grids, shapes))

    verdict = checks.anchors_in_all(count)
    assert right(verdict) and "1,917" in verdict.words and f"{4 * 1917:,}" in verdict.words
    assert wrong(checks.anchors_in_all(lambda grids, shapes: sum(n * k for n, k in zip(grids, shapes))), "n², not n")
    assert wrong(checks.anchors_in_all(lambda grids, shapes: sum(n * n for n in grids)), "as many anchors as")
    assert wrong(
        checks.anchors_in_all(lambda grids, shapes: sum(n * n for n in grids) * sum(shapes)), "differ from map to map"
    )
    assert wrong(checks.anchors_in_all(lambda grids, shapes: 1917), "16 is right")
    assert is_open(checks.anchors_in_all(...)) and is_open(checks.anchors_in_all(lambda grids, shapes: None))


IOUS = [[0.46, 0.0, 0.03], [0.0, 0.4, 0.11], [0.65, 0.0, 0.15], [0.34, 0.05, 0.38], [0.17, 0.0, 0.62], [0.1, 0, 0.69]]


def test_an_anchor_is_responsible_by_the_threshold_or_because_a_cup_claims_it():
    def said(*answer):
        return checks.responsible(answer, IOUS)

    assert right(said(0, 2, 1, 0, 3, 3)) and "4 of the 6" in said(0, 2, 1, 0, 3, 3).words
    assert wrong(said(0, 0, 1, 0, 3, 3), "Anchor b", "Each cup also claims")
    assert wrong(said(1, 2, 1, 3, 3, 3), "Anchor a", "below the threshold is background")
    assert wrong(said(1, 2, 1, 0, 3, 3), "Anchor a", "one anchor only")
    assert wrong(said(-1, 1, 0, -1, 2, 2), "Count the cups from 1")
    assert wrong(said(0, 2, 1, 0, 3, 0), "Anchor f", "Look along its row")
    assert wrong(said(0, 2, 1), "6 numbers are wanted here; yours are 3") and is_open(checks.responsible(..., IOUS))


BOX, ANCHOR = np.array([0.4, 0.3, 0.8, 0.6], np.float32), np.array([0.2, 0.35, 0.9, 0.75], np.float32)


def coder(shift=lambda by, of, size: by / of, growth=lambda size, of: np.log(size / of), end=lambda code, v: code / v):
    """Make a function that codes a box, each of its steps as it is given here."""

    def encode(box, anchor):
        size, of = box[2:] - box[:2], anchor[2:] - anchor[:2]
        by = (box[:2] + box[2:] - anchor[:2] - anchor[2:]) / 2
        return end(np.concatenate([shift(by, of, size), growth(size, of)]), anchors.VARIANCES)

    return encode


@pytest.mark.parametrize(
    ("slip", "words"),
    [
        (coder(end=lambda code, v: code), "Divide by the variances at the end: 0.1 for the centre and 0.2"),
        (coder(end=lambda code, v: code * v), "you multiply by them"),
        (coder(end=lambda code, v: code / v[::-1]), "exchanged the variances"),
        (coder(end=lambda code, v: (code / v)[[1, 0, 3, 2]]), "the order is y, x, height, width"),
        (coder(end=lambda code, v: -code / v), "All signs"),
        (coder(growth=lambda size, of: size / of), "you give the ratio itself"),
        (coder(growth=lambda size, of: np.log10(size / of)), "`np.log`."),
        (coder(growth=lambda size, of: np.log2(size / of)), "not of base 2"),
        (coder(growth=lambda size, of: np.log(of / size)), "growth is box over anchor"),
        (coder(shift=lambda by, of, size: -by / of), "yours leads back"),
        (coder(shift=lambda by, of, size: by / of[::-1]), "the other way round"),
        (coder(shift=lambda by, of, size: by), "in sizes of the anchor."),
        (coder(shift=lambda by, of, size: by / size), "not of the box"),
        (coder(shift=lambda by, of, size: by * 3), "right so far: height, width"),
        (coder(end=lambda code, v: code / 7), "none of the four"),
        (lambda box, anchor: (box[:2] - anchor[:2]) / 0.1, "4 numbers are wanted here; yours are 2"),
        (lambda box, anchor: [*(box[:2] - anchor[:2]) / (anchor[2:] - anchor[:2]) / 0.1, *coder()(box, anchor)[2:]],
         "not their corners"),
    ],
)  # fmt: skip
def test_a_slip_in_the_box_coding_is_named(slip, words):
    assert wrong(checks.encoding(slip, BOX, ANCHOR), words)


def test_the_box_coding_is_right_where_the_package_says_the_same():
    def constant(box, anchor):
        return coder()(BOX, ANCHOR)

    assert right(checks.encoding(coder(), BOX, ANCHOR))
    assert wrong(checks.encoding(constant, BOX, ANCHOR)), "right for this one box only"
    assert is_open(checks.encoding(..., BOX, ANCHOR)) and is_open(checks.encoding(lambda *_: ..., BOX, ANCHOR))


def test_the_weight_of_easy_answers_is_that_of_the_focal_loss():
    def said(answer):
        return checks.easy_ones(answer, 0.01, 0.1, 0.25, 2.0)

    cup, belt = -np.log(0.1), -np.log(0.99)
    truth = 0.25 * 0.9**2 * cup / (0.75 * 0.01**2 * belt)
    assert right(said(truth)) and right(said(round(truth, -3))) and f"{cup / belt:,.0f} do" in said(truth).words
    assert wrong(said(cup / belt), "cross-entropy")
    assert wrong(said(3 * truth), "Alpha is missing") and wrong(said(9 * truth), "alphas are exchanged")
    assert wrong(said(cup / belt / 3), "Gamma is missing")
    assert wrong(said(0.25 * 0.9**2 * cup / (0.75 * 0.99**2 * belt)), "gives 0.99")
    assert wrong(said(1 / truth), "other way round") and wrong(said(12), "Divide the loss on the cup")
    assert is_open(said(...))


@pytest.mark.parametrize("answer", ABSURD, ids=repr)
def test_no_odd_answer_about_the_pipeline_raises_or_is_right(answer):
    verdicts = (
        checks.anchors_in_all(answer),
        checks.responsible(answer, IOUS),
        checks.encoding(answer, BOX, ANCHOR),
        checks.easy_ones(answer, 0.01, 0.1, 0.25, 2.0),
    )
    assert not any(verdict.right or "<script>" in verdict._repr_markdown_() for verdict in verdicts)


# 04 · Fine-tune


# 05 · Use as is


# 06 · Random init


# 07 · Compare the strategies


# 08 · Export the checkpoint


def test_a_files_size_is_its_weights_times_their_bytes():
    def said(*answer):
        return checks.file_sizes(answer, 3_000_000)

    assert right(said(12, 3)) and right(said(3_000_000 * 4 / 2**20, 3_000_000 / 2**20))
    assert wrong(said(96, 24), "bits") and wrong(said(12e6, 3e6), "Those are bytes")
    assert wrong(said(12e3, 3e3), "kilobytes") and wrong(said(24, 3), "float64")
    assert wrong(said(12, 12), "as large as the float") and wrong(said(3, 12), "other way round")
    assert wrong(said(7, 7), "Multiply the weights") and wrong(said(12), "2 numbers are wanted here; yours are 1")
    assert is_open(checks.file_sizes(..., 3_000_000))


VALUES = np.random.default_rng(0).normal(1.0, 3.0, (40, 4))


def int8(steps=255, zero=lambda smallest, scale: round(-128 - smallest / scale), to_whole=np.round, back=None):
    """Make a function that takes values to int8 and back, its parts as they are given here."""

    def there_and_back(values):
        scale = (values.max() - values.min()) / steps
        point = zero(values.min(), scale)
        whole = np.clip(to_whole(values / scale) + point, -128, 127)
        return back(whole, scale, point) if back else (whole - point) * scale

    return there_and_back


def symmetric(values):
    scale = np.abs(values).max() / 127
    return np.round(values / scale) * scale


@pytest.mark.parametrize(
    ("slip", "words"),
    [
        (lambda values: values, "nothing was rounded"),
        (int8(to_whole=lambda values: values), "nothing was rounded"),
        (int8(back=lambda whole, scale, point: whole), "Bring them back"),
        (int8(back=lambda whole, scale, point: whole * scale), "missing on the way back"),
        (int8(back=lambda whole, scale, point: (whole + point) * scale), "you add it"),
        (symmetric, "part of the 256 numbers stays unused"),
        (int8(to_whole=np.trunc), "cut off the fraction"),
        (int8(steps=256), "255 steps"),
        (int8(zero=lambda smallest, scale: -128), "should be near half a step"),
        (int8(back=lambda whole, scale, point: (whole - point) * scale * 1.1), "should be near half a step"),
    ],
)
def test_a_slip_on_the_way_to_whole_numbers_is_named(slip, words):
    assert wrong(checks.there_and_back(slip, VALUES), words)


def test_there_and_back_loses_half_a_step_at_most():
    verdict = checks.there_and_back(int8(), VALUES)
    assert right(verdict) and f"step of {np.ptp(VALUES) / 255:.2g}" in verdict.words
    assert right(checks.there_and_back(lambda values: int8()(values).astype(np.float32), VALUES))
    assert wrong(checks.there_and_back(lambda values: int8()(VALUES), VALUES)), "right for these values only"
    assert is_open(checks.there_and_back(..., VALUES)) and is_open(checks.there_and_back(lambda _: None, VALUES))


def test_a_bar_for_exports_lets_the_good_ones_pass_and_stops_the_spoilt_ones():
    exports, spoilt = {"onnx": [1.0, 0.999], "saved_model": [0.98, 1.0]}, {"red for blue": [0.9, 0.6], "b": [0.7, 0.9]}

    def said(answer):
        return checks.lowest_iou(answer, exports, spoilt)

    assert right(said(0.9)) and right(said(0.98)) and "above 0.70 and up to 0.98" in said(0.9).words
    assert wrong(said(0.99), "refuse saved_model", "0.98") and wrong(said(1), "0.999")
    assert wrong(said(0.65), "let pass 'b'", "0.70") and wrong(said(0.5), "red for blue")
    assert wrong(said(0), "between 0 and 1.") and wrong(said(90), "write 0.9, not 90")
    assert is_open(said(...))


@pytest.mark.parametrize("answer", ABSURD, ids=repr)
def test_no_odd_answer_about_an_export_raises_or_is_right(answer):
    verdicts = (
        checks.file_sizes(answer, 3_000_000),
        checks.there_and_back(answer, VALUES),
        checks.lowest_iou(answer, {"onnx": [0.99]}, {"spoilt": [0.5]}),
    )
    assert not any(verdict.right or "<script>" in verdict._repr_markdown_() for verdict in verdicts)


# 09 · Detect and classify


# 10 · Your own data


# 11 · Scale out

"""Verdicts of the checks of notebook `08_export_the_checkpoint` on right, wrong and missing answers."""

import numpy as np
import pytest
from verdicts import ABSURD, is_open, right, wrong

from workshop_utils.teaching import checks


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
    """Return a function that converts values to int8 and back, with each part as given here."""

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
        (int8(back=lambda whole, scale, point: (whole.astype(np.int8) - point) * scale), "it wraps around"),
        (symmetric, "part of the 256 numbers stays unused"),
        (int8(to_whole=np.trunc), "cut off the fraction"),
        (int8(steps=256), "255 steps"),
        (int8(zero=lambda smallest, scale: -128), "should be near half a step"),
        (int8(back=lambda whole, scale, point: (whole - point) * scale * 1.1), "should be near half a step"),
    ],
)
def test_a_slip_on_the_way_to_whole_numbers_is_named(slip, words):
    assert wrong(checks.there_and_back(slip, VALUES), words)


def test_the_round_trip_loses_at_most_half_a_step():
    verdict = checks.there_and_back(int8(), VALUES)
    assert right(verdict) and f"step of {np.ptp(VALUES) / 255:.2g}" in verdict.words
    assert right(checks.there_and_back(lambda values: int8()(values).astype(np.float32), VALUES))
    assert wrong(checks.there_and_back(lambda values: int8()(VALUES), VALUES)), "right for these values only"
    assert is_open(checks.there_and_back(..., VALUES)) and is_open(checks.there_and_back(lambda _: None, VALUES))


def test_a_threshold_for_exports_accepts_good_ones_and_rejects_damaged_ones():
    exports, damaged = {"onnx": [1.0, 0.999], "saved_model": [0.98, 1.0]}, {"red for blue": [0.9, 0.6], "b": [0.7, 0.9]}

    def said(answer):
        return checks.lowest_iou(answer, exports, damaged)

    assert right(said(0.9)) and right(said(0.98)) and "above 0.70 and up to 0.98" in said(0.9).words
    assert wrong(said(0.99), "refuse saved_model", "0.98") and wrong(said(1), "0.999")
    assert wrong(said(0.65), "let pass 'b'", "0.70") and wrong(said(0.5), "red for blue")
    assert wrong(said(0), "between 0 and 1.") and wrong(said(90), "write 0.9, not 90")
    assert is_open(said(...))


@pytest.mark.parametrize("answer", ABSURD.values(), ids=ABSURD)
def test_no_absurd_answer_about_an_export_raises_or_is_right(answer):
    verdicts = (
        checks.file_sizes(answer, 3_000_000),
        checks.there_and_back(answer, VALUES),
        checks.lowest_iou(answer, {"onnx": [0.99]}, {"damaged": [0.5]}),
    )
    assert not any(verdict.right or "<script>" in verdict._repr_markdown_() for verdict in verdicts)

"""Verdicts of the checks of notebook `08_export_the_checkpoint` on right, wrong and missing answers."""

import numpy as np
import pytest
from verdicts import ABSURD, each_explained, is_open, right, wrong

from workshop_utils.teaching import checks


def test_a_files_size_is_its_weights_times_their_bytes():

    def said(*answer):
        return checks.file_sizes(answer, 3000000)

    assert right(said(12, 3)) and right(said(3000000 * 4 / 2**20, 3000000 / 2**20))
    assert is_open(checks.file_sizes(..., 3000000))
    assert each_explained(
        {
            "bits": said(96, 24),
            "Those are bytes": said(12000000.0, 3000000.0),
            "kilobytes": said(12000.0, 3000.0),
            "float64": said(24, 3),
            "as large as the float": said(12, 12),
            "other way round": said(3, 12),
            "Multiply the weights": said(7, 7),
            "2 numbers are wanted here; yours are 1": said(12),
        }
    )


VALUES = np.random.default_rng(0).normal(1.0, 3.0, (40, 4))


def int8(steps=255, zero=lambda smallest, scale: round(-128 - smallest / scale), to_whole=np.round, back=None):
    """Return a function that converts values to int8 and back, with each part as given here."""

    def round_trip(values):
        scale = (values.max() - values.min()) / steps
        point = zero(values.min(), scale)
        whole = np.clip(to_whole(values / scale) + point, -128, 127)
        return back(whole, scale, point) if back else (whole - point) * scale

    return round_trip


def symmetric(values):
    scale = np.abs(values).max() / 127
    return np.round(values / scale) * scale


def test_a_mistake_in_the_quantisation_is_named():
    assert each_explained(
        {
            "nothing was rounded": [
                checks.round_trip(lambda values: values, VALUES),
                checks.round_trip(int8(to_whole=lambda values: values), VALUES),
            ],
            "Bring them back": checks.round_trip(int8(back=lambda whole, scale, point: whole), VALUES),
            "missing on the way back": checks.round_trip(int8(back=lambda whole, scale, point: whole * scale), VALUES),
            "you add it": checks.round_trip(int8(back=lambda whole, scale, point: (whole + point) * scale), VALUES),
            "it wraps around": checks.round_trip(
                int8(back=lambda whole, scale, point: (whole.astype(np.int8) - point) * scale), VALUES
            ),
            "part of the 256 numbers stays unused": checks.round_trip(symmetric, VALUES),
            "cut off the fraction": checks.round_trip(int8(to_whole=np.trunc), VALUES),
            "255 steps": checks.round_trip(int8(steps=256), VALUES),
            "should be near half a step": [
                checks.round_trip(int8(zero=lambda smallest, scale: -128), VALUES),
                checks.round_trip(int8(back=lambda whole, scale, point: (whole - point) * scale * 1.1), VALUES),
            ],
        }
    )


def test_the_round_trip_loses_at_most_half_a_step():
    verdict = checks.round_trip(int8(), VALUES)
    assert right(verdict, f"{np.ptp(VALUES) / 255:.2g}")
    assert right(checks.round_trip(lambda values: int8()(values).astype(np.float32), VALUES))
    assert wrong(checks.round_trip(lambda values: int8()(VALUES), VALUES)), "right for these values only"
    assert is_open(checks.round_trip(..., VALUES)) and is_open(checks.round_trip(lambda _: None, VALUES))


def test_a_threshold_for_exports_accepts_good_ones_and_rejects_damaged_ones():
    exports, damaged = (
        {"onnx": [1.0, 0.999], "saved_model": [0.98, 1.0]},
        {"red for blue": [0.9, 0.6], "b": [0.7, 0.9]},
    )

    def said(answer):
        return checks.lowest_iou(answer, exports, damaged)

    assert right(said(0.9), "0.70", "0.98") and right(said(0.98))
    assert is_open(said(...))
    assert each_explained(
        {
            "refuse saved_model, 0.98": said(0.99),
            "0.999": said(1),
            "let pass 'b', 0.70": said(0.65),
            "red for blue": said(0.5),
            "between 0 and 1.": said(0),
            "write 0.9, not 90": said(90),
        }
    )


@pytest.mark.parametrize("answer", ABSURD.values(), ids=ABSURD)
def test_no_absurd_answer_about_an_export_raises_or_is_right(answer):
    verdicts = (
        checks.file_sizes(answer, 3_000_000),
        checks.round_trip(answer, VALUES),
        checks.lowest_iou(answer, {"onnx": [0.99]}, {"damaged": [0.5]}),
    )
    assert not any(verdict.right or "<script>" in verdict._repr_markdown_() for verdict in verdicts)

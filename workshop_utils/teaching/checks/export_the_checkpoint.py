"""Checks of notebook `08_export_the_checkpoint`: file sizes, int8, and what a good export must reach."""

import numpy as np

from workshop_utils.teaching.checks.answer import Verdict, _array, _called, _number, _right, _wrong, check
from workshop_utils.teaching.checks.slips import _slip


@check
def file_sizes(answer: object, weights: int) -> Verdict:
    """Judge how many megabytes a number of weights takes: (as float32, as int8)."""
    said, truth = _array(answer, (2,)), np.array([4, 1]) * weights / 1e6
    slips = {
        "Those are bits. A byte has 8 of them": 8 * truth,
        "Those are bytes. A megabyte has 1,000,000 of them": 1e6 * truth,
        "Those are kilobytes": 1e3 * truth,
        "A float32 takes 32 bits, which is 4 bytes; 8 bytes would be a float64": truth * (2, 1),
        "An int8 takes 8 bits, which is one byte; yours is as large as the float": truth * (1, 4),
        "The float32 comes first, then the int8; yours are the other way round": truth[::-1],
    }
    if np.allclose(said, truth, rtol=0.06):  # a megabyte of 1,048,576 bytes is right, too
        return _right(f"{weights:,} weights take {truth[0]:.1f} MB as float32 and {truth[1]:.1f} MB as int8.")
    return _wrong(f"{_slip(said, slips, rtol=0.06) or 'Multiply the weights by the bytes that each takes'}.")


@check
def round_trip(function: object, values: np.ndarray) -> Verdict:
    """Judge a function that converts values of any shape to int8, with a scale and a zero point, and back."""
    values = np.asarray(values, float)
    for real in (values, np.linspace(-1.0, 3.0, 1001)):
        said = _array(_called(function, real.copy()), real.shape)
        whole, scale, zero = _quantised(real)
        truth, symmetric = _back(real), np.abs(real).max() / 127
        slips = {
            "Those are the int8 numbers. Bring them back: subtract the zero point, then multiply by the scale": whole,
            "The zero point is missing on the way back: subtract it before you multiply by the scale": whole * scale,
            "Subtract the zero point on the way back; you add it": (whole + zero) * scale,
            "Your numbers are of type int8, and q - Z does not fit into it: it wraps around. Subtract as float": (
                ((whole - zero + 128) % 256 - 128) * scale
            ),
            "Without a zero point the range is as long below 0 as above it, and part of the 256 numbers stays unused. "
            "The smallest value should become -128": np.round(real / symmetric) * symmetric,
            "You cut off the fraction. Round to the nearest integer, which halves the largest error": (
                np.clip(np.trunc(real / scale) + zero, -128, 127) - zero
            )
            * scale,
            "Between 256 numbers there are 255 steps": _back(real, steps=256),
        }
        if not np.allclose(said, truth, atol=0.6 * scale) or (np.abs(said - truth) > 0.1 * scale).mean() > 0.01:
            worst = float(np.abs(said - real).max())
            why = _slip(said, slips) or f"The largest error should be near half a step, {scale / 2:.2g}"
            if np.median(np.abs(said - real)) < 0.02 * scale:
                why = "Almost nothing was lost, so nothing was rounded to an integer"
            return _wrong(f"Yours are off by up to {worst:.2g}. {why}.")
    error, step = float(np.abs(_back(values) - values).max()), _quantised(values)[1]
    return _right(f"The largest error is {error:.2g}, about half a step of {step:.2g}.")


def _quantised(real: np.ndarray, steps: int = 255) -> tuple[np.ndarray, float, float]:
    """Return values as integers from -128 to 127, with scale and zero point (Jacob et al. 2018, equation 1)."""
    scale = (real.max() - real.min()) / steps
    zero = np.round(-128 - real.min() / scale)
    return np.clip(np.round(real / scale) + zero, -128, 127), scale, zero


def _back(real: np.ndarray, steps: int = 255) -> np.ndarray:
    whole, scale, zero = _quantised(real, steps)
    return (whole - zero) * scale


@check
def lowest_iou(answer: object, exports: dict[str, list[float]], damaged: dict[str, list[float]]) -> Verdict:
    """Judge the lowest IoU with the checkpoint's boxes that a good export may have.

    Args:
        answer: The IoU to judge.
        exports: The IoU of each box of the good exports, by name. All of these exports should pass.
        damaged: The same for exports with a mistake. None of these should pass.
    """
    said = _number(answer)
    if not 0 < said <= 1:
        return _wrong(f"An IoU is between 0 and 1{': write 0.9, not 90' if 1 < said <= 100 else ''}.")
    refused = {name: min(values) for name, values in exports.items() if min(values) < said}
    passed = {name: min(values) for name, values in damaged.items() if min(values) >= said}
    for name, lowest in refused.items():
        return _wrong(
            f"It would refuse {name}, a good export whose lowest IoU is {lowest:.4f}. Leave room for rounding."
        )
    for name, lowest in passed.items():
        return _wrong(f"It would pass '{name}', with a lowest IoU of {lowest:.2f}.")
    lowest, highest = (pick(min(values) for values in each.values()) for pick, each in ((min, exports), (max, damaged)))
    return _right(
        f"Anything above {highest:.2f} and up to {lowest:.4f} works here. Close to the upper end, it may refuse a good "
        "export on the next photo; close to the lower end, it lets smaller mistakes pass."
    )

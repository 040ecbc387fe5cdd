"""What a participant's answer to an exercise must satisfy. Each check says why an answer is wrong.

A check takes the answer first, then what it needs to judge it, and returns a `Verdict`, which shows itself below the
cell. Whatever the answer is, and whatever a participant's function does, a check does not raise: Run All goes on. Only
where WORKSHOP_STRICT is set, as in the tests of the solved notebooks, an answer that is not right is an error.
"""

import dataclasses
import functools
import os

import numpy as np

from workshop_utils import anchors, guards
from workshop_utils.errors import WorkshopError

STRICT = "WORKSHOP_STRICT"


class NotRight(WorkshopError, AssertionError):
    """An answer that is open or wrong, where only right ones are wanted."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a check says of an answer. `right` is None where there is no answer yet."""

    right: bool | None
    words: str

    def _repr_markdown_(self) -> str:
        return f"{self._mark()} {self.words}"

    def __repr__(self) -> str:
        return f"{self._mark().strip('*')} {self.words}"

    def _mark(self) -> str:
        return {True: "**Right.**", False: "**Not yet.**", None: "**Open.**"}[self.right]


class _Judged(Exception):
    """Ends a check with a verdict."""


def check(function):
    """Make a check of a function that returns a Verdict: it takes any answer, and never raises."""

    @functools.wraps(function)
    def judged(answer, *known, **more) -> Verdict:
        try:
            verdict = _open() if answer is Ellipsis else function(answer, *known, **more)
        except _Judged as end:
            (verdict,) = end.args
        except Exception as fault:
            said = guards.markdown(f"{type(fault).__name__}: {fault}")
            verdict = _wrong(f"Your answer ends with an error: {said}")
        if os.environ.get(STRICT) and not verdict.right:
            raise NotRight(f"{function.__name__}: {verdict!r}")
        return verdict

    return judged


def _right(words: str) -> Verdict:
    return Verdict(True, words)


def _wrong(words: str) -> Verdict:
    return Verdict(False, words)


def _open() -> Verdict:
    return Verdict(None, "Replace the `...` by your answer and run this cell again.")


def _number(answer) -> float:
    """Return an answer as a number; ends the check where it is none."""
    if isinstance(answer, bool) or not np.isscalar(answer) or isinstance(answer, str | bytes):
        raise _Judged(_wrong(f"A number is wanted here, not {_shown(answer)}."))
    return float(answer)


def _called(function, *arguments):
    """Return what a participant's function returns; ends the check where it is no function or returns nothing yet."""
    if not callable(function):
        raise _Judged(_wrong(f"A function is wanted here, not {_shown(function)}."))
    result = function(*arguments)
    if result is None or result is Ellipsis:
        raise _Judged(_open())
    return result


def _array(answer, shape: tuple[int, ...]) -> np.ndarray:
    """Return an answer as an array of a shape; ends the check where it is none."""
    try:
        array = np.asarray(answer, float)
    except (TypeError, ValueError):
        raise _Judged(_wrong(f"{_times(shape)} numbers are wanted here, not {_shown(answer)}.")) from None
    if array.shape != shape:
        raise _Judged(_wrong(f"{_times(shape)} numbers are wanted here; yours are {_times(array.shape) or 'one'}."))
    return array


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _shown(answer) -> str:
    """Return an answer as it can stand in a sentence, however long it is and whatever it holds."""
    text = repr(answer)
    return guards.markdown(text if len(text) <= 60 else f"{text[:57]}...")


# 00 · Start here


# 01 · Why transfer learning


# 02 · Label images


# 03 · Build the pipeline


@check
def anchors_in_all(count) -> Verdict:
    """Whether count(grids, shapes) adds up the anchors of maps with so many cells a side and shapes a cell."""
    ours = [len(anchors.shapes(level)) for level in range(len(anchors.GRIDS))]
    for grids, shapes in (([4], [1]), ([8, 3], [2, 5]), (list(anchors.GRIDS), ours)):
        said = _number(_called(count, grids, shapes))
        pairs = list(zip(grids, shapes))
        truth = sum(cells**2 * each for cells, each in pairs)
        slips = {
            "a map of n x n cells has n², not n": sum(cells * each for cells, each in pairs),
            "every cell holds as many anchors as there are shapes, not one": sum(cells**2 for cells in grids),
            "the shapes differ from map to map: multiply map by map, then add": sum(n**2 for n in grids) * sum(shapes),
        }
        if said != truth:
            why = _slip(said, slips) or f"{truth:,} is right: cells down, times cells across, times shapes, map by map"
            return _wrong(f"For maps of {grids} cells and {shapes} shapes you count {said:,.0f}; {why}.")
    finer = sum((2 * cells) ** 2 * each for cells, each in zip(anchors.GRIDS, ours))
    return _right(f"Our six maps have {truth:,} anchors. With cells of half the side there would be {finer:,}.")


@check
def responsible(answer, overlap) -> Verdict:
    """Whether the answer names each anchor's cup, from 1, or 0 for background; `overlap` is IoU, (anchors, cups)."""
    said, overlap = _array(answer, (len(overlap),)), np.asarray(overlap)
    best, cups = overlap.max(axis=1), overlap.argmax(axis=1) + 1
    enough = np.where(best >= anchors.MATCH_AT, cups, 0)
    truth = enough.copy()
    truth[overlap.argmax(axis=0)] = np.arange(overlap.shape[1]) + 1
    slips = {
        "An anchor whose best IoU is below the threshold is background, unless a cup claims it": cups,
        "Each cup also claims its best anchor, however little they overlap": enough,
        "Count the cups from 1; 0 is the background": truth - 1,
        "A cup claims one anchor only, its best. That one may lie below the threshold, others may not": np.where(
            best >= best[truth > 0].min(), cups, 0
        ),
    }
    if np.array_equal(said, truth):
        return _right(f"{(truth > 0).sum()} of the {len(truth)} are responsible for a cup, the others are background.")
    place = int(np.flatnonzero(said != truth)[0])
    why = _slip(said, slips) or "Look along its row for the threshold, then down each column for the best anchor"
    return _wrong(f"Anchor {_letter(place)} is not right yet. {why}.")


@check
def encoding(encode, box, anchor) -> Verdict:
    """Whether encode(box, anchor) gives the box coding of one box, as anchors.encode does."""
    other_box, other_anchor = np.array([0.1, 0.3, 0.4, 0.9]), np.array([0.2, 0.4, 0.4, 0.8])
    for pair in ((box, anchor), (other_box, other_anchor)):
        box, anchor = (np.asarray(each, float) for each in pair)
        said = _array(_called(encode, box.copy(), anchor.copy()), (4,))
        truth = anchors.encode(box[None], anchor[None])[0]
        if not np.allclose(said, truth, rtol=1e-3, atol=1e-3):
            fitting = np.isclose(said, truth, rtol=1e-3, atol=1e-3)
            names = ("centre y", "centre x", "height", "width")
            good = ", ".join(name for name, fits in zip(names, fitting) if fits) or "none of the four"
            why = _slip(said, _encoding_slips(box, anchor, truth))
            return _wrong(f"{why}." if why else f"Of the four numbers, these are right so far: {good}.")
    return _right("`anchors.encode` gives the same four numbers.")


def _encoding_slips(box, anchor, truth) -> dict[str, np.ndarray]:
    """Return what comes out where one step of the coding is forgotten or turned round, by what to say of it."""
    size, anchor_size = box[2:] - box[:2], anchor[2:] - anchor[:2]
    shift = (box[:2] + box[2:] - anchor[:2] - anchor[2:]) / 2
    grown, (shift_variance, size_variance) = np.log(size / anchor_size), anchors.VARIANCES[[0, 2]]

    variances = f"{shift_variance:g} for the centre and {size_variance:g} for the size"

    def coded(shift, growth):
        return np.concatenate([shift / shift_variance, growth / size_variance])

    right = coded(shift / anchor_size, grown)
    return {
        f"Divide by the variances at the end: {variances}": right * anchors.VARIANCES,
        "Divide by the variances; you multiply by them": right * anchors.VARIANCES**2,
        f"You exchanged the variances. They are {variances}": right * anchors.VARIANCES / anchors.VARIANCES[::-1],
        "Height and width are exchanged: the order is y, x, height, width": truth[[1, 0, 3, 2]],
        "The downward shift is measured in heights, the other in widths; yours is the other way round": coded(
            shift / anchor_size[::-1], grown
        ),
        "The growth is a logarithm; you give the ratio itself": coded(shift / anchor_size, size / anchor_size),
        "The growth is a natural logarithm, `np.log`": coded(shift / anchor_size, grown / np.log(10)),
        "The growth is a natural logarithm, `np.log`, not of base 2": coded(shift / anchor_size, grown / np.log(2)),
        "The growth is box over anchor; yours is the other way round": coded(shift / anchor_size, -grown),
        "The shift leads from the anchor to the box; yours leads back": coded(-shift / anchor_size, grown),
        "All signs are turned round: it is the anchor that moves and grows to fit the box": -right,
        "Measure the shift in sizes of the anchor": coded(shift, grown),
        "Measure the shift in sizes of the anchor, not of the box": coded(shift / size, grown),
        "Take the boxes' centres, not their corners": coded((box[:2] - anchor[:2]) / anchor_size, grown),
    }


@check
def easy_ones(answer, on_belt: float, on_cup: float, alpha: float, gamma: float) -> Verdict:
    """Whether the answer is how many easy background answers weigh as much as one missed cup, with focal loss.

    `on_belt` and `on_cup` are the probabilities that the network gives a class where it is not, and where it is.
    """

    def times(alpha_cup, alpha_belt, gamma, wrong_on_belt=on_belt):
        cup = alpha_cup * (1 - on_cup) ** gamma * -np.log(on_cup)
        return float(cup / (alpha_belt * wrong_on_belt**gamma * -np.log(1 - on_belt)))

    said, truth, plain = _number(answer), times(alpha, 1 - alpha, gamma), times(1, 1, 0)
    slips = {
        "That is cross-entropy. Give both their focal weights": plain,
        f"Alpha is missing, or the same for both: it is {alpha} on the cup and {1 - alpha} on the belt": times(
            1, 1, gamma
        ),
        f"The two alphas are exchanged: it is {alpha} on the cup and {1 - alpha} on the belt": times(
            1 - alpha, alpha, gamma
        ),
        f"Gamma is missing: (1 - p) is raised to {gamma:g}": times(alpha, 1 - alpha, 0),
        f"On the belt the truth is 'not this class', to which the network gives {1 - on_belt:g}": times(
            alpha, 1 - alpha, gamma, 1 - on_belt
        ),
        "That is one easy answer in parts of a missed cup; divide the other way round": 1 / truth,
    }
    if np.isclose(said, truth, rtol=0.02):
        return _right(
            f"{truth:,.0f} easy answers weigh as much as one missed cup; with cross-entropy, {plain:,.0f} do."
        )
    return _wrong(f"{_slip(said, slips, rtol=0.01) or 'Divide the loss on the cup by the loss on the belt'}.")


def _slip(said, slips: dict, rtol: float = 1e-3) -> str | None:
    """Return what to say of the slip that leads to this answer, if any does."""
    return next((words for words, value in slips.items() if np.allclose(said, value, rtol=rtol, atol=1e-6)), None)


def _letter(place: int) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[place]


# 04 · Fine-tune


# 05 · Use as is


# 06 · Random init


# 07 · Compare the strategies


# 08 · Export the checkpoint


@check
def file_sizes(answer, weights: int) -> Verdict:
    """Whether the answer is how many megabytes so many weights take, as float32 and as int8."""
    said, truth = _array(answer, (2,)), np.array([4, 1]) * weights / 1e6
    slips = {
        "Those are bits. A byte has 8 of them": 8 * truth,
        "Those are bytes. A megabyte has 1,000,000 of them": 1e6 * truth,
        "Those are kilobytes": 1e3 * truth,
        "A float32 takes 32 bits, which are 4 bytes; 8 bytes are a float64": truth * (2, 1),
        "An int8 takes 8 bits, which are one byte; yours is as large as the float": truth * (1, 4),
        "First the float32, then the int8; yours are the other way round": truth[::-1],
    }
    if np.allclose(said, truth, rtol=0.06):  # a megabyte of 1,048,576 bytes is right, too
        return _right(f"{weights:,} weights take {truth[0]:.1f} MB as float32 and {truth[1]:.1f} MB as int8.")
    return _wrong(f"{_slip(said, slips, rtol=0.06) or 'Multiply the weights by the bytes that each takes'}.")


@check
def there_and_back(function, values) -> Verdict:
    """Whether function(values) gives the values as they come back from int8, with a scale and a zero point."""
    values = np.asarray(values, float)
    for real in (values, np.linspace(-1.0, 3.0, 1001)):
        said = _array(_called(function, real.copy()), real.shape)
        whole, scale, zero = _quantised(real)
        truth, symmetric = _back(real), np.abs(real).max() / 127
        slips = {
            "Those are the whole numbers. Bring them back: subtract the zero point, multiply by the scale": whole,
            "The zero point is missing on the way back: it is subtracted before the scale multiplies": whole * scale,
            "The zero point is to be subtracted on the way back, and you add it": (whole + zero) * scale,
            "Without a zero point the range is as long below 0 as above, and part of the 256 numbers stays unused. "
            "Put the smallest value at -128": np.round(real / symmetric) * symmetric,
            "You cut off the fraction. Round to the nearest whole number, which halves the largest error": (
                np.clip(np.trunc(real / scale) + zero, -128, 127) - zero
            )
            * scale,
            "Between 256 numbers there are 255 steps": _back(real, steps=256),
        }
        if not np.allclose(said, truth, atol=0.6 * scale) or (np.abs(said - truth) > 0.1 * scale).mean() > 0.01:
            worst = float(np.abs(said - real).max())
            why = _slip(said, slips) or f"The largest error should be near half a step, {scale / 2:.2g}"
            if np.median(np.abs(said - real)) < 0.02 * scale:
                why = "Next to nothing was lost, so nothing was rounded to a whole number"
            return _wrong(f"Yours are off by up to {worst:.2g}. {why}.")
    error, step = float(np.abs(_back(values) - values).max()), _quantised(values)[1]
    return _right(f"The largest error is {error:.2g}, about half a step of {step:.2g}.")


def _quantised(real: np.ndarray, steps: int = 255) -> tuple[np.ndarray, float, float]:
    """Return values as whole numbers from -128 to 127, with scale and zero point (Jacob et al. 2018, equation 1)."""
    scale = (real.max() - real.min()) / steps
    zero = np.round(-128 - real.min() / scale)
    return np.clip(np.round(real / scale) + zero, -128, 127), scale, zero


def _back(real: np.ndarray, steps: int = 255) -> np.ndarray:
    whole, scale, zero = _quantised(real, steps)
    return (whole - zero) * scale


@check
def lowest_iou(answer, exports: dict, spoilt: dict) -> Verdict:
    """Whether an IoU, asked of each box of an export, lets pass all `exports` and none of `spoilt`, {name: IoUs}."""
    said = _number(answer)
    if not 0 < said <= 1:
        return _wrong(f"An IoU lies between 0 and 1{': write 0.9, not 90' if 1 < said <= 100 else ''}.")
    refused = {name: min(values) for name, values in exports.items() if min(values) < said}
    passed = {name: min(values) for name, values in spoilt.items() if min(values) >= said}
    for name, lowest in refused.items():
        return _wrong(
            f"It would refuse {name}, a good export whose lowest IoU is {lowest:.4f}. Leave room for rounding."
        )
    for name, lowest in passed.items():
        return _wrong(f"It would let pass '{name}', whose lowest IoU is {lowest:.2f}.")
    lowest, highest = (pick(min(values) for values in each.values()) for pick, each in ((min, exports), (max, spoilt)))
    return _right(
        f"Anything above {highest:.2f} and up to {lowest:.4f} does here. Close to the upper end it refuses good exports"
        " on the next photo; close to the lower end it lets smaller faults pass."
    )


# 09 · Detect and classify


# 10 · Your own data


# 11 · Scale out

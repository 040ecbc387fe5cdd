"""Checks of notebook `03_build_the_pipeline`: anchors, matching, box coding, focal loss."""

import numpy as np

from workshop_utils.model import anchors
from workshop_utils.teaching.checks.answer import Verdict, _array, _called, _number, _right, _wrong, check
from workshop_utils.teaching.checks.slips import _slip


@check
def anchors_in_all(count: object) -> Verdict:
    """Judge count(grids, shapes): the total of anchors, from each map's cells along one side and shapes per cell."""
    ours = [len(anchors.shapes(level)) for level in range(len(anchors.GRIDS))]
    for grids, shapes in (([4], [1]), ([8, 3], [2, 5]), (list(anchors.GRIDS), ours)):
        said = _number(_called(count, grids, shapes))
        pairs = list(zip(grids, shapes))
        truth = sum(cells**2 * each for cells, each in pairs)
        slips = {
            "a map of n x n cells has n², not n": sum(cells * each for cells, each in pairs),
            "every cell has one anchor for each shape, not one in total": sum(cells**2 for cells in grids),
            "shapes differ from map to map: multiply map by map, then add": sum(n**2 for n in grids) * sum(shapes),
        }
        if said != truth:
            why = (
                _slip(said, slips)
                or f"it should be {truth:,}: for each map, cells down times cells across times shapes"
            )
            return _wrong(f"For maps of {grids} cells and {shapes} shapes, your function returns {said:,.0f}; {why}.")
    finer = sum((2 * cells) ** 2 * each for cells, each in zip(anchors.GRIDS, ours))
    return _right(f"Our six maps have {truth:,} anchors. With cells of half the side, there would be {finer:,}.")


@check
def responsible(answer: object, overlap: np.ndarray) -> Verdict:
    """Judge which cup each anchor is responsible for.

    Args:
        answer: For each anchor the number of its cup, counted from 1, or 0 for background: (anchors,).
        overlap: The IoU of each anchor with each cup, (anchors, cups).
    """
    said, overlap = _array(answer, (len(overlap),)), np.asarray(overlap)
    best, cups = overlap.max(axis=1), overlap.argmax(axis=1) + 1
    enough = np.where(best >= anchors.MATCH_IOU, cups, 0)
    truth = enough.copy()
    truth[overlap.argmax(axis=0)] = np.arange(overlap.shape[1]) + 1
    slips = {
        "An anchor whose best IoU is below the threshold is background, unless it is a cup's best anchor": cups,
        "Each cup also gets its best anchor, even if they overlap little": enough,
        "Count the cups from 1; 0 is the background": truth - 1,
        "A cup gets one anchor below the threshold, its best. Other anchors must reach the threshold": np.where(
            best >= best[truth > 0].min(), cups, 0
        ),
    }
    if np.array_equal(said, truth):
        return _right(f"{(truth > 0).sum()} of the {len(truth)} are responsible for a cup; the others are background.")
    place = int(np.flatnonzero(said != truth)[0])
    why = _slip(said, slips) or "Compare its row with the threshold, then look down each column for the best anchor"
    return _wrong(f"Anchor {_letter(place)} is not right yet. {why}.")


@check
def encoding(encode: object, box: np.ndarray, anchor: np.ndarray) -> Verdict:
    """Judge encode(box, anchor): the code of one box, as `anchors.encode` computes it.

    Args:
        encode: The function to judge.
        box: A box (4,): ymin, xmin, ymax, xmax, normalised.
        anchor: The anchor (4,) of the box, likewise.
    """
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
            return _wrong(f"{why}." if why else f"These of the four numbers are right so far: {good}.")
    return _right("`anchors.encode` gives the same four numbers.")


def _encoding_slips(box, anchor, truth) -> dict[str, np.ndarray]:
    """Return {hint: the code that results if one step of the coding is forgotten or reversed}."""
    size, anchor_size = box[2:] - box[:2], anchor[2:] - anchor[:2]
    shift = (box[:2] + box[2:] - anchor[:2] - anchor[2:]) / 2
    grown, (shift_variance, size_variance) = np.log(size / anchor_size), anchors.VARIANCES[[0, 2]]

    variances = f"{shift_variance:g} for the centre and {size_variance:g} for the size"

    def coded(shift, growth):
        return np.concatenate([shift / shift_variance, growth / size_variance])

    right = coded(shift / anchor_size, grown)
    return {
        f"Divide by the variances at the end: {variances}": right * anchors.VARIANCES,
        "Divide by the variances; you multiplied by them": right * anchors.VARIANCES**2,
        f"You swapped the variances. They are {variances}": right * anchors.VARIANCES / anchors.VARIANCES[::-1],
        "Height and width are swapped: the order is y, x, height, width": truth[[1, 0, 3, 2]],
        "The downward shift is measured in heights, the other in widths; yours is the other way round": coded(
            shift / anchor_size[::-1], grown
        ),
        "The growth is a logarithm; you returned the ratio itself": coded(shift / anchor_size, size / anchor_size),
        "The growth is a natural logarithm, `np.log`": coded(shift / anchor_size, grown / np.log(10)),
        "The growth is a natural logarithm, `np.log`, not of base 2": coded(shift / anchor_size, grown / np.log(2)),
        "The growth is box over anchor; yours is the other way round": coded(shift / anchor_size, -grown),
        "The shift goes from the anchor to the box; yours goes back": coded(-shift / anchor_size, grown),
        "All signs are reversed: the anchor moves and grows to fit the box, not the other way round": -right,
        "Measure the shift in sizes of the anchor": coded(shift, grown),
        "Measure the shift in sizes of the anchor, not of the box": coded(shift / size, grown),
        "Take the boxes' centres, not their corners": coded((box[:2] - anchor[:2]) / anchor_size, grown),
    }


@check
def easy_ones(answer: object, on_belt: float, on_cup: float, alpha: float, gamma: float) -> Verdict:
    """Judge how many easy background answers have the same focal loss as one missed cup.

    Args:
        answer: The number to judge.
        on_belt: The probability that the network gives a class where it is not.
        on_cup: The probability that the network gives a class where it is.
        alpha: The focal loss's weight of a class where it is; elsewhere it is 1 - alpha.
        gamma: The focal loss's exponent.
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
        f"The two alphas are swapped: it is {alpha} on the cup and {1 - alpha} on the belt": times(
            1 - alpha, alpha, gamma
        ),
        f"Gamma is missing: (1 - p) is raised to {gamma:g}": times(alpha, 1 - alpha, 0),
        f"On the belt the truth is 'not this class', to which the network gives {1 - on_belt:g}": times(
            alpha, 1 - alpha, gamma, 1 - on_belt
        ),
        "That is upside down: divide the loss on the cup by the loss on the belt": 1 / truth,
    }
    if np.isclose(said, truth, rtol=0.02):
        return _right(
            f"{truth:,.0f} easy answers have the same loss as one missed cup; with cross-entropy, {plain:,.0f} have."
        )
    return _wrong(f"{_slip(said, slips, rtol=0.01) or 'Divide the loss on the cup by the loss on the belt'}.")


def _letter(place: int) -> str:
    return "abcdefghijklmnopqrstuvwxyz"[place]

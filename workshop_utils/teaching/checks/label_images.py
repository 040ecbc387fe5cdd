"""Checks of notebook `02_label_images`: the IoU of boxes, bad labels, a labelled photo."""

import dataclasses

import numpy as np

from workshop_utils.data import voc
from workshop_utils.evaluation import agreement
from workshop_utils.teaching.checks.answer import Verdict, _number, _open, _right, _shown, _wrong, check
from workshop_utils.teaching.checks.slips import _nearest


@check
def iou_by_hand(answer: object, first: voc.Box, second: voc.Box) -> Verdict:
    """Judge the IoU of two boxes, from 0 to 1, with a tolerance of 0.005."""
    shared = max(0, min(first.xmax, second.xmax) - max(first.xmin, second.xmin)) * max(
        0, min(first.ymax, second.ymax) - max(first.ymin, second.ymin)
    )
    areas = [(box.xmax - box.xmin) * (box.ymax - box.ymin) for box in (first, second)]
    iou, number = shared / (sum(areas) - shared), _number(answer)
    if abs(number - iou) < 0.005:
        return _right(f"They share {shared:,.0f} pixels and cover {sum(areas) - shared:,.0f} together: {iou:.3f}.")
    slips = {
        shared / sum(areas): "You divided by the sum of both areas. It counts the shared area twice: subtract it once.",
        2
        * shared
        / sum(areas): "That is the Dice coefficient: twice the shared area, divided by the sum of both areas. "
        "IoU divides the shared area by the area that both cover together.",
        shared / areas[0]: "You divided by the area of the first box only.",
        shared / areas[1]: "You divided by the area of the second box only.",
        (sum(areas) - shared) / shared: "That is upside down: the shared area is the numerator.",
        100 * iou: "That is a percentage; give a number between 0 and 1.",
        shared: "That is the shared area in pixels. Divide it by the area that both cover together.",
    }
    return _wrong(
        _nearest(number, slips) or "Start with the pixels in both boxes: from which x to which x, and how high?"
    )


@check
def bad_labels(answer: object, drawn: voc.Annotation, true: voc.Annotation) -> Verdict:
    """Judge which boxes of an annotation are bad, and why.

    Args:
        answer: {number: "edges" or "name"}; boxes are numbered from 1.
        drawn: The annotation with bad boxes.
        true: The true annotation, with its boxes in the same order.
    """
    pairs = enumerate(zip(drawn.boxes, true.boxes, strict=True), start=1)
    expected = {}
    for number, (own, other) in pairs:
        if own.name != other.name:
            expected[number] = "name"
        elif (own.xmin, own.ymin, own.xmax, own.ymax) != (other.xmin, other.ymin, other.xmax, other.ymax):
            expected[number] = "edges"
    if not isinstance(answer, dict) or not answer:
        return _wrong('This should be a dictionary from box numbers to "edges" or "name", such as {7: "edges"}.')
    if answer == expected:
        return _right("A detector would have learned both mistakes: a wrong cup shape and a wrong flavour.")
    for number, said in answer.items():
        if number not in range(1, len(drawn.boxes) + 1):
            return _wrong(f"There is no box {_shown(number)}; boxes are numbered from 1 to {len(drawn.boxes)}.")
        if said not in ("edges", "name"):
            return _wrong(f'For box {number}, answer "edges" or "name", not {_shown(said)}.')
        if number not in expected:
            return _wrong(f"Box {number} is good: it has the right name and touches its cup on all four sides.")
        if said != expected[number]:
            return _wrong(f"Box {number} is bad, but not because of its {said}.")
    return _wrong(f"Right so far, but {len(expected) - len(answer)} more is bad.")


@check
def labelled_photo(answer: object, true: voc.Annotation, least: float = 0.8) -> Verdict:
    """Judge the boxes that a participant drew on a photo.

    Args:
        answer: A list of `voc.Box`.
        true: The photo's true annotation.
        least: The smallest mean IoU that is right.
    """
    if not isinstance(answer, list | tuple) or not all(isinstance(box, voc.Box) for box in answer):
        return _wrong('This should be a list of boxes, such as [voc.Box("peach", 100, 100, 200, 220)].')
    found = agreement.compare(dataclasses.replace(true, boxes=tuple(answer)), true)
    if found.missed:
        return _wrong(
            f"Cups without a box: {found.missed} of {len(true.boxes)}. Every cup gets one, even a hidden cup."
        )
    if found.extra:
        return _wrong(f"{found.extra} of your boxes are on no cup, or on one that already has a box. Delete them.")
    worst = int(np.argmin(found.ious))
    if found.mean_iou < least:
        where = f"the {true.boxes[worst].name} cup, IoU {found.ious[worst]:.2f}"
        return _wrong(
            f"The mean IoU is {found.mean_iou:.3f}, and it must be at least {least}. The worst box is that of {where}."
        )
    misnamed = [box.name for box, right in zip(true.boxes, found.named, strict=True) if not right]
    if misnamed:
        return _wrong(f"The boxes are good (mean IoU {found.mean_iou:.2f}). Look again at what is printed on the cups.")
    return _right(f"All {len(true.boxes)} cups, all names, and a mean IoU of {found.mean_iou:.2f}.")


@check
def farthest_slip(edge: object, whole: object, side: float) -> Verdict:
    """Judge by how many pixels a box may be off until its IoU is 0.5.

    Args:
        edge: How many pixels its right edge may be too far in.
        whole: How many pixels the whole box may be moved sideways.
        side: The cup's width, in pixels.
    """
    if whole is Ellipsis:
        return _open()
    edge, whole = _number(edge), _number(whole)
    ious = ((side - edge) / side, (side - whole) / (side + whole))
    if not all(0 <= slip < side for slip in (edge, whole)):
        return _wrong(f"Both must be between 0 and the cup's width, {side:g} pixels.")
    if all(abs(iou - 0.5) < 0.01 for iou in ious):
        return _right(
            f"{edge:.1f} and {whole:.1f} pixels: a moved box covers too little on one side and too much on the other."
        )
    if abs(ious[0] - 0.5) >= 0.01:
        return _wrong(f"With its right edge {edge:g} pixels too far in, the box has an IoU of {ious[0]:.2f}.")
    if abs(whole - side / 2) < 0.5:
        return _wrong(
            "`edge` is right. A box moved by half its width covers half of the cup, but together they cover "
            "one and a half cups, so the IoU is a third."
        )
    return _wrong(f"`edge` is right. A box moved by {whole:g} pixels has an IoU of {ious[1]:.2f}.")

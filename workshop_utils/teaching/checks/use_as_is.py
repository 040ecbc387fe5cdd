"""The checks of notebook `05_use_as_is`: what names cost, precision and recall, COCO's names for a cup."""

from collections.abc import Callable

import numpy as np

from workshop_utils.teaching.checks.answer import Verdict, _array, _called, _number, _right, _shown, _wrong, check


@check
def all_alike(answer: object, share: float, classes: int, measured: float) -> Verdict:
    """Judge the AP50 that is expected where all boxes are perfect and all cups get the same name.

    Args:
        answer: The AP50 to judge.
        share: Which share of the cups has the flavour of that name.
        classes: How many flavours there are.
        measured: The AP50 that COCO's evaluation gives.
    """
    answer = _number(answer)
    if abs(answer - measured) <= 0.01:
        return _right(f"COCO's evaluation says {measured:.3f}. The boxes are perfect, so only the names cost points.")
    if abs(answer - share) <= 0.02:
        return _wrong(
            f"That is about the AP50 of the one flavour. AP50 is the mean over all {classes} of them. (If you thought "
            f"that flavour's AP50 was 1: its boxes fit, but {1 - share:.0%} of them are on cups of other flavours.)"
        )
    if abs(answer - 1) < 0.02:
        return _wrong("That would be the class-agnostic score. Here a box with the wrong name is wrong.")
    if answer == 0:
        return _wrong("Zero is for a detector that never says a right name. This one does, for some of the cups.")
    return _wrong("What is the precision of the one flavour, at any recall? And what do the other flavours score?")


@check
def precision_and_recall(function: object, overlap: np.ndarray) -> Verdict:
    """Judge a function of the IoU of each cup with each box, (cups, boxes), that returns precision and recall.

    Args:
        function: The function to judge. It is tried on made-up numbers, too.
        overlap: The IoU of each cup with each box of a photo, (cups, boxes).
    """
    twice = np.array([[0.9, 0.7, 0.0, 0.1, 0.0], [0.0, 0.0, 0.6, 0.0, 0.3]])
    for each in (np.array([[0.9, 0.0], [0.0, 0.2], [0.4, 0.0], [0.0, 0.0]]), overlap, twice):
        precision, recall = _array(_called(function, each.copy()), (2,))
        cups, boxes = each.shape
        found = (each.max(axis=1) >= 0.5).sum()
        right = (found / boxes, found / cups)
        given = f"For {cups} cups and {boxes} boxes your function gives {precision:.2f} and {recall:.2f}."
        if np.allclose((precision, recall), right, atol=1e-6):
            continue
        if np.allclose((precision, recall), right[::-1], atol=1e-6):
            return _wrong(f"{given} Those are swapped: precision is about the boxes, recall about the cups.")
        on_a_cup = (each.max(axis=0) >= 0.5).mean()
        if not np.isclose(precision, right[0]) and np.allclose(precision, on_a_cup, atol=1e-6):
            return _wrong(f"{given} Two of the boxes are on the same cup. It is found once; the second box is wrong.")
        if np.allclose((precision, recall), ((each.max(axis=0) > 0).mean(), (each.max(axis=1) > 0).mean()), atol=1e-6):
            return _wrong(f"{given} A box that touches a cup does not count yet: their IoU must be at least 0.5.")
        return _wrong(f"{given} Count the cups that have a box with an IoU of at least 0.5; then divide.")
    found = (overlap.max(axis=1) >= 0.5).sum()
    return _right(f"On this photo {found} of {overlap.shape[1]} boxes are on a cup: precision "
                  f"{found / overlap.shape[1]:.2f}; and {found} of {len(overlap)} cups are found: recall "
                  f"{found / len(overlap):.2f}.")  # fmt: skip


@check
def cup_like(answer: object, known: list[str], score: Callable[[list[str]], float]) -> Verdict:
    """Judge which of COCO's names stand for a cup, by the AP50 of the boxes that have them.

    Args:
        answer: {COCO's name: "cup-like"}.
        known: All of COCO's names.
        score: Gives the AP50 of the boxes that have one of some names.
    """
    if not isinstance(answer, dict):
        return _wrong(f"This should be a dictionary, not {_shown(answer)}.")
    unknown = [name for name in answer if name not in known]
    if unknown:
        return _wrong(f"COCO has no class {_shown(unknown[0])}. Section 1 lists what it has.")
    if set(answer.values()) - {"cup-like"}:
        return _wrong("Every name must be mapped to 'cup-like': that is the only class we score here.")
    if not answer:
        return _wrong("No name is mapped yet, so nothing is found.")
    if set(answer) == set(known):
        return _wrong(f"With all names it is the class-agnostic score, {score(known):.3f}. Laptops are not yoghurts.")
    mine, cup, everything = score(list(answer)), score(["cup"]), score(known)
    if mine <= max(cup, everything):
        return _wrong(
            f"AP50 is {mine:.3f}. With 'cup' alone it is {cup:.3f}, with all names {everything:.3f}: beat both."
        )
    return _right(f"AP50 is {mine:.3f}; with 'cup' alone it is {cup:.3f}, with all names {everything:.3f}.")

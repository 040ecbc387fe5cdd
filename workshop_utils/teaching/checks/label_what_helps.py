"""Checks of notebook `12_label_what_helps`: a ranked list, the margin of an object, and a majority."""

import numpy as np

from workshop_utils.teaching.checks.answer import Verdict, _array, _called, _open, _right, _shown, _wrong, check


@check
def start_of_the_list(function: object) -> Verdict:
    """Judge a function of a ranked list of hits, the number of wrong labels and a count.

    It returns the precision of the first `count` suspicions, and their recall.
    """
    cases = (([True, True, False, True, False, False], 5, 4), ([False, True], 4, 2), ([True, False, True], 6, 3))
    for hits, planted, count in cases:
        precision, recall = _array(_called(function, hits, planted, count), (2,)).tolist()
        found, case = sum(hits[:count]), f"For {hits}, {planted} wrong labels and the first {count}"
        wanted = (found / count, found / planted)
        if np.allclose((precision, recall), wanted):
            continue
        if np.allclose((recall, precision), wanted):
            return _wrong(f"{case} you return both numbers in the wrong order: precision comes first.")
        if np.allclose((precision, recall), (found, found)):
            return _wrong(f"{case} you return the number of hits. Both should be shares.")
        if np.isclose(recall, found / max(sum(hits), 1)) and not np.isclose(recall, wanted[1]):
            return _wrong(f"{case} your recall ignores wrong labels that are nowhere in the list.")
        if np.isclose(precision, sum(hits) / len(hits)) and not np.isclose(precision, wanted[0]):
            return _wrong(f"{case} you use the whole list. Look only at its first {count}.")
        which = "precision" if not np.isclose(precision, wanted[0]) else "recall"
        return _wrong(f"{case} there are {found} hits. Your {which} is wrong.")
    return _right("Precision says how much of your time is well spent, recall how much of the problem you find.")


@check
def margin(function: object) -> Verdict:
    """Judge a function of the scores of one object for each class that returns its margin.

    The background is a class, too: its probability is 1 minus the highest score.
    """
    for scores in ([0.1, 0.6, 0.55], [0.97, 0.02], [0.5], [0.2, 0.3]):
        answer = float(_array(_called(function, list(scores)), ()))
        best, *others = sorted(scores, reverse=True)
        wanted = abs(best - max([1 - best, *others]))
        case = f"For the scores {scores}"
        if np.isclose(answer, wanted):
            continue
        if others and np.isclose(answer, abs(best - others[0])):
            words = "you leave the background out. It is as probable as 1 minus the highest score."
            return _wrong(f"{case} {words}")
        if np.isclose(answer, abs(best - (1 - best))):
            return _wrong(f"{case} you compare only with the background. Another class may be more probable than that.")
        if np.isclose(answer, -wanted):
            return _wrong(f"{case} your margin is negative: subtract the smaller number from the larger one.")
        if np.isclose(answer, 1 - wanted):
            return _wrong(f"{case} you return how unsure the detector is. The margin says how sure it is.")
        return _wrong(f"{case} the margin is {wanted:.3g}, and yours is {answer:.3g}.")
    return _right("0 means that two classes are equally probable. The label of such an object teaches most.")


@check
def majority(function: object) -> Verdict:
    """Judge a function of the names that people gave to one object that returns the name of more than half, or None.

    None is for a person who drew no box there.
    """
    cases = (
        (["peach", "peach", "vanilla"], "peach"),
        (["peach", "vanilla"], None),
        (["peach", "peach", "vanilla", "natural"], None),
        (["peach", "peach", None, None, None], None),
        (["peach", None, None], None),
        (["natural"], "natural"),
    )
    answers = [function(list(names)) if callable(function) else _called(function) for names, _ in cases]
    if set(map(repr, answers)) <= {"None", "Ellipsis"}:
        return _open()
    for (names, wanted), answer in zip(cases, answers, strict=True):
        if answer == wanted:
            continue
        case = f"For {names}"
        if not (answer is None or isinstance(answer, str)):
            return _wrong(f"{case} you return {_shown(answer)}. It should be a name, or None.")
        if wanted is not None:
            return _wrong(f"{case} more than half agree on {wanted!r}, but you return {_shown(answer)}.")
        if None in names:
            return _wrong(f"{case} people who drew nothing have a vote, too: the name does not have more than half.")
        return _wrong(f"{case} no name has more than half of the votes: being the most frequent is not enough.")
    return _right("If no name has more than half, a person has to look.")

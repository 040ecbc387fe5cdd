"""What a participant's answer to an exercise must satisfy. Each check says why an answer is wrong.

A check takes the answer first, then what it needs to judge it, and returns a `Verdict`, which shows itself below the
cell. Whatever the answer is, and whatever a participant's function does, a check does not raise: Run All goes on. Only
where WORKSHOP_STRICT is set, as in the tests of the solved notebooks, an answer that is not right is an error.
"""

import collections
import dataclasses
import functools
import itertools
import math
import os
import pathlib
from typing import NamedTuple

import numpy as np

from workshop_utils import agreement, anchors, drawing, guards, nms, voc
from workshop_utils.errors import WorkshopError
from workshop_utils.findings import Outcome

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


class _Judged(WorkshopError):
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


def _nearest(number: float, slips: dict[float, str], within: float = 0.01) -> str | None:
    """Return the words for the known slip that gives this number, if one does; `within` is a fraction of it."""
    return next((words for value, words in slips.items() if abs(number - value) <= within * abs(value)), None)


# 00 · Start here


@check
def remaining(answer, scores, threshold: float) -> Verdict:
    """How many of one photo's scores (100,), padded with zeros, are at least `threshold`."""
    number, found = _number(answer), int((scores > 0).sum())
    kept = int((scores >= threshold).sum())
    if number == kept:
        return _right(f"Left: {kept} of {found}. The detector did the same work; a threshold only hides boxes.")
    if number == (scores < threshold).sum():
        return _wrong(f"You counted the scores *below* {threshold}. Those are the boxes that go.")
    if number in (len(scores), found):
        return _wrong(f"This is how many boxes there are at all. Ask of each score whether it is at least {threshold}.")
    if 0 < number < 1:
        return _wrong("This looks like a score. How *many* scores are at least that high?")
    return _wrong(f"Compare each of `found.scores[0]` with {threshold}, and count where the score is at least that.")


@check
def pixels(answer, box, width: int, height: int) -> Verdict:
    """A box (ymin, xmin, ymax, xmax, normalised) in the pixels of its photo, in the same order."""
    given, (top, left, bottom, right) = _array(answer, (4,)), np.asarray(box, float)

    def is_like(*edges) -> bool:
        return np.allclose(given, edges, rtol=0, atol=1)

    if is_like(top * height, left * width, bottom * height, right * width):
        across, down = (right - left) * width, (bottom - top) * height
        return _right(f"The box is {across:.0f} pixels wide and {down:.0f} tall, in a photo of {width} x {height}.")
    if is_like(top, left, bottom, right):
        return _wrong("These are still fractions. A fraction of the photo's height or width is how many pixels?")
    if is_like(top * width, left * height, bottom * width, right * height):
        return _wrong("Height and width are swapped: ymin and ymax run down the photo's height.")
    if is_like(left * width, top * height, right * width, bottom * height):
        return _wrong("The pixels are right, their order is not: a box begins with ymin here.")
    if is_like(top * height, left * width, (bottom - top) * height, (right - left) * width):
        return _wrong("The last two are the box's height and width. Wanted are its lower and its right edge.")
    if is_like(*(300 * edge for edge in (top, left, bottom, right))):
        return _wrong(f"The network sees 300 x 300 pixels, but this photo has {width} x {height}: use its own size.")
    return _wrong("Multiply ymin and ymax by the photo's height, xmin and xmax by its width.")


# 01 · Why transfer learning


@check
def receptive_field(answer, convolutions: list[tuple[int, int]], known: int) -> Verdict:
    """A function of (kernel side, stride) of convolutions, from the photo on; `known` is what the package counts."""
    given = _number(_called(answer, convolutions))
    sides, strides = zip(*convolutions, strict=True)
    if given == 1 + sum(side - 1 for side in sides) != known:
        return _wrong(
            f"{given:.0f} forgets the strides. After a stride of 2, neighbours are two pixels apart, so the next "
            "kernel reaches twice as far."
        )
    if given == _seen(convolutions, stride_first=True):
        return _wrong(
            f"{given:.0f} lets a stride count too early: a layer's own stride spreads what comes *after* it. "
            "Add first, then multiply the step."
        )
    if given == known - 1:
        return _wrong(f"{given:.0f} is one too few: before any convolution, a unit is one pixel and sees one.")
    if given == sum(sides):
        return _wrong("You added the kernels' sides. A kernel of 3 adds only 2: one on either side of its middle.")
    if given == np.prod(strides):
        return _wrong("You multiplied the strides. That says how far apart two units are, not how far one sees.")
    if given != known:
        return _wrong("Each convolution adds (side - 1) times the step so far; then the step grows by its stride.")
    for other in ([(1, 1)], [(5, 1)], [(3, 1), (3, 1), (3, 1)], [(7, 3), (1, 2), (3, 1)]):
        if (given := _number(_called(answer, other))) != (wanted := _seen(other)):
            return _wrong(f"Right for this layer; but of {other} yours makes {given:g}, and it is {wanted}.")
    return _right(f"{known} pixels, as the table says. Whatever lies farther off, this unit cannot know of it.")


def _seen(convolutions: list[tuple[int, int]], stride_first: bool = False) -> int:
    seen, step = 1, 1
    for side, stride in convolutions:
        step *= stride if stride_first else 1
        seen += (side - 1) * step
        step *= 1 if stride_first else stride
    return seen


@check
def ascent_step(answer) -> Verdict:
    """A function of (picture, gradient, rate) that returns the picture after one step of gradient ascent."""
    rng = np.random.default_rng(0)
    picture, gradient = rng.uniform(-0.7, 0.7, (4, 4, 3)), rng.normal(size=(4, 4, 3))
    given = _array(_called(answer, picture.copy(), gradient.copy(), 0.1), picture.shape)
    if np.allclose(given, picture - 0.1 * gradient):
        return _wrong("This goes down: it is the step of training, which makes a loss *smaller*. We want more.")
    if np.allclose(given, 0.1 * gradient) or np.allclose(given, gradient):
        return _wrong("This is the step alone. Add it to the picture.")
    if np.allclose(given, picture + gradient):
        return _wrong("The rate is missing: it says how long the step is.")
    if not np.allclose(given, picture + 0.1 * gradient):
        return _wrong("Take the picture, and add `rate` times the gradient.")
    if not np.allclose(_called(answer, picture.copy(), gradient.copy(), 5.0), np.clip(picture + 5.0 * gradient, -1, 1)):
        return _wrong("Right, as long as the picture stays within -1 and 1. A long step leaves that: clip the result.")
    return _right(_climbed(answer))


def _climbed(step) -> str:
    """Let a step climb from black a hill whose top is a grey of 0.5, and say how far it gets."""
    picture = np.zeros((4, 4, 3))
    for _ in range(20):
        picture = np.asarray(step(picture, 2 * (0.5 - picture), 0.1), float)
    return (
        f"We let your step climb a small hill: 20 of them brought a picture from 0.00 to {picture.mean():.2f}, and the "
        "hill's top is at 0.50. Below, the hill is a channel's answer."
    )


@check
def worst_layer(answer, accuracy: dict[str, float]) -> Verdict:
    """Which layer names the fewest flavours, by `accuracy` of each."""
    worst = min(accuracy, key=accuracy.get)
    said = _one_of(answer, accuracy)
    if said == worst:
        return _right(
            f"The {worst} layer names {accuracy[worst]:.0%}. To COCO a cup is a cup, whatever is in it: what does not "
            "help to say *cup* is lost on the way. And on its coarse map a cup is only a few cells."
        )
    return _wrong(
        f"The {said} layer names {accuracy[said]:.0%}, and another names fewer. Which layer has moved farthest from "
        "what a cup looks like to what it *is*?"
    )


class _Problem(NamedTuple):
    """How like COCO's photos (0 to 1) those of some problem are, and why a way fits it."""

    likeness: float
    why: str


_PROBLEMS = {
    "cars at a crossing": _Problem(0.95, "COCO has cars: there is nothing to learn, so nothing has to be labelled."),
    "twelve toy cars": _Problem(0.6, "Toys are related to COCO's cars, but it cannot tell twelve of them apart."),
    "letters on forms": _Problem(
        0.15, "Letters are unlike COCO's photos, but 500 scans are far too few for random weights. Edges are edges."
    ),
    "chest X-rays": _Problem(
        0.1,
        "They are unlike COCO's photos, and many: random weights catch up (He et al. 2019, arXiv 1811.08883; Raghu "
        "et al. 2019, arXiv 1902.07208, on X-rays). Fine-tuning still gets there sooner, so try both.",
    ),
}


@check
def ways(answer, problems: dict[str, int]) -> Verdict:
    """Which way fits each problem of so many labelled photos, {problem: way}, as `drawing.strategy_map` has it."""
    if not isinstance(answer, dict) or answer.keys() != problems.keys():
        return _wrong(f"A dictionary is wanted here, with a way for each of: {', '.join(problems)}.")
    if all(way is Ellipsis for way in answer.values()):
        return _open()
    said = {problem: _one_of(answer[problem], drawing.WAYS) for problem in problems}
    fits = {problem: drawing.way_of(photos, _PROBLEMS[problem].likeness) for problem, photos in problems.items()}
    wrong = [problem for problem in problems if said[problem] != fits[problem]]
    if wrong:
        return _wrong(_listed({each: f"{said[each]}? {_objection(said[each], fits[each])}" for each in wrong}))
    return _right(_listed({problem: f"{fits[problem]}. {_PROBLEMS[problem].why}" for problem in problems}))


def _listed(words: dict[str, str]) -> str:
    return "\n\n" + "\n".join(f"- **{name}**: {said}" for name, said in words.items())


def _objection(said: str, fits: str) -> str:
    """Return the question that leads from the way that was said to the one that fits."""
    if said == "as is":
        return "Does COCO have a name for what is to be told apart?"
    if fits == "as is":
        return "Look whether COCO has these classes already. What would there be to train?"
    if said == "random init":
        return "Look at the number of photos: random weights need very many."
    return "So many photos, so unlike COCO's: what is left that only COCO could teach?"


def _one_of(answer, names) -> str:
    """Return which of the names an answer is, however it is spelt; ends the check where it is none."""
    spelt = {name.replace("-", " "): name for name in names}
    said = answer.lower().strip().replace("_", " ").replace("-", " ") if isinstance(answer, str) else answer
    if not isinstance(said, str) or said not in spelt:
        raise _Judged(_wrong(f"{_shown(answer)} is none of: {', '.join(names)}."))
    return spelt[said]


# 02 · Label images


@check
def iou_by_hand(answer, first, second) -> Verdict:
    """Check the IoU of two boxes (`voc.Box`), a fraction, to two places."""
    shared = max(0, min(first.xmax, second.xmax) - max(first.xmin, second.xmin)) * max(
        0, min(first.ymax, second.ymax) - max(first.ymin, second.ymin)
    )
    areas = [(box.xmax - box.xmin) * (box.ymax - box.ymin) for box in (first, second)]
    iou, number = shared / (sum(areas) - shared), _number(answer)
    if abs(number - iou) < 0.005:
        return _right(f"They share {shared:,.0f} pixels and cover {sum(areas) - shared:,.0f} together: {iou:.3f}.")
    slips = {
        shared / sum(areas): "You divided by the sum of both areas. What they share is in it twice: take it off once.",
        2 * shared / sum(areas): "That is the Dice coefficient, twice the shared area over the sum of both areas. "
        "IoU divides the shared area by what both cover together.",
        shared / areas[0]: "You divided by the area of the first box alone.",
        shared / areas[1]: "You divided by the area of the second box alone.",
        (sum(areas) - shared) / shared: "That is upside down: the shared area goes above.",
        100 * iou: "That is a percentage; a number between 0 and 1 is wanted.",
        shared: "That is the shared area in pixels. Divide it by the area that both cover together.",
    }
    return _wrong(_nearest(number, slips) or "First the pixels that both share: from which x to which x, and how high?")


@check
def bad_labels(answer, drawn, true) -> Verdict:
    """Check which boxes of an annotation are bad, {number: "edges" or "name"}, boxes in the order of the true ones."""
    pairs = enumerate(zip(drawn.boxes, true.boxes, strict=True), start=1)
    expected = {}
    for number, (own, other) in pairs:
        if own.name != other.name:
            expected[number] = "name"
        elif (own.xmin, own.ymin, own.xmax, own.ymax) != (other.xmin, other.ymin, other.xmax, other.ymax):
            expected[number] = "edges"
    if not isinstance(answer, dict) or not answer:
        return _wrong('A dictionary from numbers of boxes to "edges" or "name" is wanted, such as {7: "edges"}.')
    if answer == expected:
        return _right("A detector would have learned both: a wrong cup shape, and a flavour that is another.")
    for number, said in answer.items():
        if number not in range(1, len(drawn.boxes) + 1):
            return _wrong(f"There is no box {_shown(number)}; they are numbered from 1 to {len(drawn.boxes)}.")
        if said not in ("edges", "name"):
            return _wrong(f'What is wrong with box {number} is "edges" or "name", not {_shown(said)}.')
        if number not in expected:
            return _wrong(f"Box {number} is good: it has the right name and touches its cup on all sides.")
        if said != expected[number]:
            return _wrong(f"Box {number} is bad, but not for its {said}.")
    return _wrong(f"So far right, but {len(expected) - len(answer)} more is bad.")


@check
def labelled_photo(answer, true, least: float = 0.8) -> Verdict:
    """Check the boxes (`voc.Box`) that somebody drew on a photo against its true annotation."""
    if not isinstance(answer, list | tuple) or not all(isinstance(box, voc.Box) for box in answer):
        return _wrong('A list of boxes is wanted, such as [voc.Box("peach", 100, 100, 200, 220)].')
    found = agreement.compare(dataclasses.replace(true, boxes=tuple(answer)), true)
    if found.missed:
        return _wrong(f"Of {len(true.boxes)} cups, {found.missed} have no box: every cup gets one, also a hidden one.")
    if found.extra:
        return _wrong(f"{found.extra} of your boxes stand for no cup, or for one that has a box already. Delete them.")
    worst = int(np.argmin(found.ious))
    if found.mean_iou < least:
        where = f"the {true.boxes[worst].name} cup, IoU {found.ious[worst]:.2f}"
        return _wrong(f"The mean IoU is {found.mean_iou:.2f}, and {least} is wanted. The worst box is that of {where}.")
    misnamed = [box.name for box, right in zip(true.boxes, found.named, strict=True) if not right]
    if misnamed:
        return _wrong(f"The boxes are good (mean IoU {found.mean_iou:.2f}). Look again at what is printed on the cups.")
    return _right(f"All {len(true.boxes)} cups, all names, and a mean IoU of {found.mean_iou:.2f}.")


@check
def farthest_slip(edge, whole, side: float) -> Verdict:
    """Check how far one edge may be too far in, and how far a whole box may be moved, until its IoU is 0.5."""
    if whole is Ellipsis:
        return _open()
    edge, whole = _number(edge), _number(whole)
    ious = ((side - edge) / side, (side - whole) / (side + whole))
    if not all(0 <= slip < side for slip in (edge, whole)):
        return _wrong(f"Both lie between 0 and the cup's width, {side:g} pixels.")
    if all(abs(iou - 0.5) < 0.01 for iou in ious):
        return _right(
            f"{edge:.1f} and {whole:.1f} pixels: a moved box loses on one side and covers too much on the other."
        )
    if abs(ious[0] - 0.5) >= 0.01:
        return _wrong(f"With its right edge {edge:g} pixels too far in, the box has an IoU of {ious[0]:.2f}.")
    if abs(whole - side / 2) < 0.5:
        return _wrong(
            "`edge` is right. A box moved by half its width shares half of the cup; but together they cover "
            "one and a half cups, so the IoU is a third."
        )
    return _wrong(f"`edge` is right. A box moved by {whole:g} pixels has an IoU of {ious[1]:.2f}.")


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


def _fault(function, cases, truth, mistakes: dict) -> Verdict | None:
    """Return what is wrong with a participant's function, None where it gives the truth for all cases.

    `cases` are its arguments, `truth` is a function of them; so are the values of `mistakes`, whose keys say in words
    what was done wrong where the answer is theirs.
    """
    for case in cases:
        answer = _number(_called(function, *case))
        if not _close(answer, truth(*case)):
            why = next((words for words, mistaken in mistakes.items() if _close(answer, mistaken(*case))), "")
            given = ", ".join(_figure(each) for each in case if np.isscalar(each))
            return _wrong(f"For {given or 'an example of ours'} your function gives {_figure(answer)}. {why}".strip())
    return None


def _figure(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def _close(answer: float, other: float, tolerance: float = 1e-3) -> bool:
    return abs(answer - other) <= tolerance * max(abs(other), 1e-9)


@check
def starts_anew(function, maps: list[tuple[int, int]], ours: int, total: int) -> Verdict:
    """`maps` are (channels, anchors a cell); `ours` is how many classes our photos have, `total` all numbers there."""

    def numbers(classes, background=1, bias=1, use_anchors=True):
        return sum((channels + bias) * (each if use_anchors else 1) * (classes + background) for channels, each in maps)

    mistakes = {
        "You forgot the background: it has an output, too.": lambda classes: numbers(classes, background=0),
        "You forgot the bias: each output has one besides its weights.": lambda classes: numbers(classes, bias=0),
        "You forgot that each cell has several anchors.": lambda classes: numbers(classes, use_anchors=False),
        "You forgot both the background and the bias.": lambda classes: numbers(classes, background=0, bias=0),
    }
    fault = _fault(function, [(ours,), (20,), (200,)], numbers, mistakes)
    shares = {count: numbers(count) / (total - numbers(ours) + numbers(count)) for count in (ours, 20, 200)}
    said = ", ".join(f"with {count} classes {share:.0%}" for count, share in shares.items())
    return fault or _right(f"{numbers(ours):,} for our {ours} classes, as in the table. Of the whole network, {said} "
                           "would start anew.")  # fmt: skip


@check
def how_far_to_freeze(name, saved: dict[str, float], held: dict[str, float]) -> Verdict:
    """`saved` and `held` say for each layer which share of arithmetic and of weights is frozen up to it."""
    if not isinstance(name, str):
        return _wrong(f"A layer's name is wanted here, in quotes, not {_shown(name)}.")
    if name not in saved:
        return _wrong(f"There is no layer {_shown(name)}. Take one of the names in the plot.")
    found = (
        f"Up to `{name}` freezing saves {saved[name]:.0%} of the arithmetic, and {1 - held[name]:.0%} of the weights"
    )
    if saved[name] < 0.5:
        return _wrong(f"{found} learn on. Half of the arithmetic is not saved yet: freeze further.")
    if held[name] > 0.2:
        return _wrong(f"{found} learn on. That is less than four fifths: freeze less.")
    return _right(f"{found} still learn.")


@check
def steps_to_pay(function, times: dict[str, dict[str, float]], left: dict[str, int]) -> Verdict:
    """`times` are the function's arguments for some runs, `left` how many steps each of them had after the pause."""
    cases = [(0.5, 0.2, 12.0), (0.1, 0.08, 3.0)]
    mistakes = {
        "You divide by what a step took, not by what it saves.": lambda before, _, pause: pause / before,
        "You divide by what a step still takes, not by what it saves.": lambda _, after, pause: pause / after,
        "That is upside down.": lambda before, after, pause: (before - after) / pause,
        "You multiply; how often do the savings fit into the pause?": lambda before, after, pause: (
            pause * (before - after)
        ),
        "Subtract the other way round: a step before took longer.": lambda before, after, pause: (
            pause / (after - before)
        ),
    }
    fault = _fault(function, cases, lambda before, after, pause: pause / (before - after), mistakes)
    return fault or _right(" ".join(_paid(name, **seconds, left=left[name]) for name, seconds in times.items()))


def _paid(name: str, before: float, after: float, pause: float, left: int) -> str:
    """Return in words whether freezing paid for itself in a run."""
    if after >= before:
        return f"The run '{guards.markdown(name)}': its steps did not get faster, so there it never pays."
    needed, verdict = pause / (before - after), "pays"
    if needed > left:
        verdict = "does not pay yet"
    return (
        f"The run '{guards.markdown(name)}': {needed:.0f} steps pay for it, and it had {left}, so freezing {verdict}."
    )


@check
def recall_at(function, curves: dict[str, np.ndarray], wanted: float) -> Verdict:
    """`curves` are those of `evaluation.Metrics`: 101 precisions each, at the recalls 0.00, 0.01, ... 1.00."""
    falling = np.linspace(1, 0, 101)
    cases = [(falling, wanted), (np.where(falling > 0.7, falling, 0.0), 0.5), (0.4 * falling, wanted)]

    def truth(curve, wanted):
        return max(np.flatnonzero(curve >= wanted), default=0) / 100

    mistakes = {
        "That is the place in the curve; the recall is a hundredth of it.": lambda *case: 100 * truth(*case),
        "That is how many places there are; the first of them is recall 0.": lambda curve, wanted: (
            curve >= wanted
        ).sum(),
        "That is one too many: the first place is recall 0.": lambda curve, wanted: (curve >= wanted).sum() / 100,
        "That is a precision. At which recall does it stand?": lambda curve, wanted: curve[curve >= wanted].min(),
        "That is the smallest recall there, not the largest.": lambda *_: 0.0,
    }
    fault = _fault(function, cases[:2], truth, mistakes)
    if fault is None and truth(*cases[2]) != _number(_called(function, *cases[2])):
        fault = _wrong(f"Where the precision never reaches {wanted:.0%}, nothing is found: the answer is 0.")
    found = [f"{guards.markdown(name)} {truth(curve, wanted):.0%}" for name, curve in curves.items()]
    return fault or _right(f"With {wanted:.0%} of the boxes right, this detector finds: {', '.join(found)}.")


# 05 · Use as is


@check
def all_alike(answer, share: float, classes: int, measured: float) -> Verdict:
    """`share` is how many of the cups have the flavour that all are called, `measured` the AP50 that gives."""
    answer = _number(answer)
    if abs(answer - measured) <= 0.01:
        return _right(f"COCO's evaluation says {measured:.3f}. The boxes are perfect, so the names are all that costs.")
    if abs(answer - share) <= 0.02:
        return _wrong(f"That is about the AP50 of the one flavour. AP50 is the mean over all {classes} of them.")
    if abs(answer - 1) < 0.02:
        return _wrong("That would be the class-agnostic score. Here a box with the wrong name is wrong.")
    if answer == 0:
        return _wrong("Zero is for a detector that never says a right name. This one does, at some of the cups.")
    return _wrong("What is the precision of the one flavour, at any recall? And what do the other flavours score?")


@check
def precision_and_recall(function, overlap: np.ndarray) -> Verdict:
    """`overlap` (cups, boxes) holds the IoU of each cup with each box of a photo."""
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
            return _wrong(f"{given} Those are swapped: precision asks of the boxes, recall of the cups.")
        if np.allclose(precision, (each.max(axis=0) >= 0.5).mean(), atol=1e-6):
            return _wrong(f"{given} Two of the boxes are on the same cup. It is found once; the second box is wrong.")
        if np.allclose((precision, recall), ((each.max(axis=0) > 0).mean(), (each.max(axis=1) > 0).mean()), atol=1e-6):
            return _wrong(f"{given} A box that touches a cup does not count yet: their IoU must be at least 0.5.")
        return _wrong(f"{given} Count the cups that have a box with an IoU of at least 0.5; then divide.")
    found = (overlap.max(axis=1) >= 0.5).sum()
    return _right(f"On this photo {found} of {overlap.shape[1]} boxes are on a cup: precision "
                  f"{found / overlap.shape[1]:.2f}; and {found} of {len(overlap)} cups are found: recall "
                  f"{found / len(overlap):.2f}.")  # fmt: skip


@check
def cup_like(answer, known: list[str], score) -> Verdict:
    """`known` are the detector's own names; `score` gives, for a list of them, the AP50 of its boxes called so."""
    if not isinstance(answer, dict):
        return _wrong(f"A dictionary is wanted here, not {_shown(answer)}.")
    unknown = [name for name in answer if name not in known]
    if unknown:
        return _wrong(f"COCO has no class {_shown(unknown[0])}. Section 1 lists what it has.")
    if set(answer.values()) - {"cup-like"}:
        return _wrong("Every name must be mapped to 'cup-like': that is the only class we score here.")
    if not answer:
        return _wrong("No name is mapped yet, so nothing is found.")
    if set(answer) == set(known):
        return _wrong(f"With all names it is the class-agnostic score, {score(known):.3f}. Laptops are no yoghurts.")
    mine, cup, everything = score(list(answer)), score(["cup"]), score(known)
    if mine <= max(cup, everything):
        return _wrong(
            f"AP50 is {mine:.3f}. With 'cup' alone it is {cup:.3f}, with all names {everything:.3f}: beat both."
        )
    return _right(f"AP50 is {mine:.3f}; with 'cup' alone it is {cup:.3f}, with all names {everything:.3f}.")


# 06 · Random init


@check
def running_average(function, layer_says: float) -> Verdict:
    """`layer_says` is what Keras makes of the start 0 and the batches 1, 3, 2 with momentum 0.9."""

    def truth(start, batches, momentum):
        for batch in batches:
            start = momentum * start + (1 - momentum) * batch
        return start

    mistakes = {
        "Momentum is the share that stays; you gave it to the batch (in PyTorch it is that way round).": (
            lambda start, batches, momentum: truth(start, batches, 1 - momentum)
        ),
        "That is the plain mean of the batches.": lambda start, batches, momentum: np.mean(batches),
        "You took the first batch only; go on through all of them.": (
            lambda start, batches, momentum: truth(start, batches[:1], momentum)
        ),
        "You took the last batch only; keep what the others left.": (
            lambda start, batches, momentum: truth(start, batches[-1:], momentum)
        ),
    }
    cases = [(0.0, [1.0, 3.0, 2.0], 0.9), (5.0, [1.0, 2.0], 0.75)]
    fault = _fault(function, cases, truth, mistakes)
    return fault or _right(f"From 0, the batches 1, 3, 2 lead to {truth(*cases[0]):.3f}; Keras's layer says "
                           f"{layer_says:.3f}. Their true mean is 2: three steps are far too few.")  # fmt: skip


@check
def steps_until(function, momentum: float, steps: int) -> Verdict:
    """`momentum` is that of our network, `steps` how long it is trained here."""

    def truth(share, momentum):
        return np.log(share) / np.log(momentum)

    mistakes = {
        "Each step takes a share of what is left, so what is left is no straight line: use logarithms.": (
            lambda share, momentum: (1 - share) / (1 - momentum)
        ),
        "That is upside down.": lambda share, momentum: np.log(momentum) / np.log(share),
        "You put in 1 - share: what is gone, not what is left.": lambda share, momentum: truth(1 - share, momentum),
    }
    for case in ((0.01, momentum), (0.01, 0.9997), (0.5, 0.9)):
        answer = _number(_called(function, *case))
        if not (_close(answer, truth(*case)) or abs(answer - truth(*case)) <= 1):  # whole steps are right, too
            return _fault(function, [case], truth, mistakes)
    slow, own = truth(0.01, 0.9997), truth(0.01, momentum)
    verdict = "enough" if steps >= own else "not enough"
    return _right(f"With {momentum} it takes {own:,.0f} steps until 1% is left, with 0.9997 {slow:,.0f}. This recipe "
                  f"has {steps:,}: {verdict} even for the faster one.")  # fmt: skip


@check
def hours_for_coco(answer, photos: int, step_seconds: float, batch_size: int) -> Verdict:
    """How long it takes to see so many photos once, where a step of `batch_size` photos takes `step_seconds`."""
    answer, truth = _number(answer), photos / batch_size * step_seconds / 3600
    if _close(answer, truth, 0.02):
        return _right(f"{truth:.1f} hours on this machine, to see each photo once.")
    mistakes = {
        "those are seconds": truth * 3600,
        "those are minutes": truth * 60,
        "those are days": truth / 24,
        f"a step sees {batch_size} photos at once, not one": truth * batch_size,
        f"a step sees {batch_size} photos: divide by them, do not multiply": truth * batch_size**2,
    }
    why = next((words for words, mistaken in mistakes.items() if _close(answer, mistaken, 0.02)), None)
    return _wrong(
        f"{answer:.4g} hours? {why.capitalize()}." if why else f"{answer:.4g} hours? How many steps are that?"
    )


# 07 · Compare the strategies


def _yes_or_no(answer) -> bool:
    """Return an answer as True or False; ends the check where it is neither."""
    if not isinstance(answer, bool | np.bool_):
        raise _Judged(_wrong(f"`True` or `False` is wanted here, not {_shown(answer)}."))
    return bool(answer)


@check
def apart(function) -> Verdict:
    """Judge a function of two lists of scores: is every one of the one list above every one of the other?"""
    better, worse, between = [0.70, 0.74, 0.72], [0.30, 0.20, 0.10], [0.28, 0.55, 0.71]
    said = {name: _yes_or_no(_called(function, *lists)) for name, lists in {
        "better first": (better, worse), "worse first": (worse, better), "overlapping": (better, between),
        "overlapping, turned": (between, better), "one run": ([0.9], worse), "one run, turned": (worse, [0.9]),
    }.items()}  # fmt: skip
    if not (said["better first"] or said["worse first"]):
        return _wrong(f"{better} lies wholly above {worse}, and your function does not call them apart.")
    if said["better first"] != said["worse first"]:
        return _wrong("Your answer changes where the two lists are exchanged. Either may be the better one.")
    if said["overlapping"] or said["overlapping, turned"]:
        return _wrong(
            f"{better} and {between} are not apart: {max(between)} lies above {min(better)}. A higher mean is not "
            "enough; compare the lowest run of the one with the highest of the other."
        )
    if said["one run"] or said["one run, turned"]:
        return _wrong("One run alone has no spread, so nothing can be said: where a list has fewer than two, `False`.")
    return _right("Where the worst run of the one beats the best of the other, luck alone is a poor explanation.")


@check
def minutes_until(function, histories: dict[str, list[dict]]) -> Verdict:
    """Judge a function of a history and a wanted AP: after how many minutes was it first reached?"""
    measured = {100: 0.2, 200: 0.5, 300: 0.4}
    rows = [{"step": step, "seconds": 1.2 * step, "AP": measured.get(step)} for step in range(50, 301, 50)]
    try:
        reached = {wanted: _number(_called(function, rows, wanted)) for wanted in (0.3, 0.5, 0.4)}
    except TypeError:
        return _wrong("Most rows hold no AP: theirs is `None`, which cannot be compared with a number. Pass them over.")
    never = function(rows, 0.9)
    if reached[0.3] == 240:
        return _wrong("Those are seconds. A minute has 60 of them.")
    if reached[0.3] == 200:
        return _wrong("That is a step. Wanted is the time: the row's seconds, in minutes.")
    if reached[0.3] == reached[0.4] == 6:
        return _wrong("That is the last row that is good enough. Wanted is the first: return as soon as you find it.")
    if reached[0.3] == 4 and reached[0.5] != 4:
        return _wrong("A row whose AP is just the wanted one has reached it: `>=`, not `>`.")
    if any(abs(value - 4) > 1e-6 for value in reached.values()):
        return _wrong(
            f"In a history with an AP of 0.2, 0.5, 0.4 after 2, 4, 6 minutes you find 0.3 at {reached[0.3]:g}."
        )
    if never is None or never is Ellipsis:
        return _wrong("Where the AP is never reached your function returns nothing. Let it return `math.inf` there.")
    if _number(never) != math.inf:
        return _wrong(f"An AP that is never reached takes `math.inf` minutes, not {_shown(never)}.")
    best = {name: max((row["AP"] or 0.0 for row in rows), default=0.0) for name, rows in histories.items()}
    able = [name for name in best if best[name] >= 0.1]
    if not able:
        return _right("None of the runs at hand comes to an AP of 0.1, so there is nothing to compare.")
    wanted = math.floor(100 * min(best[name] for name in able)) / 100
    told = (f"{guards.markdown(name)}: {function(histories[name], wanted):.1f}" for name in able)
    return _right(f"Minutes until an AP of {wanted:.2f}, which each of these reaches: {'; '.join(told)}.")


WIDEST = 0.8
"""An interval of APs that is wider says almost nothing."""


@check
def interval(answer, truth: float | None) -> Verdict:
    """Judge a prediction, two numbers between which an AP is expected, by the AP that was measured."""
    low, high = _array(answer, (2,))
    if not 0 <= low <= high <= 1:
        return _wrong("An AP lies between 0 and 1, and the lower number comes first.")
    if high - low > WIDEST:
        return _wrong(f"From {low:.2f} to {high:.2f} is nearly everything an AP can be. Dare to say more.")
    if truth is None:
        return Verdict(None, f"From {low:.2f} to {high:.2f}, you say. No run that could tell is recorded here.")
    if not low <= truth <= high:
        return _wrong(f"It reached **{truth:.2f}**, {'more' if truth > high else 'less'} than you expected. Why?")
    return _right(
        f"It reached **{truth:.2f}**, and you said from {low:.2f} to {high:.2f}. Would you dare closer numbers now?"
    )


@check
def photos_needed(function) -> Verdict:
    """Judge a function that reads off a ladder, [(photos, AP)], how many photos a wanted AP takes."""
    rungs = [(10, 0.1), (100, 0.3), (1000, 0.5)]
    at_rung, between = (_number(_called(function, rungs, wanted)) for wanted in (0.3, 0.4))
    beyond = function(rungs, 0.6)
    if abs(between - 550) < 1:
        return _wrong("You went straight from 100 to 1000 photos. The axis is logarithmic: interpolate the logarithms.")
    if abs(between - math.log(10**2.5)) < 1e-3 or abs(between - 2.5) < 1e-3:
        return _wrong("That is the logarithm of the number of photos. Turn it back into a number of photos.")
    if abs(at_rung - 100) > 0.5 or abs(between - 10**2.5) > 0.5:
        return _wrong(
            f"On the ladder {rungs} an AP of 0.3 takes 100 photos, yours says {at_rung:g}; half-way to the next rung, "
            f"at 0.4, it takes {10**2.5:.0f} on a logarithmic axis, yours says {between:g}."
        )
    if beyond is None or beyond is Ellipsis:
        return _wrong("Beyond the last rung your function returns nothing. Let it return `math.inf` there.")
    if _number(beyond) != math.inf:
        return _wrong(f"On {rungs} nobody has measured an AP of 0.6, and yours says {_shown(beyond)} photos reach it.")
    return _right("Within what was measured you interpolate, and beyond it you claim nothing.")


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


@check
def once(function, boxes) -> Verdict:
    """Judge a function of one photo's boxes, the surest first, that returns which stay where each object is left once.

    It is tried on boxes that are made up, then on `boxes` of the detector.
    """
    row = np.array([(0.0, 0.1 * left, 0.4, 0.1 * left + 0.4) for left in (0, 0.9, 1.8, 6)], np.float32)
    said = _places(_called(function, row))
    if said == [0, 3]:
        return _wrong(
            "The third box overlaps only the second, and that one is dropped, so the third stays. Compare with the "
            "boxes that stayed, not with all that came before."
        )
    if said == [0, 1, 2, 3]:
        return _wrong("Your function drops nothing, although the second box overlaps the first by more than 0.6.")
    if said != [0, 2, 3]:
        return _wrong(
            "Of four boxes in a row, of which the second overlaps the first and the third, 0, 2 and 3 stay; "
            f"yours leaves {said}."
        )
    apart = np.array([(0, 0, 0.4, 0.4), (0, 0.15, 0.4, 0.55)], np.float32)
    if _places(_called(function, apart)) != [0, 1]:
        return _wrong("Two boxes that overlap by an IoU of 0.45 are two cups, one before the other: both stay.")
    boxes = np.asarray(boxes)
    ours, theirs = _places(_called(function, boxes)), nms.once(boxes, np.linspace(1, 0.5, len(boxes)), SAME)
    if ours != theirs:
        return _wrong(f"On the photo of section 2 other boxes stay: {_shown(ours)} instead of {_shown(theirs)}.")
    return _right(f"Of {len(boxes)} boxes {len(ours)} stay, the same as `inference.once` leaves.")


SAME = 0.6
"""Boxes that overlap by a larger IoU are one object: detector.NMS_IOU, which would bring in TensorFlow."""


def _places(answer) -> list[int]:
    """Return an answer as a list of whole numbers, rising; ends the check where it is none."""
    try:
        numbers = np.asarray(answer, float).ravel()
    except (TypeError, ValueError):
        numbers = np.array([math.nan])
    if not all(float(number).is_integer() for number in numbers):
        raise _Judged(_wrong(f"A list of places is wanted here, such as `[0, 2]`, not {_shown(answer)}."))
    return sorted(int(number) for number in numbers)


@check
def cheapest(answer, rows: list[dict], missed: float, wrong: float) -> Verdict:
    """Judge the threshold at which cups that are not found and boxes that are wrong cost least together."""
    thresholds = np.array([row["threshold"] for row in rows])
    place = int(np.argmin(np.abs(thresholds - _number(answer))))
    if not abs(thresholds[place] - answer) <= np.ptp(thresholds) / len(thresholds) / 2:
        return _wrong(f"The thresholds run from {thresholds.min():.2f} to {thresholds.max():.2f}; give one of them.")

    def costs(missed, wrong):
        return [missed * (row["labelled"] - row["right"]) + wrong * (row["found"] - row["right"]) for row in rows]

    cost, least = costs(missed, wrong), min(costs(missed, wrong))
    at_best = cost[max(range(len(rows)), key=lambda each: rows[each]["F1"])]
    if cost[place] == least:
        return _right(f"It costs {least:g} cents. The threshold where F1 is best would cost {at_best:g}.")
    said = f"There it costs {cost[place]:g} cents, and elsewhere {least:g}."
    if rows[place]["F1"] == max(row["F1"] for row in rows):
        return _wrong(f"{said} That is where F1 is best, for which both mistakes are equally bad.")
    if costs(wrong, missed)[place] == min(costs(wrong, missed)):
        return _wrong(f"{said} You have exchanged the two prices.")
    if cost[place] == max(cost):
        return _wrong(f"{said} That is the most it can cost.")
    return _wrong(said)


@check
def precision_and_recall_of(function) -> Verdict:
    """Judge a function of a confusion table, {(label, said): number}, that returns precision and recall."""
    table = collections.Counter({
        ("peach", "peach"): 6, ("peach", "vanilla"): 2, ("peach", "missed"): 1, ("vanilla", "vanilla"): 3,
        ("vanilla", "missed"): 3, ("invented", "peach"): 4, ("invented", "vanilla"): 1,
    })  # fmt: skip
    precision, recall = _array(_called(function, table), (2,))
    if np.allclose((precision, recall), (9 / 16, 9 / 15)):
        return _right("Precision asks how many boxes are right, recall how many cups are found under their name.")
    if np.allclose((precision, recall), (9 / 15, 9 / 16)):
        return _wrong("Those are the right two numbers the wrong way round: precision comes first.")
    if np.allclose((precision, recall), (900 / 16, 900 / 15)):
        return _wrong("Those are percentages. Wanted are fractions between 0 and 1.")
    if np.isclose(precision, 9 / 20) or np.isclose(recall, 9 / 20):
        return _wrong("You divide by all outcomes. A missed cup is no box, and an invented box is no cup.")
    if np.isclose(precision, 9 / 14) or np.isclose(recall, 9 / 13):
        return _wrong("A cup under a wrong name counts twice: its box is wrong, and the cup is not found.")
    if np.isclose(precision, 11 / 16) or np.isclose(recall, 11 / 15):
        return _wrong("A peach that is called vanilla is not right. Right is only what stands on the diagonal.")
    wanted = "precision 9 / 16 and recall 9 / 15"
    return _wrong(
        f"With 9 right of 16 boxes and of 15 cups, {wanted} are wanted; yours are {precision:.2f}, {recall:.2f}."
    )


@check
def pair_to_label(answer, table: dict[tuple[str, str], int], flavours: list[str]) -> Verdict:
    """Judge which two flavours are confused with one another most often, both ways together."""
    if isinstance(answer, str) or not all(isinstance(each, str) for each in answer) or len(set(answer)) != 2:
        return _wrong(f"Two different flavours are wanted here, not {_shown(answer)}.")
    if strangers := sorted(set(answer) - set(flavours)):
        return _wrong(f"{_shown(strangers[0])} is no flavour. Wanted are two that are taken for one another.")

    def both_ways(two) -> int:
        one, other = two
        return table.get((one, other), 0) + table.get((other, one), 0)

    most = max(both_ways(two) for two in itertools.combinations(flavours, 2))
    said = f"{' and '.join(map(guards.markdown, sorted(answer)))} are confused {both_ways(answer)} times"
    if both_ways(answer) == most:
        return _right(
            f"{said}, no other two more often." if most else "No two flavours are confused here, so any will do."
        )
    if max(table.get(tuple(two), 0) for two in (answer, answer[::-1])) == max(
        table.get(two, 0) for two in itertools.permutations(flavours, 2)
    ):
        return _wrong(f"{said}, others {most} times. You looked at one direction; add both.")
    return _wrong(f"{said}, others {most} times.")


# 10 · Your own data


@check
def photos_to_mend(answer, findings) -> Verdict:
    """Check which photos, by stem, are not trained on because of what was found in them or their annotations."""
    if not isinstance(answer, set | list | tuple) or not all(isinstance(name, str) for name in answer):
        return _wrong('A set of photos is wanted, such as {"0004", "0009"}.')
    outcomes = {finding.file.stem: finding.kind.outcome for finding in findings}
    lost = {stem for stem, outcome in outcomes.items() if outcome is Outcome.SET_ASIDE}
    named = {pathlib.PurePath(name).stem for name in answer}
    for stem in sorted(named - lost):
        if stem not in outcomes:
            return _wrong(f"Nothing was found in a photo called {_shown(stem)}.")
        return _wrong(f"{stem} is repaired while it is read: the finding says what is taken instead. It is trained on.")
    if lost - named:
        return _wrong(f"So far right, but {len(lost - named)} more cannot be used as they are.")
    return _right(f"These {len(lost)} wait for you; the other {len(outcomes) - len(lost)} were repaired in memory.")


@check
def times_seen(answer, recipe, data) -> Verdict:
    """Check how often a training photo of a data set is seen on average in a recipe's steps."""
    number, photos = _number(answer), len(data.split()[0])
    shown = recipe.steps * recipe.batch_size
    times = shown / photos
    if abs(number - times) <= 0.01 * times:
        return _right(f"{shown:,} photos go through the network, shared among {photos}: {times:.1f} times each.")
    slips = {
        shown / len(data.samples): "You shared them among all labelled photos, but some are kept back for the test.",
        recipe.steps / photos: "A step shows not one photo but a whole batch.",
        recipe.steps / len(data.samples): "A step shows a whole batch, and some photos are kept back for the test.",
        2 * times: "The steps here are half of the recipe's already; do not take the whole.",
        shown: "That is how many photos go through the network in all. Among how many are they shared out?",
        1 / times: "That is upside down: the photos shown go above, the different ones below.",
    }
    return _wrong(_nearest(number, slips) or "Steps times photos a step, shared among the photos that are trained on.")


@check
def cheapest_threshold(answer, rows, miss: float, alarm: float) -> Verdict:
    """Check which threshold costs least, where a miss and a false alarm cost so much."""

    def cost(row, miss=miss, alarm=alarm) -> float:
        return miss * row["missed"] + alarm * row["false alarms"]

    number = _number(answer)
    row = min(rows, key=lambda each: abs(each["threshold"] - number))
    if not abs(row["threshold"] - number) <= 0.005:
        return _wrong("That is none of the thresholds in `rows`; take the one nearest to yours.")
    least = min(map(cost, rows))
    if cost(row) == least:
        return _right(
            f"At {number:.2f} the mistakes cost {least:g}: {row['missed']} missed, {row['false alarms']} false."
        )
    if cost(row, alarm, miss) == min(cost(each, alarm, miss) for each in rows):
        return _wrong(
            f"That is the cheapest where a false alarm costs {miss:g} and a miss {alarm:g}: you swapped them."
        )
    if row["missed"] + row["false alarms"] == min(each["missed"] + each["false alarms"] for each in rows):
        return _wrong("That threshold makes the fewest mistakes, but they do not cost the same.")
    return _wrong(
        f"At {number:.2f} the mistakes cost {cost(row):g}. There is a threshold at which they cost {least:g}."
    )


# 11 · Scale out


@check
def loss_of_the_whole(function) -> Verdict:
    """Judge a function of two workers' losses and counts of matched anchors that returns the whole batch's loss."""
    for losses, matched in (([2.0, 4.0], [30, 10]), ([1.5, 1.0, 0.25], [2, 40, 7]), ([3.0, 1.0], [0, 5])):
        # A part without matched anchors divides its sum by one, as `multibox_loss` does.
        sums = [loss * max(count, 1) for loss, count in zip(losses, matched, strict=True)]
        wanted = sum(sums) / sum(matched)
        answer = _number(_called(function, losses, matched))
        case = f"For losses {losses} and {matched} matched anchors"
        if np.isclose(answer, wanted):
            continue
        if np.isclose(answer, np.mean(losses)):
            return _wrong(f"{case} you take the plain mean: a worker with few anchors counts as much as one with many.")
        if np.isclose(answer, sum(losses)):
            return _wrong(f"{case} you add the losses. Each has been divided already, by a count of its own.")
        if np.isclose(answer, sum(sums)):
            return _wrong(f"{case} you have the sum over all anchors. It is still to be divided by how many there are.")
        if 0 in matched and np.isclose(answer, np.dot(losses, matched) / sum(matched)):
            return _wrong(f"{case} a sum is lost: without matched anchors a loss is divided by one, not by zero.")
        return _wrong(f"{case} the whole batch's loss is {wanted:.4g}, and yours is {answer:.4g}.")
    return _right("The sums add up, the means do not. So the workers send sums and counts.")


@check
def photos_each(answer, seconds_a_photo: float, seconds_of_link: float) -> Verdict:
    """Judge how many photos each worker needs in a batch for the link to take a tenth of the step."""
    photos, wanted = _number(answer), 9 * seconds_of_link / seconds_a_photo
    if not np.isfinite(photos) or photos <= 0:
        return _wrong(f"A number of photos above zero is wanted, not {_shown(answer)}.")

    def near(value: float) -> bool:
        return np.isclose(photos, value, rtol=1e-3) or photos == np.ceil(value)

    if near(wanted):
        share = seconds_of_link / (seconds_of_link + photos * seconds_a_photo)
        return _right(f"Then the link takes {share:.0%} of the step: more photos a worker, fewer steps an epoch.")
    if near(10 * seconds_of_link / seconds_a_photo):
        return _wrong("That makes the link a tenth of the computing. The step is both together.")
    if near(wanted / 8) or near(wanted * 8):
        return _wrong("You are off by a factor of eight: a link's rate is given in bits, and gradients are in bytes.")
    if near(seconds_of_link / seconds_a_photo):
        return _wrong("There the link takes as long as the computing, which is half of the step.")
    if near(wanted * seconds_a_photo):
        return _wrong("Those are the seconds that the computing should take. How many photos is that?")
    share = seconds_of_link / (seconds_of_link + photos * seconds_a_photo)
    return _wrong(f"With {photos:.4g} photos each, the link takes {share:.0%} of the step.")

"""What the checks say of right answers, of wrong ones, and of none."""

import dataclasses
import math
import pathlib

import numpy as np
import pytest

from workshop_utils import anchors, checks, detector, settings, voc
from workshop_utils.checks.answer import _called, _number, _right, _wrong
from workshop_utils.checks.detect_and_classify import SAME
from workshop_utils.findings import Finding, Kind
from workshop_utils.voc import Box

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
    return _right("Twice.") if _number(answer) == 2 * number else _wrong("Not twice.")


@checks.check
def doubles(function, number):
    return _right("Twice.") if _called(function, number) == 2 * number else _wrong("Not twice.")


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


# One section a notebook, in the order of their numbers


# 00 · Start here

SCORES = np.array([0.9, 0.7, 0.6, 0.4, 0.35, 0.1] + [0.0] * 94, np.float32)
BOX, WIDTH, HEIGHT = (0.25, 0.5, 0.5, 0.75), 512, 384
"""In pixels: 96, 256, 192, 384."""


def test_remaining_boxes_are_counted():
    assert right(checks.remaining(3, SCORES, 0.6)) and right(checks.remaining(np.int64(3), SCORES, 0.6))
    assert is_open(checks.remaining(..., SCORES, 0.6))
    assert wrong(checks.remaining(97, SCORES, 0.6), "below")
    assert wrong(checks.remaining(100, SCORES, 0.6), "at all") and wrong(checks.remaining(6, SCORES, 0.6), "at all")
    assert wrong(checks.remaining(0.9, SCORES, 0.6), "How *many*")
    assert wrong(checks.remaining(5, SCORES, 0.6), "at least")
    assert wrong(checks.remaining(SCORES >= 0.6, SCORES, 0.6), "A number is wanted")


def test_a_boxs_pixels_are_read():
    assert right(checks.pixels([96, 256, 192, 384], BOX, WIDTH, HEIGHT)) and is_open(checks.pixels(..., BOX, 512, 384))
    for answer, words in {
        BOX: "still fractions",
        (128, 192, 256, 288): "swapped",
        (256, 96, 384, 192): "order",
        (96, 256, 96, 128): "lower and its right edge",
        (75, 150, 150, 225): "its own size",
        (1, 2, 3, 4): "Multiply",
    }.items():
        assert wrong(checks.pixels(answer, BOX, WIDTH, HEIGHT), words)
    assert wrong(checks.pixels([96, 256], BOX, WIDTH, HEIGHT), "4 numbers")


@pytest.mark.parametrize("answer", ABSURD, ids=repr)
def test_absurd_answers_in_notebook_00(answer):
    assert not right(checks.remaining(answer, SCORES, 0.6)) and not right(checks.pixels(answer, BOX, WIDTH, HEIGHT))


# 01 · Why transfer learning

EARLY = [(3, 2), (3, 1), (3, 2)]
"""The sides and strides of the convolutions up to notebook 01's early layer."""
ACCURACY = {"early": 0.8, "middle": 0.82, "late": 0.4}
PROBLEMS = {"cars at a crossing": 0, "twelve toy cars": 80, "letters on forms": 500, "chest X-rays": 50_000}
WAYS = dict(zip(PROBLEMS, ("as is", "fine-tune", "fine-tune", "random init")))


def seen(convolutions, begin=1, early=False, minus=1):
    sees, step = begin, 1
    for side, stride in convolutions:
        step *= stride if early else 1
        sees += (side - minus) * step
        step *= 1 if early else stride
    return sees


def test_a_receptive_field_is_counted():
    assert right(checks.receptive_field(seen, EARLY, 11)) and is_open(checks.receptive_field(lambda _: ..., EARLY, 11))
    for answer, words in {
        lambda convolutions: seen([(side, 1) for side, _ in convolutions]): "forgets the strides",
        lambda convolutions: seen(convolutions, early=True): "too early",
        lambda convolutions: seen(convolutions, begin=0): "one too few",
        lambda convolutions: sum(side for side, _ in convolutions): "adds only 2",
        lambda convolutions: math.prod(stride for _, stride in convolutions): "how far apart",
        lambda _: 12345: "Each convolution adds",
        lambda _: 11: "Right for this layer",
    }.items():
        assert wrong(checks.receptive_field(answer, EARLY, 11), words)


def test_a_step_of_gradient_ascent_is_taken():
    def step(picture, gradient, rate):
        return np.clip(picture + rate * gradient, -1, 1)

    verdict = checks.ascent_step(step)
    assert right(verdict) and "from 0.00 to 0.49" in verdict.words
    assert is_open(checks.ascent_step(lambda *_: None))
    for answer, words in {
        lambda picture, gradient, rate: picture - rate * gradient: "goes down",
        lambda picture, gradient, rate: rate * gradient: "the step alone",
        lambda picture, gradient, rate: picture + gradient: "rate is missing",
        lambda picture, gradient, rate: picture + rate * gradient: "clip",
        lambda picture, gradient, rate: picture: "add `rate` times",
        lambda picture, gradient, rate: 3: "numbers are wanted",
    }.items():
        assert wrong(checks.ascent_step(answer), words)


def test_the_layer_that_names_fewest_is_found():
    assert right(checks.worst_layer("late", ACCURACY)) and right(checks.worst_layer(" Late", ACCURACY))
    assert is_open(checks.worst_layer(..., ACCURACY)) and wrong(checks.worst_layer("early", ACCURACY), "80%")
    assert wrong(checks.worst_layer("deep", ACCURACY), "none of: early, middle, late")


def test_each_problem_finds_its_way():
    verdict = checks.ways(WAYS, PROBLEMS)
    assert right(verdict) and all(problem in verdict.words for problem in PROBLEMS)
    assert right(checks.ways({problem: way.upper().replace(" ", "_") for problem, way in WAYS.items()}, PROBLEMS))
    assert is_open(checks.ways(..., PROBLEMS)) and is_open(checks.ways(dict.fromkeys(PROBLEMS, ...), PROBLEMS))
    for problem, way, words in [
        ("cars at a crossing", "fine-tune", "What would there be to train"),
        ("twelve toy cars", "as is", "name for what is to be told apart"),
        ("letters on forms", "random init", "number of photos"),
        ("chest X-rays", "fine-tune", "only COCO could teach"),
    ]:
        verdict = checks.ways(WAYS | {problem: way}, PROBLEMS)
        assert wrong(verdict, problem, words) and verdict.words.count("**") == 2
    assert wrong(checks.ways({"twelve toy cars": "fine-tune"}, PROBLEMS), "A dictionary")
    assert wrong(checks.ways(WAYS | {"twelve toy cars": "magic"}, PROBLEMS), "none of")


@pytest.mark.parametrize("answer", ABSURD, ids=repr)
def test_absurd_answers_in_notebook_01(answer):
    verdicts = [
        checks.receptive_field(answer, EARLY, 11),
        checks.ascent_step(answer),
        checks.worst_layer(answer, ACCURACY),
        checks.ways(answer, PROBLEMS),
    ]
    assert not any(right(verdict) or "<script>" in verdict.words for verdict in verdicts)


# 02 · Label images

CUP = Box("peach", 100, 100, 200, 220)
DRAWN = Box("peach", 120, 100, 240, 220)


@pytest.mark.parametrize("answer", [9600 / 16800, 0.57, np.float32(0.5714)])
def test_iou_by_hand_is_right_to_two_places(answer):
    assert right(checks.iou_by_hand(answer, CUP, DRAWN))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (9600 / 26400, "twice"),
        (2 * 9600 / 26400, "Dice"),
        (0.8, "first box alone"),
        (9600 / 14400, "second box alone"),
        (16800 / 9600, "upside down"),
        (57.1, "percentage"),
        (9600, "in pixels"),
        (0.1, "First the pixels that both share"),
    ],
)
def test_iou_by_hand_names_the_slip(answer, said):
    assert wrong(checks.iou_by_hand(answer, CUP, DRAWN), said)


TRUE = voc.Annotation("a.jpg", 400, 300, (CUP, Box("vanilla", 220, 100, 300, 200), Box("natural", 310, 50, 390, 150)))
HURRIED = dataclasses.replace(
    TRUE, boxes=(CUP, dataclasses.replace(TRUE.boxes[1], xmin=240), dataclasses.replace(TRUE.boxes[2], name="peach"))
)


def test_bad_labels_are_those_with_other_edges_or_another_name():
    assert right(checks.bad_labels({3: "name", 2: "edges"}, HURRIED, TRUE))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({1: "edges", 3: "name"}, "Box 1 is good"),
        ({2: "name", 3: "name"}, "Box 2 is bad, but not for its name"),
        ({2: "edges"}, "1 more is bad"),
        ({7: "edges"}, "no box 7"),
        ({2: "ugly"}, 'is "edges" or "name"'),
        ({}, "A dictionary"),
    ],
)
def test_bad_labels_says_which_box_is_judged_wrongly(answer, said):
    assert wrong(checks.bad_labels(answer, HURRIED, TRUE), said)


def test_a_photo_is_labelled_when_all_cups_have_good_boxes_and_names():
    slipped = [dataclasses.replace(box, xmin=box.xmin + 5) for box in TRUE.boxes]
    assert right(checks.labelled_photo(slipped, TRUE)) and right(checks.labelled_photo(TRUE.boxes, TRUE))


@pytest.mark.parametrize(
    ("boxes", "said"),
    [
        ([], "3 have no box"),
        (TRUE.boxes[:2], "1 have no box"),
        ([*TRUE.boxes, Box("peach", 10, 10, 50, 50)], "1 of your boxes stand for no cup"),
        ([*TRUE.boxes[:2], Box("natural", 350, 50, 390, 90)], "worst box is that of the natural cup, IoU 0.20"),
        ([*TRUE.boxes[:2], dataclasses.replace(TRUE.boxes[2], name="peach")], "what is printed on the cups"),
        ([(1, 2, 3, 4)], "A list of boxes"),
    ],
)
def test_a_photo_labelled_badly_is_told_what_to_mend(boxes, said):
    assert wrong(checks.labelled_photo(boxes, TRUE), said)


def test_the_farthest_slip_is_half_a_width_for_an_edge_and_a_third_for_a_box():
    assert right(checks.farthest_slip(30, 20, 60)) and right(checks.farthest_slip(30.4, 20, 60))
    assert is_open(checks.farthest_slip(30, ..., 60)) and is_open(checks.farthest_slip(..., 20, 60))


@pytest.mark.parametrize(
    ("edge", "whole", "said"),
    [
        (30, 30, "a third"),
        (30, 10, "an IoU of 0.71"),
        (20, 20, "an IoU of 0.67"),
        (-30, 20, "between 0 and the cup's width"),
        (30, 80, "between 0 and the cup's width"),
    ],
)
def test_a_wrong_slip_is_told_which_iou_it_gives(edge, whole, said):
    assert wrong(checks.farthest_slip(edge, whole, 60), said)


@pytest.mark.parametrize("answer", ABSURD, ids=repr)
def test_no_odd_answer_about_labels_raises_or_is_right(answer):
    known = [
        (checks.iou_by_hand, CUP, DRAWN),
        (checks.bad_labels, HURRIED, TRUE),
        (checks.labelled_photo, TRUE),
        (checks.farthest_slip, 20, 60),
    ]
    for check, *rest in known:
        verdict = check(answer, *rest)
        assert wrong(verdict) and "<script>" not in verdict._repr_markdown_() and is_open(check(..., *rest))


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


CUP_BOX, ANCHOR = np.array([0.4, 0.3, 0.8, 0.6], np.float32), np.array([0.2, 0.35, 0.9, 0.75], np.float32)


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
    assert wrong(checks.encoding(slip, CUP_BOX, ANCHOR), words)


def test_the_box_coding_is_right_where_the_package_says_the_same():
    def constant(box, anchor):
        return coder()(CUP_BOX, ANCHOR)

    assert right(checks.encoding(coder(), CUP_BOX, ANCHOR))
    assert wrong(checks.encoding(constant, CUP_BOX, ANCHOR)), "right for this one box only"
    assert is_open(checks.encoding(..., CUP_BOX, ANCHOR)) and is_open(checks.encoding(lambda *_: ..., CUP_BOX, ANCHOR))


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
        checks.encoding(answer, CUP_BOX, ANCHOR),
        checks.easy_ones(answer, 0.01, 0.1, 0.25, 2.0),
    )
    assert not any(verdict.right or "<script>" in verdict._repr_markdown_() for verdict in verdicts)


# 04 · Fine-tune

MAPS = [(576, 3), (1280, 6), (512, 6), (256, 6), (256, 6), (128, 6)]


def starts_anew(answer):
    return checks.starts_anew(answer, MAPS, ours=5, total=3_161_290)


def numbers(classes, background=1, bias=1, anchors=True):
    return sum((channels + bias) * (count if anchors else 1) * (classes + background) for channels, count in MAPS)


def test_what_starts_anew_grows_with_the_classes():
    said = starts_anew(numbers)
    assert right(said) and f"{numbers(5):,} for our 5 classes" in said.words
    assert f"with 200 classes {numbers(200) / (3_161_290 - numbers(5) + numbers(200)):.0%}" in said.words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"background": 0}, "forgot the background:"),
        ({"bias": 0}, "forgot the bias:"),
        ({"anchors": False}, "several anchors"),
        ({"background": 0, "bias": 0}, "both"),
    ],
)
def test_what_was_forgotten_of_what_starts_anew_is_named(change, words):
    assert wrong(starts_anew(lambda classes: numbers(classes, **change)), words)


def test_what_starts_anew_must_hold_for_other_numbers_of_classes():
    assert wrong(starts_anew(lambda classes: numbers(5)), "For 20")


SAVED = {"block_9_add": 0.44, "block_12_add": 0.61, "block_16_project_BN": 0.84}
HELD = {"block_9_add": 0.08, "block_12_add": 0.18, "block_16_project_BN": 0.58}


@pytest.mark.parametrize(
    ("name", "words"),
    [("block_9_add", "freeze further"), ("block_16_project_BN", "freeze less"), ("block_99", "There is no layer")],
)
def test_freezing_too_little_or_too_much_is_told_apart(name, words):
    assert right(checks.how_far_to_freeze("block_12_add", SAVED, HELD))
    assert wrong(checks.how_far_to_freeze(name, SAVED, HELD), words)


TIMES = {"yours": {"before": 0.2, "after": 0.1, "pause": 10.0}, "longer": {"before": 0.7, "after": 0.2, "pause": 20.0}}


def steps_to_pay(answer, times=TIMES):
    return checks.steps_to_pay(answer, times, {"yours": 84, "longer": 700})


def test_freezing_pays_in_the_run_that_is_long_enough():
    said = steps_to_pay(lambda before, after, pause: pause / (before - after))
    assert right(said)
    assert "'yours': 100 steps pay for it, and it had 84, so freezing does not pay yet" in said.words
    assert "'longer': 40 steps pay for it, and it had 700, so freezing pays" in said.words


def test_a_run_that_freezing_did_not_make_faster_is_told_of_too():
    times = {"yours": {"before": 0.1, "after": 0.1, "pause": 10.0}}
    said = steps_to_pay(lambda before, after, pause: pause / (before - after), times)
    assert right(said) and "never pays" in said.words


@pytest.mark.parametrize(
    ("mistaken", "words"),
    [
        (lambda before, after, pause: pause / before, "what a step took"),
        (lambda before, after, pause: pause / after, "still takes"),
        (lambda before, after, pause: (before - after) / pause, "upside down"),
        (lambda before, after, pause: pause * (before - after), "multiply"),
        (lambda before, after, pause: pause / (after - before), "the other way round"),
        (lambda before, after, pause: 7, "gives 7."),
    ],
)
def test_a_wrong_account_of_freezing_is_named(mistaken, words):
    assert wrong(steps_to_pay(mistaken), words)


CURVES = {"peach": np.linspace(1, 0, 101), "vanilla": np.zeros(101)}


def recall_at(answer):
    return checks.recall_at(answer, CURVES, 0.8)


def read_off(curve, wanted):
    places = np.flatnonzero(curve >= wanted)
    return places[-1] / 100 if len(places) else 0.0


def test_the_largest_recall_with_enough_precision_is_right():
    said = recall_at(read_off)
    assert right(said) and "peach 20%, vanilla 0%" in said.words


@pytest.mark.parametrize(
    ("mistaken", "words"),
    [
        (lambda curve, wanted: np.flatnonzero(curve >= wanted)[-1], "a hundredth"),
        (lambda curve, wanted: (curve >= wanted).sum(), "how many places"),
        (lambda curve, wanted: (curve >= wanted).mean() * 1.01, "one too many"),
        (lambda curve, wanted: curve[curve >= wanted][-1], "precision"),
        (lambda curve, wanted: np.flatnonzero(curve >= wanted)[0] / 100, "smallest"),
        (lambda curve, wanted: np.flatnonzero(curve >= wanted)[-1] / 100, "IndexError"),
        (lambda curve, wanted: read_off(curve, wanted) or 1.0, "never reaches 80%"),
    ],
)
def test_a_curve_that_is_read_wrongly_is_told_of(mistaken, words):
    assert wrong(recall_at(mistaken), words)


# 05 · Use as is


def all_alike(answer):
    return checks.all_alike(answer, share=0.22, classes=5, measured=0.048)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (0.22, "the one flavour. AP50 is the mean"),
        (1.0, "class-agnostic"),
        (0, "never says"),
        (0.5, "what do the other"),
    ],
)
def test_calling_all_cups_alike_scores_a_share_of_a_fifth(answer, words):
    assert right(all_alike(0.22 / 5)) and right(all_alike(0.048))
    assert wrong(all_alike(answer), words)


OVERLAP = np.array([[0.8, 0.0, 0.1], [0.0, 0.4, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.7]])


def precision_and_recall(answer):
    return checks.precision_and_recall(answer, OVERLAP)


def shares(overlap, least=0.5):
    found = (overlap.max(axis=1) >= least).sum()
    return found / overlap.shape[1], found / overlap.shape[0]


def test_precision_is_of_the_boxes_and_recall_of_the_cups():
    said = precision_and_recall(shares)
    assert right(said) and "2 of 3 boxes" in said.words and "2 of 4 cups" in said.words


@pytest.mark.parametrize(
    ("mistaken", "words"),
    [
        (lambda overlap: shares(overlap)[::-1], "swapped"),
        (lambda overlap: ((overlap.max(axis=0) >= 0.5).mean(), (overlap.max(axis=1) >= 0.5).mean()), "same cup"),
        (lambda overlap: ((overlap.max(axis=0) > 0).mean(), (overlap.max(axis=1) > 0).mean()), "touches"),
        (lambda overlap: (0.123, 0.4), "Count the cups"),
        (lambda overlap: 0.5, "2 numbers are wanted"),
    ],
)
def test_a_wrong_precision_or_recall_is_named(mistaken, words):
    assert wrong(precision_and_recall(mistaken), words)


NAMES = ["cup", "bottle", "laptop"]


def cup_like(answer):
    return checks.cup_like(
        answer, NAMES, lambda names: {1: 0.4, 2: 0.5, 3: 0.45}[len(names)] - 0.1 * ("cup" not in names)
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"mug": "cup-like"}, "COCO has no class 'mug'"),
        ({"cup": "yoghurt"}, "'cup-like'"),
        ({"cup": "cup-like"}, "beat both"),
        ({"bottle": "cup-like", "laptop": "cup-like"}, "beat both"),
        (dict.fromkeys(NAMES, "cup-like"), "class-agnostic"),
        (["cup"], "A dictionary"),
        ({}, "No name"),
    ],
)
def test_only_names_that_beat_both_one_and_all_are_cup_like(answer, words):
    assert right(cup_like({"cup": "cup-like", "bottle": "cup-like"}))
    assert wrong(cup_like(answer), words)


# 06 · Random init


def running(start, batches, momentum):
    for batch in batches:
        start = momentum * start + (1 - momentum) * batch
    return start


def running_average(answer):
    return checks.running_average(answer, layer_says=running(0.0, [1, 3, 2], 0.9))


@pytest.mark.parametrize(
    ("mistaken", "words"),
    [
        (lambda start, batches, momentum: running(start, batches, 1 - momentum), "PyTorch"),
        (lambda start, batches, momentum: sum(batches) / len(batches), "plain mean"),
        (lambda start, batches, momentum: running(start, batches[:1], momentum), "first batch only"),
        (lambda start, batches, momentum: running(start, batches[-1:], momentum), "last batch only"),
        (lambda start, batches, momentum: start + 1, "gives"),
    ],
)
def test_a_running_average_that_runs_otherwise_is_named(mistaken, words):
    said = running_average(running)
    assert right(said) and "0.551" in said.words
    assert wrong(running_average(mistaken), words)


def steps_until(answer, steps=300):
    return checks.steps_until(answer, momentum=0.99, steps=steps)


def until(share, momentum):
    return math.log(share) / math.log(momentum)


@pytest.mark.parametrize(
    ("mistaken", "words"),
    [
        (lambda share, momentum: (1 - share) / (1 - momentum), "use logarithms"),
        (lambda share, momentum: math.log(momentum) / math.log(share), "upside down"),
        (lambda share, momentum: until(1 - share, momentum), "1 - share"),
        (lambda share, momentum: 458.2, "For 0.01, 0.9997"),
    ],
)
def test_steps_until_little_is_left_follow_from_logarithms(mistaken, words):
    assert right(steps_until(until)) and right(steps_until(lambda *case: math.ceil(until(*case))))
    assert wrong(steps_until(mistaken), words)


def test_whether_this_recipe_has_enough_steps_is_told():
    assert "has 300: not enough" in steps_until(until).words
    assert "has 1,000: enough" in steps_until(until, steps=1000).words


def hours(answer):
    return checks.hours_for_coco(answer, photos=100_000, step_seconds=0.72, batch_size=8)


@pytest.mark.parametrize(
    ("factor", "words"),
    [(3600, "seconds"), (60, "minutes"), (1 / 24, "days"), (8, "not one"), (64, "divide"), (3.3, "How many steps")],
)
def test_hours_that_are_off_by_a_factor_are_explained(factor, words):
    assert right(hours(2.5)) and right(hours(2.52))
    assert wrong(hours(2.5 * factor), words)


FROM_04_TO_06 = (
    starts_anew,
    lambda answer: checks.how_far_to_freeze(answer, SAVED, HELD),
    steps_to_pay,
    recall_at,
    all_alike,
    precision_and_recall,
    cup_like,
    running_average,
    steps_until,
    hours,
)


@pytest.mark.parametrize("judge", FROM_04_TO_06)
def test_open_and_absurd_answers_to_04_05_and_06_are_taken_kindly(judge):
    assert is_open(judge(...))
    for answer in ABSURD:
        verdict = judge(answer)
        assert not verdict.right and "<script>" not in verdict._repr_markdown_()


@pytest.mark.parametrize(
    "judge", [starts_anew, steps_to_pay, recall_at, precision_and_recall, running_average, steps_until]
)
def test_a_function_without_an_answer_in_04_05_and_06_is_open(judge):
    assert is_open(judge(lambda *_: None)) and is_open(judge(lambda *_: ...))


# 07 · Compare the strategies


def apart(ours, theirs):
    return min(len(ours), len(theirs)) > 1 and (min(ours) > max(theirs) or min(theirs) > max(ours))


def mean(values):
    return sum(values) / len(values)


def test_apart_is_where_every_run_of_the_one_beats_every_run_of_the_other():
    assert right(checks.apart(apart))
    assert right(checks.apart(lambda *lists: np.bool_(apart(*lists))))
    assert is_open(checks.apart(...)) and is_open(checks.apart(lambda ours, theirs: ...))


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda ours, theirs: False, "wholly above"),
        (lambda ours, theirs: len(ours) > 1 and min(ours) > max(theirs), "exchanged"),
        (lambda ours, theirs: mean(ours) != mean(theirs), "higher mean is not enough"),
        (lambda ours, theirs: min(ours) > max(theirs) or min(theirs) > max(ours), "One run alone"),
        (lambda ours, theirs: abs(mean(ours) - mean(theirs)), "`True` or `False`"),
    ],
)
def test_what_is_not_apart_is_told_why(function, words):
    assert wrong(checks.apart(function), words)


HISTORIES = {
    "tuned": [{"seconds": 60.0, "AP": None}, {"seconds": 90.0, "AP": 0.31}, {"seconds": 600.0, "AP": 0.7}],
    "begun": [{"seconds": 60.0, "AP": 0.0}, {"seconds": 1200.0, "AP": 0.3}],
    "hopeless": [{"seconds": 60.0, "AP": 0.01}],
}


def first(history, wanted, unit=60, key="seconds"):
    reached = [row[key] for row in history if row["AP"] is not None and row["AP"] >= wanted]
    return reached[0] / unit if reached else math.inf


def test_minutes_until_an_ap_are_compared_where_runs_reach_it():
    verdict = checks.minutes_until(first, HISTORIES)
    assert right(verdict)
    assert "0.30" in verdict.words and "tuned: 1.5; begun: 20.0" in verdict.words and "hopeless" not in verdict.words
    assert right(checks.minutes_until(first, {"hopeless": HISTORIES["hopeless"]}))
    assert is_open(checks.minutes_until(lambda history, wanted: ..., HISTORIES))


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda history, wanted: first(history, wanted, unit=1), "seconds"),
        (lambda history, wanted: first(history, wanted, unit=1, key="step"), "step"),
        (lambda history, wanted: first(history[::-1], wanted), "Wanted is the first"),
        (lambda history, wanted: first(history, wanted + 1e-9), "`>=`"),
        (lambda history, wanted: next(row["seconds"] / 60 for row in history if row["AP"] >= wanted), "`None`"),
        (lambda history, wanted: first(history, wanted) if wanted < 0.8 else None, "math.inf"),
        (lambda history, wanted: first(history, wanted) if wanted < 0.8 else -1, "math.inf"),
        (lambda history, wanted: 3.0, "at 3"),
    ],
)
def test_minutes_that_are_none_are_told_why(function, words):
    assert wrong(checks.minutes_until(function, HISTORIES), words)


def test_a_prediction_is_right_where_it_holds_the_truth_and_says_something():
    assert right(checks.interval((0.1, 0.5), 0.3)) and right(checks.interval([0.3, 0.3], 0.3))
    assert is_open(checks.interval(..., 0.3)) and is_open(checks.interval((0.1, 0.5), None))
    assert wrong(checks.interval((0.1, 0.2), 0.3), "0.30", "more")
    assert wrong(checks.interval((0.4, 0.5), 0.3), "0.30", "less")
    assert wrong(checks.interval((0.0, 1.0), 0.3), "Dare")
    assert wrong(checks.interval((0.5, 0.1), 0.3), "lower number comes first")
    assert wrong(checks.interval((10, 50), 0.3), "between 0 and 1")
    assert wrong(checks.interval(0.3, 0.3), "2 numbers")


def needed(rungs, wanted, scale=math.log, back=math.exp):
    sizes, scores = zip(*rungs)
    return math.inf if wanted > scores[-1] else back(np.interp(wanted, scores, [scale(size) for size in sizes]))


def test_photos_needed_are_read_off_within_what_was_measured():
    assert right(checks.photos_needed(needed))
    assert right(checks.photos_needed(lambda *known: needed(*known, scale=math.log10, back=lambda x: 10**x)))
    assert is_open(checks.photos_needed(lambda rungs, wanted: ...))


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda *known: needed(*known, scale=float, back=float), "interpolate the logarithms"),
        (lambda *known: needed(*known, back=float), "Turn it back"),
        (lambda *known: 2 * needed(*known), "half-way"),
        (lambda rungs, wanted: min(needed(rungs, wanted), 1000), "nobody has measured"),
        (lambda rungs, wanted: needed(rungs, wanted) if wanted < 0.5 else None, "math.inf"),
    ],
)
def test_photos_that_nobody_needs_are_told_why(function, words):
    assert wrong(checks.photos_needed(function), words)


@pytest.mark.parametrize("answer", ABSURD, ids=repr)
def test_nothing_absurd_is_right_in_the_comparison(answer):
    for check in (checks.apart, checks.photos_needed):
        assert not check(answer).right
    assert not checks.minutes_until(answer, HISTORIES).right
    assert not checks.interval(answer, 0.3).right


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


def kept(boxes, overlap=0.6, against="kept"):
    stay = []
    for place, box in enumerate(boxes):
        others = boxes[stay] if against == "kept" else boxes[:place]
        if not (anchors.iou(box[None], others)[0] > overlap).any():
            stay.append(place)
    return stay


PHOTO = np.array([(0, 0, 0.4, 0.4), (0, 0.02, 0.4, 0.42), (0.5, 0.5, 0.9, 0.9)], np.float32)


def test_once_leaves_what_the_library_leaves():
    verdict = checks.once(kept, PHOTO)
    assert right(verdict) and "Of 3 boxes 2 stay" in verdict.words
    assert right(checks.once(lambda boxes: np.array(kept(boxes)), PHOTO)) and right(checks.once(kept, PHOTO[:0]))
    assert is_open(checks.once(lambda boxes: ..., PHOTO))
    assert SAME == detector.NMS_IOU


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda boxes: kept(boxes, against="all"), "the third stays"),
        (lambda boxes: range(len(boxes)), "drops nothing"),
        (lambda boxes: [0], "0, 2 and 3 stay"),
        (lambda boxes: kept(boxes, 0.4), "both stay"),
        (lambda boxes: kept(boxes) if len(boxes) != 3 else [0], "instead of"),
        (lambda boxes: "many", "list of places"),
    ],
)
def test_boxes_that_should_not_stay_or_go_are_told_why(function, words):
    assert wrong(checks.once(function, PHOTO), words)


ROWS = [
    {"threshold": 0.1, "right": 9, "found": 40, "labelled": 10, "F1": 0.36},
    {"threshold": 0.2, "right": 8, "found": 12, "labelled": 10, "F1": 0.73},
    {"threshold": 0.3, "right": 7, "found": 8, "labelled": 10, "F1": 0.78},
    {"threshold": 0.35, "right": 6, "found": 6, "labelled": 10, "F1": 0.75},
    {"threshold": 0.4, "right": 1, "found": 1, "labelled": 10, "F1": 0.18},
]


def test_the_cheapest_threshold_is_the_one_at_which_both_mistakes_cost_least():
    verdict = checks.cheapest(0.2, ROWS, 5, 1)
    assert right(verdict) and "14 cents" in verdict.words and "16" in verdict.words
    assert right(checks.cheapest(0.21, ROWS, 5, 1)) and is_open(checks.cheapest(..., ROWS, 5, 1))
    assert wrong(checks.cheapest(0.3, ROWS, 5, 1), "F1")
    assert wrong(checks.cheapest(0.4, ROWS, 5, 1), "45") and wrong(checks.cheapest(0.4, ROWS, 5, 1), "the most")
    assert wrong(checks.cheapest(0.35, ROWS, 5, 1), "exchanged")
    assert wrong(checks.cheapest(20, ROWS, 5, 1), "0.10 to 0.40")


def by_hand(table):
    hits = sum(number for (label, said), number in table.items() if label == said)
    found = sum(number for (_, said), number in table.items() if said != "missed")
    there = sum(number for (label, _), number in table.items() if label != "invented")
    return hits, found, there


def test_precision_and_recall_come_of_a_confusion_table():
    def answer(table):
        hits, found, there = by_hand(table)
        return hits / found, hits / there

    assert right(checks.precision_and_recall_of(answer)) and is_open(checks.precision_and_recall_of(lambda table: None))
    assert wrong(checks.precision_and_recall_of(lambda table: answer(table)[::-1]), "wrong way round")
    assert wrong(checks.precision_and_recall_of(lambda table: [100 * each for each in answer(table)]), "percentages")


@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda hits, found, there, confused, every: (hits / every, hits / there), "all outcomes"),
        (lambda hits, found, there, confused, every: (hits / (found - confused), hits / there), "counts twice"),
        (lambda hits, found, there, confused, every: (hits / found, hits / (there - confused)), "counts twice"),
        (lambda hits, found, there, confused, every: ((hits + confused) / found, hits / there), "diagonal"),
        (lambda hits, found, there, confused, every: (0.1, 0.2), "0.10, 0.20"),
        (lambda hits, found, there, confused, every: hits / found, "2 numbers"),
    ],
)
def test_fractions_that_are_neither_are_told_why(answer, words):
    def function(table):
        hits, found, there = by_hand(table)
        missed, invented = (sum(n for pair, n in table.items() if name in pair) for name in ("missed", "invented"))
        return answer(hits, found, there, there - hits - missed, there + invented)

    assert wrong(checks.precision_and_recall_of(function), words)


NAMES_SAID = ["natural", "peach", "vanilla"]
CONFUSED = {
    ("peach", "peach"): 30, ("peach", "vanilla"): 3, ("vanilla", "peach"): 3, ("natural", "vanilla"): 4,
    ("natural", "missed"): 20, ("invented", "peach"): 9,
}  # fmt: skip


def test_the_pair_to_label_is_confused_most_both_ways_together():
    verdict = checks.pair_to_label(("vanilla", "peach"), CONFUSED, NAMES_SAID)
    assert right(verdict) and "peach and vanilla are confused 6 times" in verdict.words
    assert right(checks.pair_to_label({"vanilla", "peach"}, CONFUSED, NAMES_SAID))
    assert right(checks.pair_to_label(["natural", "peach"], {}, NAMES_SAID)) and is_open(
        checks.pair_to_label(..., {}, NAMES_SAID)
    )
    assert wrong(checks.pair_to_label(("natural", "vanilla"), CONFUSED, NAMES_SAID), "one direction")
    assert wrong(checks.pair_to_label(("natural", "peach"), CONFUSED, NAMES_SAID), "0 times")
    assert wrong(checks.pair_to_label(("natural", "missed"), CONFUSED, NAMES_SAID), "'missed' is no flavour")
    assert wrong(checks.pair_to_label("peach", CONFUSED, NAMES_SAID), "Two different")
    assert wrong(checks.pair_to_label(("peach", "peach"), CONFUSED, NAMES_SAID), "Two different")


@pytest.mark.parametrize("answer", ABSURD, ids=repr)
def test_nothing_absurd_is_right_in_detecting(answer):
    assert not checks.once(answer, PHOTO).right
    assert not checks.cheapest(answer, ROWS, 5, 1).right
    assert not checks.precision_and_recall_of(answer).right
    assert not checks.pair_to_label(answer, CONFUSED, NAMES_SAID).right


# 10 · Your own data


def finding(name: str, kind: Kind) -> Finding:
    return Finding(pathlib.Path("annotations") / name, "words", kind)


FOUND = [finding("0001.jpg", Kind.BROKEN_PHOTO), finding("0003.xml", Kind.REVERSED_BOX), finding("5.xml", Kind.NO_AREA)]


@pytest.mark.parametrize("answer", [{"0001", "5"}, ["0001.jpg", "5.xml"]])
def test_to_be_mended_are_the_photos_that_were_set_aside(answer):
    assert right(checks.photos_to_mend(answer, FOUND))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"0001", "0003", "5"}, "0003 is repaired"),
        ({"0001"}, "1 more cannot be used"),
        (set(), "2 more cannot be used"),
        ({"0009"}, "called '0009'"),
        ({1, 5}, "A set of photos"),
    ],
)
def test_a_photo_too_many_or_too_few_to_mend_is_named(answer, said):
    assert wrong(checks.photos_to_mend(answer, FOUND), said)


@dataclasses.dataclass
class Labelled:
    """A data set of ten photos, of which two are kept back."""

    samples = range(10)

    def split(self):
        return list(range(8)), list(range(2))


def test_each_photo_is_seen_as_often_as_photos_are_shown_for_each_one_trained_on():
    assert right(checks.times_seen(150 * 8 / 8, settings.recipe("workshop", steps=150), Labelled()))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (120, "kept back for the test"),
        (150 / 8, "a whole batch"),
        (15, "and some photos are kept back"),
        (300, "half of the recipe's already"),
        (1200, "Among how many"),
        (8 / 1200, "upside down"),
        (7, "Steps times photos a step"),
    ],
)
def test_a_wrong_count_of_views_is_explained(answer, said):
    assert wrong(checks.times_seen(answer, settings.recipe("workshop", steps=150), Labelled()), said)


THRESHOLDS = [
    {"threshold": 0.1, "missed": 0, "false alarms": 9},
    {"threshold": 0.3, "missed": 1, "false alarms": 3},
    {"threshold": 0.5, "missed": 3, "false alarms": 0},
    {"threshold": 0.7, "missed": 5, "false alarms": 0},
]


def test_the_cheapest_threshold_weighs_misses_and_false_alarms_by_what_they_cost():
    assert right(checks.cheapest_threshold(0.3, THRESHOLDS, 5, 1)) and right(
        checks.cheapest_threshold(0.5, THRESHOLDS, 1, 5)
    )


@pytest.mark.parametrize(
    ("answer", "rows", "said"),
    [
        (0.5, THRESHOLDS, "you swapped them"),
        (
            0.5,
            [*THRESHOLDS[:2], {"threshold": 0.5, "missed": 2, "false alarms": 1}, THRESHOLDS[3]],
            "the fewest mistakes",
        ),
        (0.1, THRESHOLDS, "cost 9. There is a threshold at which they cost 8"),
        (0.2, THRESHOLDS, "none of the thresholds"),
        (float("nan"), THRESHOLDS, "none of the thresholds"),
    ],
)
def test_a_dearer_threshold_is_explained(answer, rows, said):
    assert wrong(checks.cheapest_threshold(answer, rows, 5, 1), said)


@pytest.mark.parametrize("answer", ABSURD, ids=repr)
def test_no_odd_answer_about_your_own_data_raises_or_is_right(answer):
    known = [
        (checks.photos_to_mend, FOUND),
        (checks.times_seen, settings.recipe("quick"), Labelled()),
        (checks.cheapest_threshold, THRESHOLDS, 5, 1),
    ]
    for check, *rest in known:
        verdict = check(answer, *rest)
        assert wrong(verdict) and "<script>" not in verdict._repr_markdown_() and is_open(check(..., *rest))


# 11 · Scale out


def whole(losses, matched):
    return sum(loss * max(count, 1) for loss, count in zip(losses, matched, strict=True)) / sum(matched)


def test_the_loss_of_the_whole():
    assert right(checks.loss_of_the_whole(whole))
    assert is_open(checks.loss_of_the_whole(...)) and is_open(checks.loss_of_the_whole(lambda losses, matched: ...))
    assert wrong(checks.loss_of_the_whole(lambda losses, matched: sum(losses) / len(losses)), "plain mean")
    assert wrong(checks.loss_of_the_whole(lambda losses, matched: sum(losses)), "add the losses")
    assert wrong(checks.loss_of_the_whole(lambda losses, matched: whole(losses, matched) * sum(matched)), "divided")
    without_one = lambda losses, matched: sum(a * b for a, b in zip(losses, matched)) / sum(matched)  # noqa: E731
    assert wrong(checks.loss_of_the_whole(without_one), "divided by one")
    assert wrong(checks.loss_of_the_whole(lambda losses, matched: 7), "yours is 7")
    assert wrong(checks.loss_of_the_whole(lambda losses: 7), "TypeError")


def test_how_many_photos_each_worker_needs():
    a_photo, link = 0.04, 0.125
    for answer in (9 * link / a_photo, 29):
        assert right(checks.photos_each(answer, a_photo, link))
    for answer, words in (
        (10 * link / a_photo, "both together"), (9 * link / 8 / a_photo, "factor of eight"),
        (9 * link * 8 / a_photo, "factor of eight"), (link / a_photo, "half of the step"),
        (9 * link, "How many photos"), (100, "the link takes 3%"), (-1, "above zero"), (float("nan"), "above zero"),
    ):  # fmt: skip
        assert wrong(checks.photos_each(answer, a_photo, link), words)
    assert is_open(checks.photos_each(..., a_photo, link))


@pytest.mark.parametrize("answer", ABSURD, ids=repr)
def test_no_absurd_answer_about_scaling_out_is_right(answer):
    for verdict in (checks.loss_of_the_whole(answer), checks.photos_each(answer, 0.04, 0.125)):
        assert not verdict.right and "<script>" not in verdict._repr_markdown_()

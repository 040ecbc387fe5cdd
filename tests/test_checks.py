"""What the checks say of right answers, of wrong ones, and of none."""

import math

import numpy as np
import pytest

from workshop_utils import checks

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
    return checks._right("Twice.") if checks._number(answer) == 2 * number else checks._wrong("Not twice.")


@checks.check
def doubles(function, number):
    return checks._right("Twice.") if checks._called(function, number) == 2 * number else checks._wrong("Not twice.")


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


# One section a notebook, in the order of workshop_utils/checks.py


# 00 · Start here


# 01 · Why transfer learning


# 02 · Label images


# 03 · Build the pipeline


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


# 08 · Export the checkpoint


# 09 · Detect and classify


# 10 · Your own data


# 11 · Scale out

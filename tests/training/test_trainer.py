import csv
import dataclasses
import json
import re
import shutil

import filelock
import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import first_photos, interrupting
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from training_runs import train

from workshop_utils.core import settings
from workshop_utils.data import dataset
from workshop_utils.evaluation import average_precision
from workshop_utils.model import architectures, losses
from workshop_utils.training import batches, callbacks, run_folder, schedule, strategies, train_step, trainer
from workshop_utils.training.fast import precision
from workshop_utils.training.plan import Plan

SHORT = {
    "warmup": 0,
    "learning_rate": 0.003,
    "steps": 4,
    "photos": 10,
    "batch_size": 2,
    "evaluate_every": 2,
    "checkpoint_every": 2,
}
RECIPE = settings.recipe("quick", **SHORT)
TRAIN_FROM = "block_16_project_BN"
FROZEN = {"train_from": TRAIN_FROM, "thaw": 0.0}  # a short tail compiles in a few seconds; see test_schedule.py


@pytest.fixture(scope="module", autouse=True)
def in_float32():
    """Compute in float32 on any machine, so that compiled and uncompiled steps agree closely."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(precision.VARIABLE, "float32")
        yield


@pytest.fixture(scope="module")
def cups(tmp_path_factory):
    """The folder of a data set of twenty of the workshop's photos."""
    return first_photos(tmp_path_factory.mktemp("data") / "cups", 20)


@pytest.fixture(scope="module")
def data(cups):
    return dataset.load(cups)


@pytest.fixture(scope="module")
def watched():
    """The calls of `watch` in the finished run: each row, and the steps in history.csv at that moment."""
    return []


@pytest.fixture(scope="module")
def finished(data, cups, watched, tmp_path_factory):
    """A complete run of four real steps, never interrupted."""
    run = run_folder.RunFolder(tmp_path_factory.mktemp("runs") / "whole")

    def watch(row):
        watched.append((row, [each["step"] for each in run.history()]))

    return train("fine_tune", data, RECIPE, run.folder, cups, watch=watch, **FROZEN)


@pytest.fixture(scope="module")
def final_model(finished):
    return trainer.load_model(finished)[0]


@pytest.fixture
def uncompiled():
    """Do not compile, because compiling takes longer than a few steps."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


def steps_on_the_board(run: run_folder.RunFolder) -> list[int]:
    events = EventAccumulator(str(run.folder / "tensorboard")).Reload()
    return [event.step for event in events.Tensors("loss")]


def number_learnt(run: run_folder.RunFolder) -> float:
    return float(trainer.load_model(run)[0].get_layer("number").bias[0])


# What a run leaves behind


def test_a_run_records_its_plan(finished, data, cups):
    assert json.loads((finished.folder / "recipe.json").read_text())["recipe"]["steps"] == 4
    assert finished.plan == Plan.of(data, "fine_tune", RECIPE, source=cups, **FROZEN)


def test_the_history_has_a_row_for_each_measured_ap_and_loss_is_the_sum_of_its_parts(finished):
    rows = finished.history()
    assert [row["step"] for row in rows] == [2, 4]
    for row in rows:
        assert row["loss"] == pytest.approx(row["localisation"] + row["classification"], rel=1e-5)
        assert row["loss"] > 0 and 0 <= row["AP"] <= row["AP50"] <= 1
    assert 0 < rows[0]["seconds"] < rows[1]["seconds"]
    assert rows[0]["learning_rate"] == pytest.approx(0.003 / 2) and rows[1]["learning_rate"] == 0


def test_each_row_is_on_the_disk_before_it_is_shown(finished, watched):
    assert [steps for _, steps in watched] == [[2], [2, 4]]
    for (row, _), written in zip(watched, finished.history(), strict=True):
        assert row == pytest.approx(written, rel=1e-6)


def test_checkpoints_are_written_as_often_as_the_recipe_says(finished):
    assert finished.steps() == [2, 4]


def test_tensorboard_shows_loss_and_average_precision(finished):
    events = EventAccumulator(str(finished.folder / "tensorboard")).Reload()
    assert {"loss", "localisation", "classification", "AP", "AP50"} <= set(events.Tags()["tensors"])
    assert [event.step for event in events.Tensors("loss")] == [2, 4]
    values = [float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors("loss")]
    assert values == pytest.approx([row["loss"] for row in finished.history()], rel=1e-5)


def test_the_metrics_are_those_of_the_last_checkpoint_on_the_validation_photos(finished, final_model, data):
    again = average_precision.evaluate(final_model, data.split(10)[1], data.label_map).as_json()
    metrics = finished.metrics()
    assert metrics["AP50"] == pytest.approx(again["AP50"], abs=1e-4)
    assert metrics["per_class"].keys() == again["per_class"].keys()
    assert metrics["AP"] == pytest.approx(finished.history()[-1]["AP"], abs=1e-6)


def test_a_checkpoint_is_loaded_by_its_step(finished, final_model, data):
    early, names = trainer.load_model(finished, 2)
    assert names == data.label_map
    assert (early.get_layer("class_0").get_weights()[0] != final_model.get_layer("class_0").get_weights()[0]).any()


def test_frozen_layers_in_the_checkpoint_equal_cocos(final_model, coco):
    for name in ("Conv1", "block_5_expand", "block_16_project"):
        kernels = [model.get_layer(name).get_weights()[0] for model in (final_model, coco)]
        np.testing.assert_array_equal(*kernels)


# Training again in the same folder


def test_a_second_identical_call_trains_nothing_and_says_so(finished, data, monkeypatch, capsys):
    before = {path: path.stat().st_mtime_ns for path in finished.folder.rglob("*") if path.name != "lock"}
    monkeypatch.setattr(strategies.Strategy, "start", lambda *_, **__: pytest.fail("it began to train"))
    train("fine_tune", data, RECIPE, finished.folder, "moved elsewhere", watch=pytest.fail, **FROZEN)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert str(finished.folder) in capsys.readouterr().out


def test_another_recipe_is_refused_with_both_values(finished, data):
    other = settings.recipe("quick", **SHORT | {"steps": 7, "learning_rate": 0.5})
    with pytest.raises(run_folder.RunFolderError) as caught:
        train("fine_tune", data, other, finished.folder, **FROZEN)
    said = str(caught.value)
    assert str(finished.folder) in said
    was, now = said.split(" and is now ")
    assert "4" in was and "0.003" in was and "7" in now and "0.5" in now


@pytest.mark.parametrize(("strategy", "train_from"), [("random_init", None), ("fine_tune", "block_2_add")])
def test_another_strategy_is_refused_with_both_values(finished, data, strategy, train_from):
    with pytest.raises(run_folder.RunFolderError) as caught:
        train(strategy, data, RECIPE, finished.folder, train_from=train_from)
    assert re.search(f"train_from.*{TRAIN_FROM}.*{train_from}", str(caught.value))
    assert strategy == "fine_tune" or re.search("strategy.*fine_tune.*random_init", str(caught.value))


def test_other_photos_are_refused(finished, data):
    fewer = dataset.Dataset(data.samples[:-1], data.label_map)
    with pytest.raises(run_folder.RunFolderError, match=f"fingerprint.*{data.fingerprint()}.*{fewer.fingerprint()}"):
        train("fine_tune", fewer, RECIPE, finished.folder, **FROZEN)


def test_a_folder_in_which_another_process_trains_is_refused(tmp_path, data, monkeypatch):
    monkeypatch.setattr(strategies.Strategy, "start", lambda *_, **__: pytest.fail("it began to train"))
    with (
        filelock.FileLock(tmp_path / "lock"),
        pytest.raises(run_folder.RunFolderError, match=str(tmp_path)),
    ):
        train("random_init", data, RECIPE, tmp_path)


# Reproducibility


@pytest.mark.long  # short: runs that were killed and resumed end with the same weights
def test_the_same_recipe_and_seed_give_the_same_weights_and_the_same_ap(finished, final_model, data, tmp_path):
    again = train("fine_tune", data, RECIPE, tmp_path, "", **FROZEN)
    assert {key: again.metrics()[key] for key in ("AP", "AP50", "AP75")} == pytest.approx(
        {key: finished.metrics()[key] for key in ("AP", "AP50", "AP75")}, abs=5e-5
    )
    for ours, wanted in zip(trainer.load_model(again)[0].get_weights(), final_model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=0, atol=1e-6)


# Killed and resumed: real steps


TRAIN_AND_HANG_AFTER_TWO_STEPS = """
import json, sys, time
import tensorflow as tf
from training_runs import train
from workshop_utils.core import settings
from workshop_utils.data import dataset
from workshop_utils.training import callbacks

def watch(row):
    print("at work", flush=True)
    time.sleep(600)

tf.config.run_functions_eagerly(True)
callbacks.SAVE_EVERY_SECONDS = 0
cups, folder, train_from, recipe = sys.argv[1:]
recipe = settings.recipe("quick", **json.loads(recipe))
train("fine_tune", dataset.load(cups), recipe, folder, cups, train_from, watch, thaw=0.0)
"""


def test_a_killed_run_frees_its_folder_and_resumes_to_the_same_weights(
    finished, final_model, data, cups, tmp_path, capsys, uncompiled, forks
):
    folder = tmp_path / "killed"
    child = forks.start(TRAIN_AND_HANG_AFTER_TWO_STEPS, [cups, folder, TRAIN_FROM, json.dumps(SHORT)])
    try:
        child.wait_for("at work")
        with pytest.raises(run_folder.RunFolderError, match=str(folder)):
            train("fine_tune", data, RECIPE, folder, "", **FROZEN)
    finally:
        child.kill()
    run = train("fine_tune", data, RECIPE, folder, "", **FROZEN)
    assert "step 2\n" in capsys.readouterr().out
    assert [row["step"] for row in run.history()] == [2, 4]
    for ours, wanted in zip(trainer.load_model(run)[0].get_weights(), final_model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=0, atol=1e-5)


# Interrupted and resumed at any moment: pretended steps

LONG = settings.recipe("quick", steps=25, photos=10, batch_size=2, evaluate_every=20, checkpoint_every=10)


def interrupt_at(step: int):
    """Return a `watch` that raises KeyboardInterrupt when the row of this step is written."""

    def watch(row):
        if row["step"] == step:
            raise KeyboardInterrupt

    return watch


RESUMED = r"^\D* step (\d+)$"
"""A line that says at which step training resumes."""


@pytest.mark.parametrize("step", [10, 20, 25])
def test_a_run_stopped_at_any_row_resumes_and_completes(data, tmp_path, pretended, capsys, step):
    whole = train("random_init", data, LONG, tmp_path / "whole")
    folder = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        train("random_init", data, LONG, folder, watch=interrupt_at(step))
    assert not re.search(RESUMED, capsys.readouterr().out, re.MULTILINE)
    run = train("random_init", data, LONG, folder)
    resumed = re.search(RESUMED, capsys.readouterr().out, re.MULTILINE)
    assert 0 < int(resumed[1]) <= step
    assert run.steps() == whole.steps() == [10, 20, 25]
    assert [row["step"] for row in run.history()] == [row["step"] for row in whole.history()] == [10, 20, 25]
    assert number_learnt(run) == pytest.approx(number_learnt(whole), abs=1e-6)
    assert run.metrics() == whole.metrics()
    assert steps_on_the_board(run) == [10, 20, 25], "no step occurs twice"


@pytest.mark.parametrize(("learns", "wanted"), [(True, {"float32"}), (False, {"bfloat16", "float32"})])
def test_training_prints_its_device_and_precision_in_one_line(
    data, tmp_path, pretended, capsys, monkeypatch, learns, wanted
):
    monkeypatch.setenv(precision.VARIABLE, "bfloat16")
    strategy = dataclasses.replace(strategies.get("random_init"), batch_norm_learns=learns)
    monkeypatch.setitem(strategies.STRATEGIES, "random_init", strategy)
    train("random_init", data, settings.recipe("quick", steps=2, photos=10, batch_size=2), tmp_path)
    (line,) = re.findall(r"^.*float32.*$", capsys.readouterr().out, re.MULTILINE)
    assert set(re.findall(r"b?float\d+", line)) == wanted


def test_work_missed_at_the_step_of_the_last_state_is_done_on_resuming(data, tmp_path, pretended):
    """Killed after saving the state and before anything else, as by a power cut."""
    whole = train("random_init", data, LONG, tmp_path / "whole")
    folder = tmp_path / "stopped"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(callbacks, "SAVE_EVERY_SECONDS", 0)
        with interrupting(patch, run_folder.RunFolder, "save_checkpoint", 2):
            train("random_init", data, LONG, folder)
    run = run_folder.RunFolder(folder)
    assert run.steps() == [10] and [row["step"] for row in run.history()] == [10]
    train("random_init", data, LONG, folder)
    assert run.steps() == whole.steps()
    compared = ("step", "loss", "localisation", "AP", "AP50")
    rows = [[[row[key] for key in compared] for row in each.history()] for each in (run, whole)]
    assert rows[0] == rows[1], "the mean losses are complete, although it stopped between two rows"
    assert number_learnt(run) == pytest.approx(number_learnt(whole), abs=1e-6)


def test_a_last_checkpoint_that_was_deleted_is_written_again_from_the_state(data, tmp_path, pretended):
    run = train("random_init", data, LONG, tmp_path)
    number = number_learnt(run)
    run.checkpoint(25).unlink()
    train("random_init", data, LONG, tmp_path)
    assert run.steps() == [10, 20, 25] and number_learnt(run) == number


def test_with_a_damaged_state_training_resumes_from_the_one_before_and_ends_the_same(
    data, tmp_path, pretended, capsys, monkeypatch
):
    whole = train("random_init", data, LONG, tmp_path / "whole")
    monkeypatch.setattr(callbacks, "SAVE_EVERY_SECONDS", 0)
    with pytest.raises(KeyboardInterrupt):
        train("random_init", data, LONG, tmp_path / "damaged", watch=interrupt_at(20))
    run = run_folder.RunFolder(tmp_path / "damaged")
    state = run.checkpoints / "state.npz"
    state.write_bytes(state.read_bytes()[:-300])
    train("random_init", data, LONG, run.folder)
    printed = capsys.readouterr()
    assert str(state) in printed.err and "Resuming at step 19\n" in printed.out
    assert number_learnt(run) == pytest.approx(number_learnt(whole), abs=1e-6)
    assert steps_on_the_board(run) == [row["step"] for row in run.history()] == [10, 20, 25]


@pytest.mark.parametrize("time", [1, 2])
def test_a_run_stopped_while_measuring_resumes_and_completes(data, tmp_path, pretended, monkeypatch, time):
    measured, calls = trainer.evaluate, []

    def stop_once(*arguments):
        calls.append(arguments)
        if len(calls) == time:
            raise KeyboardInterrupt
        return measured(*arguments)

    monkeypatch.setattr(trainer, "evaluate", stop_once)
    with pytest.raises(KeyboardInterrupt):
        train("random_init", data, LONG, tmp_path)
    run = train("random_init", data, LONG, tmp_path)
    assert run.steps() == [10, 20, 25]
    assert [(row["step"], row["AP50"]) for row in run.history()] == [(10, None), (20, 0.2), (25, 0.2)]
    assert run.metrics()["AP50"] == 0.2


def test_at_most_ten_seconds_of_training_are_lost(data, tmp_path, pretended, monkeypatch):
    """The clock advances one second at each call, so a step takes two seconds or slightly more."""
    clock, saved = [0.0], []
    save = run_folder.RunFolder.save_state

    def look():
        clock[0] += 1
        return clock[0]

    def watched_save(self, variables, progress):
        saved.append((progress.step, clock[0]))
        save(self, variables, progress)

    monkeypatch.setattr(trainer.time, "monotonic", look)
    monkeypatch.setattr(run_folder.RunFolder, "save_state", watched_save)
    train("random_init", data, LONG, tmp_path)
    assert saved[-1][0] == 25
    times = [0, *(time for _, time in saved)]
    assert clock[0] > 40 and np.diff(times).max() <= 10, "including the current step"


def test_an_unmeasured_score_is_an_empty_cell_and_null_not_0(data, tmp_path, pretended, monkeypatch):
    nothing = {"AP": None, "AP50": None, "AP75": None, "per_class": {"peach": None}, "reason": "no photo"}
    monkeypatch.setattr(trainer, "evaluate", lambda *_: dict(nothing))
    run = train("random_init", data, LONG, tmp_path)
    assert [(row["step"], row["AP"], row["AP50"]) for row in run.history()] == [
        (10, None, None), (20, None, None), (25, None, None)
    ]  # fmt: skip
    assert run.history_file.read_text().splitlines()[-1].endswith(",,")
    assert run.metrics() == nothing
    assert "AP50" not in EventAccumulator(str(run.folder / "tensorboard")).Reload().Tags()["tensors"]
    (run.folder / "metrics.json").unlink()
    assert train("random_init", data, LONG, tmp_path).metrics() == nothing


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), trainer.MAX_LOSS])
def test_training_stops_at_the_first_step_with_a_meaningless_loss(data, tmp_path, pretended, monkeypatch, loss):
    make_step = trainer.make_step

    def diverging(model, optimizer, *rest):
        step = make_step(model, optimizer, *rest)

        def once(*batch):
            losses = step(*batch)
            return losses if int(optimizer.iterations) < 13 else (tf.constant(loss), losses[1])

        return once

    monkeypatch.setattr(trainer, "make_step", diverging)
    with pytest.raises(trainer.TrainingError, match=f"step 13.*{LONG.of('random_init').learning_rate:g}"):
        train("random_init", data, LONG, tmp_path)
    run = run_folder.RunFolder(tmp_path)
    assert run.steps() == [10] and np.isfinite(number_learnt(run))
    assert not (tmp_path / "metrics.json").exists()


def test_the_history_has_a_row_every_ten_steps_and_ap_only_if_it_was_measured(data, tmp_path, pretended):
    run = train("random_init", data, LONG, tmp_path)
    assert [(row["step"], row["AP50"]) for row in run.history()] == [(10, None), (20, 0.2), (25, 0.2)]
    with open(run.folder / "history.csv", newline="") as stream:
        assert tuple(next(csv.reader(stream))) == run_folder.COLUMNS


def test_each_batch_is_used_once_and_in_order(data, tmp_path, pretended):
    run = train("random_init", data, LONG, tmp_path)
    samples, _ = data.split(10)
    number = 0.0
    for step in range(25):
        number = number * 1.01 + batches.batch(samples, data.label_map, step, 2, LONG.seed)[0].mean()
    assert number_learnt(run) == pytest.approx(number, abs=1e-5)


# Strategies that train nothing, invalid checkpoints


@pytest.fixture(scope="module")
def as_is(data, tmp_path_factory):
    return train("as_is", data, RECIPE, tmp_path_factory.mktemp("runs") / "as_is")


def test_as_is_trains_nothing_and_is_scored_by_flavour_and_class_agnostically(as_is, data):
    assert as_is.steps() == [] and as_is.history() == []
    metrics = as_is.metrics()
    assert metrics["AP50"] == 0, "it cannot tell flavours apart"
    flavours = {name for sample in data.split(10)[1] for name in sample.classes}
    assert metrics["per_class"] == {name: 0.0 if name in flavours else None for name in data.label_map.values()}
    assert metrics["class_agnostic"]["AP50"] > 0.1, "but it finds the cups"


def test_as_is_is_measured_once_and_says_so(as_is, data, monkeypatch, capsys):
    monkeypatch.setattr(trainer, "evaluate", lambda *_: pytest.fail("it was measured again"))
    train("as_is", data, RECIPE, as_is.folder)
    assert str(as_is.folder) in capsys.readouterr().out


def test_the_model_of_an_as_is_run_is_cocos(as_is, coco):
    model, names = trainer.load_model(as_is)
    assert names[47] == "cup"
    for ours, cocos in zip(model.get_weights(), coco.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, cocos)


def test_a_missing_checkpoint_is_refused_with_the_existing_ones(finished):
    with pytest.raises(run_folder.RunFolderError, match=r" 3\b.* 2, 4\b"):
        trainer.load_model(finished, 3)


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_is_loaded(finished, data, tmp_path, capsys):
    shutil.copytree(finished.folder, tmp_path / "run")
    run = run_folder.RunFolder(tmp_path / "run")
    path = run.checkpoint(4)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    model, _ = trainer.load_model(run)
    assert str(path) in capsys.readouterr().err
    for ours, before in zip(model.get_weights(), trainer.load_model(run, 2)[0].get_weights(), strict=True):
        np.testing.assert_array_equal(ours, before)
    with pytest.raises(run_folder.RunFolderError, match=r"step-000004\.weights\.h5: "):
        trainer.load_model(run, 4)


# Optimizer and step


def learning_rates(recipe: settings.Recipe) -> list[float]:
    optimizer = train_step.make_optimizer(recipe)
    return [float(optimizer._learning_rate(step)) for step in range(recipe.steps + 1)]


def test_the_learning_rate_falls_along_a_cosine_to_zero():
    rates = learning_rates(settings.recipe("seed", steps=100))
    wanted = [0.003 * (1 + np.cos(np.pi * step / 100)) / 2 for step in range(101)]
    np.testing.assert_allclose(rates, wanted, atol=1e-8)


def test_the_learning_rate_rises_during_warmup():
    rates = learning_rates(settings.recipe("seed", steps=100, warmup=20))
    np.testing.assert_allclose(rates[:21], np.linspace(0, 0.003, 21), atol=1e-8)
    assert (np.diff(rates[20:]) < 0).all() and rates[-1] == pytest.approx(0, abs=1e-8)


def test_the_optimizer_is_sgd_with_momentum_and_clipped_gradients():
    optimizer = train_step.make_optimizer(settings.recipe("seed"))
    assert isinstance(optimizer, keras.optimizers.SGD)
    assert (optimizer.momentum, optimizer.global_clipnorm) == (0.9, 10.0)


def test_a_step_returns_both_losses_before_it_and_steps_lower_them(data, uncompiled):
    keras.utils.set_random_seed(1)
    model, _ = strategies.get("fine_tune").start(data.label_map)
    schedule.freeze_up_to(model, TRAIN_FROM)
    images, boxes, classes = batches.batch(data.samples, data.label_map, 0, 2, 42)
    before = losses.multibox_loss(boxes, classes, *model(images, training=False))
    step = train_step.make_step(model, train_step.make_optimizer(settings.recipe("seed")), False)
    first = step(images, boxes, classes)
    np.testing.assert_allclose(first, before, rtol=1e-5)
    for _ in range(4):
        last = step(images, boxes, classes)
    assert float(sum(last)) < 0.95 * float(sum(first))


def test_only_the_photos_of_a_list_are_trained_on(data, cups, tmp_path, monkeypatch):
    training_photos, validation = data.split(RECIPE.photos)
    names = [sample.name for sample in training_photos[:2]]
    seen = []
    monkeypatch.setattr(batches, "batches", lambda samples, *rest, **more: seen.append(samples) or iter(()))
    monkeypatch.setattr(average_precision, "measure", lambda model, samples, *rest: seen.append(samples) or NO_SCORE)
    run = train("fine_tune", data, RECIPE, tmp_path, cups, train_on=names, views=0, **FROZEN)
    assert [[sample.name for sample in samples] for samples in seen] == [names, [sample.name for sample in validation]]
    assert run.plan.train_on == names
    with pytest.raises(run_folder.RunFolderError, match="train_on"):
        train("fine_tune", data, RECIPE, tmp_path, cups, views=0, **FROZEN)


NO_SCORE = {"AP": 0.0, "AP50": 0.0, "AP75": 0.0, "per_class": {}}


def test_runs_that_notebooks_share_are_kept_apart_by_network(data, monkeypatch):
    made = []
    monkeypatch.setattr(trainer, "train", lambda plan, _, folder, **__: made.append((folder, plan.architecture)))
    for chosen in ({}, {"architecture": architectures.DEFAULT}, {"architecture": "ssd_mobilenet_v1"}):
        trainer.shared_run("random_init", data, RECIPE, **chosen)
    (first, _), (second, _), (third, network) = made
    assert first == second != third and network == "ssd_mobilenet_v1"


def test_training_says_which_classes_are_not_measured(data, tmp_path, pretended, capsys):
    seen = {name for sample in data.split(10)[1] for name in sample.classes}
    unseen = sorted(set(data.label_map.values()) - seen)
    assert unseen and seen
    train("random_init", data, LONG, tmp_path)
    said = capsys.readouterr().err
    assert all(f"'{name}'" in said for name in unseen) and not any(f"'{name}'" in said for name in seen)

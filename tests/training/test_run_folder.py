import dataclasses
import json
import re
import sys

import numpy as np
import pytest
import tensorflow as tf
from training_runs import Rows, train

from workshop_utils.core import settings
from workshop_utils.data import dataset
from workshop_utils.deploy import export
from workshop_utils.training.plan import Freezing, Plan, StartFrom
from workshop_utils.training.run_folder import COLUMNS, Progress, RunFolder, RunFolderError

CLASSES = {1: "żółty", 2: "peach"}
PLAN = Plan(
    "fine_tune",
    settings.recipe("quick").of("fine_tune"),
    CLASSES,
    "data/cups",
    "0123456789ab",
    None,
    Freezing("block_2_add"),
)


@pytest.fixture
def run(tmp_path):
    return RunFolder(tmp_path / "run")


def test_a_plan_is_read_as_it_was_written(run):
    run.begin(PLAN)
    assert run.plan == PLAN
    assert "żółty" in (run.folder / "recipe.json").read_text(encoding="utf-8"), "for people to read"


def test_the_same_plan_may_resume_after_the_data_moved(run):
    run.begin(PLAN)
    run.begin(dataclasses.replace(PLAN, data="elsewhere/cups"))
    assert run.plan == PLAN


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("strategy", "strategy", "random_init"),
        ("recipe", "recipe", settings.recipe("workshop")),
        ("label_map", "classes", {1: "peach"}),
        ("fingerprint", "fingerprint", "ba9876543210"),
        ("train_from", "freezing", None),
        ("architecture", "architecture", "ssd_mobilenet_v1"),
        ("start_from", "start_from", StartFrom("runs/imported", 7, "0123456789ab")),
    ],
)
def test_another_plan_is_refused_with_the_field_that_differs(run, key, field, value):
    run.begin(PLAN)
    with pytest.raises(RunFolderError, match=f" {key} was ") as caught:
        run.begin(dataclasses.replace(PLAN, **{field: value}))
    assert str(run.folder) in str(caught.value)
    assert run.plan == PLAN


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets few people make links")
@pytest.mark.parametrize("name", ["lock", "checkpoints", "frozen", "tensorboard", "export"])
def test_a_link_out_of_a_run_is_refused_before_anything_is_written(run, tmp_path, name):
    mine = tmp_path / "mine"
    if name == "lock":
        mine.write_text("mine")
    else:
        mine.mkdir()
        (mine / "kept.txt").write_text("mine")
    run.folder.mkdir()
    (run.folder / "recipe.json").write_text("{")
    (run.folder / name).symlink_to(mine)
    for write in (
        lambda: train("random_init", dataset.Dataset([], {1: "cup"}), settings.recipe("quick"), run.folder),
        lambda: export.export(run),
    ):
        with pytest.raises(RunFolderError, match=f"^{re.escape(str(run.folder / name))}: "):
            write()
    assert sorted(path.name for path in run.folder.iterdir()) == sorted(["recipe.json", name])
    assert (mine if name == "lock" else mine / "kept.txt").read_text() == "mine"


def test_a_link_within_a_run_is_accepted(run):
    (run.folder / "elsewhere").mkdir(parents=True)
    (run.folder / "checkpoints").symlink_to(run.folder / "elsewhere")
    run.check_links()


def test_a_folder_without_a_run_is_named(run):
    with pytest.raises(RunFolderError, match=r"recipe\.json"):
        _ = run.plan


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"recipe": 1}', '{"recipe": {}, "label_map": {}}', "null"])
def test_a_broken_recipe_is_named(run, text):
    run.folder.mkdir()
    (run.folder / "recipe.json").write_text(text)
    with pytest.raises(RunFolderError, match=r"recipe\.json: "):
        _ = run.plan


def test_a_recipe_with_an_unknown_field_is_named(run):
    run.begin(PLAN)
    path = run.folder / "recipe.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"colour": "red"}))
    with pytest.raises(RunFolderError, match="colour"):
        _ = run.plan


def test_checkpoints_are_found_by_step_and_other_files_are_ignored(run):
    run.checkpoints.mkdir(parents=True)
    for name in ("step-000100.weights.h5", "step-001000.weights.h5", "step-000050.weights.h5"):
        (run.checkpoints / name).touch()
    for name in (".part-7-step-000900.weights.h5", "step-x.weights.h5", "step-000800.weights.h5.bak", "other.h5"):
        (run.checkpoints / name).touch()
    assert run.steps() == [50, 100, 1000]
    assert run.checkpoint().name == "step-001000.weights.h5"
    assert run.checkpoint(50).name == "step-000050.weights.h5"


def test_a_missing_checkpoint_is_reported_with_the_existing_ones(run):
    run.checkpoints.mkdir(parents=True)
    with pytest.raises(RunFolderError, match=run.folder.name):
        run.checkpoint()
    (run.checkpoints / "step-000100.weights.h5").touch()
    with pytest.raises(RunFolderError, match=r" 99\b.* 100\b"):
        run.checkpoint(99)


def test_a_state_is_loaded_as_it_was_saved(run):
    run.checkpoints.mkdir(parents=True)
    variables = [tf.Variable([1.5, 2.5]), tf.Variable(7, dtype=tf.int64), tf.Variable(np.eye(3, dtype=np.float32))]
    run.save_state(variables, Progress(12, 34.5, [[1.5, 2.5]]))
    blank = [tf.Variable(tf.zeros_like(variable)) for variable in variables]
    assert run.load_state(blank) == Progress(12, 34.5, [[1.5, 2.5]])
    for loaded, saved in zip(blank, variables, strict=True):
        np.testing.assert_array_equal(loaded, saved)


def test_without_a_state_training_starts_at_step_0(run):
    variable = tf.Variable(3.0)
    assert run.load_state([variable]) == Progress(0, 0.0, [])
    assert float(variable) == 3.0


def test_the_history_continues_after_the_saved_step(run):
    run.folder.mkdir()
    with Rows(run, 0) as history:
        for step in (10, 20, 30):
            history.add(step, 1 / step)
    with Rows(run, 20) as history:
        history.add(30, 0.5, AP=0.25)
    rows = run.history()
    assert [row["step"] for row in rows] == [10, 20, 30]
    assert (rows[1]["seconds"], rows[1]["loss"], rows[1]["AP"]) == (10, 0.05, None)
    assert (rows[2]["seconds"], rows[2]["loss"], rows[2]["AP"]) == (15, 0.5, 0.25)
    assert tuple(rows[0]) == COLUMNS


def test_a_row_can_be_read_by_other_processes_as_soon_as_it_is_added(run):
    run.folder.mkdir()
    with Rows(run, 0) as history:
        history.add(10, 1.0)
        assert [row["loss"] for row in run.history()] == [1.0]


def test_a_run_that_was_not_measured_says_what_to_do(run):
    assert run.history() == []
    with pytest.raises(RunFolderError, match="`evaluate`"):
        run.metrics()

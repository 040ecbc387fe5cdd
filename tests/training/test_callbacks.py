"""Callbacks can be added from outside, and training that diverges stops at once."""

import re
import types

import numpy as np
import pytest
from training_runs import train

from workshop_utils.core import settings
from workshop_utils.data import dataset
from workshop_utils.training import trainer
from workshop_utils.training.callbacks import Callback, ProgressBar
from workshop_utils.training.plan import Plan
from workshop_utils.training.run_folder import RunFolder, RunFolderError

FROZEN = {"train_from": "extra_4_relu", "thaw": 0.0}
SHORT = {
    "warmup": 0,
    "learning_rate": 0.003,
    "steps": 4,
    "photos": 10,
    "batch_size": 2,
    "evaluate_every": 4,
    "checkpoint_every": 2,
}


@pytest.fixture(scope="module")
def data(yoghurt):
    return dataset.Dataset(yoghurt.samples[:10], yoghurt.label_map)


@pytest.fixture(autouse=True)
def not_measured(monkeypatch):
    """Training that does not measure AP, which takes longer than a few steps."""
    monkeypatch.setattr(trainer, "evaluate", lambda *_: {"AP": 0.0, "AP50": 0.0})


class Witness(Callback):
    """Records its calls."""

    def __init__(self):
        self.calls = []

    def on_begin(self, trainer):
        self.calls.append(("begin", trainer.progress.step))

    def on_step(self, trainer):
        self.calls.append(("step", trainer.progress.step))

    def on_row(self, trainer, row):
        self.calls.append(("row", row["step"]))

    def on_end(self, trainer):
        self.calls.append(("end", trainer.progress.step))


def test_a_callback_is_called_at_the_beginning_after_each_step_with_each_row_and_at_the_end(data, tmp_path):
    witness = Witness()
    plan = Plan.of(data, "fine_tune", settings.recipe("quick", **SHORT), **FROZEN)
    trainer.train(plan, data, tmp_path, callbacks=[witness])
    steps = [("step", 1), ("step", 2), ("step", 3), ("row", 4), ("step", 4)]
    assert witness.calls == [("begin", 0), *steps, ("end", 4)]


def test_the_progress_bar_says_compiling_until_the_first_step_is_done(capsys):
    bar = ProgressBar("fine_tune")
    resumed = types.SimpleNamespace(
        plan=types.SimpleNamespace(recipe=settings.recipe("quick", steps=4)),
        start=2,
        progress=types.SimpleNamespace(step=2),
    )
    bar.on_begin(resumed)
    bar.on_step(resumed)
    assert capsys.readouterr().err.rstrip().endswith("compiling]")
    resumed.progress.step = 3
    bar.on_step(resumed)
    assert "compiling" not in capsys.readouterr().err.split("\r")[-1]
    bar.on_end(resumed)


@pytest.mark.parametrize(
    "rate",
    [pytest.param(1e38, marks=pytest.mark.long), 1e30, pytest.param(1e10, marks=pytest.mark.long)],
    ids="{:g}".format,
)
def test_a_far_too_high_learning_rate_stops_training_and_keeps_the_last_good_checkpoint(data, tmp_path, rate):
    recipe = settings.recipe("quick", **SHORT | {"steps": 40, "learning_rate": rate})
    with pytest.raises(trainer.TrainingError, match=re.escape(f"{rate:g}")):
        train("fine_tune", data, recipe, tmp_path, **FROZEN)
    run = RunFolder(tmp_path)
    assert not (tmp_path / "metrics.json").exists() and 40 not in run.steps()
    for step in run.steps():
        model, _ = trainer.load_model(run, step)
        assert all(np.isfinite(array).all() for array in model.get_weights())


def test_a_checkpoint_that_is_not_finite_is_never_loaded(data, tmp_path):
    recipe = settings.recipe("quick", **SHORT)
    run = train("fine_tune", data, recipe, tmp_path, **FROZEN)
    model, _ = trainer.load_model(run, 2)
    bias = model.get_layer("box_0").bias
    bias.assign(np.full(bias.shape, np.nan))
    run.save_checkpoint(model, 4)
    with pytest.raises(RunFolderError, match="step-000004"):
        trainer.load_model(run, 4)
    assert np.isfinite(trainer.load_model(run)[0].get_layer("box_0").bias).all(), "step 2's is used"

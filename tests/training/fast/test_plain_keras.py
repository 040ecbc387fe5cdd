"""Without the fast sub-package, plain Keras layers and Keras's optimizer learn the same."""

import subprocess
import sys

import numpy as np
import pytest
from training_runs import train

from workshop_utils.core import settings
from workshop_utils.core.tensorflow import keras
from workshop_utils.data import dataset
from workshop_utils.training import fast, strategies, trainer
from workshop_utils.training.fast import precision

STEPS = {"steps": 5, "photos": 10, "batch_size": 2, "evaluate_every": 5, "checkpoint_every": 5}
RECIPE = settings.recipe("quick", **STEPS)
OPTIONAL = ("feature_cache", "folded_layers", "fused_batch_norm", "optimizer")
"""The modules that plain training does without."""


@pytest.fixture(scope="module")
def data(yoghurt):
    return dataset.Dataset(yoghurt.samples[:10], yoghurt.label_map)


@pytest.fixture(autouse=True)
def in_float32_and_not_measured(monkeypatch):
    monkeypatch.setenv(precision.VARIABLE, "float32")
    monkeypatch.setattr(trainer, "evaluate", lambda *_: {"AP": 0.0, "AP50": 0.0})


@pytest.mark.long  # short: the tests of each fast module compare it with Keras
@pytest.mark.parametrize(
    ("strategy", "freezing", "furthest"),
    [
        ("fine_tune", {"train_from": "block_16_project_BN", "thaw": 0.4, "views": 1}, 0.05),
        ("random_init", {}, 0.05),
    ],
    ids=["frozen later, with cached features in half precision", "batch norm learns"],
)
def test_five_steps_lead_to_the_same_weights(data, tmp_path, monkeypatch, strategy, freezing, furthest):
    """They differ by a small share of the change, because sums are rounded in another order and each step builds on the
    one before. For comparison, a momentum of 0.8 instead of 0.9 makes a difference of a tenth."""
    runs = [train(strategy, data, RECIPE, tmp_path / "fast", **freezing)]
    for name in OPTIONAL:
        monkeypatch.setitem(sys.modules, f"{fast.__name__}.{name}", None)
        monkeypatch.delattr(fast, name, raising=False)
    runs.append(train(strategy, data, RECIPE, tmp_path / "plain", fast=False, **freezing))
    ours, plain = (trainer.load_model(run)[0].get_weights() for run in runs)
    keras.utils.set_random_seed(RECIPE.seed)
    start = strategies.get(strategy).start(data.label_map).model.get_weights()
    changed = np.sqrt(sum(np.sum((end - begin) ** 2) for end, begin in zip(plain, start, strict=True)))
    apart = np.sqrt(sum(np.sum((one - other) ** 2) for one, other in zip(ours, plain, strict=True)))
    assert changed > 0
    assert apart <= furthest * changed, f"{apart / changed:.4f}"


WITHOUT_FAST = f"""
import sys
sys.modules.update(dict.fromkeys({[f"{fast.__name__}.{name}" for name in OPTIONAL]}))
from workshop_utils.training import distributed, trainer
"""


def test_training_is_imported_without_the_fast_modules():
    """`test_five_steps_lead_to_the_same_weights` trains without them."""
    done = subprocess.run([sys.executable, "-c", WITHOUT_FAST], capture_output=True, text=True, cwd=settings.PROJECT)
    assert done.returncode == 0, done.stderr[-2000:]

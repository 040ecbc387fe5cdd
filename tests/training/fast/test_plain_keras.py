"""Without the fast sub-package, plain Keras layers and Keras's optimizer learn the same."""

import subprocess
import sys

import numpy as np
import pytest
from conftest import TESTS
from training_runs import train

from workshop_utils.core import settings
from workshop_utils.core.tensorflow import keras
from workshop_utils.data import dataset
from workshop_utils.training import strategies, trainer
from workshop_utils.training.fast import precision

STEPS = {"steps": 5, "photos": 10, "batch_size": 2, "evaluate_every": 5, "checkpoint_every": 5}
RECIPE = settings.recipe("quick", **STEPS)


@pytest.fixture(scope="module")
def data(yoghurt):
    return dataset.Dataset(yoghurt.samples[:10], yoghurt.label_map)


@pytest.fixture(autouse=True)
def in_float32_and_not_measured(monkeypatch):
    monkeypatch.setenv(precision.VARIABLE, "float32")
    monkeypatch.setattr(trainer, "evaluate", lambda *_: {"AP": 0.0, "AP50": 0.0})


@pytest.mark.parametrize(
    ("strategy", "freezing", "furthest"),
    [
        ("fine_tune", {"train_from": "block_16_project_BN", "thaw": 0.4, "views": 1}, 0.05),
        pytest.param("random_init", {}, 0.05, marks=pytest.mark.long),  # short: test_fused_batch_norm.py
    ],
    ids=["frozen later, with cached features in half precision", "batch norm learns"],
)
def test_five_steps_lead_to_the_same_weights(data, tmp_path, strategy, freezing, furthest):
    """They differ by a small share of the change, because sums are rounded in another order and each step builds on the
    one before. For comparison, a momentum of 0.8 instead of 0.9 makes a difference of a tenth."""
    runs = [train(strategy, data, RECIPE, tmp_path / f"{fast}", fast=fast, **freezing) for fast in (True, False)]
    ours, plain = (trainer.load_model(run)[0].get_weights() for run in runs)
    keras.utils.set_random_seed(RECIPE.seed)
    start = strategies.get(strategy).start(data.label_map).model.get_weights()
    changed = np.sqrt(sum(np.sum((end - begin) ** 2) for end, begin in zip(plain, start, strict=True)))
    apart = np.sqrt(sum(np.sum((one - other) ** 2) for one, other in zip(ours, plain, strict=True)))
    assert changed > 0
    assert apart <= furthest * changed, f"{apart / changed:.4f}"


WITHOUT_FAST = """
import sys
sys.path.insert(0, sys.argv[1])
for name in ("feature_cache", "folded_layers", "fused_batch_norm", "optimizer"):
    sys.modules["workshop_utils.training.fast." + name] = None
from training_runs import train
from workshop_utils.core import settings
from workshop_utils.core.tensorflow import keras
from workshop_utils.data import dataset

photos = dataset.load(settings.YOGHURT)
data = dataset.Dataset(photos.samples[:4], photos.label_map)
recipe = settings.recipe("quick", steps=2, batch_size=1, photos=4, evaluate_every=2, checkpoint_every=2)
train("fine_tune", data, recipe, sys.argv[2], train_from="extra_4_relu", views=1, fast=False)
"""


def test_training_runs_without_the_fast_modules(tmp_path):
    done = subprocess.run([sys.executable, "-c", WITHOUT_FAST, TESTS, tmp_path / "run"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert (tmp_path / "run" / "metrics.json").exists()

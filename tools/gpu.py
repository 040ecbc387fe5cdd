"""Check the workshop on a GPU: what `make test-gpu` does, in at most ten minutes.

    python tools/gpu.py

It trains by the seed's recipe, times training steps, and compares the exports with the run. The results go to
tests/outcomes/gpu.json. Without a GPU it stops with exit code 1 and writes nothing.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import outcomes

from workshop_utils.core import settings
from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.data import dataset
from workshop_utils.data.dataset import Dataset
from workshop_utils.deploy import export, runtime
from workshop_utils.training import batches, strategies, train_step, trainer
from workshop_utils.training.fast import folded_layers, precision
from workshop_utils.training.plan import Plan
from workshop_utils.training.run_folder import RunFolder

BATCH_SIZES = (8, 64)
FORMATS = ("litert", "onnx")
PHOTOS = 10
MIN_SCORE = 0.3
SCORE_DIFFERENCE = 0.02
"""Most by which the score of the same object may differ between a run in bfloat16 and its export in float32."""


def steps_per_second(data: Dataset, batch_size: int, times: int = 20) -> float:
    """Return how many full training steps a second takes, batch already in memory: the median of `times` steps."""
    recipe = settings.recipe("seed", batch_size=batch_size)
    images, *targets = batches.batch(data.split()[0], data.label_map, 0, batch_size, recipe.seed)
    model = strategies.get("fine_tune").start(data.label_map).model
    network = folded_layers.fold(model, precision.policy())
    step = train_step.make_step(network, train_step.make_optimizer(recipe), batch_norm_learns=False)
    seconds = []
    for _ in range(times + 3):
        began = time.perf_counter()
        [float(loss) for loss in step(images, *targets)]
        seconds.append(time.perf_counter() - began)
    return 1 / statistics.median(seconds[3:])


def places_of_weights(data: Dataset) -> set[str]:
    """Return the kinds of devices that hold a new detector's weights, such as {"GPU"}."""
    model = strategies.get("fine_tune").start(data.label_map).model
    return {tf.DeviceSpec.from_string(weight.value.device).device_type for weight in model.trainable_variables}


def score_difference(run: RunFolder, exported: Path, data: Dataset, photos: int = PHOTOS) -> float:
    """Return the largest difference in score between a run and its export, over the objects on some photos."""
    images = [sample.image for sample in data.split()[1][:photos]]
    ours, theirs = (runtime.open_detector(each).detect(images, 0.01) for each in (run.folder, exported))
    differences = [0.0]
    for mine, other in zip(ours.scores, theirs.scores, strict=True):
        count = int((mine >= MIN_SCORE).sum())
        differences.append(float(np.abs(mine[:count] - other[:count]).max(initial=0.0)))
    return max(differences)


def check(data: Dataset, recipe: settings.Recipe) -> dict:
    """Return what was measured. Trains into a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        run = trainer.train(Plan.of(data, "fine_tune", recipe, source=settings.YOGHURT), data, Path(folder) / "run")
        minutes = (time.perf_counter() - began) / 60
        exports = export.export(run, FORMATS)
        differences = {name: round(score_difference(run, path, data), 4) for name, path in exports.items()}
        metrics = run.metrics()
    return {
        "device": precision.device(),
        "precision": precision.policy(),
        "weights_on": sorted(places_of_weights(data)),
        "steps_per_second": {str(size): round(steps_per_second(data, size), 2) for size in BATCH_SIZES},
        "recipe": recipe.summary,
        "minutes": round(minutes, 2),
        "AP50": metrics["AP50"],
        "AP": metrics["AP"],
        "score_difference": differences,
        "exports_agree": all(each <= SCORE_DIFFERENCE for each in differences.values()),
    }


def main() -> int:
    if not tf.config.list_physical_devices("GPU"):
        print(
            "TensorFlow finds no GPU here, so nothing was checked. Install it with its CUDA libraries.", file=sys.stderr
        )
        return 1
    found = check(dataset.load(settings.YOGHURT), settings.recipe("seed"))
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__}
    outcome = {"command": "make test-gpu", "date": outcomes.today(), "machine": outcomes.here(), "versions": versions}
    outcomes.write("gpu", outcome | found)
    print(f"{found}\nWritten to tests/outcomes/gpu.json")
    return 0 if found["exports_agree"] and found["weights_on"] == ["GPU"] else 1


if __name__ == "__main__":
    sys.exit(outcomes.exit_code(main))

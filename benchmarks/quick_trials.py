"""Try other ways to spend the minute of the recipe `quick` (docs/decisions/0007).

    python benchmarks/quick_trials.py [NAME ...]

Trains on data/yoghurt with seed 42, each trial in a separate process. Prints a line for each: its changes, AP50, AP,
and the processor seconds of the whole process.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

from workshop_utils.core import settings
from workshop_utils.data import dataset
from workshop_utils.evaluation import average_precision
from workshop_utils.training import trainer
from workshop_utils.training.callbacks import Callback
from workshop_utils.training.plan import Plan

TRIALS = {
    "quick": {},
    "no warm-up": {"warmup": 0},
    "shorter warm-up": {"warmup": 30},
    "longer warm-up": {"warmup": 110},
    "batch of 4": {"warmup": 30, "steps": 500, "batch_size": 4},
    "batch of 16": {"warmup": 15, "steps": 125, "batch_size": 16},
    "lower rate": {"warmup": 30, "learning_rate": 0.005},
    "higher rate": {"warmup": 30, "learning_rate": 0.02},
    "two stages": {"warmup": 30, "thaw": 0.3, "train_from": "block_5_add"},
    "two deeper stages": {"warmup": 30, "thaw": 0.3, "train_from": "block_9_add"},
    "average of the last 25 steps": {"warmup": 30, "average": 25},
    "average of the last 75 steps": {"warmup": 30, "average": 75},
}
"""The changes of each trial: fields of the recipe or of the freezing, or how many steps' weights are averaged."""
FREEZING = ("thaw", "train_from")


class Average(Callback):
    """Sums the weights over the last `count` steps; `mean` returns their mean."""

    def __init__(self, count: int):
        self.count, self.sums = count, []

    def on_step(self, trainer) -> None:
        if trainer.progress.step > trainer.stop - self.count:
            weights = trainer.model.get_weights()
            self.sums = [total + each for total, each in zip(self.sums, weights)] if self.sums else weights

    def mean(self) -> list:
        return [total / self.count for total in self.sums]


def train(changes: dict) -> dict:
    """Train with these changes; return the scores."""
    count = changes.pop("average", 0)
    freezing = {name: changes.pop(name) for name in FREEZING if name in changes}
    recipe = settings.recipe("quick", **changes)
    data = dataset.load(settings.YOGHURT)
    average = Average(count)
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan.of(data, "fine_tune", recipe, **freezing)
        run = trainer.train(plan, data, pathlib.Path(folder), callbacks=[average] if count else [])
        scores = run.metrics()
        if count:
            detector = trainer.load_model(run)
            detector.model.set_weights(average.mean())
            scores = vars(average_precision.evaluate(detector.model, plan.split(data)[1], data.label_map))
    return {"AP50": scores["AP50"], "AP": scores["AP"]}


def main() -> None:
    for name in sys.argv[1:] or TRIALS:
        program = f"import json, quick_trials; print(json.dumps(quick_trials.train({TRIALS[name]!r})))"
        folders = os.pathsep.join(map(str, (settings.PROJECT, pathlib.Path(__file__).resolve().parent)))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(
            [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": folders}, capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(f"{name}: failed.\n{done.stderr[-3000:]}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        scores = json.loads(done.stdout.strip().splitlines()[-1])
        print(f"{name}: AP50 {scores['AP50']:.3f}, AP {scores['AP']:.3f}, {seconds:.0f} processor seconds", flush=True)


if __name__ == "__main__":
    main()

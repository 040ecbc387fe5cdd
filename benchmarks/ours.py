"""Train once as the workshop's command does, from reading the photos to the metrics.

    python benchmarks/ours.py DATASET RECIPE_AS_JSON STRATEGY [NAME=VALUE ...]

Arguments after the strategy go to `Plan.of`. Prints one line of JSON: the seconds of training, how many of them
were spent waiting for batches, AP, and the peak memory.
"""

import json
import pathlib
import sys
import tempfile
import time

from process import peak_gb

from workshop_utils.core import settings
from workshop_utils.data import dataset
from workshop_utils.training import batches, trainer
from workshop_utils.training.fast import feature_cache
from workshop_utils.training.plan import Plan


def timed(source, waited: list[float]):
    """Return the same generator function, which appends the seconds that each batch took to `waited`."""

    def timing(*arguments, **named):
        found = iter(source(*arguments, **named))
        while True:
            began = time.monotonic()
            batch = next(found, None)
            waited.append(time.monotonic() - began)
            if batch is None:
                return
            yield batch

    return timing


def main() -> None:
    recipe = settings.Recipe(**json.loads(sys.argv[2]))
    options = {name: json.loads(value) for name, value in (pair.split("=", 1) for pair in sys.argv[4:])}
    waited: list[float] = []
    batches.batches = timed(batches.batches, waited)
    feature_cache.FeatureCache.batches = timed(feature_cache.FeatureCache.batches, waited)
    data = dataset.load(pathlib.Path(sys.argv[1]))
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan.of(data, sys.argv[3], recipe, source=sys.argv[1], **options)
        run = trainer.train(plan, data, pathlib.Path(folder))
        history, metrics = run.history(), run.metrics()
    result = {"training_seconds": history[-1]["seconds"], "waited_seconds": sum(waited)}
    result |= {"AP50": metrics["AP50"], "AP": metrics["AP"], "peak_gb": peak_gb()}
    print(json.dumps(result))


if __name__ == "__main__":
    main()

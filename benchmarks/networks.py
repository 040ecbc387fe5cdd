"""Measure one network: a training step from random weights, one photo, and the memory of both.

    python benchmarks/networks.py ARCHITECTURE STEPS

The weights are random, because they do not matter for the time. Prints one line of JSON: the median seconds of a step
of 8 photos, the median milliseconds of one photo in a LiteRT file, and the peak memory.
"""

import json
import pathlib
import sys
import tempfile

import numpy as np
from latency import milliseconds
from process import peak_gb
from step import median_seconds

from workshop_utils.core import machine, settings
from workshop_utils.data import dataset
from workshop_utils.deploy.formats import litert
from workshop_utils.model import architectures
from workshop_utils.training import batches, train_step
from workshop_utils.training.fast import fused_batch_norm


def step_seconds(architecture: architectures.Architecture, steps: int) -> float:
    recipe, data = settings.recipe("seed"), dataset.load(settings.YOGHURT)
    batch = batches.batch(data.split()[0], data.label_map, 0, recipe.batch_size, recipe.seed)
    network = fused_batch_norm.fuse(architecture.build(len(data.label_map)), architecture.recomputed_up_to)
    step = train_step.make_step(network, train_step.make_optimizer(recipe), batch_norm_learns=True)
    return median_seconds(lambda: [float(loss) for loss in step(*batch)], steps)


def photo_milliseconds(architecture: architectures.Architecture) -> float:
    from ai_edge_litert.interpreter import Interpreter

    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch, "detector.tflite")
        litert.write(architecture.build(5), path)
        signature = Interpreter(str(path), num_threads=machine.cores()).get_signature_runner()
        photo = np.zeros((1, 300, 300, 3), np.float32)
        return milliseconds(lambda: signature(image=photo))


def main() -> None:
    architecture = architectures.get(sys.argv[1])
    photo = photo_milliseconds(architecture)
    step = step_seconds(architecture, int(sys.argv[2]))
    print(json.dumps({"step": step, "photo": photo, "peak_gb": peak_gb()}))


if __name__ == "__main__":
    main()

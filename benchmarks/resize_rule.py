"""Compare our resize rule with the one that the COCO weights were trained with (docs/decisions/0008).

    python benchmarks/resize_rule.py DATASET ours|original as_is|fine_tune [SEED]

`as_is` scores the COCO detector on the validation photos, whatever it calls the objects; `fine_tune` trains by the
seed's recipe first. Prints one line of JSON.
"""

import json
import pathlib
import sys
import tempfile

import numpy as np
from PIL import Image

from workshop_utils.core import settings
from workshop_utils.data import formats
from workshop_utils.model import preprocessing
from workshop_utils.training import trainer
from workshop_utils.training.plan import Plan

SIDE = preprocessing.INPUT_SIDE


def original(image: np.ndarray, window: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)) -> np.ndarray:
    """Resize as `tf.compat.v1.image.resize_images` does: pixel x comes from x * scale, between its two neighbours.

    Pillow adds half a pixel on both sides of the transformation; the offsets here take it away again.
    """
    height, width = image.shape[:2]
    ymin, xmin, ymax, xmax = window
    across, down = (xmax - xmin) * width / SIDE, (ymax - ymin) * height / SIDE
    matrix = (across, 0, 0.5 - across / 2 + xmin * width, 0, down, 0.5 - down / 2 + ymin * height)
    resized = Image.fromarray(image).transform((SIDE, SIDE), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return np.asarray(resized)


def main() -> None:
    folder, rule, strategy, seed = (*sys.argv[1:4], int(sys.argv[4]) if len(sys.argv) > 4 else 42)
    if rule == "original":
        preprocessing.resize = original
    data = formats.open_dataset(pathlib.Path(folder))
    recipe = settings.recipe("seed", seed=seed, photos="all", evaluate_every=1000, checkpoint_every=1000)
    with tempfile.TemporaryDirectory() as run:
        plan = Plan.of(data, strategy, recipe, source=folder)
        metrics = trainer.train(plan, data, pathlib.Path(run)).metrics()
    scores = metrics.get("class_agnostic", metrics)
    print(json.dumps({"rule": rule, "strategy": strategy, "seed": seed, "AP50": scores["AP50"], "AP": scores["AP"]}))


if __name__ == "__main__":
    main()

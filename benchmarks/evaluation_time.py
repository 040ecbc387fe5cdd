"""Measure the seconds for AP on the 72 validation photos: reading, the network, suppression and pycocotools.

    python benchmarks/evaluation_time.py

Prints one line of JSON: the first evaluation, in which TensorFlow compiles, and the second, as during training.
"""

import json
import time

from workshop_utils.core import settings
from workshop_utils.data import dataset
from workshop_utils.evaluation import average_precision
from workshop_utils.training import strategies


def main() -> None:
    data = dataset.load(settings.YOGHURT)
    validation = data.split()[1]
    model, seconds = strategies.get("fine_tune").start(data.label_map).model, []
    for _ in range(2):
        began = time.monotonic()
        average_precision.evaluate(model, validation, data.label_map)
        seconds.append(time.monotonic() - began)
    print(json.dumps({"photos": len(validation), "first": seconds[0], "later": seconds[1]}))


if __name__ == "__main__":
    main()

"""Order the photos of a data set by how much a run would learn from them, as `next` does.

    python benchmarks/ordering.py DATASET RUN

Ten photos count as labelled. Prints one line of JSON: the seconds, those of all cores together, and the peak memory.
"""

import json
import pathlib
import sys
import time

from process import peak_gb

from workshop_utils.curation import informative
from workshop_utils.data import photos
from workshop_utils.training import trainer
from workshop_utils.training.run_folder import RunFolder


def main() -> None:
    found = photos.find(pathlib.Path(sys.argv[1]) / "images")
    began, used = time.monotonic(), time.process_time()
    detector = trainer.load_model(RunFolder(pathlib.Path(sys.argv[2])))
    ranked = informative.order(detector, found[10:], found[:10])
    seconds = {"ordering_seconds": time.monotonic() - began, "processor_seconds": time.process_time() - used}
    print(json.dumps(seconds | {"photos": len(ranked), "peak_gb": peak_gb()}))


if __name__ == "__main__":
    main()

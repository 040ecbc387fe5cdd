"""Run the measurements that `make bench` reports. Each is a separate process, and is saved when it ends.

    python benchmarks/run.py [--only NAME ...]

Measurements in measurements.jsonl are not repeated. To repeat one, delete its line, or the whole file. Measurements
that are compared follow each other in the same round. Close all other programs, because these figures are about time.
"""

import argparse
import dataclasses
import datetime
import functools
import json
import os
import pathlib
import subprocess
import sys
import time

import datasets
import report

from workshop_utils.core import settings
from workshop_utils.model import architectures
from workshop_utils.training.fast import precision

HERE = pathlib.Path(__file__).resolve().parent
MEASUREMENTS = HERE / "measurements.jsonl"
DATA = settings.PROJECT / "build" / "bench"

TRAIN = ("ours.py", "{data}", "{recipe}")
WITHOUT_VNNI = ("--js-flags=--no-enable-avx-vnni",)
"""Options with which Chromium computes as on a processor that has no AVX-VNNI instructions."""

CUTS = ("block_9_add", "block_12_add", "out_relu")
"""Deeper layers up to which `cut_X` freezes."""


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One process to measure.

    `command` is a script of this folder with its arguments, and `changes` are changes to `recipe`. `photos` and `size`
    describe the data set if it is not the workshop's. `environment` adds environment variables.
    """

    name: str
    command: tuple[str, ...]
    round: int = 0
    changes: dict = dataclasses.field(default_factory=dict)
    photos: int | None = None
    size: tuple[int, int] | None = None
    environment: dict = dataclasses.field(default_factory=dict)
    recipe: str = "seed"


def measurements() -> list[Measurement]:
    """Return all measurements, in order."""
    found = []
    for number in range(3):
        seed = {"seed": 42 + number}
        found += [
            Measurement("seed_plain_keras", ("plain_keras.py", "{data}", "{recipe}"), number, seed),
            Measurement("seed_ours", (*TRAIN, "fine_tune"), number, seed),
            Measurement("step_ours", ("step.py", "30"), number),
            Measurement("step_torch", ("torch_ssdlite.py", "30"), number),
            Measurement("step_tail", ("step.py", "30", report.FROZEN), number),
            Measurement("quick", (*TRAIN, "fine_tune"), number, seed, recipe="quick"),
            Measurement("latency", ("latency.py", "{run}"), number),
            Measurement("evaluation", ("evaluation_time.py",), number),
        ]
    for number in range(3):
        large = {"photos": 360, "size": datasets.LARGE}
        found += [
            Measurement("photos_small", (*TRAIN, "fine_tune"), number, {}, photos=360),
            Measurement("photos_large", (*TRAIN, "fine_tune"), number, {}, **large),
        ]
    short = {"steps": 100}
    found += [
        Measurement("strided_gradient", ("strided_gradient.py",)),
        Measurement("momentum", ("optimizer.py",)),
        Measurement("profile_full", ("step_profile.py", "float32")),
        Measurement("profile_tail", ("step_profile.py", "float32", report.FROZEN)),
        Measurement("profile_tail_bfloat16", ("step_profile.py", "mixed_bfloat16", report.FROZEN)),
        *(Measurement(f"photos_{count}", (*TRAIN, "fine_tune"), 0, {}, photos=count) for count in (36, 3600)),
        *(Measurement(f"cut_{cut}", (*TRAIN, "fine_tune", f'train_from="{cut}"')) for cut in CUTS),
        Measurement("memory_full", (*TRAIN, "fine_tune", 'train_from=""'), 0, short),
        Measurement("memory_random_init", (*TRAIN, "random_init"), 0, short),
        Measurement("seed_ours_float32", (*TRAIN, "fine_tune"), environment={"WORKSHOP_PRECISION": "float32"}),
        Measurement("seed_plain_bfloat16", ("plain_keras.py", "{data}", "{recipe}", "mixed_bfloat16")),
        *(
            Measurement(f"network_{name}", ("networks.py", name, "10"), number)
            for number in range(3)
            for name in architectures.ARCHITECTURES
        ),
        *(Measurement("web", ("web.py", "{run}"), number) for number in range(3)),
        *(Measurement("web_without_vnni", ("web.py", "{run}", *WITHOUT_VNNI), number) for number in range(3)),
        *(Measurement("film", ("film.py", "{run}"), number) for number in range(3)),
        Measurement("ordering", ("ordering.py", "{data}", "{run}"), photos=1000),
        Measurement("label_round", ("label_round.py", "{data}", str(settings.YOGHURT / "ladder" / "10.txt"))),
    ]
    return found


def run(measurement: Measurement) -> dict:
    """Run a measurement; return what it printed, and its seconds from start to end. Exits if it fails."""
    known = {"data": str(_data(measurement)), "recipe": _recipe(measurement)}
    known |= {"run": str(DATA / "run"), "policy": precision.policy()}
    script, *arguments = (part.format(**known) if part.startswith("{") else part for part in measurement.command)
    environment = os.environ | {"PYTHONPATH": str(settings.PROJECT)} | measurement.environment
    command = [sys.executable, str(HERE / script), *arguments]
    began = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    seconds = time.monotonic() - began
    if done.returncode:
        sys.exit(f"{measurement.name}: failed.\n{done.stderr[-3000:]}")
    return {"seconds": seconds} | json.loads(done.stdout.strip().splitlines()[-1])


def _recipe(measurement: Measurement) -> str:
    """Return the recipe as JSON, with all photos, and one evaluation and one checkpoint, at the end."""
    recipe = settings.recipe(measurement.recipe, **measurement.changes)
    photos = None if measurement.photos else settings.recipe("seed").photos
    once = {"evaluate_every": recipe.steps, "checkpoint_every": recipe.steps, "photos": photos}
    return json.dumps(dataclasses.asdict(recipe) | once)


def _data(measurement: Measurement) -> pathlib.Path:
    if measurement.photos is None:
        return settings.YOGHURT
    side = "large" if measurement.size else "small"
    return datasets.of(measurement.photos, measurement.size, DATA / f"{measurement.photos}-{side}")


def _make_run() -> None:
    """Train two steps, so that the scripts with {run} have a detector. Its quality does not matter."""
    if (DATA / "run" / "metrics.json").exists():
        return
    changes = ("--set", "steps=2", "photos=10", "--thaw", "0", "--experiment", str(DATA / "run"))
    command = [sys.executable, "-m", "workshop_utils", "train", str(settings.YOGHURT), "--recipe", "quick", *changes]
    subprocess.run(command, cwd=settings.PROJECT, check=True, capture_output=True)


@functools.cache
def _machine() -> str:
    """Return `report.describe_machine()` from another process. It loads TensorFlow, and a measured process counts the
    memory of the one that starts it."""
    program = "import report; print(report.describe_machine())"
    command = [sys.executable, "-c", program]
    environment = os.environ | {"PYTHONPATH": str(settings.PROJECT)}
    done = subprocess.run(command, cwd=HERE, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", nargs="*", help="the names of the measurements to run")
    only = parser.parse_args().only
    DATA.mkdir(parents=True, exist_ok=True)
    done = {(row["name"], row["round"]) for row in report.read(MEASUREMENTS)}
    for each in measurements():
        if (each.name, each.round) in done or (only is not None and each.name not in only):
            continue
        if "{run}" in each.command:
            _make_run()
        print(f"{datetime.datetime.now():%H:%M:%S} {each.name}, round {each.round + 1}", flush=True)
        row = {"name": each.name, "round": each.round, "date": datetime.date.today().isoformat()}
        row |= {"machine": _machine(), "result": run(each)}
        with open(MEASUREMENTS, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")
    report.write(report.read(MEASUREMENTS), HERE)


if __name__ == "__main__":
    main()

"""Compare fine_tune with plain Keras on any data set: what `make bench DATA=folder` does.

    python benchmarks/real_photos.py DATASET [--rounds 3] [--what plain_keras fine_tune freeze_none ...]

Each round trains all with the seed's recipe and the same seed, photos and augmentation. A finished measurement is
appended to real_photos.jsonl and not repeated; real_photos.md shows all data sets measured so far. Processor seconds
count what both cores computed, so they compare even if the machine is not idle.
"""

import argparse
import dataclasses
import datetime
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys

import report

from workshop_utils.core import files, settings
from workshop_utils.data import formats
from workshop_utils.training.fast import precision

HERE = pathlib.Path(__file__).resolve().parent
MEASUREMENTS = HERE / "real_photos.jsonl"
PAGE = HERE / "real_photos.md"
COMPARED = ("plain_keras", "fine_tune")
TRAIN = ("ours.py", "fine_tune")
SCRIPTS = {
    "plain_keras": ("plain_keras.py",),
    "fine_tune": TRAIN,
    "freeze_none": (*TRAIN, 'train_from=""'),
    "freeze_more": (*TRAIN, 'train_from="block_9_add"'),
    "freeze_late": (*TRAIN, "thaw=0.3"),
}
"""What can be trained: its script of this folder, and the arguments after the data set and the recipe."""


def measure(name: str, dataset: pathlib.Path, seed: int) -> dict:
    """Train and score in a separate process; return what it printed, and its processor seconds."""
    recipe = settings.recipe("seed", seed=seed, photos="all", evaluate_every=1000, checkpoint_every=1000)
    script, *more = SCRIPTS[name]
    command = [sys.executable, str(HERE / script), str(dataset), json.dumps(dataclasses.asdict(recipe)), *more]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"PYTHONPATH": str(settings.PROJECT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{name}: failed.\n{done.stderr[-3000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(done.stdout.strip().splitlines()[-1]) | {"processor_seconds": round(seconds, 1)}


def gaps(rows: list[dict], what: str) -> list[float]:
    """Return by how much AP50 is higher than that of fine_tune, for each seed that both have."""
    found = {(row["what"], row["seed"]): row["result"]["AP50"] for row in rows}
    return [score - found["fine_tune", seed] for (name, seed), score in found.items()
            if name == what and ("fine_tune", seed) in found]  # fmt: skip


def page(rows: list[dict]) -> str:
    """Return real_photos.md."""
    parts = [
        "# Fine-tuning and plain Keras on several data sets",
        "Made by `make bench DATA=folder`. Both train with the recipe `seed`, 1,000 steps of 8 photos, on the same "
        "photos with the same augmentation and evaluation. Plain Keras trains in float32 and freezes only batch norm. "
        "A gap is the AP50 of another training minus that of fine_tune with the same seed; the interval is Student's "
        "95% interval of the mean. Processor seconds are summed over all cores.",
        "`freeze_none` freezes nothing, `freeze_more` freezes the layers up to block_9_add from the start, and "
        "`freeze_late` freezes these layers after 30% of the steps, as version 1 did, but without a cache. "
        "`bccd_pale` is bccd with its red blood cells divided into two classes that differ in their centre "
        "(fine_grained.py).",
    ]
    for name in dict.fromkeys(row["dataset"] for row in rows):
        here = [row for row in rows if row["dataset"] == name]
        first = here[0]
        parts.append(f"## {name}")
        parts.append(
            f"{first['photos']} photos, {first['classes']} class{'es' * (first['classes'] != 1)}. "
            + report.measured_on(here)
        )
        lines = [
            (row["what"], row["seed"], *(report.number(row["result"][key], 3) for key in ("AP50", "AP")),
             f"{row['result']['processor_seconds']:.0f}")
            for row in sorted(here, key=lambda row: (list(SCRIPTS).index(row["what"]), row["seed"]))
        ]  # fmt: skip
        parts.append(report.table(("what", "seed", "AP50", "AP", "processor seconds"), lines))
        parts.append(summary(here))
    return "\n\n".join(parts) + "\n"


def summary(rows: list[dict]) -> str:
    """Return a line for each other training: its gap to fine_tune, and the ratio of their times."""
    times = {
        what: statistics.median(row["result"]["processor_seconds"] for row in rows if row["what"] == what)
        for what in {row["what"] for row in rows}
    }
    lines = []
    for what in SCRIPTS:
        found = gaps(rows, what) if what != "fine_tune" else []
        if found:
            seeds = f"{len(found)} seed{'s' * (len(found) != 1)}"
            ratio = times["fine_tune"] / times[what]
            lines.append(
                f"- `{what}`: mean gap {report.interval(found)} over {seeds}. "
                f"fine_tune takes {ratio:.2f} times its processor seconds."
            )
    return "\n".join(lines) or "No seed has been measured with two of them yet."


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("dataset", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--what", nargs="+", choices=SCRIPTS, default=COMPARED)
    options = parser.parse_args()
    data = formats.open_dataset(options.dataset)
    about = {"dataset": options.dataset.resolve().name, "photos": len(data.samples), "classes": len(data.label_map)}
    for seed in range(42, 42 + options.rounds):
        for what in options.what:
            done = {(row["dataset"], row["what"], row["seed"]) for row in report.read(MEASUREMENTS)}
            if (about["dataset"], what, seed) in done:
                continue
            print(f"{datetime.datetime.now():%H:%M:%S} {about['dataset']}: {what}, seed {seed}", flush=True)
            row = about | {"what": what, "seed": seed, "date": datetime.date.today().isoformat()}
            row |= {"machine": report.describe_machine(), "precision": precision.policy()}
            row |= {"result": measure(what, options.dataset.resolve(), seed)}
            with open(MEASUREMENTS, "a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
            files.write_text(page(report.read(MEASUREMENTS)), PAGE)


if __name__ == "__main__":
    main()

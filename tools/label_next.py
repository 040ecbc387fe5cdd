"""Measure whether labelling the informative photos first pays: `make label-next`. Rounds that are recorded are kept.

    python tools/label_next.py [--most ROUNDS]

For each seed, training starts from 10 random photos of data/yoghurt. Then the informative or a random order says which
photos are labelled next (their true labels are used), and training continues from the last round with all photos that
are labelled so far, as `train --start-from` does. Each round is scored on the validation photos and on
data/yoghurt_new_line, and appended to results/label_next.jsonl. At the end, this draws results/label_next.png.
"""

import argparse
import dataclasses
import datetime
import json
import shlex
import sys
import time
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from workshop_utils.core import settings
from workshop_utils.curation import informative
from workshop_utils.data import dataset
from workshop_utils.data.dataset import Dataset
from workshop_utils.evaluation import average_precision
from workshop_utils.teaching import label_curves
from workshop_utils.teaching.label_curves import INFORMATIVE, RANDOM, Round
from workshop_utils.training import starting_weights, trainer
from workshop_utils.training.plan import Plan
from workshop_utils.training.run_folder import RunFolder

COUNTS = (10, 20, 30, 50, 70, 90)
SEEDS = (42, 43, 44)
FIRST_STEPS, MORE_STEPS = 200, 100
"""Training steps of the first round, and of each later one."""

VIEWS = 240
"""Number of augmented views whose features are cached in a round, of all its photos together."""

FROZEN = "block_5_add"
FOLDER = settings.RUNS / "label_next"
PICTURE = settings.RESULTS / "label_next.png"


def rounds() -> list[tuple[int, str, int]]:
    """Return (seed, order, number of photos) of all rounds. The first round is the same for both orders."""
    return [
        (seed, order, count) for seed in SEEDS for order in (INFORMATIVE, RANDOM) for count in COUNTS[order == RANDOM :]
    ]


def run_folder(seed: int, order: str, count: int) -> RunFolder:
    """Return the run of a round."""
    return RunFolder(FOLDER / f"{seed}-{'first' if count == COUNTS[0] else order}-{count:02}")


def labelled(data: Dataset, seed: int, order: str, count: int, before: RunFolder | None) -> list[str]:
    """Return the names of the photos that are labelled in a round.

    Args:
        data: The data set.
        seed: The seed of the random order, from which the first photos of both orders come.
        order: INFORMATIVE or RANDOM.
        count: How many.
        before: The run of the round before.
    """
    pool: dict[str, Any] = {sample.name: sample.source for sample in data.split()[0]}
    names = [list(pool)[place] for place in np.random.default_rng(seed).permutation(len(pool))]
    if before is None or order == RANDOM:
        return names[:count]
    known = before.plan.train_on or []
    detector = trainer.load_model(before)
    ranked = informative.order(detector, pool.values(), [pool[name] for name in known], count - len(known))
    return [*known, *(each.photo.name for each in ranked)]


def measure(data: Dataset, new_line: Dataset, seed: int, order: str, count: int) -> Round:
    """Label, train and score one round."""
    began, started = time.process_time(), time.monotonic()
    place = COUNTS.index(count)
    before = run_folder(seed, order, COUNTS[place - 1]) if place else None
    names = labelled(data, seed, order, count, before)
    ordered = time.process_time() - began
    steps = MORE_STEPS if before else FIRST_STEPS
    recipe = settings.recipe("quick", steps=steps, seed=seed, evaluate_every=steps, checkpoint_every=steps)
    plan = Plan.of(
        data,
        recipe=recipe,
        source=settings.YOGHURT,
        train_on=names,
        train_from=FROZEN,
        views=VIEWS // count,
        start_from=before and starting_weights.choose(before.folder),
    )
    run = trainer.train(plan, data, run_folder(seed, order, count).folder)
    for state in run.checkpoints.glob("*.npz"):
        state.unlink()
    model, classes = trainer.load_model(run)
    new = average_precision.evaluate(model, new_line.samples, new_line.label_map, classes)
    assert new.AP50 is not None  # the new line has objects of all classes
    boxes = sum(len(sample.classes) for sample in dataset.select(data.split()[0], names))
    seconds = {"ordering": ordered, "round": time.process_time() - began, "elapsed": time.monotonic() - started}
    return Round(
        seed=seed,
        order=order,
        photos=count,
        boxes=boxes,
        steps=steps,
        AP50=run.metrics()["AP50"],
        new_line_AP50=new.AP50,
        names=tuple(names),
        processor_seconds={name: round(value, 1) for name, value in seconds.items()},
        fingerprint=data.fingerprint(),
        command=shlex.join(("python", "tools/label_next.py")),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--most", type=int, help="end after this many rounds; by default all")
    most = parser.parse_args().most
    data, new_line = dataset.load(settings.YOGHURT), dataset.load(settings.NEW_LINE)
    done = {(each.seed, each.order, each.photos) for each in label_curves.rounds()}
    missing = [each for each in rounds() if each not in done]
    for each in missing[:most]:
        found = measure(data, new_line, *each)
        with open(label_curves.FILE, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(dataclasses.asdict(found)) + "\n")
        print(f"seed {found.seed}, {found.order}, {found.photos} photos: AP50 {found.AP50:.3f}, new line "
              f"{found.new_line_AP50:.3f}; {found.processor_seconds}", flush=True)  # fmt: skip
    found = label_curves.rounds()
    if all(label_curves.histories(found).values()):
        draw(found)
    return 0


def draw(found: list[Round]) -> None:
    """Draw AP50 over the photos and over the boxes that were labelled, for each order: the mean, and each seed."""
    panels = (
        ("photos", "AP50", "validation photos"),
        ("photos", "new line", "another line"),
        ("boxes", "AP50", "validation photos"),
    )
    figure, axes = plt.subplots(1, len(panels), figsize=(12, 3.8), layout="constrained", sharey=True)
    styles = {INFORMATIVE: ("tab:blue", "o", "-"), RANDOM: ("tab:orange", "s", "--")}
    for axis, (x, y, where) in zip(axes, panels, strict=True):
        for order, histories in label_curves.histories(found).items():
            colour, marker, dash = styles[order]
            points = np.array([[(row[x], row[y]) for row in rows] for rows in histories])
            for rows in points:
                axis.plot(*rows.T, color=colour, marker=marker, linestyle="none", markersize=4, alpha=0.4)
            axis.plot(*points.mean(axis=0).T, color=colour, marker=marker, linestyle=dash, label=order)
        axis.set(xlabel=f"labelled {x}", title=where, xlim=(0, None))
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("AP50")
    axes[0].legend(loc="lower right")
    figure.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    sys.exit(main())

"""Kill training repeatedly, damage its files and fill its disk: `make faults`.

    python tools/faults.py [KILLS]

Trains a small recipe twice without interruption, and once with KILLS (12) kills by SIGKILL at random moments. After
every third kill, it flips a bit of the last state. Then it trains once on a disk that is too small, if it is allowed to
mount one. In the end all runs must have the same weights. Writes the losses and differences to build/faults.json.
"""

import datetime
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np

from workshop_utils.core import files, settings
from workshop_utils.training import trainer
from workshop_utils.training.run_folder import STATES, RunFolder

RECORD = settings.PROJECT / "build" / "faults.json"
RECIPE = {"steps": 100, "photos": 24, "batch_size": 2, "evaluate_every": 50, "checkpoint_every": 50}
CUPS = settings.PROJECT / "build" / "faults"

TRAIN = """
import sys, time
from workshop_utils.core import settings
from workshop_utils.data import dataset
from workshop_utils.training import trainer
from workshop_utils.training.plan import Plan

def printing(make_step):
    def making(model, optimizer, *rest):
        step = make_step(model, optimizer, *rest)
        def print_step(*batch):
            result = step(*batch)
            print("step", int(optimizer.iterations), time.monotonic(), flush=True)
            return result
        return print_step
    return making

trainer.make_step = printing(trainer.make_step)
folder, strategy, recipe, cups = sys.argv[1:]
recipe = settings.recipe("quick", **dict(pair.split("=") for pair in recipe.split()))
try:
    cups = dataset.load(cups)
    trainer.train(Plan.of(cups, strategy, recipe), cups, folder)
except Exception as fault:
    sys.exit(str(fault))
"""


def start(folder: pathlib.Path, strategy: str) -> subprocess.Popen:
    recipe = " ".join(f"{key}={value}" for key, value in RECIPE.items())
    command = [sys.executable, "-c", TRAIN, str(folder), strategy, recipe, str(CUPS)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def whole(folder: pathlib.Path, strategy: str) -> RunFolder:
    """Train without interruption."""
    child = start(folder, strategy)
    _, said = child.communicate()
    if child.returncode:
        raise SystemExit(said)
    return RunFolder(folder)


def killed(folder: pathlib.Path, strategy: str, kills: int, chance: random.Random) -> dict:
    """Train, killed `kills` times on the way; return the losses."""
    lost, damaged, moments = [], 0, {0: 0.0}
    for number in range(kills):
        child = start(folder, strategy)
        resumed, deadline = 0, None
        for line in child.stdout or ():
            if line.startswith("Resuming"):
                resumed = int(line.split()[-1])
            if line.startswith("step"):
                _, step, moment = line.split()
                moments[int(step)] = float(moment)
                deadline = deadline or time.monotonic() + chance.uniform(0, 4)
                if time.monotonic() > deadline:
                    break
        child.kill()
        at, rest = time.monotonic(), child.communicate()[0]
        if child.returncode == 0:
            break
        steps = [int(line.split()[1]) for line in rest.splitlines() if line.startswith("step")]
        reached = max([resumed, step := int(step), *steps])
        state = RunFolder(folder).load_state(blank(folder)).step
        lost.append({"kill": number + 1, "reached": reached, "kept": state,
                     "seconds": round(at - moments.get(state, at), 2) if state < reached else 0.0})  # fmt: skip
        if number % 3 == 2:
            path = folder / "checkpoints" / STATES[0]
            data = bytearray(path.read_bytes())
            data[chance.randrange(len(data) - 100)] ^= 1 << chance.randrange(8)
            path.write_bytes(data)
            damaged += 1
        print(lost[-1], "and a bit of the state was flipped" if number % 3 == 2 else "", flush=True)
    whole(folder, strategy)
    return {
        "kills": len(lost),
        "bits flipped": damaged,
        "most steps lost": max(each["reached"] - each["kept"] for each in lost),
        "most seconds lost": max(each["seconds"] for each in lost),
        "each": lost,
    }


class Blank:
    """A stand-in for a weight, to read a state of which only the step is needed."""

    def __init__(self, shape):
        self.shape = shape

    def assign(self, _):
        pass


def blank(folder: pathlib.Path) -> list[Any]:
    for name in STATES:
        try:
            with np.load(folder / "checkpoints" / name) as state:
                return [Blank(state[f"v{number}"].shape) for number in range(len(state.files) - 3)]
        except (OSError, ValueError):
            continue
    return []


def full_disk(folder: pathlib.Path, strategy: str) -> dict | None:
    """Train on a disk that is too small for the first checkpoint, then on the same disk, enlarged.

    Returns None if this process may not mount a disk.
    """
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "none", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        return None
    try:
        child = start(folder / "run", strategy)
        said = child.communicate()[1].strip().splitlines()[-1]
        left = sorted(path.name for path in folder.rglob("*") if path.name.startswith(files.UNFINISHED))
        subprocess.run(["mount", "-o", "remount,size=400m", str(folder)], check=True)
        experiment = whole(folder / "run", strategy)
        shutil.copytree(experiment.folder, folder.with_name("from_full_disk"))
        return {"exit code": child.returncode, "said": said, "unfinished files left": left}
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def difference(one: RunFolder, other: RunFolder) -> float:
    """Return the largest difference between the weights of two runs."""
    weights = [trainer.load_model(each)[0].get_weights() for each in (one, other)]
    return float(max(np.abs(a - b).max() for a, b in zip(*weights, strict=True)))


def compare(strategy: str, kills: int, folder: pathlib.Path) -> dict:
    first, second = (whole(folder / name, strategy) for name in ("first", "second"))
    found = {"strategy": strategy, "killed": killed(folder / "killed", strategy, kills, random.Random(kills))}
    found["full disk"] = full_disk(folder / "disk", strategy)
    runs = {"a second run": second, "the killed run": RunFolder(folder / "killed")}
    if found["full disk"]:
        runs["the run whose disk was full"] = RunFolder(folder / "from_full_disk")
    found["weights differ at most by"] = {name: difference(first, run) for name, run in runs.items()}
    found["AP"] = {name: run.metrics()["AP"] for name, run in {"the first run": first, **runs}.items()}
    return found


def copy_photos() -> None:
    """Copy 30 photos, so that nothing else changes them during the trial."""
    shutil.rmtree(CUPS, ignore_errors=True)
    for part in ("images", "annotations"):
        (CUPS / part).mkdir(parents=True)
        for path in sorted((settings.YOGHURT / part).iterdir())[:30]:
            shutil.copy(path, CUPS / part)


def main(kills: int = 12) -> int:
    copy_photos()
    found = []
    for strategy, count in (("fine_tune", kills), ("random_init", kills // 4)):
        with tempfile.TemporaryDirectory() as folder:
            found.append(compare(strategy, count, pathlib.Path(folder)))
        RECORD.parent.mkdir(exist_ok=True)
        record = {"date": datetime.date.today().isoformat(), "recipe": RECIPE, "runs": found}
        files.write_text(json.dumps(record, indent=1) + "\n", RECORD)
        print(json.dumps({key: value for key, value in found[-1].items() if key != "killed"}, indent=1), flush=True)
    worst = max(value for each in found for value in each["weights differ at most by"].values())
    longest = max(each["killed"]["most seconds lost"] for each in found)
    print(f"At most {longest} s of training were lost, and weights differ by at most {worst}; see {RECORD}.")
    return int(worst > 1e-5 or longest > 10)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))

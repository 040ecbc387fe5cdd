"""Measure a round of labelling: order the photos that wait, label ten more, and train on from the last run.

    python benchmarks/label_round.py DATASET LIST

A detector is trained on the photos that LIST names, with the recipe `quick`, while the other training photos wait
without labels. Then come the commands of a round, as in docs/commands.md: `next`, and `train --start-from` on ten
photos more, for STEPS steps. The labels of DATASET stand for those that a person draws. Prints one line of JSON: the
seconds of both commands, and AP50 before and after.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from workshop_utils.data import dataset

STEPS = 100


def command(*arguments: str | pathlib.Path) -> tuple[float, list[str]]:
    """Run a command of the workshop; return its seconds and the lines that it printed. Exits if it fails."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "workshop_utils", *map(str, arguments)], capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    return time.monotonic() - began, done.stdout.splitlines()


def waiting_photos(data: pathlib.Path, labelled: list[str], folder: pathlib.Path) -> pathlib.Path:
    """Copy the training photos of a data set, but only the labels of some; return the folder of the photos."""
    for part in ("images", "annotations"):
        (folder / part).mkdir(parents=True)
    for sample in dataset.load(data).split()[0]:
        shutil.copy(data / "images" / sample.name, folder / "images")
        if sample.name in labelled:
            shutil.copy((data / "annotations" / sample.name).with_suffix(".xml"), folder / "annotations")
    return folder / "images"


def main() -> None:
    data, first = map(pathlib.Path, sys.argv[1:])
    names = first.read_text(encoding="utf-8").split()
    with tempfile.TemporaryDirectory() as scratch:
        before, after, labelled = (pathlib.Path(scratch, name) for name in ("before", "after", "labelled.txt"))
        _, printed = command("train", data, "--train-on", first, "--recipe", "quick", "--experiment", before)
        scores = [json.loads(printed[-1])["AP50"]]
        photos = waiting_photos(data, names, pathlib.Path(scratch, "photos"))
        ordering, printed = command("next", before, photos, "--count", "10")
        names += [pathlib.Path(line.rsplit(": uncertainty", 1)[0]).name for line in printed]
        labelled.write_text("\n".join(names) + "\n", encoding="utf-8")
        options = ("--train-on", labelled, "--start-from", before, "--recipe", "quick", "--experiment", after)
        fewer = ("--set", f"steps={STEPS}", f"evaluate_every={STEPS}", f"checkpoint_every={STEPS}")
        training, printed = command("train", data, *options, *fewer)
        scores.append(json.loads(printed[-1])["AP50"])
    seconds = {"round_seconds": ordering + training, "next_seconds": ordering, "train_seconds": training}
    print(json.dumps(seconds | {"photos": len(names), "steps": STEPS, "AP50": scores}))


if __name__ == "__main__":
    main()

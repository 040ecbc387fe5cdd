"""Create 1,000 photos of 12 megapixels, cache them, train on them, detect in them, and measure the memory.

    python tools/memory.py [PHOTOS]

`make memory` runs this. The photos are the workshop's, enlarged, each with a different mark. The photos to detect in
are hard links to five of them. Each command runs in its own process. Its peak is the largest resident set size, as the
kernel reports it. Writes the peaks to build/memory.json.
"""

import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys

from PIL import Image, ImageDraw

from workshop_utils.core import files, settings
from workshop_utils.data import photos, voc

FOLDER = settings.PROJECT / "build" / "memory"
SIZE = (4032, 3024)
MOST = 1.8e9

COMMANDS = {
    "cache": "{python} -c {cache} {data} {folder}/records",
    "train 20 steps": "{python} -m workshop_utils train {data} --recipe quick --set steps=20 photos=all batch_size=8"
    " evaluate_every=20 checkpoint_every=20 --experiment {folder}/run",
    "train 20 steps from the cache": "{python} -m workshop_utils train {folder}/records --recipe quick --set steps=20"
    " photos=all batch_size=8 evaluate_every=20 checkpoint_every=20 --experiment {folder}/run_cached",
    "detect": "{python} -m workshop_utils detect {folder}/run {folder}/album --out {folder}/found",
}
CACHE = "import pathlib, sys; from workshop_utils.data import dataset, tfrecords; " \
    "tfrecords.write(dataset.load(pathlib.Path(sys.argv[1])), pathlib.Path(sys.argv[2]))"  # fmt: skip


def make(folder: pathlib.Path, count: int) -> None:
    """Create the missing photos of the data set and of the album of hard links."""
    originals = settings.PROJECT / "build" / "memory" / "originals"
    if not originals.exists():
        shutil.copytree(settings.YOGHURT, originals)
    originals = photos.find(originals / "images")[:20]
    for part in ("images", "annotations"):
        (folder / "data" / part).mkdir(parents=True, exist_ok=True)
    (folder / "album").mkdir(exist_ok=True)
    for number in range(count):
        original = originals[number % len(originals)]
        path = folder / "data" / "images" / f"{number:05}.jpg"
        if not path.exists():
            picture = Image.open(original).resize(SIZE)
            ImageDraw.Draw(picture).rectangle((number, 0, number + 40, 40), fill="red")
            picture.save(path, quality=90)
        small = voc.read(original.parent.parent / "annotations" / f"{original.stem}.xml")
        boxes = voc.normalised(small)
        annotation = voc.from_normalised(SIZE, [box.name for box in small.boxes], boxes, path.name)
        voc.write(annotation, folder / "data" / "annotations" / f"{path.stem}.xml")
        link = folder / "album" / f"photo_{number:05}.jpg"
        if not link.exists():
            os.link(folder / "data" / "images" / f"{number % 5:05}.jpg", link)


def peak(command: str, **words) -> float:
    """Run a command; return its peak memory in bytes. Exits if the command fails."""
    arguments = [word.format(python=sys.executable, cache=CACHE, **words) for word in command.split()]
    before = os.environ | {"PYTHONWARNINGS": "ignore"}
    child = subprocess.Popen(arguments, env=before, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(arguments)}: exit code {child.returncode}")
    return used.ru_maxrss * 1024


def main(count: int = 1000) -> int:
    folder = FOLDER / str(count)
    make(folder, count)
    for name in ("run", "run_cached", "records", "found"):
        shutil.rmtree(folder / name, ignore_errors=True)
    peaks = {}
    for name, command in COMMANDS.items():
        peaks[name] = round(peak(command, data=folder / "data", folder=folder) / 1e9, 3)
        print(f"{name}: {peaks[name]:.2f} GB", flush=True)
        record = {"date": datetime.date.today().isoformat(), "photos": count, "pixels": SIZE, "gigabytes": peaks}
        files.write_text(json.dumps(record, indent=1) + "\n", FOLDER.parent / "memory.json")
    return int(max(peaks.values()) * 1e9 > MOST)


if __name__ == "__main__":
    if sys.platform == "darwin":
        raise SystemExit("macOS reports memory in other units: run this on Linux.")
    sys.exit(main(*map(int, sys.argv[1:])))

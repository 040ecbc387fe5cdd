"""Render the photos of the workshop: `make photos`, or `python -m render` from the folder data/ with bpy installed.

Photos that exist are not rendered again, so an interrupted run continues where it stopped.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import textures
from .output import blender_silent, write
from .plan import SETS, plan, set_of

DATA = Path(__file__).resolve().parent.parent


def main() -> int:
    arguments = _arguments()
    try:
        if arguments.again is not None:
            return again(arguments.again, arguments.out)
    except (ValueError, FileNotFoundError) as fault:
        print(f"render: {fault}", file=sys.stderr)
        return 2
    seeds = [seed for name in arguments.sets for seed in SETS[name].seeds]
    missing = [seed for seed in seeds if not all(path.exists() for path in targets(seed, arguments.out))]
    print(f"{len(seeds)} photos, {len(seeds) - len(missing)} of them already in {arguments.out}", flush=True)
    if not missing:
        return 0
    textures.make_all(textures.default_folder())
    if arguments.workers > 1 and len(missing) > 1:
        return _share_out(arguments)
    mine = [seed for seed in seeds[arguments.worker :: arguments.of] if seed in missing]
    started = time.monotonic()
    for done, seed in enumerate(mine, start=1):
        boxes = render(seed, arguments.out)
        seconds = (time.monotonic() - started) / done
        left = seconds * (len(mine) - done) / 60
        photo = targets(seed, arguments.out)[0]
        print(f"{photo}: {boxes} boxes; {left:.0f} min left at {seconds:.1f} s per photo", flush=True)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m render", description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), metavar="SET", help=f"{', '.join(SETS)}")
    parser.add_argument("--again", type=int, metavar="SEED", help="render one photo again and compare it")
    parser.add_argument("--out", type=Path, default=DATA, help="the folder for the sets (default: %(default)s)")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count(), help="process count (default: %(default)s)"
    )
    parser.add_argument("--worker", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--of", type=int, default=1, help=argparse.SUPPRESS)
    return parser.parse_args()


def again(seed: int, out: Path) -> int:
    """Render a seed's photo again and print whether boxes and pixels equal those in `out`; return 0 if the boxes do.

    Raises ValueError for an unknown seed and FileNotFoundError if the photo does not exist.
    """
    textures.make_all(textures.default_folder())
    with tempfile.TemporaryDirectory() as elsewhere:
        before = [path.read_bytes() for path in targets(seed, out)]
        render(seed, Path(elsewhere))
        after = [path.read_bytes() for path in targets(seed, Path(elsewhere))]
    photo, labels = (one == other for one, other in zip(before, after))
    words = {True: "the same as before", False: "not those of before"}
    print(f"seed {seed}, {targets(seed, out)[0]}: the boxes are {words[labels]}, the file's bytes are {words[photo]}")
    return 0 if labels else 1


def _share_out(arguments: argparse.Namespace) -> int:
    """Run one process per core: two photos in parallel on one core each are faster than one after another on two."""
    command = [sys.executable, "-m", "render", "--workers", "1", "--out", str(arguments.out), "--sets", *arguments.sets]
    running = []
    for worker in range(arguments.workers):
        pin = (lambda core=worker: os.sched_setaffinity(0, {core})) if hasattr(os, "sched_setaffinity") else None
        share = ["--worker", str(worker), "--of", str(arguments.workers)]
        running.append(subprocess.Popen([*command, *share], cwd=DATA, preexec_fn=pin))
    try:
        return max(process.wait() for process in running)
    except KeyboardInterrupt:
        for process in running:
            process.terminate()
        print("\nStopped. Run the same command again to continue.", file=sys.stderr)
        return 1


def targets(seed: int, out: Path) -> tuple[Path, Path]:
    """Return the paths of the photo and its labels."""
    photo_set = set_of(seed)
    stem = photo_set.stem(seed)
    return out / photo_set.images / f"{stem}.jpg", out / photo_set.annotations / f"{stem}.xml"


def render(seed: int, out: Path) -> int:
    """Render one photo and write it with its labels; return the number of boxes."""
    from . import boxes, picture

    photo_path, labels_path = targets(seed, out)
    with tempfile.TemporaryDirectory() as scratch, blender_silent():
        photo = picture.take(plan(seed), textures.default_folder(), Path(scratch))
    text = boxes.as_voc(photo.boxes, photo_path.name, photo_path.parent.name, picture.SIZE)
    write(photo_path, photo.jpeg)
    write(labels_path, text.encode())
    return len(photo.boxes)


if __name__ == "__main__":
    sys.exit(main())

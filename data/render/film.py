"""Render the films of the workshop: `make films`, or `python -m render.film` from the folder data/ with bpy and PyAV.

Each frame is rendered once and kept in data/render/build/, so an interrupted run continues where it stopped.
"""

import argparse
import dataclasses
import hashlib
import json
import os
import sys
import time
from pathlib import Path

from . import film_truth, textures
from .film_plan import FILMS, Film, film
from .output import blender_silent, write

DATA = Path(__file__).resolve().parent.parent


def main() -> int:
    arguments = _arguments()
    for plan in map(film, arguments.films):
        if all(path.exists() for path in targets(plan.name, arguments.out)):
            print(f"{plan.name}: already in {arguments.out}; delete it there to make it again")
            continue
        textures.make_all(textures.default_folder())
        render(plan, arguments.threads, arguments.frames)
        if arguments.frames is None:
            put_together(plan, arguments.out)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m render.film", description=__doc__.splitlines()[0])
    parser.add_argument("--films", nargs="+", choices=FILMS, default=list(FILMS), metavar="FILM", help=", ".join(FILMS))
    parser.add_argument("--frames", type=int, nargs="+", metavar="FRAME", help="render only these frames")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="thread count (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=DATA / "films", help="the films' folder (default: %(default)s)")
    return parser.parse_args()


def targets(name: str, out: Path) -> tuple[Path, Path, Path]:
    """Return the paths of a film, its truth, and its poster."""
    return out / f"{name}.mp4", out / f"{name}.json", out.parent / "pictures" / f"film_{name}.jpg"


def put_together(plan: Film, out: Path) -> None:
    """Write the film, its truth and its poster from the rendered frames."""
    from . import film_file

    folder = frames_folder(plan)
    cups = [cup for frame in range(plan.frames) for cup in _cups(folder / f"{frame:04d}.json", frame)]
    film_path, truth_path, poster_path = targets(plan.name, out)
    for path in (film_path, poster_path):
        path.parent.mkdir(parents=True, exist_ok=True)
    film_file.write_poster(plan, folder, cups, poster_path)
    film_file.write_film(plan, folder, film_path)
    write(truth_path, film_truth.as_json(plan, cups).encode())
    print(f"{film_path}: {film_path.stat().st_size / 1e6:.2f} MB", flush=True)


def _cups(rows: Path, frame: int) -> list[film_truth.SeenCup]:
    """Return the cups of a frame by track, with edges of at least 1, as `boxes.as_voc` writes them."""
    cups = []
    for row in sorted(json.loads(rows.read_text()), key=lambda row: row["track"]):
        edges = [max(1, row[edge]) for edge in ("xmin", "ymin", "xmax", "ymax")]
        cups.append(film_truth.SeenCup(frame, row["track"], row["flavour"], *edges, round(row["visible"], 3)))
    return cups


def frames_folder(plan: Film) -> Path:
    """Return the folder of a film's frames. Its name changes with the plan, so frames of an older plan are not used."""
    fingerprint = hashlib.sha256(repr(plan).encode()).hexdigest()[:8]
    return textures.default_folder() / "films" / f"{plan.name}-{fingerprint}"


def render(plan: Film, threads: int, only: list[int] | None = None) -> None:
    """Render the missing frames of a film, then find the boxes on them."""
    from . import film_scene

    folder = frames_folder(plan)
    folder.mkdir(parents=True, exist_ok=True)
    frames = range(plan.frames) if only is None else only
    photos = [frame for frame in frames if not (folder / f"{frame:04d}.png").exists()]
    boxes = [frame for frame in frames if not (folder / f"{frame:04d}.json").exists()]
    if not photos and not boxes:
        return
    started = time.monotonic()
    with blender_silent():
        stage = film_scene.Stage(plan, textures.default_folder(), threads)
        if photos:
            stage.prepare(folder / "background.png")
    print(f"{plan.name}: the scene is built after {time.monotonic() - started:.0f} s", flush=True)
    for frame in _reported(f"{plan.name}, photos", photos):
        with blender_silent():
            stage.photo(frame, folder / "background.png", folder / f"{frame:04d}.png")
    if boxes:
        stage.paint_numbers()
    for frame in _reported(f"{plan.name}, boxes", boxes):
        with blender_silent():
            found = stage.seen(frame, folder / "mask.png")
        rows = [{"track": track, **dataclasses.asdict(box)} for track, box in found]
        write(folder / f"{frame:04d}.json", json.dumps(rows).encode())


def _reported(task: str, frames: list[int]):
    """Yield frames and print the time left after each."""
    started = time.monotonic()
    for done, frame in enumerate(frames, start=1):
        yield frame
        seconds = (time.monotonic() - started) / done
        left = seconds * (len(frames) - done) / 60
        print(f"{task}: frame {frame}; {left:.0f} min left at {seconds:.2f} s per frame", flush=True)


if __name__ == "__main__":
    sys.exit(main())

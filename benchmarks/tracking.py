"""Measure how well `detect` follows and counts the cups in data/films, over score threshold and frame rate.

    python benchmarks/tracking.py RUN

The detector of RUN, in LiteRT, sees each frame once. Then each threshold and each frame rate is tried on what it found.
Writes tracking.jsonl and tracking.md next to this program; no figure in them is typed in.
"""

import collections
import dataclasses
import datetime
import json
import pathlib
import sys
from typing import Any

import report
from PIL import Image

from workshop_utils.core import files, settings
from workshop_utils.deploy import annotate, runtime
from workshop_utils.deploy.video import counting, film_truth, tracking, tracking_scores
from workshop_utils.deploy.video.films import Film
from workshop_utils.training.run_folder import RunFolder

HERE = pathlib.Path(__file__).resolve().parent
FILMS = settings.PROJECT / "data" / "films"
THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
EVERY = (1, 2, 3, 5)
"""Each frame, every second one, and so on."""

DEFAULT = 0.4
"""The threshold of `detect`."""


def detected(detector: runtime.OpenDetector, path: pathlib.Path) -> list[tuple]:
    """Return the boxes, class ids and scores in each frame of a film, as `detect --track` gets them."""
    return [annotate.detect(detector, Image.fromarray(frame.rgb), tracking.LOWEST_SCORE) for frame in Film(path)]


def measured(found: list[tuple], truth: film_truth.FilmTruth, names: dict[int, str], score: float, every: int) -> dict:
    """Follow and count what was detected in every `every`-th frame; return the scores."""
    fps = truth.fps / every
    tracker, counter = tracking.Tracker(fps, score), counting.Counter(truth.line)
    tracks = []
    for number, (boxes, classes, scores) in enumerate(found[::every]):
        tracks.append(tracker.update(boxes, scores, classes, number / fps))
        counter.update(tracks[-1])
    boxes: list[Any] = [[track.box for track in each] for each in tracks]
    ids: list[Any] = [[track.id for track in each] for each in tracks]
    result = dataclasses.asdict(tracking_scores.score(truth.frames[::every], boxes, ids))
    counted = collections.Counter(
        {(names.get(class_id, tracking.UNCERTAIN), way): number
         for class_id, ways in counter.counts().items() for way, number in ways.items() if number}
    )  # fmt: skip
    result["counted"], result["crossed"] = counted.total(), truth.crossed.total()
    result["uncertain"] = sum(number for (name, _), number in counted.items() if name == tracking.UNCERTAIN)
    named = {key: number for key, number in counted.items() if key[0] != tracking.UNCERTAIN}
    result["counting_error"] = tracking_scores.counting_error(named, truth.crossed)
    return result


def markdown(rows: list[dict]) -> str:
    """Return tracking.md."""
    first = rows[0]
    parts = [
        "# Following and counting cups on films",
        f"Measured by `{first['command']}` on {first['date']}: {first['machine']}. RUN was fine-tuned with the recipe "
        f"`{first['recipe']['name']}`. The library `trackers` computes HOTA, MOTA and IDF1, and ignores flavours. "
        "The counting error adds up the differences between the cups counted and those that cross the line, for each "
        "flavour and direction, and divides them by the cups that cross it. A cup under a wrong name counts twice; "
        "uncertain tracks are left out. This is one run; with another seed, the figures differ.",
    ]
    columns = ("HOTA", "MOTA", "IDF1", "counting_error")
    for name in dict.fromkeys(row["film"] for row in rows):
        own = [row for row in rows if row["film"] == name]
        parts += [f"## {name}", f"{own[0]['crossed']} cups cross the line."]
        for head, chosen in (
            ("threshold", [row for row in own if row["every"] == 1]),
            ("fps", [row for row in own if row["threshold"] == DEFAULT]),
        ):
            body = [
                (f"{row[head]:g}", *(report.number(row[each], 3) for each in columns), row["switches"], row["counted"],
                 row["uncertain"]) for row in chosen
            ]  # fmt: skip
            parts.append(report.table((head, *columns, "changes of the id", "counted", "of these uncertain"), body))
    return "\n\n".join(parts).replace("counting_error", "counting error") + "\n"


def main() -> None:
    run = RunFolder(pathlib.Path(sys.argv[1]))
    detector = runtime.open_detector(run.folder, fast=True)
    about = {
        "command": "python benchmarks/tracking.py RUN",
        "date": datetime.date.today().isoformat(),
        "machine": report.describe_machine(),
        "recipe": dataclasses.asdict(run.plan.recipe),
    }
    rows = []
    for path in sorted(FILMS.glob("*.mp4")):
        truth, found = film_truth.read(path.with_suffix(".json")), detected(detector, path)
        for score in THRESHOLDS:
            for every in EVERY:
                result = measured(found, truth, detector.label_map, score, every)
                where = {"film": path.stem, "threshold": score, "every": every, "fps": truth.fps / every}
                rows.append(about | where | result)
                print({**where, **result}, file=sys.stderr)
    files.write_text("".join(json.dumps(row) + "\n" for row in rows), HERE / "tracking.jsonl")
    files.write_text(markdown(rows), HERE / "tracking.md")


if __name__ == "__main__":
    main()

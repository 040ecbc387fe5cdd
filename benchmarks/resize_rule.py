"""Compare our resize rule with the one that the COCO weights were trained with (docs/decisions/0010).

    python benchmarks/resize_rule.py DATASET as_is|fine_tune [--rules ours original] [--seeds 42 43 44]

`as_is` scores the COCO detector on the validation photos, whatever it calls the objects; `fine_tune` trains by the
seed's recipe first. Each detector is scored on the validation photos in several sizes. A finished measurement is
appended to resize_rule.jsonl and not repeated; resize_rule.md shows all of them.
"""

import argparse
import datetime
import io
import json
import pathlib
import statistics
import tempfile

import numpy as np
import report
from PIL import Image

from workshop_utils.core import files, settings
from workshop_utils.data import dataset, formats, photos
from workshop_utils.model import preprocessing
from workshop_utils.training import trainer
from workshop_utils.training.plan import Plan

HERE = pathlib.Path(__file__).resolve().parent
MEASUREMENTS = HERE / "resize_rule.jsonl"
PAGE = HERE / "resize_rule.md"
SIDE = preprocessing.INPUT_SIDE
WHOLE = 100_000
USUAL = "shrunk to 512"
SIZES = {
    USUAL: (WHOLE, photos.WORKING_SIDE),
    "from the photo itself": (WHOLE, WHOLE),
    "photos of 320": (320, photos.WORKING_SIDE),
    "photos of 200": (200, photos.WORKING_SIDE),
}
"""{name: (pixels on the longer side that the validation photos have at most, the working side)}."""


def original(image: np.ndarray, window: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)) -> np.ndarray:
    """Resize as `tf.compat.v1.image.resize_images` does: pixel x comes from x * scale, between its two neighbours.

    Pillow adds half a pixel on both sides of the transformation; the offsets here take it away again.
    """
    height, width = image.shape[:2]
    ymin, xmin, ymax, xmax = window
    across, down = (xmax - xmin) * width / SIDE, (ymax - ymin) * height / SIDE
    matrix = (across, 0, 0.5 - across / 2 + xmin * width, 0, down, 0.5 - down / 2 + ymin * height)
    resized = Image.fromarray(image).transform((SIDE, SIDE), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return np.asarray(resized)


RULES = {"ours": preprocessing.resize, "original": original}


def resized(sample: dataset.Sample, side: int) -> dataset.Sample:
    """Return a sample with its photo shrunk to at most `side` pixels on the longer side."""
    if side == WHOLE:
        return sample
    image = photos.read(sample.encoded, sample.name)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    encoded = stream.getvalue()
    return dataset.from_encoded(
        f"{sample.name}.png", encoded, sample.boxes, sample.classes, sample.difficult, sample.truncated
    )


def measure(folder: pathlib.Path, rule: str, strategy: str, seed: int) -> dict[str, dict[str, float]]:
    """Return AP50 and AP of one detector for each of SIZES."""
    preprocessing.resize = RULES[rule]
    data = formats.open_dataset(folder)
    recipe = settings.recipe("seed", seed=seed, photos="all", evaluate_every=1000, checkpoint_every=1000)
    found: dict[str, dict[str, float]] = {}

    def evaluate(plan, model, names, validation) -> dict:
        metrics = {}
        for name, (side, working_side) in SIZES.items():
            photos.WORKING_SIDE = working_side
            metrics[name] = scored(plan, model, names, [resized(sample, side) for sample in validation])
            scores = metrics[name].get("class_agnostic") or metrics[name]
            found[name] = {key: scores[key] for key in ("AP50", "AP")}
        return metrics[USUAL]

    scored, trainer.evaluate = trainer.evaluate, evaluate
    try:
        with tempfile.TemporaryDirectory() as run:
            trainer.train(Plan.of(data, strategy, recipe, source=str(folder)), data, pathlib.Path(run))
    finally:
        trainer.evaluate, photos.WORKING_SIDE = scored, SIZES[USUAL][1]
    return found


def page(rows: list[dict]) -> str:
    """Return resize_rule.md."""
    parts = [
        "# Two resize rules",
        "Made by `python benchmarks/resize_rule.py`. `ours` is bilinear with antialiasing; `original` is the rule that "
        "the COCO weights were trained with: bilinear without antialiasing or half-pixel centres. fine_tune trains by "
        "the recipe `seed` on photos shrunk to 512 pixels on their longer side; as_is ignores the class. Every row is "
        "the mean over the seeds. " + report.measured_on(rows),
    ]
    for name in dict.fromkeys(row["dataset"] for row in rows):
        lines = []
        for strategy in ("as_is", "fine_tune"):
            here = [row for row in rows if (row["dataset"], row["strategy"]) == (name, strategy)]
            for size in SIZES if here else ():
                lines.append((strategy, size, *columns(here, size)))
        parts += [f"## {name}", report.table(("strategy", "photos", "seeds", *HEADINGS), lines)]
    return "\n\n".join(parts) + "\n"


HEADINGS = ("AP50, ours", "AP50, original", "AP, ours", "AP, original")


def columns(rows: list[dict], size: str) -> tuple:
    """Return the seeds that both rules have, and the mean scores of both rules, as text."""
    by_rule = {rule: {row["seed"]: row["result"][size] for row in rows if row["rule"] == rule} for rule in RULES}
    seeds = sorted(set(by_rule["ours"]) & set(by_rule["original"]))
    means = [
        report.number(statistics.mean(by_rule[rule][seed][key] for seed in seeds), 3) if seeds else "-"
        for key in ("AP50", "AP")
        for rule in RULES
    ]
    return (", ".join(map(str, seeds)), *means)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("dataset", type=pathlib.Path)
    parser.add_argument("strategy", choices=("as_is", "fine_tune"))
    parser.add_argument("--rules", nargs="+", choices=tuple(RULES), default=tuple(RULES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[42])
    options = parser.parse_args()
    dataset.MAX_UNCACHED_PIXELS = photos.MAX_PIXELS  # the cache stores photos shrunk to 512
    for seed in options.seeds:
        for rule in options.rules:
            about = {"dataset": options.dataset.resolve().name, "rule": rule, "strategy": options.strategy}
            about |= {"seed": seed}
            if any(about.items() <= row.items() for row in report.read(MEASUREMENTS)):
                continue
            print(f"{datetime.datetime.now():%H:%M:%S} {about}", flush=True)
            row = about | {"date": datetime.date.today().isoformat(), "machine": report.describe_machine()}
            row |= {"result": measure(options.dataset, rule, options.strategy, seed)}
            with open(MEASUREMENTS, "a", encoding="utf-8") as stream:
                stream.write(json.dumps(row) + "\n")
            files.write_text(page(report.read(MEASUREMENTS)), PAGE)


if __name__ == "__main__":
    main()

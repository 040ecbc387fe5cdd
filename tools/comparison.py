"""The three strategies side by side, as a page and as plain text, from the runs that the notebooks made."""

import base64
import dataclasses
import datetime
import io
import os
import pathlib
import platform
from typing import Any

import jinja2
import numpy as np
from PIL import Image

from workshop_utils.core import files, settings
from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.data import dataset
from workshop_utils.data.dataset import Sample
from workshop_utils.evaluation import average_precision, mistakes
from workshop_utils.plots import charts, drawing
from workshop_utils.teaching import recorded
from workshop_utils.training import strategies, trainer

EXAMPLES = 4
SHOWN_SIDE = 340
MIN_SCORE = 0.4


def compare(recipe: settings.Recipe) -> dict[str, Any]:
    """Return what the page shows of the strategies. A missing run is trained first; raises what training raises."""
    data = dataset.load(settings.YOGHURT)
    train_photos, validation_photos = data.split(recipe.photos)
    classes = sorted(data.label_map.values())
    rows, sums, pictures, histories, called = [], [], [], {}, {}
    for strategy, chosen in strategies.STRATEGIES.items():
        run = trainer.shared_run(strategy, data, recipe)
        model, names = trainer.load_model(run)
        metrics, history = run.metrics(), run.history()
        minutes = f"{history[-1]['seconds'] / 60:.1f}" if history else "no training"
        rows.append(_row(strategy, chosen.summary, metrics, classes, minutes))
        found = average_precision.detect_all(model, validation_photos)
        if history:
            histories[f"{strategy}, this run"] = history
            rows += recorded_row(strategy, chosen.summary, classes, histories)
        if "class_agnostic" in metrics:
            title, agnostic = f"{strategy}, any class name", metrics["class_agnostic"]
            rows.append(_row(title, "the same boxes, their class ignored", agnostic, classes, minutes))
            called = average_precision.predicted_names(found, names, MIN_SCORE)
        seen = [seen_on(sample, each, names) for sample, each in zip(validation_photos, found.class_agnostic)]
        sums.append(_sum(strategy, chosen.summary, seen))
        pictures.append([drawn(*each, names, strategy) for each in zip(validation_photos[:EXAMPLES], seen)])
    truth = [labelled(sample, classes) for sample in validation_photos[:EXAMPLES]]
    return {
        "rows": rows,
        "sums": sums,
        "classes": classes,
        "called": called,
        "examples": list(zip(truth, *pictures)),
        "curves": _curves(histories),
        "recorded": any(name.endswith(", recorded") for name in histories),
        "recipes": {name: recipe.of(name).summary for name, each in strategies.STRATEGIES.items() if each.trains},
        "recipe": recipe,
        "training": len(train_photos),
        "validation": len(validation_photos),
        "fingerprint": data.fingerprint(),
    }


def recorded_row(strategy: str, summary: str, classes: list[str], histories: dict[str, list]) -> list[dict]:
    """Return a table row for the strategy's recorded run of the seed's recipe, and add its history; [] without one."""
    runs = [run for run in recorded.load() if run.strategy == strategy]
    for run in runs:
        histories[f"{strategy}, recorded"] = run.history
    return [
        _row(
            f"{strategy}, recorded",
            f"{summary}: {run.recipe.summary}, made on {run.date}",
            run.metrics,
            classes,
            f"{run.minutes:.1f}",
        )
        for run in runs
    ]


@dataclasses.dataclass(frozen=True)
class Seen:
    """What a detector finds on a labelled photo: as many boxes as there are objects, those with the highest scores."""

    boxes: np.ndarray
    classes: np.ndarray
    scores: np.ndarray
    labelled: int
    found: int
    named: int


def seen_on(sample: Sample, detections: tuple[np.ndarray, ...], names: dict[int, str]) -> Seen:
    """Return what is found on a photo, from `detect_all`'s class-agnostic detections of it."""
    boxes, classes, scores = detections
    kept = np.flatnonzero(scores > 0)[: len(sample.classes)]
    pairs = mistakes.outcomes(
        sample.boxes, sample.classes, boxes[kept], [names[int(number)] for number in classes[kept]]
    )
    found = [(truth, name) for truth, name in pairs if truth != mistakes.INVENTED and name != mistakes.MISSED]
    named = sum(truth == name for truth, name in found)
    return Seen(boxes[kept], classes[kept], scores[kept], len(sample.classes), len(found), named)


def labelled(sample: Sample, classes: list[str]) -> dict:
    """Return a photo with its labels, ready for the page."""
    colours = [drawing.colour(name, classes) for name in sample.classes]
    picture = drawing.annotated(_small(sample), sample.boxes, sample.classes, colours)
    return _photo("the labels", sample.name, picture, f"{len(sample.classes)} cups")


def drawn(sample: Sample, seen: Seen, names: dict[int, str], strategy: str) -> dict:
    """Return a photo with what a detector finds on it, ready for the page."""
    picture = drawing.photo_with_detections(_small(sample), seen.boxes, seen.classes, seen.scores, names, 0.0)
    caption = f"{seen.found} of {seen.labelled} cups found, {seen.named} named correctly"
    return _photo(strategy, sample.name, picture, caption)


def write_page(compared: dict, seconds: dict[str, float], path: pathlib.Path) -> None:
    """Write the page: the comparison, then the executed notebooks and the seconds each took."""
    gpus = len(tf.config.list_physical_devices("GPU"))
    facts = {
        "notebooks": [{"name": name, "seconds": taken} for name, taken in seconds.items()],
        "min_score": MIN_SCORE,
        "command": f"WORKSHOP_RECIPE={compared['recipe'].name} make run",
        "date": datetime.date.today().isoformat(),
        "versions": f"Python {platform.python_version()}, TensorFlow {tf.__version__} and Keras {keras.__version__}",
        "machine": f"{platform.system()} {platform.machine()} with {os.cpu_count()} cores and {gpus or 'no'} GPU",
    }
    template = pathlib.Path(__file__).with_name("report.html").read_text(encoding="utf-8")
    page = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(template)
    files.write_text(page.render(compared | facts), path)


def table(compared: dict) -> str:
    """Return the comparison as a plain text table."""
    heads = ["AP", "AP50", "AP75", *compared["classes"]]
    widths = [max(5, len(head)) + 2 for head in heads]
    first = max(len(row["title"]) for row in compared["rows"])
    lines = [
        " " * (first + sum(widths[:3]) + 2) + "AP50 by class",
        f"{'strategy':{first}}" + "".join(f"{head:>{width}}" for head, width in zip(heads, widths)) + "  minutes",
    ]
    for row in compared["rows"]:
        values = ("–" if value is None else f"{value:.3f}" for value in row["scores"])
        cells = "".join(f"{value:>{width}}" for value, width in zip(values, widths))
        lines.append(f"{row['title']:{first}}{cells}  {row['minutes']}")
    return "\n".join(lines)


def _row(title: str, explanation: str, metrics: dict, classes: list[str], minutes: str) -> dict:
    scores = [metrics["AP"], metrics["AP50"], metrics["AP75"], *map(metrics["per_class_AP50"].get, classes)]
    if "reason" in metrics:
        explanation = f"{explanation} (– is not measured: {metrics['reason']})"
    return {"title": title, "explanation": explanation, "scores": scores, "minutes": minutes}


def _sum(strategy: str, summary: str, seen: list[Seen]) -> dict:
    """Return how many cups a strategy found and named on all the photos."""
    labelled, found, named = (sum(getattr(each, key) for each in seen) for key in ("labelled", "found", "named"))
    return {"title": strategy, "explanation": summary, "labelled": labelled, "found": found, "named": named}


def _curves(histories: dict[str, list]) -> dict[str, str]:
    """Return the chart of AP50 over training steps, ready for the page."""
    last = {name: rows[-1]["AP50"] for name, rows in histories.items()}
    ends = "; ".join(f"{name} ends at {value:.2f}" for name, value in last.items() if value is not None)
    alt = f"AP50 over training steps: {ends}."
    picture = charts.curves(histories, "AP50", alt=alt)
    return {"png": base64.b64encode(picture.png).decode(), "alt": alt}


def _small(sample) -> Image.Image:
    """Return the photo as wide as the page shows it, so that its captions are readable."""
    picture = Image.fromarray(sample.image)
    picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    return picture


def _photo(title: str, name: str, picture: Image.Image, caption: str) -> dict:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=90)
    jpeg = base64.b64encode(stream.getvalue()).decode()
    size = {"width": picture.width, "height": picture.height}
    return {"title": title, "name": name, "caption": caption, "jpeg": jpeg} | size

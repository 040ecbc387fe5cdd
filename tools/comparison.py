"""The three strategies side by side, as a page and as plain text, from the runs that the notebooks made."""

import base64
import collections
import datetime
import io
import os
import pathlib
import platform

import jinja2
from PIL import Image

from workshop_utils.core import files, settings
from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.data import dataset
from workshop_utils.evaluation import average_precision
from workshop_utils.model import detection
from workshop_utils.plots import drawing
from workshop_utils.training import strategies, trainer

EXAMPLES = 4
SHOWN_SIDE = 340
MIN_SCORE = 0.4


def compare(recipe: settings.Recipe) -> dict:
    """Return what there is to show of the strategies. A run that is missing is trained; raises what training raises."""
    data = dataset.load(settings.YOGHURT)
    train_photos, validation_photos = data.split(recipe.photos)
    classes = sorted(data.label_map.values())
    shown = validation_photos[:EXAMPLES]
    rows, called = [], {}
    examples = [_example("What is there", "the labels", [labelled(sample, classes) for sample in shown])]
    for strategy, chosen in strategies.STRATEGIES.items():
        run = trainer.shared_run(strategy, data, recipe)
        model, names = trainer.load_model(run)
        metrics, history = run.metrics(), run.history()
        minutes = f"{history[-1]['seconds'] / 60:.1f}" if history else "no training"
        rows.append(_row(strategy, chosen.summary, metrics, classes, minutes))
        if "class_agnostic" in metrics:
            title, agnostic = f"{strategy}, whatever it is called", metrics["class_agnostic"]
            rows.append(_row(title, "the same boxes, their class ignored", agnostic, classes, minutes))
            found = average_precision.detect_all(model, validation_photos)
            called = average_precision.predicted_names(found, names, MIN_SCORE)
        seen = [detected(sample, model, names) for sample in shown]
        examples.append(_example(strategy, chosen.summary, seen))
    return {
        "rows": rows,
        "classes": classes,
        "called": called,
        "examples": examples,
        "recipe": recipe,
        "training": len(train_photos),
        "validation": len(validation_photos),
        "fingerprint": data.fingerprint(),
    }


def labelled(sample, classes: list[str]) -> dict:
    """Return a photo with its labels, ready for the page."""
    colours = [drawing.colour(name, classes) for name in sample.classes]
    picture = drawing.annotated(_small(sample), sample.boxes, sample.classes, colours)
    return _photo(sample.name, picture, _counted(sample.classes))


def detected(sample, model, names: dict[int, str]) -> dict:
    """Return a photo with what a detector finds in it, ready for the page."""
    boxes, classes, scores = (part[0] for part in detection.detect(model, sample.image[None]))
    picture = drawing.photo_with_detections(_small(sample), boxes, classes, scores, names, MIN_SCORE)
    if scores[0] >= MIN_SCORE:
        return _photo(sample.name, picture, _counted(names[int(number)] for number in classes[scores >= MIN_SCORE]))
    guess = f"; the best guess is {names[int(classes[0])]} with {scores[0]:.0%}" if scores[0] > 0 else ""
    return _photo(sample.name, picture, f"nothing{guess}")


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


def _example(title: str, explanation: str, photos: list[dict]) -> dict:
    return {"title": title, "explanation": explanation, "photos": photos}


def _small(sample) -> Image.Image:
    """Return the photo as wide as the page shows it, so that what is written on it can be read."""
    picture = Image.fromarray(sample.image)
    picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    return picture


def _counted(classes) -> str:
    counts = collections.Counter(classes).most_common()
    return ", ".join(f"{count} {name}" for name, count in counts) or "nothing"


def _photo(name: str, picture: Image.Image, caption: str) -> dict:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=90)
    jpeg = base64.b64encode(stream.getvalue()).decode()
    return {"name": name, "caption": caption, "jpeg": jpeg, "width": picture.width, "height": picture.height}

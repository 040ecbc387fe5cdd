"""Compute the figures of data/README.md, its pictures, and the ladder: `make datasheet`.

Replaces the text between each pair of markers `<!-- computed: NAME -->` in data/README.md.
"""

import collections
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from figures import with_computed
from PIL import Image

from workshop_utils.core import files, settings
from workshop_utils.data import dataset, photos, voc

sys.path.insert(0, str(settings.DATA))

from render import film_plan, film_truth
from render.plan import SETS, plan

DATASHEET = settings.DATA / "README.md"
PICTURES = settings.DATA / "pictures"
TRIES = 4000


def annotations(name: str) -> list[voc.Annotation]:
    """Return the labels of a set of photos, in the order of its seeds."""
    photo_set = SETS[name]
    return [voc.read(settings.DATA / photo_set.annotations / f"{photo_set.stem(seed)}.xml") for seed in photo_set.seeds]


def balance(counts: collections.Counter) -> float:
    """Return the count of the most frequent class divided by that of the rarest."""
    return max(counts.values()) / min(counts.values())


def statistics() -> dict[str, dict]:
    """Return the figures of each set: {set: {name of the figure: value}}."""
    return {name: _statistics(name) for name in SETS}


def _statistics(name: str) -> dict:
    labels, plans = annotations(name), [plan(seed) for seed in SETS[name].seeds]
    boxes = [box for annotation in labels for box in annotation.boxes]
    counts = collections.Counter(box.name for box in boxes)
    sides = np.sqrt([(box.xmax - box.xmin) * (box.ymax - box.ymin) for box in boxes])
    cups = [cup for each in plans for cup in each.cups]
    paths = [settings.DATA / SETS[name].images / f"{SETS[name].stem(seed)}.jpg" for seed in SETS[name].seeds]
    return {
        "photos": len(labels),
        "megabytes": sum(path.stat().st_size for path in paths) / 1e6,
        "largest photo, kB": max(path.stat().st_size for path in paths) / 1e3,
        "photos without a cup": sum(not each.cups for each in plans),
        "cups on a photo, maximum": max(len(each.cups) for each in plans),
        "cups": len(cups),
        "lying cups": sum(cup.lying for cup in cups),
        "labelled cups": len(boxes),
        "labelled `truncated`": sum(box.truncated for box in boxes),
        "side of a box, pixels: minimum": sides.min(),
        "median": np.median(sides),
        "maximum": sides.max(),
        "other things on the belt": sum(len(each.things) for each in plans),
        "other cups among them": sum(thing.kind == "other cup" for each in plans for thing in each.things),
        "photos with motion blur": sum(each.blur > 0 for each in plans),
        "most frequent flavour over rarest": balance(counts),
    } | {f"labelled {flavour}": counts[flavour] for flavour in sorted(counts)}


def as_table(columns: dict[str, dict]) -> str:
    """Return a Markdown table with one column per set."""
    lines = ["| | " + " | ".join(columns) + " |", "|---" + "|--:" * len(columns) + "|"]
    for what in next(iter(columns.values())):
        values = [column[what] for column in columns.values()]
        cells = [f"{value:.2f}" if isinstance(value, float) and value < 3 else f"{value:.0f}" for value in values]
        lines.append("| " + " | ".join((what, *cells)) + " |")
    return "\n".join(lines)


def ladder(data: dataset.Dataset) -> dict[int, list[str]]:
    """Return {size: training photos}, nested lists. Each is the most balanced of TRIES random subsets of the next."""
    training, _ = data.split()
    classes = sorted(data.label_map.values())
    counts = {sample.name: np.array([sample.classes.count(name) for name in classes]) for sample in training}
    rungs = {len(training): sorted(counts)}
    rng = np.random.default_rng(settings.SPLIT_SEED)
    for size in sorted(settings.LADDER, reverse=True)[1:]:
        larger = rungs[min(rungs)]
        tries = [sorted(rng.choice(larger, size, replace=False).tolist()) for _ in range(TRIES)]
        rungs[size] = min(tries, key=lambda names: _unevenness(np.sum([counts[name] for name in names], axis=0)))
    return dict(sorted(rungs.items()))


def _unevenness(counts: np.ndarray) -> float:
    return counts.max() / max(counts.min(), 0.1)


def _as_written(name: str) -> str:
    """Return the set's folder below data/."""
    return SETS[name].images.split("/")[0]


def draw_pictures(folder: pathlib.Path) -> None:
    """Draw the boxes by class, size and position, and a contact sheet."""
    boxes = {name: [(each, box) for each in annotations(name) for box in each.boxes] for name in SETS}
    classes = sorted({box.name for _, box in boxes["yoghurt"]})
    figure, axes = plt.subplots(1, 3, figsize=(13, 3.6), layout="constrained")
    for place, name in enumerate(SETS):
        counts = collections.Counter(box.name for _, box in boxes[name])
        heights = [counts[each] / len(boxes[name]) for each in classes]
        axes[0].bar(np.arange(len(classes)) + 0.27 * (place - 1), heights, 0.25, label=_as_written(name))
        sides = [np.sqrt((box.xmax - box.xmin) * (box.ymax - box.ymin)) for _, box in boxes[name]]
        axes[1].hist(sides, np.arange(20, 221, 10), density=True, histtype="step", linewidth=2, label=_as_written(name))
        numbers = collections.Counter(len(each.boxes) for each in annotations(name))
        shares = [numbers[count] / numbers.total() for count in range(8)]
        axes[2].plot(range(8), shares, "o-", label=_as_written(name))
    axes[0].set(xticks=range(len(classes)), xticklabels=classes, ylabel="share of the boxes", ylim=(0, 0.35))
    axes[1].set(xlabel="side of a box (root of its area), pixels of 512 x 384", ylabel="density")
    axes[2].set(xlabel="boxes per photo", ylabel="share of the photos")
    for axis in axes:
        axis.legend(frameon=False, fontsize=8)
        axis.spines[["top", "right"]].set_visible(False)
    _save(figure, folder / "boxes.png")

    figure, axes = plt.subplots(1, 3, figsize=(13, 3.4), layout="constrained")
    for axis, name in zip(axes, SETS):
        cover = np.zeros((96, 128))
        for annotation, box in boxes[name]:
            (top, left, bottom, right) = np.array([box.ymin, box.xmin, box.ymax, box.xmax]) // 4
            cover[int(top) : int(bottom) + 1, int(left) : int(right) + 1] += 1 / annotation.width
        axis.imshow(cover, cmap="magma", extent=(0, 512, 384, 0))
        axis.set(title=f"{_as_written(name)}: positions of boxes", xticks=(0, 256, 512), yticks=(0, 192, 384))
    _save(figure, folder / "positions.png")
    contact_sheet().save(folder / "contact_sheet.jpg", quality=86)


def _save(figure, path: pathlib.Path) -> None:
    figure.savefig(path, dpi=80, metadata={"Software": None})
    plt.close(figure)


def contact_sheet(columns: int = 6, width: int = 256, height: int = 192) -> Image.Image:
    """Return 24 photos in a grid: 18 of the yoghurts, evenly spaced, and 6 of the new line."""
    chosen = [("yoghurt", index) for index in range(10, 360, 20)] + [("new_line", index) for index in range(4, 48, 8)]
    sheet = Image.new("RGB", (columns * width, -(-len(chosen) // columns) * height))
    for place, (name, index) in enumerate(chosen):
        photo_set = SETS[name]
        path = settings.DATA / photo_set.images / f"{photo_set.stem(photo_set.seeds[index])}.jpg"
        corner = (place % columns * width, place // columns * height)
        sheet.paste(photos.read(path).resize((width, height), Image.Resampling.LANCZOS), corner)
    return sheet


def rungs_table(data: dataset.Dataset) -> str:
    """Return a Markdown table with the objects of each class in each list of the ladder."""
    classes = sorted(data.label_map.values())
    found = {sample.name: collections.Counter(sample.classes) for sample in data.samples}
    lines = ["| " + " | ".join(("list", "photos", *classes)) + " |", "|---|--:" + "|--:" * len(classes) + "|"]
    for size in settings.LADDER:
        names = read_rung(size)
        counts = sum((found[name] for name in names), collections.Counter())
        cells = (f"`yoghurt/ladder/{size}.txt`", str(len(names)), *(str(counts[name]) for name in classes))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def film_facts(name: str) -> tuple[dict, list[film_truth.SeenCup]]:
    """Return the facts of a film and its cups in all frames."""
    return film_truth.read(settings.DATA / "films" / f"{name}.json")


def film_statistics(name: str) -> dict:
    """Return the figures of a film: {name of the figure: value}."""
    (truth, cups), planned = film_facts(name), film_plan.film(name)
    tracks, in_frames = {cup.track for cup in cups}, collections.Counter(cup.frame for cup in cups)
    crossing = {flavour: sum(directions.values()) for flavour, directions in truth["counts"].items()}
    return {
        "frames": truth["frames"],
        "megabytes": (settings.DATA / "films" / truth["film"]).stat().st_size / 1e6,
        "cups": len(tracks),
        "cups in a frame, maximum": max(in_frames.values()),
        "cups that fall": sum(cup.track in tracks and cup.falls is not None for cup in planned.cups),
        "cups that lie from the start": sum(cup.track in tracks and cup.lying for cup in planned.cups),
        "other things on the belt": len(planned.things),
        "cups that cross the line": sum(crossing.values()),
    } | {f"{flavour} that cross it": count for flavour, count in crossing.items()}


def rung_path(size: int) -> pathlib.Path:
    return settings.YOGHURT / "ladder" / f"{size}.txt"


def read_rung(size: int) -> list[str]:
    return rung_path(size).read_text(encoding="utf-8").split()


def computed() -> dict[str, str]:
    """Return the computed parts of the data sheet, by the name of their marker."""
    data = dataset.load(settings.YOGHURT)
    return {
        "statistics": as_table({_as_written(name): each for name, each in statistics().items()}),
        "ladder": rungs_table(data),
        "films": as_table({name: film_statistics(name) for name in film_plan.FILMS}),
    }


def main() -> None:
    data = dataset.load(settings.YOGHURT)
    rung_path(0).parent.mkdir(exist_ok=True)
    for size, names in ladder(data).items():
        files.write_text("\n".join(names) + "\n", rung_path(size))
    PICTURES.mkdir(exist_ok=True)
    draw_pictures(PICTURES)
    files.write_text(with_computed(DATASHEET.read_text(encoding="utf-8"), computed()), DATASHEET)
    print(f"Computed {DATASHEET.relative_to(settings.PROJECT)}, its pictures, and the ladder.")


if __name__ == "__main__":
    main()

"""Boxes on photos, curves, anchors, feature maps: all that is drawn is drawn here, with matplotlib and Pillow.

Figures come back as a `Picture`: as a cell's last expression it shows once, with a text for those who cannot see it,
and nothing but its pixels stays in memory.
"""

import base64
import functools
import html
import io

import matplotlib.font_manager
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from PIL import Image, ImageDraw, ImageFont

from workshop_utils import anchors, guards

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
"""Okabe and Ito's colours, which colour-blind readers can tell apart."""

HATCHES = ("", "///", "...", "xxx")
"""Of bars side by side, so that they also differ in grey."""

LONGEST_CAPTION = 80
"""What a class is called beyond so many letters is not drawn."""


DPI = 100
"""Pixels an inch of a figure has."""


class Picture:
    """A picture as a notebook shows it: `png`, a file's bytes, and `alt`, a sentence that says what is to be seen."""

    def __init__(self, png: bytes, alt: str):
        self.png, self.alt = png, alt

    def _repr_html_(self) -> str:
        encoded = base64.b64encode(self.png).decode()
        return f'<img alt="{html.escape(self.alt)}" src="data:image/png;base64,{encoded}" style="max-width: 100%">'

    def __repr__(self) -> str:
        return self.alt


def picture(image, *, alt: str) -> Picture:
    """Return a photo (uint8 array or image) as a cell's last expression shows it."""
    return Picture(png(Image.fromarray(image) if isinstance(image, np.ndarray) else image), alt)


def colour(name: str, names) -> str:
    """Return the colour of a class: the palette in the order of the sorted class names."""
    ordered = sorted(set(names))
    return PALETTE[ordered.index(name) % len(PALETTE)] if name in ordered else PALETTE[-1]


def annotated(image, boxes, captions, colours=None) -> Image.Image:
    """Return a copy of a photo (uint8 array or image) with boxes (n, 4; ymin, xmin, ymax, xmax, normalised) drawn."""
    picture = Image.fromarray(image) if isinstance(image, np.ndarray) else image.copy()
    picture = picture.convert("RGB")
    draw = ImageDraw.Draw(picture)
    thickness = max(2, round(max(picture.size) / 250))
    font = _font(max(11, round(max(picture.size) / 42)))
    edges = [_pixels(box, picture.size) for box in np.asarray(boxes).reshape(-1, 4)]
    colours = colours or [PALETTE[0]] * len(edges)
    for box, own in zip(edges, colours, strict=True):
        draw.rectangle(box, outline=own, width=thickness)
    for box, caption, own in zip(edges, captions, colours, strict=True):
        if caption:
            _caption(draw, box, caption[:LONGEST_CAPTION], own, font, picture.size)
    return picture


def photo_with_boxes(sample, names=None) -> Image.Image:
    """Return a sample's photo with its ground truth."""
    names = names or sample.classes
    return annotated(sample.image, sample.boxes, sample.classes, [colour(name, names) for name in sample.classes])


def photo_with_detections(
    image, boxes, classes, scores, label_map: dict[int, str], min_score: float = 0.4
) -> Image.Image:
    """Return a photo with one photo's detections at or above `min_score`, each with its class and score in percent."""
    kept = np.flatnonzero(np.asarray(scores) >= min_score)
    names = [label_map[int(classes[place])] for place in kept]
    captions = [f"{name} {scores[place]:.0%}" for name, place in zip(names, kept)]
    colours = [colour(name, label_map.values()) if len(label_map) <= len(PALETTE) else PALETTE[0] for name in names]
    return annotated(image, np.asarray(boxes)[kept], captions, colours)


def best(samples, found, label_map: dict[int, str]) -> list[Image.Image]:
    """Return each sample's photo with as many detections as it has labelled objects, the surest first.

    So a detector that is not sure of anything yet shows what it would say. `found` is a `detector.Detections`.
    """
    counts = [len(sample.classes) for sample in samples]
    return [
        photo_with_detections(sample.image, boxes[:count], classes[:count], scores[:count], label_map, min_score=1e-9)
        for sample, count, boxes, classes, scores in zip(samples, counts, *found, strict=True)
    ]


def show(images, titles=(), columns: int = 3, width: float = 4.0, *, alt: str) -> Picture:
    """Show images side by side, `columns` in a row; return the picture."""
    rows = -(-len(images) // columns)
    heights = np.asarray(images[0]).shape[0] / np.asarray(images[0]).shape[1]
    size = (width * columns, width * rows * heights + 0.3 * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat:
        axis.axis("off")
    for place, image in enumerate(images):
        axes.flat[place].imshow(image, cmap="gray")
        if place < len(titles):
            axes.flat[place].set_title(_label(titles[place]), fontsize=10)
    return _closed(figure, alt)


def filters(kernel, columns: int = 8) -> np.ndarray:
    """Return a colour kernel (height, width, 3, n) as one picture, float from 0 to 1: a tile for each of n filters."""
    span = np.abs(kernel).max(axis=(0, 1, 2)) + 1e-9
    tiles = np.pad(0.5 + kernel / (2 * span), ((0, 1), (0, 1), (0, 0), (0, 0)), constant_values=1.0)
    height, width, _, count = tiles.shape
    grid = tiles.transpose(3, 0, 1, 2).reshape(count // columns, columns, height, width, 3)
    return grid.transpose(0, 2, 1, 3, 4).reshape(count // columns * height, columns * width, 3)


def png(image: Image.Image) -> bytes:
    """Return an image as a PNG file's bytes, as `ipywidgets.Image` takes it."""
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def curves(histories: dict[str, list[dict]], quantity: str = "loss", over: str = "step", *, alt: str) -> Picture:
    """Plot one quantity of several histories; return the picture. Lines differ in colour and in dash."""
    figure, axis = plt.subplots(figsize=(7, 3.5), layout="constrained")
    for place, (name, rows) in enumerate(histories.items()):
        points = [(row[over], row[quantity]) for row in rows if row.get(quantity) is not None]
        if points:
            marker = "o" if len(points) < 15 else None
            axis.plot(*zip(*points), label=_label(name), **_line(place), marker=marker)
    axis.set_xlabel({"step": "training step", "seconds": "seconds of training"}.get(over, over))
    axis.set_ylabel(quantity)
    axis.set_xlim(left=0)
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    axis.legend()
    return _closed(figure, alt)


def lines(series: dict[str, list[tuple[float, float]]], x: str, y: str, log: str = "", *, alt: str) -> Picture:
    """Plot several lines of (x, y) points; return the picture. `x` and `y` name the axes, `log` says which are so."""
    figure, axis = plt.subplots(figsize=(7, 3.5), layout="constrained")
    for place, (name, points) in enumerate(series.items()):
        marker = "o" if len(points) < 15 else None
        axis.plot(*zip(*points, strict=True), label=_label(name), **_line(place), marker=marker)
    axis.set(xlabel=x, ylabel=y, xscale="log" if "x" in log else "linear", yscale="log" if "y" in log else "linear")
    if "y" not in log:
        axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    axis.legend()
    return _closed(figure, alt)


def bars(groups: dict[str, dict[str, float]], x: str, form: str = "{:.2f}", *, alt: str) -> Picture:
    """Plot horizontal bars, a row for each label and in it a bar for each group; return the picture.

    `x` names the axis, `form` is how a value is written at its bar's end.
    """
    labels = list(dict.fromkeys(label for values in groups.values() for label in values))
    thickness = 0.8 / len(groups)
    height = 0.8 + 0.22 * len(labels) * max(len(groups), 1.6)
    figure, axis = plt.subplots(figsize=(7, height), layout="constrained")
    for place, (name, values) in enumerate(groups.items()):
        rows = [labels.index(label) + (place + 0.5) * thickness - 0.4 for label in values]
        style = {"color": PALETTE[place], "hatch": HATCHES[place], "edgecolor": "white", "linewidth": 0}
        drawn = axis.barh(rows, list(values.values()), thickness, label=_label(name), **style)
        axis.bar_label(drawn, [form.format(value) for value in values.values()], padding=3, fontsize=9)
    axis.set_yticks(range(len(labels)), map(_label, labels))
    axis.invert_yaxis()
    axis.set_xlabel(x)
    axis.xaxis.set_major_locator(MaxNLocator(6, integer=form.endswith(".0f}")))
    axis.set_xlim(0, 1.12 * max((value for values in groups.values() for value in values.values()), default=0) or 1)
    axis.spines[["top", "right"]].set_visible(False)
    if len(groups) > 1:
        axis.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return _closed(figure, alt)


def counts(
    table: dict[tuple[str, str], int], rows: list[str], columns: list[str], down: str, across: str, *, alt: str
) -> Picture:
    """Draw a table of counts, {(row, column): number}, the larger the darker; return the picture."""
    values = np.array([[table.get((row, column), 0) for column in columns] for row in rows])
    figure, axis = plt.subplots(figsize=(1.6 + 0.85 * len(columns), 1.2 + 0.45 * len(rows)), layout="constrained")
    axis.imshow(values, cmap="Blues", vmin=0, vmax=max(1, values.max()), aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        ink = "white" if value > 0.6 * max(1, values.max()) else "black"
        axis.text(column, row, str(value) if value else "·", ha="center", va="center", color=ink)
    turned = {"rotation": 30, "ha": "left", "rotation_mode": "anchor"}
    axis.set_xticks(range(len(columns)), map(_label, columns), **turned)
    axis.set_yticks(range(len(rows)), map(_label, rows))
    axis.xaxis.tick_top()
    axis.xaxis.set_label_position("top")
    axis.set(xlabel=across, ylabel=down)
    return _closed(figure, alt)


def table(rows: list[dict[str, object]]) -> Markdown:
    """Return rows that have the same keys as a table: the keys are its head, fractions are written to two places."""

    def line(cells) -> str:
        return "| " + " | ".join(cells) + " |"

    def text(cell) -> str:
        return (
            f"{cell:.2f}"
            if isinstance(cell, float)
            else f"{cell:,}"
            if isinstance(cell, int)
            else guards.markdown(str(cell))
        )

    align = [":---" if isinstance(cell, str) else "---:" for cell in rows[0].values()]
    return Markdown(
        "\n".join([line(map(text, rows[0])), line(align), *(line(map(text, row.values())) for row in rows)])
    )


def precision_recall(metrics, names, *, alt: str) -> Picture:
    """Plot precision over recall at IoU 0.5, a line a class; return the picture."""
    figure, axis = plt.subplots(figsize=(5, 4), layout="constrained")
    recall = np.linspace(0, 1, 101)
    for place, (name, precision) in enumerate(metrics.curves.items()):
        label = f"{name} (AP50 {metrics.per_class_AP50[name]:.2f})"
        axis.plot(recall, precision, label=_label(label), **_line(place) | {"color": colour(name, names)})
    axis.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    return _closed(figure, alt)


def anchors_by_level(image: np.ndarray, *, alt: str) -> Picture:
    """Draw the grid of each of the six feature maps over a photo, and the anchors of its middle cell; the picture."""
    height, width = image.shape[:2]
    figure, axes = plt.subplots(2, 3, figsize=(12, 7.4), layout="constrained")
    for level, (axis, grid, where) in enumerate(zip(axes.flat, anchors.GRIDS, anchors.level_slices())):
        own = anchors.anchors()[where].reshape(grid, grid, -1, 4)
        axis.imshow(image, alpha=0.6)
        for line in range(grid + 1):
            axis.plot([0, width], [line * height / grid] * 2, color="white", linewidth=0.7)
            axis.plot([line * width / grid] * 2, [0, height], color="white", linewidth=0.7)
        middle = own[grid // 2, grid // 2]
        for place, box in enumerate(middle):
            outlines(axis, [box], (width, height), edgecolor=PALETTE[place], linewidth=2)
        (top, left), (bottom, right) = middle[:, :2].min(axis=0) - 0.02, middle[:, 2:].max(axis=0) + 0.02
        axis.set_xlim(min(0, left) * width, max(1, right) * width)
        axis.set_ylim(max(1, bottom) * height, min(0, top) * height)
        axis.set_title(f"map {level + 1}: {grid} x {grid} cells, {own.shape[2]} anchors each", fontsize=11)
        axis.axis("off")
    return _closed(figure, alt)


def matched_anchors(sample, matched: np.ndarray, *, alt: str) -> Picture:
    """Draw a sample's boxes thick and, thin in the same colour, the anchors `anchors.match` gave each; the picture."""
    height, width = sample.image.shape[:2]
    figure, axis = plt.subplots(figsize=(9, 9 * height / width), layout="constrained")
    axis.imshow(sample.image, alpha=0.6)
    for place, box in enumerate(sample.boxes):
        own = PALETTE[place % len(PALETTE)]
        theirs = anchors.anchors()[matched == place]
        outlines(axis, theirs, (width, height), edgecolor=own, linewidth=0.9, linestyle="--")
        outlines(axis, [box], (width, height), edgecolor=own, linewidth=3.5)
    axis.axis("off")
    return _closed(figure, alt)


def strategy_map(name: str, count: int, likeness: float, *, alt: str) -> Picture:
    """Draw which strategy fits how many photos and how much likeness (0 to 1), and where a data set is; the picture."""
    figure, axis = plt.subplots(figsize=(9, 4.8), layout="constrained")
    regions = [
        (1, 1e5, 0.8, 1, PALETTE[2], "as is: COCO already has these classes"),
        (1, 300, 0.35, 0.8, PALETTE[5], "fine-tune,\nfreeze much"),
        (300, 1e5, 0.35, 0.8, PALETTE[0], "fine-tune, freeze little"),
        (1, 1e4, 0, 0.35, PALETTE[3], "fine-tune all the same, and label more photos"),
        (1e4, 1e5, 0, 0.35, PALETTE[1], "random\ninit"),
    ]
    for left, right, bottom, top, own, words in regions:
        axis.fill_between([left, right], bottom, top, color=own, alpha=0.3, linewidth=0)
        axis.text((left * right) ** 0.5, (bottom + top) / 2, words, ha="center", va="center", fontsize=11)
    axis.plot(count, likeness, "*", color="black", markersize=16)
    axis.annotate(_label(name), (count, likeness), (8, 8), textcoords="offset points", fontsize=11, weight="bold")
    axis.set(xscale="log", xlim=(1, 1e5), ylim=(0, 1), xlabel="labelled photos")
    axis.set_yticks([0.17, 0.57, 0.9], ["unlike", "related", "the same"])
    axis.set_ylabel("likeness to the original problem")
    return _closed(figure, alt)


def outlines(axis, boxes, size: tuple[int, int], **style) -> None:
    """Draw boxes (normalised) on a matplotlib axis that shows a photo of `size` = (width, height) in pixels."""
    for box in boxes:
        left, top, right, bottom = _pixels(box, size)
        axis.add_patch(Rectangle((left, top), right - left, bottom - top, **{"fill": False, "linewidth": 1.5, **style}))


def _label(name) -> str:
    """Return a name as matplotlib shows it as it is: a dollar sign would begin a formula."""
    return str(name).replace("$", r"\$")


def _closed(figure, alt: str) -> Picture:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DPI)
    plt.close(figure)
    return Picture(stream.getvalue(), alt)


def _line(place: int) -> dict[str, str]:
    return {"color": PALETTE[place % len(PALETTE)], "linestyle": ("-", "--", ":", "-.")[place % 4]}


def _pixels(box, size: tuple[int, int]) -> tuple[float, float, float, float]:
    width, height = size
    ymin, xmin, ymax, xmax = (float(edge) for edge in box)
    return xmin * width, ymin * height, xmax * width, ymax * height


def _caption(draw, box, caption: str, own: str, font, size: tuple[int, int]) -> None:
    left, top, right, bottom = draw.textbbox((0, 0), caption, font=font)
    width, height = right - left + 6, bottom - top + 4
    x = max(0, min(box[0], size[0] - width))
    y = box[1] - height if box[1] >= height else min(box[1], size[1] - height)
    draw.rectangle((x, y, x + width, y + height), fill=own)
    draw.text((x + 3 - left, y + 2 - top), caption, font=font, fill=_readable_on(own))


def _readable_on(background: str) -> str:
    red, green, blue = (int(background[place : place + 2], 16) for place in (1, 3, 5))
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "white"


@functools.cache
def _font(size: int):
    return ImageFont.truetype(matplotlib.font_manager.findfont("DejaVu Sans"), size)

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
from matplotlib.patches import Polygon, Rectangle
from matplotlib.ticker import MaxNLocator
from PIL import Image, ImageDraw, ImageFont

from workshop_utils import anchors, guards

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
"""Okabe and Ito's colours, which colour-blind readers can tell apart."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""Of points, so that they also differ in grey."""

HATCHES = ("", "///", "...", "xxx")
"""Of bars side by side, so that they also differ in grey."""

LONGEST_CAPTION = 80
"""What a class is called beyond so many letters is not drawn."""


DPI = 100
"""Pixels an inch of a figure has."""

_CENTRED = {"ha": "center", "va": "center", "fontsize": 11}
_ARROW = {"arrowstyle": "-|>", "lw": 1.6, "color": "black", "shrinkA": 0, "shrinkB": 0}
_HEADS = ({"facecolor": PALETTE[4]}, {"facecolor": PALETTE[5], "ls": "--"})


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


def run_curves(history: list[dict], steps: int, marks: dict[int, str] | None = None, *, alt: str) -> Picture:
    """Plot the losses of a run of `steps` steps, finished or not, and its AP50 beside them; return the picture.

    `history` holds rows as `training` writes them; `marks` says what happened at which step.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    losses = {key: [(row["step"], row[key]) for row in history] for key in ("loss", "classification", "localisation")}
    for place, (name, points) in enumerate(losses.items()):
        marker = "o" if len(points) == 1 else None
        left.plot(*zip(*points, strict=True), label=name, marker=marker, **_line(place))
    scores = [(row["step"], row["AP50"]) for row in history if row.get("AP50") is not None]
    if scores:
        right.plot(*zip(*scores, strict=True), marker="o", color=PALETTE[3])
    else:
        right.text(steps / 2, 0.5, "not measured yet", ha="center", va="center", color="dimgray")
    left.margins(y=0.3)
    left.set(title="loss on training photos")
    left.set_ylim(bottom=0)
    right.set(title="AP50 on validation photos", ylim=(-0.02, 1.02))
    for axis, height in ((left, 0.78), (right, 0.06)):
        for step, words in (marks or {}).items():
            axis.axvline(step, color="dimgray", linewidth=1, linestyle=(0, (1, 2)))
            axis.annotate(f" {_label(words)}", (step, height), xycoords=("data", "axes fraction"), fontsize=8)
        axis.set(xlabel="training step", xlim=(0, 1.02 * steps))
        axis.grid(alpha=0.3)
    left.legend(loc="upper right", fontsize=8, ncols=3)
    return _closed(figure, alt)


def bands(groups: dict[str, list[list[dict]]], quantity: str = "AP", over: str = "step", *, alt: str) -> Picture:
    """Plot one quantity of groups of histories, each group a recipe's with several seeds; return the picture.

    The line is a group's mean, the band runs from its lowest to its highest; both stand where all of the group were
    measured. `over` is "step", or "minutes": then a step stands where the group had reached it on the average.
    """
    figure, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
    for place, (name, histories) in enumerate(groups.items()):
        measured = [{row["step"]: row for row in rows if row.get(quantity) is not None} for rows in histories]
        steps = sorted(set.intersection(*map(set, measured)))
        values = np.array([[rows[step][quantity] for step in steps] for rows in measured])
        minutes = np.array([[rows[step]["seconds"] / 60 for step in steps] for rows in measured])
        x = minutes.mean(axis=0) if over == "minutes" else steps
        style = _line(place) | {"marker": MARKERS[place % len(MARKERS)], "markersize": 4}
        axis.plot(x, values.mean(axis=0), label=_label(name), **style)
        axis.fill_between(x, values.min(axis=0), values.max(axis=0), color=style["color"], alpha=0.25, linewidth=0)
    axis.set(xlabel={"step": "training step", "minutes": "minutes of training"}[over], ylabel=quantity)
    axis.set_xlim(left=0)
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=9)
    return _closed(figure, alt)


def spreads(groups: dict[str, list[float]], x: str, *, alt: str) -> Picture:
    """Plot a row for each group of runs: a mark for each, and a line from the lowest to the highest; the picture."""
    figure, axis = plt.subplots(figsize=(7, 0.9 + 0.5 * len(groups)), layout="constrained")
    for row, values in enumerate(groups.values()):
        axis.plot(values, [row] * len(values), "-o", color=PALETTE[0], markersize=7, fillstyle="none", clip_on=False)
        said = " to ".join(dict.fromkeys(f"{end(values):.3f}" for end in (min, max)))
        axis.annotate(said, (max(values), row), (10, 0), textcoords="offset points", va="center")
    runs = [f"{len(values)} run{'s' * (len(values) > 1)}" for values in groups.values()]
    axis.set_yticks(range(len(groups)), [f"{_label(name)}, {said}" for name, said in zip(groups, runs)])
    axis.set_ylim(len(groups) - 0.5, -0.5)
    axis.set(xlabel=x, xlim=(0, 1.35 * max(map(max, groups.values()), default=1) or 1))
    axis.grid(axis="x", alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    return _closed(figure, alt)


def lines(series: dict[str, list[tuple[float, float]]], x: str, y: str, log: str = "", *, alt: str) -> Picture:
    """Plot several lines of (x, y) points; return the picture. `x` and `y` name the axes, `log` says which are so."""
    figure, axis = plt.subplots(figsize=(7, 3.5), layout="constrained")
    for place, (name, points) in enumerate(series.items()):
        marker = MARKERS[place % len(MARKERS)] if len(points) < 15 else None
        axis.plot(*zip(*points, strict=True), label=_label(name), **_line(place), marker=marker)
    axis.set(xlabel=x, ylabel=y, xscale="log" if "x" in log else "linear", yscale="log" if "y" in log else "linear")
    if "y" not in log:
        axis.set_ylim(bottom=0)
    if "x" in log:
        measured = [point[0] for point in max(series.values(), key=len)]
        axis.set_xticks(measured, [f"{each:g}" for each in measured], minor=False)
        axis.minorticks_off()
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
    """Draw a sample's boxes thick and numbered from 1 and, thin in the same colour and with a dash of its own, the
    anchors that `anchors.match` gave each; return the picture."""
    height, width = sample.image.shape[:2]
    figure, axis = plt.subplots(figsize=(9, 9 * height / width), layout="constrained")
    axis.imshow(sample.image, alpha=0.6)
    for place, box in enumerate(sample.boxes):
        own, dash = PALETTE[place % len(PALETTE)], ("--", ":", "-.")[place % 3]
        theirs = anchors.anchors()[matched == place]
        outlines(axis, theirs, (width, height), edgecolor=own, linewidth=1.3, linestyle=dash)
        outlines(axis, [box], (width, height), edgecolor=own, linewidth=3.5)
        left, top, *_ = _pixels(box, (width, height))
        axis.text(left, top, place + 1, **_CENTRED, color=_readable_on(own), bbox={"facecolor": own})
    axis.axis("off")
    return _closed(figure, alt)


WAYS = ("as is", "fine-tune", "random init")
"""The three ways to use what others have trained."""

_REGIONS = (
    (1, 1e5, 0.8, 1, PALETTE[2], "as is: COCO already has these classes", WAYS[0]),
    (1, 300, 0.35, 0.8, PALETTE[5], "fine-tune,\nfreeze much", WAYS[1]),
    (300, 1e5, 0.35, 0.8, PALETTE[0], "fine-tune, freeze little", WAYS[1]),
    (1, 1e4, 0, 0.35, PALETTE[3], "fine-tune all the same, and label more photos", WAYS[1]),
    (1e4, 1e5, 0, 0.35, PALETTE[1], "random\ninit", WAYS[2]),
)
"""Of the map: from and up to how many photos, from and up to which likeness, the colour, the words, the way."""


def way_of(count: int, likeness: float) -> str:
    """Return which of WAYS the map gives so many labelled photos of so much likeness (0 to 1)."""
    count = min(max(count, 1), 1e5)
    return next(
        way
        for left, right, bottom, top, *_, way in reversed(_REGIONS)
        if left <= count <= right and bottom <= likeness <= top
    )


def box_coding(image: np.ndarray, anchor, box, *, alt: str) -> Picture:
    """Draw an anchor dashed, a box solid, and the way from the one's centre to the other's; return the picture."""
    height, width = image.shape[:2]
    figure, axis = plt.subplots(figsize=(6, 6), layout="constrained")
    axis.imshow(image, alpha=0.6)
    (left, top, right, bottom), edges = (_pixels(each, (width, height)) for each in (anchor, box))
    outlines(axis, [anchor], (width, height), edgecolor=PALETTE[0], linewidth=3, linestyle="--")
    outlines(axis, [box], (width, height), edgecolor=PALETTE[1], linewidth=3)
    start, end = ((left + right) / 2, (top + bottom) / 2), ((edges[0] + edges[2]) / 2, (edges[1] + edges[3]) / 2)
    axis.annotate("", end, start, arrowprops=_ARROW)
    for place, name, own in (((left, top), "anchor", PALETTE[0]), (edges[2:], "box", PALETTE[1])):
        axis.text(*place, name, **_CENTRED, color=_readable_on(own), bbox={"facecolor": own})
    margin = 0.3 * max(right - left, bottom - top)
    axis.set_xlim(min(left, edges[0]) - margin, max(right, edges[2]) + margin)
    axis.set_ylim(max(bottom, edges[3]) + margin, min(top, edges[1]) - margin)
    axis.axis("off")
    return _closed(figure, alt)


def network(model, weights: dict[str, int], image: np.ndarray, *, alt: str) -> Picture:
    """Draw the detector's structure, read off the model, and a photo (300, 300, 3) that goes in; return the picture.

    Each feature map is a block of as many cells as it has. Below it stand what its two heads give for one cell, as
    anchors x numbers, and its anchors. `weights` counts those of the four parts, in the order of the picture.
    """
    figure, axis = plt.subplots(figsize=(12, 6.3), layout="constrained")
    axis.set(xlim=(0, 12.2), ylim=(0.2, 6.5), aspect="equal")
    axis.axis("off")
    backbone, extra, *heads = (f"{part}\n{count:,} weights" for part, count in weights.items())
    for words, left, right, dash in ((backbone, 2.2, 6.25, "-"), (extra, 6.4, 12.1, "--")):
        axis.add_patch(Rectangle((left, 3.1), right - left, 2.65, facecolor="#F3F3F3", edgecolor="black", ls=dash))
        axis.text((left + right) / 2, 6.1, words, **_CENTRED)
    axis.imshow(image, extent=(0.2, 1.7, 3.9, 5.4), aspect="auto", zorder=2)
    axis.text(0.95, 3.45, f"photo\n{_times(image.shape)}", **_CENTRED)
    for words, height in zip((*heads, f"{model.outputs[0].shape[1]:,} anchors  ="), (2.4, 1.4, 0.6)):
        axis.text(0.95, height, words, **_CENTRED)
    end = 1.7
    for level, centre in enumerate((3.3, 5.2, 7.35, 8.9, 10.2, 11.4)):
        grid, _, channels = model.get_layer(f"box_{level}_depthwise").input.shape[1:]
        end = _block(axis, centre, grid, channels, end)
        axis.text(centre, 3.45, f"map {level + 1}\n{grid} x {grid} x {channels}", **_CENTRED)
        for head, height, style in zip(("box", "class"), (2.4, 1.4), _HEADS):
            total, numbers = model.get_layer(f"{head}_{level}_flat").output.shape[1:]
            axis.add_patch(Rectangle((centre - 0.475, height - 0.32), 0.95, 0.64, edgecolor="black", **style))
            axis.text(centre, height, f"{total // grid**2} anchors\nx {numbers} numbers", **_CENTRED | {"fontsize": 9})
            axis.annotate("", (centre - 0.475, height), (centre - 0.62, height), arrowprops=_ARROW)
        axis.plot((centre - 0.62, centre - 0.62), (3.1, 1.4), color="black", lw=1.6)
        axis.text(centre, 0.6, f"{'+ ' if level else ''}{total:,}", **_CENTRED)
    return _closed(figure, alt)


def strategy_map(name: str, count: int, likeness: float, *, alt: str) -> Picture:
    """Draw which strategy fits how many photos and how much likeness (0 to 1), and where a data set is; the picture."""
    figure, axis = plt.subplots(figsize=(9, 4.8), layout="constrained")
    for left, right, bottom, top, own, words, _ in _REGIONS:
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


def _block(axis, centre: float, grid: int, channels: int, behind: float) -> float:
    """Draw a feature map as a block, and the arrow to it from what lies before; return where on the axis it ends."""
    side, depth, middle = 1.4 * (grid / anchors.GRIDS[0]) ** 0.5, 0.05 + channels / 4000, 4.65
    left, bottom = centre - (side + depth) / 2, middle - (side + depth) / 2
    top = ((0, side), (depth, side + depth), (side + depth, side + depth), (side, side))
    flank = ((side, 0), (side + depth, depth), (side + depth, side + depth), (side, side))
    front = ((0, 0), (0, side), (side, side), (side, 0))
    for face, shade in ((top, "#B0B0B0"), (flank, "#808080"), (front, "white")):
        axis.add_patch(Polygon(np.add(face, (left, bottom)), facecolor=shade, edgecolor="black", linewidth=0.8))
    for line in np.linspace(0, side, grid + 1):
        axis.plot((left + line, left + line), (bottom, bottom + side), color="black", linewidth=0.4)
        axis.plot((left, left + side), (bottom + line, bottom + line), color="black", linewidth=0.4)
    axis.annotate("", (left, middle), (behind, middle), arrowprops=_ARROW)
    return left + side + depth


def _times(shape) -> str:
    return " x ".join(map(str, shape))


def _label(name) -> str:
    """Return a name as matplotlib shows it as it is, cut where it is long: a dollar sign would begin a formula."""
    return str(name)[:LONGEST_CAPTION].replace("$", r"\$")


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

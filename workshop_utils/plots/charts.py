"""Charts of numbers: curves over training, bars, tables of counts, precision over recall."""

from collections.abc import Iterable
from typing import Protocol

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from workshop_utils.plots.drawing import PALETTE, Picture, colour, finish, label_text

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""Of points, so that they also differ in grey."""

HATCHES = ("", "///", "...", "xxx")
"""Of bars side by side, so that they also differ in grey."""


def curves(histories: dict[str, list[dict]], quantity: str = "loss", over: str = "step", *, alt: str) -> Picture:
    """Plot one quantity of several histories; return the picture. Lines differ in colour and in dash."""
    figure, axis = plt.subplots(figsize=(7, 3.5), layout="constrained")
    for place, (name, rows) in enumerate(histories.items()):
        points = [(row[over], row[quantity]) for row in rows if row.get(quantity) is not None]
        if points:
            marker = "o" if len(points) < 15 else None
            axis.plot(*zip(*points), label=label_text(name), **_line(place), marker=marker)
    axis.set_xlabel({"step": "training step", "seconds": "seconds of training"}.get(over, over))
    axis.set_ylabel(quantity)
    axis.set_xlim(left=0)
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    _legend(figure)
    return finish(figure, alt)


def run_curves(history: list[dict], steps: int, marks: dict[int, str] | None = None, *, alt: str) -> Picture:
    """Plot the losses of a run of `steps` steps, finished or not, and its AP50 next to them; return the picture.

    `history` holds rows as `trainer` writes them; `marks` says what happened at which step.
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
            axis.annotate(f" {label_text(words)}", (step, height), xycoords=("data", "axes fraction"), fontsize=8)
        axis.set(xlabel="training step", xlim=(0, 1.02 * steps))
        axis.grid(alpha=0.3)
    left.legend(loc="upper right", fontsize=8, ncols=3)
    return finish(figure, alt)


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
        axis.plot(x, values.mean(axis=0), label=label_text(name), **style)
        axis.fill_between(x, values.min(axis=0), values.max(axis=0), color=style["color"], alpha=0.25, linewidth=0)
    axis.set(xlabel={"step": "training step", "minutes": "minutes of training"}[over], ylabel=quantity)
    axis.set_xlim(left=0)
    axis.set_ylim(bottom=0)
    axis.grid(alpha=0.3)
    _legend(figure)
    return finish(figure, alt)


def spreads(groups: dict[str, list[float]], x: str, *, alt: str) -> Picture:
    """Plot a row for each group of runs: a mark for each, and a line from the lowest to the highest; the picture."""
    figure, axis = plt.subplots(figsize=(7, 0.9 + 0.5 * len(groups)), layout="constrained")
    for row, values in enumerate(groups.values()):
        axis.plot(values, [row] * len(values), "-o", color=PALETTE[0], markersize=7, fillstyle="none", clip_on=False)
        said = " to ".join(dict.fromkeys(f"{end(values):.3f}" for end in (min, max)))
        axis.annotate(said, (max(values), row), (10, 0), textcoords="offset points", va="center")
    runs = [f"{len(values)} run{'s' * (len(values) > 1)}" for values in groups.values()]
    axis.set_yticks(range(len(groups)), [f"{label_text(name)}, {said}" for name, said in zip(groups, runs)])
    axis.set_ylim(len(groups) - 0.5, -0.5)
    axis.set(xlabel=x, xlim=(0, 1.35 * max(map(max, groups.values()), default=1) or 1))
    axis.grid(axis="x", alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    return finish(figure, alt)


def lines(
    series: dict[str, list[tuple[float, float]]],
    x: str,
    y: str,
    log: str = "",
    top: float | None = None,
    *,
    alt: str,
) -> Picture:
    """Plot lines of (x, y) points; return the picture.

    Args:
        series: The points of each line, by name.
        x: The name of the x axis.
        y: The name of the y axis.
        log: Which axes are logarithmic: "x", "y" or "xy".
        top: Where the y axis ends, so that a line that rises far above does not flatten the others.
        alt: A sentence that describes the picture.
    """
    figure, axis = plt.subplots(figsize=(7, 3.5), layout="constrained")
    for place, (name, points) in enumerate(series.items()):
        marker = MARKERS[place % len(MARKERS)] if len(points) < 15 else None
        axis.plot(*zip(*points, strict=True), label=label_text(name), **_line(place), marker=marker)
    axis.set(xlabel=x, ylabel=y, xscale="log" if "x" in log else "linear", yscale="log" if "y" in log else "linear")
    if "y" not in log:
        axis.set_ylim(0, top)
    if "x" in log:
        measured = [point[0] for point in max(series.values(), key=len)]
        axis.set_xticks(measured, [f"{each:g}" for each in measured], minor=False)
        axis.minorticks_off()
    axis.grid(alpha=0.3)
    _legend(figure)
    return finish(figure, alt)


def bars(groups: dict[str, dict[str, float | None]], x: str, form: str = "{:.2f}", *, alt: str) -> Picture:
    """Plot horizontal bars, a row for each label and in it a bar for each group; return the picture.

    `x` names the axis, `form` is how a value is written at its bar's end. A value of None has no bar.
    """
    labels = list(dict.fromkeys(label for values in groups.values() for label in values))
    groups = {
        name: {label: value for label, value in values.items() if value is not None} for name, values in groups.items()
    }
    thickness = 0.8 / len(groups)
    height = 0.8 + 0.22 * len(labels) * max(len(groups), 1.6)
    figure, axis = plt.subplots(figsize=(7, height), layout="constrained")
    for place, (name, values) in enumerate(groups.items()):
        rows = [labels.index(label) + (place + 0.5) * thickness - 0.4 for label in values]
        style = {"color": PALETTE[place], "hatch": HATCHES[place], "edgecolor": "white", "linewidth": 0}
        drawn = axis.barh(rows, list(values.values()), thickness, label=label_text(name), **style)
        axis.bar_label(drawn, [form.format(value) for value in values.values()], padding=3, fontsize=9)
    axis.set_yticks(range(len(labels)), map(label_text, labels))
    axis.invert_yaxis()
    axis.set_xlabel(x)
    axis.xaxis.set_major_locator(MaxNLocator(6, integer=form.endswith(".0f}")))
    axis.set_xlim(0, 1.12 * max((value for values in groups.values() for value in values.values()), default=0) or 1)
    axis.spines[["top", "right"]].set_visible(False)
    if len(groups) > 1:
        axis.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return finish(figure, alt)


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
    axis.set_xticks(range(len(columns)), map(label_text, columns), **turned)
    axis.set_yticks(range(len(rows)), map(label_text, rows))
    axis.xaxis.tick_top()
    axis.xaxis.set_label_position("top")
    axis.set(xlabel=across, ylabel=down)
    return finish(figure, alt)


class ClassCurves(Protocol):
    """What `precision_recall` reads of `average_precision.Metrics`: plots may not import from the evaluation."""

    @property
    def curves(self) -> dict[str, np.ndarray]:
        """For each class the precision at the recalls 0.00, 0.01, ... 1.00."""

    @property
    def per_class_AP50(self) -> dict[str, float]:
        """For each class its AP50."""


def precision_recall(metrics: ClassCurves, names: Iterable[str], *, alt: str) -> Picture:
    """Plot precision over recall at IoU 0.5, a line a class; return the picture.

    Args:
        metrics: The curve and the AP50 of each class.
        names: All classes, so that each keeps its colour.
        alt: A sentence that says what is to be seen.
    """
    figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    recall = np.linspace(0, 1, 101)
    for place, (name, precision) in enumerate(metrics.curves.items()):
        label = f"{name} (AP50 {metrics.per_class_AP50[name]:.2f})"
        axis.plot(recall, precision, label=label_text(label), **_line(place) | {"color": colour(name, names)})
    axis.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axis.grid(alpha=0.3)
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=9, frameon=False)
    return finish(figure, alt)


def _legend(figure: Figure) -> None:
    """Name several lines above the axes, where the legend covers none of them."""
    _, names = figure.axes[0].get_legend_handles_labels()
    if len(names) > 1:
        columns = 2 if max(map(len, names)) <= 44 else 1
        figure.legend(loc="outside upper left", ncols=columns, fontsize=9, frameon=False)


def _line(place: int) -> dict[str, str]:
    return {"color": PALETTE[place % len(PALETTE)], "linestyle": ("-", "--", ":", "-.")[place % 4]}

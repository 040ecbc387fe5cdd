"""Charts: curves over training, bars, tables of counts, precision-recall curves. Each function returns a Picture."""

from collections.abc import Iterable
from typing import Any, Protocol

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from workshop_utils.plots.drawing import PALETTE, Picture, colour, finish, label_text

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""Markers for points, so that they also differ in greyscale."""

HATCHES = ("", "///", "...", "xxx")
"""Hatches for bars, so that they also differ in greyscale."""


def curves(histories: dict[str, list[dict]], quantity: str = "loss", over: str = "step", *, alt: str) -> Picture:
    """Plot one quantity of several training histories. Lines differ in colour and in dash.

    Args:
        histories: {name: rows}, each row with a value for `over` and perhaps one for `quantity`.
        quantity: The key for the y axis.
        over: The key for the x axis: "step" or "seconds".
        alt: A text alternative for the picture.
    """
    figure, axis = plt.subplots(figsize=(7, 3.5), layout="constrained")
    for place, (name, rows) in enumerate(histories.items()):
        points = [(row[over], row[quantity]) for row in rows if row.get(quantity) is not None]
        if points:
            marker = "o" if len(points) < 15 else None
            axis.plot(*zip(*points), label=label_text(name), **_line(place), marker=marker, clip_on=False)
    x = {"step": "training step", "seconds": "seconds of training"}.get(over, over)
    axis.set(xlabel=x, ylabel=quantity, xlim=(0, None), ylim=(0, None))
    return _finish(figure, axis, alt)


def run_curves(history: list[dict], steps: int, marks: dict[int, str] | None = None, *, alt: str) -> Picture:
    """Plot the losses and the AP50 of a run, finished or not, next to each other.

    Args:
        history: Rows as `trainer` writes them.
        steps: The number of steps of the whole run.
        marks: {step: what happened}.
        alt: A text alternative for the picture.
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
    """Plot the mean and range of one quantity for groups of histories, for example of one recipe with several seeds.

    The line is a group's mean, the band its minimum to maximum, at the steps (or other values of `over`) at which all
    histories of the group were measured.

    Args:
        groups: {name: histories}.
        quantity: The key for the y axis.
        over: The key for the x axis, such as "step"; or "minutes" for the group's mean time at each step.
        alt: A text alternative for the picture.
    """
    figure, axis = plt.subplots(figsize=(7, 3.8), layout="constrained")
    for place, (name, histories) in enumerate(groups.items()):
        key = "step" if over == "minutes" else over
        measured = [{row[key]: row for row in rows if row.get(quantity) is not None} for rows in histories]
        steps = sorted(set.intersection(*map(set, measured)))
        values = np.array([[rows[step][quantity] for step in steps] for rows in measured])
        x = steps
        if over == "minutes":
            x = np.mean([[rows[step]["seconds"] / 60 for step in steps] for rows in measured], axis=0)
        style: dict[str, Any] = _line(place) | {"marker": MARKERS[place % len(MARKERS)], "markersize": 4}
        axis.plot(x, values.mean(axis=0), label=label_text(name), **style, clip_on=False)
        axis.fill_between(x, values.min(axis=0), values.max(axis=0), color=style["color"], alpha=0.25, linewidth=0)
    x = {"step": "training step", "minutes": "minutes of training"}.get(over, over)
    axis.set(xlabel=x, ylabel=quantity, xlim=(0, None), ylim=(0, None))
    return _finish(figure, axis, alt)


def spreads(groups: dict[str, list[float]], x: str, *, alt: str) -> Picture:
    """Plot one row per group of runs: a mark per run, and a line from the lowest to the highest.

    Args:
        groups: {name: values}.
        x: The label of the axis.
        alt: A text alternative for the picture.
    """
    figure, axis = plt.subplots(figsize=(7, 0.9 + 0.5 * len(groups)), layout="constrained")
    for row, values in enumerate(groups.values()):
        axis.plot(values, [row] * len(values), "-o", color=PALETTE[0], markersize=7, fillstyle="none", clip_on=False)
        span = " to ".join(dict.fromkeys(f"{end(values):.3f}" for end in (min, max)))
        axis.annotate(span, (max(values), row), (10, 0), textcoords="offset points", va="center")
    runs = [f"{len(values)} run{'s' * (len(values) > 1)}" for values in groups.values()]
    axis.set_yticks(range(len(groups)), [f"{label_text(name)}, {count}" for name, count in zip(groups, runs)])
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
    """Plot lines through points.

    Args:
        series: {name: (x, y) points}.
        x: The label of the x axis.
        y: The label of the y axis.
        log: The axes with a logarithmic scale: "x", "y" or "xy".
        top: The end of the y axis, so that a line that rises far above it does not flatten the others.
        alt: A text alternative for the picture.
    """
    figure, axis = plt.subplots(figsize=(7, 3.5), layout="constrained")
    for place, (name, points) in enumerate(series.items()):
        marker = MARKERS[place % len(MARKERS)] if len(points) < 15 else None
        style: dict[str, Any] = _line(place) | {"marker": marker, "clip_on": top is not None}
        axis.plot(*zip(*points, strict=True), label=label_text(name), **style)
    axis.set(xlabel=x, ylabel=y, xscale="log" if "x" in log else "linear", yscale="log" if "y" in log else "linear")
    if "y" not in log:
        axis.set_ylim(0, top)
    if "x" in log:
        measured = [point[0] for point in max(series.values(), key=len)]
        axis.set_xticks(measured, [f"{each:g}" for each in measured], minor=False)
        axis.minorticks_off()
    return _finish(figure, axis, alt)


def bars(groups: dict[str, dict[str, float | None]], x: str, form: str = "{:.2f}", *, alt: str) -> Picture:
    """Plot horizontal bars: a row per label, and in it a bar per group.

    Args:
        groups: {group: {label: value}}. A value of None has no bar.
        x: The label of the axis.
        form: The format of the values at the ends of the bars.
        alt: A text alternative for the picture.
    """
    labels = list(dict.fromkeys(label for values in groups.values() for label in values))
    known = {name: {row: v for row, v in values.items() if v is not None} for name, values in groups.items()}
    thickness = 0.8 / len(groups)
    height = 0.8 + 0.22 * len(labels) * max(len(groups), 1.6)
    figure, axis = plt.subplots(figsize=(7, height), layout="constrained")
    for place, (name, values) in enumerate(known.items()):
        rows = [labels.index(label) + (place + 0.5) * thickness - 0.4 for label in values]
        style = {"color": PALETTE[place], "hatch": HATCHES[place], "edgecolor": "white", "linewidth": 0}
        drawn = axis.barh(rows, list(values.values()), thickness, label=label_text(name), **style)
        axis.bar_label(drawn, [form.format(value) for value in values.values()], padding=3, fontsize=9)
    axis.set_yticks(range(len(labels)), map(label_text, labels))
    axis.invert_yaxis()
    axis.set_xlabel(x)
    axis.xaxis.set_major_locator(MaxNLocator(6, integer=form.endswith(".0f}")))
    axis.set_xlim(0, 1.12 * max((value for values in known.values() for value in values.values()), default=0) or 1)
    axis.spines[["top", "right"]].set_visible(False)
    if len(groups) > 1:
        axis.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    return finish(figure, alt)


def counts(
    table: dict[tuple[str, str], int], rows: list[str], columns: list[str], down: str, across: str, *, alt: str
) -> Picture:
    """Draw a table of counts, with darker cells for larger numbers.

    Args:
        table: {(row, column): number}.
        rows: The names of the rows.
        columns: The names of the columns.
        down: The label of the rows.
        across: The label of the columns.
        alt: A text alternative for the picture.
    """
    values = np.array([[table.get((row, column), 0) for column in columns] for row in rows])
    figure, axis = plt.subplots(figsize=(1.6 + 0.85 * len(columns), 1.2 + 0.45 * len(rows)), layout="constrained")
    axis.imshow(values, cmap="Blues", vmin=0, vmax=max(1, values.max()), aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        ink = "white" if value > 0.6 * max(1, values.max()) else "black"
        axis.text(column, row, str(value) if value else "·", ha="center", va="center", color=ink)
    slanted = {"rotation": 30, "ha": "left", "rotation_mode": "anchor"}
    axis.set_xticks(range(len(columns)), map(label_text, columns), **slanted)
    axis.set_yticks(range(len(rows)), map(label_text, rows))
    axis.xaxis.tick_top()
    axis.xaxis.set_label_position("top")
    axis.set(xlabel=across, ylabel=down)
    return finish(figure, alt)


class ClassCurves(Protocol):
    """The part of `average_precision.Metrics` that `precision_recall` needs: plots must not import from evaluation."""

    @property
    def curves(self) -> dict[str, np.ndarray]:
        """{class: precision at the recalls 0.00, 0.01, ... 1.00}."""
        ...

    @property
    def per_class_AP50(self) -> dict[str, float]:
        """{class: AP50}."""
        ...


def precision_recall(metrics: ClassCurves, names: Iterable[str], *, alt: str) -> Picture:
    """Plot precision over recall at IoU 0.5, one line per class.

    Args:
        metrics: The curve and the AP50 of each class.
        names: All classes, so that each keeps its colour.
        alt: A text alternative for the picture.
    """
    figure, axis = plt.subplots(figsize=(5, 4), layout="constrained")
    recall = np.linspace(0, 1, 101)
    for place, (name, precision) in enumerate(metrics.curves.items()):
        label = f"{name} (AP50 {metrics.per_class_AP50[name]:.2f})"
        style: dict[str, Any] = _line(place) | {"color": colour(name, names)}
        axis.plot(recall, precision, label=label_text(label), **style)
    axis.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    return _finish(figure, axis, alt)


def _finish(figure: Figure, axis: Axes, alt: str) -> Picture:
    """Add a grid, and names above the axes, where they cover no line."""
    axis.grid(alpha=0.3)
    _, names = axis.get_legend_handles_labels()
    if len(names) > 1:
        columns = 2 if max(map(len, names)) <= 44 else 1
        figure.legend(loc="outside upper left", ncols=columns, fontsize=9, frameon=False)
    return finish(figure, alt)


def _line(place: int) -> dict[str, Any]:
    return {"color": PALETTE[place % len(PALETTE)], "linestyle": ("-", "--", ":", "-.")[place % 4]}

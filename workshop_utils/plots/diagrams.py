"""Diagrams of the detector: anchors, box encoding, the network's structure, and the map of strategies."""

from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Polygon, Rectangle

from workshop_utils.data.dataset import Sample
from workshop_utils.model import anchors
from workshop_utils.plots.drawing import PALETTE, Picture, finish, label_text, outlines, readable_on, to_pixels

if TYPE_CHECKING:
    from workshop_utils.core.tensorflow import keras

_CENTRED: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 11}
_ARROW = {"arrowstyle": "-|>", "lw": 1.6, "color": "black", "shrinkA": 0, "shrinkB": 0}
_SMALL: dict[str, Any] = {"fontsize": 9}
_HEADS: tuple[dict[str, Any], ...] = ({"facecolor": PALETTE[4]}, {"facecolor": PALETTE[5], "ls": "--"})


def anchors_by_level(image: np.ndarray, *, alt: str) -> Picture:
    """Draw the grid of each of the six feature maps over a photo, with the anchors of its middle cell.

    Args:
        image: The photo, (height, width, 3).
        alt: A text alternative for the picture.
    """
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
    return finish(figure, alt)


def matched_anchors(sample: Sample, matched: np.ndarray, *, alt: str) -> Picture:
    """Draw the boxes of a sample with the anchors that are matched to them.

    Boxes are thick and numbered from 1. Their anchors are thin and dashed, in the same colour.

    Args:
        sample: A labelled photo.
        matched: For each anchor the index of its box, or -1, as `anchors.match` returns it: (1917,).
        alt: A text alternative for the picture.
    """
    height, width = sample.image.shape[:2]
    figure, axis = plt.subplots(figsize=(9, 9 * height / width), layout="constrained")
    axis.imshow(sample.image, alpha=0.6)
    for place, box in enumerate(sample.boxes):
        own, dash = PALETTE[place % len(PALETTE)], ("--", ":", "-.")[place % 3]
        theirs = anchors.anchors()[matched == place]
        outlines(axis, theirs, (width, height), edgecolor=own, linewidth=1.3, linestyle=dash)
        outlines(axis, [box], (width, height), edgecolor=own, linewidth=3.5)
        left, top, *_ = to_pixels(box, (width, height))
        axis.text(left, top, str(place + 1), **_CENTRED, color=readable_on(own), bbox={"facecolor": own})
    axis.axis("off")
    return finish(figure, alt)


STRATEGIES = ("as is", "fine-tune", "random init")
"""The three ways to use a network that others have trained."""

_REGIONS = (
    (1, 1e5, 0.8, 1, PALETTE[2], "as is: COCO already has these classes", STRATEGIES[0]),
    (1, 300, 0.35, 0.8, PALETTE[5], "fine-tune,\nfreeze much", STRATEGIES[1]),
    (300, 1e5, 0.35, 0.8, PALETTE[0], "fine-tune, freeze little", STRATEGIES[1]),
    (1, 1e4, 0, 0.35, PALETTE[3], "fine-tune anyway, and label more photos", STRATEGIES[1]),
    (1e4, 1e5, 0, 0.35, PALETTE[1], "random\ninit", STRATEGIES[2]),
)
"""Regions of the map: fewest and most photos, least and most similarity, colour, text, way."""


def recommended_strategy(count: int, similarity: float) -> str:
    """Return which of STRATEGIES the map gives for a number of labelled photos and a similarity from 0 to 1."""
    photos = min(max(count, 1), 1e5)
    return next(
        way
        for left, right, bottom, top, *_, way in reversed(_REGIONS)
        if left <= photos <= right and bottom <= similarity <= top
    )


def box_coding(image: np.ndarray, anchor: np.ndarray, box: np.ndarray, *, alt: str) -> Picture:
    """Draw an anchor with dashes, a box with solid lines, and an arrow from the anchor's centre to the box's.

    Args:
        image: The photo, (height, width, 3).
        anchor: (4,): ymin, xmin, ymax, xmax, normalised.
        box: (4,), likewise.
        alt: A text alternative for the picture.
    """
    height, width = image.shape[:2]
    figure, axis = plt.subplots(figsize=(6, 6), layout="constrained")
    axis.imshow(image, alpha=0.6)
    (left, top, right, bottom), edges = (to_pixels(each, (width, height)) for each in (anchor, box))
    outlines(axis, [anchor], (width, height), edgecolor=PALETTE[0], linewidth=3, linestyle="--")
    outlines(axis, [box], (width, height), edgecolor=PALETTE[1], linewidth=3)
    start, end = ((left + right) / 2, (top + bottom) / 2), ((edges[0] + edges[2]) / 2, (edges[1] + edges[3]) / 2)
    axis.annotate("", end, start, arrowprops=_ARROW)
    for place, name, own in (((left, top), "anchor", PALETTE[0]), (edges[2:], "box", PALETTE[1])):
        axis.text(*place, name, **_CENTRED, color=readable_on(own), bbox={"facecolor": own})
    margin = 0.3 * max(right - left, bottom - top)
    axis.set_xlim(min(left, edges[0]) - margin, max(right, edges[2]) + margin)
    axis.set_ylim(max(bottom, edges[3]) + margin, min(top, edges[1]) - margin)
    axis.axis("off")
    return finish(figure, alt)


def network(model: "keras.Model", weights: dict[str, int], image: np.ndarray, *, alt: str) -> Picture:
    """Draw the detector's structure, as read from the model.

    Each feature map is a block with its grid of cells. Below it are the outputs of its two heads for one cell, as
    anchors x numbers, and its number of anchors.

    Args:
        model: The detector.
        weights: {part: number of weights} for the four parts, in the order of the picture.
        image: The input photo, (300, 300, 3).
        alt: A text alternative for the picture.
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
        grid, _, channels = model.get_layer(f"box_{level}").input.shape[1:]
        end = _block(axis, centre, grid, channels, end)
        axis.text(centre, 3.45, f"map {level + 1}\n{grid} x {grid} x {channels}", **_CENTRED)
        for head, height, style in zip(("box", "class"), (2.4, 1.4), _HEADS):
            total, numbers = model.get_layer(f"{head}_{level}_flat").output.shape[1:]
            axis.add_patch(Rectangle((centre - 0.475, height - 0.32), 0.95, 0.64, edgecolor="black", **style))
            axis.text(centre, height, f"{total // grid**2} anchors\nx {numbers} numbers", **_CENTRED | _SMALL)
            axis.annotate("", (centre - 0.475, height), (centre - 0.62, height), arrowprops=_ARROW)
        axis.plot((centre - 0.62, centre - 0.62), (3.1, 1.4), color="black", lw=1.6)
        axis.text(centre, 0.6, f"{'+ ' if level else ''}{total:,}", **_CENTRED)
    return finish(figure, alt)


def strategy_map(name: str, count: int, similarity: float, *, alt: str) -> Picture:
    """Draw which strategy fits which number of photos and which similarity (0 to 1), with a star for one data set."""
    figure, axis = plt.subplots(figsize=(9, 4.8), layout="constrained")
    for left, right, bottom, top, own, words, _ in _REGIONS:
        axis.fill_between([left, right], bottom, top, color=own, alpha=0.3, linewidth=0)
        axis.text((left * right) ** 0.5, (bottom + top) / 2, words, ha="center", va="center", fontsize=11)
    axis.plot(count, similarity, "*", color="black", markersize=16)
    axis.annotate(label_text(name), (count, similarity), (8, 8), textcoords="offset points", fontsize=11, weight="bold")
    axis.set(xscale="log", xlim=(1, 1e5), ylim=(0, 1), xlabel="labelled photos")
    axis.set_yticks([0.17, 0.57, 0.9], ["unlike", "related", "the same"])
    axis.set_ylabel("similarity to the original problem")
    return finish(figure, alt)


def _block(axis, centre: float, grid: int, channels: int, start: float) -> float:
    """Draw a feature map as a block, with an arrow to it from x = `start`. Return the x at which the block ends."""
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
    axis.annotate("", (left, middle), (start, middle), arrowprops=_ARROW)
    return left + side + depth


def _times(shape) -> str:
    return " x ".join(map(str, shape))

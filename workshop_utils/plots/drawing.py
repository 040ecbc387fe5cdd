"""Draw photos with boxes, and make pictures and tables for notebooks, with matplotlib and Pillow.

Figures are returned as a `Picture`. As the last expression of a cell, it is shown once, with a text alternative, and
only its pixels stay in memory.
"""

import base64
import html
import io
from collections.abc import Iterable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Markdown
from matplotlib.axes import Axes
from matplotlib.colors import hsv_to_rgb, to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw

from workshop_utils.core import untrusted
from workshop_utils.data.dataset import Sample
from workshop_utils.plots import fonts

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
"""Okabe and Ito's colours, which colour-blind readers can tell apart."""

CLASS_COLOURS = tuple(PALETTE[place] for place in (0, 5, 1, 3, 4, 2, 6, 7))
"""The colours of classes. In the order of the flavours' names they come near to what is printed on the cups."""

UNKNOWN = "#888888"
"""The colour of what belongs to none of the classes."""

GOLDEN_RATIO = (5**0.5 - 1) / 2
"""Steps of this size around the colour circle stay far from each other, no matter how many there are."""

LONGEST_CAPTION = 80
"""The maximum number of characters of a class name in a picture."""

DPI = 100
"""Pixels per inch of a figure."""


class Picture:
    """A picture that a notebook shows.

    Args:
        png: The bytes of a PNG file.
        alt: A text alternative, for readers who cannot see the picture.
    """

    def __init__(self, png: bytes, alt: str):
        self.png, self.alt = png, alt

    def _repr_html_(self) -> str:
        encoded = base64.b64encode(self.png).decode()
        return f'<img alt="{html.escape(self.alt)}" src="data:image/png;base64,{encoded}" style="max-width: 100%">'

    def __repr__(self) -> str:
        return self.alt


def picture(image: np.ndarray | Image.Image, *, alt: str) -> Picture:
    """Return a photo (uint8 array or image) as a Picture, with a text alternative."""
    return Picture(png(Image.fromarray(image) if isinstance(image, np.ndarray) else image), alt)


def colour(name: str, names: Iterable[str]) -> str:
    """Return the colour of a class: no other of the sorted class names has it. Grey if the name is not among them."""
    ordered = sorted(set(names))
    if name not in ordered:
        return UNKNOWN
    place = ordered.index(name)
    if place < len(CLASS_COLOURS):
        return CLASS_COLOURS[place]
    hue = place * GOLDEN_RATIO % 1
    return to_hex(tuple(hsv_to_rgb((hue, 0.9, 0.75)))).upper()


def annotated(
    image: np.ndarray | Image.Image, boxes: ArrayLike, captions: Sequence[str], colours: Sequence[str] | None = None
) -> Image.Image:
    """Return a copy of a photo with boxes drawn on it.

    Args:
        image: The photo; an array is uint8 (height, width, 3).
        boxes: (n, 4): ymin, xmin, ymax, xmax, normalised.
        captions: The caption of each box, which may be empty. Characters that no font has are replaced
            (`fonts.drawable`).
        colours: The colour of each box, as in PALETTE; by default the first of PALETTE.
    """
    picture = (Image.fromarray(image) if isinstance(image, np.ndarray) else image).convert("RGB")
    draw = ImageDraw.Draw(picture)
    thickness = max(2, round(max(picture.size) / 250))
    height = max(11, round(max(picture.size) / 42))
    edges = [to_pixels(box, picture.size) for box in np.asarray(boxes).reshape(-1, 4)]
    colours = colours or [PALETTE[0]] * len(edges)
    for box, own in zip(edges, colours, strict=True):
        draw.rectangle(box, outline=own, width=thickness)
    for box, caption, own in zip(edges, captions, colours, strict=True):
        if caption:
            shown = fonts.drawable(caption[:LONGEST_CAPTION])
            _caption(draw, box, shown, own, fonts.font(shown, height), picture.size)
    return picture


def photo_with_boxes(sample: Sample, names: Iterable[str] | None = None) -> Image.Image:
    """Return a sample's photo with its ground truth.

    Args:
        sample: A labelled photo.
        names: All classes, so that each keeps its colour; by default those of the sample.
    """
    names = names or sample.classes
    return annotated(sample.image, sample.boxes, sample.classes, [colour(name, names) for name in sample.classes])


def photo_with_detections(
    image: np.ndarray | Image.Image,
    boxes: np.ndarray,
    classes: np.ndarray,
    scores: np.ndarray,
    label_map: dict[int, str],
    min_score: float = 0.4,
) -> Image.Image:
    """Return a photo with its detections, each with its class and its score in percent.

    Args:
        image: The photo; an array is uint8 (height, width, 3).
        boxes: (n, 4): ymin, xmin, ymax, xmax, normalised.
        classes: The class id of each box, (n,).
        scores: The score of each box, (n,).
        label_map: {id: class name}.
        min_score: Boxes with a lower score are not drawn.
    """
    kept = np.flatnonzero(np.asarray(scores) >= min_score)
    names = [label_map[int(classes[place])] for place in kept]
    captions = [f"{name} {scores[place]:.0%}" for name, place in zip(names, kept)]
    colours = [colour(name, label_map.values()) if len(label_map) <= len(PALETTE) else PALETTE[0] for name in names]
    return annotated(image, np.asarray(boxes)[kept], captions, colours)


def best(
    samples: Sequence[Sample], found: tuple[np.ndarray, np.ndarray, np.ndarray], label_map: dict[int, str]
) -> list[Image.Image]:
    """Return each sample's photo with its highest-scoring detections, as many as it has labelled objects.

    This also shows the detections of a detector whose scores are still low.

    Args:
        samples: N labelled photos.
        found: The detections on them, as `detection.Detections`: boxes (N, n, 4), classes (N, n), scores (N, n).
        label_map: {id: class name}.
    """
    counts = [len(sample.classes) for sample in samples]
    return [
        photo_with_detections(sample.image, boxes[:count], classes[:count], scores[:count], label_map, min_score=1e-9)
        for sample, count, boxes, classes, scores in zip(samples, counts, *found, strict=True)
    ]


def show(
    images: Sequence[np.ndarray | Image.Image],
    titles: Sequence[str] = (),
    columns: int = 3,
    width: float = 4.0,
    *,
    alt: str,
) -> Picture:
    """Return images side by side as one picture.

    Args:
        images: At least one. Arrays are (height, width) for greyscale, or (height, width, 3).
        titles: The titles of the first images.
        columns: The number of images per row; with fewer images, the row is as wide as they are.
        width: The width of each image, in inches.
        alt: A text alternative for the picture.
    """
    columns = min(columns, len(images))
    rows = [images[start : start + columns] for start in range(0, len(images), columns)]
    heights = [max(height / width for height, width, *_ in (np.asarray(image).shape for image in row)) for row in rows]
    titled = min(len(rows), -(-len(titles) // columns))
    size = (width * columns, width * sum(heights) + 0.3 * titled)
    grid = {"squeeze": False, "layout": "constrained", "height_ratios": heights}
    figure, axes = plt.subplots(len(rows), columns, figsize=size, **grid)
    for axis in axes.flat:
        axis.axis("off")
    for place, image in enumerate(images):
        axes.flat[place].imshow(image, cmap="gray")
        if place < len(titles):
            axes.flat[place].set_title(label_text(titles[place]), fontsize=10)
    return finish(figure, alt)


def filters(kernel: np.ndarray, columns: int = 8) -> np.ndarray:
    """Return the filters of a convolution as tiles of one image.

    Args:
        kernel: (height, width, 3, n), for n filters on colour images.
        columns: The number of tiles per row. It must divide n.

    Returns:
        A float array (height, width, 3) from 0 to 1.
    """
    span = np.abs(kernel).max(axis=(0, 1, 2)) + 1e-9
    tiles = np.pad(0.5 + kernel / (2 * span), ((0, 1), (0, 1), (0, 0), (0, 0)), constant_values=1.0)
    height, width, _, count = tiles.shape
    grid = tiles.transpose(3, 0, 1, 2).reshape(count // columns, columns, height, width, 3)
    return grid.transpose(0, 2, 1, 3, 4).reshape(count // columns * height, columns * width, 3)


def png(image: Image.Image) -> bytes:
    """Return an image as the bytes of a PNG file."""
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def table(rows: Sequence[Mapping[str, object]]) -> Markdown:
    """Return rows with the same keys as a Markdown table. The keys are its head; floats have two decimals."""

    def line(cells) -> str:
        return "| " + " | ".join(cells) + " |"

    def text(cell) -> str:
        if isinstance(cell, (int, float)):
            return f"{cell:,}" if isinstance(cell, int) else f"{cell:.2f}"
        return untrusted.markdown(str(cell))

    align = [":---" if isinstance(cell, str) else "---:" for cell in rows[0].values()]
    body = [line(map(text, row.values())) for row in rows]
    return Markdown("\n".join([line(map(text, rows[0])), line(align), *body]))


def outlines(axis: Axes, boxes: Iterable[Iterable[float]], size: tuple[int, int], **style: float | str) -> None:
    """Draw boxes on an axis that shows a photo.

    Args:
        axis: The axis.
        boxes: (n, 4): ymin, xmin, ymax, xmax, normalised.
        size: (width, height) of the photo, in pixels.
        **style: Properties of matplotlib's `Rectangle`.
    """
    for box in boxes:
        left, top, right, bottom = to_pixels(box, size)
        axis.add_patch(Rectangle((left, top), right - left, bottom - top, **{"fill": False, "linewidth": 1.5, **style}))


def label_text(name: object) -> str:
    """Return a name as text for matplotlib: shortened, without characters that no font has, and with dollar signs
    escaped, which would begin a formula."""
    shown = fonts.drawable(str(name)[:LONGEST_CAPTION])
    fonts.use_for(shown)
    return shown.replace("$", r"\$")


def finish(figure: Figure, alt: str) -> Picture:
    """Close a figure and return it as a Picture, with a text alternative."""
    stream = io.BytesIO()
    fonts.refresh(figure)
    figure.savefig(stream, format="png", dpi=DPI)
    plt.close(figure)
    return Picture(stream.getvalue(), alt)


def to_pixels(box: Iterable[float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Convert a box from fractions to pixels.

    Args:
        box: ymin, xmin, ymax, xmax, normalised.
        size: (width, height) of the photo, in pixels.

    Returns:
        left, top, right, bottom.
    """
    width, height = size
    ymin, xmin, ymax, xmax = (float(edge) for edge in box)
    return xmin * width, ymin * height, xmax * width, ymax * height


def _caption(draw, box, caption: str, own: str, font, size: tuple[int, int]) -> None:
    left, top, right, bottom = draw.textbbox((0, 0), caption, font=font)
    width, height = right - left + 6, bottom - top + 4
    x = max(0, min(box[0], size[0] - width))
    y = box[1] - height if box[1] >= height else min(box[1], size[1] - height)
    draw.rectangle((x, y, x + width, y + height), fill=own)
    draw.text((x + 3 - left, y + 2 - top), caption, font=font, fill=readable_on(own))


def readable_on(background: str) -> str:
    """Return the text colour, black or white, that is readable on a background such as "#0072B2"."""
    red, green, blue = (int(background[place : place + 2], 16) for place in (1, 3, 5))
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else "white"

"""Pictures of suspicious labels: the photo around one, with the label and what the detector found there."""

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image, ImageDraw

from workshop_utils.curation.review import Suspicion
from workshop_utils.data.dataset import Sample
from workshop_utils.plots import drawing

LABEL = drawing.PALETTE[1]
"""The colour of the label, whose outline is solid."""

DETECTION = drawing.PALETTE[0]
"""The colour of the detection, whose outline is dashed."""

MARGIN = 0.6
"""How much of the photo is shown around the boxes, as a share of their longer side."""

SIDE = 360
"""The longer side of a crop, in pixels."""

DASH = 10
"""The length of a dash, in pixels."""


def crop(image: Image.Image, suspicion: Suspicion, side: int = SIDE) -> Image.Image:
    """Return the part of a photo around a suspicion, enlarged or reduced to `side` pixels, with its boxes.

    Args:
        image: The whole photo.
        suspicion: What to show.
        side: The longer side of the picture, in pixels.
    """
    edges = np.array(
        [drawing.to_pixels(each.box, image.size) for each in (suspicion.label, suspicion.detection) if each]
    )
    left, top = edges[:, :2].min(axis=0)
    right, bottom = edges[:, 2:].max(axis=0)
    margin = MARGIN * max(right - left, bottom - top)
    width, height = image.size
    frame = (max(0, left - margin), max(0, top - margin), min(width, right + margin), min(height, bottom + margin))
    scale = side / max(frame[2] - frame[0], frame[3] - frame[1])
    size = [max(1, round((frame[place + 2] - frame[place]) * scale)) for place in (0, 1)]
    picture = image.convert("RGB").resize(size, Image.Resampling.BICUBIC, box=frame)
    shift = np.array(frame[:2] * 2)
    if suspicion.label:
        _outline(picture, (np.array(drawing.to_pixels(suspicion.label.box, image.size)) - shift) * scale, LABEL)
    if suspicion.detection:
        box = (np.array(drawing.to_pixels(suspicion.detection.box, image.size)) - shift) * scale
        _outline(picture, box, DETECTION, dashed=True)
    return picture


def with_detection(image: Image.Image, suspicion: Suspicion) -> Image.Image:
    """Return a copy of a whole photo with the suspicion's detection, if there is one."""
    picture = image.convert("RGB")
    if suspicion.detection:
        _outline(picture, drawing.to_pixels(suspicion.detection.box, image.size), DETECTION, dashed=True)
    return picture


def show(samples: Iterable[Sample], suspicions: Sequence[Suspicion], columns: int = 4) -> drawing.Picture:
    """Return a picture of suspicions for a notebook. The label is solid, the detection dashed.

    Args:
        samples: The photos that they are about.
        suspicions: At least one.
        columns: The number of suspicions per row.
    """
    by_name = {sample.name: sample for sample in samples}
    crops = [_square(crop(Image.fromarray(by_name[each.photo].image), each)) for each in suspicions]
    titles = [_title(number, each) for number, each in enumerate(suspicions, start=1)]
    alt = "; ".join(f"{each.photo}: {each.kind}, {description(each)}" for each in suspicions)
    return drawing.show(crops, titles, columns, width=3.0, alt=f"Suspicious labels. {alt}")


def description(suspicion: Suspicion) -> str:
    """Return in words what the label and the detector say."""
    return ", ".join(_both_sides(suspicion))


def _both_sides(suspicion: Suspicion) -> tuple[str, str]:
    label, found = suspicion.label, suspicion.detection
    return (
        f"labelled {label.name}" if label else "not labelled",
        f"detected {found.name} ({found.score:.2f})" if found else "nothing detected",
    )


def _title(number: int, suspicion: Suspicion) -> str:
    return "\n".join([f"{number}. {suspicion.kind}, {suspicion.score:.2f}", *_both_sides(suspicion)])


def _square(image: Image.Image) -> Image.Image:
    """Return an image in the middle of a white square, so that pictures side by side have the same size."""
    square = Image.new("RGB", (SIDE, SIDE), "white")
    square.paste(image, ((SIDE - image.width) // 2, (SIDE - image.height) // 2))
    return square


def _outline(image: Image.Image, box: Iterable[float], colour: str, dashed: bool = False) -> None:
    """Draw a box on a white line, so that it is visible on any background. A dashed one is drawn around the box."""
    draw = ImageDraw.Draw(image)
    thickness = max(2, round(max(image.size) / 150))
    left, top, right, bottom = np.array(box) + (thickness + 2) * dashed * np.array((-1, -1, 1, 1))
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    for start, end in itertools.pairwise(corners):
        draw.line([start, end], fill="white", width=thickness + 2)
        length = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
        dashes = max(1, round(length / DASH)) | 1 if dashed else 1
        points = np.linspace(start, end, dashes + 1)
        for first, last in zip(points[::2], points[1::2]):
            draw.line([tuple(first), tuple(last)], fill=colour, width=thickness)

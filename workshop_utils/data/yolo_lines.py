"""The lines of a YOLO label file: a class number and a box, a polygon, an oriented box or a pose, in fractions.

The box is the x and y of its centre, its width and its height (docs.ultralytics.com/datasets/detect). Anything that is
not understood is an error: the network would learn the object of a skipped line as background.
"""

import math
import re
from collections.abc import Mapping

from workshop_utils.data.annotation import Box
from workshop_utils.data.finding_kinds import Kind
from workshop_utils.data.labels import MAX_QUOTED, Notes, UnreadError


def read(content: str, names: Mapping[int, str], is_pose: bool = False) -> tuple[list[Box], Notes]:
    """Return the boxes of a label file, in fractions of the photo's width and height, and notes on what was unusual.

    Args:
        content: The text of the file.
        names: {class number: name}.
        is_pose: Whether keypoints follow each box.

    Raises:
        UnreadError: If a line cannot be read.
    """
    boxes, polygons, confident = list[Box](), list[int](), list[int]()
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip("\ufeff\0").split():
            continue
        name, values = _values(line, number, names)
        if len(values) == 4 or (is_pose and len(values) > 6):
            boxes.append(_from_centre(name, values))
            polygons += [number] * (len(values) > 4)
        elif len(values) == 5:
            boxes.append(_from_centre(name, values))
            confident.append(number)
        elif len(values) >= 6 and len(values) % 2 == 0:
            boxes.append(Box(name, min(values[::2]), min(values[1::2]), max(values[::2]), max(values[1::2])))
            polygons.append(number)
        else:
            what = (
                f"line {number} has {len(values)} numbers after the class: neither a box (4) nor a polygon (6, 8, ...)"
            )
            raise UnreadError(f"{what}. Correct it, or draw the box again.")
    notes: Notes = []
    if polygons:
        what = f"has polygons, oriented boxes or poses ({len(polygons)}, first in line {polygons[0]})"
        notes.append((Kind.POLYGON, f"{what}; upright boxes are used."))
    if confident:
        what = f"has a confidence in {len(confident)} lines, first in line {confident[0]}: a detector wrote them"
        notes.append((Kind.CONFIDENCE, f"{what}. Their boxes are used; check them."))
    return boxes, notes


def looks_like_labels(content: str) -> bool:
    """Return whether the first line of a text that is not empty begins with a class number and four numbers."""
    first = next((line for line in content.split("\n") if line.strip()), "").split()
    return len(first) >= 5 and all(re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?", word.lower()) for word in first[:5])


def _values(line: str, number: int, names: Mapping[int, str]) -> tuple[str, list[float]]:
    """Return a line's class name and its other numbers."""
    where, words = f"line {number}", line.strip("\ufeff\0").split()
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = [math.nan]
    if not all(map(math.isfinite, values)):
        what = (
            f"{where} is {line.strip()[:MAX_QUOTED]!r}, not a class number and its box as numbers with spaces between."
        )
        raise UnreadError(f"{what} Correct it, or draw the box again.")
    if values[0] != int(values[0]) or int(values[0]) not in names:
        what = f"{where} has the class {words[0][:MAX_QUOTED]}, but the classes are numbered {_span(names)}"
        raise UnreadError(f"{what}. Correct it, or add the class to data.yaml or classes.txt.", Kind.UNLISTED_CLASS)
    return names[int(values[0])], values[1:]


def _span(names: Mapping[int, str]) -> str:
    return f"{min(names)} to {max(names)}"


def _from_centre(name: str, values: list[float]) -> Box:
    x, y, width, height = values[:4]
    return Box(name, x - width / 2, y - height / 2, x + width / 2, y + height / 2)

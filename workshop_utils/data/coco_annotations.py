"""One annotation of COCO's JSON as a box, in the variants that different programs write.

Anything that is not understood is an error: the network would learn the object of a skipped box as background.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from workshop_utils.data import rotation
from workshop_utils.data.annotation import Box
from workshop_utils.data.finding_kinds import Kind
from workshop_utils.data.labels import MAX_QUOTED, Notes, UnreadError, is_list, is_object

Row = dict[str, Any]
"""An object of the JSON: an image, an annotation or a category."""


def read(row: Mapping[str, Any], names: Mapping[str, set[str]]) -> tuple[Box, Notes]:
    """Return an annotation as a box in pixels, and notes on what was unusual.

    A crowd (iscrowd) is marked as difficult, so that scores do not count it, as in COCO's own evaluation. Without a
    bbox, the box that encloses the polygons is used.

    Args:
        row: The annotation.
        names: {category id: names}; an id that several categories have stands for none of them.

    Raises:
        UnreadError: If the annotation has no category, no box and no polygon, or values that are not numbers.
    """
    name, attributes, notes = _name(row, names), row.get("attributes"), Notes()
    attributes = attributes if is_object(attributes) else Row()
    corners = polygon_corners(row.get("segmentation"))
    bbox = row.get("bbox")
    if bbox in (None, [], ""):
        if corners is None:
            raise UnreadError("has no bbox and no polygon. Export it with boxes.")
        edges = corners
        notes.append((Kind.POLYGON, "has a polygon without a box; the box around it is used."))
    else:
        x, y, width, height = numbers(bbox)
        edges = (x, y, x + width, y + height)
    degrees = number(attributes.get("rotation", 0), "rotation")
    if degrees % 180:
        xmin, ymin, xmax, ymax = edges
        centre, sides = ((xmin + xmax) / 2, (ymin + ymax) / 2), (xmax - xmin, ymax - ymin)
        edges = rotation.enclosing_box(centre, sides, math.radians(degrees % 360))
        what = f"has a box rotated by {degrees:g} degrees; the upright box around it is used."
        notes.append((Kind.ROTATED_BOX, what))
    crowd = row.get("iscrowd") in (1, True, "1")
    if crowd:
        notes.append((Kind.CROWD, "is a crowd; its box is marked as difficult."))
    difficult = crowd or is_set(row.get("ignore")) or is_set(attributes.get("difficult"))
    return Box(name, *edges, truncated=int(is_set(attributes.get("truncated"))), difficult=int(difficult)), notes


def key(value: object) -> str:
    """Return an id as text, so that 1, 1.0 and "1" are the same."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def number(value: Any, what: str) -> float:
    """Return a number that may be written as text. Raises UnreadError."""
    try:
        if isinstance(value, bool):
            raise ValueError
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise UnreadError(f"has the {what} {str(value)[:MAX_QUOTED]!r}, which is not a number. Correct it.")
    return found


def numbers(bbox: object) -> tuple[float, float, float, float]:
    """Return the four numbers of a bbox. Raises UnreadError."""
    if not is_list(bbox) or len(bbox) != 4:
        raise UnreadError(f"has the bbox {str(bbox)[:MAX_QUOTED]}, not x, y, width and height. Correct it.")
    x, y, width, height = (number(each, "bbox value") for each in bbox)
    return x, y, width, height


def side(value: object) -> int:
    """Return a photo's width or height in pixels, 0 if it is missing or not a positive number."""
    try:
        found = number(value, "side")
    except UnreadError:
        return 0
    return round(found) if 0 < found < 10**9 else 0


def is_set(value: object) -> bool:
    """Return whether a flag is set: true, 1, or such a text."""
    return value is True or str(value).strip().lower() in ("1", "1.0", "true", "yes")


def polygon_corners(segmentation: object) -> tuple[float, float, float, float] | None:
    """Return xmin, ymin, xmax, ymax of the box around all polygons of a segmentation, None if it is not polygons."""
    if not is_list(segmentation) or not segmentation:
        return None
    polygons = segmentation if is_list(segmentation[0]) else [segmentation]
    if not all(is_list(each) and len(each) >= 6 and len(each) % 2 == 0 for each in polygons):
        return None
    try:
        values = [[number(value, "polygon value") for value in each] for each in polygons]
    except UnreadError:
        return None
    across = [value for each in values for value in each[0::2]]
    down = [value for each in values for value in each[1::2]]
    return min(across), min(down), max(across), max(down)


def are_corners(rows: Sequence[tuple[Mapping[str, Any], tuple[int, int]]]) -> bool:
    """Return whether boxes seem to be xmin, ymin, xmax, ymax instead of COCO's x, y, width, height.

    They do if all fit their photos as corners and at least one does not as COCO's order: more than half of it would be
    outside, or its polygon has these corners.

    Args:
        rows: Annotations, each with its photo's (width, height).
    """
    evidence = False
    for row, (width, height) in rows:
        try:
            first, second, third, fourth = numbers(row.get("bbox"))
        except UnreadError:
            continue
        if not (0 <= first < third <= width + 1 and 0 <= second < fourth <= height + 1):
            return False
        across, down = min(first + third, width) - first, min(second + fourth, height) - second
        evidence |= across * down < third * fourth / 2
        corners = polygon_corners(row.get("segmentation"))
        if corners:
            as_corners = _distance(corners, (first, second, third, fourth))
            as_sides = _distance(corners, (first, second, first + third, second + fourth))
            evidence |= as_corners < 1.5 < as_sides
            if as_sides < 1.5:
                return False
    return evidence


def _distance(first: Sequence[float], second: Sequence[float]) -> float:
    return max(abs(one - other) for one, other in zip(first, second, strict=True))


def _name(row: Mapping[str, Any], names: Mapping[str, set[str]]) -> str:
    """Return the name of an annotation's category. Raises UnreadError."""
    identity = key(row.get("category_id"))
    found = names.get(identity, set())
    if not found:
        what = f"has the category {identity[:MAX_QUOTED]}, which is not listed in categories. Add it there."
        raise UnreadError(what, Kind.UNLISTED_CLASS)
    if len(found) > 1:
        what = f"has the category {identity[:MAX_QUOTED]}, which has several names: {', '.join(sorted(found)[:3])}."
        raise UnreadError(f"{what} Give each category its own id.", Kind.REPEATED_ID)
    return next(iter(found))

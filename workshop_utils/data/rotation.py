"""Boxes that turn: with their photo, where EXIF says how it is stored, or by an angle of their own."""

import dataclasses
import math

from workshop_utils.data.annotation import Box


def rotated(box: Box, orientation: int, width: int, height: int) -> Box:
    """Return a box of a photo stored as `width` x `height` pixels as it lies once EXIF's orientation is applied.

    Only the orientations that exchange width and height, 5 to 8, are known here.
    """
    across, down = (box.ymin, box.ymax), (box.xmin, box.xmax)
    if orientation in (6, 7):
        across = (height - box.ymax, height - box.ymin)
    if orientation in (7, 8):
        down = (width - box.xmax, width - box.xmin)
    return dataclasses.replace(box, xmin=across[0], xmax=across[1], ymin=down[0], ymax=down[1])


def enclosing_box(centre: tuple[float, float], sides: tuple[float, float], radians: float) -> tuple[float, ...]:
    """Return the edges xmin, ymin, xmax, ymax of the smallest upright box around one that is turned about its centre.

    In which sense it is turned makes no difference. Edges are rounded to hundredths of a pixel, so that a quarter turn
    gives whole ones.
    """
    (x, y), (width, height) = centre, sides
    cosine, sine = abs(math.cos(radians)), abs(math.sin(radians))
    across, down = (width * cosine + height * sine) / 2, (width * sine + height * cosine) / 2
    return tuple(round(edge, 2) for edge in (x - across, y - down, x + across, y + down))

"""Rotate boxes: with their photo, by its EXIF orientation, or each by its own angle."""

import dataclasses
import math

from workshop_utils.data.annotation import Box


def rotated(box: Box, orientation: int, width: int, height: int) -> Box:
    """Return a box after its photo is rotated upright.

    Args:
        box: A box on the photo as stored.
        orientation: EXIF's orientation, 5 to 8: those that swap width and height.
        width: The width of the photo as stored, in pixels.
        height: The height of the photo as stored, in pixels.
    """
    across, down = (box.ymin, box.ymax), (box.xmin, box.xmax)
    if orientation in (6, 7):
        across = (height - box.ymax, height - box.ymin)
    if orientation in (7, 8):
        down = (width - box.xmax, width - box.xmin)
    return dataclasses.replace(box, xmin=across[0], xmax=across[1], ymin=down[0], ymax=down[1])


def enclosing_box(
    centre: tuple[float, float], sides: tuple[float, float], radians: float
) -> tuple[float, float, float, float]:
    """Return the smallest upright box around a box that is rotated about its centre.

    Args:
        centre: x and y of the centre, in pixels.
        sides: Width and height before the rotation, in pixels.
        radians: The angle. Its direction makes no difference.

    Returns:
        xmin, ymin, xmax, ymax, rounded to hundredths of a pixel, so that a quarter turn gives whole pixels.
    """
    (x, y), (width, height) = centre, sides
    cosine, sine = abs(math.cos(radians)), abs(math.sin(radians))
    across, down = (width * cosine + height * sine) / 2, (width * sine + height * cosine) / 2
    return round(x - across, 2), round(y - down, 2), round(x + across, 2), round(y + down, 2)

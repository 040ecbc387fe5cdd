"""Boxes in the pixels of a photo, and in those of the view that the browser shows of it."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from workshop_utils.core.errors import WorkshopError
from workshop_utils.data import voc
from workshop_utils.data.annotation import Box

LARGEST = (800, 600)
"""The largest width and height of a view, in pixels: a notebook server drops messages of several megabytes."""

LEAST_SIDE = 3
"""A box drawn with the mouse that is thinner than this, in pixels of the view, was a click and not a drag."""

EDGES = ("xmin", "ymin", "xmax", "ymax")
KEPT = ("pose", "truncated", "difficult")
"""What an annotation says of a box besides its name and its edges."""


class LabelingError(WorkshopError, ValueError):
    """You cannot label this way; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class View:
    """A photo of `size` (width, height), in pixels, that is shown at another size."""

    size: tuple[int, int]

    @property
    def shown(self) -> tuple[int, int]:
        """The width and height of the view, in pixels."""
        scale = min(largest / side for largest, side in zip(LARGEST, self.size))
        width, height = (max(1, round(side * scale)) for side in self.size)
        return width, height

    def middle(self) -> tuple[int, int, int, int]:
        """Return the edges of a box in the middle of the photo, in its pixels."""
        width, height = self.size
        return width * 3 // 8, height * 3 // 8, max(1, width * 5 // 8), max(1, height * 5 // 8)

    def check(self, box: Box, classes: Sequence[str]) -> Box:
        """Return the box. Raises LabelingError if it has another class, no area, or is outside the photo."""
        if box.name not in classes:
            raise LabelingError(f"There is no class '{box.name}'. Choose one of: {', '.join(classes)}.")
        for low, high, side in (("xmin", "xmax", self.size[0]), ("ymin", "ymax", self.size[1])):
            first, last = getattr(box, low), getattr(box, high)
            if not (math.isfinite(first) and math.isfinite(last) and first < last):
                raise LabelingError(f"{low} {first:g} is not less than {high} {last:g}. Change one of them.")
            if first >= side or last <= 0:
                raise LabelingError(f"From {low} {first:g} to {high} {last:g} is outside the photo's {side} pixels.")
        return box

    def drawn(self, box: Box) -> dict:
        """Return a box of the photo as the canvas takes it. It is rounded, and cut at the photo's edges."""
        width, height = self.size
        whole = self._whole(box.name, (box.ymin / height, box.xmin / width, box.ymax / height, box.xmax / width))
        flags = {"pose": box.pose, "truncated": max(box.truncated, whole.truncated), "difficult": box.difficult}
        return self._place(whole) | {"label": box.name, "edges": [getattr(whole, edge) for edge in EDGES], **flags}

    def box(self, drawn: dict) -> Box | None:
        """Return a box of the canvas in the photo's pixels, rounded and cut at its edges.

        None if the mouse drew no area, or if no part of it is on the photo. If the mouse has not moved or resized a
        box since `drawn` gave it, it is the same as before.
        """
        if "edges" in drawn:
            before = Box(drawn["label"], *drawn["edges"], **{key: drawn[key] for key in KEPT})
            place = self._place(before)
            if all(drawn[key] == place[key] for key in place):
                return before
        elif min(drawn["width"], drawn["height"]) < LEAST_SIDE:
            return None
        left, top, across, down = (drawn[key] for key in ("x", "y", "width", "height"))
        corners = np.divide((top, left, top + down, left + across), np.tile(self.shown[::-1], 2))
        ymin, xmin, ymax, xmax = np.clip(corners, 0.0, 1.0).tolist()
        if not (ymin < ymax and xmin < xmax):
            return None
        box = self._whole(drawn["label"], (ymin, xmin, ymax, xmax))
        return dataclasses.replace(box, pose=drawn.get("pose", box.pose), difficult=drawn.get("difficult", 0))

    def _place(self, box: Box) -> dict:
        across, down = self.shown[0] / self.size[0], self.shown[1] / self.size[1]
        return {
            "x": box.xmin * across,
            "y": box.ymin * down,
            "width": (box.xmax - box.xmin) * across,
            "height": (box.ymax - box.ymin) * down,
        }

    def _whole(self, name: str, corners: tuple[float, float, float, float]) -> Box:
        ymin, xmin, ymax, xmax = np.clip(corners, 0.0, 1.0).tolist()
        return voc.from_normalised(self.size, [name], [(ymin, xmin, ymax, xmax)], "").boxes[0]

"""Count the tracks that cross a line, by class and direction."""

import collections
import dataclasses
from collections.abc import Iterable

import numpy as np

from workshop_utils.core.errors import UsageError
from workshop_utils.deploy.video.tracking import Track

UNCERTAIN_ID = 0
"""The class id under which tracks count whose votes do not agree on a class. Ids of classes start at 1."""


@dataclasses.dataclass(frozen=True)
class CountingLine:
    """A line in the picture, from (x1, y1) to (x2, y2), as fractions of the width and height."""

    x1: float
    y1: float
    x2: float
    y2: float

    @classmethod
    def parse(cls, text: str, size: tuple[int, int]) -> "CountingLine":
        """Return the line that a text describes.

        Args:
            text: x1,y1,x2,y2 in pixels; or as fractions of the width and height, if all four are at most 1.
            size: (width, height) of the film, in pixels.

        Raises:
            UsageError: If these are not four numbers, the line is a point, or all of it is outside the picture.
        """
        try:
            x1, y1, x2, y2 = (float(part) for part in text.split(","))
        except ValueError:
            raise UsageError(f"usage: --count-line takes four numbers, x1,y1,x2,y2, not '{text}'") from None
        if max(x1, y1, x2, y2) > 1:
            x1, x2, y1, y2 = x1 / size[0], x2 / size[0], y1 / size[1], y2 / size[1]
        if not all(0 <= each <= 1 for each in (x1, y1, x2, y2)):
            what = f"is not inside the film, which is {size[0]} pixels wide and {size[1]} high"
            raise UsageError(f"usage: the line {text} {what}")
        if (x1, y1) == (x2, y2):
            raise UsageError(f"usage: the line {text} is a point; --count-line takes two different points")
        return cls(x1, y1, x2, y2)

    @property
    def directions(self) -> tuple[str, str]:
        """What crossing it in the one and in the other direction is called."""
        return ("right", "left") if abs(self.y2 - self.y1) >= abs(self.x2 - self.x1) else ("down", "up")

    def side(self, x: float, y: float) -> int:
        """Return on which side of the line, extended without end, a point is: 1, -1, or 0 on the line.

        Points that are further right (of a steep line) or down (of a flat one) are on side 1.
        """
        cross = (self.x2 - self.x1) * (y - self.y1) - (self.y2 - self.y1) * (x - self.x1)
        towards = -(self.y2 - self.y1) if self.directions[0] == "right" else self.x2 - self.x1
        return (cross * towards > 0) - (cross * towards < 0)

    def is_between(self, before: tuple[float, float], after: tuple[float, float]) -> bool:
        """Return whether the way from one point to another, on different sides, crosses between the line's ends."""
        (bx, by), (ax, ay) = before, after
        dx, dy = ax - bx, ay - by
        across = dx * (self.y2 - self.y1) - dy * (self.x2 - self.x1)
        along = (dx * (by - self.y1) - dy * (bx - self.x1)) / across if across else -1.0
        return 0 <= along <= 1


class Counter:
    """Counts the tracks that cross a line. A track crosses it when its centre is on the other side than before.

    Args:
        line: The line.

    Attributes:
        line: The line.
    """

    def __init__(self, line: CountingLine):
        self.line = line
        self._places: dict[int, tuple[float, float, int]] = {}
        self._classes: dict[int, int] = {}
        self._crossings: list[tuple[int, str]] = []

    def update(self, tracks: Iterable[Track]) -> None:
        """Take the tracks of the next frame, as `Tracker.update` returns them."""
        for track in tracks:
            self._classes[track.id] = track.class_id if track.is_certain else UNCERTAIN_ID
            if track.started is not None:
                self._move(track.id, track.started)
            self._move(track.id, track.box)

    def _move(self, number: int, box: np.ndarray) -> None:
        """Move a track to a box, and note whether it crosses the line on the way."""
        ymin, xmin, ymax, xmax = (float(edge) for edge in box)
        x, y = (xmin + xmax) / 2, (ymin + ymax) / 2
        side = self.line.side(x, y)
        if side == 0:
            return  # decided when it leaves the line
        before = self._places.get(number)
        if before and before[2] != side and self.line.is_between(before[:2], (x, y)):
            self._crossings.append((number, self.line.directions[0 if side > 0 else 1]))
        self._places[number] = (x, y, side)

    def counts(self) -> dict[int, dict[str, int]]:
        """Return how many tracks crossed: {class id: {direction: number}}, by the classes that they have by now.

        UNCERTAIN_ID is the class id of tracks that are not certain of theirs. Classes without a crossing are missing.
        """
        counts: dict[int, dict[str, int]] = collections.defaultdict(lambda: dict.fromkeys(self.line.directions, 0))
        for number, direction in self._crossings:
            counts[self._classes[number]][direction] += 1
        return {class_id: counts[class_id] for class_id in sorted(counts)}

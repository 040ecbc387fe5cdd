"""The truth of a film: the box of each cup in each frame, and how many cups cross the counting line.

A cup crosses the line in the frame in which the centre of its box is on the other side of the line than in the last
earlier frame that shows the cup, if the way between the two centres meets the line between its ends. A centre on the
line is on neither side: the next frame decides.
"""

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from .film_plan import FLAVOURS, Film

DIRECTIONS = ("right", "left")
Line = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class SeenCup:
    """A cup in a frame: edges of its visible part as in the annotations of the photos, and its visible share."""

    frame: int
    track: int
    flavour: str
    xmin: int
    ymin: int
    xmax: int
    ymax: int
    visible: float

    @property
    def centre(self) -> tuple[float, float]:
        return (self.xmin + self.xmax) / 2, (self.ymin + self.ymax) / 2


def side(line: Line, point: tuple[float, float]) -> int:
    """Return 1 if a point is right of a line from the picture's lower to its upper edge, -1 if left, 0 if on it."""
    (x1, y1), (x2, y2) = line
    across = (x2 - x1) * (point[1] - y1) - (y2 - y1) * (point[0] - x1)
    return (across > 0) - (across < 0)


def counts(cups: Iterable[SeenCup], line: Line) -> dict[str, dict[str, int]]:
    """Return how many cups of each flavour cross a line in each direction.

    The line goes from the lower edge of the picture to the upper one, so every way from side to side meets it.
    """
    found = {flavour: dict.fromkeys(DIRECTIONS, 0) for flavour in FLAVOURS}
    before: dict[int, int] = {}
    for cup in sorted(cups, key=lambda cup: cup.frame):
        now = side(line, cup.centre)
        if not now:
            continue
        if before.get(cup.track, now) != now:
            found[cup.flavour][DIRECTIONS[0 if now > 0 else 1]] += 1
        before[cup.track] = now
    return found


def as_json(plan: Film, cups: list[SeenCup]) -> str:
    """Return the truth as JSON with one line for each cup in each frame."""
    (x1, y1), (x2, y2) = plan.counting_line
    facts = {
        "film": f"{plan.name}.mp4",
        "fps": plan.fps,
        "frames": plan.frames,
        "counting_line": [x1, y1, x2, y2],
        "counts": counts(cups, plan.counting_line),
        "columns": [field.name for field in fields(SeenCup)],
    }
    head = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in facts.items())
    rows = ",\n".join(json.dumps(astuple(cup)) for cup in cups)
    return f'{{\n{head},\n"cups": [\n{rows}\n]\n}}\n'


def read(path: Path) -> tuple[dict, list[SeenCup]]:
    """Return the facts of a film and its cups, as `as_json` wrote them."""
    facts = json.loads(path.read_text(encoding="utf-8"))
    if facts["columns"] != [field.name for field in fields(SeenCup)]:
        raise ValueError(f"{path} has the columns {facts['columns']}; make the films again")
    return facts, [SeenCup(*row) for row in facts.pop("cups")]

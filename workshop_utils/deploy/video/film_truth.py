"""Read the ground truth of a film in data/films/: the box and track id of each cup in each frame, and the counts."""

import collections
import dataclasses
import json
import pathlib

import numpy as np

from workshop_utils.core import text
from workshop_utils.core.errors import WorkshopError
from workshop_utils.deploy.video.counting import CountingLine

FULLY_VISIBLE = 0.9
"""From this visible share on, nothing hides a cup. It is below 1, because shares are of the convex outline of a cup."""


class FilmTruthError(WorkshopError, ValueError):
    """A ground truth that cannot be read. The message names the file and what to do."""


@dataclasses.dataclass(frozen=True)
class FrameTruth:
    """The n cups of one frame.

    Attributes:
        boxes: (n, 4): ymin, xmin, ymax, xmax of the visible part, normalised.
        tracks: Track ids, (n,). A cup keeps its id in all frames.
        flavours: The flavour of each cup.
        visible: The share of each cup that nothing hides, (n,).
    """

    boxes: np.ndarray
    tracks: np.ndarray
    flavours: list[str]
    visible: np.ndarray


@dataclasses.dataclass(frozen=True)
class FilmTruth:
    """The ground truth of a film.

    Attributes:
        fps: Frames per second.
        frames: The cups of each frame.
        line: The line at which cups are counted.
        crossed: How many cups of each flavour cross it: {(flavour, direction): number}.
    """

    fps: float
    frames: list[FrameTruth]
    line: CountingLine
    crossed: collections.Counter[tuple[str, str]]

    @property
    def tracks(self) -> set[int]:
        """The ids of all cups of the film."""
        return {int(track) for frame in self.frames for track in frame.tracks}

    def flavour(self, track: int) -> str:
        """Return the flavour of a cup. Raises KeyError if the film has no such cup."""
        names = {int(each): name for frame in self.frames for each, name in zip(frame.tracks, frame.flavours)}
        return names[track]


def width_and_speed(truth: FilmTruth, size: tuple[int, int] = (512, 384)) -> tuple[float, float]:
    """Return the median width of a cup's box in pixels, and the median speed of cups, in pixels per second.

    Only boxes of cups count that are visible as far as FULLY_VISIBLE.
    """
    widths, steps, before = [], [], {}
    for frame in truth.frames:
        here = {}
        for box, track, visible in zip(frame.boxes, frame.tracks, frame.visible, strict=True):
            if visible >= FULLY_VISIBLE:
                here[track] = (box[1] + box[3]) / 2
                widths.append(box[3] - box[1])
                if track in before:
                    steps.append(abs(here[track] - before[track]))
        before = here
    return float(np.median(widths)) * size[0], float(np.median(steps)) * size[0] * truth.fps


def read(path: str | pathlib.Path, size: tuple[int, int] = (512, 384)) -> FilmTruth:
    """Read the ground truth of a film.

    Args:
        path: The JSON file in the folder of the film. data/README.md lists its fields.
        size: (width, height) of the film, in pixels.

    Raises:
        FilmTruthError: If the file cannot be read, or is not such a ground truth.
    """
    try:
        facts = json.loads(text.read(pathlib.Path(path)))
        rows = [dict(zip(facts["columns"], row, strict=True)) for row in facts["cups"]]
        by_frame = collections.defaultdict(list)
        for row in rows:
            by_frame[row["frame"]].append(row)
        crossed = collections.Counter(
            {(name, way): number for name, ways in facts["counts"].items() for way, number in ways.items() if number}
        )
        line = CountingLine.parse(",".join(map(str, facts["counting_line"])), size)
        frames = [_frame(by_frame[number], size) for number in range(facts["frames"])]
        return FilmTruth(float(facts["fps"]), frames, line, crossed)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FilmTruthError(
            f"{path}: cannot be read as the ground truth of a film ({type(error).__name__}: {error}). Take the file "
            "from the repository again."
        ) from None


def _frame(rows: list[dict], size: tuple[int, int]) -> FrameTruth:
    """Return the truth of one frame; edges in pixels become fractions."""
    width, height = size
    edges = [(row["ymin"], row["xmin"], row["ymax"], row["xmax"]) for row in rows]
    boxes = np.array(edges, np.float32).reshape(-1, 4) / np.array([height, width, height, width], np.float32)
    tracks = np.array([row["track"] for row in rows], int)
    return FrameTruth(boxes, tracks, [row["flavour"] for row in rows], np.array([row["visible"] for row in rows]))

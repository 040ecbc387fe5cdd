"""Draw detections, tracks and the counting line on the frames of a film, with Pillow."""

import dataclasses

import numpy as np
from PIL import Image, ImageDraw

from workshop_utils.deploy.video.counting import CountingLine
from workshop_utils.deploy.video.tracking import Track
from workshop_utils.plots import drawing, fonts

LINE_COLOUR = "#E69F00"


@dataclasses.dataclass(frozen=True)
class Found:
    """One detection in a frame.

    Attributes:
        box: (4,): ymin, xmin, ymax, xmax, normalised.
        class_id: Its class in this frame.
        score: Its score.
        track: The track that it belongs to, or None.
    """

    box: np.ndarray
    class_id: int
    score: float
    track: Track | None = None


class Drawing:
    """Draws on the frames of a film.

    Args:
        names: {class id: name} of all classes, so that each has its colour in every frame.
        line: The counting line, or None.
    """

    def __init__(self, names: dict[int, str], line: CountingLine | None = None):
        self._names, self._line = names, line
        few = len(names) <= len(drawing.PALETTE)
        self._colours = {
            name: drawing.colour(name, names.values()) if few else drawing.PALETTE[0] for name in names.values()
        }

    def drawn(self, rgb: np.ndarray, found: list[Found], counts: dict[str, dict[str, int]] | None = None) -> np.ndarray:
        """Return a frame with boxes, captions, the line and the counts so far.

        Args:
            rgb: The frame, uint8 (height, width, 3).
            found: The detections in it. Those in a track have its number and its class.
            counts: {class name: {direction: number}}, for the line.
        """
        names = [each.track.name(self._names) if each.track else self._names[each.class_id] for each in found]
        captions = [
            f"{each.track.id} {name}" if each.track else f"{name} {each.score:.0%}" for name, each in zip(names, found)
        ]
        colours = [self._colours.get(name, drawing.UNKNOWN) for name in names]
        boxes = np.array([each.box for each in found]).reshape(-1, 4)
        picture = drawing.annotated(rgb, boxes, captions, colours)
        if self._line:
            self._draw_line(self._line, picture, counts or {})
        return np.asarray(picture)

    def _draw_line(self, line: CountingLine, picture: Image.Image, counts: dict[str, dict[str, int]]) -> None:
        """Draw the line, and at the top the number of tracks that crossed it in each direction."""
        width, height = picture.size
        draw = ImageDraw.Draw(picture)
        ends = (line.x1 * width, line.y1 * height, line.x2 * width, line.y2 * height)
        draw.line(ends, LINE_COLOUR, max(2, round(max(picture.size) / 250)))
        totals = {name: sum(each[name] for each in counts.values()) for name in line.directions}
        text = "  ".join(f"{name} {total}" for name, total in totals.items())
        font = fonts.font(text, max(11, round(max(picture.size) / 32)))
        left, top, right, bottom = draw.textbbox((6, 4), text, font=font)
        draw.rectangle((left - 4, top - 3, right + 4, bottom + 3), fill="black")
        draw.text((6, 4), text, font=font, fill="white")

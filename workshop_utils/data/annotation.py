"""What a labelled data set says of one photo: its size and its boxes, in pixels."""

import dataclasses

from workshop_utils.core.errors import WorkshopError
from workshop_utils.data.finding_kinds import Kind


class VocError(WorkshopError, ValueError):
    """An annotation that cannot be used; the message names the file, the object and what to do."""

    def __init__(self, message: str, kind: Kind = Kind.BROKEN_XML):
        super().__init__(message)
        self.kind = kind


@dataclasses.dataclass(frozen=True)
class Box:
    """One labelled object; edges in pixels of the upright photo, from its upper left corner."""

    name: str
    xmin: float
    ymin: float
    xmax: float
    ymax: float
    pose: str = "Unspecified"
    truncated: int = 0
    difficult: int = 0


@dataclasses.dataclass(frozen=True)
class Annotation:
    """What one XML file says of one photo. `width` and `height` are the photo's, in pixels.

    `notes` are what had to be decided to read the file, each a kind of finding and a sentence without the file's name.
    `unread` names the elements of the file that are not in here, so that writing it again would lose them.
    """

    filename: str
    width: int
    height: int
    boxes: tuple[Box, ...] = ()
    depth: int = 3
    folder: str = "images"
    path: str | None = None
    database: str = "Unknown"
    segmented: int = 0
    verified: bool = False
    notes: tuple[tuple[Kind, str], ...] = ()
    unread: tuple[str, ...] = dataclasses.field(default=(), compare=False)


def edges_of(box: Box) -> str:
    """Return a box's edges in words, for a message."""
    return f"xmin {box.xmin:g}, ymin {box.ymin:g}, xmax {box.xmax:g}, ymax {box.ymax:g}"

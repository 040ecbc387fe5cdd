"""The annotation of one photo: its size and its boxes, in pixels."""

import dataclasses

from workshop_utils.core.errors import WorkshopError
from workshop_utils.data.finding_kinds import Kind


class VocError(WorkshopError, ValueError):
    """An annotation that cannot be used. The message names the file, the object and what to do.

    Attributes:
        kind: The kind of finding that the error counts as.
    """

    def __init__(self, message: str, kind: Kind = Kind.BROKEN_XML):
        super().__init__(message)
        self.kind = kind


@dataclasses.dataclass(frozen=True)
class Box:
    """One labelled object. Its edges are in pixels of the upright photo, counted from the upper left corner."""

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
    """The content of one XML file.

    Attributes:
        filename: The photo's name.
        width: The photo's width, in pixels.
        height: The photo's height, in pixels.
        boxes: The labelled objects.
        depth: Number of colour channels.
        folder: The name of the photo's folder.
        path: The photo's path on the computer on which it was labelled.
        database: The data set that the photo comes from.
        segmented: 1 if the objects are segmented, else 0.
        verified: Whether labelImg's "Verify Image" is set.
        notes: Decisions made while reading the file: pairs of a kind of finding and a sentence without the file's name.
        unread: The elements and attributes of the file that are not stored here. Writing the file again loses them.
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
    """Return the edges of a box as text for a message."""
    return f"xmin {box.xmin:g}, ymin {box.ymin:g}, xmax {box.xmax:g}, ymax {box.ymax:g}"

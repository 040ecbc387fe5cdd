"""Boxes that you drew and have not submitted: kept in memory, and in hidden files in case the kernel is killed."""

import contextlib
import pathlib

from workshop_utils.core import files
from workshop_utils.data import voc
from workshop_utils.data.annotation import Annotation, Box
from workshop_utils.widgets import label_files
from workshop_utils.widgets.view import LabelingError

FOLDER = ".drafts"
"""The folder for drafts, in the folder of annotations. It is hidden, so no reader takes a draft for an annotation."""


class Drafts:
    """The drafts of a folder of annotations, one for each photo.

    A draft file that this object neither wrote nor read comes from another labeler, or cannot be read. It is never
    overwritten or removed, but kept under another name.

    Attributes:
        boxes: The draft of each photo, as far as it was read or kept here.
    """

    def __init__(self, annotations: pathlib.Path):
        self.boxes: dict[pathlib.Path, list[Box]] = {}
        self._annotations = annotations
        self._known: dict[pathlib.Path, bytes | None] = {}

    def read(self, photo: pathlib.Path, size: tuple[int, int]) -> list[Box] | None:
        """Return the boxes drawn on a photo of this size (width, height); None if there is no draft.

        Raises WorkshopError if the draft cannot be read or was drawn on another photo.
        """
        if photo in self.boxes:
            return self.boxes[photo]
        draft = self._path(photo)
        if draft.exists():
            content, found = label_files.content(draft), voc.read(draft)
            if (found.width, found.height) != size:
                raise LabelingError(f"{draft}: was drawn on another photo.")
            self.boxes[photo], self._known[draft] = list(found.boxes), content
        return self.boxes.get(photo)

    def keep(self, photo: pathlib.Path, annotation: Annotation) -> str:
        """Keep the boxes of this annotation; return a message about another draft, or "".

        Raises WorkshopError if they can only be kept in memory.
        """
        self.boxes[photo] = list(annotation.boxes)
        draft = self._path(photo)
        files.make_folder(draft.parent)
        message = self._keep_unknown(draft)
        voc.write(annotation, draft)
        self._known[draft] = label_files.content(draft)
        return message

    def forget(self, photo: pathlib.Path) -> str:
        """Remove the draft of a photo; return a message about another draft, or ""."""
        self.boxes.pop(photo, None)
        message = ""
        with contextlib.suppress(OSError, LabelingError):
            draft = self._path(photo)
            message = self._keep_unknown(draft)
            draft.unlink()
        return message

    def _keep_unknown(self, draft: pathlib.Path) -> str:
        if not draft.exists() or label_files.content(draft) == self._known.get(draft):
            return ""
        return f"Another draft of {draft.name} is kept as {label_files.kept(draft)}."

    def _path(self, photo: pathlib.Path) -> pathlib.Path:
        """Return where the draft of a photo is kept. Raises LabelingError for a link."""
        return label_files.inside(self._annotations / FOLDER / f"{photo.stem}.xml", self._annotations.parent)

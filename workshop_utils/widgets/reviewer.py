"""Go through suspicious labels in the notebook: keep each one, take what the detector found, or remove it.

For each button of the `Reviewer` there is a method, so a notebook that cannot show widgets can review, too.
"""

import dataclasses
import html
import pathlib
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

from workshop_utils.core import files
from workshop_utils.curation import suspicion_pictures
from workshop_utils.curation.review import Kind, NamedBox, Suspicion
from workshop_utils.data import geometry, voc
from workshop_utils.data.annotation import Box
from workshop_utils.widgets import label_files
from workshop_utils.widgets.box_editor import grid
from workshop_utils.widgets.labeler import Labeler
from workshop_utils.widgets.view import EDGES, LabelingError

SAME_BOX = 0.8
"""The least IoU of a box on the photo with a suspicious label: saved edges are whole pixels."""

LABELING_KEYS = ("c", "y", "u", "l")
"""The keys of the Labeler's buttons that are not shown here."""


@dataclasses.dataclass(frozen=True)
class Decision:
    """What was decided about a suspicion, so that it can be taken back.

    Attributes:
        number: The place of the suspicion in the list.
        xml: The annotation that was written; None if nothing was changed.
        before: Its bytes before; None if there was no file.
        after: Its bytes after.
    """

    number: int
    xml: pathlib.Path | None = None
    before: bytes | None = None
    after: bytes | None = None


class Reviewer(Labeler):
    """Shows one suspicious label after another: the label is selected, the detection is dashed.

    You can also draw, move and rename boxes as in the Labeler; Keep saves them.

    Attributes:
        suspicions: What is reviewed, in this order. Photos that are not in the folder are left out.
        decisions: What was decided, the last at the end.

    Args:
        photos_folder: The photos.
        annotations_folder: The XML files.
        suspicions: What `review.find` returned, or the first of them.
        classes: More names to label with than those in the XML files.

    Raises:
        LabelingError: If there is nothing to review, or no photo that can be read.
    """

    def __init__(
        self,
        photos_folder: pathlib.Path,
        annotations_folder: pathlib.Path,
        suspicions: Sequence[Suspicion],
        classes: Iterable[str] = (),
    ):
        self._number, self.suspicions, self.decisions = -1, list(suspicions), []
        names = {each.detection.name for each in suspicions if each.detection}
        super().__init__(photos_folder, annotations_folder, sorted(names | set(classes)))
        there = {path.name for path in self.paths}
        missing = sorted({each.photo for each in suspicions} - there)
        self.suspicions = [each for each in suspicions if each.photo in there]
        if not self.suspicions:
            raise LabelingError("There is nothing to review in this folder.")
        button = self._actions.button
        self._box_buttons.children = [each for each in self._box_buttons.children if each.description != "Copy boxes"]
        self._panel.children = [
            self._header,
            button("Keep", self.keep, "k", "s", "Enter", button_style="primary"),
            grid(
                button("Take the detector's", self.take, "t"),
                button("Remove label", self.remove, "x"),
                button("Previous", self.previous),
                button("Next", self.next),
                button("Take back decision", self.take_back, "b"),
            ),
            self._box_buttons,
            self._count,
            grid(*self._edges.values()),
        ]
        for key in LABELING_KEYS:
            self._actions.keys.pop(key, None)
        self._canvas.shortcuts = list(self._actions.keys)
        self.review(0)
        self.say(*(f"Left out: {name} is not in {photos_folder}." for name in missing), self.message)

    def __repr__(self) -> str:
        """Return what is shown in place of the widget if none can be shown."""
        place = (
            f"suspicion {self._number + 1} of {len(self.suspicions)}: {suspicion_pictures.description(self.suspicion)}"
        )
        return f"Reviewer at {place}. No widget to see? reviewer.keep(), reviewer.take(), reviewer.remove()"

    @property
    def suspicion(self) -> Suspicion:
        """The suspicion that is shown."""
        return self.suspicions[self._number]

    def review(self, number: int) -> None:
        """Show suspicion `number`, counted from 0. Raises LabelingError if there is none, or its photo is gone."""
        if number not in range(len(self.suspicions)):
            raise LabelingError("This was the last suspicion." if number > 0 else "This is the first suspicion.")
        self._settled()
        self._number = number
        names = [path.name for path in self.paths]
        if self.suspicion.photo in names:
            self.go(names.index(self.suspicion.photo))
        self._check_photo()
        place = self._label_place()
        self.select(None if place is None else place + 1)
        gone = self.suspicion.label is not None and place is None
        changed = "This label has been changed or removed since it was found." if gone else ""
        self.say(self._question(), changed, self.message)

    def keep(self) -> None:
        """Keep the label, save what you drew by hand, and show the next suspicion. Raises WriteError."""
        self._check_photo()
        self._settled()
        if self.boxes != self._saved:
            self.submit()
        else:
            self.decisions.append(Decision(self._number))
            self._leave("Kept.")

    def take(self) -> None:
        """Take the detector's name or box, or add the box that is missing; save, and show the next suspicion.

        Raises LabelingError if the detector found nothing, or if the label is no longer there, WriteError.
        """
        self._check_photo()
        label, found = self.suspicion.label, self.suspicion.detection
        if found is None:
            raise LabelingError("The detector found nothing here. Keep the label, or remove it.")
        new, boxes = self._box_of(found), self.boxes
        if label is None:
            boxes.append(new)
        else:
            place = self._existing_place()
            edges = {} if self.suspicion.kind is Kind.WRONG_NAME else {edge: getattr(new, edge) for edge in EDGES}
            boxes[place] = dataclasses.replace(boxes[place], name=found.name, **edges)
        self._draw(boxes)
        self.submit()

    def remove(self) -> None:
        """Remove the label, save, and show the next suspicion.

        Raises LabelingError if there is no label, or if it is no longer there, WriteError.
        """
        self._check_photo()
        if self.suspicion.label is None:
            raise LabelingError("There is no label to remove here. Press Keep, or take the detector's box.")
        boxes = self.boxes
        del boxes[self._existing_place()]
        self._draw(boxes)
        self.submit()

    def take_back(self) -> None:
        """Take back the last decision: write the file as it was, and show the suspicion again.

        Raises LabelingError if there is no decision, or if the file was changed since, WriteError.
        """
        if not self.decisions:
            raise LabelingError("There is no decision to take back.")
        last = self.decisions[-1]
        if last.xml:
            if label_files.content(last.xml) != last.after:
                raise LabelingError(f"{last.xml}: was changed since that decision, and is left as it is.")
            if last.before is None:
                last.xml.unlink()
            else:
                with files.replacing(last.xml) as unfinished:
                    unfinished.write_bytes(last.before)
        self.decisions.pop()
        self.review(last.number)
        self.say("Taken back.", self.message)

    def submit(self) -> pathlib.Path:
        """Save this photo's boxes and show the next suspicion; return the XML's path. See `Labeler.submit`."""
        number, path = self._number, self.xml(self.path)
        before = label_files.content(path)
        super().submit()
        self.decisions.append(Decision(number, path, before, label_files.content(path)))
        self.say(self.message)
        return path

    def next(self) -> None:
        """Show the next suspicion, without a decision."""
        self.review(self._number + 1)

    def previous(self) -> None:
        """Show the suspicion before this one."""
        self.review(self._number - 1)

    def show(self, image: Image.Image, boxes: Iterable[Box] = ()) -> None:
        """Show a photo with its boxes, and with the detection as a part of the picture."""
        shown = image if self._number < 0 else suspicion_pictures.with_detection(image, self.suspicion)
        super().show(shown, boxes)

    def say(self, *lines: str) -> None:
        """Show a message below the photo, and in the header which suspicion it is."""
        super().say(*lines)
        if self._number >= 0:
            place = f"Suspicion {self._number + 1} of {len(self.suspicions)}"
            done = len({each.number for each in self.decisions})
            self._header.value = f"<b>{place}</b>: {html.escape(self.suspicion.photo)}; {done} decided"

    def _leave(self, message: str) -> None:
        """Show the next suspicion, or stay at the last one."""
        note = self._drafts.forget(self.path)
        self._saved = self.boxes
        try:
            self.review(self._number + 1)
        except LabelingError as fault:
            self.say(message, note, str(fault))
        else:
            self.say(message, note, self.message)

    def _check_photo(self) -> None:
        """Raise LabelingError if another photo is shown than that of the suspicion."""
        if self.path.name != self.suspicion.photo:
            raise LabelingError(f"{self.suspicion.photo}: can no longer be read. Go to the next suspicion.")

    def _box_of(self, found: NamedBox) -> Box:
        return voc.from_normalised(self._view.size, [found.name], [found.box], "").boxes[0]

    def _label_place(self) -> int | None:
        """Return the place of the suspicious label among the boxes; None if it is not there."""
        label, boxes = self.suspicion.label, self.boxes
        if label is None or not boxes:
            return None
        drawn = np.array(voc.normalised(dataclasses.replace(self._shown.annotation, boxes=tuple(boxes))))
        overlap = geometry.iou(np.array([label.box]), drawn)[0]
        overlap[[box.name != label.name for box in boxes]] = 0
        return int(overlap.argmax()) if overlap.max() >= SAME_BOX else None

    def _existing_place(self) -> int:
        place = self._label_place()
        if place is None:
            raise LabelingError("This label has been changed or removed since it was found. Press Keep, or draw it.")
        return place

    def _question(self) -> str:
        """Return in words what is suspicious."""
        what = suspicion_pictures.description(self.suspicion)
        return f"{self.suspicion.kind.capitalize()}? {what[0].upper()}{what[1:]}."

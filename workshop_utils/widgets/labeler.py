"""Label the photos of a folder in the notebook, and save each one's boxes as labelImg's XML.

For each button of the `Labeler` there is a method of the same name, so a notebook that cannot show widgets can label,
too.
"""

import dataclasses
import html
import pathlib
from collections.abc import Iterable
from typing import Any

import ipywidgets

from workshop_utils.core import files
from workshop_utils.core.errors import WorkshopError
from workshop_utils.data import annotation_repair, photos, voc
from workshop_utils.data.annotation import Annotation, VocError
from workshop_utils.data.annotation_repair import PhotoInfo
from workshop_utils.data.names import tidy
from workshop_utils.evaluation import agreement
from workshop_utils.widgets import data_sets, label_files
from workshop_utils.widgets.box_editor import grid
from workshop_utils.widgets.drafts import Drafts
from workshop_utils.widgets.label_files import Shown
from workshop_utils.widgets.proposals import ProposingEditor, normalised
from workshop_utils.widgets.view import LabelingError

__all__ = ["Labeler", "LabelingError"]


class Labeler(ProposingEditor):
    """Goes through the photos of a folder; a photo with an XML file counts as labelled.

    It starts at the first photo that is not labelled yet. Boxes that you drew and have not submitted are kept as a
    draft, also for the next Labeler of the same folders; only `submit` turns them into an annotation.

    A data set in COCO or YOLO is labelled in a copy as Pascal VOC, next to it; see `data_sets.to_label`.

    Args:
        photos_folder: The photos.
        annotations_folder: The XML files; created if it does not exist.
        classes: The names to label with. Those that the XML files use are added.
        model: The folder of a run, whose detector proposes boxes with names; by default the COCO detector proposes
            boxes of the chosen class. It is loaded when you first ask for proposals.
        order: "informative" shows the photos first from whose labels the detector would learn most; see
            `curation.informative`. By default they are in the order of their names.

    Raises:
        LabelingError: If there is no class, or no photo that can be read.
        WorkshopError: If labels in another format cannot be read or copied.
    """

    def __init__(
        self,
        photos_folder: pathlib.Path,
        annotations_folder: pathlib.Path,
        classes: Iterable[str],
        model: Any = None,
        order: str = "name",
    ):
        super().__init__(classes, model)
        folders = pathlib.Path(photos_folder), pathlib.Path(annotations_folder)
        shown, self.annotations, notes = data_sets.to_label(*folders)
        sizes, faults = label_files.readable(shown)
        self.paths = list(sizes)
        self._written = label_files.written(shown, self.annotations)
        read = [(path, annotation) for path in self.paths if (annotation := self._annotation_of(path))]
        self._resized = annotation_repair.were_resized(
            [(each, PhotoInfo(path.name, sizes[path], 1, "")) for path, each in read]
        )
        self._know(tidy(box.name) for _, annotation in read for box in annotation.boxes)
        if not self.classes:
            raise LabelingError("There is no class to label with. Give at least one name.")
        self._sort(order, faults)
        self.place, self._saved, self._asked = -1, None, None
        self._drafts = Drafts(self.annotations)
        self._canvas.observe(self._keep_draft, "bboxes")
        self._header = ipywidgets.HTML()
        button = self._actions.button
        self._box_buttons.children += (button("Copy boxes", self.copy, "c"),)
        self._panel.children = [
            self._header,
            button("Submit", self._submit_or_ask, "s", "Enter", button_style="primary"),
            grid(
                button("Previous photo", self.previous),
                button("Next photo", self.next),
                button("Skip", self.skip),
                self._propose_button,
            ),
            *self._panel.children,
        ]
        self._canvas.shortcuts = list(self._actions.keys)
        self.go(self.paths.index((self.unlabelled or self.paths)[0]))
        self.say(*notes, *faults, self.message)

    def __repr__(self) -> str:
        """Return what is shown in place of the widget if none can be shown."""
        place = f"photo {self.place + 1} of {len(self.paths)}, {len(self.boxes)} boxes"
        return f"Labeler at {place}. No widget to see? labels.table, labels.add(...), labels.submit()"

    @property
    def path(self) -> pathlib.Path:
        """The photo that is shown."""
        return self.paths[self.place]

    @property
    def unlabelled(self) -> list[pathlib.Path]:
        """The photos that have no XML file yet."""
        return [path for path in self.paths if not self.xml(path).exists()]

    def xml(self, path: pathlib.Path) -> pathlib.Path:
        """Return where a photo's annotation is or will be: where training finds it."""
        return self._written.get(path, self.annotations / f"{path.stem}.xml")

    def submit(self) -> pathlib.Path:
        """Save this photo's boxes (or that it has no objects), show the next unlabelled photo; return the XML's path.

        A file that holds more than was shown, or was changed since, is kept as a hidden file next to the new one.
        Raises WriteError.
        """
        self._settled()
        path, xml, boxes = self.path, self.xml(self.path), self.boxes
        verb = "Replaced" if xml.exists() else "Wrote"
        message = f"{verb} {xml.name}: {len(boxes)} {'box' if len(boxes) == 1 else 'boxes'}."
        files.make_folder(xml.parent)
        if xml.exists() and (self._shown.partly or label_files.content(xml) != self._shown.content):
            message += f" The file as it was before is kept as {label_files.kept(xml).name}."
        annotation = dataclasses.replace(self._shown.annotation, boxes=tuple(boxes))
        voc.write(annotation, xml)
        self._shown = Shown(annotation, label_files.content(xml))
        if not path.exists():
            message += f" The photo itself is gone: put it back into {path.parent}, or delete the XML file."
        self._leave(message)
        return xml

    def skip(self) -> None:
        """Forget what was drawn on this photo since it was saved, and show the next unlabelled one."""
        self._draw(list(self._shown.annotation.boxes))
        self._leave(f"Skipped {self.path.name}.")

    def next(self) -> None:
        """Show the next photo."""
        self.go(self.place + 1)

    def previous(self) -> None:
        """Show the photo before this one."""
        self.go(self.place - 1)

    def go(self, place: int) -> None:
        """Show photo number `place`, counted from 0, with its boxes.

        If it can no longer be read, it is left out of `paths`, and the one after it is shown. Raises LabelingError if
        there is no photo to show.
        """
        self._settled()
        photo, gone = self._readable_from(place)
        path, orientation = self.path, photo.orientation
        self._saved, self._asked = None, None
        data_set = self.annotations.parent
        shown = label_files.shown(path, photo.image.size, orientation, self.xml(path), data_set, self._resized)
        where = {"filename": path.name, "folder": path.parent.name, "path": str(path.resolve())}
        self._shown = dataclasses.replace(shown, annotation=dataclasses.replace(shown.annotation, **where))
        self._know(box.name for box in shown.annotation.boxes)
        self.show(photo.image, shown.annotation.boxes)
        self._saved = self.boxes
        self.say(*gone, *shown.messages, self._recall())

    def copy(self) -> int:
        """Add the boxes of the photo before this one, as they are drawn or saved there, and return how many.

        A box that overlaps one already drawn is not added. If the photos differ in size, the boxes are scaled. Raises
        LabelingError if there is no photo before this one, or it has no boxes.
        """
        self._settled()
        before = self.paths[self.place - 1] if self.place else None
        annotation = before and self._annotation_of(before)
        size = photos.read(before).size if before else (1, 1)
        boxes = self._drafts.boxes.get(before, list(annotation.boxes) if annotation else []) if before else []
        if not boxes or before is None:
            raise LabelingError("There are no boxes to copy: the photo before this one is empty.")
        added = self._add_new(self._boxes([box.name for box in boxes], normalised(boxes, size)))
        self.say(f"{added} copied from {before.name}: move, rename or delete each one.")
        return added

    def scores(self, truth: pathlib.Path) -> list[agreement.Agreement]:
        """Return how well the saved boxes agree with those in a folder of true annotations, for each labelled photo.

        Raises VocError for an annotation that cannot be read or is missing there, LabelingError for a link.
        """
        labelled = [path for path in self.paths if self.xml(path).exists()]
        return [
            agreement.compare(
                voc.read(self._followed(self.xml(path))), voc.read(pathlib.Path(truth) / f"{path.stem}.xml")
            )
            for path in labelled
        ]

    def say(self, *lines: str) -> None:
        """Show a message below the photo, and in the header which photo it is."""
        super().say(*lines)
        state = "labelled" if self.xml(self.path).exists() else "not labelled yet"
        place, done = f"Photo {self.place + 1} of {len(self.paths)}", len(self.paths) - len(self.unlabelled)
        self._header.value = f"<b>{place}</b>: {html.escape(self.path.name)} ({state}); {done} labelled"

    def _submit_or_ask(self) -> None:
        """Submit as the button and the key do: without boxes, or without those proposed, only when asked twice."""
        if (self.proposals or not self.boxes) and self._asked != self.path:
            self._settled()
            self._asked = self.path
            left = f"{len(self.proposals)} proposed boxes are not accepted. Submit again to save without them."
            nothing = "No objects on this photo? Submit again to save it without boxes, or draw some."
            self.say(left if self.proposals else nothing)
        else:
            self.submit()

    def _readable_from(self, place: int) -> tuple[photos.Decoded, list[str]]:
        """Make photo number `place` the current one; return it, and a line on each that is left out.

        The current photo is never left out: its boxes are still on the screen.
        """
        gone = []
        while 0 <= place < len(self.paths):
            try:
                photo = photos.decode(self.paths[place])
            except photos.PhotoError as fault:
                gone.append(f"Left out: {fault}")
                if place == self.place:
                    break
                del self.paths[place]
                self.place -= place < self.place
            else:
                self.place = place
                return photo, gone
        else:
            gone.append("This was the last photo." if place > 0 else "This is the first photo.")
        raise LabelingError("\n".join(gone))

    def _recall(self) -> str:
        """Draw this photo's draft, if there is one; return a message."""
        try:
            drawn = self._drafts.read(self.path, self._view.size)
        except WorkshopError as fault:
            return f"{fault} Drawing or submitting here keeps it under another name."
        if drawn is None or drawn == self._saved:
            return self._drafts.forget(self.path)
        self._know(box.name for box in drawn)
        self._draw(drawn)
        return "These boxes are not saved yet."

    def _keep_draft(self, _) -> None:
        """Keep the boxes that are drawn and not submitted; the kernel may be killed at any time."""
        if self._saved is None or self.boxes == self._drafts.boxes.get(self.path, self._saved):
            return
        try:
            if self.boxes == self._saved:
                note = self._drafts.forget(self.path)
            else:
                drawn = dataclasses.replace(self._shown.annotation, boxes=tuple(self.boxes))
                note = self._drafts.keep(self.path, drawn)
        except WorkshopError as fault:
            note = str(fault)
        if note:
            self._also(note)

    def _leave(self, message: str) -> None:
        """Show the next unlabelled photo after this one, or from the beginning again, or stay if there is none."""
        path = self.path
        note = self._drafts.forget(path)
        self._saved = self.boxes
        left = [place for place, other in enumerate(self.paths) if other != path and not self.xml(other).exists()]
        try:
            if left:
                self.go(next((place for place in left if place > self.place), left[0]))
        except LabelingError as fault:
            self.say(str(fault))
        more = self.message if left else ""
        self.say(message, note, more, "" if self.unlabelled else "All photos are labelled.")

    def _sort(self, order: str, faults: list[str]) -> None:
        """Put the photos in order: by name as they are, or those without labels after the others and best first."""
        if order not in ("name", "informative"):
            raise LabelingError(f"There is no order '{order}'. Choose name or informative.")
        unlabelled = self.unlabelled
        if order == "informative" and unlabelled:
            labelled = [path for path in self.paths if self.xml(path).exists()]
            self.paths = labelled + self._most_informative_first(unlabelled, labelled, faults.append)

    def _annotation_of(self, path: pathlib.Path) -> Annotation | None:
        """Return a photo's annotation as written; None if it cannot be read, which is reported when it is shown."""
        try:
            return voc.read_as_written(self._followed(self.xml(path)))
        except (VocError, LabelingError):
            return None

    def _followed(self, xml: pathlib.Path) -> pathlib.Path:
        return label_files.inside(xml, self.annotations.parent)

    def _know(self, names) -> None:
        self.classes += sorted(set(names) - set(self.classes))

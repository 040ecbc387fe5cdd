"""Label the photos of a folder in the notebook, and save labelImg's XML after each.

Whatever a button of the `Labeler` does, a script does by calling the method of the same name; so a machine that can
show no widget labels the same way.
"""

import contextlib
import dataclasses
import html
import pathlib
from collections.abc import Iterable
from typing import Any

import ipywidgets
import numpy as np

from workshop_utils.core import files, untrusted
from workshop_utils.core.errors import WorkshopError
from workshop_utils.data import annotation_repair, geometry, photos, voc
from workshop_utils.data.annotation import Annotation, VocError
from workshop_utils.data.annotation_repair import PhotoInfo
from workshop_utils.data.finding_kinds import Outcome
from workshop_utils.data.names import tidy
from workshop_utils.evaluation import agreement
from workshop_utils.model import anchors
from workshop_utils.widgets import label_files
from workshop_utils.widgets.box_editor import BoxEditor, LabelingError

PROPOSE_AT = 0.15
"""The score from which the detector's boxes are proposed: one too many is deleted faster than one is drawn."""

DRAFTS = ".drafts"
"""The folder among the annotations in which lies what was drawn and not submitted. All readers pass it by: it is
hidden."""


class Labeler(BoxEditor):
    """Goes through the photos of a folder; a photo that has an XML file counts as labelled.

    It begins at the first photo that is not labelled yet. To `classes` come those that the XML files name already.
    `model` proposes boxes; without one, the COCO detector is loaded when boxes are first asked for. What was drawn on a
    photo is remembered when one moves on, also by the next Labeler of the same folders; but only `submit` makes an
    annotation of it. Raises LabelingError where there is no class, or no photo that can be read.
    """

    def __init__(
        self, photos_folder: pathlib.Path, annotations_folder: pathlib.Path, classes: Iterable[str], model: Any = None
    ):
        super().__init__(classes)
        self.annotations, self.model = pathlib.Path(annotations_folder), model
        sizes, faults = label_files.readable(pathlib.Path(photos_folder))
        self.paths = list(sizes)
        self._written = label_files.written(pathlib.Path(photos_folder), self.annotations)
        read = [(path, annotation) for path in self.paths if (annotation := self._annotation_of(path))]
        self._resized = annotation_repair.were_resized(
            [(each, PhotoInfo(path.name, sizes[path], 1, "")) for path, each in read]
        )
        self._know(tidy(box.name) for _, annotation in read for box in annotation.boxes)
        if not self.classes:
            raise LabelingError("There is no class to label with. Give at least one name.")
        self.place, self._shown, self._drafts = None, None, {}
        self._canvas.observe(self._remember, "bboxes")
        self._header = ipywidgets.HTML()
        photo_buttons = self._buttons(
            {
                "Submit": self.submit,
                "Skip": self.skip,
                "Previous photo": self.previous,
                "Next photo": self.next,
                "Propose boxes": self.propose,
            }
        )
        self.children = [self._header, self._said, self._box_buttons, self._fields, photo_buttons, self._canvas]
        self.go(self.paths.index((self.unlabelled or self.paths)[0]))
        self.say(*faults, self.message)

    def __repr__(self) -> str:
        """Return what stands in the widget's place where none can be shown."""
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
        """Return where a photo's annotation is or will be; it is found where training finds it."""
        return self._written.get(path, self.annotations / f"{path.stem}.xml")

    def submit(self) -> pathlib.Path:
        """Save this photo's boxes (or that it has none), show the next unlabelled photo; return the XML's path.

        A file that holds more than was shown, or was changed since, is kept, hidden, beside the one that replaces it.
        Raises WriteError.
        """
        self._settled()
        path, xml, boxes = self.path, self.xml(self.path), self.boxes
        verb = "Replaced" if xml.exists() else "Wrote"
        said = f"{verb} {xml.name}: {len(boxes)} {'box' if len(boxes) == 1 else 'boxes'}."
        files.make_folder(xml.parent)
        if xml.exists() and (self._unshown or label_files.content(xml) != self._content):
            said += f" As it was before, it is kept as {label_files.kept(xml).name}."
        self._annotation = dataclasses.replace(self._annotation, boxes=tuple(boxes))
        voc.write(self._annotation, xml)
        self._unshown, self._content = False, label_files.content(xml)
        self._onward(path, said)
        return xml

    def skip(self) -> None:
        """Forget what was drawn on this photo since it was saved, and show the next unlabelled one."""
        self._draw(self._annotation.boxes)
        self._onward(self.path, f"Skipped {self.path.name}.")

    def next(self) -> None:
        """Show the next photo."""
        self.go(self.place + 1)

    def previous(self) -> None:
        """Show the photo before this one."""
        self.go(self.place - 1)

    def go(self, place: int) -> None:
        """Show photo number `place`, counted from 0, with its boxes. Raises LabelingError where there is none."""
        if not 0 <= place < len(self.paths):
            raise LabelingError("This was the last photo." if place > 0 else "This is the first photo.")
        self._settled()
        photo = photos.decode(self.paths[place])
        self.place, self._image, self._shown = place, photos.shrink(photo.image), None
        self.show(photo.image)
        said = self._read(photo.orientation)
        self._draw(self._annotation.boxes)
        self._shown = self.boxes
        self.say(*said, self._recall())

    def propose(self, min_score: float = PROPOSE_AT) -> int:
        """Add the boxes that the detector finds, all under the first class; return how many. A person names them.

        A box that overlaps one already drawn is not added. Raises PretrainedError without COCO's weights.
        """
        from workshop_utils.model import detection, pretrained  # only here: TensorFlow takes seconds to load

        self._settled()
        if self.model is None:
            self.say("Loading the COCO detector ...")
            self.model = pretrained.coco_detector()
        there = voc.normalised(dataclasses.replace(self._annotation, boxes=tuple(self.boxes)))
        found = detection.proposals(self.model, self._image, min_score)
        overlap = geometry.iou(found, np.reshape(there, (-1, 4))).max(axis=1, initial=0.0)
        new = self._whole(self.classes[:1] * len(found), found)
        added = [box for box, shared in zip(new, overlap, strict=True) if shared < anchors.MATCH_IOU]
        first = len(self.boxes) + 1
        self._draw([*self.boxes, *added], first if added else self.selected)
        self.say(f"{len(added)} proposed as '{self.classes[0]}': rename, move or delete each one.")
        return len(added)

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
        """Show above the photo where one stands, and a message."""
        super().say(*lines)
        state = "labelled" if self.xml(self.path).exists() else "not labelled yet"
        place, done = f"Photo {self.place + 1} of {len(self.paths)}", len(self.paths) - len(self.unlabelled)
        self._header.value = f"<b>{place}</b>: {html.escape(self.path.name)} ({state}); {done} labelled"

    def _read(self, orientation: int) -> list[str]:
        """Take this photo's annotation, repaired as `check --fix` does it, as far as it can be shown; return what to
        say."""
        xml, self._annotation, self._unshown = self.xml(self.path), Annotation(self.path.name, *self._size), False
        said, self._content, lost = [], None, False
        try:
            if xml.exists():
                self._content = label_files.content(self._followed(xml))
            written = self._annotation if self._content is None else voc.read_as_written(xml)
        except LabelingError as fault:
            said = [f"{fault} Submitting replaces the link, not what it leads to."]
        except VocError as fault:
            said, lost = [str(fault)], True
        else:
            said, lost = self._mend(written, xml, orientation)
            self._unshown = bool(written.unread)
        if lost:
            said.append("Not all of it can be shown. Submitting replaces it, and keeps it as it is under another name.")
        elif self._unshown:
            said.append(f"{xml.name} holds more than boxes. Submitting keeps it as it is under another name.")
        self._unshown = self._unshown or lost
        self._know(box.name for box in self._annotation.boxes)
        where = {"filename": self.path.name, "folder": self.path.parent.name, "path": str(self.path.resolve())}
        self._annotation = dataclasses.replace(self._annotation, **where)
        return said

    def _mend(self, written: Annotation, xml: pathlib.Path, orientation: int) -> tuple[list[str], bool]:
        """Take what of an annotation can be shown; return what to say, and whether a box of it cannot be."""
        seen = PhotoInfo(self.path.name, self._size, orientation, pixels="")
        tidied = {box.name: tidy(box.name) for box in written.boxes}
        mended, findings = annotation_repair.repair(written, xml, self.path, seen, tidied, self._resized)
        if (mended.width, mended.height) == self._size:
            shown = [box for box in mended.boxes if not annotation_repair.repair_box(box, self._size)[1]]
            self._annotation = dataclasses.replace(mended, boxes=tuple(shown), notes=())
        lost = any(each.kind.outcome is Outcome.SET_ASIDE for each in findings)
        return [str(each) for each in findings if each.is_problem], lost

    def _recall(self) -> str:
        """Draw what was drawn on this photo and not submitted, be it by another process; return what to say."""
        self._strange_draft = False
        try:
            if self.path not in self._drafts and (draft := self._draft(self.path)).exists():
                found = voc.read(draft)
                if (found.width, found.height) != self._size:
                    raise LabelingError(f"{draft}: was drawn on another photo.")
                self._drafts[self.path] = list(found.boxes)
        except WorkshopError as fault:
            self._strange_draft = True
            return f"{fault} Drawing or submitting here keeps it under another name."
        drawn = self._drafts.get(self.path, self._shown)
        if drawn == self._shown:
            self._forget(self.path)
            return ""
        self._know(box.name for box in drawn)
        self._draw(drawn)
        return "These boxes are not saved yet."

    def _remember(self, _) -> None:
        """Keep what is drawn on this photo and not submitted, in a file too, for the kernel may be killed.

        The browser tells of a box when the mouse takes it and lets it go, not while it moves.
        """
        if self._shown is None or self.boxes == self._drafts.get(self.path, self._shown):
            return
        if self.boxes == self._shown:
            self._forget(self.path)
            return
        self._drafts[self.path] = self.boxes
        try:
            draft = self._draft(self.path)
            files.make_folder(draft.parent)
            self._keep_strange(draft)
            voc.write(dataclasses.replace(self._annotation, boxes=tuple(self.boxes)), draft)
        except WorkshopError as fault:
            self.say(str(fault))

    def _forget(self, path: pathlib.Path) -> None:
        self._drafts.pop(path, None)
        with contextlib.suppress(OSError, LabelingError):
            self._keep_strange(self._draft(path))
            self._draft(path).unlink()

    def _keep_strange(self, draft: pathlib.Path) -> None:
        """Keep a draft that could not be shown, before it is written over or removed. Raises WriteError."""
        if self._strange_draft and draft.exists():
            label_files.kept(draft)
        self._strange_draft = False

    def _draft(self, path: pathlib.Path) -> pathlib.Path:
        """Return where what is drawn on a photo lies until it is submitted. Raises LabelingError for a link."""
        return self._followed(self.annotations / DRAFTS / f"{path.stem}.xml")

    def _followed(self, path: pathlib.Path) -> pathlib.Path:
        """Return a path among the annotations. Raises LabelingError for a link that leads out of the data set."""
        if untrusted.is_outside(path, self.annotations.parent):
            raise LabelingError(f"{path}: is a link that leads out of the data set. Put the file itself there.")
        return path

    def _annotation_of(self, path: pathlib.Path) -> Annotation | None:
        """Return a photo's annotation as written; None where it cannot be read: that is said when it is shown."""
        try:
            return voc.read_as_written(self._followed(self.xml(path)))
        except (VocError, LabelingError):
            return None

    def _know(self, names) -> None:
        self.classes += sorted(set(names) - set(self.classes))

    def _onward(self, path: pathlib.Path, said: str) -> None:
        """Leave `path` behind: show the next unlabelled photo after it, or from the beginning again, or stay."""
        self._forget(path)
        self._shown = self.boxes
        left = [other for other in self.unlabelled if other != path]
        if left:
            self.go(self.paths.index(next((other for other in left if other > path), left[0])))
        self.say(said, self.message if left else "", "" if self.unlabelled else "All photos are labelled.")

"""Label the photos of a folder in the notebook, and save labelImg's XML after each.

Whatever a button of the `Labeler` does, a script does by calling the method of the same name; so a machine that can
show no widget labels the same way.
"""

import dataclasses
import html
import pathlib

import ipywidgets
import numpy as np
from tqdm.auto import tqdm

from workshop_utils import agreement, anchors, guards, photos, voc
from workshop_utils.editor import BoxEditor, LabelingError

PROPOSE_AT = 0.15
"""The score from which the detector's boxes are proposed: one too many is deleted faster than one is drawn."""


class Labeler(BoxEditor):
    """Goes through the photos of a folder; a photo that has an XML file counts as labelled.

    It begins at the first photo that is not labelled yet. To `classes` come those that the XML files name already.
    `model` proposes boxes; without one, the COCO detector is loaded when boxes are first asked for. What was drawn on a
    photo is remembered when one moves on, but only `submit` writes it. Raises LabelingError where there is no class, or
    no photo that can be read.
    """

    def __init__(self, photos_folder: pathlib.Path, annotations_folder: pathlib.Path, classes, model=None):
        super().__init__(classes)
        self.annotations, self.model = pathlib.Path(annotations_folder), model
        self.paths, faults = _readable(pathlib.Path(photos_folder))
        self._know(name for path in self.paths for name in _names(self.xml(path)))
        if not self.classes:
            raise LabelingError("There is no class to label with. Give at least one name.")
        self.place, self._drafts = None, {}
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
        """Return where a photo's annotation is or will be."""
        return self.annotations / f"{path.stem}.xml"

    def submit(self) -> pathlib.Path:
        """Save this photo's boxes (or that it has none), show the next unlabelled photo; return the XML's path."""
        self._settled()
        path, xml, boxes = self.path, self.xml(self.path), self.boxes
        verb = "Replaced" if xml.exists() else "Wrote"
        xml.parent.mkdir(parents=True, exist_ok=True)
        self._annotation = dataclasses.replace(self._annotation, boxes=tuple(boxes))
        voc.write(self._annotation, xml)
        self._onward(path, f"{verb} {xml.name}: {len(boxes)} {'box' if len(boxes) == 1 else 'boxes'}.")
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
        image = photos.read(self.paths[place])
        if self.place is not None and self.boxes != self._shown:
            self._drafts[self.path] = self.boxes
        self.place, self._image = place, photos.shrink(image)
        self.show(image)
        self._annotation, told = self._read()
        self._draw(self._annotation.boxes)
        self._shown = self.boxes
        if self.path in self._drafts:
            self._draw(self._drafts[self.path])
            told.append("These boxes are not saved yet.")
        self.say(*told)

    def propose(self, min_score: float = PROPOSE_AT) -> int:
        """Add the boxes that the detector finds, all under the first class; return how many. A person names them.

        A box that overlaps one already drawn is not added. Raises PretrainedError where the detector cannot be had.
        """
        self._settled()
        if self.model is None:
            from workshop_utils import pretrained

            self.say("Loading the COCO detector ...")
            self.model = pretrained.coco_detector()
        there = voc.normalised(dataclasses.replace(self._annotation, boxes=tuple(self.boxes)))
        found = proposals(self.model, self._image, min_score)
        overlap = anchors.iou(found, np.reshape(there, (-1, 4))).max(axis=1, initial=0.0)
        new = self._whole(self.classes[:1] * len(found), found)
        added = [box for box, shared in zip(new, overlap, strict=True) if shared < anchors.MATCH_AT]
        first = len(self.boxes) + 1
        self._draw([*self.boxes, *added], first if added else self.selected)
        self.say(f"{len(added)} proposed as '{self.classes[0]}': rename, move or delete each one.")
        return len(added)

    def scores(self, truth: pathlib.Path) -> list[agreement.Agreement]:
        """Return how well the saved boxes agree with those in a folder of true annotations, for each labelled photo.

        Raises VocError for an annotation that cannot be read or is missing there.
        """
        labelled = [path for path in self.paths if self.xml(path).exists()]
        return [
            agreement.compare(voc.read(self.xml(path)), voc.read(pathlib.Path(truth) / self.xml(path).name))
            for path in labelled
        ]

    def say(self, *lines: str) -> None:
        """Show above the photo where one stands, and a message."""
        super().say(*lines)
        state = "labelled" if self.xml(self.path).exists() else "not labelled yet"
        place, done = f"Photo {self.place + 1} of {len(self.paths)}", len(self.paths) - len(self.unlabelled)
        self._header.value = f"<b>{place}</b>: {html.escape(self.path.name)} ({state}); {done} labelled"

    def _read(self) -> tuple[voc.Annotation, list[str]]:
        """Return this photo's annotation, an empty one where there is none that can be used, and what to tell."""
        xml, (width, height) = self.xml(self.path), self._size
        annotation = voc.Annotation(self.path.name, width, height)
        told = []
        if xml.exists():
            try:
                found = voc.read(xml)
                told = [str(finding) for finding in voc.mismatches(found, xml, self.path, self._size)]
                if (found.width, found.height) == self._size:
                    annotation = found
                else:
                    told.append("Its boxes are not shown; submitting replaces it.")
            except voc.VocError as fault:
                told = [f"{fault} Submitting replaces it."]
        self._know(box.name for box in annotation.boxes)
        where = {"filename": self.path.name, "folder": self.path.parent.name, "path": str(self.path.resolve())}
        return dataclasses.replace(annotation, **where), told

    def _know(self, names) -> None:
        self.classes += sorted(set(names) - set(self.classes))

    def _onward(self, path: pathlib.Path, told: str) -> None:
        """Leave `path` behind: show the next unlabelled photo after it, or from the beginning again, or stay."""
        self._drafts.pop(path, None)
        self._shown = self.boxes
        left = [other for other in self.unlabelled if other != path]
        if left:
            self.go(self.paths.index(next((other for other in left if other > path), left[0])))
        self.say(told, self.message if left else "", "" if self.unlabelled else "All photos are labelled.")


def proposals(model, image: np.ndarray, min_score: float = PROPOSE_AT) -> np.ndarray:
    """Return where a detector sees something, whatever it calls it: boxes (n, 4), normalised, best first."""
    from workshop_utils import detector

    found = detector.detect(model, image[None], min_score, class_agnostic=True)
    return found.boxes[0][found.scores[0] > 0]


def _names(xml: pathlib.Path) -> set[str]:
    """Return the class names in an annotation; none where it cannot be read, which is told when its photo is shown."""
    try:
        return {box.name for box in voc.read(xml).boxes}
    except voc.VocError:
        return set()


def _readable(folder: pathlib.Path) -> tuple[list[pathlib.Path], list[str]]:
    """Return the photos of a folder that can be labelled, and a line on each of the others."""
    if not folder.is_dir():
        raise LabelingError(f"{folder}: there is no such folder. Put the photos to label into it.")
    good, faults = {}, []
    for path in tqdm(photos.find(folder), "look at photos", unit="photo", delay=1, leave=False):
        try:
            if path.stem in good:
                raise photos.PhotoError(f"{path}: has the same stem as {good[path.stem].name}. Rename one of them.")
            if guards.leaves(path, folder):
                raise photos.PhotoError(f"{path}: is a link that leads out of the folder. Put the photo itself there.")
            photos.read(path)
            good[path.stem] = path
        except photos.PhotoError as fault:
            faults.append(f"Left out: {fault}")
    if not good:
        raise LabelingError("\n".join([f"{folder}: holds no photo that can be read.", *faults]))
    return list(good.values()), faults

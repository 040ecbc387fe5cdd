"""Boxes that a detector proposes. Your own detector proposes names, too, and you accept or drop each box."""

import dataclasses
import html
import pathlib
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import ipywidgets
import numpy as np
from PIL import Image

from workshop_utils.data import geometry, photos, voc
from workshop_utils.data.annotation import Annotation, Box
from workshop_utils.model import anchors
from workshop_utils.plots import drawing
from workshop_utils.widgets.box_editor import BoxEditor, grid
from workshop_utils.widgets.view import LabelingError

PROPOSE_AT = 0.15
"""The least score of a proposed box. It is low: deleting a wrong box is faster than drawing a missing one."""


@dataclasses.dataclass(frozen=True)
class Proposal:
    """A box that your detector proposes.

    Attributes:
        box: The box, in the photo's pixels.
        score: Its score, 0 to 1.
        is_sure: Whether the detector is sure about it; see `curation.uncertainty.SURE`.
    """

    box: Box
    score: float
    is_sure: bool

    def __str__(self) -> str:
        return f"{self.box.name} {self.score:.0%}{'' if self.is_sure else '?'}"


class ProposingEditor(BoxEditor):
    """A box editor to which a detector proposes boxes.

    Args:
        classes: The names to label with.
        model: The folder of a run: its detector proposes boxes with names. Or a Keras model, or None for COCO's
            detector: they propose boxes of the chosen class.
    """

    def __init__(self, classes: Iterable[str], model: Any = None):
        super().__init__(classes)
        self.model, self.proposals, self._names = model, (), {}
        button = self._actions.button
        self._propose_button = button("Propose boxes", self.propose, "b")
        if isinstance(model, (str, pathlib.Path)):
            self._proposed = ipywidgets.HTML()
            self._panel.children += (
                self._proposed,
                grid(
                    button("Accept one", self.accept, "y"),
                    button("Drop one", self.drop, "x"),
                    button("Accept sure", self.accept_sure, "u"),
                    button("Accept all", self.accept_all, "l"),
                ),
            )
            self._offer(())

    def show(self, image: Image.Image, boxes: Iterable[Box] = ()) -> None:
        """Show another photo and its boxes, without proposals."""
        self._offer(())
        self._image = photos.shrink(image)
        super().show(image, boxes)

    def propose(self, min_score: float = PROPOSE_AT) -> int:
        """Propose the boxes that the detector finds, and return how many. You correct them.

        The boxes of COCO's detector are added with the chosen class. Those of your own detector are `proposals`, sure
        ones first, until you accept them. If a name is not one of the classes, a box has the chosen class. A box that
        overlaps one already drawn is not proposed.

        Raises:
            PretrainedError: If COCO's weights cannot be loaded.
            RunFolderError: If the run cannot be used.
        """
        self._settled()
        began = time.monotonic()
        first = "Looking for objects" if "tensorflow" in sys.modules else "Loading TensorFlow"
        with self._actions.working(first) as show:
            model = self._loaded(show)
            show("Looking for objects")
            found, note = self._found(model, min_score)
        seconds = f"{time.monotonic() - began:.0f} s"
        if not self._names:
            added = self._add_new([each.box for each in found])
            self.say(f"{added} proposed as '{self.current}' in {seconds}: rename, move or delete each one.")
            return added
        new = self._without_overlaps([each.box for each in found])
        self._offer([each for each in found if each.box in new])
        sure = sum(each.is_sure for each in self.proposals)
        self.say(f"{len(new)} proposed in {seconds}, {sure} of them sure. Accept or drop each.", note)
        return len(new)

    def accept(self, number: int = 1) -> None:
        """Draw proposal `number`, counted from 1. Raises LabelingError if there is no such proposal."""
        self._accept([self._proposal(number)])

    def accept_sure(self) -> None:
        """Draw the proposals that the detector is sure about. Raises LabelingError if there is none."""
        self._accept([each for each in self.proposals if each.is_sure])

    def accept_all(self) -> None:
        """Draw all proposals. Raises LabelingError if there is none."""
        self._accept(list(self.proposals))

    def drop(self, number: int = 1) -> None:
        """Forget proposal `number`, counted from 1. Raises LabelingError if there is no such proposal."""
        dropped = self._proposal(number)
        self._offer([each for each in self.proposals if each is not dropped])

    def _accept(self, accepted: list[Proposal]) -> None:
        if not accepted:
            raise LabelingError("There is no such proposal. Press Propose boxes, or accept another one.")
        self._settled()
        boxes = [*self.boxes, *(each.box for each in accepted)]
        self._offer([each for each in self.proposals if each not in accepted])
        self._draw(boxes, len(boxes))

    def _proposal(self, number: int) -> Proposal:
        if number not in range(1, len(self.proposals) + 1):
            raise LabelingError(f"There is no proposal {number}. Press Propose boxes first.")
        return self.proposals[number - 1]

    def _loaded(self, show=lambda what: None) -> Any:
        """Return the Keras model, loaded at the first call; a run's names are `_names` then."""
        from workshop_utils.model import pretrained
        from workshop_utils.training import trainer
        from workshop_utils.training.run_folder import RunFolder

        if self.model is None:
            show("Loading the COCO detector")
            self.model = pretrained.coco_detector()
        elif isinstance(self.model, (str, pathlib.Path)):
            show("Loading your detector")
            self.model, self._names = trainer.load_model(RunFolder(pathlib.Path(self.model)))
        return self.model

    def _found(self, model: Any, min_score: float) -> tuple[list[Proposal], str]:
        """Return the boxes that a detector finds, sure ones first, and a note on names that are not classes."""
        from workshop_utils.curation import measures, uncertainty
        from workshop_utils.evaluation import average_precision
        from workshop_utils.model import detection

        if not self._names:
            found = detection.proposals(model, self._image, min_score)
            return [Proposal(box, 1.0, True) for box in self._boxes([self.current] * len(found), found)], ""
        found = [part[0] for part in detection.detect(model, self._image[None], measures.LEAST_SCORE)]
        objects, margins = uncertainty.margins(*found)
        boxes, ids, scores = (part[objects] for part in found)
        names = [self._names[number] for number in ids.tolist()]
        same = average_precision.matching_names(names, self.classes)
        boxes = self._boxes([same.get(name, self.current) for name in names], boxes)
        rows = zip(boxes, scores.tolist(), (margins >= uncertainty.SURE) & (scores >= 0.5), strict=True)
        proposed = [Proposal(box, score, bool(sure)) for box, score, sure in rows if score > min_score]
        unknown = sorted(set(names[: len(proposed)]) - same.keys())
        note = f"Proposed as '{self.current}', because they are not among your classes: {', '.join(unknown)}."
        return sorted(proposed, key=lambda each: not each.is_sure), note if unknown else ""

    def _boxes(self, names: Sequence[str], corners: np.ndarray) -> Sequence[Box]:
        return voc.from_normalised(self._view.size, names, corners, "").boxes

    def _without_overlaps(self, boxes: Sequence[Box]) -> list[Box]:
        """Return the boxes that do not overlap a box already drawn."""
        size = self._view.size
        overlap = geometry.iou(normalised(boxes, size), normalised(self.boxes, size)).max(axis=1, initial=0.0)
        return [box for box, shared in zip(boxes, overlap, strict=True) if shared < anchors.MATCH_IOU]

    def _add_new(self, boxes: Sequence[Box]) -> int:
        """Draw the boxes that do not overlap a box already drawn; return how many, and select the first."""
        new = self._without_overlaps(boxes)
        self._draw([*self.boxes, *new], len(self.boxes) + 1 if new else self.selected)
        return len(new)

    def _most_informative_first(
        self, unlabelled: list[pathlib.Path], labelled: list[pathlib.Path], report: Callable[[str], None]
    ) -> list[pathlib.Path]:
        """Return the unlabelled photos, in the order of `curation.informative`."""
        from workshop_utils.curation import informative
        from workshop_utils.training.strategies import Detector

        detector = Detector(self._loaded(), self._names)
        return [each.photo for each in informative.order(detector, unlabelled, labelled, report=report)]

    def _offer(self, proposals: Iterable[Proposal]) -> None:
        """Show these proposals, the next to accept first."""
        self.proposals = tuple(proposals)
        self._canvas.proposals = [
            self._view.drawn(each.box)
            | {"text": str(each), "sure": each.is_sure, "colour": drawing.colour(each.box.name, self.classes)}
            for each in self.proposals
        ]
        if hasattr(self, "_proposed"):
            unsure = sum(not each.is_sure for each in self.proposals)
            first = f" Next: {html.escape(str(self.proposals[0]))}" if self.proposals else ""
            text = f"Proposed: {len(self.proposals) - unsure} sure, {unsure} unsure.{first}"
            self._proposed.value = f'<span role="status">{text}</span>'


def normalised(boxes: Sequence[Box], size: tuple[int, int]) -> np.ndarray:
    """Return the boxes of a photo of this size (width, height) in pixels, normalised, (n, 4)."""
    return np.reshape(voc.normalised(Annotation("", *size, boxes=tuple(boxes))), (-1, 4))

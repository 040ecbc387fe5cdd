"""Boxes on one photo: drawn with the mouse, or set in number fields by who uses none.

A canvas hears of the mouse only; so buttons and fields, which every browser reaches with Tab, do all that the mouse
does.
"""

import dataclasses
import html
import io
import math
from collections.abc import Iterable

import ipywidgets
import numpy as np
from IPython.display import Markdown
from PIL import Image

from workshop_utils.core.errors import WorkshopError
from workshop_utils.data import voc
from workshop_utils.plots import drawing
from workshop_utils.widgets.canvas import KEYS, Canvas, in_order

VIEW = (800, 600)
"""The size at which photos are shown, in pixels: a notebook server drops messages of several megabytes."""

LEAST_SIDE = 3
"""What the mouse draws thinner than this, in pixels of the view, was a click and not a drag; it is left out."""

EDGES = ("xmin", "ymin", "xmax", "ymax")


class LabelingError(WorkshopError, ValueError):
    """Labelling cannot go on as asked; the message says what to do."""


class BoxEditor(ipywidgets.VBox):
    """One photo and its boxes, one of which may be selected: the fields show that one, and change it.

    Boxes are numbered from 1, as the fields count them and `table` lists them.
    """

    def __init__(self, classes: Iterable[str]):
        super().__init__()
        self.add_class(KEYS)
        self.classes, self.message = list(classes), ""
        self._following, self._unfit = False, ""
        self._canvas = in_order(Canvas(hide_buttons=True))
        self._said = ipywidgets.HTML(layout=ipywidgets.Layout(min_height="3em"))
        self._count = ipywidgets.HTML(layout=ipywidgets.Layout(width="7em"))
        self._class = ipywidgets.Dropdown(description="class", **_style("16em"))
        self._edges = {edge: ipywidgets.IntText(description=edge, **_style("8.5em")) for edge in EDGES}
        self._box_buttons = self._buttons(
            {
                "Add box": self.add,
                "Delete box": self.delete,
                "Previous box": self.previous_box,
                "Next box": self.next_box,
            }
        )
        self._fields = _row([self._count, self._class, *self._edges.values()])
        self._canvas.observe(self._follow, ["bboxes", "selected_index", "label"])
        self._class.observe(self._chosen, "value")
        for field in self._edges.values():
            field.observe(self._typed, "value")
        self.children = [self._said, self._box_buttons, self._fields, self._canvas]

    @property
    def boxes(self) -> list[voc.Box]:
        """The boxes on this photo, in its pixels, rounded and cut at its edges.

        Set them to draw; raises LabelingError for a class that is not among `classes`, and for a box without area or
        outside of the photo.
        """
        return [box for _, box in self._drawn()]

    @boxes.setter
    def boxes(self, boxes: Iterable[voc.Box]) -> None:
        self._draw([self._fit(box) for box in boxes])

    @property
    def selected(self) -> int | None:
        """The number of the selected box, counted from 1; None where none is."""
        places = [place for place, _ in self._drawn()]
        return places.index(self._canvas.selected_index) + 1 if self._canvas.selected_index in places else None

    @property
    def table(self) -> Markdown:
        """The boxes as a table, for where no widget can be shown."""
        rows = [
            {"box": number, "class": box.name} | {edge: int(getattr(box, edge)) for edge in EDGES}
            for number, box in enumerate(self.boxes, start=1)
        ]
        return drawing.table(rows) if rows else Markdown("There is no box on this photo yet.")

    def show(self, image: Image.Image) -> None:
        """Show another photo, without boxes."""
        self._size = image.size
        scale = min(VIEW[0] / image.width, VIEW[1] / image.height)
        self._view = tuple(max(1, round(side * scale)) for side in image.size)
        encoded = io.BytesIO()
        image.resize(self._view).save(encoded, "JPEG", quality=90)
        self._draw([])
        self._canvas.image_bytes = encoded.getvalue()

    def add(self, name: str | None = None, edges: tuple[float, ...] | None = None) -> None:
        """Add a box and select it.

        Args:
            name: Its class; without it, the class that is chosen.
            edges: xmin, ymin, xmax, ymax in the photo's pixels; without them the box comes to the photo's middle.

        Raises:
            LabelingError: As `boxes` does.
        """
        self._settled()
        width, height = self._size
        middle = (width * 3 // 8, height * 3 // 8, max(1, width * 5 // 8), max(1, height * 5 // 8))
        box = self._fit(voc.Box(self._class.value if name is None else name, *(middle if edges is None else edges)))
        self._draw([*self.boxes, box], selected=len(self.boxes) + 1)

    def change(self, number: int, name: str | None = None, edges: tuple[float, ...] | None = None) -> None:
        """Give box `number` another class, other edges or both. Raises LabelingError as `boxes` does."""
        boxes = self.boxes
        old = boxes[self._place(number)]
        new = {"name": old.name if name is None else name}
        if edges is not None:
            new |= dict(zip(EDGES, edges, strict=True))
        boxes[number - 1] = self._fit(dataclasses.replace(old, **new))
        self._draw(boxes, self.selected)

    def delete(self, number: int | None = None) -> None:
        """Take box `number` away, without a number the selected one. Raises LabelingError where there is none."""
        boxes, selected = self.boxes, self.selected
        number = selected if number is None else number
        if number is None:
            raise LabelingError("No box is selected. Choose one with Next box, or with the mouse.")
        del boxes[self._place(number)]
        if selected is not None:
            selected = selected - 1 if number < selected else min(selected, len(boxes))
        self._draw(boxes, selected or None)

    def select(self, number: int | None) -> None:
        """Select box `number`, or none. Raises LabelingError where there is no such box."""
        self._settled()
        self._draw(self.boxes, None if number is None else self._place(number) + 1)

    def next_box(self) -> None:
        """Select the box after the selected one; after the last comes the first."""
        self._step(1)

    def previous_box(self) -> None:
        """Select the box before the selected one; before the first comes the last."""
        self._step(-1)

    def say(self, *lines: str) -> None:
        """Show a message above the photo."""
        self.message = "\n".join(line for line in lines if line)
        text = html.escape(self.message).replace("\n", "<br>")
        self._said.value = f'<div role="status">{text}</div>'

    def _draw(self, boxes, selected: int | None = None) -> None:
        if self._canvas.classes != self.classes:
            self._canvas.colors = [drawing.colour(name, self.classes) for name in self.classes]
            self._canvas.classes = list(self.classes)
        across, down = self._view[0] / self._size[0], self._view[1] / self._size[1]
        with self._canvas.hold_sync():
            self._canvas.bboxes = [
                {
                    "x": box.xmin * across,
                    "y": box.ymin * down,
                    "width": (box.xmax - box.xmin) * across,
                    "height": (box.ymax - box.ymin) * down,
                    "label": box.name,
                    "difficult": box.difficult,
                    "pose": box.pose,
                }
                for box in boxes
            ]
            self._canvas.selected_index = selected - 1 if selected else -1
        self._follow()

    def _drawn(self) -> list[tuple[int, voc.Box]]:
        """Return each box and its place on the canvas, where also clicks lie that drew none."""
        kept = []
        for place, drawn in enumerate(self._canvas.bboxes):
            left, top, across, down = (drawn[key] for key in ("x", "y", "width", "height"))
            corners = np.divide((top, left, top + down, left + across), np.tile(self._view[::-1], 2))
            ymin, xmin, ymax, xmax = np.clip(corners, 0.0, 1.0).tolist()
            by_mouse = "pose" not in drawn
            if not (by_mouse and min(across, down) < LEAST_SIDE) and ymin < ymax and xmin < xmax:
                (box,) = self._whole([drawn["label"]], [(ymin, xmin, ymax, xmax)])
                rest = {"difficult": drawn.get("difficult", 0), "pose": drawn.get("pose", box.pose)}
                kept.append((place, dataclasses.replace(box, **rest)))
        return kept

    def _whole(self, names, boxes) -> tuple[voc.Box, ...]:
        return voc.from_normalised(self._size, names, boxes, "").boxes

    def _fit(self, box: voc.Box) -> voc.Box:
        """Return the box if it can be drawn on this photo. Raises LabelingError."""
        if box.name not in self.classes:
            raise LabelingError(f"There is no class '{box.name}'. Choose one of: {', '.join(self.classes)}.")
        for low, high, side in (("xmin", "xmax", self._size[0]), ("ymin", "ymax", self._size[1])):
            first, last = getattr(box, low), getattr(box, high)
            if not (math.isfinite(first) and math.isfinite(last) and first < last):
                raise LabelingError(f"{low} {first:g} is not less than {high} {last:g}. Change one of them.")
            if first >= side or last <= 0:
                raise LabelingError(f"From {low} {first:g} to {high} {last:g} is outside of the photo's {side} pixels.")
        return box

    def _place(self, number: int) -> int:
        if number not in range(1, len(self.boxes) + 1):
            raise LabelingError(f"There is no box {number}; this photo has {len(self.boxes)}.")
        return number - 1

    def _step(self, by: int) -> None:
        count, selected = len(self.boxes), self.selected
        if not count:
            raise LabelingError("There is no box on this photo yet. Add one.")
        before_first = 0 if by > 0 else 1
        self.select(((selected or before_first) - 1 + by) % count + 1)

    def _follow(self, _=None) -> None:
        """Let the fields show what is selected on the canvas."""
        boxes, number = self.boxes, self.selected
        box = boxes[number - 1] if number else None
        if self._unfit and self.message == self._unfit:
            self.say()
        self._following, self._unfit = True, ""
        self._class.options = self.classes
        chosen = box.name if box else self._canvas.label
        self._class.value = chosen if chosen in self.classes else self.classes[0]
        for edge, field in self._edges.items():
            field.disabled = box is None
            field.value = int(getattr(box, edge)) if box else 0
        self._following = False
        plural = "box" if len(boxes) == 1 else "boxes"
        words = f"Box {number} of {len(boxes)}" if number else f"{len(boxes) or 'No'} {plural}"
        self._count.value = f'<b role="status">{words}</b>'

    def _chosen(self, change) -> None:
        if not self._following:
            self._canvas.label, number = change["new"], self.selected
            if number:
                self.change(number, name=change["new"])

    def _typed(self, change) -> None:
        """Give the selected box the edges that stand in the fields, once they make a box."""
        if self._following:
            return
        if self.selected is None:  # then the fields are disabled: a browser sent this behind a click that left the box
            late = f"{change['owner'].description} {change['new']}"
            self.say(self.message, f"{late} came too late for its box, and changed nothing: look at that box again.")
            self._follow()
            return
        try:
            self.change(self.selected, edges=tuple(field.value for field in self._edges.values()))
        except LabelingError as fault:
            self._unfit = str(fault)
            self.say(self._unfit)

    def _settled(self) -> None:
        """Raise LabelingError while the fields hold edges that make no box: they would be lost."""
        if self._unfit:
            raise LabelingError(self._unfit)

    def _buttons(self, actions: dict) -> ipywidgets.HBox:
        buttons = [
            ipywidgets.Button(description=name, layout=ipywidgets.Layout(width="auto", min_width="8em"))
            for name in actions
        ]
        for button, action in zip(buttons, actions.values(), strict=True):
            button.on_click(self._told(action))
        return _row(buttons)

    def _told(self, action):
        """Return `action` for a button, its faults shown as a message: nobody sees a button's traceback."""

        def act(*_) -> None:
            try:
                action()
            except (WorkshopError, OSError, RuntimeError) as fault:
                self.say(str(fault))

        return act


def _style(width: str) -> dict:
    return {"layout": ipywidgets.Layout(width=width), "style": {"description_width": "3em"}}


def _row(children) -> ipywidgets.HBox:
    children = [in_order(child) for child in children]
    return ipywidgets.HBox(children, layout=ipywidgets.Layout(flex_flow="row wrap", align_items="center"))

"""Draw boxes on one photo with the mouse, or set them with keys and number fields.

Every browser reaches buttons and fields with the Tab key, so they do everything that the mouse does.
"""

import dataclasses
import html
import io
from collections.abc import Iterable

import ipywidgets
from IPython.display import Markdown
from PIL import Image

from workshop_utils.data.annotation import Box
from workshop_utils.plots import drawing
from workshop_utils.widgets.actions import DROPPED, Actions
from workshop_utils.widgets.canvas import EDITOR, Canvas, in_order
from workshop_utils.widgets.view import EDGES, LabelingError, View

LATE = "What you did while the next photo was loading was ignored. Do it again."

HINT = "Shift draws on top of a box. A click on a box's name gives it the chosen class."


class BoxEditor(ipywidgets.VBox):
    """One photo and its boxes, one of which may be selected: the number fields show and change that one.

    Boxes are numbered from 1, as the fields count them and `table` lists them.
    """

    def __init__(self, classes: Iterable[str]):
        super().__init__()
        self.add_class(EDITOR)
        self.classes, self.message = list(classes), ""
        self._following, self._unfit = False, ""
        self._history: list[list[Box]] = []
        self._latest: list[Box] = []
        self._canvas = in_order(Canvas())
        self._actions = Actions(self.say, self._show_work, lambda: self._also(DROPPED))
        self._message = ipywidgets.HTML()
        self._count = ipywidgets.HTML()
        self._edges = {edge: in_order(_number_field(edge)) for edge in EDGES}
        self._actions.controls += self._edges.values()
        button = self._actions.button
        self._box_buttons = grid(
            button("Add box", self.add, "a"),
            button("Delete box", self.delete, "Delete", "Backspace"),
            button("Previous box", self.previous_box, "p"),
            button("Next box", self.next_box, "n"),
            button("Rename box", self.rename, "r"),
            button("Undo", self.undo, "z"),
            button("Clear all", self.clear),
        )
        self._actions.keys["Escape"] = lambda: self.select(None)
        self._panel = ipywidgets.VBox(layout=ipywidgets.Layout(width="310px", margin="0 0 0 12px"))
        self._panel.children = [self._box_buttons, self._count, grid(*self._edges.values())]
        self._canvas.handlers = {
            "boxes": self._take_boxes,
            "class": lambda sent: self._canvas.take(current=sent["name"]),
            "key": lambda sent: self._actions.run(self._actions.keys[sent["key"]]),
            "late": lambda _: self._also(LATE),
        }
        self._canvas.shortcuts = list(self._actions.keys)
        self._canvas.observe(self._follow, ["bboxes", "selected_index"])
        for field in self._edges.values():
            field.observe(self._typed, "value")
        wrapping = ipywidgets.Layout(flex_flow="row wrap")
        self.children = [ipywidgets.HBox([self._canvas, self._panel], layout=wrapping), self._message]

    @property
    def boxes(self) -> list[Box]:
        """The boxes on this photo, in its pixels, rounded and cut at its edges.

        Set them to draw. Raises LabelingError for a class that is not in `classes`, and for a box without area or
        outside the photo.
        """
        return [box for drawn in self._canvas.bboxes if (box := self._view.box(drawn))]

    @boxes.setter
    def boxes(self, boxes: Iterable[Box]) -> None:
        self._draw([self._view.check(box, self.classes) for box in boxes])

    @property
    def current(self) -> str:
        """The chosen class: boxes that you draw, add, rename or propose get it."""
        return self._canvas.current

    @current.setter
    def current(self, name: str) -> None:
        if name not in self.classes:
            raise LabelingError(f"There is no class '{name}'. Choose one of: {', '.join(self.classes)}.")
        self._canvas.current = name

    @property
    def selected(self) -> int | None:
        """The number of the selected box, counted from 1; None if no box is selected."""
        return self._canvas.selected_index + 1 or None

    @property
    def table(self) -> Markdown:
        """The boxes as a table, for notebooks that cannot show widgets."""
        rows = [
            {"box": number, "class": box.name} | {edge: int(getattr(box, edge)) for edge in EDGES}
            for number, box in enumerate(self.boxes, start=1)
        ]
        return drawing.table(rows) if rows else Markdown("There is no box on this photo yet.")

    def show(self, image: Image.Image, boxes: Iterable[Box] = ()) -> None:
        """Show another photo and its boxes. `undo` does not go back beyond them."""
        self._view = View(image.size)
        encoded = io.BytesIO()
        image.resize(self._view.shown).save(encoded, "JPEG", quality=90)
        with self._canvas.hold_sync():
            self._canvas.photo += 1
            self._canvas.image_bytes = encoded.getvalue()
            self._draw(list(boxes))
        self._history, self._latest = [], self.boxes
        self._actions.drop_earlier()

    def add(self, name: str | None = None, edges: tuple[float, float, float, float] | None = None) -> None:
        """Add a box and select it.

        Args:
            name: Its class; by default the chosen one.
            edges: xmin, ymin, xmax, ymax in the photo's pixels; by default the box is put in the photo's middle.

        Raises:
            LabelingError: As `boxes` does.
        """
        self._settled()
        box = Box(self.current if name is None else name, *(self._view.middle() if edges is None else edges))
        self._draw([*self.boxes, self._view.check(box, self.classes)], selected=len(self.boxes) + 1)

    def change(self, number: int, name: str | None = None, edges: tuple[float, ...] | None = None) -> None:
        """Give box `number` another class, other edges or both. Raises LabelingError as `boxes` does."""
        boxes = self.boxes
        box = boxes[self._place(number)]
        if name is not None:
            box = dataclasses.replace(box, name=name)
        if edges is not None:
            box = dataclasses.replace(box, truncated=0, **dict(zip(EDGES, edges, strict=True)))
        boxes[number - 1] = self._view.check(box, self.classes)
        self._draw(boxes, self.selected)

    def rename(self) -> None:
        """Give the selected box the chosen class. Raises LabelingError if no box is selected."""
        self._settled()
        self.change(self._chosen(None), name=self.current)

    def delete(self, number: int | None = None) -> None:
        """Delete box `number`, by default the selected one. Raises LabelingError if there is no such box."""
        boxes, selected, number = self.boxes, self.selected, self._chosen(number)
        del boxes[self._place(number)]
        if selected is not None:
            selected = selected - 1 if number < selected else min(selected, len(boxes))
        self._draw(boxes, selected or None)

    def clear(self) -> None:
        """Delete all boxes of this photo."""
        self._draw([])

    def undo(self) -> None:
        """Take back the last change of the boxes. Raises LabelingError if nothing has changed."""
        if not self._history:
            raise LabelingError("Nothing to undo on this photo.")
        self._latest = self._history.pop()
        self._draw(self._latest)

    def select(self, number: int | None) -> None:
        """Select box `number`, or none. Raises LabelingError if there is no such box."""
        self._settled()
        self._canvas.selected_index = -1 if number is None else self._place(number)

    def next_box(self) -> None:
        """Select the box after the selected one; after the last comes the first."""
        self._step(1)

    def previous_box(self) -> None:
        """Select the box before the selected one; before the first comes the last."""
        self._step(-1)

    def say(self, *lines: str) -> None:
        """Show a message below the photo."""
        self.message = "\n".join(line for line in lines if line)
        text = html.escape(self.message or HINT).replace("\n", "<br>")
        self._message.value = f'<div role="status">{text}</div>'

    def _also(self, line: str) -> None:
        """Show a line below the message, once."""
        if line not in self.message.split("\n"):
            self.say(self.message, line)

    def _show_work(self, what: str) -> None:
        before = f"{self._canvas.work} ..."
        self._canvas.work = what
        if what:
            self.say(f"{what} ...")
        elif self.message == before:
            self.say()
        self._follow()

    def _draw(self, boxes: list[Box], selected: int | None = None) -> None:
        with self._canvas.hold_sync():
            if self._canvas.classes != self.classes:
                self._canvas.colors = [drawing.colour(name, self.classes) for name in self.classes]
                self._canvas.classes = list(self.classes)
            if self.current not in self.classes:
                self._canvas.current = self.classes[0]
            self._canvas.bboxes = [self._view.drawn(box) for box in boxes]
            self._canvas.selected_index = selected - 1 if selected else -1
        self._follow()

    def _take_boxes(self, sent: dict) -> None:
        """Take over what was drawn with the mouse, without the clicks that drew no box."""
        drawn, selected = sent["boxes"], sent["selected"]
        kept = [place for place, each in enumerate(drawn) if self._view.box(each)]
        self._canvas.take(bboxes=drawn, selected_index=selected)
        if len(kept) < len(drawn):
            self._draw(self.boxes, kept.index(selected) + 1 if selected in kept else None)

    def _chosen(self, number: int | None) -> int:
        number = self.selected if number is None else number
        if number is None:
            raise LabelingError("No box is selected. Click on one, or press n for the next one.")
        return number

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
        """Show the selected box in the fields, and remember the boxes before a change."""
        boxes, number = self.boxes, self.selected
        if boxes != self._latest:
            self._history.append(self._latest)
            self._latest = boxes
        box = boxes[number - 1] if number and number in range(1, len(boxes) + 1) else None
        if self._unfit and self.message == self._unfit:
            self.say()
        self._following, self._unfit = True, ""
        for edge, field in self._edges.items():
            field.value = int(getattr(box, edge)) if box else 0
            field.disabled = box is None or self._canvas.work != ""
        self._following = False
        plural = "box" if len(boxes) == 1 else "boxes"
        words = f"Box {number} of {len(boxes)}" if box else f"{len(boxes) or 'No'} {plural}"
        self._count.value = f'<b role="status">{words}</b>'

    def _typed(self, change) -> None:
        """Give the selected box the edges in the fields, if they make a box."""
        if self._following:
            return
        if self.selected is None:  # the fields are disabled: a browser sent this after a click that left the box
            late = f"{change['owner'].description} {change['new']}"
            self._also(f"{late} came too late for its box and changed nothing: check that box again.")
            self._follow()
            return
        try:
            self.change(self.selected, edges=tuple(field.value for field in self._edges.values()))
        except LabelingError as error:
            self._unfit = str(error)
            self.say(self._unfit)

    def _settled(self) -> None:
        """Raise LabelingError while the edges in the fields are not a valid box: they would be lost."""
        if self._unfit:
            raise LabelingError(self._unfit)


def _number_field(name: str) -> ipywidgets.IntText:
    layout = ipywidgets.Layout(width="auto")
    return ipywidgets.IntText(description=name, layout=layout, style={"description_width": "3em"})


def grid(*children: ipywidgets.Widget) -> ipywidgets.GridBox:
    """Return widgets in two columns."""
    layout = ipywidgets.Layout(grid_template_columns="repeat(2, minmax(0, 1fr))", grid_gap="0 4px", width="100%")
    return ipywidgets.GridBox(children, layout=layout)

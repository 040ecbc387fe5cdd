"""The photo with its boxes, on which you draw with the mouse; and the keys of the editor around it.

jupyter-bbox-widget draws the boxes. canvas.js adds what labelling needs.
"""

import pathlib
import re
from collections.abc import Callable
from typing import Any, TypeVar

import ipywidgets
from ipywidgets.widgets import widget as traits  # has the traits of traitlets that every ipywidgets needs
from jupyter_bbox_widget import BBoxWidget

EDITOR = "workshop-editor"
"""The CSS class of the widget around the canvas. The canvas receives the keys that are pressed anywhere in it."""

ALT = "the photo to label"
"""What screen readers say for the canvas."""

_HERE = pathlib.Path(__file__).parent
_LIBRARY = re.sub(r"export\s*\{\s*(\w+) as default,?\s*\};?", r"const library = \1;", BBoxWidget._esm)

Widget = TypeVar("Widget", bound=ipywidgets.Widget)


class Canvas(BBoxWidget):
    """A photo, its boxes in pixels of the view, and the classes to choose from.

    Attributes:
        current: The class that is chosen: new boxes get it.
        photo: A number that changes with each photo. The browser repeats it in its messages.
        shortcuts: The keys that the browser reports, as JavaScript names them.
        proposals: Boxes that are only proposed: as in `bboxes`, with the text and the colour of each, and whether it is
            sure. The first is the next to accept.
        work: What the kernel does; while this is not empty, the browser ignores mouse and keys.
        handlers: A function for each kind of message from the browser: "boxes", "class", "key"; and "late", for
            messages about a photo that is no longer shown.
    """

    _esm = _LIBRARY + (_HERE / "canvas.js").read_text(encoding="utf-8")
    _css = BBoxWidget._css + (_HERE / "canvas.css").read_text(encoding="utf-8")

    # Without echoes: when one arrives, the next drag may have begun, and the echo would undo it.
    bboxes = traits.List().tag(sync=True, echo_update=False)
    selected_index = traits.Int(-1).tag(sync=True, echo_update=False)
    current = traits.Unicode("").tag(sync=True, echo_update=False)
    photo = traits.Int(0).tag(sync=True)
    shortcuts = traits.List(traits.Unicode()).tag(sync=True)
    work = traits.Unicode("").tag(sync=True)
    proposals = traits.List().tag(sync=True)
    alt = traits.Unicode(ALT).tag(sync=True)
    editor = traits.Unicode(EDITOR).tag(sync=True)

    def __init__(self, **traits: Any):
        super().__init__(hide_buttons=True, **traits)
        self.handlers: dict[str, Callable[[dict], None]] = {}

    def receive(self, message: dict) -> None:
        """Handle a message from the browser, if it is about the photo that is shown."""
        kind = message.get("kind", "")
        late = kind in ("boxes", "key") and message["photo"] != self.photo
        self.handlers["late" if late else kind](message)

    def take(self, **traits: Any) -> None:
        """Take over what the browser shows already, without sending it back."""
        self.set_state(traits)

    def _handle_custom_msg(self, content, buffers) -> None:
        self.receive(content)


def in_order(widget: Widget) -> Widget:
    """Make the main thread, in which cells run, handle a widget's messages; return the widget.

    From ipykernel 7.4 on, each widget may have its own thread: a click on Submit could overtake a number that was typed
    before it.
    """
    comm: Any = widget.comm
    if comm is not None:
        comm._reply_subshell_for = lambda data, default: None
    return widget

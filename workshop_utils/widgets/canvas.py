"""The canvas on which boxes are drawn with the mouse, and the order in which a browser's messages are heard.

The canvas is jupyter-bbox-widget's. It cannot make a box by key, and Colab keeps keys from it.
"""

from typing import TypeVar

import ipywidgets
from jupyter_bbox_widget import BBoxWidget

KEYS = "workshop-keys"
"""Marks the widget within which keys are its own: JupyterLab would take an x typed on a button for "cut this cell"."""

ALT = "the photo to label"
"""What is read out in place of the canvas."""

Widget = TypeVar("Widget", bound=ipywidgets.Widget)


class Canvas(BBoxWidget):
    """The photo on which the mouse draws. Tab passes it by, for once there it would not let go on."""

    _esm = (
        BBoxWidget._esm.replace('"tabindex", "0"', '"tabindex", "-1"').replace("annotate me", ALT)
        + f"""
document.addEventListener("focusin", ({{ target }}) => {{
  if (target.closest?.(".{KEYS}")) target.setAttribute("data-lm-suppress-shortcuts", "true");
}});
"""
    )


def in_order(widget: Widget) -> Widget:
    """Return the widget; what a browser says to it is heard in the main thread, where cells run.

    From ipykernel 7.4 on it might be another thread, one for each widget: a click on Submit could overtake the number
    that was typed before it.
    """
    if widget.comm is not None:
        widget.comm._reply_subshell_for = lambda data, default: None
    return widget

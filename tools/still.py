"""Show on a page, which has no kernel, what a notebook's widgets showed last: as HTML in which nothing can be moved.

nbclient stores the state of all widgets in an executed notebook.
"""

import base64
import html
import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from workshop_utils.plots import drawing

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
REFERENCE = "IPY_MODEL_"
"""How the state of a widget names another one."""

PHOTO = "image_bytes"
"""Where the labeler keeps its photo, an encoded image."""

NOTE = "What the widget showed last. Run the notebook to use it."
ROW, COLUMN, GRID = (
    "display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: flex-start",
    "display: flex; flex-direction: column; gap: 4px",
    "display: grid; grid-template-columns: 1fr 1fr; gap: 4px",
)
BOXES = {"HBoxModel": ROW, "VBoxModel": COLUMN, "BoxModel": ROW, "GridBoxModel": GRID}

Models = dict[str, dict]
"""The state of each widget, by its id."""


def put_pictures(notebook: dict) -> None:
    """Replace each widget of an executed notebook by what it showed last, and remove the stored states.

    A widget without a stored state stays as it is.
    """
    models = notebook["metadata"].pop("widgets", {}).get(STATE, {}).get("state", {})
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            model = data.get(VIEW, {}).get("model_id")
            if model in models:
                del data[VIEW]
                data["text/html"] = f"<figure>{as_html(models, model)}<figcaption><i>{NOTE}</i></figcaption></figure>"


def as_html(models: Models, model: str) -> str:
    """Return a widget, with those in it, as HTML. A widget of an unknown kind is left out."""
    name, state = models[model]["model_name"], models[model]["state"]
    if name in BOXES:
        parts = (as_html(models, each.removeprefix(REFERENCE)) for each in state.get("children", []))
        return f'<div style="{BOXES[name]}">{"".join(parts)}</div>'
    if PHOTO in (buffers := _buffers(models[model])):
        return _photo(state, buffers[PHOTO])
    return DRAWN[name](state) if name in DRAWN else ""


def _slider(state: dict) -> str:
    least, most, value = (state.get(key, 0) for key in ("min", "max", "value"))
    shown = f"{value:.2f}" if isinstance(value, float) else value
    slider = f'<input type="range" min="{least}" max="{most}" step="any" value="{value}" disabled>'
    return _labelled(state, f"{slider} {shown}")


def _choice(state: dict) -> str:
    labels, index = state.get("_options_labels", []), state.get("index")
    chosen = "" if index is None else html.escape(labels[index])
    return _labelled(state, f"<select disabled><option>{chosen}</option></select>")


def _number(state: dict) -> str:
    return _labelled(state, f'<input type="number" value="{state.get("value", 0)}" style="width: 5em" disabled>')


def _button(state: dict) -> str:
    return f"<button disabled>{html.escape(state.get('description', ''))}</button>"


def _text(state: dict) -> str:
    return f"<span>{html.escape(state.get('value', ''))}</span>"


DRAWN: dict[str, Callable[[dict], str]] = {
    "HTMLModel": lambda state: f"<div>{state.get('value', '')}</div>",
    "LabelModel": _text,
    "IntSliderModel": _slider,
    "FloatSliderModel": _slider,
    "DropdownModel": _choice,
    "IntTextModel": _number,
    "ButtonModel": _button,
    "FileUploadModel": _button,
}
"""How each kind of widget is drawn, by the name of its model."""


def _labelled(state: dict, control: str) -> str:
    return f"<label>{html.escape(state.get('description', ''))} {control}</label>"


def _buffers(model: dict) -> dict[str, bytes]:
    return {each["path"][-1]: base64.b64decode(each["data"]) for each in model.get("buffers", [])}


def _photo(state: dict, encoded: bytes) -> str:
    """Return the labeler's photo with its boxes, which are in the photo's pixels."""
    image = Image.open(io.BytesIO(encoded)).convert("RGB")
    colours = dict(zip(state.get("classes", []), state.get("colors", [])))
    boxes = state.get("bboxes", [])
    edges = [(each["y"], each["x"], each["y"] + each["height"], each["x"] + each["width"]) for each in boxes]
    names = [each["label"] for each in boxes]
    corners = np.reshape(edges, (-1, 4)) / np.tile(image.size[::-1], 2)
    picture = drawing.annotated(image, corners, names, [colours[name] for name in names])
    picture.thumbnail((480, 360))
    alt = f"{state.get('alt', 'A photo')}, with {len(boxes)} boxes: {', '.join(names) or 'none'}"
    return f"<div>{drawing.picture(picture, alt=alt)._repr_html_()}</div>"

"""Editing boxes on one photo, from code and by messages from the browser."""

import json

import ipywidgets
import pytest
from jupyter_client.manager import start_new_kernel
from PIL import Image

from workshop_utils.data.voc import Box
from workshop_utils.plots import drawing
from workshop_utils.widgets import box_editor
from workshop_utils.widgets.view import EDGES, LabelingError


@pytest.fixture
def labels() -> box_editor.BoxEditor:
    """An editor that shows a photo of 400x300 pixels, at twice its size."""
    labels = box_editor.BoxEditor(["peach", "vanilla"])
    labels.show(Image.new("RGB", (400, 300), "grey"))
    return labels


def control(labels, description: str):
    """Return the button or the field that you find under this name."""
    return next(each for each in controls(labels) if each.description == description)


def controls(widget) -> list:
    """Return all buttons and fields in a widget."""
    children = getattr(widget, "children", ())
    return (
        [each for child in children for each in controls(child)]
        if children
        else [widget] * hasattr(widget, "description")
    )


def press(labels, *descriptions: str) -> None:
    """Press buttons as the browser does."""
    for description in descriptions:
        control(labels, description).click()


def fields(labels) -> list:
    """Return what the four number fields show."""
    return [control(labels, name).value for name in EDGES]


def fill(labels, **values) -> None:
    """Change fields one after another, as with Tab."""
    for name, value in values.items():
        control(labels, name).value = value


def send(labels, kind: str, **content) -> None:
    """Send a message as the browser does, about the photo that is shown."""
    labels._canvas.receive({"kind": kind, "photo": labels._canvas.photo, **content})


def drag(labels, x: int, y: int, across: int, down: int) -> None:
    """Draw a box with the mouse, in pixels of the view: the browser sends all boxes when you release the button."""
    drawn = {"x": x, "y": y, "width": across, "height": down, "label": labels.current}
    boxes = [*map(dict, labels._canvas.bboxes), drawn]
    send(labels, "boxes", boxes=boxes, selected=len(boxes) - 1)


def click(labels, number: int) -> None:
    """Click on a box: the browser sends that it is selected."""
    send(labels, "boxes", boxes=[*map(dict, labels._canvas.bboxes)], selected=number - 1)


def test_the_fields_show_the_box_that_the_mouse_selects_and_follow_its_changes(labels):
    labels.boxes = [Box("peach", 10, 20, 110, 220), Box("vanilla", 200, 40, 260, 299)]
    assert labels.selected is None and control(labels, "xmin").disabled
    click(labels, 2)
    assert labels.selected == 2 and fields(labels) == [200, 40, 260, 299]
    moved = [*map(dict, labels._canvas.bboxes)]
    moved[1] |= {"x": 300, "y": 60}
    send(labels, "boxes", boxes=moved, selected=1)
    assert fields(labels) == [150, 30, 210, 289]


def test_a_changed_field_moves_the_box_on_the_canvas_and_no_other(labels):
    labels.boxes = [Box("peach", 10, 20, 110, 220), Box("vanilla", 200, 40, 260, 300)]
    labels.select(2)
    fill(labels, xmin=180)
    assert labels._canvas.bboxes[1]["x"] == 360 and labels._canvas.bboxes[1]["width"] == 160
    assert labels.boxes == [Box("peach", 10, 20, 110, 220), Box("vanilla", 180, 40, 260, 300, truncated=1)]
    assert labels._canvas.selected_index == 1


def test_a_click_outside_all_boxes_deselects_and_draws_nothing(labels):
    labels.boxes = [Box("peach", 10, 20, 110, 220)]
    labels.select(1)
    drag(labels, 300, 300, 0, 0)
    assert labels.boxes == [Box("peach", 10, 20, 110, 220)] and labels.selected is None
    assert len(labels._canvas.bboxes) == 1 and control(labels, "xmin").disabled
    drag(labels, 20, 40, 200, 100)
    assert labels.selected == 2 and fields(labels) == [10, 20, 110, 70]


def test_fields_stop_at_the_edges_of_each_photo(labels):
    for width, height in ((1999, 1501), (400, 300)):
        labels.show(Image.new("RGB", (width, height)))
        labels.boxes = [Box("peach", 10, 20, 110, 220)]
        labels.select(1)
        fill(labels, xmax=5000, ymax=5000, xmin=-7)
        assert labels.boxes == [Box("peach", 1, 20, width, height, truncated=1)]
        assert fields(labels) == [1, 20, width, height]


def test_next_and_previous_cycle_through_boxes_and_deleting_selects_the_next(labels):
    press(labels, "Next box")
    none_yet = labels.message
    press(labels, "Delete box")
    assert none_yet and labels.message not in ("", none_yet)
    labels.boxes = [Box("peach", left, 20, left + 50, 220) for left in (10, 100, 200)]
    chosen = []
    for button in ["Next box"] * 4 + ["Previous box"] * 2:
        press(labels, button)
        chosen.append(labels.selected)
    assert chosen == [1, 2, 3, 1, 3, 2]
    press(labels, "Delete box")
    assert [box.xmin for box in labels.boxes] == [10, 200] and labels.selected == 2
    press(labels, "Delete box", "Delete box")
    assert labels.boxes == [] and labels.selected is None and control(labels, "ymax").disabled


def test_deleting_another_box_leaves_the_same_one_selected(labels):
    labels.boxes = [Box("peach", left, 20, left + 50, 220) for left in (10, 100, 200)]
    labels.select(2)
    labels.delete(1)
    assert labels.selected == 1 and fields(labels)[0] == 100
    labels.delete(2)
    assert labels.selected == 1 and fields(labels)[0] == 100
    with pytest.raises(LabelingError, match="box 0; "):
        labels.delete(0)


def test_the_current_class_applies_only_to_boxes_that_are_drawn_added_or_renamed(labels):
    assert labels.current == "peach"
    send(labels, "class", name="vanilla")
    press(labels, "Add box")
    send(labels, "class", name="peach")
    assert [box.name for box in labels.boxes] == ["vanilla"], "choosing a class renames nothing"
    labels.select(1)
    assert labels.current == "peach", "selecting a box chooses no class"
    press(labels, "Rename box")
    drag(labels, 20, 40, 200, 100)
    assert [box.name for box in labels.boxes] == ["peach", "peach"]
    with pytest.raises(LabelingError, match=r"'apricot'.*peach, vanilla"):
        labels.current = "apricot"


def test_the_current_class_stays_when_another_class_becomes_known(labels):
    labels.current = "vanilla"
    labels.classes.append("apricot")
    labels.boxes = [Box("apricot", 10, 20, 110, 220)]
    assert labels.current == "vanilla" and labels._canvas.classes == ["peach", "vanilla", "apricot"]


@pytest.mark.parametrize("count", [2, 5, 8, 40])
def test_each_class_has_the_colour_of_the_pictures_and_no_other_class_has_it(count):
    names = [f"class {number}" for number in range(count)]
    labels = box_editor.BoxEditor(names)
    labels.show(Image.new("RGB", (400, 300)))
    assert labels._canvas.colors == [drawing.colour(name, names) for name in names]
    assert len(set(labels._canvas.colors)) == count


def test_undo_takes_back_each_change_and_stops_at_the_photo_as_it_was_shown(labels):
    first = Box("peach", 10, 20, 110, 220)
    labels.show(Image.new("RGB", (400, 300)), [first])
    seen = [labels.boxes]
    drag(labels, 400, 100, 200, 100)
    seen.append(labels.boxes)
    fill(labels, xmax=350)
    seen.append(labels.boxes)
    labels.current = "vanilla"
    press(labels, "Rename box")
    seen.append(labels.boxes)
    press(labels, "Clear all")
    assert labels.boxes == []
    while len(seen) > 0:
        press(labels, "Undo")
        assert labels.boxes == seen.pop()
    assert labels.boxes == [first] and labels.message == ""
    press(labels, "Undo")
    assert labels.boxes == [first] and "undo" in labels.message


def test_keys_do_what_their_buttons_do(labels):
    for key in ("a", "a", "p", "r", "Delete", "z", "Escape"):
        assert key in labels._canvas.shortcuts
        send(labels, "key", key=key)
    assert len(labels.boxes) == 2 and labels.selected is None and labels.message == ""


def test_messages_about_a_photo_that_is_no_longer_shown_change_nothing(labels):
    late = labels._canvas.photo
    labels.show(Image.new("RGB", (400, 300)))
    drawn = {"x": 20, "y": 40, "width": 200, "height": 100, "label": "peach"}
    labels._canvas.receive({"kind": "boxes", "photo": late, "boxes": [drawn], "selected": 0})
    labels._canvas.receive({"kind": "key", "photo": late, "key": "a"})
    assert labels.boxes == [] and labels.message == box_editor.LATE


def test_code_can_do_what_the_fields_do_and_show_the_boxes_as_a_table(labels):
    assert "no box" in labels.table.data
    labels.add("vanilla", (31, 42, 120, 200))
    labels.add("peach", (200, 40, 260, 299))
    labels.change(1, name="peach", edges=(30, 40, 120, 200))
    assert "| 1 | peach | 30 | 40 | 120 | 200 |" in labels.table.data
    labels.delete(1)
    assert labels.boxes == [Box("peach", 200, 40, 260, 299)] and labels.selected == 1
    with pytest.raises(LabelingError, match="box 2; "):
        labels.delete(2)


def test_every_input_has_a_name(labels):
    inputs = [each for each in controls(labels) if not isinstance(each, ipywidgets.HTML)]
    assert len(inputs) == 11 and all(each.description for each in inputs)


def test_a_number_that_arrives_after_its_box_was_left_is_reported(labels):
    labels.boxes = [Box("peach", 10, 20, 110, 220)]
    labels.say("Wrote 0001.xml: 1 box.")
    fill(labels, xmax=120)
    assert labels.message.startswith("Wrote 0001.xml: 1 box.\nxmax 120 came too late")
    assert labels.boxes == [Box("peach", 10, 20, 110, 220)] and fields(labels) == [0, 0, 0, 0]


LISTENING = """
import json, threading
from PIL import Image
from workshop_utils.widgets import box_editor
labels, heard = box_editor.BoxEditor(["peach"]), []
labels.show(Image.new("RGB", (64, 64)))
listen = lambda _: heard.append(threading.current_thread().name)
button, field = labels._box_buttons.children[0], labels._edges["xmin"]
button.on_click(listen)
field.observe(listen, "value")
labels._canvas.observe(listen, "current")
print(json.dumps([button.model_id, field.model_id, labels._canvas.model_id]))
"""


def test_a_click_never_overtakes_a_typed_number():
    manager, client = start_new_kernel()
    printed = []

    def run(code):
        client.execute_interactive(code, output_hook=lambda message: printed.append(message["content"]))
        return json.loads("".join(each["text"] for each in printed if "text" in each).splitlines()[-1])

    try:
        button, field, canvas = run(LISTENING)
        client.control_channel.send(client.session.msg("create_subshell_request"))
        subshell = client.get_control_msg(timeout=10)["content"].get("subshell_id")
        for comm, said in (
            (field, {"method": "update", "state": {"value": 5}, "buffer_paths": []}),
            (field, {"method": "update", "state": {"value": 6}, "buffer_paths": []}),
            (canvas, {"method": "custom", "content": {"kind": "class", "photo": 1, "name": "other"}}),
            (button, {"method": "custom", "content": {"event": "click"}}),
        ):
            message = client.session.msg("comm_msg", {"comm_id": comm, "data": said})
            message["header"]["subshell_id"] = subshell
            client.shell_channel.send(message)
            heard = run("print(json.dumps(heard))")
        assert len(heard) >= 4 and set(heard) == {"MainThread"}
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)

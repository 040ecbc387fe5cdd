"""Boxes on one photo, driven as a script drives them and as the browser's messages do."""

import json

import ipywidgets
import pytest
from jupyter_client.manager import start_new_kernel
from PIL import Image

from workshop_utils.data.voc import Box
from workshop_utils.widgets import box_editor


@pytest.fixture
def labels() -> box_editor.BoxEditor:
    """An editor that shows a photo of 400x300 pixels, at twice its size."""
    labels = box_editor.BoxEditor(["peach", "vanilla"])
    labels.show(Image.new("RGB", (400, 300), "grey"))
    return labels


def control(labels, description: str):
    """Return the button or the field that a person finds under this name."""
    rows = [row for row in labels.children if hasattr(row, "children")]
    return next(each for row in rows for each in row.children if getattr(each, "description", "") == description)


def press(labels, *descriptions: str) -> None:
    """Press buttons as the browser does."""
    for description in descriptions:
        control(labels, description).click()


def fields(labels) -> list:
    """Return what the class and the four number fields show."""
    return [control(labels, name).value for name in ("class", "xmin", "ymin", "xmax", "ymax")]


def fill(labels, **values) -> None:
    """Change fields as a person does who goes from one to the next with Tab."""
    for name, value in values.items():
        control(labels, name).value = value


def drag(labels, x: int, y: int, across: int, down: int) -> None:
    """Draw a box with the mouse, in pixels of the view: the browser tells its press, and then its release."""
    start = {"x": x, "y": y, "width": 0, "height": 0, "label": labels._canvas.label or labels.classes[0]}
    labels._canvas.bboxes = [*labels._canvas.bboxes, start]
    labels._canvas.selected_index = len(labels._canvas.bboxes) - 1
    labels._canvas.bboxes = [*labels._canvas.bboxes[:-1], start | {"width": across, "height": down}]


def test_the_fields_show_the_box_that_the_mouse_selects_and_follow_its_changes(labels):
    labels.boxes = [Box("peach", 10, 20, 110, 220), Box("vanilla", 200, 40, 260, 300)]
    assert labels.selected is None and control(labels, "xmin").disabled
    labels._canvas.selected_index = 1
    assert labels.selected == 2 and fields(labels) == ["vanilla", 200, 40, 260, 300]
    moved = [dict(drawn) for drawn in labels._canvas.bboxes]
    moved[1] |= {"x": 300, "y": 60}
    labels._canvas.bboxes = moved
    assert fields(labels) == ["vanilla", 150, 30, 210, 290]


def test_a_changed_field_moves_the_box_on_the_canvas_and_no_other(labels):
    labels.boxes = [Box("peach", 10, 20, 110, 220), Box("vanilla", 200, 40, 260, 300)]
    labels.select(2)
    fill(labels, xmin=180)
    assert labels._canvas.bboxes[1]["x"] == 360 and labels._canvas.bboxes[1]["width"] == 160
    assert labels.boxes == [Box("peach", 10, 20, 110, 220), Box("vanilla", 180, 40, 260, 300, truncated=1)]
    assert labels._canvas.selected_index == 1


def test_a_drawn_box_can_be_changed_by_fields_though_a_click_lies_before_it(labels):
    drag(labels, 300, 300, 0, 0)
    assert labels.boxes == [] and labels.selected is None and control(labels, "xmin").disabled
    drag(labels, 20, 40, 200, 100)
    assert labels.selected == 1 and fields(labels) == ["peach", 10, 20, 110, 70]
    fill(labels, xmax=130)
    assert labels.boxes == [Box("peach", 10, 20, 130, 70)] and labels.selected == 1


def test_fields_stop_at_the_edges_of_each_photo(labels):
    for width, height in ((1999, 1501), (400, 300)):
        labels.show(Image.new("RGB", (width, height)))
        labels.boxes = [Box("peach", 10, 20, 110, 220)]
        labels.select(1)
        fill(labels, xmax=5000, ymax=5000, xmin=-7)
        assert labels.boxes == [Box("peach", 1, 20, width, height, truncated=1)]
        assert fields(labels) == ["peach", 1, 20, width, height]


def test_next_and_previous_go_round_all_boxes_and_deleting_selects_the_one_that_follows(labels):
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
    assert labels.selected == 1 and fields(labels)[1] == 100
    labels.delete(2)
    assert labels.selected == 1 and fields(labels)[1] == 100
    with pytest.raises(box_editor.LabelingError, match=r"box 0.* 1"):
        labels.delete(0)


def test_the_class_field_names_the_selected_box_and_the_next_one(labels):
    fill(labels, **{"class": "vanilla"})
    press(labels, "Add box")
    assert labels._canvas.label == "vanilla" and [box.name for box in labels.boxes] == ["vanilla"]
    fill(labels, **{"class": "peach"})
    assert [box.name for box in labels.boxes] == ["peach"]
    labels.select(None)
    labels._canvas.label = "vanilla"
    assert fields(labels)[0] == "vanilla"


def test_code_does_what_the_fields_do_and_shows_the_boxes_as_a_table(labels):
    assert "|" not in labels.table.data
    labels.add("vanilla", (31, 42, 120, 200))
    labels.add("peach", (200, 40, 260, 299))
    labels.change(1, name="peach", edges=(30, 40, 120, 200))
    assert "| 1 | peach | 30 | 40 | 120 | 200 |" in labels.table.data
    labels.delete(1)
    assert labels.boxes == [Box("peach", 200, 40, 260, 299)] and labels.selected == 1
    with pytest.raises(box_editor.LabelingError, match=r"box 2.* 1"):
        labels.delete(2)


@pytest.mark.parametrize(
    ("edges", "said"),
    [
        ((50, 20, 50, 60), "xmin 50 .*xmax 50"),
        ((10, 90, 50, 60), "ymin 90 .*ymax 60"),
        ((10, float("nan"), 50, 60), "ymin nan .*ymax 60"),
        ((500, 20, 600, 60), "xmin 500 .*xmax 600 .*400"),
    ],
)
def test_a_box_that_is_none_is_refused_in_words(labels, edges, said):
    with pytest.raises(box_editor.LabelingError, match=said):
        labels.add("peach", edges)
    assert labels.boxes == []


def test_every_input_has_a_name(labels):
    rows = [row for row in labels.children if hasattr(row, "children")]
    inputs = [each for row in rows for each in row.children if not isinstance(each, ipywidgets.HTML)]
    assert len(inputs) == 9 and all(each.description for each in inputs)


def test_a_number_that_comes_when_its_box_was_left_is_not_lost_in_silence(labels):
    labels.boxes = [Box("peach", 10, 20, 110, 220)]
    labels.say("Wrote 0001.xml: 1 box.")
    fill(labels, xmax=120)
    assert labels.message.startswith("Wrote 0001.xml: 1 box.\nxmax 120 ")
    assert labels.boxes == [Box("peach", 10, 20, 110, 220)] and fields(labels)[1:] == [0, 0, 0, 0]


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
labels._canvas.observe(listen, "label")
print(json.dumps([button.model_id, field.model_id, labels._canvas.model_id]))
"""


def test_what_the_browser_says_is_heard_in_one_thread_so_no_click_overtakes_a_number():
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
            (canvas, {"method": "update", "state": {"label": "peach"}, "buffer_paths": []}),
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

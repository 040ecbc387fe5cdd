"""Actions of buttons and keys: one at a time, and none on what you have not seen."""

import datetime
import json
import time

import pytest
from jupyter_client.manager import start_new_kernel

from workshop_utils.core.errors import WorkshopError
from workshop_utils.widgets import actions


class Clock:
    """A browser whose clock is an hour behind ours; `now` is when it sends."""

    def __init__(self):
        self.sent = None

    def send(self, after: float = 0.0) -> None:
        self.sent = time.time() - 3600 + after


@pytest.fixture
def browser(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(actions, "sent_at", lambda: clock.sent)
    return clock


@pytest.fixture
def heard() -> list[str]:
    """What was reported, shown as work, and dropped."""
    return []


@pytest.fixture
def widget(heard) -> actions.Actions:
    return actions.Actions(heard.append, lambda what: heard.append(f"work: {what}"), lambda: heard.append("dropped"))


def test_a_button_and_its_keys_do_the_same(widget, heard):
    button = widget.button("Submit", lambda: heard.append("done"), "s", "Enter")
    button.click()
    widget.run(widget.keys["Enter"])
    assert heard == ["done", "done"] and widget.keys.keys() == {"s", "Enter"} and "s or Enter" in button.tooltip


@pytest.mark.parametrize("kind", [WorkshopError, OSError, RuntimeError])
def test_the_error_of_an_action_is_reported(widget, heard, kind):
    def fail():
        raise kind("the disk is full")

    widget.run(fail)
    assert heard == ["the disk is full"]


def test_while_it_works_controls_that_were_on_are_off_and_each_stage_is_shown(widget, heard):
    on, off = (widget.button(name, lambda: None) for name in ("on", "off"))
    off.disabled = True
    with pytest.raises(KeyboardInterrupt), widget.working("Loading") as show:
        show("Computing")
        assert on.disabled and off.disabled
        with widget.working("Inside"):
            pass
        assert on.disabled
        raise KeyboardInterrupt
    assert (on.disabled, off.disabled) == (False, True)
    assert heard == ["work: Loading", "work: Computing", "work: Inside", "work: "]


def test_clicks_made_while_it_works_are_dropped_and_later_ones_are_not(widget, heard, browser):
    def work():
        with widget.working("Loading"):
            time.sleep(0.2)

    browser.send()
    widget.run(work)
    heard.clear()
    browser.send(after=-0.1)
    widget.run(lambda: heard.append("submitted unseen"))
    browser.send(after=0.1)
    widget.run(lambda: heard.append("submitted"))
    assert heard == ["dropped", "submitted"]


def test_a_browser_whose_clock_is_put_back_is_heard_again_after_a_moment(widget, heard, browser, monkeypatch):
    browser.send()
    with widget.working("Loading"):
        pass
    heard.clear()
    monkeypatch.setattr(actions, "WAITING", 0.05)
    browser.send(after=-3600)
    widget.run(lambda: heard.append("too early"))
    time.sleep(0.06)
    widget.run(lambda: heard.append("done"))
    assert heard == ["dropped", "done"]


def test_without_a_browsers_clock_nothing_is_dropped(widget, heard):
    with widget.working("Loading"):
        pass
    widget.run(lambda: heard.append("done"))
    assert heard[-1] == "done" and actions.sent_at() is None


EDITOR = """
import json, time
from PIL import Image
from workshop_utils.widgets import box_editor
labels = box_editor.BoxEditor(["peach"])
labels.show(Image.new("RGB", (64, 64)))
def work():
    with labels._actions.working("Loading"):
        time.sleep(1)
button = labels._actions.button("Propose boxes", work)
add = labels._box_buttons.children[0]
print(json.dumps([button.model_id, add.model_id]))
"""


def test_in_a_kernel_a_click_that_waited_in_the_queue_is_dropped():
    manager, client = start_new_kernel()
    printed = []

    def run(code):
        client.execute_interactive(code, output_hook=lambda message: printed.append(message["content"]))
        return json.loads("".join(each["text"] for each in printed if "text" in each).splitlines()[-1])

    def click(widget):
        data = {"method": "custom", "content": {"event": "click"}}
        message = client.session.msg("comm_msg", {"comm_id": widget, "data": data})
        assert isinstance(message["header"]["date"], datetime.datetime)
        client.shell_channel.send(message)

    try:
        button, add = run(EDITOR)
        click(button)
        time.sleep(0.3)
        click(add)
        assert run("print(json.dumps([len(labels.boxes), labels.message]))") == [0, actions.DROPPED]
        click(add)
        assert run("print(json.dumps(len(labels.boxes)))") == 1
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)

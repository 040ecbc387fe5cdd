"""What the buttons and keys of a widget do: one action at a time, and errors as messages.

While an action works, a browser still sends clicks, and the kernel receives them when the action has ended. They were
meant for what was on the screen before, so they are dropped.
"""

import contextlib
import datetime
import time
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets
from IPython import get_ipython

from workshop_utils.core.errors import WorkshopError
from workshop_utils.widgets.canvas import in_order

WAITING = 2.0
"""Seconds after an action in which a click that was made during the action can still arrive: the kernel has received
it already, and handles it next."""

DROPPED = "A click during that time was ignored."


class Actions:
    """The buttons of a widget, the keys that do the same, and which of them are switched off.

    Args:
        report: Shows a message. Called with the message of an error.
        show_work: Shows what the widget is doing, and nothing for "".
        dropped: Called when a click was dropped.
    """

    def __init__(self, report: Callable[[str], None], show_work: Callable[[str], None], dropped: Callable[[], None]):
        self._report, self._show_work, self._dropped = report, show_work, dropped
        self.keys: dict[str, Callable[[], Any]] = {}
        self.controls: list[Any] = []  # widgets with `disabled`
        self._working = False
        self._ahead = float("inf")
        self._outdated = self._ended = float("-inf")
        self._compare_clocks()

    def button(self, name: str, action: Callable[[], Any], *keys: str, **traits: Any) -> ipywidgets.Button:
        """Return a button that performs an action, as do these keys (named as JavaScript names them)."""
        tooltip = f"Key: {' or '.join(keys)}" if keys else ""
        layout = ipywidgets.Layout(width="auto")
        button = in_order(ipywidgets.Button(description=name, tooltip=tooltip, layout=layout, **traits))
        button.on_click(lambda _: self.run(action))
        self.controls.append(button)
        self.keys |= dict.fromkeys(keys, action)
        return button

    def run(self, action: Callable[[], Any]) -> None:
        """Perform an action after a click or a key; report its error, because no one would see a traceback."""
        sent = self._compare_clocks()
        if sent is not None and sent < self._outdated and time.monotonic() < self._ended + WAITING:
            self._dropped()
            return
        try:
            action()
        except (WorkshopError, OSError, RuntimeError) as error:
            self._report(str(error))

    def drop_earlier(self) -> None:
        """Drop the clicks that were made before now: they were meant for what was shown then."""
        self._outdated, self._ended = time.time() - self._ahead, time.monotonic()

    @contextlib.contextmanager
    def working(self, what: str) -> Iterator[Callable[[str], None]]:
        """Switch all controls off and show what is being done; yield a function that shows what is done next."""
        if self._working:
            self._show_work(what)
            yield self._show_work
            return
        self._compare_clocks()
        on = [control for control in self.controls if not control.disabled]
        self._working = True
        self._show_work(what)
        try:
            for control in on:
                control.disabled = True
            yield self._show_work
        finally:
            self._working = False
            for control in on:
                control.disabled = False
            self._show_work("")
            self.drop_earlier()

    def _compare_clocks(self) -> float | None:
        """Return when the current message was sent, and note how far our clock is ahead of the browser's.

        The message with the shortest delay gives the best estimate.
        """
        sent = sent_at()
        if sent is not None:
            self._ahead = min(self._ahead, time.time() - sent)
        return sent


def sent_at() -> float | None:
    """Return when the browser sent the message that is being handled, in seconds, by the browser's clock.

    None outside a notebook, and if the message does not say.
    """
    shell = get_ipython()
    message = shell.get_parent() if hasattr(shell, "get_parent") else {}
    date = (message or {}).get("header", {}).get("date")
    return date.timestamp() if isinstance(date, datetime.datetime) else None

"""Curves that grow while a detector trains."""

import time
from typing import Any

from IPython import get_ipython
from IPython.display import DisplayHandle

from workshop_utils.plots import charts
from workshop_utils.training.callbacks import Callback, Row

SHARE = 0.05
"""The share of the training time that drawing may take, at most."""

PAUSE = 1.0
"""The least number of seconds between two drawings."""


class Curves(Callback):
    """Loss and AP50 of a run of `steps` steps, redrawn in one place of a notebook while it trains.

    Outside a notebook, nothing is drawn.

    Args:
        steps: The number of steps of the run.
        marks: What happens at which step, written into the chart.
    """

    def __init__(self, steps: int, marks: dict[int, str] | None = None):
        self._steps, self._marks = steps, marks
        self._rows: list[dict] = []
        self._place = DisplayHandle()
        self._shown = False
        self._next = float("-inf")

    def on_row(self, trainer: Any, row: Row) -> None:
        """Add a row of the history; redraw, unless that was done a moment ago."""
        self._rows.append(row)
        if time.monotonic() >= self._next:
            self._show()

    def finish(self, history: list[dict]) -> None:
        """Show all rows of a run, also those of an earlier start. Without rows, nothing is shown."""
        self._rows = list(history)
        if self._rows:
            self._show()

    def _show(self) -> None:
        if getattr(get_ipython(), "kernel", None) is None:
            return
        began = time.monotonic()
        picture = charts.run_curves(self._rows, self._steps, self._marks, alt=self._said())
        (self._place.update if self._shown else self._place.display)(picture)
        self._shown = True
        ended = time.monotonic()
        self._next = ended + max(PAUSE, (ended - began) / SHARE)

    def _said(self) -> str:
        first, last = self._rows[0], self._rows[-1]
        losses = f"Loss over training steps: {first['loss']:.2f} at step {first['step']:.0f}"
        if last is not first:
            losses += f", {last['loss']:.2f} at step {last['step']:.0f} of {self._steps}"
        scores = [f"{row['AP50']:.2f} at step {row['step']:.0f}" for row in self._rows if row.get("AP50") is not None]
        return f"{losses}. AP50 on validation photos: {', '.join(scores[-5:]) or 'not measured yet'}."

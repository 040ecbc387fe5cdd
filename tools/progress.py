"""Show the progress of a notebook while it runs: the cell and the time."""

import shutil
import sys
import threading
import time

ON_A_TERMINAL = 1.0
"""Seconds between two updates of the line on a terminal."""
ELSEWHERE = 10.0
"""Seconds between two lines if the output is not a terminal, as in a log."""


def clock(seconds: float) -> str:
    """Return seconds as minutes and seconds, `2:05`."""
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes}:{left:02}"


class Progress:
    """A context in which a notebook runs. Pass `cell` to `execute.execute` as `watch`.

    On a terminal it rewrites one line, every second and at each cell. At the end it prints the run time.
    """

    def __init__(self, name: str):
        self.name, self.stream = name, sys.stdout
        self.terminal = self.stream.isatty()
        self.doing, self.shown = "starting", ""
        self.lock, self.over = threading.Lock(), threading.Event()
        self.thread = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> "Progress":
        self.began = time.monotonic()
        if self.terminal:
            self._show()
        self.thread.start()
        return self

    def __exit__(self, kind, *_) -> None:
        self.over.set()
        self.thread.join()
        if kind is None:
            self._write(f"{time.monotonic() - self.began:5.0f} s", "\n")

    def cell(self, number: int, count: int) -> None:
        """Show that code cell `number` of `count` has begun."""
        self.doing = f"cell {number} of {count}"
        if self.terminal:
            self._show()

    def _tick(self) -> None:
        while not self.over.wait(ON_A_TERMINAL if self.terminal else ELSEWHERE):
            self._show()

    def _show(self) -> None:
        self._write(f"{self.doing}, {clock(time.monotonic() - self.began)}", "" if self.terminal else "\n")

    def _write(self, what: str, end: str) -> None:
        line = f"  {self.name:42}{what}"
        with self.lock:
            if self.terminal:
                line = line[: shutil.get_terminal_size().columns - 1]
                self.shown, line = line, "\r" + line.ljust(len(self.shown))
            print(line, end=end, file=self.stream, flush=True)

"""What is shown of a notebook while it runs: which cell of how many, and for how long already."""

import shutil
import sys
import threading
import time

ON_A_TERMINAL = 1.0
"""Seconds after which the line is rewritten on a terminal, at the latest."""
ELSEWHERE = 10.0
"""Seconds between two lines where output is no terminal, as in a log: there, each is a line of its own."""


def clock(seconds: float) -> str:
    """Return seconds as minutes and seconds, `2:05`."""
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes}:{left:02}"


class Progress:
    """A context in which a notebook runs; hand `cell` to `execute.execute` as its `watch`.

    On a terminal one line is rewritten, every second and at each cell. At the end a line says how long it took.
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
        """Say that code cell `number` of `count` has begun."""
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

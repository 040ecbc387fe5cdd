"""Show that a long operation is running, and for how many seconds."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator

from IPython import get_ipython
from IPython.display import DisplayHandle

SECONDS_BETWEEN = 1.0
"""Seconds between two updates."""


@contextlib.contextmanager
def shown(running: str, finished: str) -> Iterator[None]:
    """Show a line that counts the seconds while a block runs.

    The line changes in place, in a notebook and in a terminal. Elsewhere, as in a log file, nothing is shown.

    Args:
        running: The text before the seconds while the block runs, such as "Writing detector.onnx:".
        finished: The text before the seconds at the end, such as "Wrote detector.onnx in". It does not appear if the
            block raises an error.
    """
    began, ended = time.monotonic(), threading.Event()
    with _line() as show:

        def count() -> None:
            show(f"{running} 0 s")
            while not ended.wait(SECONDS_BETWEEN):
                show(f"{running} {time.monotonic() - began:.0f} s")

        counting = threading.Thread(target=count, daemon=True)
        counting.start()
        try:
            yield
        finally:
            ended.set()
            counting.join()
        show(f"{finished} {time.monotonic() - began:.0f} s")


@contextlib.contextmanager
def _line() -> Iterator[Callable[[str], None]]:
    """Give a function that replaces the text of one line."""
    if getattr(get_ipython(), "kernel", None) is not None:
        place = DisplayHandle()
        place.display({"text/plain": ""}, raw=True)
        yield lambda text: place.update({"text/plain": text}, raw=True)
    elif sys.stderr.isatty():
        with os.fdopen(os.dup(sys.stderr.fileno()), "w") as stream:  # `quiet_stderr` closes the original for a while
            try:
                yield lambda text: print(f"\r{text}\033[K", end="", file=stream, flush=True)
            finally:
                print(file=stream)
    else:
        yield lambda text: None

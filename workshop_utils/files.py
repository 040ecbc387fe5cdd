"""Files that are either the old one or the new one, whole, never a half."""

import contextlib
import os
import pathlib
from collections.abc import Iterator


@contextlib.contextmanager
def replacing(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yield a path beside `path` to write to; on success it takes `path`'s place in one stroke, else it is removed."""
    path = pathlib.Path(path)
    unfinished = path.with_name(f"part-{os.getpid()}-{path.name}")
    try:
        yield unfinished
        with open(unfinished, "rb+") as written:
            os.fsync(written.fileno())
        os.replace(unfinished, path)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def write_text(text: str, path: pathlib.Path) -> None:
    """Write UTF-8 text with Unix line ends, whole or not at all."""
    with replacing(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8", newline="\n")

"""Write files completely or not at all, and keep Blender quiet."""

import os
import sys
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def blender_silent():
    """Discard Blender's own output, which bypasses Python."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def write(path: Path, content: bytes) -> None:
    """Write the complete file or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(content)
    unfinished.replace(path)

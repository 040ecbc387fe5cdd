"""Files that are either the old one or the new one, whole, never a half; and seals by which damage is noticed later."""

import contextlib
import hashlib
import os
import pathlib
from collections.abc import Iterator

from workshop_utils.errors import WorkshopError

SEAL = b"\nsha256:"
"""Stands between what a sealed file holds and the digest of it, 64 hex digits, with which the file ends."""


class WriteError(WorkshopError, OSError):
    """A file that could not be written; the message names it and says why. What was there before is unchanged."""


@contextlib.contextmanager
def replacing(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yield a path beside `path` to write to; on success it takes `path`'s place in one stroke, else it is removed.

    Raises WriteError where the disk is full or the folder cannot be written to.
    """
    path = pathlib.Path(path)
    unfinished = path.with_name(f"part-{os.getpid()}-{path.name}")
    try:
        yield unfinished
        with open(unfinished, "rb+") as written:
            os.fsync(written.fileno())
        os.replace(unfinished, path)
    except OSError as fault:
        raise WriteError(
            f"{path}: cannot be written ({reason(fault)}). Free some space, or choose another folder, and "
            "do it again; what was there before is unchanged."
        ) from None
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def write_text(text: str, path: pathlib.Path) -> None:
    """Write UTF-8 text with Unix line ends, whole or not at all. Raises WriteError."""
    with replacing(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8", newline="\n")


def write_weights(model, path: pathlib.Path) -> None:
    """Write a Keras model's float32 weights, whole or not at all, sealed. Raises WriteError.

    Zeros are written first to see whether there is room: on a full disk, HDF5 brings the whole process down.
    """
    with replacing(path) as unfinished:
        unfinished.write_bytes(bytes(1_000_000 + 5 * model.count_params()))
        model.save_weights(unfinished)
        seal(unfinished)


def reason(fault: OSError) -> str:
    """Return in few words why a file could not be written; HDF5 and TensorFlow use many."""
    return (fault.strerror or str(fault)).split("\n")[0][:200]


def sweep(folder: pathlib.Path) -> None:
    """Remove what processes that were killed left unfinished in a folder; only for who alone may write there."""
    for path in folder.glob("part-*"):
        path.unlink()


def seal(path: pathlib.Path) -> None:
    """Append the digest of what a file holds. HDF5 and zip files are read as if it were not there."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with open(path, "ab") as stream:
        stream.write(SEAL + digest.encode())


def is_whole(path: pathlib.Path) -> bool:
    """Return whether a sealed file still holds what it held when it was sealed; True also where there is no seal."""
    data = path.read_bytes()
    content, mark, digest = data[:-72], data[-72:-64], data[-64:]
    return mark != SEAL or hashlib.sha256(content).hexdigest().encode() == digest

"""Files that are either the old one or the new one, whole, never a half; and seals by which damage is noticed later."""

import contextlib
import errno
import hashlib
import os
import pathlib
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from workshop_utils.core.errors import WorkshopError

if TYPE_CHECKING:
    from workshop_utils.core.tensorflow import keras

SEAL = b"\nsha256:"
"""Stands between what a sealed file holds and the digest of it, 64 hex digits, with which the file ends."""

UNFINISHED = ".part-"
"""How the name of what is being written begins. It is hidden, so whoever reads the folder passes over what is left of
a process that was killed."""

MAX_NAME_BYTES = 255
"""Bytes that a name may have on most file systems."""

_REMEDIES = {
    errno.ENAMETOOLONG: "Take a shorter name",
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM, errno.EROFS), "Give yourself the right to write there, or choose another folder"
    ),
    **dict.fromkeys((errno.EEXIST, errno.EISDIR, errno.ENOENT, errno.ENOTDIR), "Choose another folder"),
}


class WriteError(WorkshopError, OSError):
    """A file that could not be written; the message names it and says why. What was there before is unchanged."""


@contextlib.contextmanager
def replacing(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yield a path beside `path` to write to; on success it takes `path`'s place in one stroke, else it is removed.

    Raises WriteError where the disk is full or the folder cannot be written to.
    """
    path = pathlib.Path(path)
    unfinished = unfinished_path(path)
    try:
        unfinished.unlink(missing_ok=True)  # the name can be guessed, and a link there would be followed
        yield unfinished
        with open(unfinished, "rb+") as written:
            os.fsync(written.fileno())
        os.replace(unfinished, path)
    except WriteError:
        raise
    except OSError as error:
        raise WriteError(
            f"{path}: cannot be written ({reason(error)}). {remedy(error)}, and do it again; "
            "what was there before is unchanged."
        ) from None
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def new_folder(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yield an empty folder beside `path` to fill; on success it becomes `path`, else it is removed.

    Raises WriteError if `path` already holds anything, OSError if it cannot be written.
    """
    path = pathlib.Path(path)
    unfinished = unfinished_path(path)
    try:
        if path.exists() and any(path.iterdir()):
            raise WriteError(f"{path}: exists and is not empty. Choose another folder, or delete it first.")
        unfinished.mkdir(parents=True)
        yield unfinished
        if path.exists():
            path.rmdir()
        unfinished.rename(path)
    except WriteError as error:
        raise WriteError(str(error).replace(str(unfinished), str(path))) from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def unfinished_path(path: pathlib.Path) -> pathlib.Path:
    """Return where what will be `path` is written."""
    return path.with_name(fit_name(f"{UNFINISHED}{os.getpid()}-", path.name))


def fit_name(start: str, name: str, end: str = "") -> str:
    """Return a name with more before and behind it; of a long name only its end, so that the file system takes it."""
    while len(os.fsencode(start + name + end)) > MAX_NAME_BYTES:
        name = name[1:]
    return start + name + end


def make_folder(path: pathlib.Path) -> None:
    """Make a folder, and those it lies in, where there is none. Raises WriteError."""
    try:
        pathlib.Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(
            f"{path}: cannot be made a folder ({reason(error)}). {remedy(error)}, and do it again."
        ) from None


def write_text(text: str, path: pathlib.Path) -> None:
    """Write UTF-8 text with Unix line ends, whole or not at all. Raises WriteError."""
    with replacing(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8", newline="\n")


def write_weights(model: "keras.Model", path: pathlib.Path) -> None:
    """Write a Keras model's float32 weights, whole or not at all, sealed. Raises WriteError.

    Zeros are written first to see whether there is room: on a full disk, HDF5 brings the whole process down.
    """
    with replacing(path) as unfinished:
        unfinished.write_bytes(bytes(1_000_000 + 5 * model.count_params()))
        model.save_weights(unfinished)
        seal(unfinished)


def reason(error: OSError) -> str:
    """Return in few words why a file could not be written; HDF5 and TensorFlow use many."""
    return (error.strerror or str(error)).split("\n")[0][:200]


def remedy(error: OSError) -> str:
    """Return what to do about a file that could not be written, as the beginning of a sentence."""
    return _REMEDIES.get(error.errno, "Free some space, or choose another folder")


def remove_unfinished(folder: pathlib.Path) -> None:
    """Remove what processes that were killed left unfinished in a folder; only for who alone may write there."""
    for path in folder.glob(f"{UNFINISHED}*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def backup_path(folder: pathlib.Path) -> pathlib.Path:
    """Return where a folder lies, hidden, while a new one takes its place."""
    return folder.with_name(f".{folder.name}.old")


def restore_backup(folder: pathlib.Path) -> None:
    """Put a folder back whose replacing was killed before the new one came; if that has come, remove the old one."""
    old = backup_path(folder)
    if not old.exists():
        return
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
    else:
        os.replace(old, folder)


def seal(path: pathlib.Path) -> None:
    """Append the digest of what a file holds. HDF5 and zip files are read as if it were not there."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with open(path, "ab") as stream:
        stream.write(SEAL + digest.encode())


def is_intact(path: pathlib.Path) -> bool:
    """Return whether a sealed file still holds what it held when it was sealed; True also where there is no seal."""
    data = path.read_bytes()
    content, mark, digest = data[:-72], data[-72:-64], data[-64:]
    return mark != SEAL or hashlib.sha256(content).hexdigest().encode() == digest

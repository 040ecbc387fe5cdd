"""Replace files and folders atomically, and seal files with a checksum that reveals later damage."""

import contextlib
import errno
import hashlib
import os
import pathlib
import shutil
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from workshop_utils.core.errors import WorkshopError

if TYPE_CHECKING:
    from workshop_utils.core.tensorflow import keras

SEAL = b"\nsha256:"
"""Separates the content of a sealed file from its SHA-256 digest, the last 64 bytes of the file in hex."""

UNFINISHED = ".part-"
"""Prefix for the names of files and folders that are being written. They are hidden, so that readers of the folder skip
what a killed process left."""

MAX_NAME_BYTES = 255
"""The longest file name on most file systems, in bytes."""

_REMEDIES = {
    errno.ENAMETOOLONG: "Choose a shorter name",
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "Get write permission, or choose another folder"),
    **dict.fromkeys((errno.EEXIST, errno.EISDIR, errno.ENOENT, errno.ENOTDIR), "Choose another folder"),
}


class WriteError(WorkshopError, OSError):
    """A file or folder that could not be written. The message names it and says why. Existing files are unchanged."""


def write_error(path: pathlib.Path, error: OSError, what: str = "cannot be written") -> WriteError:
    """Return the error to raise for a file or folder that could not be written.

    Args:
        path: The file or folder.
        error: The reason.
        what: What failed.
    """
    return WriteError(f"{path}: {what} ({reason(error)}). {remedy(error)}, and try again. Nothing was overwritten.")


@contextlib.contextmanager
def replacing(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Write a file atomically.

    Args:
        path: The file to write or replace.

    Yields:
        A temporary path next to `path`. On success it replaces `path` in one step; otherwise it is removed.

    Raises:
        WriteError: If the disk is full or the folder cannot be written to.
    """
    path = pathlib.Path(path)
    unfinished = unfinished_path(path)
    try:
        unfinished.unlink(missing_ok=True)  # else a link with this name would be followed
        yield unfinished
        with open(unfinished, "rb+") as written:
            os.fsync(written.fileno())
        replace(unfinished, path)
    except WriteError:
        raise
    except OSError as error:
        raise write_error(path, error) from None
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def replace(new: pathlib.Path, path: pathlib.Path) -> None:
    """Rename `new` to `path` in one step.

    Windows refuses while another program, such as a virus scanner, has `path` open: there it is tried for a second.
    """
    for pause in (0.1, 0.2, 0.3, 0.4) if sys.platform == "win32" else ():
        with contextlib.suppress(PermissionError):
            os.replace(new, path)
            return
        time.sleep(pause)
    os.replace(new, path)


@contextlib.contextmanager
def new_folder(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Write a folder atomically.

    Args:
        path: The folder to create. It must be empty or not exist.

    Yields:
        An empty temporary folder next to `path`. On success it becomes `path`; otherwise it is removed.

    Raises:
        WriteError: If `path` is not empty or cannot be written.
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
    except OSError as error:
        raise write_error(path, error) from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def unfinished_path(path: pathlib.Path) -> pathlib.Path:
    """Return the temporary path under which `path` is written."""
    return path.with_name(fit_name(f"{UNFINISHED}{os.getpid()}-", path.name))


def fit_name(start: str, name: str, end: str = "") -> str:
    """Return `start + name + end`. A long `name` loses its first characters, to fit into MAX_NAME_BYTES."""
    while len(os.fsencode(start + name + end)) > MAX_NAME_BYTES:
        name = name[1:]
    return start + name + end


def make_folder(path: pathlib.Path) -> None:
    """Create a folder and its parents if they do not exist. Raises WriteError."""
    try:
        pathlib.Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(path, error, "cannot be created as a folder") from None


def write_text(text: str, path: pathlib.Path) -> None:
    """Write UTF-8 text with Unix line ends atomically. Raises WriteError."""
    with replacing(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8", newline="\n")


def write_weights(model: "keras.Model", path: pathlib.Path) -> None:
    """Write a Keras model's float32 weights atomically, with a seal. Raises WriteError.

    Zeros are written first to check for space: on a full disk, HDF5 crashes the whole process.
    """
    with replacing(path) as unfinished:
        unfinished.write_bytes(bytes(1_000_000 + 5 * model.count_params()))
        model.save_weights(unfinished)
        seal(unfinished)


def reason(error: OSError) -> str:
    """Return the first line of an error message, at most 200 characters: those of HDF5 and TensorFlow are long."""
    return (error.strerror or str(error)).split("\n")[0][:200]


def remedy(error: OSError) -> str:
    """Return what to do about a file that could not be written, as the start of a sentence."""
    if sys.platform == "win32" and error.errno == errno.EACCES:
        return "Close the program that has it open, or choose another folder"
    return _REMEDIES.get(error.errno or 0, "Free some space, or choose another folder")


def remove_unfinished(folder: pathlib.Path) -> None:
    """Remove unfinished files and folders that killed processes left in a folder. No other process may write there."""
    for path in folder.glob(f"{UNFINISHED}*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def backup_path(folder: pathlib.Path) -> pathlib.Path:
    """Return the hidden path of the old folder while a new one replaces it."""
    return folder.with_name(f".{folder.name}.old")


def restore_backup(folder: pathlib.Path) -> None:
    """Restore a folder if the process was killed before the new one replaced it. Otherwise remove its backup."""
    old = backup_path(folder)
    if not old.exists():
        return
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
    else:
        os.replace(old, folder)


def seal(path: pathlib.Path) -> None:
    """Append the SHA-256 digest of a file's content. Readers of HDF5 and zip files ignore it."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with open(path, "ab") as stream:
        stream.write(SEAL + digest.encode())


def is_intact(path: pathlib.Path) -> bool:
    """Return whether a sealed file is unchanged since it was sealed. A file without a seal counts as intact."""
    data = path.read_bytes()
    content, mark, digest = data[:-72], data[-72:-64], data[-64:]
    return mark != SEAL or hashlib.sha256(content).hexdigest().encode() == digest

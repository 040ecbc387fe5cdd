"""An output folder with a record of all files written into it, so that no change made by hand is lost."""

import contextlib
import hashlib
import json
import os
import pathlib
from collections.abc import Iterator

from workshop_utils.core import files

RECORD = ".detections.jsonl"
"""The record: a line of JSON for each written file, with its name and its digest."""


class OutputFolder:
    """A folder, and the record of the files that this call and earlier ones wrote into it.

    A file is foreign if its content was never written here, so someone else created or changed it.

    Attributes:
        folder: The path of the folder.
    """

    def __init__(self, folder: pathlib.Path, record: str = RECORD):
        self.folder = pathlib.Path(folder)
        self._record = self.folder / record
        self._written = _recorded(self._record)

    @property
    def is_known(self) -> bool:
        """Whether anything has been written here."""
        return bool(self._written)

    def is_foreign(self, name: str) -> bool:
        """Return whether a file exists whose present content was not written here."""
        return os.path.lexists(self.folder / name) and (name, _digest(self.folder / name)) not in self._written

    def write(self, name: str, data: bytes) -> bool:
        """Write a file completely or not at all. A foreign file is kept, unless it already has the same content.

        The digest is recorded first, so that after an interruption both the old and the new content are on record.

        Args:
            name: The name of the file.
            data: Its content.

        Returns:
            Whether the file has this content now.

        Raises:
            WriteError: If the file or the record cannot be written.
        """
        digest = hashlib.sha256(data).hexdigest()
        if self.is_foreign(name) and _digest(self.folder / name) != digest:
            return False
        self._remember(name, digest)
        with files.replacing(self.folder / name) as unfinished:
            unfinished.write_bytes(data)
        return True

    @contextlib.contextmanager
    def replacing(self, name: str) -> Iterator[pathlib.Path]:
        """Write a large file completely or not at all. It replaces the one with this name, so ask `is_foreign` before.

        Args:
            name: The name of the file.

        Yields:
            A temporary path to write to.

        Raises:
            WriteError: If the file or the record cannot be written.
        """
        with files.replacing(self.folder / name) as unfinished:
            yield unfinished
            self._remember(name, str(_digest(unfinished)))

    def _remember(self, name: str, digest: str) -> None:
        if (name, digest) in self._written:
            return
        record = self._record
        try:
            if record.is_symlink():
                record.unlink()
            with open(record, "a", encoding="utf-8") as stream:
                stream.write(f"\n{json.dumps([name, digest])}")  # starts a new line even if the last one is truncated
        except OSError as error:
            raise files.WriteError(
                f"{record}: cannot be written ({files.reason(error)}). {files.remedy(error)}, and try again."
            ) from None
        self._written.add((name, digest))


def _recorded(record: pathlib.Path) -> set[tuple[str, str]]:
    """Return the (name, digest) pairs of a record, if it exists. Invalid lines are skipped."""
    try:
        lines = record.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    written = set()
    for line in lines:
        try:
            name, digest = json.loads(line)
            written.add((str(name), str(digest)))
        except (ValueError, TypeError):
            continue
    return written


def _digest(path: pathlib.Path) -> str | None:
    """Return the digest of a file, or None for a link, a folder or an unreadable file."""
    try:
        if path.is_symlink():
            return None
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None

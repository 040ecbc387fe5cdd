"""A folder that remembers what was written into it, so that nothing changed by hand is lost."""

import hashlib
import json
import os
import pathlib

from workshop_utils.core import files

RECORD = ".detections.jsonl"
"""Has a line for each file as it was written: its name and its digest."""


class OutputFolder:
    """A folder and the record of what was written into it, in this call and in earlier ones.

    A file is foreign if its content was never written here: somebody made it, or changed it since.
    """

    def __init__(self, folder: pathlib.Path, record: str = RECORD):
        self.folder = pathlib.Path(folder)
        self._record = self.folder / record
        self._written = _recorded(self._record)

    @property
    def is_known(self) -> bool:
        """Whether anything was ever written here."""
        return bool(self._written)

    def is_foreign(self, name: str) -> bool:
        """Return whether there is a file of that name that was not written here as it is now."""
        return os.path.lexists(self.folder / name) and (name, _digest(self.folder / name)) not in self._written

    def write(self, name: str, data: bytes) -> bool:
        """Write a file, whole or not at all; return False for a foreign one, which stays as it is.

        It is recorded first: where writing is interrupted, the file is the old one or the new one, and both are known.
        Raises WriteError.
        """
        digest = hashlib.sha256(data).hexdigest()
        if self.is_foreign(name) and _digest(self.folder / name) != digest:
            return False
        self._remember(name, digest)
        with files.replacing(self.folder / name) as unfinished:
            unfinished.write_bytes(data)
        return True

    def _remember(self, name: str, digest: str) -> None:
        if (name, digest) in self._written:
            return
        record = self._record
        try:
            if record.is_symlink():
                record.unlink()
            with open(record, "a", encoding="utf-8") as stream:
                stream.write(f"\n{json.dumps([name, digest])}")  # begins a line, whatever the last one lacks
        except OSError as fault:
            raise files.WriteError(
                f"{record}: cannot be written ({files.reason(fault)}). {files.remedy(fault)}, and do it again."
            ) from None
        self._written.add((name, digest))


def _recorded(record: pathlib.Path) -> set[tuple[str, str]]:
    """Return the (name, digest) pairs of a record; none where there is no record. A broken line is skipped."""
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
    """Return the digest of a file, None for a link, a folder, or what cannot be read."""
    try:
        return None if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None

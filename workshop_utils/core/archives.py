"""Unpack files from an untrusted tar archive: no links, devices, paths out of the folder, or gigabytes of zeros.

An archive with any of these is refused as a whole, even if they are not among the files to unpack.
"""

import gzip
import pathlib
import re
import shutil
import tarfile
import zlib
from typing import IO, BinaryIO, cast

from workshop_utils.core.errors import WorkshopError

MAX_BYTES = 1_000_000_000
"""The largest content of an archive, unpacked. The zoo's archive of SSD MobileNet v1 has about 130 MB."""

CHUNK = 1 << 20

GZIP = b"\x1f\x8b"
"""The first bytes of a file that gzip compressed."""


class ArchiveError(WorkshopError, ValueError):
    """An archive that cannot be unpacked, or is refused. The message names the archive and the file in it."""


def is_archive(path: pathlib.Path) -> bool:
    """Return whether a file looks like a tar archive, compressed by gzip or not."""
    with open(path, "rb") as stream:
        head = stream.read(512)
    return head.startswith(GZIP) or head[257:262] == b"ustar"


def unpack(archive: pathlib.Path, folder: pathlib.Path, pattern: str) -> list[pathlib.Path]:
    """Unpack the files of an archive whose names match a pattern.

    Args:
        archive: A tar archive, compressed by gzip or not.
        folder: An existing, empty folder.
        pattern: A regular expression for the name of a file without its folders.

    Returns:
        The paths of the unpacked files, in folders as in the archive.

    Raises:
        ArchiveError: If the archive is damaged, or contains a link, a device, a path out of the folder, or more than
            MAX_BYTES.
        OSError: If a file cannot be written.
    """
    unpacked = []
    try:
        with open(archive, "rb") as packed:
            content = _Limited(_decompressed(packed))
            with tarfile.open(fileobj=cast(BinaryIO, content), mode="r|") as members:
                for member in members:
                    path = _checked(member)
                    wanted = member.isreg() and re.fullmatch(pattern, path.name)
                    if wanted and (stream := members.extractfile(member)):
                        unpacked.append(_write(stream, folder / path))
            while content.read(CHUNK):  # gzip's checksum is at the end
                pass
    except _RefusedError as error:
        raise ArchiveError(f"{archive}: is refused: {error}. Nothing in it was used.") from None
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, UnicodeError) as error:
        what = f"is not a tar archive, or is truncated or damaged ({error}). Copy or download it again"
        raise ArchiveError(f"{archive}: {what}.") from None
    return unpacked


def _write(stream: IO[bytes], target: pathlib.Path) -> pathlib.Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target, "wb") as unpacked:
        shutil.copyfileobj(stream, unpacked)
    return target


class _RefusedError(ArchiveError):
    """The reason why an archive is refused."""


class _Limited:
    """A stream for tarfile that is refused after MAX_BYTES, no matter which sizes the archive states."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile):
        self.stream, self.left = stream, MAX_BYTES

    def read(self, size: int) -> bytes:
        data = self.stream.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise _RefusedError(f"it has more than {MAX_BYTES:,} bytes when it is unpacked")
        return data


def _decompressed(packed: BinaryIO) -> BinaryIO | gzip.GzipFile:
    compressed = packed.read(len(GZIP)) == GZIP
    packed.seek(0)
    return gzip.open(packed) if compressed else packed


def _checked(member: tarfile.TarInfo) -> pathlib.PurePosixPath:
    """Return the relative path of a member. Raises _RefusedError if it is anything but a file or a folder in it."""
    path = pathlib.PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or re.search(r"[\\:\0]", member.name):
        raise _RefusedError(f"the path {member.name!r} leads out of the folder")
    if not (member.isreg() or member.isdir()):
        raise _RefusedError(f"{member.name!r} is a link or a device")
    if member.size > MAX_BYTES:  # also of a sparse file, which takes few bytes in the archive
        raise _RefusedError(f"{member.name!r} has {member.size:,} bytes")
    return path

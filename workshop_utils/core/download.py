"""Download one file with a known address, size and hash. Nothing in it is read before its hash is verified."""

import dataclasses
import http.client
import pathlib
import urllib.request

from tqdm.auto import tqdm

from workshop_utils.core import files, npm
from workshop_utils.core.npm import PackageError

CHUNK = 1 << 18
"""Bytes read at once."""

TIMEOUT = 60.0
"""Seconds without an answer after which a download fails."""


@dataclasses.dataclass(frozen=True)
class Download:
    """A file on the internet.

    Attributes:
        address: Its address. The last part is the file's name.
        size: Its size in bytes. A longer download is stopped.
        sha256: Its hash.
    """

    address: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.address.rsplit("/", 1)[-1]


def fetch(wanted: Download, folder: pathlib.Path) -> pathlib.Path:
    """Return the path of a verified file in a folder; download it first if it is not there, with a progress bar.

    Raises:
        PackageError: If the download fails, or the hash is another. A download with another hash is deleted.
        WriteError: If the folder cannot be written to.
    """
    path = folder / wanted.name
    if path.exists():
        npm.verify(path, wanted.sha256)
        return path
    with files.replacing(path) as unfinished:
        _download(wanted, unfinished, path)
        try:
            npm.verify(unfinished, wanted.sha256)
        except PackageError as error:
            raise PackageError(str(error).replace(str(unfinished), wanted.address)) from None
    return path


def _download(wanted: Download, target: pathlib.Path, path: pathlib.Path) -> None:
    remedy = f"Go online and run this again, or copy {path.name} from another machine into {path.parent}."
    bar = tqdm(total=wanted.size, desc=wanted.name, unit="B", unit_scale=True)
    with open(target, "wb") as stream, bar:
        try:
            response = urllib.request.urlopen(wanted.address, timeout=TIMEOUT)
        except (OSError, http.client.HTTPException) as error:
            raise PackageError(f"{wanted.address}: cannot be downloaded ({error}). {remedy}") from None
        with response:
            while chunk := _read(response, wanted, remedy):
                stream.write(chunk)
                bar.update(len(chunk))
                if stream.tell() > wanted.size:
                    what = f"the file is larger than {wanted.size:,} bytes, so it is not the expected one"
                    raise PackageError(f"{wanted.address}: the download was stopped: {what}. {remedy}")
            if stream.tell() < wanted.size:
                what = f"was interrupted after {stream.tell():,} of {wanted.size:,} bytes"
                raise PackageError(f"{wanted.address}: the download {what}. {remedy}")


def _read(response: http.client.HTTPResponse, wanted: Download, remedy: str) -> bytes:
    try:
        return response.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise PackageError(f"{wanted.address}: the download was interrupted ({error!r}). {remedy}") from None

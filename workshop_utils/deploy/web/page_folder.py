"""Write the page: as a folder for any static host, or as one HTML file that works from disk."""

import os
import pathlib

from workshop_utils.core import files
from workshop_utils.deploy.output_folder import OutputFolder
from workshop_utils.deploy.web import page_files, single_file
from workshop_utils.deploy.web.networks import Network

RECORD = ".page.jsonl"
"""The file in the folder that says what was written there."""


def write(network: Network, folder: pathlib.Path) -> list[pathlib.Path]:
    """Write the page of a detector into a folder; return the files in it that were changed by hand, and are kept.

    A page that was written there before is replaced.

    Raises:
        WriteError: If the folder contains other files, or cannot be written to.
        PackageError: If the runtime is not available.
    """
    out = OutputFolder(folder, RECORD)
    if out.folder.exists() and not out.folder.is_dir():
        raise files.WriteError(f"{out.folder}: is a file, not a folder. Choose another --out.")
    if not out.is_known and out.folder.exists():
        others = sorted(name for name in os.listdir(out.folder) if not name.startswith("."))
        if others:
            raise files.WriteError(
                f"{out.folder}: contains other files ({others[0]}). Choose an empty folder, or a new one."
            )
    kept = []
    for name, data in page_files.contents(network).items():
        files.make_folder((out.folder / name).parent)
        if not out.write(name, data):
            kept.append(out.folder / name)
    return kept


def write_single(network: Network, path: pathlib.Path) -> pathlib.Path:
    """Write the page of a detector as one HTML file; return its path.

    Raises:
        WriteError: If another file or a folder is at the path, or it cannot be written.
        PackageError: If the runtime is not available.
    """
    if path.is_dir() or (path.exists() and single_file.MARK not in path.read_bytes()[:2000]):
        raise files.WriteError(f"{path}: is a folder, or a file that is not such a page. Choose another --out.")
    files.make_folder(path.parent)
    with files.replacing(path) as unfinished:
        unfinished.write_bytes(single_file.join(page_files.contents(network)))
    return path

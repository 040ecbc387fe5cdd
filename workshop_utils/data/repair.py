"""Write a repaired copy of a data set. The data set itself is not changed."""

import dataclasses
import pathlib
import shutil

from workshop_utils.core import files, untrusted
from workshop_utils.core.errors import WorkshopError
from workshop_utils.data import folders, label_map, voc
from workshop_utils.data.annotation import VocError
from workshop_utils.data.finding_kinds import Kind
from workshop_utils.data.findings import summary
from workshop_utils.data.inspection import Inspection, Usable

SET_ASIDE = "set_aside"
REPORT = "findings.txt"


class RepairError(WorkshopError):
    """A copy that cannot be made. The message names the folder and what to do."""


@dataclasses.dataclass(frozen=True)
class RepairedCopy:
    """A repaired copy of a data set.

    Attributes:
        folder: The copy's folder.
        photos: The number of photos that can be used.
        set_aside: The files of the data set that are unchanged in the copy's `set_aside/`.
        messages: A line for each file that could not be copied or repaired.
    """

    folder: pathlib.Path
    photos: int
    set_aside: list[pathlib.Path]
    messages: list[str]


def default_folder(folder: pathlib.Path) -> pathlib.Path:
    """Return the default folder for a copy: next to the data set, with `-fixed` appended to its name.

    For a whole drive, which has no name, the result is inside the drive; `check_target` rejects it.
    """
    folder = pathlib.Path(folder).resolve()
    return folder.parent / f"{folder.name}-fixed"


def check_target(folder: pathlib.Path, out: pathlib.Path) -> None:
    """Check that a copy of a data set may be written to a folder.

    Args:
        folder: The data set's folder.
        out: The folder for the copy.

    Raises:
        RepairError: If `out` is inside the data set, or exists and is not empty.
    """
    out = pathlib.Path(out)
    if not untrusted.is_outside(out, pathlib.Path(folder)):
        raise RepairError(f"{out}: is inside the data set, which must not change. Name another folder with --out.")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise RepairError(f"{out}: exists and is not empty. Name another folder with --out, or delete it first.")


def copy(found: Inspection, out: pathlib.Path) -> RepairedCopy:
    """Write a repaired copy of a data set.

    The copy has the usable photos with their annotations, repaired if necessary; all other files, unchanged, in
    `set_aside/`; and a report. Photos, and annotations that need no repair, are copied byte for byte. If a repaired
    annotation lacks content of the original, such as the boxes of parts, `set_aside/` also has the original. If XML
    cannot store a repaired annotation because of a character in the photo's name, both are set aside. The copy appears
    complete or not at all.

    Args:
        found: The inspection of the data set.
        out: The folder for the copy.

    Raises:
        RepairError: If no photo can be used, or `check_target` rejects the folder.
        WriteError: If the copy cannot be written.
    """
    out = pathlib.Path(out)
    check_target(found.folder, out)
    if found.problem:
        raise RepairError(f"{found.problem} There is nothing to copy.")
    with files.new_folder(out) as unfinished:
        written, incomplete, messages = _write_usable(found, unfinished)
        if not written:
            messages.append(f"{out}: would have no photos. There is nothing to copy.")
            raise RepairError("\n".join(messages))
        used = {path for each in written for path in (each.photo, each.xml)}
        set_aside, denied = _write_rest(found, used - incomplete, unfinished)
        messages += denied
        files.write_text(_report(found, messages), unfinished / REPORT)
    return RepairedCopy(out, len(written), set_aside, messages)


def _write_usable(found: Inspection, out: pathlib.Path) -> tuple[list[Usable], set[pathlib.Path], list[str]]:
    """Write the usable photos and annotations into an empty folder.

    Returns:
        What was written, the annotations whose copy lacks content of the original, and a line for each photo that could
        not be written.
    """
    written, incomplete, messages = list[Usable](), set[pathlib.Path](), list[str]()
    for part in ("images", "annotations"):
        (out / part).mkdir()
    for each in found.usable:
        photo, xml = out / "images" / each.annotation.filename, out / "annotations" / f"{each.photo.stem}.xml"
        if photo.exists() or xml.exists():  # some drives ignore case
            messages.append(f"{each.photo}: is set aside in the copy: another file has its name. Rename it.")
            continue
        original = voc.read_as_written(each.xml)
        try:
            if each.annotation == original:
                shutil.copy2(each.xml, xml)
            else:
                voc.write(each.annotation, xml)
                incomplete |= {each.xml} if original.unread else set()
        except VocError as error:
            what = str(error).removeprefix(f"{xml}: ")
            messages.append(f"{each.photo}: is set aside in the copy: its annotation {what}")
            continue
        shutil.copy2(each.photo, photo)
        written.append(each)
    if (found.folder / label_map.FILENAME).exists():
        shutil.copy2(found.folder / label_map.FILENAME, out)
    return written, incomplete, messages


def _write_rest(found: Inspection, used: set[pathlib.Path], out: pathlib.Path) -> tuple[list[pathlib.Path], list[str]]:
    """Copy the files that are not used into `out`. Return them, and a line for each that could not be copied."""
    denied = "is not copied: you have no permission to read it. It is only in the data set itself."
    folders_denied = [each.file for each in found.all_findings if each.kind is Kind.DENIED and each.file.is_dir()]
    set_aside, messages = list[pathlib.Path](), [f"{path}: {denied}" for path in folders_denied]
    for path in _unused(found, used):
        target = out / SET_ASIDE / path.relative_to(found.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        if untrusted.is_outside(path, found.folder):
            messages.append(f"{path}: is not copied: it is a link that leads out of the data set.")
            continue
        if target.exists():
            messages.append(f"{path}: is not copied: another file has its name. Rename it.")
            continue
        try:
            shutil.copy2(path, target)
            set_aside.append(path)
        except PermissionError:
            messages.append(f"{path}: {denied}")
    return set_aside, messages


def _report(found: Inspection, messages: list[str]) -> str:
    """Return the report: each finding with its outcome, the messages and the summary."""
    findings = [f"{each.kind.outcome.value}: {each}" for each in found.all_findings]
    text = "\n".join([*findings, *messages, "", summary(found.all_findings), ""])
    return text.encode("utf-8", "backslashreplace").decode()  # a file's name may not be valid text


def _unused(found: Inspection, used: set[pathlib.Path]) -> list[pathlib.Path]:
    """Return the files among the photos and annotations, at any depth, that are neither used nor hidden."""
    paths = {path for folder in folders.find(found.folder) for path in folder.rglob("*")}
    shown = {path for path in paths if not any(name.startswith(".") for name in path.relative_to(found.folder).parts)}
    return sorted(path for path in shown - used - {found.folder / label_map.FILENAME} if path.is_file())

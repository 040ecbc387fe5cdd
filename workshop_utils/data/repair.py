"""Write a repaired copy of a data set. The data set itself is only read."""

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
    """A copy that cannot be written; the message names the folder and what to do."""


@dataclasses.dataclass(frozen=True)
class RepairedCopy:
    """A repaired copy: its folder, how many `photos` are good in it, the files of the data set that are `set_aside` in
    it as they were, and a line on each that could not be copied or repaired."""

    folder: pathlib.Path
    photos: int
    set_aside: list[pathlib.Path]
    said: list[str]


def default_folder(folder: pathlib.Path) -> pathlib.Path:
    """Return where the copy of a data set goes by default: beside it, its name with `-fixed` appended.

    A whole drive has no name and nothing beside it, so what is returned for it is inside it, and is refused.
    """
    folder = pathlib.Path(folder).resolve()
    return folder.parent / f"{folder.name}-fixed"


def check_target(folder: pathlib.Path, out: pathlib.Path) -> None:
    """Raise RepairError where a copy of `folder` must not be written to `out`."""
    out = pathlib.Path(out)
    if not untrusted.is_outside(out, pathlib.Path(folder)):
        raise RepairError(f"{out}: is inside the data set, which is not changed. Name another folder with --out.")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise RepairError(f"{out}: exists and is not empty. Name another folder with --out, or delete it first.")


def copy(found: Inspection, out: pathlib.Path) -> RepairedCopy:
    """Write what is usable, repaired, into `out`; every other file, as it is, into its `set_aside/`; and a report.

    Photos and annotations that need no repair are copied byte for byte; where a repaired annotation lacks something of
    the original, such as the boxes of parts, the original is kept in `set_aside/`, too. Where XML cannot hold a
    repaired annotation, because of a character in the photo's name, both are set aside. The copy appears whole or not
    at all. Raises RepairError where nothing is usable, or the copy cannot be written.
    """
    out = pathlib.Path(out)
    check_target(found.folder, out)
    if found.problem:
        raise RepairError(f"{found.problem} There is nothing to make a copy of.")
    try:
        with files.new_folder(out) as unfinished:
            written, kept, said = _write_usable(found, unfinished)
            if not written:
                raise RepairError(
                    "\n".join([*said, f"{out}: would hold no photo. There is nothing to make a copy of."])
                )
            used = {path for each in written for path in (each.photo, each.xml)}
            set_aside, denied = _write_rest(found, used - kept, unfinished)
            said += denied
            files.write_text(_report(found, said), unfinished / REPORT)
    except OSError as error:
        why = files.reason(error)
        raise RepairError(f"{out}: the copy could not be written ({why}). The data set is as it was.") from None
    return RepairedCopy(out, len(written), set_aside, said)


def _write_usable(found: Inspection, out: pathlib.Path) -> tuple[list[Usable], set[pathlib.Path], list[str]]:
    """Write photos and annotations into an empty folder.

    Returns those that were written, the annotations that hold more than what was written of them, and a line on each
    that cannot be written.
    """
    written, kept, said = [], set(), []
    for part in ("images", "annotations"):
        (out / part).mkdir()
    for each in found.usable:
        photo, xml = out / "images" / each.annotation.filename, out / "annotations" / f"{each.photo.stem}.xml"
        if photo.exists() or xml.exists():  # names in capitals are the same on some drives
            said.append(f"{each.photo}: is set aside in the copy, because a file of that name is there. Rename it.")
            continue
        original = voc.read_as_written(each.xml)
        try:
            if each.annotation == original:
                shutil.copy2(each.xml, xml)
            else:
                voc.write(each.annotation, xml)
                kept |= {each.xml} if original.unread else set()
        except VocError as error:
            what = str(error).removeprefix(f"{xml}: ")
            said.append(f"{each.photo}: is set aside in the copy, because its annotation {what}")
            continue
        shutil.copy2(each.photo, photo)
        written.append(each)
    if (found.folder / label_map.FILENAME).exists():
        shutil.copy2(found.folder / label_map.FILENAME, out)
    return written, kept, said


def _write_rest(found: Inspection, used: set[pathlib.Path], out: pathlib.Path) -> tuple[list[pathlib.Path], list[str]]:
    """Write what was not used into `out`; return those files, and a line on what is not copied."""
    unread = "could not be copied, as it may not be read; it is only in the data set itself."
    closed = [each.file for each in found.all_findings if each.kind is Kind.DENIED and each.file.is_dir()]
    set_aside, said = [], [f"{path}: {unread}" for path in closed]
    for path in _unused(found, used):
        target = out / SET_ASIDE / path.relative_to(found.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        if untrusted.is_outside(path, found.folder):
            said.append(f"{path}: is not copied, as it leads out of the data set.")
            continue
        if target.exists():
            said.append(f"{path}: is not copied, as a file of that name is there. Rename it.")
            continue
        try:
            shutil.copy2(path, target)
            set_aside.append(path)
        except PermissionError:
            said.append(f"{path}: {unread}")
    return set_aside, said


def _report(found: Inspection, said: list[str]) -> str:
    """Return all there is to say, each finding with its outcome; a file's name may be no text."""
    findings = [f"{each.kind.outcome.value}: {each}" for each in found.all_findings]
    return (
        "\n".join([*findings, *said, "", summary(found.all_findings), ""]).encode("utf-8", "backslashreplace").decode()
    )


def _unused(found: Inspection, used: set[pathlib.Path]) -> list[pathlib.Path]:
    """Return all files among the photos and annotations, however deep, that are neither used nor hidden."""
    paths = sorted({path for folder in folders.find(found.folder) for path in folder.rglob("*")})
    hidden = [any(name.startswith(".") for name in path.relative_to(found.folder).parts) for path in paths]
    passed = used | {found.folder / label_map.FILENAME}
    return [path for path, hides in zip(paths, hidden) if path.is_file() and not hides and path not in passed]

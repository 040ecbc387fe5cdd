"""Write a repaired copy of a data set. The data set itself is only read."""

import dataclasses
import pathlib
import shutil

from workshop_utils.core import files, untrusted
from workshop_utils.core.errors import WorkshopError
from workshop_utils.data import label_map, voc
from workshop_utils.data.findings import Kind, summary
from workshop_utils.data.inspection import Inspection

SET_ASIDE = "set_aside"
REPORT = "findings.txt"


class RepairError(WorkshopError):
    """A copy that cannot be written; the message names the folder and what to do."""


@dataclasses.dataclass(frozen=True)
class Copied:
    """A repaired copy: its folder, how many `photos` are good in it, the files of the data set that are `set_aside` in
    it, and a line on each that could not be copied or repaired."""

    folder: pathlib.Path
    photos: int
    set_aside: list[pathlib.Path]
    said: list[str]


def beside(folder: pathlib.Path) -> pathlib.Path:
    """Return where the copy of a data set goes unless something else is said: its name with `-fixed` appended."""
    folder = pathlib.Path(folder).resolve()
    return folder.with_name(f"{folder.name}-fixed")


def refuse(folder: pathlib.Path, out: pathlib.Path) -> None:
    """Raise RepairError where a copy of `folder` must not be written to `out`."""
    out = pathlib.Path(out)
    if not untrusted.leaves(out, pathlib.Path(folder)):
        raise RepairError(f"{out}: lies inside the data set, which is not changed. Choose another --out.")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise RepairError(f"{out}: exists and is not empty. Choose another --out, or delete it first.")


def copy(found: Inspection, out: pathlib.Path) -> Copied:
    """Write what is usable, repaired, into `out`; every other file, as it is, into its `set_aside/`; and a report.

    Photos and annotations that need no repair are copied byte for byte. Where XML cannot hold a repaired annotation,
    because of a character in the photo's name, both are set aside. The copy appears whole or not at all. Raises
    RepairError where nothing is usable, or the copy cannot be written.
    """
    out = pathlib.Path(out)
    refuse(found.folder, out)
    if found.fault:
        raise RepairError(f"{found.fault} There is nothing to make a copy of.")
    try:
        with files.new_folder(out) as unfinished:
            used, said = _write_usable(found, unfinished)
            if not used:
                raise RepairError(
                    "\n".join([*said, f"{out}: would hold no photo. There is nothing to make a copy of."])
                )
            set_aside, denied = _write_rest(found, used, unfinished)
            said += denied
            files.write_text(_report(found, said), unfinished / REPORT)
    except OSError as fault:
        why = files.reason(fault)
        raise RepairError(f"{out}: the copy could not be written ({why}). The data set is as it was.") from None
    return Copied(out, len(used) // 2, set_aside, said)


def _write_usable(found: Inspection, out: pathlib.Path) -> tuple[set[pathlib.Path], list[str]]:
    """Write photos and annotations into an empty folder; return those of the data set that they were made of, and a
    line on each that cannot be written."""
    used, said = set(), []
    for part in ("images", "annotations"):
        (out / part).mkdir()
    for each in found.usable:
        xml = out / "annotations" / f"{each.photo.stem}.xml"
        try:
            if each.annotation == voc.read_as_written(each.xml):
                shutil.copy2(each.xml, xml)
            else:
                voc.write(each.annotation, xml)
        except voc.VocError as fault:
            what = str(fault).removeprefix(f"{xml}: ")
            said.append(f"{each.photo}: is set aside in the copy, because its annotation {what}")
            continue
        shutil.copy2(each.photo, out / "images" / each.annotation.filename)
        used |= {each.photo, each.xml}
    if (found.folder / label_map.FILENAME).exists():
        shutil.copy2(found.folder / label_map.FILENAME, out)
    return used, said


def _write_rest(found: Inspection, used: set[pathlib.Path], out: pathlib.Path) -> tuple[list[pathlib.Path], list[str]]:
    """Write what was not used into `out`; return those files, and a line on what is not copied."""
    unread = "could not be copied, as it may not be read; it is only in the data set itself."
    folders = [each.file for each in found.said if each.kind is Kind.DENIED and each.file.is_dir()]
    set_aside, said = [], [f"{path}: {unread}" for path in folders]
    for path in _unused(found, used):
        target = out / SET_ASIDE / path.relative_to(found.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        if untrusted.leaves(path, found.folder):
            said.append(f"{path}: is not copied, as it leads out of the data set.")
            continue
        try:
            shutil.copy2(path, target)
            set_aside.append(path)
        except PermissionError:
            said.append(f"{path}: {unread}")
    return set_aside, said


def _report(found: Inspection, said: list[str]) -> str:
    """Return all there is to say, each finding with what became of it; a file's name may be no text."""
    findings = [f"{each.kind.outcome.value}: {each}" for each in found.said]
    return "\n".join([*findings, *said, "", summary(found.said), ""]).encode("utf-8", "backslashreplace").decode()


def _unused(found: Inspection, used: set[pathlib.Path]) -> list[pathlib.Path]:
    """Return all files under images/ and annotations/, however deep, that are neither used nor hidden."""
    paths = [path for part in ("images", "annotations") for path in sorted((found.folder / part).rglob("*"))]
    hidden = [any(name.startswith(".") for name in path.relative_to(found.folder).parts) for path in paths]
    return [path for path, hides in zip(paths, hidden) if path.is_file() and not hides and path not in used]

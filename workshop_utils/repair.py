"""Write a repaired copy of a data set. The data set itself is only read."""

import dataclasses
import os
import pathlib
import shutil

from workshop_utils import files, guards, label_map, voc
from workshop_utils.errors import WorkshopError
from workshop_utils.examination import Examination
from workshop_utils.findings import summary

SET_ASIDE = "set_aside"
REPORT = "findings.txt"


class RepairError(WorkshopError):
    """A copy that cannot be written; the message names the folder and what to do."""


@dataclasses.dataclass(frozen=True)
class Copied:
    """A repaired copy: its folder, and the files of the data set that are set aside in it or could not be copied."""

    folder: pathlib.Path
    set_aside: list[pathlib.Path]
    not_copied: list[pathlib.Path]


def beside(folder: pathlib.Path) -> pathlib.Path:
    """Return where the copy of a data set goes unless something else is said: its name with `-fixed` appended."""
    folder = pathlib.Path(folder).resolve()
    return folder.with_name(f"{folder.name}-fixed")


def refuse(folder: pathlib.Path, out: pathlib.Path) -> None:
    """Raise RepairError where a copy of `folder` must not be written to `out`."""
    out = pathlib.Path(out)
    if not guards.leaves(out, pathlib.Path(folder)):
        raise RepairError(f"{out}: lies inside the data set, which is not changed. Choose another --out.")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise RepairError(f"{out}: exists and is not empty. Choose another --out, or delete it first.")


def copy(found: Examination, out: pathlib.Path) -> Copied:
    """Write what is usable, repaired, into `out`; every other file, as it is, into its `set_aside/`; and a report.

    Photos and annotations that need no repair are copied byte for byte. The copy appears whole or not at all. Raises
    RepairError where nothing is usable, or the copy cannot be written.
    """
    out = pathlib.Path(out)
    refuse(found.folder, out)
    if found.fault:
        raise RepairError(f"{found.fault} There is nothing to make a copy of.")
    unfinished = out.with_name(f"part-{os.getpid()}-{out.name}")
    try:
        unfinished.mkdir(parents=True)
        set_aside, not_copied = _write(found, unfinished)
        if out.exists():
            out.rmdir()
        unfinished.rename(out)
    except OSError as fault:
        why = files.reason(fault)
        raise RepairError(f"{out}: the copy could not be written ({why}). The data set is as it was.") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return Copied(out, set_aside, not_copied)


def _write(found: Examination, out: pathlib.Path) -> tuple[list[pathlib.Path], list[pathlib.Path]]:
    """Write the copy into an empty folder; return the files set aside in it and those that cannot be read."""
    for part in ("images", "annotations"):
        (out / part).mkdir()
    for each in found.usable:
        xml = out / "annotations" / f"{each.photo.stem}.xml"
        shutil.copy2(each.photo, out / "images" / each.annotation.filename)
        if each.annotation == voc.read_as_written(each.xml):
            shutil.copy2(each.xml, xml)
        else:
            voc.write(each.annotation, xml)
    if (found.folder / label_map.FILENAME).exists():
        shutil.copy2(found.folder / label_map.FILENAME, out)
    set_aside, not_copied = [], []
    for path in _unused(found):
        target = out / SET_ASIDE / path.relative_to(found.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if guards.leaves(path, found.folder):
                raise PermissionError
            shutil.copy2(path, target)
            set_aside.append(path)
        except PermissionError:
            not_copied.append(path)
    lines = [f"{each.kind.outcome.value}: {each}" for each in found.said]
    lines += [f"not copied: {path}: it may not be read; it is only in the data set itself." for path in not_copied]
    report = "\n".join([*lines, "", summary(found.said), ""])
    files.write_text(report.encode("utf-8", "backslashreplace").decode(), out / REPORT)  # a name may be no text
    return set_aside, not_copied


def _unused(found: Examination) -> list[pathlib.Path]:
    """Return all files under images/ and annotations/, however deep, that are neither usable nor hidden."""
    used = {path for each in found.usable for path in (each.photo, each.xml)}
    paths = [path for part in ("images", "annotations") for path in sorted((found.folder / part).rglob("*"))]
    hidden = [any(name.startswith(".") for name in path.relative_to(found.folder).parts) for path in paths]
    return [path for path, hides in zip(paths, hidden) if path.is_file() and not hides and path not in used]

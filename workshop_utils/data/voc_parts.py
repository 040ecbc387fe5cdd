"""The split that a Pascal VOC data set comes with: lists in ImageSets/Main, or one folder for each part."""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping

from workshop_utils.core import files, text, untrusted
from workshop_utils.data import folders
from workshop_utils.data.annotation import VocError
from workshop_utils.data.findings import Finding
from workshop_utils.data.labels import PARTS, LabelledPhoto, Labels
from workshop_utils.data.names import composed

LISTS = ("ImageSets", "Main")
"""The folder of the lists. Each is a text file with a photo's stem per line (VOC 2012's development kit)."""


def read(folder: pathlib.Path) -> dict[str, str]:
    """Return {stem: part} from train.txt, val.txt and test.txt in ImageSets/Main, {} if there are no lists.

    Raises:
        VocError: If a list cannot be read, or a stem is in two of them.
    """
    part_of: dict[str, str] = {}
    for part in ("train", "val", "test"):
        path = folder.joinpath(*LISTS, f"{part}.txt")
        if not path.is_file():
            continue
        if untrusted.is_outside(path, folder):
            raise VocError(f"{path}: {untrusted.LINK_OUTSIDE}")
        try:
            lines = text.read(path).splitlines()
        except (OSError, text.EncodingError) as error:
            raise VocError(f"{path}: cannot be read ({error}). Correct it, or remove it.") from None
        for stem in (composed(line.strip()) for line in lines if line.strip()):
            if part_of.setdefault(stem, part) != part:
                raise VocError(f"{path}: lists {stem}, which {part_of[stem]}.txt lists, too. Remove it from one.")
    return part_of


def write(part_of: Mapping[str, str], folder: pathlib.Path) -> None:
    """Write the lists of a split, {stem: part}. Photos whose part is "" are in none."""
    for part in ("train", "val", "test"):
        stems = [stem for stem, each in part_of.items() if each == part]
        if stems:
            folder.joinpath(*LISTS).mkdir(parents=True, exist_ok=True)
            files.write_text("".join(f"{stem}\n" for stem in stems), folder.joinpath(*LISTS, f"{part}.txt"))


def find(folder: pathlib.Path) -> dict[pathlib.Path, str]:
    """Return {folder: part} for the folders train, valid and test that are data sets, as Roboflow exports them."""
    return {
        path: PARTS[path.name.lower()]
        for path in sorted(folder.iterdir() if folder.is_dir() else ())
        if path.name.lower() in PARTS and not untrusted.is_outside(path, folder) and _is_data_set(path)
    }


def read_folders(folder: pathlib.Path, read_voc: Callable[[pathlib.Path], Labels]) -> Labels:
    """Return the labels of all parts of a data set.

    Args:
        folder: The data set's folder.
        read_voc: Reads one part.
    """
    photos, findings = list[LabelledPhoto](), list[Finding]()
    for path, part in find(folder).items():
        labels = read_voc(path)
        photos += [dataclasses.replace(each, part=part) for each in labels.photos]
        findings += labels.findings
    return Labels(folder, photos, findings)


def _is_data_set(folder: pathlib.Path) -> bool:
    try:
        folders.find(folder)
    except VocError:
        return False
    return True

"""The folder of a merged data set: what people agree on as Pascal VOC, and the decisions that are left as a table.

A photo that waits for a decision is in images/, but its annotation is not in annotations/ yet, so training skips it: a
network would learn an object without a box as background.
"""

import csv
import io
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from workshop_utils.core import files, untrusted
from workshop_utils.core.errors import WorkshopError
from workshop_utils.curation.consensus import Version
from workshop_utils.curation.merging import Merged, MergedPhoto
from workshop_utils.data import voc_folder
from workshop_utils.data.annotation import Box
from workshop_utils.data.dataset import Dataset
from workshop_utils.evaluation.agreement import PairAgreement

UNDECIDED = "undecided.csv"
"""The table of the decisions that are left: a row for each box of each version, or for a version without a box."""

OUTVOTED = "outvoted.csv"
"""The table of the versions that had no majority, in the same columns."""

AGREEMENT = "agreement.csv"
"""The table with a row for each pair of people."""

DRAWN = "undecided"
"""The folder with the boxes that people agree on, for each photo that waits for a decision."""

COLUMNS = ("photo", "place", "version", "people", "name", "xmin", "ymin", "xmax", "ymax", "truncated", "difficult")


class MergedFolderError(WorkshopError, ValueError):
    """A folder without a table of decisions, or with one that cannot be read. The message names the line."""


def write(merged: Merged, out: pathlib.Path) -> None:
    """Write a merged data set. The folder appears complete or not at all.

    Raises:
        DatasetError: If a photo's name cannot be written.
        PhotoError: If a photo has changed since it was loaded.
        WriteError: If the folder is not empty or cannot be written.
    """
    everything = Dataset([each.photo for each in merged.photos], merged.label_map)
    with files.new_folder(out) as unfinished:
        voc_folder.write(everything, unfinished)
        (unfinished / DRAWN).mkdir()
        for each in merged.undecided:
            xml = f"{pathlib.Path(each.photo.name).stem}.xml"
            (unfinished / "annotations" / xml).rename(unfinished / DRAWN / xml)
        tables = {UNDECIDED: [each.found.undecided for each in merged.photos],
                  OUTVOTED: [each.found.outvoted for each in merged.photos]}  # fmt: skip
        for name, places in tables.items():
            rows = [row for each, versions in zip(merged.photos, places, strict=True) for row in _rows(each, versions)]
            files.write_text(_table(COLUMNS, rows), unfinished / name)
        rows = [agreement_row(each) for each in merged.pairs()]
        files.write_text(
            _table(rows[0] if rows else ("first", "second"), map(dict.values, rows)), unfinished / AGREEMENT
        )


def agreement_row(pair: PairAgreement) -> dict[str, Any]:
    """Return a pair's agreement as a row of a table, with the two names that are confused most."""
    confused = max(pair.renamed, key=lambda names: pair.renamed[names], default=None)
    return {
        "first": pair.first,
        "second": pair.second,
        "photos": pair.photos,
        "agreement": _rounded(pair.share),
        "both": pair.both,
        "only first": pair.only_first,
        "only second": pair.only_second,
        "mean IoU": _rounded(pair.mean_iou),
        "same name": _rounded(pair.same_name),
        "most confused": f"{confused[0]} / {confused[1]} ({pair.renamed[confused]})" if confused else "",
    }


def read_undecided(folder: pathlib.Path) -> dict[str, list[list[tuple[str, list[Box]]]]]:
    """Return the decisions that are left: {photo: for each place, its versions: (people, boxes)}.

    Raises:
        MergedFolderError: If there is no table, or it cannot be read.
    """
    path = pathlib.Path(folder) / UNDECIDED
    found: dict[str, dict[str, dict[str, tuple[str, list[Box]]]]] = {}
    line = 1
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            for row in csv.DictReader(stream):
                line += 1
                row = {key: _without_apostrophe(cell) for key, cell in row.items()}
                version = found.setdefault(row["photo"], {}).setdefault(row["place"], {})
                boxes = version.setdefault(row["version"], (row["people"], []))[1]
                if row["name"]:
                    xmin, ymin, xmax, ymax = (float(row[edge]) for edge in COLUMNS[5:9])
                    truncated, difficult = (int(row[flag]) for flag in COLUMNS[9:])
                    edges = xmin, ymin, xmax, ymax
                    boxes.append(Box(row["name"], *edges, truncated=truncated, difficult=difficult))
    except FileNotFoundError:
        raise MergedFolderError(f"{path}: there is no such table. Name a folder that `merge` wrote.") from None
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        what = f"{path}: line {line} cannot be read ({error}). Restore the line, or merge again."
        raise MergedFolderError(what) from None
    return {photo: [list(each.values()) for each in places.values()] for photo, places in found.items()}


def _rows(merged: MergedPhoto, places: Iterable[Sequence[Version]]) -> Iterable[tuple]:
    """Yield the rows of one photo's places."""
    for place, versions in enumerate(places, start=1):
        for number, version in enumerate(versions, start=1):
            start = (merged.photo.name, place, number, ", ".join(version.people))
            for label in version.labels:
                box = np.multiply(label.box, (merged.photo.height, merged.photo.width) * 2)
                ymin, xmin, ymax, xmax = (round(float(edge), 2) for edge in box)
                yield (*start, label.name, xmin, ymin, xmax, ymax, label.truncated, label.difficult)
            if not version.labels:
                yield (*start, *[""] * 7)


def _table(header: Iterable[str], rows: Iterable[Iterable]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in [header, *rows]:
        writer.writerow([untrusted.csv_cell(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()


def _without_apostrophe(cell: Any) -> Any:
    """Undo `untrusted.csv_cell`."""
    is_marked = isinstance(cell, str) and cell[:1] == "'" and untrusted.csv_cell(cell[1:]) == cell
    return cell[1:] if is_marked else cell


def _rounded(value: float) -> float | str:
    return "" if np.isnan(value) else round(value, 3)

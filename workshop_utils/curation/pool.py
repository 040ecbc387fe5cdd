"""Which photos of a folder or a data set have labels already, and which have not."""

import dataclasses
import pathlib

from workshop_utils.data import formats, photos
from workshop_utils.data.dataset import DatasetError
from workshop_utils.data.finding_kinds import Kind
from workshop_utils.data.findings import Finding


@dataclasses.dataclass(frozen=True)
class Pool:
    """Photos with and without labels.

    Attributes:
        unlabelled: The photos without labels.
        labelled: The photos with labels.
        classes: The names in these labels.
        findings: What is wrong with other files.
    """

    unlabelled: list[pathlib.Path]
    labelled: list[pathlib.Path] = dataclasses.field(default_factory=list)
    classes: list[str] = dataclasses.field(default_factory=list)
    findings: list[Finding] = dataclasses.field(default_factory=list)


def find(folder: pathlib.Path) -> Pool:
    """Return the photos of a folder, or of a data set in any format that is in files; `images` means the data set.

    Raises:
        PhotoError: If the folder cannot be listed.
        DatasetError: If the labels of the data set cannot be read.
    """
    place = folder.parent if folder.name == "images" else folder
    if folder.is_dir() and formats.recognise(place):
        try:
            data = formats.open_dataset(place)
        except DatasetError as error:
            if not error.findings:
                raise
            samples, classes, findings = [], [], error.findings
        else:
            samples, classes, findings = data.samples, list(data.label_map.values()), data.findings
        rest = [each for each in findings if each.kind is not Kind.NO_ANNOTATION]
        unlabelled = [each.file for each in findings if each.kind is Kind.NO_ANNOTATION]
        labelled = [each.source for each in samples if isinstance(each.source, pathlib.Path)]
        return Pool(unlabelled, labelled, classes, rest)
    inside = folder / "images"
    return Pool(photos.find(inside if inside.is_dir() and not photos.find(folder) else folder))

"""Read data sets with labels in COCO's JSON, as COCO, CVAT, Roboflow, Label Studio and labelme2coco write it.

One file has the boxes of many photos. The photos are found by the end of their path, so that a path of another machine
does no harm.
"""

import pathlib
import urllib.parse

from workshop_utils.data import coco_annotations, coco_file, labels
from workshop_utils.data.annotation import Annotation, Box
from workshop_utils.data.coco_annotations import Row, key
from workshop_utils.data.coco_file import CocoFile, written
from workshop_utils.data.finding_kinds import Kind
from workshop_utils.data.findings import Finding
from workshop_utils.data.labels import LabelledPhoto, Labels, Notes, PhotoIndex, UnreadError

OTHER_TASKS = ("keypoints", "captions", "panoptic", "stuff")
"""Words in the names of COCO's files for other tasks. They list the same photos as the file for detection."""

REMEDY = "List it in the images of the JSON file, or remove it."


def find(folder: pathlib.Path) -> list[pathlib.Path]:
    """Return the COCO JSON files below a folder, without those for other tasks next to one for detection."""
    below = labels.files_below(pathlib.Path(folder))[0]
    found = [path for path in below if path.suffix.lower() == ".json" and coco_file.is_coco(path)]
    detection = [path for path in found if not any(word in path.stem.lower() for word in OTHER_TASKS)]
    return detection or found


def read(folder: pathlib.Path) -> Labels:
    """Read all COCO JSON files below a folder, and find their photos.

    Raises:
        DatasetError: If a file is too large, not valid JSON or not COCO's.
    """
    folder = pathlib.Path(folder)
    below, findings = labels.files_below(folder)
    paths = [path for path in below if labels.is_photo(path)]
    index, entries = PhotoIndex(folder, paths), list[tuple[CocoFile, Row, bool]]()
    for content in map(coco_file.read, find(folder)):
        findings += content.findings
        corners = content.has_corners()
        entries += [(content, image, corners) for image in content.images]
    found = {
        number: _photos_of(image, index, content.path.parent) for number, (content, image, _) in enumerate(entries)
    }
    photos: list[LabelledPhoto] = []
    for number, match in labels.claims(found).items():
        content, image, corners = entries[number]
        if isinstance(match, str):
            findings.append(Finding(content.path, f"{written(image)}: {match}", Kind.NO_PHOTO))
            continue
        if found[number][1] < len(labels.parts_of(written(image))):
            what = f"has the path {written(image)}; {match.relative_to(folder)} is used for it."
            findings.append(Finding(content.path, what, Kind.OTHER_PLACE))
        part = labels.part_of(content.path.relative_to(folder))
        photos.append(LabelledPhoto(match, content.path, _read(content, image, match, corners), part, shared=True))
    listed = {path for each, _ in found.values() for path in each}
    findings += labels.unlabelled(paths, listed, REMEDY)
    return Labels(folder, sorted(photos, key=lambda each: each.photo), findings)


def _photos_of(image: Row, index: PhotoIndex, near: pathlib.Path) -> tuple[list[pathlib.Path], int]:
    """Return the photos that fit an image's file name. It may be a URL, as in Label Studio: ...?d=folder/photo.jpg."""
    name = written(image)
    found = index.find(name, near)
    if found[0]:
        return found
    path, _, query = name.partition("?")
    other = urllib.parse.parse_qs(query).get("d", [urllib.parse.unquote(path)])[0]
    return index.find(other, near)


def _read(content: CocoFile, image: Row, photo: pathlib.Path, corners: bool) -> Annotation | Finding:
    """Return an image's annotation, or a finding if one of its boxes cannot be read."""
    identity = key(image["id"])
    if identity in content.repeated:
        what = f"has the id {identity} of another image, so its boxes are unknown. Give each its own id."
        return Finding(content.path, what, Kind.REPEATED_ID)
    if corners:
        what = "has boxes that fit as two corners, not as COCO's x, y, width, height. Export them again."
        return Finding(content.path, what, Kind.BOX_ORDER)
    boxes, notes = list[Box](), Notes()
    for row in content.rows.get(identity, []):
        where = f"annotation {str(row.get('id'))[:20]}"
        try:
            box, found = coco_annotations.read(row, content.names)
        except UnreadError as error:
            return Finding(content.path, f"{where} {error}", error.kind)
        boxes.append(box)
        notes += [(kind, f"{where} {what}") for kind, what in found]
    if len(boxes) > labels.MAX_BOXES:
        what = f"has {len(boxes)} boxes. At most {labels.MAX_BOXES} can be learned from one photo."
        return Finding(content.path, what, Kind.UNREAD_LABEL)
    return Annotation(photo.name, *content.size(image), tuple(boxes), folder=photo.parent.name, notes=tuple(notes))

"""The objects of a Pascal VOC file, in whatever shape a program wrote them: boxes, and notes on what was not as usual.

What is not understood is a error: a box that was passed over would be learned as background.
"""

import math
import xml.etree.ElementTree as ElementTree

from workshop_utils.data import names, rotation
from workshop_utils.data.annotation import Box, VocError
from workshop_utils.data.finding_kinds import Kind

EDGES = ("xmin", "ymin", "xmax", "ymax")

MAX_QUOTED = 80
"""Letters of what a file says that are quoted in a message."""

CHILDREN = {
    "annotation": {"folder", "filename", "path", "source", "size", "segmented", "object"},
    "source": {"database"},
    "size": {"width", "height", "depth"},
    "object": {"name", "pose", "truncated", "difficult", "bndbox"},
    "bndbox": set(EDGES),
}
"""What labelImg writes, and so what a file that is written again still holds."""

LOCATION_TAGS = {
    "bndbox", "robndbox", "bbox", "box", "rectangle", "polygon", "polyline", "points", "xmin", "xmax", "xtl", "x1",
}  # fmt: skip
"""Elements that say where something is. Where one of them lies outside of all objects, something was labelled there."""

Notes = list[tuple[Kind, str]]


def read(root: ElementTree.Element) -> tuple[list[Box], Notes]:
    """Return the boxes of all objects below `root`, however deep, and notes.

    Raises VocError, without the file's name, for an object without a name or without four numbers, and for boxes that
    belong to no object.
    """
    objects = list(root.iter("object"))
    found = [_read_object(each, number) for number, each in enumerate(objects, start=1)]
    _refuse_boxes_elsewhere(root, objects)
    parts = {id(part) for each in objects for part in each.iter("part") if part.find(".//bndbox") is not None}
    below = sorted({each.tag for each in root.iter() for child in each if child.tag == "object"} - {"annotation"})
    notes = [(Kind.PARTS, f"holds boxes of {len(parts)} parts, which are not used.")] if parts else []
    if below:
        where = ", ".join(f"<{tag}>" for tag in below)
        notes.append((Kind.OTHER_TAGS, f"has objects below {where}; they are read like the others."))
    for each in found:
        notes += each[1]
    return [box for boxes, _ in found for box in boxes], notes + _odd_flags(objects)


def unread(root: ElementTree.Element) -> tuple[str, ...]:
    """Return the elements and attributes that are not read, and are lost where the file is written again.

    What lies below such an element is not named.
    """
    level, tags = [root], dict.fromkeys(root.attrib.keys() - {"verified"})
    while level:
        children = [(each, child) for each in level for child in each]
        tags |= {child.tag: None for each, child in children if child.tag not in CHILDREN.get(each.tag, ())}
        tags |= {name: None for _, child in children for name in child.attrib}
        level = [child for each, child in children if child.tag in CHILDREN.get(each.tag, ())]
    return tuple(tags)


def number(text: str | None) -> float:
    """Return a number in decimal notation, without spaces and invisible marks around it. Raises ValueError."""
    return float(names.composed(text or ""))


def whole_number(text: str | None) -> int | None:
    """Return a number that is whole and not negative, None for anything else."""
    try:
        value = number(text)
    except ValueError:
        return None
    return int(value) if math.isfinite(value) and value == int(value) and value >= 0 else None


def flag(text: str | None) -> int:
    """Return 1 for a share above 0 and for yes, 0 for what says neither; a whole number is taken as it is."""
    if (value := whole_number(text)) is not None:
        return value
    try:
        return int(0 < number(text) < math.inf)
    except ValueError:
        return int(names.tidy(text or "").lower() in ("true", "yes"))


def _read_object(element: ElementTree.Element, place: int) -> tuple[list[Box], Notes]:
    name = _only(element, "name", f"object {place}") or ""
    if not name.strip():
        raise VocError(f"object {place} has no <name>; give it a class.")
    where = f"object {place} ({names.tidy(name)[:MAX_QUOTED]})"
    angle, notes = _angle(element, where), []
    edges = [_edges(each, where) for each in element.findall("bndbox")]
    if not edges and (turned := element.findall("robndbox")):
        edges, angle = [], 0.0
        for each in turned:
            x, y, width, height, radians = (_value(each, tag, where) for tag in ("cx", "cy", "w", "h", "angle"))
            edges.append(rotation.enclosing_box((x, y), (width, height), radians))
        notes.append((Kind.ROTATED_BOX, f"{where} has a <robndbox>; the upright box around it is taken."))
    if not edges:
        raise _no_box(element, where)
    if len(edges) > 1:
        notes.append((Kind.SEVERAL_BOXES, f"{where} has {len(edges)} boxes; each becomes an object."))
    upright = [_upright(each, angle) for each in edges]
    if upright != edges:
        what = (
            f"{where} has a box that is rotated by {math.degrees(angle):g} degrees; the upright box around it is taken."
        )
        notes.append((Kind.ROTATED_BOX, what))
    pose = element.findtext("pose") or "Unspecified"
    flags = {tag: flag(element.findtext(tag)) for tag in ("truncated", "difficult")}
    return [Box(name, *each, pose=pose, **flags) for each in upright], notes


def _edges(bndbox: ElementTree.Element, where: str) -> tuple[float, ...]:
    _refuse_angle(bndbox, where)
    return tuple(_value(bndbox, edge, where) for edge in EDGES)


def _value(element: ElementTree.Element, tag: str, where: str) -> float:
    """Return the number in one child of a box."""
    text = _only(element, tag, where)
    try:
        return number(text)
    except ValueError:
        pass
    if text is None:
        there = ", ".join(f"<{child.tag}>" for child in element) or "nothing"
        raise VocError(
            f"{where} has no <{tag}> in its <{element.tag}>, which holds {there}. Add it, or draw the box again."
        )
    hint = " Correct it, or draw the box again."
    if text.count(",") == 1 and len(text) < MAX_QUOTED:
        hint = f" Write {text.replace(',', '.')}."
    raise VocError(f"{where} has <{tag}> {text[:MAX_QUOTED]!r}, which is no number.{hint}")


def _only(element: ElementTree.Element, tag: str, where: str) -> str | None:
    """Return the text of a child, None where there is none. Raises VocError where there are two that differ."""
    texts = list(dict.fromkeys(child.text or "" for child in element.findall(tag)))
    if len(texts) > 1:
        said = " and ".join(repr(text[:MAX_QUOTED]) for text in texts[:3])
        raise VocError(f"{where} has more than one <{tag}>: {said}. Make an object of each.", Kind.UNREAD_BOXES)
    return texts[0] if texts else None


def _angle(element: ElementTree.Element, where: str) -> float:
    """Return by how many radians an object's box is turned: CVAT says it in degrees, as an attribute."""
    said = {each.findtext("name"): each.findtext("value") for each in element.findall("attributes/attribute")}
    _refuse_angle(element, where)
    if "rotation" not in said:
        return 0.0
    try:
        angle = number(said["rotation"])
    except ValueError:
        angle = math.nan
    if not math.isfinite(angle):
        raise VocError(
            f"{where} has the rotation {str(said['rotation'])[:MAX_QUOTED]!r}, which is no number. Correct it."
        )
    return math.radians(angle % 360)


def _upright(edges: tuple[float, ...], angle: float) -> tuple[float, ...]:
    if not angle or not all(map(math.isfinite, edges)):
        return edges
    xmin, ymin, xmax, ymax = edges
    turned = rotation.enclosing_box(((xmin + xmax) / 2, (ymin + ymax) / 2), (xmax - xmin, ymax - ymin), angle)
    return edges if all(abs(old - new) < 0.01 for old, new in zip(edges, turned, strict=True)) else turned


def _refuse_angle(element: ElementTree.Element, where: str) -> None:
    """Raise VocError for an angle of which nobody knows the unit and the sense, unless it is 0 in any."""
    for tag in ("angle", "rotation"):
        if (text := element.findtext(tag)) is not None and whole_number(text) != 0:
            what = f"{where} is rotated by <{tag}>, of which the unit is not known. Export upright boxes."
            raise VocError(what, Kind.UNREAD_BOXES)


def _no_box(element: ElementTree.Element, where: str) -> VocError:
    if other := [child.tag for child in element.iter() if child is not element and child.tag in LOCATION_TAGS]:
        what = f"{where} has no <bndbox>, but <{other[0]}>, which is not read. Export boxes as Pascal VOC."
        return VocError(what, Kind.UNREAD_BOXES)
    return VocError(f"{where} has no <bndbox>. Draw its box, or take the object out.")


def _refuse_boxes_elsewhere(root: ElementTree.Element, objects: list[ElementTree.Element]) -> None:
    """Raise VocError where something was labelled that belongs to no object, or lies deeper in one than it should."""
    if any(each is not root and each.find(".//bndbox") is not None for each in root.iter("annotation")):
        raise VocError("holds the annotations of several photos. Write one file for each photo.", Kind.UNREAD_BOXES)
    boxes = [child for each in objects for child in each if child.tag in ("bndbox", "robndbox")]
    parts = [part for each in objects for part in each.iter("part")]
    read = {id(each) for whole in (*boxes, *parts) for each in whole.iter()}
    read |= {id(each) for whole in objects for each in whole.iter() if each.tag not in ("bndbox", "robndbox", *EDGES)}
    lost = {id(each) for each in root.iter() if each.tag in LOCATION_TAGS and id(each) not in read}
    within = [each.tag for each in root.iter() for child in each if id(child) in lost and id(each) not in lost]
    if within:
        where = ", ".join(f"<{tag}>" for tag in dict.fromkeys(within))
        what = f"has boxes that belong to no <object>, {len(within)} in {where}. Rename that element to <object>."
        raise VocError(what, Kind.UNREAD_BOXES)


def _odd_flags(objects: list[ElementTree.Element]) -> Notes:
    """Return a note for each kind of flag that is no whole number, not for each object."""
    notes = []
    for tag in ("truncated", "difficult"):
        texts = [each.findtext(tag) for each in objects]
        odd = [text for text in texts if text is not None and whole_number(text) is None]
        if odd:
            what = f"has <{tag}> {odd[0][:MAX_QUOTED]!r}, no whole number, in {len(odd)} of its objects"
            notes.append((Kind.OTHER_FIELD, f"{what}; taken as {flag(odd[0])}."))
    return notes

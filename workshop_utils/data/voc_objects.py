"""Read the objects of a Pascal VOC file in the variants that different programs write.

Anything that is not understood is an error: the network would learn the object of a skipped box as background.
"""

import math
import xml.etree.ElementTree as ElementTree

from workshop_utils.data import names, rotation
from workshop_utils.data.annotation import Box, VocError
from workshop_utils.data.finding_kinds import Kind

EDGES = ("xmin", "ymin", "xmax", "ymax")

MAX_QUOTED = 80
"""The maximum number of characters that a message quotes from a file."""

CHILDREN = {
    "annotation": {"folder", "filename", "path", "source", "size", "segmented", "object"},
    "source": {"database"},
    "size": {"width", "height", "depth"},
    "object": {"name", "pose", "truncated", "difficult", "bndbox"},
    "bndbox": set(EDGES),
}
"""{element: its children} as labelImg writes them. Anything else is lost when a file is written again."""

LOCATION_TAGS = {
    "bndbox", "robndbox", "bbox", "box", "rectangle", "polygon", "polyline", "points", "xmin", "xmax", "xtl", "x1",
}  # fmt: skip
"""Elements that give a location. If one of them is outside every object, something was labelled there."""

Notes = list[tuple[Kind, str]]
"""Kinds of findings, each with a sentence without the file's name."""


def read(root: ElementTree.Element) -> tuple[list[Box], Notes]:
    """Return the boxes of all objects below `root`, at any depth, and notes on what was unusual.

    Raises:
        VocError: If an object has no name or not four numbers, or a box belongs to no object. The message does not name
            the file.
    """
    objects = list(root.iter("object"))
    found = [_read_object(each, number) for number, each in enumerate(objects, start=1)]
    _refuse_boxes_elsewhere(root, objects)
    parts = {id(part) for each in objects for part in each.iter("part") if part.find(".//bndbox") is not None}
    below = sorted({each.tag for each in root.iter() for child in each if child.tag == "object"} - {"annotation"})
    notes = [(Kind.PARTS, f"has boxes of {len(parts)} parts, which are not used.")] if parts else []
    if below:
        where = ", ".join(f"<{tag}>" for tag in below)
        notes.append((Kind.OTHER_TAGS, f"has objects inside {where}; they are read like the others."))
    for each in found:
        notes += each[1]
    return [box for boxes, _ in found for box in boxes], notes + _odd_flags(objects)


def unread(root: ElementTree.Element) -> tuple[str, ...]:
    """Return the elements and attributes that are not read, and so are lost when the file is written again.

    The children of such an element are not listed.
    """
    level, tags = [root], dict.fromkeys(root.attrib.keys() - {"verified"})
    while level:
        children = [(each, child) for each in level for child in each]
        tags |= {child.tag: None for each, child in children if child.tag not in CHILDREN.get(each.tag, ())}
        tags |= {name: None for _, child in children for name in child.attrib}
        level = [child for each, child in children if child.tag in CHILDREN.get(each.tag, ())]
    return tuple(tags)


def number(text: str | None) -> float:
    """Parse a decimal number, ignoring spaces and invisible characters around it. Raises ValueError."""
    return float(names.composed(text or ""))


def whole_number(text: str | None) -> int | None:
    """Parse a whole number that is not negative. Return None for anything else."""
    try:
        value = number(text)
    except ValueError:
        return None
    return int(value) if math.isfinite(value) and value == int(value) and value >= 0 else None


def flag(text: str | None) -> int:
    """Parse a flag: a whole number as it is, 1 for a fraction above 0 and for yes or true, 0 for anything else."""
    if (value := whole_number(text)) is not None:
        return value
    try:
        return int(0 < number(text) < math.inf)
    except ValueError:
        return int(names.tidy(text or "").lower() in ("true", "yes"))


def _read_object(element: ElementTree.Element, place: int) -> tuple[list[Box], Notes]:
    name = _only(element, "name", f"object {place}") or ""
    if not name.strip():
        raise VocError(f"object {place} has no <name>. Give it a class.")
    where = f"object {place} ({names.tidy(name)[:MAX_QUOTED]})"
    angle, notes = _angle(element, where), Notes()
    edges = [_edges(each, where) for each in element.findall("bndbox")]
    if not edges and (turned := element.findall("robndbox")):
        edges, angle = list[tuple[float, ...]](), 0.0
        for each in turned:
            x, y, width, height, radians = (_value(each, tag, where) for tag in ("cx", "cy", "w", "h", "angle"))
            edges.append(rotation.enclosing_box((x, y), (width, height), radians))
        notes.append((Kind.ROTATED_BOX, f"{where} has a <robndbox>; the upright box around it is used."))
    if not edges:
        raise _no_box(element, where)
    if len(edges) > 1:
        notes.append((Kind.SEVERAL_BOXES, f"{where} has {len(edges)} boxes; each becomes an object."))
    upright = [_upright(each, angle) for each in edges]
    if upright != edges:
        what = f"{where} has a box rotated by {math.degrees(angle):g} degrees; the upright box around it is used."
        notes.append((Kind.ROTATED_BOX, what))
    pose = element.findtext("pose") or "Unspecified"
    flags = {tag: flag(element.findtext(tag)) for tag in ("truncated", "difficult")}
    return [Box(name, *each, pose=pose, **flags) for each in upright], notes


def _edges(bndbox: ElementTree.Element, where: str) -> tuple[float, ...]:
    _refuse_angle(bndbox, where)
    return tuple(_value(bndbox, edge, where) for edge in EDGES)


def _value(element: ElementTree.Element, tag: str, where: str) -> float:
    """Return the number in a child of a box."""
    text = _only(element, tag, where)
    try:
        return number(text)
    except ValueError:
        pass
    if text is None:
        there = ", ".join(f"<{child.tag}>" for child in element) or "nothing"
        raise VocError(f"{where} has no <{tag}> in its <{element.tag}>, only {there}. Add it, or draw the box again.")
    hint = " Correct it, or draw the box again."
    if text.count(",") == 1 and len(text) < MAX_QUOTED:
        hint = f" Write {text.replace(',', '.')}."
    raise VocError(f"{where} has <{tag}> {text[:MAX_QUOTED]!r}, which is not a number.{hint}")


def _only(element: ElementTree.Element, tag: str, where: str) -> str | None:
    """Return the text of a child, None if it is missing. Raises VocError if there are several that differ."""
    texts = list(dict.fromkeys(child.text or "" for child in element.findall(tag)))
    if len(texts) > 1:
        quoted = " and ".join(repr(text[:MAX_QUOTED]) for text in texts[:3])
        what = f"{where} has more than one <{tag}>: {quoted}. Make each a separate object."
        raise VocError(what, Kind.UNREAD_BOXES)
    return texts[0] if texts else None


def _angle(element: ElementTree.Element, where: str) -> float:
    """Return the rotation of an object's box, in radians. CVAT stores it in degrees, as an attribute."""
    attributes = {each.findtext("name"): each.findtext("value") for each in element.findall("attributes/attribute")}
    _refuse_angle(element, where)
    degrees = attributes.get("rotation", "0")
    try:
        angle = number(degrees)
    except ValueError:
        angle = math.nan
    if not math.isfinite(angle):
        raise VocError(f"{where} has the rotation {str(degrees)[:MAX_QUOTED]!r}, which is not a number. Correct it.")
    return math.radians(angle % 360)


def _upright(edges: tuple[float, ...], angle: float) -> tuple[float, ...]:
    if not angle or not all(map(math.isfinite, edges)):
        return edges
    xmin, ymin, xmax, ymax = edges
    turned = rotation.enclosing_box(((xmin + xmax) / 2, (ymin + ymax) / 2), (xmax - xmin, ymax - ymin), angle)
    return edges if all(abs(old - new) < 0.01 for old, new in zip(edges, turned, strict=True)) else turned


def _refuse_angle(element: ElementTree.Element, where: str) -> None:
    """Raise VocError for an angle whose unit and direction are unknown, unless it is 0."""
    for tag in ("angle", "rotation"):
        if (text := element.findtext(tag)) is not None and whole_number(text) != 0:
            what = f"{where} is rotated by <{tag}>, whose unit is unknown. Export upright boxes."
            raise VocError(what, Kind.UNREAD_BOXES)


def _no_box(element: ElementTree.Element, where: str) -> VocError:
    if other := [child.tag for child in element.iter() if child is not element and child.tag in LOCATION_TAGS]:
        what = f"{where} has no <bndbox>, but <{other[0]}>, which cannot be read. Export boxes as Pascal VOC."
        return VocError(what, Kind.UNREAD_BOXES)
    return VocError(f"{where} has no <bndbox>. Draw its box, or remove the object.")


def _refuse_boxes_elsewhere(root: ElementTree.Element, objects: list[ElementTree.Element]) -> None:
    """Raise VocError if something was labelled outside every object, or too deep inside one."""
    if any(each is not root and each.find(".//bndbox") is not None for each in root.iter("annotation")):
        raise VocError("has the annotations of several photos. Write one file for each photo.", Kind.UNREAD_BOXES)
    boxes = [child for each in objects for child in each if child.tag in ("bndbox", "robndbox")]
    parts = [part for each in objects for part in each.iter("part")]
    read = {id(each) for whole in (*boxes, *parts) for each in whole.iter()}
    read |= {id(each) for whole in objects for each in whole.iter() if each.tag not in ("bndbox", "robndbox", *EDGES)}
    lost = {id(each) for each in root.iter() if each.tag in LOCATION_TAGS and id(each) not in read}
    within = [each.tag for each in root.iter() for child in each if id(child) in lost and id(each) not in lost]
    if within:
        where = ", ".join(f"<{tag}>" for tag in dict.fromkeys(within))
        what = f"has boxes outside every <object>, {len(within)} in {where}. Rename that element to <object>."
        raise VocError(what, Kind.UNREAD_BOXES)


def _odd_flags(objects: list[ElementTree.Element]) -> Notes:
    """Return one note for each flag that is not a whole number, however many objects have it."""
    notes: Notes = []
    for tag in ("truncated", "difficult"):
        texts = [each.findtext(tag) for each in objects]
        odd = [text for text in texts if text is not None and whole_number(text) is None]
        if odd:
            what = f"has <{tag}> {odd[0][:MAX_QUOTED]!r}, not a whole number, in {len(odd)} of its objects"
            notes.append((Kind.OTHER_FIELD, f"{what}; read as {flag(odd[0])}."))
    return notes

"""Class names and ids, and `label_map.pbtxt`, the file in which TensorFlow's Object Detection API stores them.

The file is protobuf text. Its message type is declared here (after the API's `string_int_label_map.proto`), and
protobuf itself parses it, so quoting, comments and fields of other tools are handled correctly.
"""

import functools
import pathlib
from collections.abc import Iterable
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from workshop_utils.core import files, text
from workshop_utils.core.errors import WorkshopError
from workshop_utils.data import names

FILENAME = "label_map.pbtxt"

LARGEST_ID = 10_000
"""A detector has one score per anchor for each id up to the largest, so one mistyped id could fill the memory."""


class LabelMapError(WorkshopError, ValueError):
    """A label map that cannot be used. The message names the file, and the line or class that is wrong."""


def number(names: Iterable[str]) -> dict[int, str]:
    """Return {id: name} for class names, sorted and numbered from 1 (0 is the background).

    Raises:
        LabelMapError: If there are more than LARGEST_ID classes.
    """
    numbered = dict(enumerate(sorted(set(names)), start=1))
    if len(numbered) > LARGEST_ID:
        raise LabelMapError(f"There are {len(numbered):,} classes; at most {LARGEST_ID:,} are allowed. Merge some.")
    return numbered


def write(label_map: dict[int, str], path: pathlib.Path) -> None:
    """Write {id: name} as `label_map.pbtxt`.

    Raises:
        LabelMapError: If `read` would reject the label map. Nothing is written then.
    """
    message: Any = _message_class()()
    for identity, name in label_map.items():
        try:
            message.item.add(name=name, id=identity)
        except ValueError as error:
            raise LabelMapError(f"{path}: cannot store {name!r} with id {identity} ({error}).") from None
    _names_by_id(message, path)
    files.write_text(text_format.MessageToString(message, as_utf8=True), path)


def read(path: pathlib.Path) -> dict[int, str]:
    """Read a `label_map.pbtxt`.

    An item's `display_name` is used if it has no name, or only a code such as /m/01g317.

    Returns:
        {id: name}, as `checked` returns it.

    Raises:
        LabelMapError: If the file is missing or broken, or `checked` rejects its items.
    """
    path = pathlib.Path(path)
    try:
        message = text_format.Parse(text.read(path), _message_class()(), allow_unknown_field=True)
    except FileNotFoundError:
        raise LabelMapError(f"{path}: there is no such label map. Check the path.") from None
    except text.EncodingError as error:
        raise LabelMapError(str(error)) from None
    except (text_format.ParseError, ValueError, OSError, RecursionError) as error:
        what = f'{path}: is not a label map: {error}. Write each item as: item {{ name: "cup" id: 1 }}'
        raise LabelMapError(what) from None
    return _names_by_id(message, path)


def checked(items: Iterable[tuple[int, str]]) -> dict[int, str]:
    """Check the items of a label map.

    Args:
        items: (id, name) pairs.

    Returns:
        {id: name}, sorted by id, without extra spaces in the names.

    Raises:
        LabelMapError: If there are no items, an id is below 1, above LARGEST_ID or used twice, or a name is empty or
            used twice. The message has no path.
    """
    by_id: dict[int, str] = {}
    known: set[str] = set()
    for identity, written in items:
        name = names.tidy(written)
        if identity < 1 or identity in by_id:
            raise LabelMapError(f"'{name}' has id {identity}. Give each class its own id from 1 (0 is the background).")
        if identity > LARGEST_ID:
            raise LabelMapError(f"'{name}' has id {identity}; ids go up to {LARGEST_ID}. Number the classes from 1.")
        if not name or name in known:
            raise LabelMapError(f"item {identity} has the name '{written}'. Give each class its own name.")
        by_id[identity] = name
        known.add(name)
    if not by_id:
        raise LabelMapError("has no items. Write one item for each class.")
    return dict(sorted(by_id.items()))


@functools.cache
def coco() -> dict[int, str]:
    """Return {id: name} for COCO's 80 classes. Their ids run from 1 to 90, with ten gaps."""
    return read(pathlib.Path(__file__).with_name("coco_label_map.pbtxt"))


def _names_by_id(message: Any, path: pathlib.Path) -> dict[int, str]:
    try:
        return checked((item.id, _name(item)) for item in message.item)
    except LabelMapError as error:
        raise LabelMapError(f"{path}: {error}") from None


def _name(item: Any) -> str:
    """Return an item's human-readable name."""
    is_code = not item.name.strip() or item.name.startswith("/m/")
    return item.display_name if is_code and item.display_name else item.name


@functools.cache
def _message_class():
    file = descriptor_pb2.FileDescriptorProto(name="workshop_label_map.proto", package="workshop", syntax="proto2")
    item = file.message_type.add(name="Item")
    field = descriptor_pb2.FieldDescriptorProto
    for number, (name, kind) in enumerate(
        [("name", field.TYPE_STRING), ("id", field.TYPE_INT32), ("display_name", field.TYPE_STRING)], start=1
    ):
        item.field.add(name=name, number=number, type=kind, label=field.LABEL_OPTIONAL)
    whole = file.message_type.add(name="LabelMap")
    whole.field.add(
        name="item", number=1, type=field.TYPE_MESSAGE, type_name=".workshop.Item", label=field.LABEL_REPEATED
    )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("workshop.LabelMap"))

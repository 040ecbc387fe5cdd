"""The files of a YOLO data set that name its classes and its parts: data.yaml, classes.txt, obj.names and obj.data."""

import dataclasses
import pathlib
from typing import Any

import yaml

from workshop_utils.core import text
from workshop_utils.data.dataset import DatasetError
from workshop_utils.data.labels import is_list, is_object
from workshop_utils.data.names import tidy

MAX_BYTES = 1_000_000
"""Larger files are not read."""

LISTS_OF_NAMES = ("classes.txt", "obj.names", "_darknet.labels", "predefined_classes.txt")
"""Text files with a class name per line: labelImg's and Label Studio's, CVAT's, Roboflow's."""

PARTS = {"train": "train", "val": "val", "valid": "val", "test": "test"}
"""{key in data.yaml or obj.data: part}."""


@dataclasses.dataclass(frozen=True)
class NamesFile:
    """A file that names the classes.

    Attributes:
        path: The file.
        names: {class number, from 0: name}.
        parts: {part: paths of folders or lists, as written}.
        is_pose: Whether keypoints follow each box.
    """

    path: pathlib.Path
    names: dict[int, str]
    parts: dict[str, list[str]] = dataclasses.field(default_factory=dict[str, list[str]])
    is_pose: bool = False


def is_names_file(path: pathlib.Path) -> bool:
    """Return whether a file may name the classes of a YOLO data set."""
    return path.name.lower() in LISTS_OF_NAMES or (path.suffix.lower() in (".yaml", ".yml") and _has_names(path))


def read(path: pathlib.Path) -> NamesFile:
    """Read a file that names classes.

    Raises:
        DatasetError: If it cannot be read, or a class has no name or the name of another one.
    """
    if path.suffix.lower() not in (".yaml", ".yml"):
        lines = _text(path).splitlines()
        while lines and not lines[-1].strip():
            lines.pop()
        return NamesFile(path, _checked(dict(enumerate(lines)), path))
    content = _yaml(path)
    names = content.get("names")
    if is_object(names):
        try:
            names = {int(number): name for number, name in names.items()}
        except (TypeError, ValueError):
            raise DatasetError(f"{path}: has names without class numbers. Write them as 0: cup.") from None
    elif is_list(names):
        names = dict(enumerate(names))
    else:
        raise DatasetError(f"{path}: has no list of names. Write one, such as names: [cup, plate].")
    parts = {part: _paths(content.get(key), content.get("path")) for key, part in PARTS.items() if content.get(key)}
    return NamesFile(path, _checked(names, path), parts, "kpt_shape" in content)


def read_parts(path: pathlib.Path) -> dict[str, list[str]]:
    """Return the parts that a Darknet file such as obj.data names, {part: paths as written}. Raises DatasetError."""
    pairs = [line.split("=", 1) for line in _text(path).splitlines() if "=" in line]
    return {PARTS[key.strip()]: [value.strip()] for key, value in pairs if key.strip() in PARTS}


def _has_names(path: pathlib.Path) -> bool:
    try:
        return path.stat().st_size <= MAX_BYTES and any(
            line.startswith(("names:", '"names":', "'names':")) for line in text.read(path).splitlines()
        )
    except (OSError, text.EncodingError):
        return False


def _text(path: pathlib.Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DatasetError(f"{path}: has more than {MAX_BYTES // 10**6} MB. Write only what belongs in it.")
        return text.read(path)
    except text.EncodingError as error:
        raise DatasetError(str(error)) from None
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read ({error.strerror}). Give yourself read permission.") from None


def _yaml(path: pathlib.Path) -> dict[str, Any]:
    """Return the content of a YAML file with each value as text, so that a class called no stays one."""
    try:
        content: Any = yaml.load(_text(path), Loader=yaml.BaseLoader)  # makes no objects but lists and dictionaries
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DatasetError(f"{path}: is not valid YAML ({reason}). Correct it.") from None
    if not is_object(content):
        raise DatasetError(f"{path}: is not a list of settings such as names: [cup]. Export the data set again.")
    return content


def _checked(names: dict[int, Any], path: pathlib.Path) -> dict[int, str]:
    """Return {class number: name}. Raises DatasetError if a name is missing, or if it occurs twice."""
    numbers: dict[str, int] = {}
    for number, name in sorted(names.items()):
        tidied = tidy(name) if isinstance(name, str) else ""
        if not tidied:
            raise DatasetError(f"{path}: class {number} has no name. Write one.")
        if tidied in numbers:
            what = f"classes {numbers[tidied]} and {number} have the same name, '{tidied}'. Give each its own."
            raise DatasetError(f"{path}: {what}")
        numbers[tidied] = number
    if not numbers:
        raise DatasetError(f"{path}: names no class. Write a name for each class.")
    return dict(names)


def _paths(value: Any, root: Any) -> list[str]:
    """Return the paths of one part, after the root folder that `path` names."""
    values = value if is_list(value) else [value]
    root = f"{root}/" if isinstance(root, str) and root.strip() else ""
    is_absolute = [isinstance(each, str) and (each.startswith(("/", "\\")) or each[1:2] == ":") for each in values]
    return [str(each) if absolute else f"{root}{each}" for each, absolute in zip(values, is_absolute, strict=True)]

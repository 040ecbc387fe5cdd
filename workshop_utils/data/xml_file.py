"""Parse an untrusted XML file: decode it by its declaration, reject entities, and normalise its tags."""

import pathlib
import re
import xml.etree.ElementTree as ElementTree

import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException

from workshop_utils.core import text
from workshop_utils.data.annotation import VocError
from workshop_utils.data.finding_kinds import Kind

MAX_BYTES = 10_000_000
"""Larger files are not read. One object takes about 300 bytes."""

MAX_DEPTH = 100
"""The maximum depth of nested elements. Pascal VOC has 5; some of Python's functions fail on very deep trees."""

DECLARATION = re.compile(rb"""<\?xml[^>]{0,80}?\sencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]{0,40})["']""")


def read(path: pathlib.Path) -> tuple[ElementTree.Element, list[str]]:
    """Parse an XML file.

    Returns:
        The root element, all tags in lower case and without namespaces, and the tags that had to be changed.

    Raises:
        VocError: If the file is missing, unreadable, too large or not XML.
    """
    path, words = pathlib.Path(path), ""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise VocError(f"{path}: has more than {MAX_BYTES // 10**6} MB, too much for the annotation of one photo.")
        data = path.read_bytes().lstrip(b" \t\r\n")
        declared = DECLARATION.match(data)
        words = text.decode(data, declared[1].decode() if declared else None).lstrip()
        root = defusedxml.ElementTree.fromstring(words)
    except FileNotFoundError:
        raise VocError(f"{path}: there is no such annotation. Check the path.") from None
    except PermissionError:
        what = f"{path}: you have no permission to read it. Give yourself read permission, or remove it."
        raise VocError(what, Kind.DENIED) from None
    except text.EncodingError as error:
        raise VocError(f"{path}: {error}") from None
    except ElementTree.ParseError as error:
        raise VocError(f"{path}: is not readable XML ({error}). {_remedy(words, error)}") from None
    except (DefusedXmlException, OSError, ValueError) as error:
        raise VocError(f"{path}: is not readable XML ({error}). Export it again.") from None
    return root, _normalise_tags(root, path)


def _normalise_tags(root: ElementTree.Element, path: pathlib.Path) -> list[str]:
    """Change all tags to lower case without namespaces. Return those that were different."""
    odd, level, depth = dict[str, None](), [root], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise VocError(f"{path}: has elements {depth} levels deep, too deep for an annotation. Export it again.")
        for each in level:
            plain = each.tag.rpartition("}")[2].lower()
            if plain != each.tag:
                odd[each.tag.rpartition("}")[2]] = None
                each.tag = plain
        level = [child for each in level for child in each]
    return list(odd)


def _remedy(words: str, error: ElementTree.ParseError) -> str:
    """Return what to do about broken XML, depending on where parsing failed."""
    line, column = error.position
    if re.search(r"&[^;\s]*\s?$", words.split("\n")[line - 1][: column + 1]):
        return "Write & as &amp; there."
    if "</annotation>" not in words.lower():
        return "It is empty or cut off: restore it, or label the photo again."
    return "Correct it there in a text editor, or export it again."

"""A stranger's XML file as a tree: decoded by what it declares, without entities, its tags spelt in one way."""

import pathlib
import re
import xml.etree.ElementTree as ElementTree

import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException

from workshop_utils.core import text
from workshop_utils.data.annotation import VocError
from workshop_utils.data.finding_kinds import Kind

MAX_BYTES = 10_000_000
"""A larger file is not read: an object takes some 300 bytes."""

MAX_DEPTH = 100
"""Elements within elements; Pascal VOC has five. Some of Python's functions fail on very deep trees."""

DECLARATION = re.compile(rb"""<\?xml[^>]{0,80}?\sencoding\s*=\s*["']([A-Za-z][A-Za-z0-9._-]{0,40})["']""")


def read(path: pathlib.Path) -> tuple[ElementTree.Element, list[str]]:
    """Return a file's root element, its tags in small letters and without namespaces, and the tags that were not so.

    Raises VocError where there is no such file, where it may not be read, is too large, or is no XML.
    """
    path = pathlib.Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise VocError(f"{path}: has more than {MAX_BYTES // 10**6} MB, which no annotation of one photo has.")
        data = path.read_bytes().lstrip(b" \t\r\n")
        declared = DECLARATION.match(data)
        words = text.decode(data, declared[1].decode() if declared else None).lstrip()
        root = defusedxml.ElementTree.fromstring(words)
    except FileNotFoundError:
        raise VocError(f"{path}: there is no such annotation. Check the path.") from None
    except PermissionError:
        raise VocError(
            f"{path}: you may not read it. Give yourself the right to, or take it out.", Kind.DENIED
        ) from None
    except text.EncodingError as error:
        raise VocError(f"{path}: {error}") from None
    except ElementTree.ParseError as error:
        raise VocError(f"{path}: is not readable XML ({error}). {_remedy(words, error)}") from None
    except (DefusedXmlException, OSError, ValueError) as error:
        raise VocError(f"{path}: is not readable XML ({error}). Export it again.") from None
    return root, _respelt(root, path)


def _respelt(root: ElementTree.Element, path: pathlib.Path) -> list[str]:
    """Spell all tags in small letters and without namespaces; return those that were spelt otherwise."""
    odd, level, depth = {}, [root], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise VocError(f"{path}: has elements {depth} levels deep, which no annotation has. Export it again.")
        for each in level:
            plain = each.tag.rpartition("}")[2].lower()
            if plain != each.tag:
                odd[each.tag.rpartition("}")[2]] = None
                each.tag = plain
        level = [child for each in level for child in each]
    return list(odd)


def _remedy(words: str, error: ElementTree.ParseError) -> str:
    """Return what to do about XML that cannot be read, by the place at which reading it failed."""
    line, column = error.position
    if re.search(r"&[^;\s]*\s?$", words.split("\n")[line - 1][: column + 1]):
        return "Write & as &amp; there."
    if "</annotation>" not in words.lower():
        return "It is empty or cut off: restore it, or label the photo again."
    return "Correct it there in a text editor, or export it again."

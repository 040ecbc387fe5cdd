"""Names as they are compared: of files, which file systems spell in two ways, and of classes, which people mistype."""

import unicodedata

INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u2060"))
"""Marks without width that editors leave behind: the byte order mark, and two at which a line breaks or does not.
The joiners between the parts of an emoji or of an Indic letter are not among them: they are seen."""


def composed(text: str) -> str:
    """Return text in which an accent and its letter are one character (Unicode NFC), without invisible marks."""
    return unicodedata.normalize("NFC", text.translate(INVISIBLE))


def tidy(name: str) -> str:
    """Return a class name without needless spaces and invisible marks, each accent one with its letter."""
    return " ".join(composed(name).split())

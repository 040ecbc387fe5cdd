"""Normalise names before they are compared: file systems store accents in two ways, and class names get mistyped."""

import unicodedata

INVISIBLE = dict.fromkeys(map(ord, "\ufeff\u200b\u2060"))
"""Characters without width that editors leave in text: byte order mark, zero-width space, word joiner. The joiners
between the parts of an emoji or of an Indic letter are not included: they change how the text looks."""


def composed(text: str) -> str:
    """Return text without invisible characters, with each accent and its letter as one character (Unicode NFC)."""
    return unicodedata.normalize("NFC", text.translate(INVISIBLE))


def tidy(name: str) -> str:
    """Return a class name without extra spaces and invisible characters, in Unicode NFC."""
    return " ".join(composed(name).split())

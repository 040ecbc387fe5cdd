"""Pieces of messages that several modules need."""

from collections.abc import Iterable


def listed(names: Iterable[object], most: int = 20) -> str:
    """Return names in one line, the first of them if there are more than `most`."""
    names = list(map(str, names))
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def quoted(names: Iterable[object], most: int = 20) -> str:
    """Return names as `listed` does, each in quotation marks."""
    return listed((f"'{name}'" for name in names), most)

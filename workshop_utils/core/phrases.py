"""Format lists of names for messages."""

from collections.abc import Iterable


def listed(names: Iterable[object], most: int = 20) -> str:
    """Return names separated by commas. After the first `most`, only the number of the others is given."""
    words = [str(name) for name in names]
    return ", ".join(words[:most]) + (f" and {len(words) - most} more" if len(words) > most else "")


def quoted(names: Iterable[object], most: int = 20) -> str:
    """Return names as `listed` does, each in quotation marks."""
    return listed((f"'{name}'" for name in names), most)

"""Helpers for the tests of the checks: reading a verdict, and absurd answers."""

import re

NUMBER = re.compile(r"-?\b\d(?:[\d.,]*\d)?")

ABSURD = {
    "None": None,
    "a string": "a string",
    "an empty list": [],
    "an object": object(),
    "a function that fails": lambda *_: 1 / 0,
    "nan": float("nan"),
    "a script": "<script>alert(1)</script>",
}
"""Absurd answers, under names that are the same in every run."""


def right(verdict, *facts: str) -> bool:
    """Return whether the verdict is right and contains these numbers and names."""
    return verdict.right is True and all(fact in verdict.words for fact in facts)


def wrong(verdict, *facts: str) -> bool:
    """Return whether the verdict is wrong and contains these numbers and names."""
    return verdict.right is False and all(fact in verdict.words for fact in facts)


def each_explained(verdicts: dict) -> bool:
    """Return whether each mistake is wrong and has its own explanation, apart from numbers.

    Args:
        verdicts: The verdict on each mistake, by a name for it, or a list of verdicts if a mistake is made in several
            ways. Numbers in a name must occur in the verdict. Names that differ only in numbers are the same mistake.
    """
    explanations: dict[str, str] = {}
    for name, found in verdicts.items():
        for verdict in found if isinstance(found, list) else [found]:
            assert wrong(verdict, *NUMBER.findall(name)), f"{name}: {verdict}"
            words = NUMBER.sub("0", verdict.words)
            assert explanations.setdefault(words, NUMBER.sub("0", name)) == NUMBER.sub("0", name), f"{name}: {verdict}"
    return True


def is_open(verdict) -> bool:
    return verdict.right is None

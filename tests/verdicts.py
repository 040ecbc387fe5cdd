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
    """Whether the answer is called right, and these numbers and names are said."""
    return verdict.right is True and all(fact in verdict.words for fact in facts)


def wrong(verdict, *facts: str) -> bool:
    """Whether the answer is called wrong, and these numbers and names are said."""
    return verdict.right is False and all(fact in verdict.words for fact in facts)


def told_apart(verdicts: dict) -> bool:
    """Whether each mistake is called wrong, and of no two the same is said, numbers aside.

    Args:
        verdicts: What a check says of each mistake, by a name for it; a list where one mistake is made in several ways.
            Numbers in a name are among what is said; names that differ in numbers alone are of one mistake.
    """
    told: dict[str, str] = {}
    for name, found in verdicts.items():
        for verdict in found if isinstance(found, list) else [found]:
            assert wrong(verdict, *NUMBER.findall(name)), f"{name}: {verdict}"
            words = NUMBER.sub("0", verdict.words)
            assert told.setdefault(words, NUMBER.sub("0", name)) == NUMBER.sub("0", name), f"{name}: {verdict}"
    return True


def is_open(verdict) -> bool:
    return verdict.right is None

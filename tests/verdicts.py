"""Helpers for the tests of the checks: reading a verdict, and absurd answers."""

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


def right(verdict) -> bool:
    return verdict.right is True


def wrong(verdict, *words: str) -> bool:
    """Return whether the verdict is wrong and contains these words."""
    return verdict.right is False and all(word in verdict.words for word in words)


def is_open(verdict) -> bool:
    return verdict.right is None

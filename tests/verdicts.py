"""What the tests of the checks share: how a verdict is read, and answers that nobody would give."""

ABSURD = {
    "None": None,
    "a string": "a string",
    "an empty list": [],
    "an object": object(),
    "a function that fails": lambda *_: 1 / 0,
    "nan": float("nan"),
    "a script": "<script>alert(1)</script>",
}
"""What nobody would answer, by names that are the same in every run."""


def right(verdict) -> bool:
    return verdict.right is True


def wrong(verdict, *words: str) -> bool:
    """Whether the answer is called wrong, and these words say why."""
    return verdict.right is False and all(word in verdict.words for word in words)


def is_open(verdict) -> bool:
    return verdict.right is None

"""What the tests of the checks share: how a verdict is read, and answers that nobody would give."""

ABSURD = [None, "a string", [], object(), lambda *_: 1 / 0, float("nan"), "<script>alert(1)</script>"]
"""What nobody would answer."""


def right(verdict) -> bool:
    return verdict.right is True


def wrong(verdict, *words: str) -> bool:
    """Whether the answer is called wrong, and these words say why."""
    return verdict.right is False and all(word in verdict.words for word in words)


def is_open(verdict) -> bool:
    return verdict.right is None

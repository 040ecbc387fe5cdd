"""Find phrases that docs/STYLE.md rules out, in everything people read: text, notebooks, docstrings, comments, names.

    python tools/wording.py                  # every text file that git tracks
    python tools/wording.py tests README.md  # these files and folders

Prints `file:line: phrase` for each, and exits with 1 if there is any. The phrases are the plain block in
docs/STYLE.md, one regular expression a line. A space in a phrase also matches a line break and an underscore, so
that wrapped sentences and the names of functions are checked too.
"""

import pathlib
import re
import sys

import links

from workshop_utils.core import settings

STYLE = settings.PROJECT / "docs" / "STYLE.md"
SPACE = r'(?:\\n",?|[\s_#"])+'
"""What may separate two words: in a notebook's JSON or in a comment, also what a line ends and begins with."""
ALLOWED = {
    "docs/STYLE.md": ".*",
    "CHANGELOG.md": "told",  # the name of a function in version 1
    "tools/wording.py": ".*",
    "tests/project/test_wording.py": ".*",
    "tests/teaching/test_checks_label_images.py": "dice",  # the coefficient
}
"""{file: a regular expression for the phrases that it may use}"""


def phrases(style: str) -> re.Pattern:
    """Return one pattern for all phrases in the last plain block of the style guide."""
    (block,) = re.findall(r"^```text\n(.*?)\n^```", style, re.MULTILINE | re.DOTALL)
    any_of_them = block.replace("\n", "|").replace(" ", SPACE)
    return re.compile(rf"(?<![a-z0-9])(?:{any_of_them})(?![a-z0-9])", re.IGNORECASE)


def found(path: pathlib.Path, pattern: re.Pattern) -> list[str]:
    """Return a line `file:line: phrase` for each phrase in a file."""
    text, name = path.read_text(encoding="utf-8"), path.relative_to(settings.PROJECT).as_posix()
    hits = [hit for hit in pattern.finditer(text) if not re.fullmatch(ALLOWED.get(name, ""), hit[0], re.IGNORECASE)]
    lines = [text[: hit.start()].count("\n") + 1 for hit in hits]
    return [f"{name}:{line}: {re.sub(SPACE, ' ', hit[0])}" for line, hit in zip(lines, hits, strict=True)]


def check(*places: str) -> list[str]:
    """Return what is found in the tracked text files at these places, relative to the project; everywhere without."""
    pattern = phrases(STYLE.read_text(encoding="utf-8"))
    folders = [(settings.PROJECT / place).resolve() for place in places] or [settings.PROJECT]
    paths = [path for path in links.tracked_text() if any(path.is_relative_to(folder) for folder in folders)]
    return [line for path in paths for line in found(path, pattern)]


if __name__ == "__main__":
    lines = check(*sys.argv[1:])
    print(*lines, sep="\n", end="\n" if lines else "")
    sys.exit(bool(lines))

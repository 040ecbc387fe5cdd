"""Find a system font for names in any script. If there is none, replace the names with numbers.

Matplotlib includes DejaVu Sans, which has Latin, Greek, Cyrillic and Arabic letters, but no Chinese, Japanese or Korean
ones and few emoji.
"""

import functools
import itertools
import re
import sys
import unicodedata

import matplotlib
import matplotlib.font_manager
import matplotlib.ft2font
import matplotlib.text
from matplotlib.figure import Figure
from PIL import ImageFont

NO_LETTERS = ("lastresort", "adobeblank")
"""Fonts that show an empty box for every letter."""

_NUMBERS = itertools.count(1)


def drawable(text: str) -> str:
    """Return text that can be drawn: words whose letters no font has are replaced with a number, such as #1.

    Each number is explained once on standard error.
    """
    _, missing = _best(_needed(text))
    if not missing:
        return text
    run = f"[{re.escape(''.join(sorted(missing)))}]+"
    return re.sub(rf"{run}(?:\s+{run})*", lambda words: _number(words[0]), text)


def font(text: str, size: int) -> ImageFont.FreeTypeFont:
    """Return a font for `drawable` text, `size` pixels high."""
    path, _ = _best(_needed(text))
    return _opened(path, size)


def use_for(text: str) -> None:
    """Register the font that matplotlib needs for letters that DejaVu Sans lacks."""
    path, _ = _best(_needed(text))
    if path == _default():
        return
    matplotlib.font_manager.fontManager.addfont(path)
    family = matplotlib.font_manager.FontProperties(fname=path).get_name()
    if family not in matplotlib.rcParams["font.family"]:
        matplotlib.rcParams["font.family"] = [*matplotlib.rcParams["font.family"], family]


def refresh(figure: Figure) -> None:
    """Update the texts of a figure to the fonts that `use_for` registered after they were created."""
    families = matplotlib.rcParams["font.family"]
    for words in figure.findobj(matplotlib.text.Text) if len(families) > 1 else ():
        words.set_fontfamily(families)


def _needed(text: str) -> frozenset[str]:
    """Return the letters of a text that a font must have: without spaces, joiners and combining marks."""
    return frozenset(
        letter for letter in text if not letter.isspace() and unicodedata.category(letter) not in ("Cf", "Mn")
    )


@functools.cache
def _best(letters: frozenset[str]) -> tuple[str, frozenset[str]]:
    """Return the path of the font with most of the letters, and the letters that it lacks. DejaVu Sans is preferred."""
    best, missing = _default(), _lacking(_default(), letters)
    for path in _of_the_system() if missing else ():
        lacking = _lacking(path, letters)
        if len(lacking) < len(missing):
            best, missing = path, lacking
        if not missing:
            break
    return best, missing


def _default() -> str:
    return matplotlib.font_manager.findfont("DejaVu Sans")


@functools.cache
def _of_the_system() -> list[str]:
    """Return the paths of the system's fonts: first upright, regular ones without serifs."""

    def unfit(path: str) -> tuple:
        name = path.lower()
        return any(word in name for word in ("bold", "italic", "oblique", "black", "thin")), "serif" in name, name

    paths = sorted(matplotlib.font_manager.findSystemFonts(), key=unfit)
    return [path for path in paths if not any(name in path.lower() for name in NO_LETTERS)]


def _lacking(path: str, letters: frozenset[str]) -> frozenset[str]:
    """Return the letters that a font lacks: all if it cannot be read or scaled."""
    try:
        face = matplotlib.ft2font.FT2Font(path)
        if not face.scalable:
            return letters
        return frozenset(letter for letter in letters if not face.get_char_index(ord(letter)))
    except (RuntimeError, OSError, ValueError):
        return letters


@functools.cache
def _opened(path: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(path, size)


@functools.cache
def _number(words: str) -> str:
    """Return the number that replaces words, and print what it means."""
    number = f"#{next(_NUMBERS)}"
    what = f"No font on this machine has the letters of '{words}', so pictures show {number} instead."
    print(f"{what} To see the name, install a font such as Noto Sans CJK.", file=sys.stderr)
    return number

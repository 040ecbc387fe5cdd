"""Fonts for names in any script: one of the system's that has the letters, or else numbers in their place.

Matplotlib brings DejaVu Sans, which has Latin, Greek, Cyrillic and Arabic letters, but no Chinese, Japanese or Korean
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
"""Fonts that have one empty box for every letter."""

_NUMBERS = itertools.count(1)


def drawable(text: str) -> str:
    """Return a text as it can be drawn. Of words that no font has the letters of, a number is left, such as #1; what it
    stands for is said on standard error, once."""
    _, missing = _best(_needed(text))
    if not missing:
        return text
    run = f"[{re.escape(''.join(sorted(missing)))}]+"
    return re.sub(rf"{run}(?:\s+{run})*", lambda words: _number(words[0]), text)


def font(text: str, size: int) -> ImageFont.FreeTypeFont:
    """Return the font in which to draw a text that is `drawable`, `size` pixels high."""
    path, _ = _best(_needed(text))
    return _opened(path, size)


def use_for(text: str) -> None:
    """Let matplotlib draw a text: what DejaVu Sans lacks, it takes from the font that has it."""
    path, _ = _best(_needed(text))
    if path == _default():
        return
    matplotlib.font_manager.fontManager.addfont(path)
    family = matplotlib.font_manager.FontProperties(fname=path).get_name()
    if family not in matplotlib.rcParams["font.family"]:
        matplotlib.rcParams["font.family"] = [*matplotlib.rcParams["font.family"], family]


def refresh(figure: Figure) -> None:
    """Let a figure's texts take the fonts that `use_for` added after they were made, as axes make theirs at once."""
    families = matplotlib.rcParams["font.family"]
    for words in figure.findobj(matplotlib.text.Text) if len(families) > 1 else ():
        words.set_fontfamily(families)


def _needed(text: str) -> frozenset[str]:
    """Return the letters of a text that a font must have: no spaces, and no marks that only say how letters join."""
    return frozenset(
        letter for letter in text if not letter.isspace() and unicodedata.category(letter) not in ("Cf", "Mn")
    )


@functools.cache
def _best(letters: frozenset[str]) -> tuple[str, frozenset[str]]:
    """Return the path of the font that has most of the letters, DejaVu Sans if it has all, and those that it lacks."""
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
    """Return the paths of the system's fonts, those first that are upright, not bold and without serifs."""

    def unfit(path: str) -> tuple:
        name = path.lower()
        return any(word in name for word in ("bold", "italic", "oblique", "black", "thin")), "serif" in name, name

    paths = sorted(matplotlib.font_manager.findSystemFonts(), key=unfit)
    return [path for path in paths if not any(name in path.lower() for name in NO_LETTERS)]


def _lacking(path: str, letters: frozenset[str]) -> frozenset[str]:
    """Return the letters that a font lacks: all, where it cannot be read or has letters of one size only."""
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
    """Return what stands for words that cannot be drawn, and say it."""
    number = f"#{next(_NUMBERS)}"
    what = f"No font of this machine has the letters of '{words}': pictures show {number} in its place."
    print(f"{what} To see it, install a font such as Noto Sans CJK.", file=sys.stderr)
    return number

"""Typeset the formulas of a text with matplotlib, for pages that run no script and load nothing."""

import base64
import html
import io
import re

from matplotlib import mathtext, rc_context
from matplotlib.font_manager import FontProperties

CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
BLOCK = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
INLINE = re.compile(r"(?<![\\$\w])\$(?!\s)([^$\n]+?)(?<!\s)\$(?![\w$])")
SIZES = re.compile(r"\\[Bb]ig+[lrm]?(?![a-zA-Z])")
"""Commands for a larger sign, which matplotlib does not know: the sign keeps its size."""

POINTS = 11
"""The font size of a formula within text."""


def typeset(text: str) -> str:
    """Return a Markdown text with each formula, between $ or $$, replaced by a picture. Code stays as it is."""
    parts = CODE.split(text)
    for place in range(0, len(parts), 2):  # the others are code
        parts[place] = BLOCK.sub(lambda found: f"<p>{as_picture(found[1], large=True)}</p>", parts[place])
        parts[place] = INLINE.sub(lambda found: as_picture(found[1]), parts[place])
    return "".join(parts)


def as_picture(tex: str, large: bool = False) -> str:
    """Return a formula as HTML: an SVG picture on the line of the text, with the TeX as its text alternative.

    TeX that matplotlib does not know is returned as code.

    Args:
        tex: The formula, without dollar signs.
        large: Whether it is alone on its line: then its letters are larger, and fractions do not shrink.
    """
    tex, stream = " ".join(tex.split()), io.BytesIO()
    drawn = SIZES.sub("", tex)
    if large:
        drawn = drawn.replace(r"\frac", r"\dfrac")
    font = FontProperties(size=POINTS * (1.25 if large else 1))
    with rc_context({"mathtext.fontset": "cm", "svg.fonttype": "path"}):
        try:
            below = mathtext.math_to_image(f"${drawn}$", stream, prop=font, dpi=72, format="svg")
        except ValueError:
            return f"<code>{html.escape(tex)}</code>"
    picture = base64.b64encode(stream.getvalue()).decode()
    style = f"display: inline; margin: 0; max-width: 100%; vertical-align: {-below:.1f}pt"
    return f'<img alt="{html.escape(tex)}" src="data:image/svg+xml;base64,{picture}" style="{style}">'

"""Formulas of a page that runs no script are pictures, and what only looks like a formula stays as it is."""

import json
import re

import formulas
import pytest

from workshop_utils.core import settings


def texts() -> list[str]:
    """Return the text cells of all notebooks."""
    notebooks = [json.loads(path.read_text(encoding="utf-8")) for path in settings.PROJECT.glob("notebooks/*.ipynb")]
    return ["".join(cell["source"]) for each in notebooks for cell in each["cells"] if cell["cell_type"] == "markdown"]


def test_every_formula_of_the_notebooks_is_typeset():
    written = [formulas.typeset(text) for text in texts() if formulas.BLOCK.search(text)]
    assert len(written) >= 4
    for text in written:
        assert "$" not in text and "<code>" not in text
        assert text.count("data:image/svg+xml") == text.count("<img alt=")


def test_a_formula_keeps_its_tex_as_text_alternative_and_its_place_on_the_line():
    written = formulas.typeset("The score $p < q_1$ counts.")
    assert re.fullmatch(
        r'The score <img alt="p &lt; q_1" src="[^"]+" style="[^"]*vertical-align: -\d[^"]*"> counts\.', written
    )


def test_a_formula_on_its_own_line_is_larger():
    (small, large) = (
        float(re.search(r'height="([\d.]+)pt"', svg(formulas.typeset(f"{by}a{by}")))[1]) for by in ("$", "$$")
    )
    assert large > 1.1 * small


def svg(written: str) -> str:
    import base64

    return base64.b64decode(re.search(r"base64,([^\"]+)", written)[1]).decode()


@pytest.mark.parametrize("text", ["`$HOME` and `$PATH`", "```\n$x$\n```", "It costs $5 or $6.", "No formula."])
def test_code_and_prices_stay_as_they_are(text):
    assert formulas.typeset(text) == text


def test_tex_that_cannot_be_drawn_is_shown_as_code():
    assert formulas.typeset(r"$\unheard{x}$") == r"<code>\unheard{x}</code>"

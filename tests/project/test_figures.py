"""The README's figures are computed: `make figures`."""

import figures
import pytest


def test_the_readme_s_figures_are_those_that_were_recorded():
    text = figures.README.read_text(encoding="utf-8")
    assert figures.with_computed(text, figures.computed()) == text, "run `make figures`"


def test_only_the_text_between_markers_is_replaced():
    text = "a\n<!-- computed: one -->\nold\n<!-- computed: one -->\nb\n"
    assert figures.with_computed(text, {"one": r"new \1"}) == text.replace("old", r"new \1")


@pytest.mark.parametrize(
    "text", ["", "<!-- computed: one -->\n", 2 * "<!-- computed: one -->\n<!-- computed: one -->\n"]
)
def test_a_marker_that_is_missing_or_repeated_is_an_error(text):
    with pytest.raises(ValueError, match="one"):
        figures.with_computed(text, {"one": "new"})

"""The phrases that docs/STYLE.md rules out are found, and occur nowhere in the text that people read."""

import pytest
import wording

from workshop_utils.core import settings

PATTERN = wording.phrases(wording.STYLE.read_text(encoding="utf-8"))
REWRITTEN = ("README.md", "INSTRUCTORS.md", "CONTRIBUTING.md", "CHANGELOG.md", "NOTICE", "Makefile", ".github", "data")
REWRITTEN += ("docs", "benchmarks", "results", "notebooks", "workshop_utils", "tests", "tools")


@pytest.mark.parametrize("place", REWRITTEN)
def test_no_text_has_a_phrase_that_the_style_guide_rules_out(place):
    assert (settings.PROJECT / place).exists()
    assert wording.check(place) == []


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("Fetch it anew.", "anew"),
        ("It is not told\nunless you ask.", "told"),
        ("# a box that\n# is none", "that is none"),
        ("def test_a_box_that_is_none():", "that is none"),
        ('    "It goes\\n",\n    "on tomorrow"', "goes on"),
        ("a file that is no photo", "that is no photo"),
    ],
)
def test_a_phrase_is_found_across_lines_in_comments_in_names_and_in_notebooks(text, phrase, tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "PROJECT", tmp_path)
    path = tmp_path / "page.md"
    path.write_text(f"A title\n{text}\n")
    assert wording.found(path, PATTERN) == [f"page.md:2: {phrase}"]


@pytest.mark.parametrize("text", ["a bold soldier", "that is no longer true", "the Dice coefficient"])
def test_honest_english_is_not_found(text):
    assert not PATTERN.search(text)

"""Captions in any script, in a font that has the letters or as numbers with a legend."""

import itertools
import pathlib
from collections.abc import Iterator

import matplotlib
import matplotlib.font_manager
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image

from workshop_utils.plots import charts, drawing, fonts

BLACK = Image.new("RGB", (400, 300))
BOX = [(0.3, 0.2, 0.8, 0.8)]


def made(path: pathlib.Path, letters: str, family: str = "Blocks") -> pathlib.Path:
    """Write a font in which each of the letters is a block, each wider than the one before."""
    names = [".notdef", *(f"glyph{place}" for place in range(len(letters)))]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(letter): name for letter, name in zip(letters, names[1:], strict=True)})
    glyphs = {}
    for place, name in enumerate(names):
        pen = TTGlyphPen(None)
        for number, corner in enumerate([(0, 0), (0, 700), (100 * place, 700), (100 * place, 0)]):
            (pen.lineTo if number else pen.moveTo)(corner)
        pen.closePath()
        glyphs[name] = pen.glyph()
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics({name: (100 * place + 100, 0) for place, name in enumerate(names)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800)
    builder.setupPost()
    builder.save(path)
    return path


@pytest.fixture
def system(monkeypatch) -> Iterator[list[str]]:
    """The paths of the system's fonts, initially none."""
    paths: list[str] = []
    monkeypatch.setattr(matplotlib.font_manager, "findSystemFonts", lambda: list(paths))
    monkeypatch.setattr(fonts, "_NUMBERS", itertools.count(1))
    caches = (fonts._best, fonts._of_the_system, fonts._number)
    for cache in caches:
        cache.cache_clear()
    with matplotlib.rc_context():
        yield paths
    for cache in caches:
        cache.cache_clear()


def caption(text: str) -> np.ndarray:
    """Return the part of a photo with a box's caption."""
    return np.asarray(drawing.annotated(BLACK, BOX, [text]))[:88]


def test_latin_greek_and_cyrillic_use_the_default_font(system, capsys):
    text = "Grüner Tee, κύπελλο, чашка 92%"
    assert fonts.drawable(text) == text
    assert fonts.font(text, 12).path == matplotlib.font_manager.findfont("DejaVu Sans")
    assert capsys.readouterr().err == ""


def test_a_system_font_with_the_letters_is_used(system, tmp_path, capsys):
    system.append(str(made(tmp_path / "blocks.ttf", "杯子0123456789%")))
    assert fonts.drawable("杯子 92%") == "杯子 92%"
    assert fonts.font("杯子 92%", 12).path == system[0]
    wide, narrow = caption("子子子"), caption("杯杯杯")
    assert (wide > 0).any(axis=-1).sum() > (narrow > 0).any(axis=-1).sum() > 0
    assert capsys.readouterr().err == ""


def test_the_font_that_lacks_fewest_letters_is_used_and_upright_before_italic(system, tmp_path):
    system += [
        str(made(tmp_path / "a-bold.ttf", "杯子")),
        str(made(tmp_path / "b-serif.ttf", "杯子")),
        str(made(tmp_path / "c-sans.ttf", "杯子")),
        str(made(tmp_path / "d-sans.ttf", "杯")),
        str(tmp_path / "missing.ttf"),
    ]
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    system.append(str(tmp_path / "broken.ttf"))
    assert fonts.font("杯子", 12).path == str(tmp_path / "c-sans.ttf")
    assert fonts.font("杯", 12).path == str(tmp_path / "c-sans.ttf")


def test_a_font_with_one_box_for_every_letter_has_no_letters(system, tmp_path):
    system.append(str(made(tmp_path / "LastResort.ttf", "杯子")))
    assert fonts.drawable("杯子") == "#1"


def test_without_a_font_numbers_replace_the_names_and_are_explained_once(system, capsys):
    assert fonts.drawable("杯子 92%") == "#1 92%"
    assert fonts.drawable("杯子 17%") == "#1 17%"
    assert fonts.drawable("Tee 🍵 大 杯, 小杯") == "Tee #2, #3"
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    for line, number, words in zip(lines, ("#1", "#2", "#3"), ("杯子", "🍵 大 杯", "小杯"), strict=True):
        assert f"'{words}'" in line and f"{number} " in line
    np.testing.assert_array_equal(caption("杯子 92%"), caption("#1 92%"))
    assert (caption("杯子 92%") != caption("大 92%")).any()


def test_marks_that_only_join_letters_need_no_font(system):
    assert fonts.drawable("Tasse \u2615\ufe0f\u200d") == "Tasse \u2615\ufe0f\u200d"


def test_charts_use_the_systems_font_too(system, tmp_path, recwarn):
    system.append(str(made(tmp_path / "blocks.ttf", "杯子", "Blocks of charts")))
    picture = charts.bars({"杯子": {"杯": 1.0}}, "x", alt="bars")
    assert picture.png and "Blocks of charts" in matplotlib.rcParams["font.family"]
    charts.bars({"杯子": {"杯": 1.0}}, "x", alt="bars")
    assert matplotlib.rcParams["font.family"].count("Blocks of charts") == 1
    assert not [each for each in recwarn if "missing from" in str(each.message)]


def test_charts_show_numbers_without_a_font(system, recwarn):
    assert charts.bars({"杯子": {"杯": 1.0}}, "x", alt="bars").png
    assert drawing.label_text("杯子 for $1") == r"#1 for \$1"
    assert not [each for each in recwarn if "missing from" in str(each.message)]

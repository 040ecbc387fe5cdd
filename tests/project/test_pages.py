"""The site is collected from the executed notebooks and the documentation, and loads nothing from the web.

Sphinx is not run here, because `make site` installs it in a separate environment.
"""

import json
import re
import runpy
import shutil
import sys
import types

import execute
import links
import nbformat
import pages
import pytest
import still

from workshop_utils.core import settings

NOTEBOOKS = sorted((settings.PROJECT / "notebooks").glob("[0-9][0-9]_*.ipynb"))


@pytest.fixture
def executed(tmp_path):
    """A folder of notebooks as if they were executed."""
    folder = tmp_path / "executed"
    folder.mkdir()
    for path in NOTEBOOKS:
        shutil.copy(path, folder)
    return folder


def test_every_notebook_becomes_a_page_without_the_cell_for_colab(executed, tmp_path):
    pages.gather(executed, tmp_path / "source")
    for path in NOTEBOOKS:
        before, after = (
            json.loads(each.read_text(encoding="utf-8"))["cells"]
            for each in (path, tmp_path / "source" / "notebooks" / path.name)
        )
        assert [cell for cell in before if cell["id"] != "colab"] == after and len(after) == len(before) - 1


def test_progress_bars_are_left_out_and_the_text_of_other_widgets_is_kept(executed, tmp_path):
    path = executed / NOTEBOOKS[0].name
    content = json.loads(path.read_text(encoding="utf-8"))
    cell = next(cell for cell in content["cells"] if cell["cell_type"] == "code" and cell["id"] != "colab")
    shown = [
        {"output_type": "display_data", "metadata": {}, "data": {pages.WIDGET: {"model_id": "1"}, "text/plain": text}}
        for text in ("fine_tune:   0%|          | 0/120 [00:00<?, ?step/s]", "Labeler at photo 1 of 12")
    ]
    cell["outputs"] = shown
    path.write_text(json.dumps(content), encoding="utf-8")
    pages.gather(executed, tmp_path / "source")
    cells = json.loads((tmp_path / "source" / "notebooks" / path.name).read_text(encoding="utf-8"))["cells"]
    assert next(each for each in cells if each["id"] == cell["id"])["outputs"] == shown[1:]


def test_the_front_page_links_to_existing_pages_and_quotes_the_readme(executed, tmp_path):
    source = tmp_path / "source"
    pages.gather(executed, source)
    front, readme = ((source / name).read_text(encoding="utf-8") for name in ("index.md", "README.md"))
    linked = re.findall(r"^.+ <(.+)>$", front, re.MULTILINE)
    assert len(linked) >= 5
    for page in linked:
        assert (source / f"{page}.md").exists(), page
    for mark in re.findall(r':(?:start-after|end-before): "(.+)"', front):
        assert mark in readme, "the included part would begin or end elsewhere"
    assert (source / "conf.py").exists()


def test_every_picture_on_a_page_is_collected(executed, tmp_path):
    source = tmp_path / "source"
    pages.gather(executed, source)
    for page in source.rglob("*.md"):
        for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / picture).exists(), f"{page.relative_to(source)} shows {picture}"


def test_every_link_points_to_a_collected_page_or_to_the_repository(executed, tmp_path):
    source = tmp_path / "source"
    pages.gather(executed, source)
    for page in source.rglob("*.md"):
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            there = (page.parent / target).is_file() or target.startswith("https://")
            assert there, f"{page.relative_to(source)} links to {target}"
    readme, photos = ((source / name).read_text(encoding="utf-8") for name in ("README.md", "data/README.md"))
    assert all(f"]({name})" in readme for name in ("results/README.md", "LICENSE", "NOTICE"))
    assert f"]({links.repository()}/tree/{links.tag()}/data/render)" in photos
    assert f"]({links.repository()}/blob/{links.tag()}/data/render/plan.py)" in photos


def test_a_notebook_that_was_not_executed_is_named(executed, tmp_path):
    (executed / NOTEBOOKS[3].name).unlink()
    with pytest.raises(pages.SiteError, match=rf"{NOTEBOOKS[3].name}: .*`make run`"):
        pages.gather(executed, tmp_path / "source")


@pytest.mark.parametrize(
    ("tag", "calls"),
    [
        ('<script src="https://example.org/require.js"></script>', True),
        ("<link rel='stylesheet' href='//example.org/x.css'>", True),
        ('<script src="_static/doctools.js"></script>', False),
        ('<a href="https://arxiv.org">a paper</a>', False),
    ],
)
def test_a_page_that_loads_something_from_the_web_is_found(tmp_path, tag, calls):
    (tmp_path / "page.html").write_text(f"<html>{tag}</html>")
    assert bool(pages.calls_elsewhere(tmp_path)) == calls


@pytest.mark.parametrize(
    ("style", "calls"),
    [
        ('@import "https://example.org/font.css";', True),
        ("@import url(//example.org/font.css);", True),
        ("@font-face {src: url( 'https://example.org/a.woff2' )}", True),
        ("@import url(theme.css); a {background: url(../a.svg)}", False),
        ("a {background: url(\"data:image/svg+xml,%3csvg xmlns='http://www.w3.org/2000/svg'/%3e\")}", False),
    ],
)
def test_a_style_that_loads_something_from_the_web_is_found(tmp_path, style, calls):
    (tmp_path / "_static").mkdir()
    (tmp_path / "_static" / "site.css").write_text(style)
    assert bool(pages.calls_elsewhere(tmp_path)) == calls


@pytest.mark.parametrize(
    ("formula", "raw"), [("<math>r</math>", []), ("$$r$$", ["08.ipynb"]), ("<math>r</math> $$q$$", ["08.ipynb"])]
)
def test_a_formula_left_as_tex_is_found(tmp_path, formula, raw):
    notebooks, site = tmp_path / "source" / "notebooks", tmp_path / "site" / "notebooks"
    notebooks.mkdir(parents=True)
    site.mkdir(parents=True)
    for name, text, page in (("07", "No formula.", "No formula."), ("08", "The scale:\n\n$$r$$", formula)):
        notebook = {"cells": [{"cell_type": "markdown", "source": [text]}]}
        (notebooks / f"{name}.ipynb").write_text(json.dumps(notebook))
        (site / f"{name}.html").write_text(f"<html>{page}</html>")
    assert pages.with_raw_formulas(tmp_path / "source", tmp_path / "site") == raw


def test_the_site_renders_formulas_without_a_script_from_the_web(monkeypatch):
    """Sphinx and the MathML converter are not installed here, so they are replaced by stand-ins."""

    class Skip(Exception):
        pass

    class Block:
        def astext(self):
            return "r"

    stand_ins = {
        "docutils": {"nodes": types.SimpleNamespace(math_block=Block, SkipNode=Skip)},
        "latex2mathml": {},
        "latex2mathml.converter": {"convert": lambda tex, display: f"<math display={display}>{tex}</math>"},
    }
    for name, holds in stand_ins.items():
        module = types.ModuleType(name)
        vars(module).update(holds)
        monkeypatch.setitem(sys.modules, name, module)
    conf = runpy.run_path(str(settings.PROJECT / "docs" / "site" / "conf.py"))
    renderers = {}
    app = types.SimpleNamespace(add_html_math_renderer=lambda name, *visits: renderers.update({name: visits}))
    conf["setup"](app)
    assert "dollarmath" in conf["myst_enable_extensions"]
    page = types.SimpleNamespace(body=[])
    inline = types.SimpleNamespace(astext=lambda: "q")
    for (visit, _), node in zip(renderers[conf["html_math_renderer"]], (inline, Block()), strict=True):
        with pytest.raises(Skip):
            visit(page, node)
    assert page.body == ["<math display=inline>q</math>", "<math display=block>r</math>"]


def test_the_pages_of_make_run_load_nothing_and_typeset_their_formulas(tmp_path):
    path = settings.PROJECT / "notebooks" / "08_export_the_checkpoint.ipynb"
    content = nbformat.read(path, as_version=4)
    state = {still.STATE: {"state": {}, "version_major": 2, "version_minor": 0}}
    content.metadata["widgets"] = nbformat.from_dict(state)
    shown = [
        nbformat.v4.new_output("display_data", {pages.WIDGET: {"model_id": "1"}, "text/plain": text})
        for text in ("fine_tune:   0%|          | 0/120 [00:00<?, ?step/s]", "Labeler at photo 1 of 12")
    ]
    cell = next(cell for cell in content.cells if cell.cell_type == "code" and cell.id != "colab")
    cell.source, cell.outputs = "hidden = 1", shown
    cell.metadata["tags"] = ["hide-input"]
    page = execute._html(content, path)
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    assert pages.calls_elsewhere(tmp_path) == []
    assert "html-manager" not in page, "a script that would load another script"
    assert "Labeler at photo 1 of 12" in page and "0/120" not in page
    assert r'<img alt="r \approx S\,(q - Z)"' in page and "$" not in re.sub(
        r"(?s)<(script|style).*?</\1>|<[^>]*>", "", page
    )
    assert '<span class="n">hidden' not in page and "git clone" not in page, "neither its code nor Colab's cell"
    assert len(cell.outputs) == 2 and "widgets" in content.metadata, "the notebook itself keeps them"

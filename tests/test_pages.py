"""The site is gathered from the executed notebooks and from what is written, and calls nobody.

`make site` builds it: Sphinx has an environment of its own, so it is not run here.
"""

import json
import re
import shutil
import sys

import pytest

from workshop_utils import settings

sys.path.insert(0, str(settings.PROJECT / "tools"))

import pages

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


def test_a_progress_bar_is_left_out_and_another_widgets_text_is_kept(executed, tmp_path):
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


def test_the_front_page_leads_to_pages_that_are_there_and_quotes_what_the_readme_has(executed, tmp_path):
    source = tmp_path / "source"
    pages.gather(executed, source)
    front, readme = ((source / name).read_text(encoding="utf-8") for name in ("index.md", "README.md"))
    linked = re.findall(r"^.+ <(.+)>$", front, re.MULTILINE)
    assert len(linked) >= 5
    for page in linked:
        assert (source / f"{page}.md").exists(), page
    for mark in re.findall(r':(?:start-after|end-before): "(.+)"', front):
        assert mark in readme, "what is included would be cut at another place"
    assert (source / "conf.py").exists()


def test_pictures_that_pages_show_are_gathered(executed, tmp_path):
    source = tmp_path / "source"
    pages.gather(executed, source)
    for page in source.rglob("*.md"):
        for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / picture).exists(), f"{page.relative_to(source)} shows {picture}"


def test_a_notebook_that_was_not_executed_is_named(executed, tmp_path):
    (executed / NOTEBOOKS[3].name).unlink()
    with pytest.raises(pages.SiteError, match=rf"{NOTEBOOKS[3].name}: is not there. `make run` executes"):
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
def test_a_page_that_would_load_from_elsewhere_is_found(tmp_path, tag, calls):
    (tmp_path / "page.html").write_text(f"<html>{tag}</html>")
    assert bool(pages.calls_elsewhere(tmp_path)) == calls

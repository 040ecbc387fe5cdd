"""The page's folder, and the page as one file: what is there already is never lost."""

import pytest

from workshop_utils.core import files
from workshop_utils.deploy.web import networks, page_folder

NETWORK = networks.Network("cups", b"a network", {1: "peach"}, decodes=True)
RETRAINED = networks.Network("cups", b"a better network", {1: "peach"}, decodes=True)


def test_a_page_is_written_again_over_an_earlier_one_and_a_file_changed_by_hand_is_kept(tmp_path):
    folder = tmp_path / "new" / "page"
    assert page_folder.write(NETWORK, folder) == []
    (folder / "style.css").write_text("body { color: red }")
    (folder / "mine.txt").write_text("mine")
    assert page_folder.write(RETRAINED, folder) == [folder / "style.css"]
    assert (folder / "style.css").read_text() == "body { color: red }" and (folder / "mine.txt").read_text() == "mine"
    assert (folder / "detector.tflite").read_bytes() == b"a better network"


def test_a_folder_that_holds_something_else_is_refused_and_left_as_it_is(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(files.WriteError, match=r"\(thesis\.txt\)"):
        page_folder.write(NETWORK, tmp_path)
    with pytest.raises(files.WriteError, match="file"):
        page_folder.write(NETWORK, tmp_path / "thesis.txt")
    with pytest.raises(files.WriteError, match="--out"):
        page_folder.write_single(NETWORK, tmp_path / "thesis.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_single_file_replaces_an_earlier_one(tmp_path):
    path = tmp_path / "page.html"
    page_folder.write_single(NETWORK, path)
    before = path.read_bytes()
    page_folder.write_single(RETRAINED, path)
    assert before != path.read_bytes()

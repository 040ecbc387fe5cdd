"""The command `merge`, with the zip files that a class hands in, good and bad."""

import pathlib
import stat
import zipfile

import pytest
from conftest import first_photos

from workshop_utils.cli import main
from workshop_utils.core import settings
from workshop_utils.data import archives, dataset
from workshop_utils.teaching import simulated_labellers


@pytest.fixture(autouse=True)
def unpacked_here(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "UNPACKED", tmp_path / "unpacked")


@pytest.fixture
def zips(yoghurt, tmp_path) -> list[str]:
    """The take-home zips of three people who labelled the same three photos, one of whom mixes up two classes."""
    paths = []
    for person in simulated_labellers.CLASS[2:]:
        path = tmp_path / person.name / "take_home.zip"
        path.parent.mkdir()
        simulated_labellers.write_take_home(person.label(yoghurt.samples[:3]), yoghurt.label_map, path)
        paths.append(str(path))
    return paths


def pack(path: pathlib.Path, entries: dict[str, bytes]) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return str(path)


def test_take_home_zips_become_one_data_set_and_every_pair_is_measured(zips, tmp_path, capsys):
    out = tmp_path / "class"
    truth = first_photos(tmp_path / "true", 3)
    assert main(["merge", *zips, "--out", str(out), "--truth", str(truth)]) == 0
    printed = capsys.readouterr().out.splitlines()
    pairs = [tuple(line.split("  ")[:2]) for line in printed[:-1]]
    assert ("chloe-take_home", "dev-take_home") in pairs and ("consensus", "truth") in pairs and len(pairs) == 7
    assert len(dataset.load(out).samples) + len(list((out / "undecided").iterdir())) == 3


def test_what_two_people_disagree_about_is_counted_and_the_exit_code_is_0(zips, tmp_path, capsys):
    dev = zips[1]
    assert main(["merge", zips[0], dev, "--out", str(tmp_path / "class")]) == 0
    waiting = len(list((tmp_path / "class" / "undecided").iterdir()))
    assert waiting > 0 and f"{waiting} photos wait" in capsys.readouterr().err


def test_hostile_zips_get_nowhere_and_the_labels_in_them_count(zips, tmp_path, capsys):
    with zipfile.ZipFile(zips[0]) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    hostile = pack(tmp_path / "hostile.zip", entries | {"../evil.xml": b"<a/>", "/etc/evil.xml": b"<a/>"})
    with zipfile.ZipFile(hostile, "a") as archive:
        link = zipfile.ZipInfo("labels/link.xml")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    bomb = pack(tmp_path / "bomb.zip", {"photos/a.jpg": bytes(200_000_000)})
    before = set(tmp_path.iterdir())
    out = tmp_path / "class"
    assert main(["merge", hostile, bomb, "--out", str(out)]) == 1
    err = capsys.readouterr().err
    assert "bomb.zip" in err and err.count("hostile.zip: its entry") == 3
    assert set(tmp_path.iterdir()) - before == {out, tmp_path / "unpacked"}
    assert not any("evil" in path.name or path.is_symlink() for path in tmp_path.rglob("*"))
    assert len(dataset.load(out).samples) == 3


def test_a_zip_without_annotations_and_an_empty_one_are_named_and_the_others_are_merged(zips, tmp_path, capsys):
    photo = (settings.YOGHURT / "images" / "0001.jpg").read_bytes()
    bare, empty = pack(tmp_path / "bare.zip", {"photos/0001.jpg": photo}), pack(tmp_path / "empty.zip", {})
    assert main(["merge", zips[0], bare, empty, "--out", str(tmp_path / "class")]) == 1
    err = capsys.readouterr().err
    assert "bare" in err and empty in err and "Traceback" not in err
    assert main(["merge", bare, "--out", str(tmp_path / "nothing")]) == 1
    assert not (tmp_path / "nothing").exists()


def test_a_single_data_set_is_written_and_there_is_nothing_to_compare(voc_folder, tmp_path, capsys):
    assert main(["merge", str(voc_folder), "--out", str(tmp_path / "class")]) == 0
    assert "only one" in capsys.readouterr().err
    assert dataset.load(tmp_path / "class").fingerprint() == dataset.load(voc_folder).fingerprint()


def test_an_out_that_exists_or_is_inside_a_data_set_is_refused_before_anything_is_read(voc_folder, tmp_path, capsys):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for out in (tmp_path / "full", voc_folder / "class"):
        assert main(["merge", str(voc_folder), str(tmp_path / "missing.zip"), "--out", str(out)]) == 1
        err = capsys.readouterr().err
        assert str(out) in err and "missing.zip" not in err
    assert (tmp_path / "full" / "mine.txt").read_text() == "mine" and not (voc_folder / "class").exists()

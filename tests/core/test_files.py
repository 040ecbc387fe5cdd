import contextlib
import errno
import os
import re
import sys

import pytest

from workshop_utils.core import files


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("old")
    return path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_replaces_the_old_one_only_when_it_is_complete(old):
    with files.replacing(old) as unfinished:
        unfinished.write_text("new")
        assert old.read_text() == "old"
        assert unfinished.parent == old.parent, "replacing is atomic only within one folder"
    assert old.read_text() == "new"
    assert names(old.parent) == ["words.txt"]


def test_a_file_that_did_not_exist_is_created(tmp_path):
    with files.replacing(tmp_path / "words.txt") as unfinished:
        unfinished.write_bytes(b"new")
        assert not (tmp_path / "words.txt").exists()
    assert (tmp_path / "words.txt").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("refusals", "platform", "replaced"), [(3, "win32", True), (99, "win32", False), (1, "linux", False)]
)
def test_windows_gets_a_second_until_another_program_has_closed_the_file(
    refusals, platform, replaced, old, monkeypatch
):
    tries, waited, rename = [], [], os.replace

    def refuse(*paths):
        tries.append(paths)
        if len(tries) <= refusals:
            raise PermissionError(errno.EACCES, "used by another process")
        rename(*paths)

    monkeypatch.setattr(os, "replace", refuse)
    monkeypatch.setattr(files.sys, "platform", platform)
    monkeypatch.setattr(files.time, "sleep", waited.append)
    with contextlib.nullcontext() if replaced else pytest.raises(files.WriteError, match=re.escape(str(old))):
        files.write_text("new", old)
    assert old.read_text() == ("new" if replaced else "old")
    assert sum(waited) <= 1 and names(old.parent) == ["words.txt"]


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt, SystemExit])
def test_if_writing_is_interrupted_the_old_file_stays_and_no_unfinished_one(old, fault):
    with pytest.raises(fault), files.replacing(old) as unfinished:
        unfinished.write_text("half")
        raise fault
    assert old.read_text() == "old"
    assert names(old.parent) == ["words.txt"]


def test_if_one_of_several_files_cannot_be_replaced_it_is_named(old):
    refused = pytest.raises(files.WriteError, match=r"second\.txt: .*No space left on device")
    with refused as caught, files.replacing(old), files.replacing(old.with_name("second.txt")):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert "words.txt" not in str(caught.value)
    assert old.read_text() == "old" and names(old.parent) == ["words.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets few people make links")
def test_a_link_in_the_place_of_the_unfinished_file_is_not_followed(old, tmp_path_factory):
    mine = tmp_path_factory.mktemp("private") / "mine.txt"
    mine.write_text("mine")
    old.with_name(f".part-{os.getpid()}-words.txt").symlink_to(mine)
    files.write_text("new", old)
    assert (mine.read_text(), old.read_text()) == ("mine", "new")
    assert names(old.parent) == ["words.txt"]


def test_only_unfinished_files_and_folders_are_swept(old):
    (old.parent / ".part-7-a.xml").touch()
    (old.parent / ".part-xyz" / "saved_model").mkdir(parents=True)
    (old.parent / ".part-xyz" / "saved_model" / "saved_model.pb").touch()
    (old.parent / "part-7.xml").touch()
    files.remove_unfinished(old.parent)
    assert names(old.parent) == ["part-7.xml", "words.txt"]


SPACE, RIGHT, PLACE = (errno.ENOSPC, errno.EFBIG), (errno.EACCES, errno.EROFS), (errno.ENOTDIR, errno.EISDIR)


@pytest.mark.parametrize("number", SPACE + RIGHT + PLACE)
def test_the_remedy_depends_on_why_a_file_cannot_be_written(old, monkeypatch, number):
    def failing(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", failing)
    remedies = [{files.remedy(OSError(each, "")) for each in kind} for kind in (SPACE, RIGHT, PLACE)]
    assert [len(each) for each in remedies] == [1, 1, 1] and len(set.union(*remedies)) == 3
    with pytest.raises(files.WriteError, match=re.escape(files.remedy(OSError(number, "")))) as caught:
        files.write_text("new", old)
    assert os.strerror(number) in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has another limit and another error")
def test_a_name_that_is_too_long_is_reported_as_too_long(tmp_path):
    remedy = files.remedy(OSError(errno.ENAMETOOLONG, ""))
    with pytest.raises(files.WriteError, match=rf"File name too long.*{remedy}"):
        files.write_text("new", tmp_path / ("a" * 256))
    assert remedy != files.remedy(OSError(errno.ENOSPC, ""))


@pytest.mark.parametrize("name", ["a" * 251 + ".xml", "照" * 83 + ".xml", "é" * 124 + "a.xml"])
def test_a_name_as_long_as_the_file_system_allows_can_be_written(name, tmp_path):
    for text in ("first", "second"):
        files.write_text(text, tmp_path / name)
        assert (tmp_path / name).read_text() == text and names(tmp_path) == [name]
    with files.replacing(tmp_path / name) as unfinished:
        assert unfinished.name.endswith("a.xml" if "a" in name else "照.xml") and unfinished.name.startswith(".part-")
        unfinished.touch()


def test_a_folder_is_created_with_its_parents_and_may_already_exist(tmp_path):
    for _ in range(2):
        files.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("inside", ["", "deeper"])
def test_a_file_in_the_place_of_a_folder_is_named_and_stays(old, inside):
    with pytest.raises(files.WriteError, match=r"words\.txt.*: "):
        files.make_folder(old / inside)
    assert old.read_text() == "old"


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_on_a_full_disk_the_old_file_stays_and_the_error_names_it(old, monkeypatch, call):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left on device"):
        files.write_text("new", old)
    assert old.read_text() == "old"
    assert names(old.parent) == ["words.txt"]


def test_the_bytes_are_on_the_disk_before_the_file_gets_its_name(old, monkeypatch):
    calls = []
    monkeypatch.setattr(os, "fsync", lambda _: calls.append("fsync"))
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda *paths: (calls.append("replace"), replace(*paths)))
    files.write_text("new", old)
    assert calls == ["fsync", "replace"]


def test_the_unfinished_file_keeps_the_ending_that_keras_requires(tmp_path):
    with files.replacing(tmp_path / "step.weights.h5") as unfinished:
        assert unfinished.name.endswith("step.weights.h5")
        unfinished.touch()


def test_text_is_utf_8_with_unix_line_ends(tmp_path):
    files.write_text("żółte\n☕\n", tmp_path / "words.txt")
    assert (tmp_path / "words.txt").read_bytes() == "żółte\n☕\n".encode()


def test_a_new_folder_appears_only_when_it_is_complete(tmp_path):
    with files.new_folder(tmp_path / "copy") as unfinished:
        (unfinished / "words.txt").write_text("new")
        assert not (tmp_path / "copy").exists()
    assert names(tmp_path) == ["copy"] and names(tmp_path / "copy") == ["words.txt"]


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt, SystemExit, OSError])
def test_if_filling_a_new_folder_is_interrupted_nothing_is_left_of_it(tmp_path, fault):
    with pytest.raises(fault), files.new_folder(tmp_path / "copy") as unfinished:
        (unfinished / "words.txt").write_text("half")
        raise fault
    assert names(tmp_path) == []


def test_a_file_that_cannot_be_written_into_a_new_folder_is_named_by_its_final_path(tmp_path):
    with pytest.raises(files.WriteError) as caught, files.new_folder(tmp_path / "copy") as unfinished:
        files.write_text("new", unfinished / "missing" / "words.txt")
    assert str(caught.value).startswith(f"{tmp_path / 'copy' / 'missing' / 'words.txt'}: ")


def test_a_folder_that_is_not_empty_is_never_replaced(old):
    with pytest.raises(files.WriteError, match=re.escape(f"{old.parent}: ")), files.new_folder(old.parent):
        raise AssertionError("nothing may be written")
    assert old.read_text() == "old" and names(old.parent) == ["words.txt"]

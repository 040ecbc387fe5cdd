import errno
import os

import pytest

from workshop_utils import files


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("old")
    return path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_takes_the_old_ones_place_only_when_it_is_whole(old):
    with files.replacing(old) as unfinished:
        unfinished.write_text("new")
        assert old.read_text() == "old"
        assert unfinished.parent == old.parent, "only within one folder can a file be replaced in one stroke"
    assert old.read_text() == "new"
    assert names(old.parent) == ["words.txt"]


def test_a_file_that_was_not_there_appears(tmp_path):
    with files.replacing(tmp_path / "words.txt") as unfinished:
        unfinished.write_bytes(b"new")
        assert not (tmp_path / "words.txt").exists()
    assert (tmp_path / "words.txt").read_bytes() == b"new"


@pytest.mark.parametrize("fault", [ValueError, KeyboardInterrupt, SystemExit])
def test_whatever_interrupts_the_writing_the_old_file_stays_and_nothing_is_left_beside_it(old, fault):
    with pytest.raises(fault), files.replacing(old) as unfinished:
        unfinished.write_text("half")
        raise fault
    assert old.read_text() == "old"
    assert names(old.parent) == ["words.txt"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_on_a_full_disk_the_old_file_stays_and_the_fault_is_told(old, monkeypatch, call):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match="No space left on device"):
        files.write_text("new", old)
    assert old.read_text() == "old"
    assert names(old.parent) == ["words.txt"]


def test_the_bytes_are_on_the_disk_before_the_name_is_given_away(old, monkeypatch):
    calls = []
    monkeypatch.setattr(os, "fsync", lambda _: calls.append("fsync"))
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda *paths: (calls.append("replace"), replace(*paths)))
    files.write_text("new", old)
    assert calls == ["fsync", "replace"]


def test_the_unfinished_file_keeps_the_ending_that_keras_insists_on(tmp_path):
    with files.replacing(tmp_path / "step.weights.h5") as unfinished:
        assert unfinished.name.endswith("step.weights.h5")
        unfinished.touch()


def test_text_is_utf_8_with_unix_line_ends(tmp_path):
    files.write_text("żółte\n☕\n", tmp_path / "words.txt")
    assert (tmp_path / "words.txt").read_bytes() == "żółte\n☕\n".encode()

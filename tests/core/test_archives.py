"""Only the wanted files of a harmless archive are unpacked; a hostile one is refused as a whole."""

import gzip
import io
import os
import tarfile

import pytest

from workshop_utils.core import archives
from workshop_utils.core.archives import ArchiveError

WANTED = r".*\.index"


def packed(path, *members, mode="w:gz"):
    """Write an archive of TarInfo objects and (name, bytes) pairs."""
    with tarfile.open(path, mode) as archive:
        for each in members:
            if isinstance(each, tarfile.TarInfo):
                archive.addfile(each)
            else:
                name, data = each
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return path


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def written(folder):
    """Return all files next to and in the folder, except the archive."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_only_the_wanted_files_are_unpacked(tmp_path, folder, mode):
    archive = packed(tmp_path / "a.tar", ("zoo/a.index", b"one"), ("zoo/graph.pb", b"two"), ("b.index", b""), mode=mode)
    assert archives.is_archive(archive)
    assert sorted(archives.unpack(archive, folder, WANTED)) == [folder / "b.index", folder / "zoo" / "a.index"]
    assert written(folder) == ["b.index", "zoo", "zoo/a.index"]
    assert (folder / "zoo" / "a.index").read_bytes() == b"one"


HOSTILE = {
    "a path to the parent": ("../a.index", b"x"),
    "a path within that leaves": ("zoo/../../a.index", b"x"),
    "an absolute path": ("/tmp/a.index", b"x"),
    "a Windows path": ("C:\\a.index", b"x"),
    "a symbolic link": special("a.index", tarfile.SYMTYPE, "/etc/passwd"),
    "a link to a folder": special("zoo", tarfile.SYMTYPE, "/tmp"),
    "a hard link": special("a.index", tarfile.LNKTYPE, "/etc/passwd"),
    "a device": special("a.index", tarfile.CHRTYPE),
    "a block device": special("a.index", tarfile.BLKTYPE),
    "a pipe": special("a.index", tarfile.FIFOTYPE),
}


@pytest.mark.parametrize("member", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("place", ["first", "last"])
def test_a_hostile_archive_is_refused(member, place, tmp_path, folder):
    members = [("good.index", b"x"), member] if place == "last" else [member, ("good.index", b"x")]
    archive = packed(tmp_path / "a.tar.gz", *members)
    with pytest.raises(ArchiveError, match=r"a\.tar\.gz: is refused"):
        archives.unpack(archive, folder, WANTED)
    assert set(written(folder)) <= {"good.index"} and not os.path.exists("/tmp/a.index")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "out"]


def test_a_bomb_is_refused_before_it_fills_the_disk(tmp_path, folder, monkeypatch):
    monkeypatch.setattr(archives, "MAX_BYTES", 100_000)
    archive = packed(tmp_path / "a.tar.gz", ("a.index", bytes(60_000)), ("b.index", bytes(60_000)))
    with pytest.raises(ArchiveError, match="100,000"):
        archives.unpack(archive, folder, WANTED)
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 100_000


def test_a_stated_size_above_the_limit_is_refused_before_anything_is_read(tmp_path, folder):
    info = tarfile.TarInfo("a.index")
    info.size = 10**12
    (tmp_path / "a.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(ArchiveError, match="1,000,000,000,000 bytes"):
        archives.unpack(tmp_path / "a.tar", folder, WANTED)
    assert written(folder) == []


DAMAGE = {
    "truncated": lambda data: data[: len(data) // 2],
    "one byte changed": lambda data: (
        data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 255]) + data[len(data) // 2 + 1 :]
    ),
    "gzip of something else": lambda data: gzip.compress(b"hello" * 1000),
    "text": lambda data: b"hello",
    "empty": lambda data: b"",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_archive_is_named(damage, tmp_path, folder):
    archive = packed(tmp_path / "a.tar.gz", ("a.index", os.urandom(50_000)))
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(ArchiveError, match=r"a\.tar\.gz"):
        archives.unpack(archive, folder, WANTED)

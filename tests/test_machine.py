import os

import pytest

from workshop_utils import machine

HERE = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("limit", "cores"),
    [("max 100000", HERE), ("100000 100000", 1), ("50000 100000", 1), ("9900000 100000", HERE), ("nonsense", HERE)],
)
def test_a_containers_share_is_counted_and_not_the_whole_machine(limit, cores, tmp_path, monkeypatch):
    (tmp_path / "cpu.max").write_text(limit + "\n")
    monkeypatch.setattr(machine, "_QUOTA", tmp_path / "cpu.max")
    assert machine.cores() == cores


def test_the_older_way_of_limiting_is_read_too(tmp_path, monkeypatch):
    for name, value in (("quota", "100000"), ("period", "100000")):
        (tmp_path / name).write_text(value + "\n")
    monkeypatch.setattr(machine, "_QUOTA", tmp_path / "none")
    monkeypatch.setattr(machine, "_QUOTA_V1", (tmp_path / "quota", tmp_path / "period"))
    assert machine.cores() == 1


def test_without_containers_the_cores_of_this_process_count(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_QUOTA", tmp_path / "none")
    monkeypatch.setattr(machine, "_QUOTA_V1", (tmp_path / "none", tmp_path / "none"))
    assert machine.cores() == HERE

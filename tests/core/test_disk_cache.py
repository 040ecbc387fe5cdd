import errno

import numpy as np
import pytest

from workshop_utils.core import disk_cache


@pytest.fixture
def numbers():
    return np.arange(24, dtype=np.uint8).reshape(2, 4, 3)


def test_an_array_is_made_once_and_then_read_from_disk(tmp_path, numbers):
    kept, made = disk_cache.DiskCache(tmp_path), []
    for key in ("a", "b", "a", "b"):
        array = kept.get(key, lambda key=key: made.append(key) or numbers + ord(key))
        assert np.array_equal(array, numbers + ord(key))
    assert made == ["a", "b"]


def test_the_file_has_no_name_so_it_disappears_with_the_process(tmp_path, numbers):
    kept = disk_cache.DiskCache(tmp_path)
    kept.get("a", lambda: numbers)
    assert list(tmp_path.iterdir()) == []


def test_on_a_full_disk_an_array_is_computed_each_time(tmp_path, numbers, monkeypatch):
    kept, made = disk_cache.DiskCache(tmp_path), []

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(disk_cache.tempfile, "TemporaryFile", full)
    for _ in range(2):
        assert np.array_equal(kept.get("a", lambda: made.append(1) or numbers), numbers)
    assert len(made) == 2

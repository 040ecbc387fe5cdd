"""Cache arrays on disk instead of in memory."""

import contextlib
import math
import os
import pathlib
import tempfile
import threading
from collections.abc import Callable

import numpy as np


class DiskCache:
    """A cache of uint8 arrays in an unnamed file in a folder. The file vanishes with the process, even if it is killed.

    Args:
        folder: The folder for the file. It is created when it is needed.
    """

    def __init__(self, folder: pathlib.Path):
        self.folder, self._places = folder, {}
        self._file, self._lock = None, threading.Lock()

    def __contains__(self, key: str) -> bool:
        """Return whether the array for `key` is cached."""
        with self._lock:
            return key in self._places

    def get(self, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
        """Return the uint8 array for `key`, from the cache or from `make`. It is cached if the disk has space."""
        with self._lock:
            if self._file and key in self._places:
                place, shape = self._places[key]
                self._file.seek(place)
                return np.frombuffer(self._file.read(math.prod(shape)), np.uint8).reshape(shape)
            array = make()
            with contextlib.suppress(OSError):
                self._keep(key, array)
            return array

    def _keep(self, key: str, array: np.ndarray) -> None:
        if self._file is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=self.folder, buffering=0)  # noqa: SIM115 (open until the process ends)
        place = self._file.seek(0, os.SEEK_END)
        if self._file.write(array.tobytes()) == array.nbytes:
            self._places[key] = place, array.shape

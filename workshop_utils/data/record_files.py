"""Names of TFRecord files: `train.record` and `val.record`, or their shards, such as `train.record-00000-of-00004`.

Nothing here reads a record, so nothing here needs TensorFlow.
"""

import pathlib
import re

from workshop_utils.data.dataset import DatasetError

FILES = ("train.record", "val.record")
"""The names of the two files. The names of their shards begin with these."""

REST = "test.record"
"""The name of the file with the photos that are in neither, if the data set comes with such a split."""


def exist_in(folder: pathlib.Path) -> bool:
    """Return whether a folder has records, in one file or in shards."""
    return any(pathlib.Path(folder).glob(f"{FILES[0]}*"))


def shard_paths(path: pathlib.Path, count: int) -> list[pathlib.Path]:
    """Return the paths of a record file's `count` shards, numbered like TensorFlow's; for 1 shard, the file's own."""
    names = [f"{path.name}-{place:05d}-of-{count:05d}" for place in range(count)]
    return [path.with_name(name) for name in names] if count > 1 else [path]


def find(path: pathlib.Path) -> list[pathlib.Path]:
    """Return the path of a record file, or of all its shards if it has any.

    Raises:
        DatasetError: If there are files of different sets of shards.
    """
    there = sorted(path.parent.glob(f"{path.name}*"))
    counts = {int(counted[1]) for each in there if (counted := re.fullmatch(r".*-of-(\d{5})", each.name))}
    expected = shard_paths(path, max(counts, default=1))
    odd = sorted(set(there) - set(expected))
    if odd:
        raise DatasetError(f"{odd[0]}: does not belong to the {len(expected)} files of {path}. Rewrite the records.")
    return expected

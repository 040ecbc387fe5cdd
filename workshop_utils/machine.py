"""How many processor cores there are for us."""

import math
import os
import pathlib

_QUOTA = pathlib.Path("/sys/fs/cgroup/cpu.max")
_QUOTA_V1 = tuple(pathlib.Path("/sys/fs/cgroup/cpu", name) for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us"))


def cores() -> int:
    """Return how many cores this process may use at once: in a container, often fewer than the machine has."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(here, _quota())))


def _quota() -> float:
    """Return the container's share of the machine in cores, infinity where it has no limit (Linux: cgroups)."""
    try:
        words = _QUOTA.read_text().split() if _QUOTA.exists() else [path.read_text().strip() for path in _QUOTA_V1]
        quota, period = words
        return int(quota) / int(period) if quota not in ("max", "-1") else math.inf
    except (OSError, ValueError):
        return math.inf

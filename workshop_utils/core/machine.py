"""What of this machine is there for us: packages, processor cores, memory, and who else holds some of it."""

import dataclasses
import importlib.metadata
import math
import os
import pathlib
import re
import sys

import psutil

_QUOTA = pathlib.Path("/sys/fs/cgroup/cpu.max")
_QUOTA_V1 = tuple(pathlib.Path("/sys/fs/cgroup/cpu", name) for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us"))

_GROUPS = pathlib.Path("/sys/fs/cgroup")
_OUR_GROUPS = pathlib.Path("/proc/self/cgroup")
_MEMORY_FILES = ("memory.max", "memory.current", "inactive_file")
_MEMORY_FILES_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
"""Where the limit stands, where what is taken of it, and what part of that, in memory.stat, is given back on demand."""

_REPORTED_FROM = 500_000_000
"""Bytes that other notebooks hold together before we speak of them: less than that does no harm on 2 GB."""


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A notebook's process, with its resident memory in bytes."""

    pid: int
    memory: int


def cores() -> int:
    """Return how many cores this process may use at once: in a container, often fewer than the machine has."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(here, _quota())))


def free_memory() -> int:
    """Return how many bytes this process can still take: of the machine's memory, or of a container's, if that is less.

    A container's share (Linux: cgroups, version 1 or 2) ends a notebook long before the machine's memory is full.
    """
    left = [_left_of(*limited) for limited in _limited_groups()]
    return int(max(0, min([psutil.virtual_memory().available, *left])))


def other_kernels() -> list[Kernel]:
    """Return the Jupyter kernels besides this one that run on this machine under the same user, the largest first."""
    me = psutil.Process()
    kernels: dict[str, Kernel] = {}
    for process in psutil.process_iter(["pid", "username", "cmdline", "memory_info"]):
        kernel, taken = _connection_file(process.info["cmdline"]), process.info["memory_info"]
        if kernel and taken and process.info["username"] == me.username():  # several processes may be one kernel
            each = Kernel(process.pid, taken.rss)
            kernels[kernel] = max(each, kernels.get(kernel, each), key=lambda kernel: kernel.memory)
    kernels.pop(_connection_file(me.cmdline()), None)
    return sorted(kernels.values(), key=lambda kernel: -kernel.memory)


def warn_of_other_kernels() -> None:
    """Print one line where other notebooks are open and hold much memory, and nothing where they do not."""
    others = other_kernels()
    if (total := sum(kernel.memory for kernel in others)) >= _REPORTED_FROM:
        held = f"{total / 1e9:.1f} GB of memory"
        where = "under 'Running Terminals and Kernels', left in JupyterLab."
        if len(others) == 1:
            print(f"Another notebook is open and holds {held}. If you do not need it, shut it down {where}")
        else:
            print(f"{len(others)} other notebooks are open and hold {held}. Shut down what you do not need, {where}")


def missing_packages(requirements: pathlib.Path) -> list[str]:
    """Return the packages that a requirements file names and this Python does not have, in the file's order.

    On Colab nobody misses JupyterLab: Colab's page is in its place.
    """
    needless = {"jupyterlab"} if "google.colab" in sys.modules else set()
    lines = requirements.read_text(encoding="utf-8").splitlines()
    names = [re.match(r"[\w.-]+", line)[0] for line in lines if line[:1].isalnum()]
    wanted = [name for name in names if name not in needless]
    return [
        name for name in wanted if not (_is_installed(name) or _is_installed(f"{name}-cpu"))
    ]  # tensorflow-cpu will do


def _is_installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _quota() -> float:
    """Return the container's share of the machine in cores, infinity where it has no limit (Linux: cgroups)."""
    try:
        words = _QUOTA.read_text().split() if _QUOTA.exists() else [path.read_text().strip() for path in _QUOTA_V1]
        quota, period = words
        return int(quota) / int(period) if quota not in ("max", "-1") else math.inf
    except (OSError, ValueError):
        return math.inf


def _limited_groups() -> list[tuple[pathlib.Path, tuple[str, str, str]]]:
    """Return the folders of the control groups that this process is in, each with the names in it.

    A limit of any of them holds, from our own group up to the topmost that can be seen.
    """
    try:
        lines = [line.split(":", 2) for line in _OUR_GROUPS.read_text().split()]
    except OSError:
        return []
    found = []
    for _, controllers, path in (line for line in lines if len(line) == 3):
        if "memory" in controllers.split(","):
            top, names = _GROUPS / "memory", _MEMORY_FILES_V1
        elif not controllers:
            top, names = _GROUPS, _MEMORY_FILES
        else:
            continue
        own = pathlib.PurePosixPath(path.lstrip("/"))
        found += [(top / group, names) for group in (own, *own.parents) if (top / group / names[0]).exists()]
    return found


def _left_of(group: pathlib.Path, names: tuple[str, str, str]) -> float:
    """Return how many bytes a control group may still take, infinity where it has no limit."""
    limit, current, given_back = names
    try:
        if (allowed := (group / limit).read_text().strip()) == "max":
            return math.inf
        statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return int(allowed) - int((group / current).read_text()) + int(statistics.get(given_back, 0))
    except (OSError, ValueError):
        return math.inf


def _connection_file(command: list[str] | None) -> str | None:
    """Return the file by which a notebook finds its kernel, where a command line is a kernel's: each has its own."""
    if any(pathlib.PurePath(word).stem.endswith("kernel_launcher") for word in command or ()):
        return next((word for word in command if word.endswith(".json")), None)
    return None

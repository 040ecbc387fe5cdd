"""What this process can use of the machine: packages, processor cores and memory, and what other notebooks use."""

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
"""The files with a control group's limit and usage, and the field of memory.stat with the reclaimable memory."""

_REPORTED_FROM = 500_000_000
"""Bytes. Other notebooks that use less memory together are not reported: they do no harm on 2 GB."""


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A notebook's process.

    Attributes:
        pid: Its process id.
        memory: Its resident memory, in bytes.
    """

    pid: int
    memory: int


def cores() -> int:
    """Return how many cores this process may use. A container often has fewer than the machine."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min(here, _quota())))


def free_memory() -> int:
    """Return how many bytes of memory this process can still use: the machine's, or the container's if that is less.

    A container's limit (Linux: cgroups, version 1 or 2) kills a notebook long before the machine's memory is full.
    """
    available = [_available_in(*limited) for limited in _limited_groups()]
    return int(max(0, min([psutil.virtual_memory().available, *available])))


def other_kernels() -> list[Kernel]:
    """Return the other Jupyter kernels of the same user on this machine, the largest first."""
    me = psutil.Process()
    kernels: dict[str, Kernel] = {}
    for process in psutil.process_iter(["pid", "username", "cmdline", "memory_info"]):
        kernel, memory = _connection_file(process.info["cmdline"]), process.info["memory_info"]
        if kernel and memory and process.info["username"] == me.username():  # a kernel may have several processes
            each = Kernel(process.pid, memory.rss)
            kernels[kernel] = max(each, kernels.get(kernel, each), key=lambda kernel: kernel.memory)
    kernels.pop(_connection_file(me.cmdline()) or "", None)
    return sorted(kernels.values(), key=lambda kernel: -kernel.memory)


def warn_of_other_kernels() -> None:
    """Print one line if other notebooks are open and use much memory."""
    others = other_kernels()
    if (total := sum(kernel.memory for kernel in others)) >= _REPORTED_FROM:
        subject = "Another notebook is open and uses" if len(others) == 1 else f"{len(others)} other open notebooks use"
        where = "in 'Running Terminals and Kernels'"  # longer lines are broken within a word on a laptop's screen
        print(f"{subject} {total / 1e9:.1f} GB of memory. Shut down unneeded ones {where}.")


def missing_packages(requirements: pathlib.Path) -> list[str]:
    """Return the packages in a requirements file that are not installed, in the file's order.

    Colab does not need JupyterLab.
    """
    unneeded = {"jupyterlab"} if "google.colab" in sys.modules else set()
    lines = requirements.read_text(encoding="utf-8").splitlines()
    names = [found[0] for line in lines if line[:1].isalnum() and (found := re.match(r"[\w.-]+", line))]
    needed = [name for name in names if name not in unneeded]
    return [name for name in needed if not any(map(_is_installed, (name, f"{name}-cpu")))]  # or tensorflow-cpu


def _is_installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _quota() -> float:
    """Return the container's limit in cores, infinity if it does not have one (Linux: cgroups)."""
    try:
        words = _QUOTA.read_text().split() if _QUOTA.exists() else [path.read_text().strip() for path in _QUOTA_V1]
        quota, period = words
        return int(quota) / int(period) if quota not in ("max", "-1") else math.inf
    except (OSError, ValueError):
        return math.inf


def _limited_groups() -> list[tuple[pathlib.Path, tuple[str, str, str]]]:
    """Return the folders of this process's control groups, each with the names of its memory files.

    Each group's limit applies, from the process's own group up to the topmost visible one.
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


def _available_in(group: pathlib.Path, names: tuple[str, str, str]) -> float:
    """Return how many bytes a control group may still use, infinity if it does not have a limit."""
    limit, current, reclaimable = names
    try:
        if (allowed := (group / limit).read_text().strip()) == "max":
            return math.inf
        statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return int(allowed) - int((group / current).read_text()) + int(statistics.get(reclaimable, 0))
    except (OSError, ValueError):
        return math.inf


def _connection_file(command: list[str] | None) -> str | None:
    """Return the connection file, unique to each kernel, in a kernel's command line; None for other commands."""
    if command and any(pathlib.PurePath(word).stem.endswith("kernel_launcher") for word in command):
        return next((word for word in command if word.endswith(".json")), None)
    return None

"""Which processes train together, and on which machines: TensorFlow's cluster specification.

They are named on the command line, or in the environment variable TF_CONFIG as TensorFlow documents it
(https://www.tensorflow.org/guide/distributed_training#setting_up_the_tf_config_environment_variable).
"""

import dataclasses
import json
import os

from workshop_utils.core.errors import WorkshopError
from workshop_utils.core.settings import SettingsError


class ClusterError(WorkshopError, RuntimeError):
    """Workers that do not find each other, do not fit together or were lost; the message says which and what to do."""


@dataclasses.dataclass(frozen=True)
class ClusterSpec:
    """The addresses of all workers, each a host and a port, and which of them this process is."""

    workers: tuple[str, ...]
    index: int


def resolve(addresses: str | None, index: int | None) -> ClusterSpec | None:
    """Return the place that the options name, or else TF_CONFIG; None where neither names any other worker.

    `addresses` are host:port, with commas between them. Raises SettingsError.
    """
    if addresses is None and index is None:
        return _configured()
    if addresses is None or index is None:
        raise SettingsError("--workers and --index belong together: who trains, and which of them is this?")
    return _checked(addresses.split(","), index, "--workers")


def _configured() -> ClusterSpec | None:
    """Return what TF_CONFIG says, None where it names no other workers. A `chief` in it is the first of the workers."""
    try:
        config = json.loads(os.environ.get("TF_CONFIG") or "{}")
        jobs, task = dict(config.get("cluster", {})), config.get("task", {})
        chiefs, others = list(jobs.pop("chief", [])), list(jobs.pop("worker", []))
        job, index = task.get("type"), int(task.get("index", 0))
    except (ValueError, TypeError, AttributeError) as fault:
        raise SettingsError(f"TF_CONFIG cannot be read ({fault}). TensorFlow's guide says its form.") from None
    if len(chiefs + others) < 2 and not jobs:
        return None
    if jobs or job not in ("chief", "worker"):
        raise SettingsError(
            "TF_CONFIG must name a cluster of a chief and workers, or of workers alone, and a task that is one of them."
        )
    return _checked(chiefs + others, index + (len(chiefs) if job == "worker" else 0), "TF_CONFIG")


def _checked(addresses: list[str], index: int, where: str) -> ClusterSpec:
    for address in addresses:
        host, _, port = str(address).rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise SettingsError(f"{where} names '{address}', which is no host:port, such as 10.0.0.5:2222.")
    if len(set(addresses)) < max(2, len(addresses)):
        raise SettingsError(f"{where} must name two workers at least, each once, not {','.join(addresses)}.")
    if not 0 <= index < len(addresses):
        raise SettingsError(f"There is no worker {index}: {where} names 0 to {len(addresses) - 1}.")
    return ClusterSpec(tuple(addresses), index)

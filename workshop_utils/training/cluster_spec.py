"""The workers that train together, and their addresses: TensorFlow's cluster specification.

They come from the command line, or from the environment variable TF_CONFIG
(https://www.tensorflow.org/guide/distributed_training#setting_up_the_tf_config_environment_variable).
"""

import dataclasses
import json
import os

from workshop_utils.core.errors import WorkshopError
from workshop_utils.core.settings import SettingsError


class ClusterError(WorkshopError, RuntimeError):
    """Workers that cannot connect, have different plans, or were lost. The message names them and says what to do."""


@dataclasses.dataclass(frozen=True)
class ClusterSpec:
    """The addresses of all workers, as host:port, and the index of this process among them."""

    workers: tuple[str, ...]
    index: int


def resolve(addresses: str | None, index: int | None) -> ClusterSpec | None:
    """Return the cluster from the options, or else from TF_CONFIG.

    Args:
        addresses: The addresses of all workers, host:port, separated by commas.
        index: The index of this process among them.

    Returns:
        The cluster, or None if neither source names another worker.

    Raises:
        SettingsError: If the options or TF_CONFIG are invalid.
    """
    if addresses is None and index is None:
        return _configured()
    if addresses is None or index is None:
        raise SettingsError("--workers and --index go together: name all workers, and the index of this one.")
    return _checked(addresses.split(","), index, "--workers")


def _configured() -> ClusterSpec | None:
    """Return the cluster in TF_CONFIG, or None if it names no other workers. A `chief` becomes worker 0."""
    try:
        config = json.loads(os.environ.get("TF_CONFIG") or "{}")
        jobs, task = dict(config.get("cluster", {})), config.get("task", {})
        chiefs, others = list(jobs.pop("chief", [])), list(jobs.pop("worker", []))
        job, index = task.get("type"), int(task.get("index", 0))
    except (ValueError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"TF_CONFIG cannot be read ({error}). TensorFlow's guide to distributed training describes its format."
        ) from None
    if len(chiefs + others) < 2 and not jobs:
        return None
    if jobs or job not in ("chief", "worker"):
        raise SettingsError(
            "TF_CONFIG must name a cluster of workers, with or without a chief, and a task that is one of them."
        )
    return _checked(chiefs + others, index + (len(chiefs) if job == "worker" else 0), "TF_CONFIG")


def _checked(addresses: list[str], index: int, where: str) -> ClusterSpec:
    for address in addresses:
        host, _, port = str(address).rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise SettingsError(f"{where} names '{address}', which is not a host:port such as 10.0.0.5:2222.")
    if len(set(addresses)) < max(2, len(addresses)):
        raise SettingsError(f"{where} must name at least two different workers, not {','.join(addresses)}.")
    if not 0 <= index < len(addresses):
        raise SettingsError(f"There is no worker {index}: {where} names workers 0 to {len(addresses) - 1}.")
    return ClusterSpec(tuple(addresses), index)

"""Which processes train together, on which machines, and whether each of them answers.

They are named on the command line, or in the environment variable TF_CONFIG as TensorFlow documents it
(https://www.tensorflow.org/guide/distributed_training#setting_up_the_tf_config_environment_variable).
"""

import dataclasses
import ipaddress
import json
import os
import socket
import time

from workshop_utils.core.errors import WorkshopError
from workshop_utils.core.settings import SettingsError

PATIENCE = 120.0
"""How many seconds a worker waits for the others to be started."""


class ClusterError(WorkshopError, RuntimeError):
    """Workers that do not find each other, do not fit together or were lost; the message says which and what to do."""


@dataclasses.dataclass(frozen=True)
class Place:
    """The addresses of all workers, each a host and a port, and which of them this process is."""

    workers: tuple[str, ...]
    index: int


def place(addresses: str | None, index: int | None) -> Place | None:
    """Return the place that the options name, or else TF_CONFIG; None where neither names any other worker.

    `addresses` are host:port, with commas between them. Raises SettingsError.
    """
    if addresses is None and index is None:
        return _configured()
    if addresses is None or index is None:
        raise SettingsError("--workers and --index belong together: who trains, and which of them is this?")
    return _checked(addresses.split(","), index, "--workers")


def meet(place: Place, patience: float = PATIENCE) -> None:
    """Wait until every worker listens at its address; TensorFlow itself would wait, and not say for whom.

    Raises ClusterError where this worker's port is in use, or another does not answer within `patience` seconds.
    """
    own, deadline = place.workers[place.index], time.monotonic() + patience
    try:
        listening = socket.create_server(_where_to_listen(own))
    except OSError as fault:
        raise ClusterError(
            f"{own}: this worker cannot listen there ({fault.strerror}). If a run before this one has not ended yet, "
            "wait for it; else name another port, in the commands of all workers."
        ) from None
    print(f"Worker {place.index} of {len(place.workers)} waits for the others.", flush=True)
    with listening:
        for index, worker in enumerate(place.workers):
            while index != place.index and (fault := _no_answer(worker)):
                if time.monotonic() > deadline:
                    raise ClusterError(
                        f"Worker {index} ({worker}) does not answer after {patience:.0f} s ({fault}). Start it, "
                        "check its address, and that no firewall is between; then start all again."
                    )
                time.sleep(0.2)


def _where_to_listen(worker: str) -> tuple[str, int]:
    """Return the address at which a worker waits: for all machines, or for its own where the others know it so."""
    host, port = _split(worker)
    try:
        alone = ipaddress.ip_address(host).is_loopback
    except ValueError:
        alone = host == "localhost"
    return host if alone else "", port


def _no_answer(worker: str) -> OSError | None:
    try:
        socket.create_connection(_split(worker), timeout=5).close()
    except OSError as fault:
        return fault


def _split(worker: str) -> tuple[str, int]:
    host, _, port = worker.rpartition(":")
    return host.strip("[]"), int(port)


def _configured() -> Place | None:
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


def _checked(addresses: list[str], index: int, where: str) -> Place:
    for address in addresses:
        host, _, port = str(address).rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise SettingsError(f"{where} names '{address}', which is no host:port, such as 10.0.0.5:2222.")
    if len(set(addresses)) < max(2, len(addresses)):
        raise SettingsError(f"{where} must name two workers at least, each once, not {','.join(addresses)}.")
    if not 0 <= index < len(addresses):
        raise SettingsError(f"There is no worker {index}: {where} names 0 to {len(addresses) - 1}.")
    return Place(tuple(addresses), index)

"""TCP connections between worker 0 (the chief) and every other worker, open while the workers train.

TensorFlow's strategy sums the gradients. These connections carry the rest: whether all workers have the same plan, the
chief's weights at the start, and which worker was lost. Messages are JSON or arrays of known sizes; nothing received is
ever executed.
"""

import ipaddress
import itertools
import json
import socket
import struct
import time

import numpy as np

from workshop_utils.training.cluster_spec import ClusterError, ClusterSpec

CONNECT_TIMEOUT = 120.0
"""Seconds a worker waits for the others to start."""

MAX_MESSAGE = 1_000_000
"""The longest JSON message that is accepted, in bytes."""

_LENGTH = struct.Struct("!Q")


class Connections:
    """The open connections of one worker.

    Attributes:
        cluster: All workers, and which of them this is.
        sockets: A socket per worker index: the chief has one to every other worker, the others have one to the chief.
    """

    def __init__(self, cluster: ClusterSpec, sockets: dict[int, socket.socket]):
        self.cluster, self.sockets = cluster, sockets

    def all_gather(self, value: object) -> list:
        """Return the values of all workers, by index. Every worker must call it.

        Args:
            value: This worker's value, which must be representable in JSON.

        Raises:
            ClusterError: If a worker was lost.
        """
        if self.cluster.index:
            self._send(0, json.dumps(value).encode())
            return json.loads(self._receive(0, MAX_MESSAGE))
        values = [value, *(json.loads(self._receive(index, MAX_MESSAGE)) for index in sorted(self.sockets))]
        for index in self.sockets:
            self._send(index, json.dumps(values).encode())
        return values

    def broadcast(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """Return the chief's arrays. Every worker must call it.

        Args:
            arrays: This worker's arrays; shapes and types must be the same on all workers.

        Raises:
            ClusterError: If a worker was lost.
        """
        if self.cluster.index == 0:
            for index in self.sockets:
                self._send(index, b"".join(array.tobytes() for array in arrays))
            return arrays
        starts = [0, *itertools.accumulate(array.nbytes for array in arrays)]
        data = self._receive(0, starts.pop())
        return [
            np.frombuffer(data, array.dtype, array.size, start).reshape(array.shape)
            for array, start in zip(arrays, starts, strict=True)
        ]

    def lost_workers(self, timeout: float = 10.0) -> list[int]:
        """Wait up to `timeout` seconds to find out which workers have ended; return their indices.

        The chief checks its connections and sends the result to the others.
        """
        deadline = time.monotonic() + timeout
        if self.cluster.index == 0:
            while not (ended := list(filter(self._has_ended, self.sockets))) and time.monotonic() <= deadline:
                time.sleep(0.1)
            for index in set(self.sockets) - set(ended):
                try:
                    self._send(index, json.dumps(ended).encode())
                except ClusterError:
                    ended.append(index)
            return sorted(ended)
        try:
            self.sockets[0].settimeout(timeout)
            return json.loads(self._receive(0, MAX_MESSAGE))
        except (ClusterError, ValueError):
            return [0] if self._has_ended(0) else []

    def _has_ended(self, index: int) -> bool:
        connection = self.sockets[index]
        try:
            connection.setblocking(False)
            return connection.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            connection.setblocking(True)

    def _send(self, index: int, data: bytes) -> None:
        try:
            self.sockets[index].sendall(_LENGTH.pack(len(data)) + data)
        except OSError as error:
            raise lost_workers_error(self.cluster, [index], error) from None

    def _receive(self, index: int, limit: int) -> bytes:
        try:
            (length,) = _LENGTH.unpack(_read(self.sockets[index], _LENGTH.size))
            if length > limit:
                raise OSError(f"it sent {length} bytes where at most {limit} were expected")
            return _read(self.sockets[index], length)
        except OSError as error:
            raise lost_workers_error(self.cluster, [index], error) from None


def lost_workers_error(cluster: ClusterSpec, workers: list[int], why: object) -> ClusterError:
    """Return the error that names the lost workers, or quotes the reason if none is known to be lost.

    Args:
        cluster: All workers, and which of them this is.
        workers: The lost workers.
        why: The original error.
    """
    named = ", ".join(f"worker {index} ({cluster.workers[index]})" for index in workers)
    what = f"has lost {named}: it ended or cannot be reached" if named else f"cannot continue ({why})"
    return ClusterError(
        f"Worker {cluster.index} {what}. The last message of the other worker says why. Start all workers again, each "
        "with the same command: training resumes from the last save."
    )


def connect(cluster: ClusterSpec, timeout: float = CONNECT_TIMEOUT) -> Connections:
    """Wait until every worker listens at its address and is connected to the chief; return the connections.

    TensorFlow would wait, too, but would not name the missing worker. Afterwards each worker's port is free for
    TensorFlow.

    Args:
        cluster: All workers, and which of them this is.
        timeout: Seconds to wait for the others.

    Raises:
        ClusterError: If this worker's port is in use, or another worker does not answer in time.
    """
    own, deadline = cluster.workers[cluster.index], time.monotonic() + timeout
    try:
        listening = socket.create_server(_address_to_listen_at(own))
    except OSError as error:
        raise ClusterError(
            f"{own}: this worker cannot listen there ({error.strerror}). If an earlier run is still ending, wait for "
            "it; otherwise choose another port, in the commands of all workers."
        ) from None
    print(f"Worker {cluster.index} of {len(cluster.workers)} is waiting for the others.", flush=True)
    with listening:
        for index in range(len(cluster.workers)):
            if index != cluster.index:
                _try(cluster, index, deadline, timeout).close()
        if cluster.index == 0:
            connections = Connections(cluster, _accept(cluster, listening, deadline, timeout))
        else:
            connections = Connections(cluster, {0: _try(cluster, 0, deadline, timeout)})
            connections._send(0, json.dumps(cluster.index).encode())
        connections.all_gather("connected")  # no worker stops listening before all are connected
    return connections


def _accept(
    cluster: ClusterSpec, listening: socket.socket, deadline: float, timeout: float
) -> dict[int, socket.socket]:
    """Return the connection of every other worker, by index.

    Connections that send no valid index are closed: other workers check whether the chief is listening, and other
    programs may connect, too.
    """
    found: dict[int, socket.socket] = {}
    missing = set(range(1, len(cluster.workers)))
    while missing:
        listening.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            connection, _ = listening.accept()
        except TimeoutError:
            raise _no_answer(cluster, min(missing), timeout, "it did not connect") from None
        connection.settimeout(5.0)
        try:
            (length,) = _LENGTH.unpack(_read(connection, _LENGTH.size))
            index = json.loads(_read(connection, min(length, 100)))
            missing.remove(index)
        except (OSError, ValueError, KeyError, TypeError):
            connection.close()
            continue
        found[index] = _keep_alive(connection)
    return found


def _try(cluster: ClusterSpec, index: int, deadline: float, timeout: float) -> socket.socket:
    """Return a connection to a worker, retrying until the deadline. Raises ClusterError."""
    while True:
        try:
            return _keep_alive(socket.create_connection(_split(cluster.workers[index]), timeout=5))
        except OSError as error:
            if time.monotonic() > deadline:
                raise _no_answer(cluster, index, timeout, error) from None
        time.sleep(0.2)


def _keep_alive(connection: socket.socket) -> socket.socket:
    """Return a connection that has no timeout, but notices if the other side is gone."""
    connection.settimeout(None)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return connection


def _no_answer(cluster: ClusterSpec, index: int, timeout: float, why: object) -> ClusterError:
    return ClusterError(
        f"Worker {index} ({cluster.workers[index]}) did not answer within {timeout:.0f} s ({why}). Start it; check its "
        "address, and that no firewall blocks it. Then start all workers again."
    )


def _read(connection: socket.socket, count: int) -> bytes:
    """Return `count` bytes. Raises OSError if the other side closed the connection."""
    data = bytearray()
    while len(data) < count:
        part = connection.recv(min(count - len(data), 1 << 20))
        if not part:
            raise ConnectionError("it closed the connection")
        data += part
    return bytes(data)


def _address_to_listen_at(worker: str) -> tuple[str, int]:
    """Return the host and port to listen at: the loopback address if the worker has one, otherwise all addresses."""
    host, port = _split(worker)
    try:
        is_local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_local = host == "localhost"
    return host if is_local else "", port


def _split(worker: str) -> tuple[str, int]:
    host, _, port = worker.rpartition(":")
    return host.strip("[]"), int(port)

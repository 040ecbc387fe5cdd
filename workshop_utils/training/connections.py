"""TCP connections between worker 0, the chief, and each other worker; they stay open while the workers train.

TensorFlow's strategy adds up gradients. These connections carry the rest: whether all workers have the same plan, the
chief's weights at the start, and which worker was lost. Messages are JSON or arrays of known sizes; nothing received is
ever run.
"""

import ipaddress
import json
import socket
import struct
import time

import numpy as np

from workshop_utils.training.cluster_spec import ClusterError, ClusterSpec

CONNECT_TIMEOUT = 120.0
"""Seconds that a worker waits for the others to start."""

LONGEST_MESSAGE = 1_000_000
"""Bytes of JSON that are accepted."""

_LENGTH = struct.Struct("!Q")


class Connections:
    """This worker's connections: the chief has one to every other worker, each other worker one to the chief."""

    def __init__(self, cluster: ClusterSpec, sockets: dict[int, socket.socket]):
        self.cluster, self.sockets = cluster, sockets

    def all_gather(self, value: object) -> list:
        """Return every worker's value, by index. All workers call it; a value is anything JSON holds.

        Raises ClusterError where a worker was lost.
        """
        if self.cluster.index:
            self._send(0, json.dumps(value).encode())
            return json.loads(self._receive(0, LONGEST_MESSAGE))
        values = [value, *(json.loads(self._receive(index, LONGEST_MESSAGE)) for index in sorted(self.sockets))]
        for index in self.sockets:
            self._send(index, json.dumps(values).encode())
        return values

    def broadcast(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """Return the chief's arrays; each worker gives its own, of the same shapes. Raises ClusterError."""
        if self.cluster.index == 0:
            for index in self.sockets:
                self._send(index, b"".join(np.ascontiguousarray(array).tobytes() for array in arrays))
            return arrays
        data, offset, received = self._receive(0, sum(array.nbytes for array in arrays)), 0, []
        for array in arrays:
            received.append(np.frombuffer(data, array.dtype, array.size, offset).reshape(array.shape))
            offset += array.nbytes
        return received

    def lost_workers(self, timeout: float = 10.0) -> list[int]:
        """Return the workers that have ended, as far as this worker can find out within `timeout` seconds.

        The chief looks at its connections and tells the others what it found.
        """
        deadline = time.monotonic() + timeout
        if self.cluster.index == 0:
            while not (ended := [index for index in self.sockets if self._has_ended(index)]):
                if time.monotonic() > deadline:
                    break
                time.sleep(0.1)
            for index in set(self.sockets) - set(ended):
                try:
                    self._send(index, json.dumps(ended).encode())
                except ClusterError:
                    ended.append(index)
            return sorted(ended)
        try:
            self.sockets[0].settimeout(timeout)
            return json.loads(self._receive(0, LONGEST_MESSAGE))
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
        except OSError as fault:
            raise lost_workers_error(self.cluster, [index], fault) from None

    def _receive(self, index: int, most: int) -> bytes:
        try:
            (length,) = _LENGTH.unpack(_read(self.sockets[index], _LENGTH.size))
            if length > most:
                raise OSError(f"it sent {length} bytes where at most {most} were expected")
            return _read(self.sockets[index], length)
        except OSError as fault:
            raise lost_workers_error(self.cluster, [index], fault) from None


def lost_workers_error(cluster: ClusterSpec, workers: list[int], why: object) -> ClusterError:
    """Return the error that names the workers which are gone; where none is known, it shows the original message."""
    named = ", ".join(f"worker {index} ({cluster.workers[index]})" for index in workers)
    what = f"has lost {named}: it ended, or cannot be reached any more" if named else f"cannot go on ({why})"
    return ClusterError(
        f"Worker {cluster.index} {what}. The other worker's last message says why. Start all workers again, each with "
        "the same command: they resume from the last step that was saved."
    )


def connect(cluster: ClusterSpec, timeout: float = CONNECT_TIMEOUT) -> Connections:
    """Wait until every worker listens at its address and is connected to the chief; return the connections.

    TensorFlow itself would wait, too, but would not say for whom. Afterwards each worker's port is free for TensorFlow.
    Raises ClusterError where this worker's port is in use, or another does not answer within `timeout` seconds.
    """
    own, deadline = cluster.workers[cluster.index], time.monotonic() + timeout
    try:
        listening = socket.create_server(_where_to_listen(own))
    except OSError as fault:
        raise ClusterError(
            f"{own}: this worker cannot listen there ({fault.strerror}). If an earlier run has not ended yet, wait for "
            "it; otherwise name another port, in the commands of all workers."
        ) from None
    print(f"Worker {cluster.index} of {len(cluster.workers)} waits for the others.", flush=True)
    with listening:
        for index in range(len(cluster.workers)):
            if index != cluster.index:
                _try(cluster, index, deadline, timeout).close()
        if cluster.index == 0:
            connections = Connections(cluster, _accept(cluster, listening, deadline, timeout))
        else:
            connections = Connections(cluster, {0: _try(cluster, 0, deadline, timeout)})
            connections._send(0, json.dumps(cluster.index).encode())
        connections.all_gather("here")  # until here, every worker listens
    return connections


def _accept(
    cluster: ClusterSpec, listening: socket.socket, deadline: float, timeout: float
) -> dict[int, socket.socket]:
    """Return the connection of every other worker. Those that only asked whether the chief listens say nothing."""
    found: dict[int, socket.socket] = {}
    missing = set(range(1, len(cluster.workers)))
    while missing:
        listening.settimeout(max(0.01, deadline - time.monotonic()))
        try:
            connection, _ = listening.accept()
        except TimeoutError:
            raise _silent(cluster, min(missing), timeout, "it did not connect") from None
        connection.settimeout(5.0)
        try:
            (length,) = _LENGTH.unpack(_read(connection, _LENGTH.size))
            index = json.loads(_read(connection, min(length, 100)))
        except (OSError, ValueError):
            connection.close()
            continue
        if index not in missing:
            connection.close()
            continue
        missing.remove(index)
        found[index] = _kept(connection)
    return found


def _try(cluster: ClusterSpec, index: int, deadline: float, timeout: float) -> socket.socket:
    """Return a connection to a worker, tried until the deadline. Raises ClusterError."""
    while True:
        try:
            return _kept(socket.create_connection(_split(cluster.workers[index]), timeout=5))
        except OSError as fault:
            if time.monotonic() > deadline:
                raise _silent(cluster, index, timeout, fault) from None
        time.sleep(0.2)


def _kept(connection: socket.socket) -> socket.socket:
    """Return a connection that may be silent for hours and still notices when the other side is gone."""
    connection.settimeout(None)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return connection


def _silent(cluster: ClusterSpec, index: int, timeout: float, why: object) -> ClusterError:
    return ClusterError(
        f"Worker {index} ({cluster.workers[index]}) does not answer after {timeout:.0f} s ({why}). Start it, check its "
        "address, and that no firewall is between; then start all again."
    )


def _read(connection: socket.socket, count: int) -> bytes:
    """Return `count` bytes. Raises OSError where the other side ended."""
    data = bytearray()
    while len(data) < count:
        part = connection.recv(min(count - len(data), 1 << 20))
        if not part:
            raise ConnectionError("it closed the connection")
        data += part
    return bytes(data)


def _where_to_listen(worker: str) -> tuple[str, int]:
    """Return the address to listen at: this machine's only, where the others know the worker by it, or all."""
    host, port = _split(worker)
    try:
        alone = ipaddress.ip_address(host).is_loopback
    except ValueError:
        alone = host == "localhost"
    return host if alone else "", port


def _split(worker: str) -> tuple[str, int]:
    host, _, port = worker.rpartition(":")
    return host.strip("[]"), int(port)

"""Workers wait for each other, exchange what TensorFlow does not, and find out which worker was lost."""

import concurrent.futures
import socket
import time

import numpy as np
import pytest
from conftest import free_ports

from workshop_utils.training import cluster_spec, connections


@pytest.mark.parametrize(
    ("host", "where"),
    [("127.0.0.1", "127.0.0.1"), ("127.0.1.1", "127.0.1.1"), ("localhost", "localhost"), ("10.0.0.5", ""), ("a", "")],
)
def test_a_worker_at_a_local_address_does_not_listen_to_other_machines(host, where, monkeypatch):
    asked = []

    def create_server(address):
        asked.append(address)
        raise OSError("not here")

    monkeypatch.setattr(socket, "create_server", create_server)
    with pytest.raises(cluster_spec.ClusterError):
        connections.connect(cluster_spec.ClusterSpec((f"{host}:2222", "b:2"), 0))
    assert asked == [(where, 2222)]


def test_a_port_in_use_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(cluster_spec.ClusterError, match=address):
            connections.connect(cluster_spec.ClusterSpec((address, "127.0.0.1:1"), 0), timeout=0)


@pytest.mark.parametrize("index", [0, 1])
def test_a_worker_that_does_not_answer_is_named(index):
    addresses = tuple(f"127.0.0.1:{port}" for port in free_ports(2))
    with pytest.raises(cluster_spec.ClusterError, match=rf"^Worker {1 - index} \({addresses[1 - index]}\).* 1 s "):
        connections.connect(cluster_spec.ClusterSpec(addresses, index), timeout=1)


@pytest.fixture
def met():
    """The connections of three workers that met, each in its own thread."""
    addresses = tuple(f"127.0.0.1:{port}" for port in free_ports(3))
    places = [cluster_spec.ClusterSpec(addresses, index) for index in range(3)]
    with concurrent.futures.ThreadPoolExecutor(3) as threads:
        workers = []
        for place in places:
            time.sleep(0.1)
            assert not any(worker.done() for worker in workers), "each waits for the others"
            workers.append(threads.submit(connections.connect, place, 20))
        found = [worker.result() for worker in workers]
    yield found
    for each in found:
        for connection in each.sockets.values():
            connection.close()


def together(met, call) -> list:
    """Return the result of `call` for each worker; all call it at the same time."""
    with concurrent.futures.ThreadPoolExecutor(len(met)) as threads:
        return list(threads.map(call, met))


def test_workers_started_one_after_another_meet_and_leave_their_ports_free(met):
    for worker in met[0].cluster.workers:
        socket.create_server(("127.0.0.1", int(worker.split(":")[1]))).close()


def test_every_worker_gets_the_value_of_each(met):
    assert (
        together(met, lambda each: each.all_gather(["plan", each.cluster.index]))
        == [[["plan", 0], ["plan", 1], ["plan", 2]]] * 3
    )


def test_every_worker_gets_the_chiefs_arrays_to_the_last_bit(met):
    def own(index):
        return [np.random.default_rng(index).normal(size=(300, 7)).astype(np.float32), np.int64(index), np.zeros(0)]

    for arrays in together(met, lambda each: each.broadcast([np.asarray(array) for array in own(each.cluster.index)])):
        assert all(np.array_equal(array, wanted) for array, wanted in zip(arrays, own(0), strict=True))


def test_a_worker_that_ended_is_found_by_all_others(met):
    for connection in met[1].sockets.values():
        connection.close()
    assert together([met[0], met[2]], lambda each: each.lost_workers(timeout=5)) == [[1], [1]]


def test_a_chief_that_ended_is_found_by_the_others(met):
    for connection in met[0].sockets.values():
        connection.close()
    assert together(met[1:], lambda each: each.lost_workers(timeout=5)) == [[0], [0]]


def test_if_no_worker_is_lost_the_original_message_is_shown(met):
    assert together(met, lambda each: each.lost_workers(timeout=0.3)) == [[], [], []]
    assert "RPC failed: disk on fire" in str(
        connections.lost_workers_error(met[0].cluster, [], "RPC failed: disk on fire")
    )


def test_messages_from_another_program_are_refused_and_the_workers_still_meet():
    addresses = tuple(f"127.0.0.1:{port}" for port in free_ports(2))
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        chief = threads.submit(connections.connect, cluster_spec.ClusterSpec(addresses, 0), 20)
        time.sleep(0.2)
        with socket.create_connection(("127.0.0.1", int(addresses[0].split(":")[1]))) as intruder:
            intruder.sendall(b"GET / HTTP/1.1\r\n\r\n" + bytes(100))
            other = threads.submit(connections.connect, cluster_spec.ClusterSpec(addresses, 1), 20)
            met = [chief.result(), other.result()]
    assert together(met, lambda each: each.all_gather(each.cluster.index)) == [[0, 1], [0, 1]]

"""Who trains together: read from the options or TF_CONFIG, told in words where it cannot be, waited for."""

import socket
import threading

import pytest
from conftest import free_ports

from workshop_utils.core import settings
from workshop_utils.training import cluster_spec


@pytest.mark.parametrize(
    ("addresses", "index", "said"),
    [("a:1,b:2", None, "belong together"), (None, 0, "belong together"), ("a:1,b", 0, "'b', which is no host:port"),
     ("a:1,b:70000", 0, "'b:70000'"), ("a:1,:2", 0, "':2'"), ("", 0, "''"), ("a:1", 0, "two workers at least"),
     ("a:1,a:1", 0, "each once"), ("a:1,b:2", 2, "There is no worker 2"), ("a:1,b:2", -1, "There is no worker -1")],
)  # fmt: skip
def test_a_place_that_cannot_be_is_told_in_words(addresses, index, said):
    with pytest.raises(settings.SettingsError, match=said):
        cluster_spec.place(addresses, index)


@pytest.mark.parametrize(
    ("text", "index"),
    [('{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}}', 1),
     ('{"cluster": {"chief": ["a:1"], "worker": ["b:2"]}, "task": {"type": "chief", "index": 0}}', 0),
     ('{"cluster": {"chief": ["a:1"], "worker": ["b:2"]}, "task": {"type": "worker", "index": 0}}', 1),
     ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}', None), ("{}", None)],
)  # fmt: skip
def test_the_place_is_read_from_tf_config_as_tensorflow_documents_it(text, index, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    assert cluster_spec.place(None, None) == (None if index is None else cluster_spec.Place(("a:1", "b:2"), index))
    assert cluster_spec.place("c:3,d:4", 0) == cluster_spec.Place(("c:3", "d:4"), 0), "the options come first"


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"cluster": {"worker": ["a:1", "b:2"], "ps": ["c:3"]}, "task": {"type": "worker", "index": 0}}',
     '{"cluster": {"worker": ["a:1", "b:2"]}}', '{"cluster": {"worker": ["a", "b"]}, "task": {"type": "worker"}}',
     '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 5}}'],
)  # fmt: skip
def test_a_tf_config_that_cannot_be_used_is_told_in_words(text, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(settings.SettingsError, match="TF_CONFIG"):
        cluster_spec.place(None, None)


@pytest.mark.parametrize(
    ("host", "where"),
    [("127.0.0.1", "127.0.0.1"), ("127.0.1.1", "127.0.1.1"), ("localhost", "localhost"), ("10.0.0.5", ""), ("a", "")],
)
def test_a_worker_that_the_others_know_on_its_own_machine_is_not_heard_from_elsewhere(host, where, monkeypatch):
    asked = []

    def create_server(address):
        asked.append(address)
        raise OSError("not here")

    monkeypatch.setattr(socket, "create_server", create_server)
    with pytest.raises(cluster_spec.ClusterError):
        cluster_spec.meet(cluster_spec.Place((f"{host}:2222", "b:2"), 0))
    assert asked == [(where, 2222)]


def test_a_port_in_use_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(
            cluster_spec.ClusterError, match=rf"{address}: this worker cannot listen there .* another port"
        ):
            cluster_spec.meet(cluster_spec.Place((address, "127.0.0.1:1"), 0), patience=0)


@pytest.mark.parametrize("index", [0, 1])
def test_a_worker_that_does_not_answer_is_named(index):
    addresses = tuple(f"127.0.0.1:{port}" for port in free_ports(2))
    other = f"Worker {1 - index} .{addresses[1 - index]}. does not answer after 1 s .* then start all again"
    with pytest.raises(cluster_spec.ClusterError, match=other):
        cluster_spec.meet(cluster_spec.Place(addresses, index), patience=1)


def test_workers_that_are_started_one_after_the_other_meet():
    addresses = tuple(f"127.0.0.1:{port}" for port in free_ports(2))
    first = threading.Thread(target=cluster_spec.meet, args=(cluster_spec.Place(addresses, 0),))
    first.start()
    assert first.is_alive(), "it waits for the other"
    with socket.create_server(("127.0.0.1", int(addresses[1].split(":")[1]))):
        first.join(timeout=5)
    assert not first.is_alive()

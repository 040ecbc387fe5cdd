"""The cluster, read from the options or TF_CONFIG."""

import pytest

from workshop_utils.core import settings
from workshop_utils.training import cluster_spec


@pytest.mark.parametrize(
    ("addresses", "index", "said"),
    [("a:1,b:2", None, "--index"), (None, 0, "--workers"), ("a:1,b", 0, "'b'"), ("a:1,b:70000", 0, "'b:70000'"),
     ("a:1,:2", 0, "':2'"), ("", 0, "''"), ("a:1", 0, "not a:1"), ("a:1,a:1", 0, "a:1,a:1"),
     ("a:1,b:2", 2, "worker 2"), ("a:1,b:2", -1, "worker -1")],
)  # fmt: skip
def test_an_invalid_cluster_is_refused_with_the_value_at_fault(addresses, index, said):
    with pytest.raises(settings.SettingsError, match=said):
        cluster_spec.resolve(addresses, index)


@pytest.mark.parametrize(
    ("text", "index"),
    [('{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}}', 1),
     ('{"cluster": {"chief": ["a:1"], "worker": ["b:2"]}, "task": {"type": "chief", "index": 0}}', 0),
     ('{"cluster": {"chief": ["a:1"], "worker": ["b:2"]}, "task": {"type": "worker", "index": 0}}', 1),
     ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}', None), ("{}", None)],
)  # fmt: skip
def test_the_place_is_read_from_tf_config_as_tensorflow_documents_it(text, index, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    assert cluster_spec.resolve(None, None) == (
        None if index is None else cluster_spec.ClusterSpec(("a:1", "b:2"), index)
    )
    assert cluster_spec.resolve("c:3,d:4", 0) == cluster_spec.ClusterSpec(("c:3", "d:4"), 0), "the options come first"


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"cluster": {"worker": ["a:1", "b:2"], "ps": ["c:3"]}, "task": {"type": "worker", "index": 0}}',
     '{"cluster": {"worker": ["a:1", "b:2"]}}', '{"cluster": {"worker": ["a", "b"]}, "task": {"type": "worker"}}',
     '{"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 5}}'],
)  # fmt: skip
def test_an_invalid_tf_config_is_refused_with_its_name(text, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(settings.SettingsError, match="TF_CONFIG"):
        cluster_spec.resolve(None, None)

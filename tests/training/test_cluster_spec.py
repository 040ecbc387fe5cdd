"""The cluster, read from the options or TF_CONFIG."""

import pytest

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

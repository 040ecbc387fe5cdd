"""Fixtures that the tests share: the real photos, the real weights, and small data sets made from them."""

import contextlib
import hashlib
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "PYTEST_XDIST_WORKER" in os.environ:  # one worker per core, so one thread for TensorFlow
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import pathlib
import re
import shutil
import socket
import sys
import tomllib

import hypothesis
import pytest

from workshop_utils.core import machine, settings
from workshop_utils.data import dataset

hypothesis.settings.register_profile("same_verdict_twice", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None, max_examples=2000)
hypothesis.settings.register_profile(
    "mutants", deadline=None, derandomize=True, phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate]
)  # any counterexample will do, so hypothesis does not shrink it
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same_verdict_twice"))

sys.path.insert(0, str(settings.PROJECT / "tools"))

TESTS = pathlib.Path(__file__).parent
FIXTURES = TESTS / "fixtures"
SETUP = tomllib.loads((settings.PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = sorted(path.parent for path in (settings.PROJECT / "workshop_utils").rglob("__init__.py"))
MODULES = [path for folder in PACKAGES for path in sorted(folder.glob("*.py"))]
"""The installed modules, for tests of all our code."""


LONGEST_FIRST = (
    *("test_notebooks", "test_export", "test_distributed", "test_browser", "test_command_line", "test_plain_keras"),
    *("test_callbacks", "test_page", "test_offline", "test_importing", "test_interruption"),
)
"""The files that take minutes. They start first, so that no worker runs one of them alone at the end."""


NEEDS_UNIX = {"notebooks", "project", "test_browser", "test_distributed", "test_interruption", "test_hostile_files"}
"""Folders and files whose tests need make, a notebook, a browser, a cluster, signals or links."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first and keep the order within each file. Mark what needs Unix, before `-m` chooses.

    With ORDER=1, 2, ..., the files come in a random order, each time the same for the same number.
    """
    for item in items:
        if TESTS in item.path.parents and NEEDS_UNIX & {*item.path.relative_to(TESTS).with_suffix("").parts}:
            item.add_marker(pytest.mark.unix)
    if order := os.environ.get("ORDER"):
        items.sort(key=lambda item: hashlib.sha256(f"{order} {item.path.relative_to(TESTS.parent)}".encode()).digest())
        return
    items.sort(key=lambda item: LONGEST_FIRST.index(item.path.stem) if item.path.stem in LONGEST_FIRST else 99)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than there are cores, because workers often wait for a browser or a process they started.

    There are fewer if memory is short: a worker and what it starts take up to 3 GB.
    """
    return max(1, min(machine.cores() + 1, machine.free_memory() // 3_000_000_000))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Return a scheduler that gives a worker a whole file at a time, or one notebook.

    Notebooks that share runs stay together and in order: what one has trained, the next one finds.
    """
    from xdist.scheduler import LoadFileScheduling

    class Scheduler(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            notebook = re.search(r"test_notebooks\.py::.*\[(.+)\]$", nodeid)
            return nodeid if notebook and not shares_runs(notebook[1]) else super()._split_scope(nodeid)

    return Scheduler(config, log)


def shares_runs(notebook: str) -> bool:
    """Return whether a notebook, named without its ending, uses the runs that notebooks share."""
    path = settings.PROJECT / "notebooks" / "solutions" / f"{notebook}.ipynb"
    return "shared_run(" in path.read_text(encoding="utf-8")


@contextlib.contextmanager
def interrupting(monkeypatch, owner, name: str, call: int):
    """Within this context, the `call`th call of `owner.name` raises KeyboardInterrupt, as Ctrl-C does."""
    original, calls = getattr(owner, name), []

    def interrupted(*arguments, **options):
        calls.append(arguments)
        if len(calls) == call:
            raise KeyboardInterrupt
        return original(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, interrupted)
        yield


def free_ports(count: int) -> list[int]:
    """Return free ports of this machine."""
    listening = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in listening]
    for each in listening:
        each.close()
    return ports


def without_network() -> list[str]:
    """Return a command prefix that leaves a command only this machine's own network, or nothing if that is not
    allowed here."""
    import bundle

    try:
        return bundle.without_network()
    except bundle.BundleError:
        return []


@pytest.fixture(scope="session")
def forks():
    """Starts processes that need not import TensorFlow, because a process that has is forked; see `forked.py`."""
    import forked

    with forked.forking() as starting:
        yield starting


@pytest.fixture(scope="session")
def coco():
    """The detector with COCO's weights. Tests must not change it."""
    from workshop_utils.model import pretrained

    return pretrained.coco_detector()


@pytest.fixture(scope="session")
def tarball() -> pathlib.Path:
    """The tarball with the COCO weights."""
    from workshop_utils.model import coco_download, pretrained

    pretrained.fetch()
    path = settings.PRETRAINED / coco_download.TARBALL
    assert path.exists(), f"{path} is missing: delete {settings.PRETRAINED} and fetch again"
    return path


@pytest.fixture(scope="session")
def yoghurt() -> dataset.Dataset:
    """The workshop's 360 photos."""
    return dataset.load(settings.YOGHURT)


def first_photos(folder: pathlib.Path, count: int = 6) -> pathlib.Path:
    """Make a data set of the first of the workshop's photos; return its folder."""
    for part in ("images", "annotations"):
        (folder / part).mkdir(parents=True)
        for path in sorted((settings.YOGHURT / part).iterdir())[:count]:
            shutil.copy(path, folder / part)
    return folder


@pytest.fixture
def voc_folder(tmp_path) -> pathlib.Path:
    """A data set of the first six yoghurt photos, for tests to damage."""
    return first_photos(tmp_path / "cups")


@pytest.fixture
def pretended(monkeypatch):
    """Training that takes no time: the detector is one number, which each step updates from its batch.

    The number is the same after resuming only if each batch came once and in order.
    """
    import dataclasses

    import keras
    import tensorflow as tf

    from workshop_utils.model import architectures
    from workshop_utils.training import schedule, trainer

    def build(classes, **_):
        return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, name="number")])

    def make_step(model, optimizer, batch_norm_learns, scaled=None, team=None):
        number = model.get_layer("number").bias

        def step(images, box_targets, class_targets):
            number.assign(number * 1.01 + tf.reduce_mean(images))
            optimizer.iterations.assign_add(1)
            return tf.constant(1.0), tf.constant(2.0)

        return step

    scores = {"AP": 0.1, "AP50": 0.2, "AP75": 0.0, "per_class": {}}
    architecture = dataclasses.replace(architectures.get(), build=build)
    monkeypatch.setitem(architectures.ARCHITECTURES, architecture.name, architecture)
    monkeypatch.setattr(schedule.Schedule, "_network", lambda self, model: model)
    monkeypatch.setattr(trainer, "make_step", make_step)
    monkeypatch.setattr(trainer, "evaluate", lambda *_: dict(scores))

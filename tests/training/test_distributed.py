"""Two workers on this machine learn what one process learns, and training resumes after one is lost."""

import dataclasses
import json
import re
import signal
import subprocess

import forked
import numpy as np
import pytest
import tensorflow as tf
from conftest import free_ports

from workshop_utils.core import settings
from workshop_utils.data import dataset, tfrecords
from workshop_utils.model import losses
from workshop_utils.training import batches, cluster_spec, distributed
from workshop_utils.training.fast import precision
from workshop_utils.training.plan import Plan
from workshop_utils.training.run_folder import RunFolder

CHANGES = {"steps": 6, "photos": 10, "batch_size": 4, "evaluate_every": 6, "checkpoint_every": 3, "learning_rate": 0.01}
RECIPE = settings.recipe("quick", **CHANGES)
TRAIN_FROM = "block_16_project_BN"  # a short tail compiles in a few seconds
PHOTOS = 12
CLIP_NORM = 0.5  # so low that every step is clipped, so the choice of the norm matters

WORKER = """
import os, runpy, signal, sys
from workshop_utils.training import callbacks, train_step, trainer

callbacks.ROW_EVERY, callbacks.SAVE_EVERY_SECONDS, train_step.CLIP_NORM = 1, 0, float(os.environ["CLIP_NORM"])
dies_before, make_step, steps = int(os.environ["DIES_BEFORE_STEP"]), trainer.make_step, []

def counting(*arguments, **options):
    step = make_step(*arguments, **options)

    def once(*batch):
        steps.append(1)
        if len(steps) == dies_before:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(*batch)

    return once

trainer.make_step = counting
runpy.run_module("workshop_utils", run_name="__main__")
"""

ALONE = f"""
import sys
from training_runs import train
from workshop_utils.core import settings
from workshop_utils.data import dataset
from workshop_utils.training import callbacks, train_step

callbacks.ROW_EVERY, train_step.CLIP_NORM = 1, {CLIP_NORM}
photos = dataset.load(settings.YOGHURT)
data = dataset.Dataset(photos.samples[:{PHOTOS}], photos.label_map)
recipe = settings.recipe("quick", **{CHANGES})
train("fine_tune", data, recipe, sys.argv[1], train_from="{TRAIN_FROM}", thaw=0.0, views=0)
"""

needs_sigkill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")


@dataclasses.dataclass(frozen=True)
class WithAnother(distributed.Team):
    """A team of two with a simulated second worker, which adds `others` to sums."""

    others: tuple = ()

    def total(self, *values):
        return [value + other for value, other in zip(values, self.others, strict=True)]


def with_another(*others, index: int = 0) -> WithAnother:
    return WithAnother(None, cluster_spec.ClusterSpec(("a:1", "b:2"), index), None, others)


@pytest.fixture(scope="module", autouse=True)
def adding_in_the_same_order():
    """Compute in float32 and without oneDNN, so that sums of parts agree closely with those of the whole.

    oneDNN chooses the order of additions by the batch size.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(precision.VARIABLE, "float32")
        patch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
        patch.delenv("TF_CONFIG", raising=False)
        yield


@pytest.fixture(scope="module")
def data(yoghurt):
    return dataset.Dataset(yoghurt.samples[:PHOTOS], yoghurt.label_map)


@pytest.fixture(scope="module")
def shards(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    tfrecords.write(data, folder, shards=3)
    return folder


@pytest.fixture(scope="module")
def forks():
    """Starts processes that compute as `adding_in_the_same_order` says."""
    with forked.forking() as starting:
        yield starting


def train_together(forks, shards, folders, dies_before=(0, 0), configured=False) -> list[subprocess.CompletedProcess]:
    """Run `train` as two workers, each with its own folder for the run; return the ended processes.

    Options give their places, or TF_CONFIG if they are `configured`. With `dies_before`, a worker is killed before that
    step, counted from this start.
    """
    first, second = (f"127.0.0.1:{port}" for port in free_ports(2))
    tasks = [{"type": "chief", "index": 0}, {"type": "worker", "index": 0}]
    by_name = [json.dumps({"cluster": {"chief": [first], "worker": [second]}, "task": task}) for task in tasks]
    by_option = [["--workers", f"{first},{second}", "--index", i] for i in "01"]
    changes = [f"{name}={value}" for name, value in CHANGES.items()]
    arguments = ["train", shards, "--recipe", "quick", "--set", *changes, "--train-from", TRAIN_FROM]
    common = {"CLIP_NORM": str(CLIP_NORM)}
    running = [
        forks.start(
            WORKER,
            [*arguments, "--experiment", folder, *([] if configured else options)],
            common | {"DIES_BEFORE_STEP": str(dies)} | ({"TF_CONFIG": config} if configured else {}),
        )
        for folder, dies, options, config in zip(folders, dies_before, by_option, by_name, strict=True)
    ]
    return [each.wait() for each in running]


def state(run: RunFolder) -> list[np.ndarray]:
    """Return everything that training resumes from: the weights, then the optimizer's momentum and step."""
    with np.load(run.checkpoints / "state.npz") as arrays:
        return [arrays[f"v{number}"] for number in range(len(arrays.files) - 3)]


@pytest.fixture(scope="module")
def alone(forks, tmp_path_factory):
    """The run of one process, from the photos."""
    folder = tmp_path_factory.mktemp("runs") / "alone"
    ended = forks.start(ALONE, [folder]).wait()
    assert ended.returncode == 0, ended.stderr[-3000:]
    return RunFolder(folder)


@pytest.fixture(scope="module")
def together(forks, shards, tmp_path_factory):
    """The run of two workers, from shards: its folder, the other worker's, and their output."""
    run, other = (RunFolder(tmp_path_factory.mktemp("runs") / name) for name in ("chief", "other"))
    ended = train_together(forks, shards, (run.folder, other.folder))
    assert [each.returncode for each in ended] == [0, 0], [each.stderr[-3000:] for each in ended]
    return run, other, ended


def test_two_workers_learn_what_one_process_learns_from_the_same_batches(alone, together):
    """Float32 has seven digits. The numbers are added in another order, so the last digit may differ by a few units,
    1e-6. With this short tail, six steps hardly enlarge the difference; a long tail would, see notebook 11."""
    run, _, _ = together
    ours, theirs = run.history(), alone.history()
    assert [row["step"] for row in ours] == [row["step"] for row in theirs] == list(range(1, 7))
    for quantity in ("loss", "localisation", "classification", "learning_rate"):
        np.testing.assert_allclose([row[quantity] for row in ours], [row[quantity] for row in theirs], rtol=1e-6)
    for one, other in zip(state(run), state(alone), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)
    assert run.metrics()["AP50"] == pytest.approx(alone.metrics()["AP50"], abs=1e-3)


def test_only_the_chief_keeps_the_run_and_it_equals_that_of_one_process(alone, together):
    run, other, (chief, worker) = together
    assert run.steps() == [3, 6]
    files = {path.name for path in run.folder.rglob("*") if path.is_file() and "tfevents" not in path.name}
    assert files == {path.name for path in alone.folder.rglob("*") if path.is_file() and "tfevents" not in path.name}
    assert not other.folder.exists()
    assert run.plan.groups.photos == [], "the command looks for near-duplicates; these photos have none"
    assert dataclasses.replace(run.plan, data="", groups=None) == dataclasses.replace(alone.plan, data="")
    assert json.loads(chief.stdout.splitlines()[-1]) == run.metrics()
    assert "worker 0" in worker.stdout


def message_about_the_loss(left: subprocess.CompletedProcess, killed: subprocess.CompletedProcess) -> str:
    """Return the last message of the remaining worker, which ended on its own."""
    assert killed.returncode == -signal.SIGKILL
    assert left.returncode == 1 and "Traceback" not in left.stderr, left.stderr[-3000:]
    return left.stderr.splitlines()[-1]


@needs_sigkill
@pytest.mark.long  # short: test_connections.py
def test_if_either_worker_is_killed_the_other_ends_and_the_same_command_resumes(forks, shards, together, tmp_path):
    """First the other worker is lost, before step 4, then the chief, before step 5, then neither."""
    run, other = RunFolder(tmp_path / "chief"), tmp_path / "other"
    chief, worker = train_together(forks, shards, (run.folder, other), dies_before=(0, 4))
    assert re.match(r"Worker 0 .*worker 1 \(127\.0\.0\.1:", message_about_the_loss(chief, killed=worker))
    assert not (run.folder / "metrics.json").exists()

    chief, worker = train_together(forks, shards, (run.folder, other), dies_before=(2, 0), configured=True)
    assert message_about_the_loss(worker, killed=chief).startswith("Worker 1 ")

    chief, worker = train_together(forks, shards, (run.folder, other))
    assert (chief.returncode, worker.returncode) == (0, 0), chief.stderr[-2000:] + worker.stderr[-2000:]
    assert "step 4\n" in chief.stdout, "from step 3 on, workers from TF_CONFIG took one step"
    assert run.steps() == [3, 6] and not other.exists()
    for one, uninterrupted in zip(state(run), state(together[0]), strict=True):
        np.testing.assert_allclose(one, uninterrupted, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("matched", [[(0, 3), (1, 5), (2, 9), (3, 70)], [(0, 3), (2, 9)], []])
def test_losses_and_gradients_of_the_parts_add_up_to_those_of_the_batch(matched):
    """This includes parts without a matched anchor."""
    random = np.random.default_rng(1)
    encodings = tf.constant(random.normal(size=(4, 100, 4)), tf.float32)
    logits = tf.Variable(random.normal(size=(4, 100, 6)), dtype=tf.float32)
    boxes = random.normal(size=(4, 100, 4)).astype(np.float32)
    classes = np.zeros((4, 100), np.int32)
    for photo, anchor in matched:
        classes[photo, anchor] = 1 + anchor % 5

    def computed(part: slice):
        with tf.GradientTape() as tape:
            both = losses.multibox_loss(boxes[part], classes[part], encodings[part], logits[part])
            loss = both[0] + both[1]
        return [*both, tape.gradient(loss, logits)]

    first, second = slice(0, None, 2), slice(1, None, 2)
    count = tf.reduce_sum(tf.cast(classes[second] > 0, tf.float32))
    others = [value * max(float(count), 1.0) for value in computed(second)]
    of_all = with_another(*others, count).mean(tf.constant(classes[first]), *computed(first))
    for one, other in zip(of_all, computed(slice(None)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


def test_the_workers_parts_form_the_batch_and_each_reads_only_its_own(data):
    parts = [with_another(index=index).part for index in range(2)]
    whole = batches.batch(data.samples, data.label_map, 1, 5, seed=3)
    for part in parts:
        own = {index for _, index in batches.epochs_and_indices(1, 5, len(data.samples), 3)[part]}
        samples = [
            dataclasses.replace(sample, source=sample.source if index in own else settings.PROJECT / "nowhere.jpg")
            for index, sample in enumerate(data.samples)
        ]
        given = batches.batch(samples, data.label_map, 1, 5, seed=3, part=part)
        assert all(np.array_equal(one, other[part]) for one, other in zip(given, whole, strict=True))
    assert sorted(place for part in parts for place in range(5)[part]) == list(range(5))


def test_the_order_of_an_epoch_is_computed_once():
    batches._order.cache_clear()
    drawn = [
        index for step in range(9) for epoch, index in batches.epochs_and_indices(step, 5, 20, seed=3) if epoch == 1
    ]
    assert sorted(drawn) == list(range(20))
    assert batches._order.cache_info().misses == 3


class Answering:
    """Connections to another worker that always gives the same answer."""

    def __init__(self, answer):
        self.answer = answer

    def all_gather(self, value):
        return [value, self.answer]


def test_a_worker_with_other_photos_or_options_is_named(alone):
    team = distributed.Team(None, cluster_spec.ClusterSpec(("a:1", "b:2"), 0), Answering(["another digest", False]))
    with pytest.raises(cluster_spec.ClusterError, match=r"Worker 1 \(b:2\)"):
        team.agree(alone.plan, done=False)


@pytest.mark.parametrize(
    ("strategy", "changes", "options", "said"),
    [("random_init", {}, {}, "random_init"), ("as_is", {}, {}, "as_is"),
     ("fine_tune", {}, {"thaw": 0.3}, "--thaw"), ("fine_tune", {}, {"views": 2}, "--views"),
     ("fine_tune", {"batch_size": 1}, {}, "batch of 1 .* 2 workers")],
)  # fmt: skip
def test_options_that_a_cluster_does_not_support_are_reported(strategy, changes, options, said, data, tmp_path):
    recipe = dataclasses.replace(RECIPE, **changes)
    freezing = {"thaw": 0.0, "views": 0} | options if strategy == "fine_tune" else {}
    plan = Plan.of(data, strategy, recipe, **freezing)
    with pytest.raises(settings.SettingsError, match=said):
        distributed.train_together(with_another(), plan, data, tmp_path)

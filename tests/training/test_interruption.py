"""Killed at any moment, on a full disk or with damaged files: all files are intact, and the same command resumes or
starts over.

`make faults` kills more often, and real training too.
"""

import contextlib
import csv
import dataclasses
import errno
import io
import itertools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import TESTS, interrupting
from PIL import Image
from training_runs import Rows, train

from workshop_utils.cli import main
from workshop_utils.core import files, settings
from workshop_utils.data import dataset, formats, inspection, photos, repair, tfrecords, voc
from workshop_utils.deploy import annotate, export, runtime
from workshop_utils.deploy.formats import litert, onnx, saved_model
from workshop_utils.deploy.output_folder import OutputFolder
from workshop_utils.model import architectures, preprocessing
from workshop_utils.training import callbacks, strategies, trainer
from workshop_utils.training.fast import feature_cache, precision
from workshop_utils.training.plan import Plan
from workshop_utils.training.run_folder import STATES, Progress, RunFolder, RunFolderError
from workshop_utils.widgets import labeler, uploads

PLAN = Plan("random_init", settings.recipe("quick"), {1: "cup"}, "cups", "0123456789ab")
BLIND = runtime.OpenDetector("blind", {1: "cup"}, lambda *_: (np.zeros((5, 4)), np.zeros(5, int), np.zeros(5)))
"""The folders in which another process finds this file and its imports."""
CAN_FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows cannot fork")


class Number:
    """A stand-in for a network's variable, where only saving matters."""

    def __init__(self, value: float, size: int = 1000):
        self.value, self.shape = np.full(size, value), (size,)

    def __array__(self, dtype=None, copy=None):
        return self.value

    def assign(self, value):
        self.value = value


@pytest.fixture
def run(tmp_path) -> RunFolder:
    """A run that was saved after 10 and after 20 steps."""
    run = RunFolder(tmp_path / "run")
    run.checkpoints.mkdir(parents=True)
    for step in (10, 20):
        run.save_state([Number(step)], Progress(step, step / 2, [[1.0, 2.0]]))
    return run


@pytest.fixture(scope="module")
def little_model():
    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(30, name="dense")])


def damage(path, place: int) -> None:
    """Flip one bit of a file."""
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(bytes(data))


def loaded(run) -> tuple[Progress, float]:
    """Return what a run resumes from: its progress, and the number in its variables."""
    variable = Number(0)
    progress = run.load_state([variable])
    assert (variable.value == variable.value[0]).all()
    return progress, float(variable.value[0])


# Damaged files


def test_any_flipped_bit_of_a_state_is_noticed_and_the_state_before_it_is_used(run, capsys):
    path = run.checkpoints / STATES[0]
    whole = path.read_bytes()
    for place in range(0, len(whole) - len(files.SEAL) - 64, 17):
        path.write_bytes(whole)
        damage(path, place)
        assert loaded(run) == (Progress(10, 5.0, [[1.0, 2.0]]), 10)
        assert str(path) in capsys.readouterr().err


@pytest.mark.parametrize("length", [0, 1, 100, 5000, -100, -60, -1])
def test_a_truncated_state_is_named_and_the_state_before_it_is_used(run, capsys, length):
    path = run.checkpoints / STATES[0]
    path.write_bytes(path.read_bytes()[:length])
    step = loaded(run)[0].step
    assert step == 10 or (step == 20 and length >= -72), "only the seal itself may be missing unnoticed"
    assert (step == 20) != (str(path) in capsys.readouterr().err)


def test_the_first_save_after_a_damaged_state_keeps_the_state_before_it(run, monkeypatch):
    damage(run.checkpoints / STATES[0], 1000)
    assert loaded(run)[0].step == 10

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(files.WriteError):
        patch.setattr(os, "fsync", full)
        run.save_state([Number(11)], Progress(11))
    assert loaded(run) == (Progress(10, 5.0, [[1.0, 2.0]]), 10)


def test_if_no_state_is_intact_each_is_named_and_training_starts_over(run, capsys):
    for name in STATES:
        damage(run.checkpoints / name, 1000)
    assert loaded(run) == (Progress(), 0)
    said = capsys.readouterr().err
    assert all(str(run.checkpoints / name) in said for name in STATES)


@pytest.mark.parametrize("sizes", [[1000, 7], [7]], ids=["more variables", "other shapes"])
def test_a_state_of_another_network_changes_nothing(run, capsys, sizes):
    variables = [Number(3, size) for size in sizes]
    assert run.load_state(variables) == Progress()
    assert all((variable.value == 3).all() for variable in variables)
    said = capsys.readouterr().err
    assert all(str(run.checkpoints / name) in said for name in STATES)


def test_a_state_that_would_run_code_is_not_read(run, tmp_path, capsys):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "sprung"),))

    for name in STATES:
        np.savez(run.checkpoints / name, v0=np.array([Trap()]), step=1, seconds=1.0, losses=[])
    assert loaded(run) == (Progress(), 0)
    assert "allow_pickle=False" in capsys.readouterr().err
    assert not (tmp_path / "sprung").exists()


def save_two_checkpoints(run, model):
    for step in (10, 20):
        model.get_layer("dense").bias.assign(np.full(30, step))
        run.save_checkpoint(model, step)
    return run.checkpoint(20)


def test_any_flipped_bit_of_a_checkpoint_is_named_and_the_one_before_it_is_used(run, little_model, capsys):
    path = save_two_checkpoints(run, little_model)
    whole = path.read_bytes()
    for place in range(0, len(whole) - len(files.SEAL) - 64, 997):
        path.write_bytes(whole)
        damage(path, place)
        run.load_checkpoint(little_model)
        assert (little_model.get_layer("dense").bias.numpy() == 10).all()
        assert str(path) in capsys.readouterr().err


@pytest.mark.parametrize("cut", [lambda data: data[: len(data) // 2], lambda data: b"no weights", lambda data: b""])
def test_a_truncated_checkpoint_is_named_and_the_one_before_it_is_used(run, little_model, capsys, cut):
    path = save_two_checkpoints(run, little_model)
    path.write_bytes(cut(path.read_bytes()))
    run.load_checkpoint(little_model)
    assert (little_model.get_layer("dense").bias.numpy() == 10).all()
    assert str(path) in capsys.readouterr().err


def test_a_damaged_checkpoint_is_refused_if_it_was_chosen_by_its_step(run, little_model):
    damage(save_two_checkpoints(run, little_model), 3000)
    with pytest.raises(RunFolderError, match=r"step-000020\.weights\.h5: "):
        run.load_checkpoint(little_model, 20)
    run.load_checkpoint(little_model, 10)


def test_if_no_checkpoint_is_intact_the_error_says_so(run, little_model):
    save_two_checkpoints(run, little_model)
    for step in (10, 20):
        damage(run.checkpoint(step), 3000)
    with pytest.raises(RunFolderError, match=r"step-000010\.weights\.h5: "):
        run.load_checkpoint(little_model)


def test_a_sealed_checkpoint_is_still_an_hdf5_file(run, little_model):
    path = save_two_checkpoints(run, little_model)
    little_model.load_weights(path)
    assert (little_model.get_layer("dense").bias.numpy() == 20).all()
    assert files.is_intact(path)


def test_an_incomplete_row_of_a_history_is_left_out(run):
    with Rows(run, 0) as history:
        history.add(step=10, loss=0.5)
        history.add(step=20, loss=0.25)
    path = run.folder / "history.csv"
    path.write_bytes(path.read_bytes()[:-6])
    assert [row["step"] for row in run.history()] == [10]
    with Rows(run, 20) as history:
        history.add(step=20, loss=0.25)
    assert [(row["step"], row["loss"]) for row in run.history()] == [(10, 0.5), (20, 0.25)]


@pytest.mark.parametrize("text", ["colour\nred\n", "step,seconds\nten,1\n", "\x00\n\x00\n", "step\n1\n"])
def test_an_invalid_history_is_named(run, text):
    (run.folder / "history.csv").write_text(text)
    with pytest.raises(RunFolderError, match=r"history\.csv: "):
        run.history()


def test_broken_metrics_are_named(run):
    (run.folder / "metrics.json").write_text("{")
    with pytest.raises(RunFolderError, match=r"metrics\.json: .*`evaluate`"):
        run.metrics()


# Killed while writing


SAVE_FOR_EVER = """
import os, sys
from workshop_utils.core import files
from workshop_utils.training.run_folder import Progress, RunFolder
sys.path[:0] = sys.argv[2:]
from test_interruption import Number

run = RunFolder(__import__("pathlib").Path(sys.argv[1]))
print("ready", flush=True)
for line in sys.stdin:  # each line is one process to kill; it is forked before TensorFlow has begun anything
    start = int(line)
    if child := os.fork():
        print(child, flush=True)
        os.waitpid(child, 0)
        print("dead", flush=True)
        continue
    step = start
    while True:
        step += 1
        run.save_state([Number(step, size=20_000)], Progress(step))
        files.write_text(f"{step} " * 5000, run.folder / "words.txt")
"""


@CAN_FORK
def test_killed_while_saving_the_state_is_always_intact_and_never_older_than_the_last(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.checkpoints.mkdir(parents=True)
    chance, seen = random.Random(7), [0]
    command = [sys.executable, "-c", SAVE_FOR_EVER, str(run.folder), os.path.dirname(__file__), TESTS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout.readline() == "ready\n"
        for _ in range(int(os.environ.get("KILLS", "40"))):
            print(seen[-1], file=server.stdin, flush=True)
            child = int(server.stdout.readline())
            time.sleep(chance.uniform(0.02, 0.12))
            os.kill(child, signal.SIGKILL)
            assert server.stdout.readline() == "dead\n"
            variable = Number(0, size=20_000)
            step = run.load_state([variable]).step
            assert (variable.value == step).all()
            assert step >= seen[-1]
            if (run.folder / "words.txt").exists():
                words = set((run.folder / "words.txt").read_text().split())
                assert len(words) == 1 and int(words.pop()) <= step
            seen.append(step)
        server.stdin.close()
    print(f"{len(seen) - 1} kills, {seen[-1]} saves")
    assert seen[-1] > len(seen) / 2, "most of them had saved a state when they were killed"


def test_the_next_run_removes_unfinished_files_of_a_killed_one(tmp_path, monkeypatch):
    run = RunFolder(tmp_path / "run")
    run.checkpoints.mkdir(parents=True)
    left = [run.folder / ".part-7-metrics.json", run.checkpoints / ".part-7-state.npz"]
    for path in left:
        path.touch()
    RunFolder(run.folder).begin(PLAN)
    assert not any(path.exists() for path in left)


def killed(work, owner, name: str, call: int) -> bool:
    """Call `work` in a forked process that kills itself at the `call`th call of `owner.name`; return whether it did."""
    if not (child := os.fork()):
        original, calls = getattr(owner, name), itertools.count(1)

        def dying(*arguments, **options):
            if next(calls) == call:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **options)

        setattr(owner, name, dying)
        try:
            work()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@CAN_FORK
def test_unfinished_files_among_photos_and_annotations_are_skipped(voc_folder, capsys):
    images, annotations = voc_folder / "images", voc_folder / "annotations"
    photo, annotation = (images / "0001.jpg").read_bytes(), voc.read(annotations / "0001.xml")
    assert killed(lambda: uploads.keep("new.jpg", photo, images), os, "fsync", 1)
    assert killed(lambda: voc.write(annotation, annotations / "new.xml"), os, "fsync", 1)
    left = [path for path in voc_folder.rglob("*") if "new" in path.name]
    assert len(left) == 2 and all(path.stat().st_size for path in left)
    assert len(photos.find(images)) == 6
    assert main(["check", str(voc_folder)]) == 0 and capsys.readouterr().out == ""
    assert len(dataset.load(voc_folder).samples) == 6
    labels = labeler.Labeler(images, annotations, [])
    assert len(labels.paths) == 6 and labels.unlabelled == [] and labels.message == ""


@pytest.mark.parametrize("call", [1, 2, 3])
def test_old_and_new_records_are_never_read_together(voc_folder, tmp_path, monkeypatch, call):
    data, folder = dataset.load(voc_folder), tmp_path / "records"
    old, new = (dataset.Dataset(data.samples[part], data.label_map) for part in (slice(3), slice(3, 6)))
    tfrecords.write(old, folder)
    with pytest.raises(KeyboardInterrupt), interrupting(monkeypatch, os, "replace", call):
        tfrecords.write(new, folder)
    with pytest.raises(dataset.DatasetError, match=r"label_map\.pbtxt: "):
        tfrecords.read(folder)
    tfrecords.write(new, folder)
    assert tfrecords.read(folder).fingerprint() == new.fingerprint()


def test_if_writing_records_is_interrupted_the_old_ones_stay(voc_folder, tmp_path, monkeypatch):
    data = dataset.load(voc_folder)
    old, new = (dataset.Dataset(data.samples[part], data.label_map) for part in (slice(3), slice(3, 6)))
    tfrecords.write(old, tmp_path / "records")
    with pytest.raises(KeyboardInterrupt), interrupting(monkeypatch, tfrecords, "to_example", 3):
        tfrecords.write(new, tmp_path / "records")
    assert tfrecords.read(tmp_path / "records").fingerprint() == old.fingerprint()
    assert {path.name for path in (tmp_path / "records").iterdir()} == {*tfrecords.FILES, "label_map.pbtxt"}


def test_the_second_of_two_simultaneous_runs_writes_nothing(tmp_path):
    import filelock

    data = dataset.Dataset([], {1: "cup"})
    with filelock.FileLock(tmp_path / "lock"), pytest.raises(RunFolderError, match=str(tmp_path)):
        train("random_init", data, PLAN.recipe, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


@pytest.mark.parametrize("call", [1, 2, 3])
def test_an_interrupted_export_leaves_the_old_saved_model_or_the_new_one(tmp_path, monkeypatch, call, little_model):
    path = tmp_path / "saved_model"

    def write(text):
        with saved_model._replacing_folder(path) as unfinished:
            unfinished.mkdir()
            (unfinished / "saved_model.pb").write_text(text)

    write("old")
    with contextlib.suppress(KeyboardInterrupt), interrupting(monkeypatch, os, "replace", call):
        write("new")
    assert (path / "saved_model.pb").read_text() == ("old" if call <= 2 else "new")
    assert [each.name for each in tmp_path.iterdir()] == ["saved_model"]


@CAN_FORK
@pytest.mark.parametrize(
    ("owner", "name", "call", "wanted"),
    [(os, "replace", 3, "old"), (os, "replace", 4, "old"), (shutil, "rmtree", 1, "new")],
    ids=["before it", "between its strokes", "before the old one is removed"],
)
def test_killed_while_replacing_a_saved_model_one_is_intact_after_the_next_export(
    tmp_path, monkeypatch, owner, name, call, wanted
):
    run, texts = RunFolder(tmp_path), ["old"]

    def write(_, path, __):
        with saved_model._replacing_folder(path) as unfinished:
            unfinished.mkdir()
            (unfinished / "saved_model.pb").write_text(texts[-1])

    monkeypatch.setattr(trainer, "load_model", lambda *_: (None, {1: "cup"}))
    monkeypatch.setattr(saved_model, "write", write)
    path = export.export(run, ["saved_model"])["saved_model"]
    texts.append("new")
    assert killed(lambda: export.export(run, ["saved_model"]), owner, name, call)
    assert path.exists() == (call != 4)
    export.export(run, [])
    assert (path / "saved_model.pb").read_text() == wanted
    assert {each.name for each in path.parent.iterdir()} == {"saved_model", "label_map.pbtxt", "labels.txt"}


def test_interrupted_detection_can_start_over_in_the_same_folder(tmp_path, monkeypatch):
    paths, out = sorted((settings.YOGHURT / "images").iterdir())[:3], tmp_path / "out"
    with pytest.raises(KeyboardInterrupt), interrupting(monkeypatch, annotate, "_annotate_one", 3):
        annotate.annotate(BLIND, paths, out)
    assert len(list(out.glob("*.xml"))) == 2
    reports = annotate.annotate(BLIND, paths, out)
    assert len(reports) == len(list(out.glob("*.xml"))) == 3


CHECK_FOR_EVER = """
import signal, sys, time
from workshop_utils import cli
from workshop_utils.data import inspection

def examine(_):
    print("at work", flush=True)
    for _ in range(300):
        time.sleep(0.1)  # Ctrl-C just before a sleep is noticed only after it

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs the tests in the background ignores it
inspection.inspect = examine
sys.exit(cli.main(["check", sys.argv[1]]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_ctrl_c_ends_a_command_with_one_sentence(tmp_path):
    command = [sys.executable, "-c", CHECK_FOR_EVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "at work\n"
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=60)
    assert len(said.strip().splitlines()) == 1
    assert child.returncode == 1


# Killed in each stage of training


LITTLE = settings.recipe(
    "quick", steps=4, photos=4, batch_size=2, evaluate_every=4, checkpoint_every=4, learning_rate=0.01
)


def little_detector(classes: int, **_) -> keras.Model:
    """Return a network with a detector's inputs and outputs, layers to freeze and batch norm."""
    image = keras.Input((preprocessing.INPUT_SIDE, preprocessing.INPUT_SIDE, 3))
    features = keras.layers.AveragePooling2D(30)(image)
    for name in (architectures.get().freezing_depths[0], "border", "behind"):
        features = keras.layers.Conv2D(4, 3, use_bias=False, name=f"{name}_convolution")(features)
        features = keras.layers.BatchNormalization(name=name)(features)
    features = keras.layers.GlobalAveragePooling2D()(features)
    outputs = [
        keras.layers.Reshape((1917, size))(keras.layers.Dense(1917 * size)(features)) for size in (4, classes + 1)
    ]
    return keras.Model(image, outputs)


def with_a_little_network(set_attribute) -> None:
    """Replace the network by a tiny one without evaluation, and save at each step. Everything else is real."""

    never = architectures.get().freezing_depths[0]
    little = dataclasses.replace(architectures.get(), build=little_detector, recomputed_up_to=never)
    tune = dataclasses.replace(strategies.get("fine_tune"), load=strategies.random_weights)
    set_attribute(architectures, "ARCHITECTURES", {little.name: little})
    set_attribute(strategies, "STRATEGIES", strategies.STRATEGIES | {"fine_tune": tune})
    set_attribute(trainer, "evaluate", lambda *_: {"AP": 0.0, "AP50": 0.0})
    set_attribute(callbacks, "SAVE_EVERY_SECONDS", 0)


def train_little(strategy: str, cups, folder) -> RunFolder:
    """Train four steps. With fine_tune, the first trains all layers and the others use cached features."""
    stages = {"train_from": "border", "thaw": 0.34, "views": 1} if strategy == "fine_tune" else {}
    return train(strategy, dataset.load(cups), LITTLE, folder, str(cups), **stages)


TRAIN_AND_HANG = """
import sys, time
_, here, strategy, cups, folder, stop = sys.argv
sys.path.insert(0, here)
from test_interruption import train_little, trainer, with_a_little_network

def hanging(make_step):
    def making(model, optimizer, *rest):
        step = make_step(model, optimizer, *rest)
        def once(*batch):
            if int(optimizer.iterations) == int(stop):
                print("at work", flush=True)
                time.sleep(600)
            return step(*batch)
        return once
    return making

trainer.make_step = hanging(trainer.make_step)
with_a_little_network(setattr)
train_little(strategy, cups, folder)
"""


@pytest.mark.parametrize("strategy", ["fine_tune", "random_init"])
def test_a_run_killed_in_any_stage_resumes_and_ends_with_the_same_weights(
    strategy, voc_folder, tmp_path, monkeypatch, capsys, forks
):
    monkeypatch.setenv(precision.VARIABLE, "float32")
    with_a_little_network(monkeypatch.setattr)
    arguments = [os.path.dirname(__file__), strategy, voc_folder]
    children = {stop: forks.start(TRAIN_AND_HANG, [*arguments, tmp_path / f"killed {stop}", stop]) for stop in (1, 3)}
    whole = train_little(strategy, voc_folder, tmp_path / "whole")
    for child in children.values():
        child.wait_for("at work")
        child.kill()
    wanted = trainer.load_model(whole)[0].get_weights()
    for stop in children:
        run = train_little(strategy, voc_folder, tmp_path / f"killed {stop}")
        assert f"step {stop}\n" in capsys.readouterr().out
        for ours, theirs in zip(trainer.load_model(run)[0].get_weights(), wanted, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


# A full disk


@pytest.fixture(params=[0, 3000], ids=["full", "nearly full"])
def full_disk(request):
    """Within this context no file can grow beyond this many bytes: writing fails as on a full disk."""
    resource = pytest.importorskip("resource", reason="Windows has no limit on the size of files")

    @contextlib.contextmanager
    def limited():
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (request.param, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited


def write_detections(folder):
    boxes = np.full((300, 4), 0.5)
    reports = [annotate.PhotoReport(folder / "a.jpg", boxes, ("cup",) * 300, (0.5,) * 300)]
    annotate._write_tables(reports, ["cup"], OutputFolder(folder))


def write_records(folder):
    tfrecords.write(dataset.load(settings.YOGHURT), folder)


def noise(seed: int) -> bytes:
    """Return a photo that takes more than 3,000 bytes however it is compressed."""
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (60, 60, 3), np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def write_frozen(folder):
    sample = dataset.from_encoded("a.png", noise(0), [(0.1, 0.1, 0.9, 0.9)], ["cup"], [0], [0])
    cache = feature_cache.FeatureCache(folder / "frozen", [sample], {1: "cup"}, views=1, seed=0)
    cache.folder.mkdir(exist_ok=True)
    cache._write(range(1), map(cache._view, range(1)), lambda images: np.zeros((len(images), 60, 60, 3)))


def write_saved_model(folder):
    module = tf.Module()
    module.variable = tf.Variable(np.zeros(5000))
    with saved_model._replacing_folder(folder / "saved_model") as unfinished:
        tf.saved_model.save(module, str(unfinished))


def export_as(kind, name: str):
    def write(folder):
        given = keras.Input((1,), name="image")
        kind._export(keras.Model(given, {"boxes": keras.layers.Dense(3000)(given)}), folder / name)

    return write


WRITERS = {
    "annotation": lambda folder: voc.write(
        voc.Annotation("a.jpg", 90, 90, (voc.Box("cup", 1, 1, 9, 9),) * 50), folder / "a.xml"
    ),
    "recipe": lambda folder: RunFolder(folder).begin(PLAN),
    "state": lambda folder: RunFolder(folder).save_state([Number(1)], Progress(1)),
    "checkpoint": lambda folder: RunFolder(folder).save_checkpoint(
        keras.Sequential([keras.Input((1,)), keras.layers.Dense(3000)]), 1
    ),
    "detections": write_detections,
    "records": write_records,
    "upload": lambda folder: uploads.keep("a.png", noise(len(list(folder.iterdir()))), folder),
    "frozen layers": write_frozen,
    "metrics": lambda folder: files.write_text(json.dumps(dict.fromkeys(range(500), 0.5)), folder / "metrics.json"),
    "SavedModel": write_saved_model,
    "LiteRT": export_as(litert, "detector.tflite"),
    "ONNX": export_as(onnx, "detector.onnx"),
}
EMPTY_ON_A_NEARLY_FULL_DISK = {"recipe"}


REMEDY = files.remedy(OSError(errno.ENOSPC, ""))


@pytest.mark.parametrize("writer", WRITERS)
def test_on_a_full_disk_the_file_is_named_and_the_old_files_stay(writer, full_disk, tmp_path, request):
    if "nearly" in request.node.name and writer in EMPTY_ON_A_NEARLY_FULL_DISK:
        pytest.skip("it is that small")
    (tmp_path / "checkpoints").mkdir()
    if writer != "recipe":
        WRITERS[writer](tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(files.WriteError, match=REMEDY) as caught, full_disk():
        WRITERS[writer](tmp_path)
    assert str(caught.value).startswith(str(tmp_path)) and "part-" not in str(caught.value).split(" ")[0]
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_on_a_full_disk_no_part_of_a_repaired_copy_is_left_and_the_data_set_stays(voc_folder, tmp_path, full_disk):
    found = inspection.inspect(voc_folder)
    before = {path: path.read_bytes() for path in voc_folder.rglob("*") if path.is_file()}
    with (
        pytest.raises(files.WriteError, match=f"^{tmp_path / 'fixed'}: "),
        full_disk(),
    ):
        repair.copy(found, tmp_path / "fixed")
    assert [path.name for path in tmp_path.iterdir()] == ["cups"]
    assert {path: path.read_bytes() for path in voc_folder.rglob("*") if path.is_file()} == before


def test_on_a_full_disk_no_part_of_a_voc_folder_is_left(voc_folder, tmp_path, full_disk):
    data = dataset.load(voc_folder)
    with pytest.raises(files.WriteError, match=REMEDY) as caught, full_disk():
        formats.FORMATS["voc"].write(data, tmp_path / "copy")
    assert str(caught.value).startswith(f"{tmp_path / 'copy'}") and ".part-" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["cups"]


FULL_WHEN_A_CHECKPOINT_IS_DUE = """
import pathlib, resource, sys
from workshop_utils.core import files
from workshop_utils.core.tensorflow import keras
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(3000)])
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    files.write_weights(model, pathlib.Path(sys.argv[1]))
except files.WriteError as fault:
    print("caught:", fault)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
def test_a_process_on_a_full_disk_ends_without_a_crash(tmp_path):
    command = [sys.executable, "-c", FULL_WHEN_A_CHECKPOINT_IS_DUE, str(tmp_path / "step.weights.h5")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert re.match(f"caught: {tmp_path / 'step.weights.h5'}: .*File too large", done.stdout)
    assert done.returncode == 0, "HDF5 itself would have ended it with a segmentation fault"


def test_a_full_disk_stops_the_history_and_earlier_rows_stay(tmp_path, full_disk):
    run = RunFolder(tmp_path)
    history = Rows(run, 0)
    history.add(step=10, loss=0.5)
    refused = pytest.raises(files.WriteError, match=rf"history\.csv: .*{REMEDY}")
    with refused, full_disk(), history:
        for step in range(20, 5000, 10):
            history.add(step=step, loss=1 / 3)
    rows = run.history()
    assert rows[0]["step"] == 10 and all(row["loss"] for row in rows)


def test_a_run_resumed_on_a_full_disk_says_so_and_keeps_its_rows(tmp_path, full_disk):
    run = RunFolder(tmp_path)
    with Rows(run, 0) as history:
        for step in range(10, 1000, 10):
            history.add(step=step, loss=1 / 3)
    rows = run.history()
    with pytest.raises(files.WriteError, match=rf"history\.csv: .*{REMEDY}"), full_disk():
        Rows(run, 1000)
    assert run.history() == rows and len(rows) == 99


def test_on_a_full_disk_the_labeller_says_so_and_keeps_the_drawn_boxes(tmp_path, full_disk):
    labels = labeler.Labeler(settings.YOGHURT / "images", tmp_path, ["cup"])
    drawn = [voc.Box("cup", 10 + place, 20, 110 + place, 220) for place in range(30)]
    labels.boxes = drawn
    with full_disk():
        labels._actions.run(labels.submit)  # as a click on its button does
    assert f"{labels.xml(labels.path)}: " in labels.message
    assert labels.boxes == drawn and [path.name for path in tmp_path.iterdir()] == [".drafts"]
    labels.submit()
    assert len(voc.read(tmp_path / "0001.xml").boxes) == 30


def test_on_a_full_disk_the_labeller_warns_that_a_drawn_box_is_not_saved(tmp_path, full_disk):
    labels = labeler.Labeler(settings.TO_LABEL, tmp_path, ["cup"])
    drawn = [voc.Box("cup", 10 + place, 20, 110 + place, 220) for place in range(30)]
    with full_disk():
        labels.boxes = drawn
        assert f"{tmp_path / '.drafts' / '0001.xml'}: " in labels.message
        labels.next()
        labels.previous()
    assert labels.boxes == drawn


def test_the_rows_of_detections_are_read_back_unchanged(tmp_path):
    write_detections(tmp_path)
    with open(tmp_path / "detections.csv", newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 300


# A file where a folder should be


NEED_A_FOLDER = {
    "a run": lambda folder: RunFolder(folder).begin(PLAN),
    "training": lambda folder: train("random_init", dataset.Dataset([], {1: "cup"}), PLAN.recipe, folder),
    "frozen layers": lambda folder: feature_cache.FeatureCache(folder, [], {}, views=1, seed=0).fill(None),
    "records": lambda folder: tfrecords.write(dataset.Dataset([], {1: "cup"}), folder),
    "upload": lambda folder: uploads.keep("a.png", noise(0), folder),
    "labelling": lambda folder: labeler.Labeler(settings.TO_LABEL, folder, ["cup"]).submit(),
    "detecting": lambda folder: annotate.annotate(BLIND, [], folder),
}


@pytest.mark.parametrize("writer", NEED_A_FOLDER)
def test_a_folder_that_cannot_be_created_is_named(writer, tmp_path):
    (tmp_path / "mine").write_text("a file")
    with pytest.raises(files.WriteError, match=r"mine.*: "):
        NEED_A_FOLDER[writer](tmp_path / "mine" / "folder")
    assert (tmp_path / "mine").read_text() == "a file"


def test_an_export_folder_that_cannot_be_created_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "load_model", lambda *_: (None, {1: "cup"}))
    (tmp_path / "export").write_text("a file")
    with pytest.raises(files.WriteError, match="export: "):
        export.export(RunFolder(tmp_path), [])

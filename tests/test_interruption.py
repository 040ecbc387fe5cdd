"""Killed at any moment, on a full disk, on damaged files: what is there is whole, and the same again goes on.

`make faults` does the killing at length, of real training too.
"""

import contextlib
import csv
import os
import random
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from conftest import interrupting

from workshop_utils import dataset, export, files, inference, labeling, records, settings, training, voc
from workshop_utils.experiment import STATES, Experiment, ExperimentError, History, Plan, Progress

PLAN = Plan("random_init", settings.recipe("quick"), {1: "cup"}, "cups", "0123456789ab")


class Number:
    """What stands for a network's variables where only their being kept matters."""

    def __init__(self, value: float, size: int = 1000):
        self.value, self.shape = np.full(size, value), (size,)

    def __array__(self, dtype=None, copy=None):
        return self.value

    def assign(self, value):
        self.value = value


@pytest.fixture
def run(tmp_path) -> Experiment:
    """An experiment that was saved after 10 and after 20 steps."""
    run = Experiment(tmp_path / "run")
    run.checkpoints.mkdir(parents=True)
    for step in (10, 20):
        run.save_state([Number(step)], Progress(step, step / 2, [[1.0, 2.0]]))
    return run


@pytest.fixture(scope="module")
def little_model():
    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(30, name="dense")])


def damage(path, place: int) -> None:
    """Turn one bit of a file over."""
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(bytes(data))


def loaded(run) -> tuple[Progress, float]:
    """Return what a run goes on from: its progress, and the number its variables hold."""
    variable = Number(0)
    progress = run.load_state([variable])
    assert (variable.value == variable.value[0]).all()
    return progress, float(variable.value[0])


# Damaged files


def test_whichever_bit_of_a_state_is_damaged_it_is_noticed_and_the_state_before_it_is_used(run, capsys):
    path = run.checkpoints / STATES[0]
    whole = path.read_bytes()
    for place in range(0, len(whole) - len(files.SEAL) - 64, 17):
        path.write_bytes(whole)
        damage(path, place)
        assert loaded(run) == (Progress(10, 5.0, [[1.0, 2.0]]), 10)
        assert f"{path}: cannot be used (its bytes are not those that were written)" in capsys.readouterr().err


@pytest.mark.parametrize("length", [0, 1, 100, 5000, -100, -60, -1])
def test_a_state_that_breaks_off_is_named_and_the_state_before_it_is_used(run, capsys, length):
    path = run.checkpoints / STATES[0]
    path.write_bytes(path.read_bytes()[:length])
    step = loaded(run)[0].step
    assert step == 10 or (step == 20 and length >= -72), "only of the seal itself nothing is missed"
    assert (step == 20) != (str(path) in capsys.readouterr().err)


def test_where_no_state_is_whole_each_is_named_and_training_begins_anew(run, capsys):
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
    assert capsys.readouterr().err.count("cannot be used") == 2


def test_a_state_that_would_run_code_when_it_is_read_is_not_read(run, tmp_path, capsys):
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


def test_whichever_bit_of_a_checkpoint_is_damaged_it_is_named_and_the_one_before_it_is_used(run, little_model, capsys):
    path = save_two_checkpoints(run, little_model)
    whole = path.read_bytes()
    for place in range(0, len(whole) - len(files.SEAL) - 64, 997):
        path.write_bytes(whole)
        damage(path, place)
        run.load_checkpoint(little_model)
        assert (little_model.get_layer("dense").bias.numpy() == 10).all()
        assert f"{path}: cannot be loaded (its bytes are not those that were written)" in capsys.readouterr().err


@pytest.mark.parametrize("spoil", [lambda data: data[: len(data) // 2], lambda data: b"no weights", lambda data: b""])
def test_a_checkpoint_that_breaks_off_is_named_and_the_one_before_it_is_used(run, little_model, capsys, spoil):
    path = save_two_checkpoints(run, little_model)
    path.write_bytes(spoil(path.read_bytes()))
    run.load_checkpoint(little_model)
    assert (little_model.get_layer("dense").bias.numpy() == 10).all()
    assert str(path) in capsys.readouterr().err


def test_a_damaged_checkpoint_that_was_asked_for_by_its_step_is_refused(run, little_model):
    damage(save_two_checkpoints(run, little_model), 3000)
    with pytest.raises(ExperimentError, match=r"step-000020\.weights\.h5: cannot be loaded .*Take another checkpoint"):
        run.load_checkpoint(little_model, 20)
    run.load_checkpoint(little_model, 10)


def test_where_no_checkpoint_is_whole_the_fault_says_so(run, little_model):
    save_two_checkpoints(run, little_model)
    for step in (10, 20):
        damage(run.checkpoint(step), 3000)
    with pytest.raises(ExperimentError, match="cannot be loaded"):
        run.load_checkpoint(little_model)


def test_a_whole_checkpoint_is_read_as_any_hdf5_file(run, little_model):
    path = save_two_checkpoints(run, little_model)
    little_model.load_weights(path)
    assert (little_model.get_layer("dense").bias.numpy() == 20).all()
    assert files.is_whole(path)


def test_of_a_history_a_row_that_broke_off_is_left_out(run):
    with History(run, 0) as history:
        history.add(step=10, loss=0.5)
        history.add(step=20, loss=0.25)
    path = run.folder / "history.csv"
    path.write_bytes(path.read_bytes()[:-6])
    assert [row["step"] for row in run.history()] == [10]
    with History(run, 20) as history:
        history.add(step=20, loss=0.25)
    assert [(row["step"], row["loss"]) for row in run.history()] == [(10, 0.5), (20, 0.25)]


@pytest.mark.parametrize("text", ["colour\nred\n", "step,seconds\nten,1\n", "\x00\n\x00\n", "step\n1\n"])
def test_a_history_that_is_none_is_named(run, text):
    (run.folder / "history.csv").write_text(text)
    with pytest.raises(ExperimentError, match=r"history\.csv: is no history this workshop wrote .*or delete the file"):
        run.history()


def test_broken_metrics_are_named(run):
    (run.folder / "metrics.json").write_text("{")
    with pytest.raises(ExperimentError, match=r"metrics\.json: is broken .*Run `evaluate`"):
        run.metrics()


# Killed while writing


SAVE_FOR_EVER = """
import os, sys
from workshop_utils import files
from workshop_utils.experiment import Experiment, Progress
sys.path.insert(0, sys.argv[2])
from test_interruption import Number

run = Experiment(__import__("pathlib").Path(sys.argv[1]))
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows cannot fork")
def test_killed_while_saving_the_state_is_always_a_whole_one_and_never_older_than_the_last(tmp_path):
    run = Experiment(tmp_path / "run")
    run.checkpoints.mkdir(parents=True)
    chance, seen = random.Random(7), [0]
    command = [sys.executable, "-c", SAVE_FOR_EVER, str(run.folder), os.path.dirname(__file__)]
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
    assert seen[-1] > len(seen) / 2, "most of them had saved something when they were killed"


def test_what_a_killed_run_left_unfinished_is_swept_away_by_the_next(tmp_path, monkeypatch):
    run = Experiment(tmp_path / "run")
    run.checkpoints.mkdir(parents=True)
    left = [run.folder / "part-7-metrics.json", run.checkpoints / "part-7-state.npz"]
    for path in left:
        path.touch()
    monkeypatch.setattr(training, "_train", lambda *_: None)
    training.train("random_init", dataset.Dataset([], {1: "cup"}), PLAN.recipe, run.folder)
    assert not any(path.exists() for path in left)


def test_of_two_runs_that_begin_at_once_the_second_writes_nothing(tmp_path):
    import filelock

    data = dataset.Dataset([], {1: "cup"})
    with filelock.FileLock(tmp_path / "lock"), pytest.raises(ExperimentError, match="another process is training here"):
        training.train("random_init", data, PLAN.recipe, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


@pytest.mark.parametrize("call", [1, 2, 3])
def test_a_saved_model_is_the_old_one_or_the_new_one_wherever_its_writing_is_interrupted(
    tmp_path, monkeypatch, call, little_model
):
    path = tmp_path / "saved_model"

    def write(text):
        with export._replacing_folder(path) as unfinished:
            unfinished.mkdir()
            (unfinished / "saved_model.pb").write_text(text)

    write("old")
    with contextlib.suppress(KeyboardInterrupt), interrupting(monkeypatch, os, "replace", call):
        write("new")
    assert (path / "saved_model.pb").read_text() == ("old" if call <= 2 else "new")
    assert [each.name for each in tmp_path.iterdir()] == ["saved_model"]


def test_detecting_goes_on_after_it_was_interrupted(tmp_path, monkeypatch):
    photos = sorted((settings.YOGHURT / "images").iterdir())[:3]
    blind = inference.OpenDetector("blind", {1: "cup"}, lambda *_: (np.zeros((5, 4)), np.zeros(5, int), np.zeros(5)))
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt), interrupting(monkeypatch, inference, "_annotate_one", 3):
        inference.annotate(blind, photos, out)
    assert len(list(out.glob("*.xml"))) == 2
    reports = inference.annotate(blind, photos, out)
    assert len(reports) == len(list(out.glob("*.xml"))) == 3


# A full disk


@pytest.fixture(params=[0, 3000], ids=["full", "nearly full"])
def full_disk(request):
    """Within it, no file can grow beyond so many bytes: the system refuses the write, as it does on a full disk."""
    resource = pytest.importorskip("resource", reason="Windows knows no limit on the size of files")

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
    reports = [inference.PhotoReport(folder / "a.jpg", boxes, ("cup",) * 300, (0.5,) * 300)]
    inference._write_tables(reports, ["cup"], folder)


def write_records(folder):
    records.write(dataset.load(settings.YOGHURT), folder)


WRITERS = {
    "annotation": lambda folder: voc.write(
        voc.Annotation("a.jpg", 90, 90, (voc.Box("cup", 1, 1, 9, 9),) * 50), folder / "a.xml"
    ),
    "recipe": lambda folder: Experiment(folder).begin(PLAN),
    "state": lambda folder: Experiment(folder).save_state([Number(1)], Progress(1)),
    "checkpoint": lambda folder: Experiment(folder).save_checkpoint(
        keras.Sequential([keras.Input((1,)), keras.layers.Dense(3000)]), 1
    ),
    "detections": write_detections,
    "records": write_records,
}
EMPTY_ON_A_NEARLY_FULL_DISK = {"recipe"}


@pytest.mark.parametrize("writer", WRITERS)
def test_on_a_full_disk_the_fault_is_named_and_the_old_files_stay(writer, full_disk, tmp_path, request):
    if "nearly" in request.node.name and writer in EMPTY_ON_A_NEARLY_FULL_DISK:
        pytest.skip("it is that small")
    (tmp_path / "checkpoints").mkdir()
    if writer != "recipe":
        WRITERS[writer](tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(files.WriteError, match=r"cannot be written \(.*Free some space") as caught, full_disk():
        WRITERS[writer](tmp_path)
    assert str(caught.value).startswith(str(tmp_path)) and "part-" not in str(caught.value).split(" ")[0]
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


FULL_WHEN_A_CHECKPOINT_IS_DUE = """
import pathlib, resource, sys
from workshop_utils import files
from workshop_utils.quiet import keras
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(3000)])
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    files.write_weights(model, pathlib.Path(sys.argv[1]))
except files.WriteError as fault:
    print("told:", fault)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no limit on the size of files")
def test_a_process_whose_disk_was_full_ends_in_order(tmp_path):
    command = [sys.executable, "-c", FULL_WHEN_A_CHECKPOINT_IS_DUE, str(tmp_path / "step.weights.h5")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout.startswith(f"told: {tmp_path / 'step.weights.h5'}: cannot be written (File too large)")
    assert done.returncode == 0, "HDF5 itself would have ended it by a segmentation fault"


def test_a_full_disk_stops_the_history_at_a_row_and_the_rows_before_it_stay(tmp_path, full_disk):
    run = Experiment(tmp_path)
    history = History(run, 0)
    history.add(step=10, loss=0.5)
    told = pytest.raises(files.WriteError, match=r"history\.csv: cannot be written \(.*Free some space")
    with told, full_disk(), history:
        for step in range(20, 5000, 10):
            history.add(step=step, loss=1 / 3)
    rows = run.history()
    assert rows[0]["step"] == 10 and all(row["loss"] for row in rows)


def test_on_a_full_disk_the_labeller_says_so_and_keeps_what_was_drawn(tmp_path, full_disk):
    labels = labeling.Labeler(settings.YOGHURT / "images", tmp_path, ["cup"])
    drawn = [voc.Box("cup", 10 + place, 20, 110 + place, 220) for place in range(30)]
    labels.boxes = drawn
    with full_disk():
        labels._told(labels.submit)()  # as its button does
    assert f"{labels.xml(labels.path)}: cannot be written" in labels.message
    assert labels.boxes == drawn and list(tmp_path.iterdir()) == []
    labels.submit()
    assert len(voc.read(tmp_path / "0001.xml").boxes) == 30


def test_the_rows_of_detections_are_read_back_as_they_were_written(tmp_path):
    write_detections(tmp_path)
    with open(tmp_path / "detections.csv", newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 300

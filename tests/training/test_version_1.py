"""A run of version 1 can be resumed, evaluated, exported and used to detect."""

import json
import lzma
import shutil
from typing import cast

import h5py
import numpy as np
import pytest
from conftest import FIXTURES, first_photos

from workshop_utils.cli import main
from workshop_utils.core import files
from workshop_utils.data import dataset
from workshop_utils.deploy import export, runtime
from workshop_utils.model import architectures, pretrained
from workshop_utils.training import trainer
from workshop_utils.training.fast import precision
from workshop_utils.training.plan import Freezing
from workshop_utils.training.run_folder import RunFolder

KEPT = FIXTURES / "run_of_version_1"


def datasets(path) -> dict[str, np.ndarray]:
    """Return the arrays of an HDF5 file by their paths in it."""
    found = {}
    with h5py.File(path) as stored:
        stored.visititems(lambda name, each: found.update({name: each[()]} if isinstance(each, h5py.Dataset) else {}))
    return found


@pytest.fixture(scope="module", autouse=True)
def in_float32():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(precision.VARIABLE, "float32")
        yield


@pytest.fixture(scope="module")
def cups(tmp_path_factory):
    return first_photos(tmp_path_factory.mktemp("data") / "cups")


@pytest.fixture(scope="module")
def interrupted(cups, tmp_path_factory):
    """The folder of the run, as version 1 left it after step 4."""
    run = RunFolder(tmp_path_factory.mktemp("runs") / "version 1")
    run.checkpoints.mkdir(parents=True)
    shutil.copy(KEPT / "history.csv", run.folder)
    recipe = json.loads((KEPT / "recipe.json").read_text()) | {"data": str(cups)}
    (run.folder / "recipe.json").write_text(json.dumps(recipe))
    checkpoint = run.checkpoints / "step-000004.weights.h5"
    checkpoint.write_bytes(lzma.decompress((KEPT / "step-000004.weights.h5.xz").read_bytes()))
    coco = datasets(pretrained.fetch())
    with h5py.File(checkpoint, "r+") as stored:
        for name in json.loads((KEPT / "same_as_coco.json").read_text()):
            cast(h5py.Dataset, stored[name])[...] = coco[name]
    files.seal(checkpoint)
    learned = datasets(checkpoint)
    kept = dict(np.load(KEPT / "state.npz"))
    kept |= {key: learned[name] for key, name in json.loads((KEPT / "state_from_checkpoint.json").read_text()).items()}
    with open(run.checkpoints / "state.npz", "wb") as stream:
        np.savez(stream, **kept)
    files.seal(run.checkpoints / "state.npz")
    return run


@pytest.fixture(scope="module")
def resumed(interrupted, cups, tmp_path_factory):
    """The same run, resumed to its end in a copy of the folder."""
    folder = tmp_path_factory.mktemp("runs") / "resumed"
    shutil.copytree(interrupted.folder, folder)
    run = RunFolder(folder)
    return trainer.train(run.plan, dataset.load(cups), folder)


def test_its_recipe_is_read_with_todays_default_architecture(interrupted):
    plan = interrupted.plan
    assert (plan.strategy, plan.architecture) == ("fine_tune", architectures.DEFAULT)
    assert plan.freezing == Freezing("extra_4_relu", 0.0, None)
    assert (plan.recipe.steps, plan.classes[5]) == (8, "vanilla")


def test_its_checkpoint_is_the_detector_that_was_trained(interrupted, coco):
    model, _ = trainer.load_model(interrupted, 4)
    for name in ("Conv1", "block_16_project", "extra_4"):
        assert np.array_equal(model.get_layer(name).get_weights()[0], coco.get_layer(name).get_weights()[0])
    assert not np.array_equal(model.get_layer("box_1").get_weights()[0], coco.get_layer("box_1").get_weights()[0])


def test_it_resumes_and_ends_where_version_1_ended(resumed, interrupted):
    rows = resumed.history()
    whole = [line.split(",") for line in (KEPT / "history_of_the_whole_run.csv").read_text().splitlines()[1:]]
    assert [row["step"] for row in rows] == [4, 8]
    for row, (_, _, rate, loss, *_) in zip(rows, whole, strict=True):
        assert row["learning_rate"] == pytest.approx(float(rate), rel=1e-5)
        assert row["loss"] == pytest.approx(float(loss), rel=0.02), "cached features are in half precision"
    ended = json.loads((KEPT / "metrics_of_the_whole_run.json").read_text())
    assert resumed.metrics()["AP50"] == pytest.approx(ended["AP50"], abs=0.1), "one photo, two cups"


@pytest.mark.long  # short: the test above, and those of each command in test_command_line.py
def test_the_command_line_resumes_evaluates_and_detects_with_it(interrupted, cups, tmp_path, capsys):
    folder = tmp_path / "run"
    shutil.copytree(interrupted.folder, folder)
    changes = ["steps=8", "batch_size=2", "photos=all", "checkpoint_every=4", "evaluate_every=4", "learning_rate=0.01"]
    options = ["--recipe", "quick", "--train-from", "extra_4_relu", "--thaw", "0", "--experiment", str(folder)]
    assert main(["train", str(cups), *options, "--set", *changes]) == 0
    assert "step 4\n" in capsys.readouterr().out
    assert main(["evaluate", str(folder)]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == RunFolder(folder).metrics()
    assert main(["detect", str(folder), str(cups / "images"), "--out", str(tmp_path / "found")]) == 0
    assert len(list((tmp_path / "found").glob("*.labeled.jpg"))) == 6


@pytest.mark.long  # short: test_export.py, with a run of today
def test_its_export_finds_what_the_run_finds(resumed, cups):
    paths = export.export(resumed, ["litert"])
    photo = dataset.load(cups).samples[0].image
    ours, theirs = (runtime.open_detector(each).detect([photo], 0.1) for each in (resumed.folder, paths["litert"]))
    assert (ours.scores[0] > 0).sum() == (theirs.scores[0] > 0).sum() > 0
    np.testing.assert_allclose(theirs.scores[0], ours.scores[0], atol=0.01)

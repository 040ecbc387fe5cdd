"""A checkpoint of the Object Detection API becomes a run that evaluates, exports, detects and can be fine-tuned on."""

import dataclasses
import json
import tarfile

import mobilenet_v1_graph as original
import numpy as np
import pytest

from workshop_utils.cli import main
from workshop_utils.core.files import WriteError
from workshop_utils.data import label_map
from workshop_utils.model import architectures
from workshop_utils.model.tf1_checkpoint import CheckpointError
from workshop_utils.training import importing, starting_weights, trainer
from workshop_utils.training.importing import ImportingError
from workshop_utils.training.plan import Plan
from workshop_utils.training.run_folder import RunFolder, RunFolderError
from workshop_utils.training.strategies import StrategyError

V1 = "ssd_mobilenet_v1"
FLAVOURS = label_map.number(["blueberry", "natural", "peach", "strawberry", "vanilla"])
TWO = {1: "cup", 2: "spoon"}
SIZE = ("steps=2", "photos=all", "batch_size=2", "evaluate_every=2", "checkpoint_every=2")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A checkpoint of v1 with random weights for our five flavours, saved at step 1234."""
    folder = tmp_path_factory.mktemp("original")
    values = original.weights(len(FLAVOURS)) | {"global_step": np.array(1234, np.int64)}
    for name in [name for name in values if name.startswith("BoxPredictor")]:
        values[f"{name}/Momentum"] = np.zeros_like(values[name])
    original.save(folder / "model.ckpt-1234", values)
    return folder


@pytest.fixture(scope="module")
def imported(checkpoint, tmp_path_factory):
    folder = tmp_path_factory.mktemp("imported") / "run"
    return importing.run_of(checkpoint, V1, FLAVOURS, folder)[0]


def two_classes(folder, **changes):
    """Write a checkpoint of v1 for two classes, with changes to its variables."""
    values = original.weights(2) | changes
    return original.save(folder / "model.ckpt", {name: each for name, each in values.items() if each is not None})


@pytest.mark.long  # short: the tests below, and those of each command in test_command_line.py
def test_the_command_imports_an_archive_and_evaluates_exports_and_detects(checkpoint, voc_folder, tmp_path, capsys):
    archive, run, found = tmp_path / "theirs.tar.gz", RunFolder(tmp_path / "run"), tmp_path / "found"
    with tarfile.open(archive, "w:gz", compresslevel=1) as packed:
        packed.add(checkpoint, "theirs")
    names = tmp_path / "label_map.pbtxt"
    label_map.write(FLAVOURS, names)
    options = ["--architecture", V1, "--label-map", str(names), "--out", str(run.folder)]
    assert main(["import", str(archive), *options]) == 0
    said = capsys.readouterr()
    assert str(run.folder) in said.out and "1234" in said.out and "Momentum" not in said.err
    assert run.steps() == [1234] and run.plan.classes == FLAVOURS and run.plan.architecture == V1
    assert main(["evaluate", str(run.folder)]) == 2
    assert "--data" in capsys.readouterr().err
    assert main(["evaluate", str(run.folder), "--data", str(voc_folder)]) == 0
    assert json.loads(capsys.readouterr().out)["AP"] == run.metrics()["AP"]
    assert main(["export", str(run.folder), "--formats", "litert"]) == 0
    photos = [str(path) for path in sorted((voc_folder / "images").iterdir())[:2]]
    for source in (run.folder, run.folder / "export"):
        assert main(["detect", str(source), *photos, "--out", str(found), "--min-score", "0.01"]) == 0
    assert len(list(found.glob("*.labeled.jpg"))) == 2


def test_the_run_computes_what_the_original_computes(imported):
    model, names = trainer.load_model(imported)
    images = np.random.default_rng(3).uniform(-1, 1, (1, 300, 300, 3)).astype(np.float32)
    for ours, wanted in zip(model.predict_on_batch(images), original.run(original.weights(5), images), strict=True):
        np.testing.assert_allclose(ours, wanted, atol=1e-4)
    assert names == FLAVOURS


def test_fine_tuning_starts_from_its_weights(imported, voc_folder, tmp_path):
    run = RunFolder(tmp_path / "tuned")
    options = ["--start-from", str(imported.folder), "--recipe", "quick", "--experiment", str(run.folder)]
    assert main(["train", str(voc_folder), *options, "--set", *SIZE, "warmup=0", "learning_rate=1e-6"]) == 0
    assert (run.plan.architecture, run.plan.freezing.train_from) == (V1, "Conv2d_5_pointwise_relu")
    first, tuned = (trainer.load_model(each)[0] for each in (imported, run))
    for layer in filter(lambda each: each.weights, first.layers):
        for before, after in zip(layer.get_weights(), tuned.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_allclose(after, before, atol=1e-3)
    before, after = (each.get_layer("Conv2d_13_pointwise").get_weights()[0] for each in (first, tuned))
    assert (before != after).any()


def test_a_run_for_the_same_classes_starts_with_all_of_its_weights(imported, yoghurt):
    plan = Plan.of(yoghurt, "fine_tune", start_from=starting_weights.choose(imported.folder), architecture=V1)
    model, names = starting_weights.load(plan)
    assert names == FLAVOURS
    for ours, theirs in zip(model.get_weights(), trainer.load_model(imported)[0].get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_run_of_another_architecture_or_for_random_init_is_refused(imported, yoghurt):
    with pytest.raises(RunFolderError, match=V1):
        starting_weights.choose(imported.folder, architectures.DEFAULT)
    with pytest.raises(StrategyError, match="--start-from"):
        Plan.of(yoghurt, "random_init", start_from=starting_weights.choose(imported.folder), architecture=V1)


def test_an_imported_run_is_not_trained_on_in_its_own_folder(imported, voc_folder, capsys):
    before = (imported.folder / "recipe.json").read_text()
    assert main(["train", str(voc_folder), "--architecture", V1, "--experiment", str(imported.folder)]) == 1
    assert "imported" in capsys.readouterr().err
    assert (imported.folder / "recipe.json").read_text() == before and imported.steps() == [1234]


def test_a_checkpoint_of_ssdlite_v2_with_other_classes_is_imported(tmp_path):
    network, rng = architectures.get(), np.random.default_rng(5)
    model = network.build(2)
    arrays = {
        name: rng.uniform(0.5, 1, weight.shape).astype(np.float32)
        for layer, names in network.variables().items()
        for name, weight in zip(names, model.get_layer(layer).weights, strict=True)
    }
    original.save(tmp_path / "theirs" / "model.ckpt", arrays)
    run, unused = importing.run_of(tmp_path / "theirs", network.name, TWO, tmp_path / "run")
    model, names = trainer.load_model(run)
    assert (names, unused, run.steps()) == (TWO, [], [0])
    np.testing.assert_array_equal(
        model.get_layer("class_2").get_weights()[1], arrays["BoxPredictor_2/ClassPredictor/biases"]
    )


# What does not fit


def refused(folder, error, match, architecture=V1, classes=TWO):
    """Return whether the import is refused with this error, and leaves nothing next to the checkpoint."""
    with pytest.raises(error, match=match):
        importing.run_of(folder, architecture, classes, folder.parent / "run")
    return [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_variables_that_are_missing_or_have_another_shape_are_named_and_nothing_is_written(tmp_path):
    scope = "FeatureExtractor/MobilenetV1/"
    wider = np.ones((1, 1, 512, 600), np.float32)
    changes = {f"{scope}Conv2d_0/BatchNorm/gamma": None, f"{scope}Conv2d_9_pointwise/weights": wider}
    two_classes(tmp_path / "theirs", **changes)
    both = r"(?s)2 of the \d+ variables.*Conv2d_0/BatchNorm/gamma: is missing.*Conv2d_9_pointwise/weights: .*512, 600"
    assert refused(tmp_path / "theirs", CheckpointError, both)


def test_a_checkpoint_of_the_other_network_names_the_architecture_to_choose(tmp_path):
    two_classes(tmp_path / "theirs")
    assert refused(tmp_path / "theirs", CheckpointError, f"--architecture {V1}", "ssdlite_mobilenet_v2")


def test_a_checkpoint_of_another_kind_of_network_names_what_is_missing(tmp_path):
    original.save(tmp_path / "theirs" / "model.ckpt", {"resnet/conv1/weights": np.ones((7, 7, 3, 64), np.float32)})
    assert refused(tmp_path / "theirs", CheckpointError, r"(?s)Conv2d_0/weights: is missing.*and \d+ more")


@pytest.mark.parametrize(
    ("classes", "match"),
    [
        ({1: "cup"}, r"2 classes.*is 1"),
        ({1: "cup", 2: "spoon", 3: "fork"}, r"2 classes.*is 3"),
        ({1: "cup", 3: "spoon"}, r"2 classes.*is 3.*gaps \(2 "),
    ],
)
def test_a_label_map_of_other_classes_is_refused(classes, match, tmp_path):
    two_classes(tmp_path / "theirs")
    assert refused(tmp_path / "theirs", ImportingError, match, classes=classes)


def test_a_label_map_with_gaps_fits_if_its_last_id_does(tmp_path):
    two_classes(tmp_path / "theirs")
    run, _ = importing.run_of(tmp_path / "theirs", V1, {2: "spoon"}, tmp_path / "run")
    assert run.plan.classes == {2: "spoon"}


def test_a_truncated_shard_leaves_nothing(tmp_path):
    two_classes(tmp_path / "theirs")
    shard = tmp_path / "theirs" / "model.ckpt.data-00000-of-00001"
    shard.write_bytes(shard.read_bytes()[:1_000_000])
    assert refused(tmp_path / "theirs", CheckpointError, "cannot be read")


def test_a_folder_that_is_not_empty_is_kept(imported, checkpoint):
    before = sorted(imported.folder.rglob("*"))
    with pytest.raises(WriteError, match="not empty"):
        importing.run_of(checkpoint, V1, FLAVOURS, imported.folder)
    assert sorted(imported.folder.rglob("*")) == before


def test_variables_that_the_network_does_not_have_are_listed(tmp_path):
    two_classes(tmp_path / "theirs", **{"FeatureExtractor/Mask/weights": np.ones(3, np.float32)})
    assert importing.run_of(tmp_path / "theirs", V1, TWO, tmp_path / "run")[1] == ["FeatureExtractor/Mask/weights"]


def test_an_architecture_that_the_api_does_not_have_is_named(tmp_path, monkeypatch):
    own = dataclasses.replace(architectures.get(), name="own", variables=None)
    monkeypatch.setattr(architectures, "ARCHITECTURES", architectures.ARCHITECTURES | {"own": own})
    two_classes(tmp_path / "theirs")
    assert refused(tmp_path / "theirs", ImportingError, f"own: .*{V1}", "own")
    assert refused(tmp_path / "theirs", CheckpointError, f"--architecture {V1}", "ssdlite_mobilenet_v2")

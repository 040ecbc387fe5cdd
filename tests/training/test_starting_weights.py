import dataclasses
import json
import re
import shutil

import numpy as np
import pytest
from conftest import first_photos, interrupting

from workshop_utils.cli import main
from workshop_utils.core import settings
from workshop_utils.data import dataset
from workshop_utils.model import architectures
from workshop_utils.training import run_folder, starting_weights, strategies, trainer
from workshop_utils.training.plan import Plan, StartFrom
from workshop_utils.training.run_folder import RunFolder, RunFolderError
from workshop_utils.training.strategies import Detector

RECIPE = settings.recipe("quick", steps=4, batch_size=2, evaluate_every=2, checkpoint_every=2)
BEFORE = {1: "café au lait", 2: "Peach", 4: "lemon"}
NOW = {1: "apple", 2: "Café au Lait", 3: "peach"}


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    """A run with one checkpoint, whose classes have a gap in their ids. Its weights are random."""
    run = RunFolder(tmp_path_factory.mktemp("runs") / "other")
    run.begin(Plan("fine_tune", RECIPE, BEFORE, "", ""))
    model = architectures.get().build(4)
    for layer in model.layers:
        if layer.weights:
            layer.set_weights([np.random.default_rng(1).random(each.shape) for each in layer.get_weights()])
    run.save_checkpoint(model, 4)
    return run


def plan_of(other, classes=NOW, **more):
    return Plan("fine_tune", RECIPE, classes, "", "", start_from=starting_weights.choose(other.folder), **more)


def columns(model, classes, name="class_1"):
    """Return the weights that predict each class, by its id: {id: (inputs, anchors)}."""
    kernel = model.get_layer(name).get_weights()[0]
    by_id = kernel.reshape(kernel.shape[2], -1, classes + 1)
    return {number: by_id[..., number] for number in range(classes + 1)}


def test_known_classes_keep_their_predictions_under_their_new_ids_and_new_ones_do_not(other, capsys):
    before, _ = trainer.load_model(other)
    detector = starting_weights.load(plan_of(other))
    assert detector.label_map == NOW
    for level in range(6):
        old, new = columns(before, 4, f"class_{level}"), columns(detector.model, 3, f"class_{level}")
        for now, then in {0: 0, 2: 1, 3: 2}.items():
            np.testing.assert_array_equal(new[now], old[then])
        assert new[1].std() > 0 and not any(np.allclose(new[1], each) for each in old.values())
    printed = capsys.readouterr().out
    assert str(other.folder) in printed and "step 4" in printed
    assert printed.index("'peach'") < printed.index("'apple'") < printed.index("'lemon'")


def test_all_other_layers_are_those_of_the_run(other):
    before, _ = trainer.load_model(other)
    model = starting_weights.load(plan_of(other)).model
    for layer in model.layers:
        if layer.weights and not re.fullmatch(r"class_\d", layer.name):
            for ours, theirs in zip(layer.get_weights(), before.get_layer(layer.name).get_weights(), strict=True):
                np.testing.assert_array_equal(ours, theirs)


def test_with_the_same_classes_it_is_the_same_detector(other):
    before, _ = trainer.load_model(other)
    model = starting_weights.load(plan_of(other, BEFORE)).model
    image = np.zeros((1, 300, 300, 3), np.float32)
    (boxes, logits), (boxes_before, logits_before) = model(image), before(image)
    np.testing.assert_array_equal(boxes, boxes_before)
    ids = [0, *BEFORE]  # no class has the id 3, so its logit means nothing
    np.testing.assert_array_equal(np.asarray(logits)[..., ids], np.asarray(logits_before)[..., ids])


def test_a_class_that_only_differs_in_case_from_another_keeps_its_own_predictions(other):
    classes = {1: "peach", 2: "Peach"}
    source = Detector(architectures.get().build(2), classes)
    target = Detector(architectures.get().build(2), classes)
    starting_weights.copy_classes(source, target, {"peach": "peach", "Peach": "Peach"}, architectures.get())
    for number in range(3):
        np.testing.assert_array_equal(columns(target.model, 2)[number], columns(source.model, 2)[number])


def test_a_run_resumes_although_the_other_run_is_gone(tmp_path, other, pretended, monkeypatch):
    data = dataset.load(first_photos(tmp_path / "cups", 6))
    shutil.copytree(other.folder, tmp_path / "other")
    monkeypatch.setattr(starting_weights, "_copy", lambda *_: copied.append(1))
    copied, plan = [], Plan.of(data, "fine_tune", RECIPE, train_from="")
    plan = dataclasses.replace(plan, start_from=starting_weights.choose(tmp_path / "other"))
    with pytest.raises(KeyboardInterrupt), interrupting(monkeypatch, run_folder.RunFolder, "save_state", 1):
        trainer.train(plan, data, tmp_path / "run")
    assert (tmp_path / "run" / starting_weights.FILE).exists()
    shutil.rmtree(tmp_path / "other")
    run = trainer.train(plan, data, tmp_path / "run")
    assert copied == [1] and run.is_finished() and run.plan == plan
    assert not (tmp_path / "run" / starting_weights.FILE).exists()


def test_the_same_command_resumes_with_and_without_the_option_and_after_the_other_run_moved(
    tmp_path, other, pretended, monkeypatch, capsys
):
    folder = first_photos(tmp_path / "cups", 6)
    shutil.copytree(other.folder, tmp_path / "other")
    monkeypatch.setattr(starting_weights, "_copy", lambda *_: None)
    changes = ["--set", "steps=4", "batch_size=2", "evaluate_every=2", "checkpoint_every=2"]
    command = ["train", str(folder), "--recipe", "quick", "--train-from", "", *changes]
    command += ["--experiment", str(tmp_path / "run")]
    start = ["--start-from", str(tmp_path / "other")]
    assert main([*command, *start]) == 0
    plan = RunFolder(tmp_path / "run").plan
    assert plan.start_from.run == str(tmp_path / "other") and plan.start_from.step == 4
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["start_from"]["step"] == 4
    assert main(command) == 0
    shutil.rmtree(tmp_path / "other")
    assert main([*command, *start]) == 0
    assert RunFolder(tmp_path / "run").plan == plan
    shutil.copytree(other.folder, tmp_path / "elsewhere")
    assert main([*command, "--start-from", str(tmp_path / "elsewhere")]) == 0, "it is the same checkpoint"
    capsys.readouterr()


def test_the_last_undamaged_checkpoint_is_chosen(other, tmp_path):
    shutil.copytree(other.folder, tmp_path / "run")
    run = RunFolder(tmp_path / "run")
    damaged = bytearray(run.checkpoint(4).read_bytes())
    damaged[1000] ^= 1
    (run.checkpoints / "step-000006.weights.h5").write_bytes(damaged)
    assert starting_weights.choose(run.folder) == dataclasses.replace(
        starting_weights.choose(other.folder), run=str(run.folder)
    )
    run.checkpoint(4).write_bytes(damaged)
    with pytest.raises(RunFolderError, match="damaged"):
        starting_weights.choose(run.folder)


def test_a_run_of_another_architecture_is_refused_before_anything_is_written(other, tmp_path, capsys):
    folder = first_photos(tmp_path / "cups", 2)
    options = ["--start-from", str(other.folder), "--architecture", "ssd_mobilenet_v1"]
    assert main(["train", str(folder), *options, "--experiment", str(tmp_path / "run")]) == 1
    said = capsys.readouterr().err
    assert "ssdlite_mobilenet_v2" in said and "ssd_mobilenet_v1" in said
    assert not (tmp_path / "run").exists()


def test_what_is_not_a_run_or_was_not_trained_is_refused(tmp_path):
    with pytest.raises(RunFolderError, match=str(tmp_path)):
        starting_weights.choose(tmp_path)
    run = RunFolder(tmp_path / "as_is")
    run.begin(Plan("as_is", RECIPE, NOW, "", ""))
    with pytest.raises(RunFolderError, match=r"as_is.*fine_tune"):
        starting_weights.choose(run.folder)
    run = RunFolder(tmp_path / "begun")
    run.begin(Plan("fine_tune", RECIPE, NOW, "", ""))
    with pytest.raises(RunFolderError, match="checkpoint"):
        starting_weights.choose(run.folder)


@pytest.mark.parametrize("strategy", ["as_is", "random_init"])
def test_a_strategy_that_does_not_start_from_learned_weights_refuses_them(strategy):
    with pytest.raises(strategies.StrategyError, match=f"{strategy}.*--start-from"):
        Plan(strategy, RECIPE, NOW, "", "", start_from=StartFrom("run", 4, "0123456789ab"))


def test_a_checkpoint_that_changed_after_planning_is_refused(other):
    plan = plan_of(other)
    plan = dataclasses.replace(plan, start_from=dataclasses.replace(plan.start_from, checksum="0123456789ab"))
    with pytest.raises(RunFolderError, match="step-000004"):
        starting_weights.load(plan)

import json

import pytest
from conftest import first_photos, interrupting
from training_runs import train

from workshop_utils.cli import main
from workshop_utils.core import settings
from workshop_utils.data import dataset
from workshop_utils.deploy import runtime
from workshop_utils.training import checkpoints, run_folder, strategies, trainer
from workshop_utils.training.plan import Plan
from workshop_utils.training.run_folder import RunFolder, RunFolderError

RECIPE = settings.recipe("quick", steps=60, batch_size=2, evaluate_every=5, checkpoint_every=20)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return dataset.load(first_photos(tmp_path_factory.mktemp("data") / "cups", 6))


@pytest.fixture
def measured(monkeypatch, pretended):
    """Return a function that sets what each evaluation measures, in order; the last AP repeats."""

    def becomes(*scores):
        left = list(scores)

        def evaluate(*_):
            ap = left.pop(0) if len(left) > 1 else left[0]
            return {"AP": ap, "AP50": ap, "AP75": ap, "per_class": {}}

        monkeypatch.setattr(trainer, "evaluate", evaluate)

    return becomes


def patient(data, folder, patience, recipe=RECIPE):
    return trainer.train(Plan.of(data, "random_init", recipe, patience=patience), data, folder)


def test_metrics_name_the_best_step_and_its_checkpoint_exists_between_those_of_the_recipe(data, tmp_path, measured):
    measured(0.1, 0.3, 0.5, 0.4)
    run = train("random_init", data, RECIPE, tmp_path)
    assert run.metrics()["best_step"] == 15 and run.metrics()["AP"] == 0.4
    assert run.steps() == [5, 10, 15, 20, 40, 60], "5, 10 and 15 were the best when they were measured"
    assert checkpoints.choose(run, "best") == 15
    assert checkpoints.choose(run, "last") is None and checkpoints.choose(run, 20) == 20


def test_a_step_without_a_checkpoint_is_not_the_best(data, tmp_path, measured):
    """Runs of version 1 have checkpoints only as often as their recipe says."""
    measured(0.1, 0.9, 0.5, 0.4)
    run = train("random_init", data, RECIPE, tmp_path)
    run.checkpoint(10).unlink()
    assert checkpoints.best_step(run) == 20, "15 was worse than 10, so there is none either"


def test_a_step_that_does_not_exist_is_refused_with_those_that_do(data, tmp_path, measured):
    measured(0.1)
    run = train("random_init", data, RECIPE, tmp_path)
    with pytest.raises(RunFolderError, match=r" 7\b.* 5, 20, 40, 60"):
        checkpoints.choose(run, 7)


def test_without_a_measured_ap_no_checkpoint_is_the_best(data, tmp_path, measured):
    measured(None)
    run = train("random_init", data, RECIPE, tmp_path)
    assert "best_step" not in run.metrics()
    with pytest.raises(RunFolderError, match=r"last.*20, 40, 60"):
        checkpoints.choose(run, "best")
    run.history_file.unlink()
    with pytest.raises(RunFolderError, match=r"last.*20, 40, 60"):
        checkpoints.choose(run, "best")


def test_a_run_that_trains_nothing_has_no_checkpoint_to_choose(data, tmp_path):
    run = RunFolder(tmp_path)
    run.begin(Plan.of(data, "as_is", RECIPE))
    for choice in ("best", 5):
        with pytest.raises(RunFolderError, match="as_is"):
            checkpoints.choose(run, choice)


def test_training_stops_early_says_so_and_keeps_the_last_and_the_best_checkpoint(data, tmp_path, measured, capsys):
    measured(0.1, 0.5, 0.4, 0.5, 0.3)
    run = patient(data, tmp_path, 3)
    printed = capsys.readouterr().out
    assert "step 25 of 60" in printed and "0.500, at step 10" in printed
    assert run.steps()[-1] == 25 and run.history()[-1]["step"] == 25
    assert (run.metrics()["AP"], run.metrics()["best_step"]) == (0.3, 10)
    patient(data, tmp_path, 3)
    assert "25" in capsys.readouterr().out and run.history()[-1]["step"] == 25, "the same call trains nothing more"


@pytest.mark.parametrize(
    ("owner", "name", "call"),
    [(run_folder.RunFolder, "save_checkpoint", 4), (run_folder.RunFolder, "write_metrics", 1)],
)
def test_a_run_interrupted_while_it_stops_early_ends_at_the_same_step(
    data, tmp_path, measured, monkeypatch, owner, name, call
):
    measured(0.1, 0.5, 0.4, 0.5, 0.3)
    with pytest.raises(KeyboardInterrupt), interrupting(monkeypatch, owner, name, call):
        patient(data, tmp_path, 3)
    run = patient(data, tmp_path, 3)
    assert run.steps() == [5, 10, 20, 25] and run.history()[-1]["step"] == 25
    assert run.is_finished() and run.metrics()["best_step"] == 10


def test_a_run_whose_ap_rises_to_the_end_is_trained_to_the_end(data, tmp_path, measured, capsys):
    measured(*(number / 100 for number in range(1, 13)))
    run = patient(data, tmp_path, 1)
    assert run.steps()[-1] == 60 and run.metrics()["best_step"] == 60
    assert "early" not in capsys.readouterr().out


def test_another_patience_is_another_run(data, tmp_path, measured):
    measured(0.1)
    patient(data, tmp_path, 3)
    with pytest.raises(RunFolderError, match=r"patience.* 3 .* 4"):
        patient(data, tmp_path, 4)


def test_patience_needs_a_strategy_that_trains(data):
    with pytest.raises(strategies.StrategyError, match=r"as_is.*--patience"):
        Plan.of(data, "as_is", RECIPE, patience=2)


@pytest.mark.parametrize("command", ["evaluate", "export", "detect"])
def test_each_command_uses_the_checkpoint_that_is_named(data, tmp_path, measured, monkeypatch, capsys, command):
    measured(0.1, 0.5, 0.4)
    run = train("random_init", data, RECIPE, tmp_path / "run", str(data.samples[0].source.parent.parent))
    loaded = []

    def load(run, step=None):
        loaded.append(step)
        raise RunFolderError("far enough")

    monkeypatch.setattr(trainer, "load_model", load)
    more = {"detect": [str(data.samples[0].source), "--out", str(tmp_path / "found")]}.get(command, [])
    for choice in (["--checkpoint", "best"], ["--checkpoint", "20"], ["--checkpoint", "last"], []):
        assert main([command, str(run.folder), *more, *choice]) == 1
    assert loaded == [10, 20, None, None]
    assert main([command, str(run.folder), *more, "--checkpoint", "7"]) == 1
    assert "5, 10, 20, 40, 60" in capsys.readouterr().err and len(loaded) == 4
    for wrong in ("bset", "-5", "1.5"):
        with pytest.raises(SystemExit) as exited:
            main([command, str(run.folder), *more, "--checkpoint", wrong])
        assert exited.value.code == 2


def test_evaluate_names_the_step_that_it_measured(data, tmp_path, measured, monkeypatch, capsys):
    measured(0.1, 0.5, 0.4)
    run = train("random_init", data, RECIPE, tmp_path / "run", str(data.samples[0].source.parent.parent))
    scores = {"AP": 0.5, "AP50": 0.6, "AP75": 0.1, "per_class": {}}
    monkeypatch.setattr("workshop_utils.evaluation.average_precision.measure", lambda *_: dict(scores))
    assert main(["evaluate", str(run.folder), "--checkpoint", "best"]) == 0
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert printed == run.metrics() == scores | {"step": 10, "best_step": 10}


def test_what_is_not_a_run_has_no_checkpoint_to_choose(tmp_path):
    for source in ("coco", tmp_path):
        with pytest.raises(runtime.InferenceError, match="--checkpoint"):
            runtime.open_detector(source, "best")
    assert main(["evaluate", "coco", "--data", str(settings.TO_LABEL), "--checkpoint", "best"]) == 2

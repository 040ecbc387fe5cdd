import dataclasses
import json

import pytest
from training_runs import Rows

from tools import record
from workshop_utils.core import settings
from workshop_utils.data import dataset
from workshop_utils.teaching import recorded
from workshop_utils.training import run_folder
from workshop_utils.training.plan import Plan

ROW = {"step": 10.0, "seconds": 5.0, "loss": 1.5, "AP": None, "AP50": None}
RUN = recorded.Recorded(
    strategy="fine_tune",
    recipe=settings.recipe("seed"),
    fingerprint="0123456789ab",
    command="python -m workshop_utils train data/yoghurt --recipe seed",
    date="2026-01-31",
    minutes=12.5,
    metrics={"AP": 0.5, "AP50": 0.8, "AP75": 0.6, "per_class": {"peach": 0.5}, "per_class_AP50": {"peach": 0.8}},
    history=[ROW],
)


def write(folder, name, **changes):
    path = folder / name
    path.write_text(json.dumps(dataclasses.asdict(RUN) | changes), encoding="utf-8")
    return path


def test_a_recorded_run_is_read_as_it_was_written(tmp_path):
    write(tmp_path, "fine_tune.json")
    assert recorded.load(tmp_path) == [RUN]


def test_runs_come_in_the_order_of_their_file_names_and_other_files_are_left_alone(tmp_path):
    write(tmp_path, "b.json", strategy="random_init")
    write(tmp_path, "a.json")
    (tmp_path / "README.md").write_text("about these")
    assert [run.strategy for run in recorded.load(tmp_path)] == ["fine_tune", "random_init"]


def test_runs_in_subfolders_are_included(tmp_path):
    (tmp_path / "ladder").mkdir()
    write(tmp_path, "b.json")
    write(tmp_path / "ladder", "a.json", training_photos=30)
    assert [run.training_photos for run in recorded.load(tmp_path)] == [None]
    assert [run.training_photos for run in recorded.everything(tmp_path)] == [None, 30]


def test_repeats_are_runs_that_differ_only_in_their_seed(tmp_path):
    recipe = settings.recipe("seed")
    others = {
        "seed 43": {"recipe": dataclasses.asdict(dataclasses.replace(recipe, seed=43))},
        "rate": {"recipe": dataclasses.asdict(dataclasses.replace(recipe, learning_rate=0.1))},
        "steps": {"recipe": dataclasses.asdict(dataclasses.replace(recipe, steps=3000))},
        "strategy": {"strategy": "random_init"},
        "rung": {"training_photos": 30},
    }
    write(tmp_path, "z.json")
    for name, changes in others.items():
        write(tmp_path, f"{name}.json", **changes)
    runs = recorded.load(tmp_path)
    assert [run.recipe.seed for run in recorded.repeats(runs, "fine_tune", recipe)] == [42, 43]
    assert len(recorded.repeats(runs, "fine_tune", recipe, training_photos=30)) == 1
    assert recorded.repeats(runs, "as_is", recipe) == []


def test_unknown_fields_of_a_file_are_ignored(tmp_path):
    write(tmp_path, "a.json", machine="a laptop")
    assert recorded.load(tmp_path) == [RUN]


def test_a_run_in_which_something_could_not_be_measured_is_a_run_too(tmp_path):
    metrics = {"AP": None, "AP50": None, "AP75": None, "per_class": {"peach": None}, "reason": "no object"}
    write(tmp_path, "a.json", metrics=metrics)
    assert [run.metrics for run in recorded.load(tmp_path)] == [metrics]


def test_without_a_results_folder_there_are_no_recorded_runs(tmp_path):
    assert recorded.load(tmp_path / "results") == []


@pytest.mark.parametrize(
    "damage",
    [
        {"recipe": {"name": "seed"}},
        {"recipe": None},
        {"metrics": {}},
        {"metrics": {"AP": 1, "AP50": 1, "AP75": 1, "per_class": [1]}},
        {"metrics": {"AP": "much", "AP50": 1, "AP75": 1, "per_class": {}}},
        {"minutes": None},
        {"history": [{"loss": 1}]},
    ],
    ids=["half a recipe", "no recipe", "no AP", "no classes", "AP that is not a number", "no minutes", "no step"],
)
def test_a_broken_file_is_named_with_its_problem(tmp_path, damage):
    path = write(tmp_path, "broken.json", **damage)
    with pytest.raises(recorded.RecordedError, match=path.name):
        recorded.load(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '"run"', "{}"])
def test_a_file_that_is_not_a_run_is_named(tmp_path, text):
    (tmp_path / "broken.json").write_text(text)
    with pytest.raises(recorded.RecordedError, match=r"broken\.json"):
        recorded.load(tmp_path)


def test_the_runs_in_the_project_can_be_read():
    for run in recorded.load():
        assert run.strategy in ("fine_tune", "as_is", "random_init")
        assert 0 <= run.metrics["AP"] <= run.metrics["AP50"] <= 1


def test_the_readme_s_results_are_the_recorded_ones():
    readme = (settings.PROJECT / "README.md").read_text(encoding="utf-8")
    best = f"random_init-{record.RANDOM_RATE}"
    own_rate = record.by_name(settings.RESULTS / "own_rate")
    shown = {f"own_rate/{name}": own_rate[name] for name in (best, f"{best}-{record.MORE_STEPS}")}
    talk = record.by_name(settings.RESULTS)
    assert talk
    for name, run in (talk | shown).items():
        scores = " | ".join(f"{run.metrics[key]:.2f}" for key in ("AP50", "AP", "AP75"))
        assert f"| `{name}` | {scores} | {run.minutes:.0f} |" in readme
        if "class_agnostic" in run.metrics:
            assert f"AP50 of {run.metrics['class_agnostic']['AP50']:.2f}." in readme


def test_a_finished_run_is_kept_with_its_command_and_read_back_the_same(tmp_path):
    folder = tmp_path / "short"
    run = run_folder.RunFolder(folder)
    plan = Plan("fine_tune", settings.recipe("quick", steps=180).of("fine_tune"), {1: "cup"}, "cups", "0123456789ab")
    run.begin(plan)
    metrics = {"AP": 0.25, "AP50": 0.5, "AP75": 0.125, "per_class": {"cup": 0.25}}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    with Rows(run, 0) as history:
        history.add(step=180, loss=1.5)
    recorded.keep(run, "python -m workshop_utils train cups", tmp_path / "results")
    (kept,) = recorded.load(tmp_path / "results")
    assert (kept.strategy, kept.recipe, kept.fingerprint) == ("fine_tune", plan.recipe, plan.fingerprint)
    assert (kept.command, kept.minutes, kept.metrics) == ("python -m workshop_utils train cups", 1.5, metrics)
    assert kept.history == run.history()


def test_recorded_runs_used_these_photos():
    fingerprint = dataset.load(settings.YOGHURT).fingerprint()
    assert {run.fingerprint for run in recorded.everything()} == {fingerprint}


def test_make_record_records_exactly_its_runs_with_the_commands_they_name():
    fingerprint = dataset.load(settings.YOGHURT).fingerprint()
    assert [run.name for run in record.RUNS if not record.is_recorded(run, fingerprint)] == []
    assert set(settings.RESULTS.rglob("*.json")) == {run.folder / f"{run.name}.json" for run in record.RUNS}


def test_no_two_recorded_runs_have_one_file_or_one_command():
    runs = record.RUNS
    for what in ({run.folder / run.name for run in runs}, {run.command for run in runs}):
        assert len(what) == len(runs)


@pytest.mark.parametrize("run", record.RUNS, ids=lambda run: f"{run.folder.name}-{run.name}")
def test_the_changes_of_a_recorded_run_to_its_recipe_are_valid(run):
    recipe = settings.recipe("seed", **dict(each.split("=") for each in run.arguments if "=" in each))
    assert recipe.seed in (42, 43, 44) and recipe.batch_size == 8


def test_random_weights_get_the_best_of_the_tried_rates():
    """So that the comparison is fair."""
    one_seed = [run for run in recorded.everything() if (run.strategy, run.recipe.seed) == ("random_init", 42)]
    tried = {run.recipe.learning_rate: run for run in one_seed if run.recipe.steps == 1000}
    assert len(tried) == len(record.OTHER_RATES) + 2, "including the recipe's rate and the one for random weights"
    best = max(tried.values(), key=lambda run: run.metrics["AP"]).recipe
    assert (f"learning_rate={best.learning_rate:g}", f"warmup={best.warmup}") == record.at_rate(record.RANDOM_RATE)[1:]


def test_on_the_ladder_random_weights_get_the_better_of_two_rates():
    most = settings.LADDER[-1]
    runs = [run for run in recorded.everything() if (run.strategy, run.training_photos) == ("random_init", most)]
    rates = {f"{run.recipe.learning_rate:g}": run.metrics["AP"] for run in runs}
    assert set(rates) == {record.RANDOM_RATE, record.LADDER_RATE}
    assert rates[record.LADDER_RATE] > rates[record.RANDOM_RATE]


def test_runs_of_another_network_are_kept_apart(tmp_path):
    write(tmp_path, "random_init-a.json")
    write(tmp_path, "random_init-b.json", architecture="ssd_mobilenet_v1")
    ours, every = (recorded.everything(tmp_path, **options) for options in ({}, {"architecture": None}))
    assert [run.architecture for run in every] == ["ssdlite_mobilenet_v2", "ssd_mobilenet_v1"]
    assert ours == every[:1] == recorded.repeats(every, RUN.strategy, RUN.recipe)
    assert recorded.repeats(every, RUN.strategy, RUN.recipe, architecture="ssd_mobilenet_v1") == every[1:]
    assert {run.architecture for run in recorded.load(tmp_path)} == {"ssdlite_mobilenet_v2", "ssd_mobilenet_v1"}


def test_the_list_of_recorded_runs_is_up_to_date():
    assert record.LISTING.read_text(encoding="utf-8") == record.listing(), "run `make record`"


def test_the_list_names_each_run_and_the_spread_of_those_with_several_seeds(tmp_path):
    (tmp_path / "seeds").mkdir()
    write(tmp_path, "fine_tune-seed.json")
    assert "| seeds |" not in record.listing(tmp_path)
    better = {"recipe": dataclasses.asdict(settings.recipe("seed", seed=43)), "metrics": RUN.metrics | {"AP": 0.53}}
    write(tmp_path / "seeds", "fine_tune-43.json", **better)
    listed = record.listing(tmp_path)
    assert "| `fine_tune-seed.json` | 0.003 | 1,000 | all | 42 | 0.500 | 0.800 | 12 |" in listed
    assert "| `seeds/fine_tune-43.json` | 0.003 | 1,000 | all | 43 | 0.530 | 0.800 | 12 |" in listed
    assert "| fine_tune, rate 0.003, 1,000 steps | 2 | 0.500 to 0.530 |" in listed


def rungs() -> dict[tuple[str, int | None], recorded.Recorded]:
    return {(run.strategy, run.training_photos): run for run in recorded.load(settings.RESULTS / "ladder")}


def test_every_rung_of_the_ladder_is_recorded_for_both_strategies_with_equal_steps_and_seed():
    found = rungs()
    assert set(found) == {(name, size) for name in ("fine_tune", "random_init") for size in settings.LADDER}
    assert {(run.recipe.steps, run.recipe.batch_size, run.recipe.seed) for run in found.values()} == {(300, 8, 42)}
    of_random = {f"{run.recipe.learning_rate:g}" for (name, _), run in found.items() if name == "random_init"}
    assert of_random == {record.LADDER_RATE}


def test_pretraining_matters_on_every_rung():
    """The photos were designed to be too hard for random weights."""
    found = rungs()
    for size in settings.LADDER:
        tuned, begun = (found[name, size].metrics["AP50"] for name in ("fine_tune", "random_init"))
        assert tuned > begun + 0.2, size


def test_the_readme_s_ladder_is_the_recorded_one():
    readme = (settings.PROJECT / "README.md").read_text(encoding="utf-8")
    paragraph = readme.split("`results/ladder/`")[0].rsplit("\n\n", 1)[-1]
    assert f"learning rate of {record.LADDER_RATE}, " in " ".join(paragraph.split())
    for name in ("fine_tune", "random_init"):
        scores = " | ".join(f"{rungs()[name, size].metrics['AP50']:.2f}" for size in settings.LADDER)
        assert f"| AP50 of {name} | {scores} |" in readme


def test_a_run_with_other_photos_or_another_command_is_recorded_again(tmp_path):
    run = record.Run("fine_tune", tmp_path, ("--recipe", "seed"))
    write(tmp_path, "fine_tune.json", fingerprint="0123456789ab", command=run.command)
    assert record.is_recorded(run, "0123456789ab")
    assert not record.is_recorded(run, "ba9876543210")
    assert not record.is_recorded(dataclasses.replace(run, arguments=("--recipe", "quick")), "0123456789ab")
    assert not record.is_recorded(dataclasses.replace(run, name="another"), "0123456789ab")


def test_the_number_of_photos_in_a_list_is_recorded(tmp_path):
    write(tmp_path, "few.json", training_photos=30)
    assert [run.training_photos for run in recorded.load(tmp_path)] == [30]

"""A plan fills in what a command leaves open: by the recipe, the strategy and the architecture."""

import json

import pytest

from workshop_utils.cli import main
from workshop_utils.core import settings
from workshop_utils.model import architectures
from workshop_utils.training.plan import Freezing, Plan
from workshop_utils.training.run_folder import RunFolder

FEW, SOME, MOST = architectures.get().freezing_depths


@pytest.mark.parametrize(
    ("recipe", "given", "frozen"),
    [
        ("seed", {}, Freezing(FEW)),
        ("quick", {}, Freezing(SOME)),
        ("seed", {"views": 2}, Freezing(MOST, views=2)),
        ("seed", {"thaw": 0.3}, Freezing(MOST, thaw=0.3)),
        ("quick", {"train_from": "block_12_add"}, Freezing("block_12_add")),
        ("quick", {"train_from": ""}, Freezing("")),
    ],
)
def test_the_recipe_and_the_options_decide_how_deep_fine_tuning_freezes(yoghurt, recipe, given, frozen):
    assert Plan.of(yoghurt, "fine_tune", settings.recipe(recipe), **given).freezing == frozen


def test_a_plan_contains_the_recipe_with_the_changes_of_its_strategy(yoghurt):
    quick = settings.recipe("quick")
    for strategy in ("fine_tune", "random_init"):
        planned = Plan.of(yoghurt, strategy, quick)
        assert planned.recipe == quick.of(strategy)
        assert Plan.from_json(json.loads(json.dumps(planned.as_json()))) == planned


def test_the_command_that_started_a_run_resumes_it_after_the_defaults_changed(yoghurt, tmp_path, monkeypatch):
    """As after an update: the run's own settings hold, except those that the command gives."""
    from workshop_utils.training import trainer

    monkeypatch.setattr(trainer, "train", lambda plan, data, folder: begun.append(plan) or RunFolder(folder))
    monkeypatch.setattr(RunFolder, "metrics", lambda run: {})
    begun: list[Plan] = []
    older = settings.recipe("quick", steps=120, batch_size=2).of("fine_tune")
    kept = Plan.of(yoghurt, "fine_tune", older, source=settings.YOGHURT, train_from="block_9_add", thaw=0.3)
    RunFolder(tmp_path).begin(kept)
    command = ["train", str(settings.YOGHURT), "--recipe", "quick", "--experiment", str(tmp_path)]
    assert main(command) == 0 and begun[-1].as_json() == kept.as_json()
    assert main([*command, "--thaw", "0.5", "--set", "seed=7"]) == 0
    assert (begun[-1].freezing.thaw, begun[-1].recipe.seed, begun[-1].recipe.steps) == (0.5, 7, 120)
    assert main([*command, "--strategy", "random_init"]) == 0
    assert begun[-1].recipe == settings.recipe("quick").of("random_init")

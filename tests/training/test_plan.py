"""A plan fills in what a command leaves open: by the recipe, the strategy and the architecture."""

import json

import pytest
from conftest import first_photos
from PIL import Image

from workshop_utils.cli import main
from workshop_utils.core import settings
from workshop_utils.data.groups import Grouping
from workshop_utils.model import architectures
from workshop_utils.training.plan import Freezing, Plan, StartFrom
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


GROUPS = Grouping("near", [["0001.jpg", "0002.jpg"]])


def test_a_plan_keeps_its_groups_its_patience_and_where_it_starts_from(yoghurt):
    start = StartFrom("runs/other", 4, "0123456789ab")
    recipe = settings.recipe("quick", evaluate_every=25)
    planned = Plan.of(yoghurt, "fine_tune", recipe, groups=GROUPS, patience=3, start_from=start)
    assert (planned.groups, planned.patience, planned.start_from) == (GROUPS, 3, start)
    assert Plan.from_json(json.loads(json.dumps(planned.as_json()))) == planned


def test_a_plan_divides_photos_by_its_groups_and_without_them_as_version_1_does(yoghurt):
    training, validation = yoghurt.split()
    apart = Grouping("file", [[training[0].name, validation[0].name]])
    parts = Plan.of(yoghurt, groups=apart).split(yoghurt)
    assert sum(training[0] in part and validation[0] in part for part in parts) == 1
    assert Plan.of(yoghurt).split(yoghurt) == (training, validation)


@pytest.fixture
def planned(monkeypatch):
    """The plans that `train` makes, instead of training by them."""
    from workshop_utils.training import trainer

    plans = []
    monkeypatch.setattr(trainer, "train", lambda plan, data, folder: plans.append(plan) or RunFolder(folder))
    monkeypatch.setattr(RunFolder, "metrics", lambda run: {})
    return plans


def test_train_groups_near_duplicates_unless_it_is_asked_for_other_groups(tmp_path, planned, capsys):
    folder = first_photos(tmp_path / "cups", 4)
    names = sorted(path.name for path in (folder / "images").iterdir())
    copied = f"a_copy_of_{names[0]}"
    for part, suffix in (("images", ".jpg"), ("annotations", ".xml")):
        path = (folder / part / names[0]).with_suffix(suffix)
        path.with_name(copied).with_suffix(suffix).write_bytes(path.read_bytes())
    Image.open(folder / "images" / copied).save(folder / "images" / copied, quality=50)
    command = ["train", str(folder), "--experiment", str(tmp_path / "run")]
    assert main(command) == 0 and planned[-1].groups == Grouping("near", [sorted([names[0], copied])])
    assert "2 photos" in capsys.readouterr().err
    assert main([*command, "--groups", "none"]) == 0 and planned[-1].groups == Grouping("none", [])
    assert main([*command, "--groups", "near", "--split", "given"]) == 2
    RunFolder(tmp_path / "run").begin(planned[-1])
    assert main(command) == 0 and planned[-1].groups == Grouping("none", []), "a run that has begun keeps its groups"


def test_train_says_if_all_photos_are_one_group_so_that_none_is_left_for_validation(tmp_path, planned, capsys):
    folder, grouping = first_photos(tmp_path / "cups", 4), tmp_path / "groups.txt"
    names = sorted(path.name for path in (folder / "images").iterdir())
    command = ["train", str(folder), "--experiment", str(tmp_path / "run"), "--groups", str(grouping)]
    for last, expected in (("other", False), ("belt", True)):
        grouping.write_text("".join(f"{name}, {last if name == names[-1] else 'belt'}\n" for name in names))
        assert main(command) == 0
        assert ("--groups none" in capsys.readouterr().err) is expected


def test_a_run_of_version_1_keeps_its_split(yoghurt, tmp_path, planned):
    RunFolder(tmp_path).begin(Plan.of(yoghurt, "fine_tune", settings.recipe("quick")))
    assert main(["train", str(settings.YOGHURT), "--recipe", "quick", "--experiment", str(tmp_path)]) == 0
    assert planned[-1].groups is None

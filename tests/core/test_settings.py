import dataclasses

import pytest

from workshop_utils.core import settings


def test_the_seed_recipe_is_the_talks_own():
    recipe = settings.recipe("seed")
    assert (recipe.steps, recipe.learning_rate, recipe.batch_size, recipe.photos) == (1000, 0.003, 8, 360)
    assert recipe.seed == settings.SPLIT_SEED == 42


def test_the_workshop_recipe_takes_300_steps_and_all_photos():
    recipe = settings.recipe("workshop")
    assert (recipe.steps, recipe.photos) == (300, None)


def test_quick_trains_less_than_workshop_and_workshop_less_than_seed():
    quick, workshop, seed = (settings.recipe(name) for name in ("quick", "workshop", "seed"))
    assert quick.steps < workshop.steps < seed.steps


@pytest.mark.parametrize("name", settings.RECIPES)
def test_each_recipe_has_its_name_and_saves_and_measures_before_it_ends(name):
    recipe = settings.recipe(name)
    assert recipe.name == name
    assert recipe.checkpoint_every <= recipe.steps
    assert recipe.evaluate_every <= recipe.steps


def test_the_environment_variable_chooses_the_recipe_unless_an_argument_does(monkeypatch):
    monkeypatch.setenv("WORKSHOP_RECIPE", "quick")
    assert settings.recipe().name == "quick"
    assert settings.recipe("seed").name == "seed"
    monkeypatch.delenv("WORKSHOP_RECIPE")
    assert settings.recipe().name == "workshop"


def test_an_unknown_recipe_is_refused_with_the_known_names(monkeypatch):
    with pytest.raises(settings.SettingsError, match=r"'slow'.*quick, workshop, seed"):
        settings.recipe("slow")
    monkeypatch.setenv("WORKSHOP_RECIPE", "fast")
    with pytest.raises(settings.SettingsError, match="'fast'"):
        settings.recipe()


def test_changes_apply_to_a_copy_of_the_recipe():
    before = dataclasses.replace(settings.RECIPES["seed"])
    recipe = settings.recipe("seed", steps=500, learning_rate=0.001)
    assert recipe == dataclasses.replace(before, steps=500, learning_rate=0.001)
    assert settings.RECIPES["seed"] == before


def test_changes_from_a_command_line_become_numbers():
    recipe = settings.recipe("seed", steps="500", learning_rate="1e-3", photos="all")
    assert recipe == settings.recipe("seed", steps=500, learning_rate=0.001, photos=None)
    assert isinstance(recipe.steps, int)
    assert settings.recipe("seed", photos="12").photos == 12


def test_an_unknown_setting_is_refused_with_the_known_names():
    with pytest.raises(settings.SettingsError, match=r"'step'.*learning_rate.*steps"):
        settings.recipe("seed", step=5)


def test_a_recipe_cannot_be_given_another_name():
    with pytest.raises(settings.SettingsError, match="'name'"):
        settings.recipe("seed", **{"name": "mine"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("steps", "many"),
        ("steps", ""),
        ("steps", None),
        ("steps", "10.5"),
        ("steps", 10.5),
        ("steps", 0),
        ("steps", "-3"),
        ("steps", float("inf")),
        ("steps", float("nan")),
        ("batch_size", 0),
        ("photos", 0),
        ("photos", "some"),
        ("seed", -1),
        ("warmup", -1),
        ("evaluate_every", 0),
        ("checkpoint_every", 0),
        ("learning_rate", 0),
        ("learning_rate", "-0.1"),
        ("learning_rate", "nan"),
        ("learning_rate", "inf"),
        ("learning_rate", "fast"),
    ],
)
def test_an_invalid_value_is_refused_with_the_setting_and_the_value(key, value):
    with pytest.raises(settings.SettingsError) as caught:
        settings.recipe("seed", **{key: value})
    assert f"{key}={value!r}" in str(caught.value)


@pytest.mark.parametrize(("key", "value"), [("seed", 0), ("warmup", 0), ("steps", 1), ("photos", 1)])
def test_the_smallest_values_are_accepted(key, value):
    assert getattr(settings.recipe("seed", **{key: value}), key) == value


def test_the_photos_are_where_the_settings_say():
    assert (settings.YOGHURT / "images").is_dir()
    assert (settings.YOGHURT / "annotations").is_dir()


def test_a_recipe_can_differ_by_strategy():
    quick = settings.recipe("quick")
    tuned, random = quick.of("fine_tune"), quick.of("random_init")
    assert random.learning_rate != tuned.learning_rate and random.batch_size < tuned.batch_size
    assert tuned == dataclasses.replace(quick, by_strategy={}) and tuned.of("random_init") == tuned


def test_a_setting_that_you_give_applies_to_every_strategy():
    quick = settings.recipe("quick", steps=7, learning_rate="0.5")
    for strategy in ("fine_tune", "random_init"):
        assert (quick.of(strategy).steps, quick.of(strategy).learning_rate) == (7, 0.5)
    assert quick.of("random_init").batch_size == settings.recipe("quick").of("random_init").batch_size


def test_the_warm_up_keeps_its_share_of_the_steps_unless_you_change_it_too():
    quick, shorter = settings.recipe("quick"), settings.recipe("quick", steps=50)
    for strategy in ("fine_tune", "random_init"):
        before, after = quick.of(strategy), shorter.of(strategy)
        assert after.warmup == pytest.approx(50 * before.warmup / before.steps, abs=0.5)
    both = settings.recipe("quick", steps=50, warmup=3)
    assert [both.of(strategy).warmup for strategy in ("fine_tune", "random_init")] == [3, 3]
    assert settings.recipe("quick", seed=1).warmup == quick.warmup

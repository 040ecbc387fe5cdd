import pytest

from workshop_utils.core import settings
from workshop_utils.training import early_stopping


def rows(*scores):
    """Return rows of a history, one every 10 steps, with these APs."""
    return [{"step": 10.0 * number, "AP": score} for number, score in enumerate(scores, start=1)]


def test_the_best_step_is_the_first_with_the_highest_ap():
    assert early_stopping.best(rows(0.1, None, 0.4, 0.2, 0.4)) == (30, 0.4)
    assert early_stopping.best(rows(None, None)) is None


@pytest.mark.parametrize(
    ("scores", "patience", "step"),
    [
        ((0.1, 0.2, 0.2, 0.1), 2, 40),
        ((0.1, 0.2, 0.2, 0.1), 3, None),
        ((0.2, 0.1, 0.3, 0.1), 2, None),
        ((0.2, None, 0.1, None, 0.1), 2, 50),
        ((0.0, 0.0), 1, 20),
        ((0.2, 0.1, 0.1, 0.9), 2, 30),
        ((None, None, None), 1, None),
        ((0.2, 0.1, 0.1), None, None),
    ],
)
def test_training_stops_after_as_many_evaluations_without_a_higher_ap_as_the_patience(scores, patience, step):
    assert early_stopping.stop_step(rows(*scores), patience) == step


def test_a_patience_that_can_never_stop_the_run_is_refused_with_a_remedy_that_works():
    recipe = settings.recipe("quick")
    with pytest.raises(settings.SettingsError, match=r"125.*250.*evaluate_every=(\d+)") as caught:
        early_stopping.check(2, recipe)
    suggested = str(caught.value).split("evaluate_every=")[1].rstrip(".")
    early_stopping.check(2, settings.recipe("quick", evaluate_every=suggested))
    with pytest.raises(settings.SettingsError, match="0"):
        early_stopping.check(0, recipe)


def test_the_smallest_number_of_evaluations_that_a_patience_can_stop_is_allowed():
    early_stopping.check(2, settings.recipe("quick", steps=40, evaluate_every=10))
    with pytest.raises(settings.SettingsError):
        early_stopping.check(2, settings.recipe("quick", steps=30, evaluate_every=10))

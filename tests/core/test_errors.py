"""Each error class sets the exit code of the command line."""

import pytest

from workshop_utils.cli import main
from workshop_utils.core import files, settings
from workshop_utils.core.errors import UsageError, WorkshopError
from workshop_utils.model import pretrained
from workshop_utils.training import cluster_spec, strategies
from workshop_utils.training.fast import precision


class SettingsErrorByNameAlone(WorkshopError):
    """A failure under any name."""


SettingsErrorByNameAlone.__name__ = "SettingsError"


class OptionError(UsageError, ValueError):
    """Wrong usage under any name."""


class RareError(WorkshopError):
    """A failure with its own exit code."""

    exit_code = 7


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (WorkshopError, 1),
        (SettingsErrorByNameAlone, 1),
        (files.WriteError, 1),
        (OSError, 1),
        (pretrained.PretrainedError, 1),
        (UsageError, 2),
        (OptionError, 2),
        (RareError, 7),
    ],
)
def test_a_command_exits_with_the_code_of_its_error_and_prints_only_its_message(error, code, monkeypatch, capsys):
    def fail():
        raise error("weights.npz: is truncated.")

    monkeypatch.setattr(pretrained, "fetch", fail)
    assert main(["fetch"]) == code
    assert capsys.readouterr() == ("", "weights.npz: is truncated.\n")


@pytest.mark.parametrize(
    "asked_for",
    [
        lambda: settings.recipe("slow"),
        lambda: settings.recipe(colour=3),
        lambda: settings.recipe(steps="many"),
        lambda: strategies.get("magic"),
        lambda: cluster_spec.resolve("10.0.0.5:2222", None),
        precision.policy,
    ],
)
def test_an_impossible_request_is_wrong_usage(asked_for, monkeypatch):
    monkeypatch.setenv(precision.VARIABLE, "float8")
    with pytest.raises(UsageError) as caught:
        asked_for()
    assert caught.value.exit_code == 2

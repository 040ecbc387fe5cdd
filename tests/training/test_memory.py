"""Training says before its first step if there is too little memory for it."""

import dataclasses
import json

import pytest

from workshop_utils.core import machine, settings
from workshop_utils.data import dataset
from workshop_utils.model import architectures
from workshop_utils.training import memory
from workshop_utils.training.plan import Freezing, Plan


@pytest.fixture(scope="module")
def network():
    return architectures.get().build(10)


def plan(strategy: str, batch_size: int) -> Plan:
    recipe = dataclasses.replace(settings.recipe("seed").of(strategy), batch_size=batch_size)
    return Plan.of(dataset.load(settings.YOGHURT), strategy, recipe)


def test_the_estimate_is_close_to_the_measured_peak(network):
    measured = json.loads((settings.PROJECT / "benchmarks" / "results.json").read_text())["peak_gb"]["random_init"]
    assert memory.estimate(plan("random_init", 8), network) == pytest.approx(measured * 1e9, rel=0.1)


def test_larger_batches_and_fewer_frozen_layers_take_more_memory(network):
    few, many = plan("fine_tune", 8), plan("fine_tune", 16)
    nothing_frozen = dataclasses.replace(few, freezing=Freezing(""))
    frozen_late = dataclasses.replace(few, freezing=dataclasses.replace(few.freezing, thaw=0.5))
    estimates = [memory.estimate(each, network) for each in (few, many, nothing_frozen, frozen_late)]
    assert estimates[0] < min(estimates[1:]) and estimates[2] == estimates[3]


def test_too_little_memory_is_reported_with_the_batch_size(network, monkeypatch, capsys):
    memory.warn(plan("random_init", 4), network)
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(machine, "free_memory", lambda: 0)
    memory.warn(plan("random_init", 123), network)
    assert "123" in capsys.readouterr().out

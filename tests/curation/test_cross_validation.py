"""Each photo is judged by a run that has not seen it, nor a near-duplicate of it."""

import shutil
from typing import Any

import numpy as np
import pytest
from conftest import first_photos
from PIL import Image

from workshop_utils.core import settings
from workshop_utils.curation import cross_validation, judging
from workshop_utils.data import dataset
from workshop_utils.data.dataset import DatasetError
from workshop_utils.training import trainer


@pytest.fixture
def data(tmp_path):
    """Seven photos; the last looks like the first."""
    folder = first_photos(tmp_path / "cups")
    shutil.copy(folder / "annotations" / "0001.xml", folder / "annotations" / "again.xml")
    Image.open(folder / "images" / "0001.jpg").save(folder / "images" / "again.jpg", quality=70)
    data = dataset.load(folder)
    assert len(data.samples) == 7
    return data


def test_each_photo_is_judged_by_the_run_that_has_not_seen_it(data, tmp_path, monkeypatch):
    seen = {}

    def train(plan, fold, folder):
        training, validation = plan.split(fold)
        seen[folder.name] = {sample.name for sample in training}
        assert {sample.name for sample in (*training, *validation)} == {sample.name for sample in data.samples}
        return folder.name

    def ask(judge, samples, number):
        found: list[Any] = [(judge, sample.name) for sample in samples]
        return judging.Answers(found, [judging.Crops(np.zeros((0, 4)), np.zeros((0, 1)), number) for _ in samples])

    monkeypatch.setattr(trainer, "train", train)
    monkeypatch.setattr(trainer, "load_model", lambda run: (run, None))
    monkeypatch.setattr(judging, "ask", ask)
    answers = cross_validation.ask(data, tmp_path, recipe=settings.recipe("quick"))
    found: list[Any] = answers.detections
    assert len(seen) == 3
    assert [f"fold-{each.detector}" for each in answers.crops] == [judge for judge, _ in found]
    for sample, (judge, name) in zip(data.samples, found, strict=True):
        assert name == sample.name and name not in seen[judge]
    judges = {name: judge for judge, name in found}
    assert judges["0001.jpg"] == judges["again.jpg"], "a near-duplicate has the same labels"


def test_folds_have_about_the_same_size_and_each_photo_is_in_one(yoghurt):
    parts = cross_validation.divide(yoghurt.samples, 3)
    assert sorted(map(len, parts))[0] >= 110 and sum(map(len, parts)) == 360
    assert len({sample.name for part in parts for sample in part}) == 360


def test_too_few_photos_are_refused(data):
    with pytest.raises(DatasetError):
        cross_validation.divide(data.samples[:2], 3)

"""The split that a data set comes with is read from each format, kept by `train --split given`, and never mixed."""

import dataclasses
import json
import shutil

import pytest

from workshop_utils.cli import main
from workshop_utils.data import archives, dataset, formats, given_split
from workshop_utils.training.plan import Plan
from workshop_utils.training.run_folder import RunFolder

PARTS = ("train", "val", "train", "test", "train", "val")


@pytest.fixture
def parted(voc_folder) -> dataset.Dataset:
    data = dataset.load(voc_folder)
    samples = [dataclasses.replace(sample, part=part) for sample, part in zip(data.samples, PARTS, strict=True)]
    return dataclasses.replace(data, samples=samples)


def names(samples) -> list[str]:
    return [sample.name for sample in samples]


@pytest.mark.parametrize("name", ["voc", "coco", "yolo"])
def test_each_format_keeps_the_parts(name, parted, tmp_path):
    formats.FORMATS[name].write(parted, tmp_path / "copy")
    again = formats.open_dataset(tmp_path / "copy")
    assert {sample.name: sample.part for sample in again.samples} == dict(zip(names(parted.samples), PARTS))


def test_training_and_validation_photos_are_those_of_the_parts(parted):
    training, validation = given_split.split(parted.samples)
    every = names(parted.samples)
    assert names(training) == [every[place] for place in (0, 2, 4)]
    assert names(validation) == [every[place] for place in (1, 5)]


def test_the_test_part_validates_only_if_there_is_no_other(parted):
    samples = [sample for sample in parted.samples if sample.part != "val"]
    assert [sample.part for sample in given_split.split(samples)[1]] == ["test"]


def test_a_smaller_limit_takes_a_subset_of_both_parts(parted):
    training, validation = given_split.split(parted.samples, 3)
    assert names(training) == names(given_split.split(parted.samples)[0])[:2]
    assert names(validation) == names(given_split.split(parted.samples)[1])[:1]


@pytest.mark.parametrize("missing", ["train", "val and test", "all"])
def test_a_data_set_without_a_split_is_named(missing, parted):
    samples = [
        dataclasses.replace(sample, part="" if missing == "all" or sample.part in missing else sample.part)
        for sample in parted.samples
    ]
    with pytest.raises(dataset.DatasetError, match="--split given"):
        given_split.split(samples)


def test_a_photo_that_moves_to_another_part_changes_the_fingerprint(parted):
    moved = [dataclasses.replace(parted.samples[0], part="val"), *parted.samples[1:]]
    assert dataclasses.replace(parted, samples=moved).fingerprint() != parted.fingerprint()


def test_the_split_is_random_unless_you_keep_it_and_the_plan_remembers(parted):
    random, given = (Plan.of(parted, keep_split=keep) for keep in (False, True))
    assert names(given.split(parted)[1]) == names(given_split.split(parted.samples)[1])
    training, validation = random.split(parted)
    assert sorted(names([*training, *validation])) == sorted(names(parted.samples))
    for plan in (random, given):
        assert Plan.from_json(json.loads(json.dumps(plan.as_json()))).keep_split == plan.keep_split
    version_1 = {key: value for key, value in random.as_json().items() if key != "keep_split"}
    assert not Plan.from_json(json.loads(json.dumps(version_1))).keep_split


def test_train_keeps_the_given_split_from_a_zip_and_resumes_with_it(parted, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(archives, "UNPACKED", tmp_path / "unpacked")
    formats.FORMATS["coco"].write(parted, tmp_path / "copy")
    path = shutil.make_archive(str(tmp_path / "cups"), "zip", tmp_path, "copy")
    size = ("steps=2", "photos=all", "batch_size=2", "evaluate_every=2", "checkpoint_every=1")
    command = ["train", path, "--train-from", "block_16_project_BN", "--set", *size]
    command += ["--experiment", str(tmp_path / "run")]
    assert main([*command, "--split", "given"]) == 0
    run = RunFolder(tmp_path / "run")
    assert run.plan.keep_split
    assert main(command) == 0
    assert "--split given" in capsys.readouterr().err
    assert main(["evaluate", str(tmp_path / "run")]) == 0
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    validation = given_split.split(formats.open_dataset(path).samples)[1]
    shown = {name for sample in validation for name in sample.classes}
    assert {name for name, value in printed["per_class"].items() if value is not None} == shown

"""labelImg and Ultralytics read what is written, by the rules of their readers."""

import dataclasses
import pathlib

import numpy as np
import pytest
import yaml

from workshop_utils.data import dataset, formats, yolo_writer


@pytest.fixture
def written(voc_folder, tmp_path):
    data = dataset.load(voc_folder)
    yolo_writer.write(data, tmp_path / "yolo")
    return data, tmp_path / "yolo"


def as_labelimg_reads(path: pathlib.Path, width: int, height: int) -> list[tuple[str, tuple[float, ...]]]:
    """Return (class, (xmin, ymin, xmax, ymax)) as labelImg's YoloReader does: classes.txt is next to the labels, and
    each line has exactly five words."""
    classes = (path.parent / "classes.txt").read_text().strip("\n").split("\n")
    found = []
    for line in path.read_text().splitlines():
        index, *numbers = line.strip().split(" ")
        x, y, w, h = map(float, numbers)
        edges = (
            max(x - w / 2, 0) * width,
            max(y - h / 2, 0) * height,
            min(x + w / 2, 1) * width,
            min(y + h / 2, 1) * height,
        )
        found.append((classes[int(index)], edges))
    return found


def test_labelimg_finds_every_box_and_class(written):
    data, folder = written
    for sample in data.samples:
        path = folder / "labels" / f"{pathlib.Path(sample.name).stem}.txt"
        found = as_labelimg_reads(path, sample.width, sample.height)
        assert [name for name, _ in found] == list(sample.classes)
        expected = sample.boxes[:, [1, 0, 3, 2]] * ([sample.width, sample.height] * 2)
        np.testing.assert_allclose([edges for _, edges in found] or np.zeros((0, 4)), expected, atol=1e-3)


def test_data_yaml_has_what_ultralytics_needs(written):
    data, folder = written
    settings = yaml.safe_load((folder / "data.yaml").read_text())
    assert list(settings["names"].values()) == list(data.label_map.values())
    training, validation = data.split()
    for part, samples in (("train", training), ("val", validation)):
        lines = (folder / settings[part]).read_text().splitlines()
        assert all((folder / line).exists() and line.startswith("./images/") for line in lines)
        assert {pathlib.Path(line).name for line in lines} == {sample.name for sample in samples}


def test_a_name_that_yaml_would_turn_into_something_else_stays_a_name(voc_folder, tmp_path):
    data = dataset.load(voc_folder)
    names = dict(zip(data.label_map.values(), ["no", "1", "a: b", "# x", "Käse 🍵", "null", "~"]))
    samples = [
        dataclasses.replace(sample, classes=tuple(names[name] for name in sample.classes)) for sample in data.samples
    ]
    changed = dataset.Dataset(samples, {number: names[name] for number, name in data.label_map.items()})
    yolo_writer.write(changed, tmp_path / "yolo")
    again = formats.open_dataset(tmp_path / "yolo")
    assert [sample.classes for sample in again.samples] == [sample.classes for sample in samples]

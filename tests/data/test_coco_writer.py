"""COCO's own library and COCO's own evaluation read what is written."""

import dataclasses
import json

import numpy as np
import pytest
from pycocotools.coco import COCO

from workshop_utils.data import coco_writer, dataset, formats


@pytest.fixture
def written(voc_folder, tmp_path):
    """Write a data set with a difficult and a truncated box; return it and the folder."""
    data = dataset.load(voc_folder)
    first = data.samples[0]
    marked = (1, *first.difficult[1:]), (*first.truncated[:-1], 1)
    samples = [dataclasses.replace(first, difficult=marked[0], truncated=marked[1]), *data.samples[1:]]
    data = dataclasses.replace(data, samples=samples)
    coco_writer.write(data, tmp_path / "coco")
    return data, tmp_path / "coco"


def test_pycocotools_loads_every_box_with_its_class(written):
    data, folder = written
    loaded = COCO(str(folder / "annotations" / "instances_default.json"))
    assert {image["file_name"] for image in loaded.imgs.values()} == {
        path.name for path in (folder / "images").iterdir()
    }
    names = {each["id"]: each["name"] for each in loaded.cats.values()}
    assert names == data.label_map
    by_name = {sample.name: sample for sample in data.samples}
    for image in loaded.imgs.values():
        sample = by_name[image["file_name"]]
        rows = loaded.loadAnns(loaded.getAnnIds(imgIds=image["id"]))
        ymin, xmin, ymax, xmax = (sample.boxes * ([sample.height, sample.width] * 2)).T
        expected = np.stack([xmin, ymin, xmax - xmin, ymax - ymin], axis=-1)
        np.testing.assert_allclose([row["bbox"] for row in rows] or np.zeros((0, 4)), expected, atol=1e-3)
        assert [names[row["category_id"]] for row in rows] == list(sample.classes)
        assert [row["iscrowd"] for row in rows] == list(sample.difficult)
    assert len(loaded.getAnnIds(iscrowd=True)) == 1


def test_marks_survive_reading(written):
    data, folder = written
    again = formats.open_dataset(folder)
    for before, after in zip(data.samples, again.samples, strict=True):
        assert (after.classes, after.difficult, after.truncated) == (before.classes, before.difficult, before.truncated)


def test_a_file_of_pycocotools_layout_with_gaps_in_its_ids_is_read(written, tmp_path):
    """pycocotools does not write data sets: what it loaded is saved, with other ids."""
    data, folder = written
    path = folder / "annotations" / "instances_default.json"
    loaded = COCO(str(path)).dataset
    for place, image in enumerate(loaded["images"]):
        image["id"], old = 1000 - 7 * place, image["id"]
        for row in loaded["annotations"]:
            row["image_id"] = image["id"] if row["image_id"] == old else row["image_id"]
    path.write_text(json.dumps(loaded))
    again = formats.open_dataset(folder)
    assert [sample.classes for sample in again.samples] == [sample.classes for sample in data.samples]

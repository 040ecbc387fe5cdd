"""Which photos have labels already, in folders and data sets of each kind."""

import shutil

import pytest

from workshop_utils.core import settings
from workshop_utils.curation import pool
from workshop_utils.data import formats, photos


def test_a_folder_of_photos_has_no_labels():
    assert pool.find(settings.TO_LABEL) == pool.Pool(photos.find(settings.TO_LABEL))


@pytest.mark.parametrize("kind", ["voc", "coco", "yolo"])
def test_the_photos_of_a_data_set_without_labels_are_found(voc_folder, tmp_path, kind):
    folder = tmp_path / "converted"
    formats.FORMATS[kind].write(formats.open_dataset(voc_folder), folder)
    inside = next(folder.rglob("*.jpg")).parent
    shutil.copy(settings.TO_LABEL / "0003.jpg", inside / "new.jpg")
    found = pool.find(folder)
    assert [path.name for path in found.unlabelled] == ["new.jpg"] and len(found.labelled) == 6
    assert "peach" in found.classes and found.findings == []


def test_images_of_a_data_set_mean_the_data_set(voc_folder):
    next((voc_folder / "annotations").iterdir()).unlink()
    assert pool.find(voc_folder / "images") == pool.find(voc_folder)
    assert len(pool.find(voc_folder).unlabelled) == 1


def test_all_photos_of_a_data_set_without_annotations_are_unlabelled(voc_folder):
    shutil.rmtree(voc_folder / "annotations")
    assert len(pool.find(voc_folder).unlabelled) == 6
    (voc_folder / "annotations").mkdir()
    (voc_folder / "annotations" / "0001.xml").write_text("broken")
    found = pool.find(voc_folder)
    assert len(found.unlabelled) >= 5 and found.labelled == [] and found.findings


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(photos.PhotoError, match="nowhere"):
        pool.find(tmp_path / "nowhere")

"""A labelled data set in any format comes to the labeler and to training, from a folder or an uploaded zip file."""

import dataclasses
import pathlib
import re
import shutil

import pytest
from conftest import interrupting

from workshop_utils.cli import main
from workshop_utils.data import archives, dataset, formats, photos, voc
from workshop_utils.data.dataset import DatasetError
from workshop_utils.widgets import data_sets, labeler, uploads


@pytest.fixture(autouse=True)
def unpacked_here(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "UNPACKED", tmp_path / "unpacked")


@pytest.fixture
def written(voc_folder, tmp_path):
    """Return a function that writes the data set in a format, with one more photo that has no labels."""

    def write(name: str):
        folder = tmp_path / name
        formats.FORMATS[name].write(dataset.load(voc_folder), folder)
        extra = photos.read(voc_folder / "images" / "0001.jpg").rotate(90)
        extra.save(folder / "images" / "extra.jpg")
        return folder

    return write


def classes(folder) -> list:
    return [sample.classes for sample in dataset.load(folder).samples]


@pytest.mark.parametrize("name", ["coco", "yolo"])
def test_a_folder_in_another_format_becomes_pascal_voc_and_does_not_change(name, written, voc_folder, tmp_path):
    source = written(name)
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    folder, lines = data_sets.bring(source, tmp_path / "mine")
    assert folder == tmp_path / "mine" and classes(folder) == classes(voc_folder)
    assert (folder / "images" / "extra.jpg").exists() and any(line.startswith("extra.jpg") for line in lines)
    assert {path: path.read_bytes() for path in source.rglob("*") if path.is_file()} == before


def test_a_pascal_voc_folder_is_used_in_place(voc_folder, tmp_path):
    assert data_sets.bring(voc_folder, tmp_path / "mine") == (voc_folder, [])
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("name", ["voc", "coco", "yolo"])
def test_an_uploaded_zip_brings_photos_and_labels(name, written, voc_folder, tmp_path):
    path = shutil.make_archive(str(tmp_path / "set"), "zip", tmp_path, written(name).name)
    upload = uploads.PhotoUpload(tmp_path / "mine" / "images")
    content = pathlib.Path(path).read_bytes()
    upload.take(({"name": "my set.zip", "content": content},))
    assert classes(tmp_path / "mine") == classes(voc_folder)
    assert "my set.zip" in upload.lines[0] and "zip" in upload.button.accept


def test_labels_that_you_corrected_are_kept_when_the_zip_comes_again(written, tmp_path):
    source = written("coco")
    data_sets.take(source, tmp_path / "mine")
    xml = tmp_path / "mine" / "annotations" / "0001.xml"
    corrected = dataclasses.replace(voc.read(xml), boxes=())
    voc.write(corrected, xml)
    lines = data_sets.take(source, tmp_path / "mine")
    assert voc.read(xml) == corrected and any(line.startswith("0001.jpg") for line in lines)
    assert len(photos.find(tmp_path / "mine" / "images")) == 7


def test_dragged_zips_are_taken_once_and_kept(written, voc_folder, tmp_path):
    uploads.PhotoUpload(tmp_path / "mine" / "images")
    for place in ("mine", "mine/images", "mine"):
        shutil.make_archive(str(tmp_path / place / "set"), "zip", tmp_path, written("yolo").name)
        (tmp_path / "mine" / "images" / "half.ZIP").write_bytes(b"PK")
        assert "half.ZIP" in "".join(data_sets.take_zips(tmp_path / "mine"))
        shutil.rmtree(tmp_path / "yolo")
    assert classes(tmp_path / "mine") == classes(voc_folder)
    kept = sorted(path.name for path in (tmp_path / "mine").rglob("*") if path.suffix.lower() == ".zip")
    assert kept == ["half.ZIP", "set.zip", "set1.zip", "set2.zip"]
    (path,) = (tmp_path / "mine" / "images").glob("*.ZIP")
    path.unlink()
    assert data_sets.take_zips(tmp_path / "mine") == []


def test_a_zip_of_photos_without_labels_brings_the_photos(voc_folder, tmp_path):
    path = shutil.make_archive(str(tmp_path / "photos"), "zip", voc_folder / "images")
    data_sets.bring(tmp_path / "photos.zip", tmp_path / "mine")
    assert path and len(photos.find(tmp_path / "mine" / "images")) == 6


def test_a_broken_zip_is_left_out_with_its_own_name(tmp_path):
    upload = uploads.PhotoUpload(tmp_path / "mine" / "images")
    upload.take(({"name": "set.zip", "content": b"something"},))
    assert upload.lines[0].startswith("Left out: set.zip: ")


def content(folder) -> dict:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_pascal_voc_folder_is_labelled_in_place(voc_folder):
    given = voc_folder / "images", voc_folder / "annotations"
    assert data_sets.to_label(*given) == (*given, [])
    assert not voc_folder.with_name(f"{voc_folder.name}-voc").exists()


@pytest.mark.parametrize("whole", [True, False], ids=["the data set", "its folders"])
@pytest.mark.parametrize("name", ["coco", "yolo"])
def test_another_format_is_labelled_in_a_copy_and_converted_back_without_loss(name, whole, written, voc_folder):
    source = written(name)
    before, truth = content(source), dataset.load(voc_folder)
    given = (source, source) if whole else (source / "images", source / "annotations")
    labels = labeler.Labeler(*given, ["new"])
    command = re.search(r"python -m workshop_utils (convert .*)", labels.message).group(1).split()
    assert content(source) == before and labels.path.name == "extra.jpg", "the only photo without labels"
    labels.add("new", (10, 20, 110, 220))
    labels.submit()
    assert content(source) == before
    assert main(command) == 0
    back = formats.open_dataset(pathlib.Path(command[-1]))
    assert formats.recognise(pathlib.Path(command[-1])).name == name
    for old, new in zip(truth.samples, back.samples, strict=False):
        assert old.name == new.name and old.classes == new.classes
        assert new.boxes == pytest.approx(old.boxes, abs=1e-5)
    assert [(each.name, each.classes) for each in back.samples[len(truth.samples) :]] == [("extra.jpg", ("new",))]


def test_a_copy_that_you_have_labelled_is_used_again(written):
    source = written("coco")
    first = labeler.Labeler(source, source, ["cup"])
    first.add("cup", (10, 20, 110, 220))
    xml = first.submit()
    again = labeler.Labeler(source, source, ["cup"])
    assert again.unlabelled == [] and voc.read(xml).boxes and again.annotations == xml.parent


def test_a_copy_keeps_the_split_and_is_not_made_from_labels_in_two_formats(written, voc_folder):
    source = written("yolo")
    photos_folder = data_sets.to_label(source, source)[0]
    parts = {sample.name: sample.part for sample in formats.open_dataset(source).samples}
    assert set(parts.values()) == {"train", "val"}
    assert {sample.name: sample.part for sample in dataset.load(photos_folder.parent).samples} == parts
    shutil.copytree(voc_folder / "annotations", source / "annotations")
    with pytest.raises(DatasetError, match="two formats"):
        labeler.Labeler(source / "images", source / "annotations", ["cup"])


def test_an_interrupted_copy_leaves_nothing(written, monkeypatch):
    source = written("coco")
    with interrupting(monkeypatch, voc, "write", 3), pytest.raises(KeyboardInterrupt):
        data_sets.to_label(source, source)
    assert [path.name for path in source.parent.glob("*coco*")] == ["coco"]

"""Your own detector proposes boxes with names and scores, and you accept or drop each; boxes are copied."""

import shutil

import numpy as np
import pytest
from PIL import Image
from test_box_editor import press, send
from test_labeler import saved

from workshop_utils.core import settings
from workshop_utils.data import label_map, photos
from workshop_utils.data.annotation import Box
from workshop_utils.model import detection
from workshop_utils.training import trainer
from workshop_utils.training.run_folder import RunFolderError
from workshop_utils.training.strategies import Detector
from workshop_utils.widgets import labeler

CLASSES = ["Bowl", "cup"]


@pytest.fixture
def folder(tmp_path, coco, monkeypatch):
    """Three photos to label, and a run that finds what COCO's detector finds."""
    (tmp_path / "images").mkdir()
    for path in photos.find(settings.TO_LABEL)[:3]:
        shutil.copy(path, tmp_path / "images")
    monkeypatch.setattr(trainer, "load_model", lambda run: Detector(coco, label_map.coco()))
    return tmp_path


def opened(folder, **options) -> labeler.Labeler:
    return labeler.Labeler(folder / "images", folder / "annotations", CLASSES, **options)


@pytest.fixture
def labels(folder, monkeypatch) -> labeler.Labeler:
    """A labeler with proposals: three objects that are sure, and two that are not."""
    scores = np.array([0.95, 0.9, 0.85, 0.8, 0.78, 0.3, 0.1], np.float32)
    ids = np.array([51, 47, 51, 47, 47, 51, 51])  # the third competes with the second
    boxes = np.array([(0.1 * i, 0.1, 0.1 * i + 0.08, 0.3) for i in (1, 2, 2, 4, 5, 6, 7)], np.float32)
    found = detection.Detections(boxes[None], ids[None], scores[None])
    monkeypatch.setattr(detection, "detect", lambda *_: found)
    labels = opened(folder, model=folder / "run")
    labels.current = "cup"
    labels.propose()
    return labels


def test_a_run_proposes_names_and_scores_sure_ones_first_and_draws_nothing(labels):
    shown = [str(each) for each in labels.proposals]
    assert shown == ["Bowl 95%", "cup 80%", "cup 78%", "cup 90%?", "Bowl 30%?"] and labels.boxes == []
    assert {each.box.name for each in labels.proposals} <= set(CLASSES), "names are spelt as those of the labels"
    assert "Bowl" in {each.box.name for each in labels.proposals}
    sure = [each.is_sure for each in labels.proposals]
    assert sure == sorted(sure, reverse=True) and len(set(sure)) == 2
    for group in (True, False):
        scores = [each.score for each in labels.proposals if each.is_sure is group]
        assert scores == sorted(scores, reverse=True) and all(0.15 < score <= 1 for score in scores)
    shown = labels._canvas.proposals
    assert [each["sure"] for each in shown] == sure
    assert all(f"{each.score:.0%}" in drawn["text"] for each, drawn in zip(labels.proposals, shown, strict=True))


def test_keys_accept_one_drop_one_accept_the_sure_ones_and_accept_all(labels):
    first, second, *rest = labels.proposals
    for key in "yx":
        send(labels, "key", key=key)
    assert labels.boxes == [first.box] and labels.proposals == tuple(rest) and second.box not in labels.boxes
    sure = [each.box for each in rest if each.is_sure]
    send(labels, "key", key="u")
    assert labels.boxes == [first.box, *sure] and not any(each.is_sure for each in labels.proposals)
    unsure = [each.box for each in labels.proposals]
    send(labels, "key", key="l")
    assert labels.boxes == [first.box, *sure, *unsure] and labels.proposals == () == tuple(labels._canvas.proposals)
    send(labels, "key", key="y")
    assert len(labels.boxes) == 1 + len(sure) + len(unsure) and "no proposal 1" in labels.message


def test_what_is_drawn_already_is_not_proposed_again(labels):
    count = len(labels.proposals)
    labels.accept()
    assert labels.propose() == count - 1 == len(labels.proposals)


def test_proposals_are_never_saved_unless_accepted_and_submit_asks_first(labels, folder):
    labels.accept()
    press(labels, "Submit")
    assert labels.path.name == "0001.jpg" and not (folder / "annotations" / "0001.xml").exists()
    press(labels, "Submit")
    assert len(saved(folder, "0001").boxes) == 1
    assert labels.path.name == "0002.jpg" and labels.proposals == ()


def test_a_name_that_is_not_among_the_classes_becomes_the_chosen_one_and_is_named(folder):
    labels = labeler.Labeler(folder / "images", folder / "annotations", ["peach"], model=folder / "run")
    assert labels.propose() > 0
    assert {each.box.name for each in labels.proposals} == {"peach"} and labels.classes == ["peach"]
    assert "cup" in labels.message


def test_a_folder_that_is_not_a_run_is_named(tmp_path):
    (tmp_path / "images").mkdir()
    Image.new("RGB", (40, 30)).save(tmp_path / "images" / "a.png")
    labels = opened(tmp_path, model=str(tmp_path / "nowhere"))
    with pytest.raises(RunFolderError, match="nowhere"):
        labels.propose()
    press(labels, "Propose boxes")
    assert "nowhere" in labels.message and labels._canvas.work == ""


def test_without_a_run_there_is_nothing_to_accept(tmp_path):
    (tmp_path / "images").mkdir()
    Image.new("RGB", (40, 30)).save(tmp_path / "images" / "a.png")
    assert not {"y", "x", "u", "l"} & opened(tmp_path)._actions.keys.keys()


def test_the_boxes_of_the_photo_before_are_copied_saved_or_not_and_scaled(folder):
    Image.new("RGB", (1024, 768)).save(folder / "images" / "0002.jpg")
    labels = opened(folder)
    press(labels, "Copy boxes")
    assert labels.boxes == [] and labels.message
    labels.boxes = [Box("cup", 10, 20, 110, 220), Box("Bowl", 200, 20, 300, 220)]
    press(labels, "Next photo")
    labels.add("cup", (400, 40, 600, 440))
    send(labels, "key", key="c")
    assert labels.boxes == [Box("cup", 400, 40, 600, 440), Box("cup", 20, 40, 220, 440)]
    labels.submit()
    press(labels, "Copy boxes")
    assert [box.name for box in labels.boxes] == ["cup", "cup"] and labels.boxes[1] == Box("cup", 10, 20, 110, 220)


def test_the_informative_order_shows_labelled_photos_first_and_then_the_best(folder):
    opened(folder).submit()
    labels = opened(folder, model=folder / "run", order="informative")
    assert labels.paths[0].name == "0001.jpg" and labels.path == labels.paths[1]
    order = labels.paths[1:]
    from workshop_utils.curation import informative

    detector = trainer.load_model(None)
    assert order == [each.photo for each in informative.order(detector, order[::-1], labels.paths[:1])]
    labels.submit()
    assert labels.path == order[1]
    labels.submit()
    assert labels.unlabelled == []
    assert opened(folder, model=folder / "run", order="informative").path.name == "0001.jpg"


def test_an_order_that_does_not_exist_is_named(folder):
    with pytest.raises(labeler.LabelingError, match="newest"):
        opened(folder, order="newest")

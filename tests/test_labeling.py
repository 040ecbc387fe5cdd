"""The labeller, driven as a script drives it and as the browser's messages do."""

import io
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from workshop_utils import labeling, photos, settings, voc
from workshop_utils.voc import Box

CLASSES = ["peach", "vanilla"]


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    """Three photos of 400x300 pixels, one of them to be shown smaller than it is."""
    (tmp_path / "images").mkdir()
    for name, size in (("a.jpg", (400, 300)), ("b.jpg", (1999, 1501)), ("c.jpg", (400, 300))):
        Image.new("RGB", size, "grey").save(tmp_path / "images" / name)
    return tmp_path


def labeler(folder, **options) -> labeling.Labeler:
    return labeling.Labeler(folder / "images", folder / "annotations", CLASSES, **options)


def saved(folder, stem: str) -> voc.Annotation:
    return voc.read(folder / "annotations" / f"{stem}.xml")


def press(labels, description: str) -> None:
    """Press a button as the browser does."""
    next(button for button in labels.children[1].children if button.description == description).click()


def test_what_is_drawn_is_saved_as_labelimg_saves_it(folder):
    labels = labeler(folder)
    labels.boxes = [Box("peach", 10, 20, 110, 220), Box("vanilla", 1, 40, 60, 300)]
    labels.submit()
    annotation = saved(folder, "a")
    assert annotation.boxes == (
        Box("peach", 10, 20, 110, 220, truncated=0),
        Box("vanilla", 1, 40, 60, 300, truncated=1),
    )
    assert (annotation.width, annotation.height, annotation.filename) == (400, 300, "a.jpg")
    assert (annotation.folder, annotation.path) == ("images", str((folder / "images" / "a.jpg").resolve()))


def test_boxes_drawn_in_the_browser_are_scaled_rounded_and_cut_at_the_edge(folder):
    labels = labeler(folder)
    assert labels._view == (800, 600)
    labels._canvas.bboxes = [
        {"x": 21, "y": 40, "width": 201, "height": 100, "label": "peach"},
        {"x": -50, "y": 500, "width": 950, "height": 300, "label": "vanilla"},
        {"x": 300, "y": 300, "width": 0, "height": 0, "label": "peach"},
        {"x": 900, "y": 10, "width": 40, "height": 40, "label": "peach"},
    ]
    labels._canvas._handle_custom_msg({"type": "submit"}, [])
    assert saved(folder, "a").boxes == (Box("peach", 10, 20, 111, 70), Box("vanilla", 1, 250, 400, 300, truncated=1))


def test_a_large_photo_keeps_its_pixels(folder):
    labels = labeler(folder)
    labels.go(1)
    drawn = [Box("peach", 7, 11, 1003, 1500), Box("vanilla", 500, 2, 1999, 777, truncated=1)]
    labels.boxes = drawn
    labels.submit()
    labels.go(1)
    assert labels.boxes == drawn == list(saved(folder, "b").boxes)
    shown = Image.open(io.BytesIO(labels._canvas.image_bytes))
    assert shown.size == labels._view == (799, 600) and len(labels._canvas.image_bytes) < 1_000_000


def test_a_photo_without_objects_is_saved_without_boxes(folder):
    labels = labeler(folder)
    labels.submit()
    assert saved(folder, "a").boxes == ()
    assert labels.path.name == "b.jpg"


def test_labelling_resumes_at_the_first_unlabelled_photo(folder):
    labeler(folder).submit()
    labels = labeler(folder)
    assert labels.path.name == "b.jpg"
    labels.submit()
    labels.submit()
    assert labels.unlabelled == [] and "All photos are labelled." in labels.message
    assert labeler(folder).path.name == "a.jpg"


def test_going_back_shows_the_saved_boxes_and_saying_so_replaces_them(folder):
    labels = labeler(folder)
    labels.boxes = [Box("peach", 10, 20, 110, 220)]
    labels.submit()
    press(labels, "Previous")
    assert labels.path.name == "a.jpg" and labels.boxes == [Box("peach", 10, 20, 110, 220)]
    labels.boxes = [Box("vanilla", 10, 20, 110, 220)]
    labels.submit()
    assert "Replaced a.xml: 1 box." in labels.message
    assert [box.name for box in saved(folder, "a").boxes] == ["vanilla"]


def test_moving_on_without_submitting_writes_nothing_and_forgets_nothing(folder):
    labels = labeler(folder)
    labels.boxes = [Box("peach", 10, 20, 110, 220)]
    press(labels, "Next")
    press(labels, "Previous")
    assert labels.boxes == [Box("peach", 10, 20, 110, 220)] and "not saved yet" in labels.message
    assert not (folder / "annotations").exists()


def test_skipping_writes_nothing_and_forgets_the_boxes(folder):
    labels = labeler(folder)
    labels.boxes = [Box("peach", 10, 20, 110, 220)]
    labels._canvas._handle_custom_msg({"type": "skip"}, [])
    assert labels.path.name == "b.jpg"
    labels.previous()
    assert labels.boxes == [] and len(labels.unlabelled) == 3


def test_skipping_a_labelled_photo_keeps_its_file(folder):
    labels = labeler(folder)
    labels.boxes = [Box("peach", 10, 20, 110, 220)]
    for _ in range(3):
        labels.submit()
    labels.go(0)
    labels.boxes = []
    labels.skip()
    assert [box.name for box in saved(folder, "a").boxes] == ["peach"]
    assert labels.path.name == "a.jpg" and len(labels.boxes) == 1


def test_labelimgs_own_file_is_edited_without_loss(folder):
    xml = folder / "annotations" / "a.xml"
    xml.parent.mkdir()
    boxes = (Box("peach", 10, 20, 110, 220, difficult=1), Box("lemon", 1, 20, 30, 40, truncated=1))
    path = str((folder / "images" / "a.jpg").resolve())
    voc.write(voc.Annotation("a.jpg", 400, 300, boxes, path=path, verified=True), xml)
    before = xml.read_bytes()
    labels = labeler(folder)
    labels.go(0)
    assert labels.classes == ["peach", "vanilla", "lemon"]
    labels.submit()
    assert xml.read_bytes() == before


def test_a_bad_photo_is_named_and_left_out(folder):
    (folder / "images" / "aa.jpg").write_bytes(b"\xff\xd8 no photo")
    Image.new("RGB", (40, 30)).save(folder / "images" / "a.png")
    labels = labeler(folder)
    assert [path.name for path in labels.paths] == ["a.jpg", "b.jpg", "c.jpg"]
    assert "aa.jpg: cannot be read" in labels.message and "a.png: has the same stem as a.jpg" in labels.message


OTHER_SIZE = "<annotation><size><width>4</width><height>3</height></size></annotation>"


@pytest.mark.parametrize("text", ["<annotation>", OTHER_SIZE], ids=["broken", "of another size"])
def test_an_annotation_that_cannot_be_used_is_named_before_it_is_replaced(folder, text):
    xml = folder / "annotations" / "a.xml"
    xml.parent.mkdir()
    xml.write_text(text)
    labels = labeler(folder)
    labels.go(0)
    assert labels.boxes == [] and str(xml) in labels.message and "submitting replaces it" in labels.message.lower()


def test_names_are_shown_as_text_and_not_as_html(folder):
    (folder / "images" / "a.jpg").rename(folder / "images" / "<img src=x onerror=alert(1)>.jpg")
    labels = labeler(folder)
    labels.submit()
    press(labels, "Previous")
    shown = labels._header.value + labels._said.value
    assert "<img" not in shown and "&lt;img" in shown


def test_a_button_says_what_went_wrong(folder):
    labels = labeler(folder)
    press(labels, "Previous")
    assert labels.message == "This is the first photo."
    (folder / "annotations").write_text("a file where the folder should be")
    labels._canvas._handle_custom_msg({"type": "submit"}, [])
    assert str(folder / "annotations") in labels.message and labels.path.name == "a.jpg"


def test_a_class_that_does_not_exist_is_refused(folder):
    labels = labeler(folder)
    with pytest.raises(labeling.LabelingError, match=r"'apricot'.*peach, vanilla"):
        labels.boxes = [Box("apricot", 10, 20, 110, 220)]


@pytest.mark.parametrize(
    ("images", "classes", "said"),
    [("elsewhere", CLASSES, "no such folder"), (".", CLASSES, "no photo that can be read"), ("images", [], "no class")],
)
def test_where_nothing_can_be_labelled_the_fault_is_named(folder, images, classes, said):
    with pytest.raises(labeling.LabelingError, match=said):
        labeling.Labeler(folder / images, folder / "annotations", classes)


def test_proposals_join_what_is_drawn_under_the_first_class(folder, monkeypatch):
    found = np.array([[0.1, 0.1, 0.5, 0.5], [0.6, 0.6, 0.9, 0.9]], np.float32)
    monkeypatch.setattr(labeling, "proposals", lambda model, image, min_score: found)
    labels = labeler(folder, model="a detector")
    labels.boxes = [Box("vanilla", 42, 32, 200, 150)]
    assert labels.propose() == 1
    assert labels.boxes == [Box("vanilla", 42, 32, 200, 150), Box("peach", 240, 180, 360, 270)]


def test_proposals_find_most_cups_of_the_photos_to_label(coco):
    from workshop_utils import anchors

    best = []
    for path in photos.find(settings.TO_LABEL):
        truth = np.array(voc.normalised(voc.read(settings.TO_LABEL_TRUTH / f"{path.stem}.xml")))
        proposed = labeling.proposals(coco, photos.shrink(photos.read(path)))
        best += anchors.iou(truth, proposed).max(axis=1, initial=0).tolist()
    assert np.mean(np.array(best) > 0.5) >= 0.6


def test_labelling_needs_no_tensorflow():
    command = "import sys, workshop_utils.labeling; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0

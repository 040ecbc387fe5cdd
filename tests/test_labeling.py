"""The labeller, driven as a script drives it and as the browser's messages do."""

import io
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from conftest import FIXTURES
from PIL import Image
from test_editor import fields, fill, press

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
    press(labels, "Submit")
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
    press(labels, "Previous photo")
    assert labels.path.name == "a.jpg" and labels.boxes == [Box("peach", 10, 20, 110, 220)]
    labels.boxes = [Box("vanilla", 10, 20, 110, 220)]
    labels.submit()
    assert "Replaced a.xml: 1 box." in labels.message
    assert [box.name for box in saved(folder, "a").boxes] == ["vanilla"]


def test_moving_on_without_submitting_writes_nothing_and_forgets_nothing(folder):
    labels = labeler(folder)
    labels.boxes = [Box("peach", 10, 20, 110, 220)]
    press(labels, "Next photo")
    press(labels, "Previous photo")
    assert labels.boxes == [Box("peach", 10, 20, 110, 220)] and "not saved yet" in labels.message
    assert not (folder / "annotations").exists()


def test_skipping_writes_nothing_and_forgets_the_boxes(folder):
    labels = labeler(folder)
    labels.boxes = [Box("peach", 10, 20, 110, 220)]
    press(labels, "Skip")
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
    boxes = (Box("peach", 10, 20, 110, 220, pose="Left", difficult=1), Box("lemon", 1, 20, 30, 40, truncated=1))
    path = str((folder / "images" / "a.jpg").resolve())
    voc.write(voc.Annotation("a.jpg", 400, 300, boxes, path=path, verified=True), xml)
    before = xml.read_bytes()
    labels = labeler(folder)
    labels.go(0)
    assert labels.classes == ["peach", "vanilla", "lemon"]
    labels.submit()
    assert xml.read_bytes() == before


def test_classes_that_the_files_name_already_need_not_be_given(folder):
    (folder / "annotations").mkdir()
    voc.write(voc.Annotation("c.jpg", 400, 300, (Box("lemon", 1, 20, 30, 40),)), folder / "annotations" / "c.xml")
    assert labeling.Labeler(folder / "images", folder / "annotations", []).classes == ["lemon"]
    assert labeler(folder).classes == ["peach", "vanilla", "lemon"]


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
    press(labels, "Previous photo")
    shown = labels._header.value + labels._said.value
    assert "<img" not in shown and "&lt;img" in shown


def test_a_button_says_what_went_wrong(folder):
    labels = labeler(folder)
    press(labels, "Previous photo")
    assert labels.message == "This is the first photo."
    (folder / "annotations").write_text("a file where the folder should be")
    press(labels, "Submit")
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


def test_notebook_02_labels_and_scores_without_tensorflow_until_boxes_are_proposed(tmp_path):
    notebook = json.loads((settings.PROJECT / "notebooks/solutions/02_label_images.ipynb").read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    before = sources[: next(place for place, source in enumerate(sources) if "pretrained" in source)]
    assert any("labeling.Labeler(" in source for source in before)
    redirected = f"from workshop_utils import settings\nimport pathlib\nsettings.RUNS = pathlib.Path({str(tmp_path)!r})"
    labelled = "labels.submit()\nassert labels.scores(settings.TO_LABEL_TRUTH)"
    told = "import sys\nassert labels.unlabelled and 'tensorflow' not in sys.modules"
    program = "\n".join([redirected, *before, labelled, told])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_box_is_added_placed_and_named_by_buttons_and_fields_alone(folder):
    labels = labeler(folder)
    press(labels, "Add box")
    assert fields(labels) == ["peach", 150, 112, 250, 187]
    fill(labels, **{"class": "vanilla"}, xmin=31, ymin=42, xmax=120, ymax=200)
    press(labels, "Submit")
    assert saved(folder, "a").boxes == (Box("vanilla", 31, 42, 120, 200),)


def test_a_small_box_set_in_the_fields_is_kept_where_one_drawn_were_a_click(folder):
    labels = labeler(folder)
    labels.go(1)
    labels.add("peach", (1000, 700, 1004, 705))
    press(labels, "Submit")
    assert saved(folder, "b").boxes == (Box("peach", 1000, 700, 1004, 705),)


def test_edges_that_make_no_box_are_said_and_neither_drawn_nor_lost(folder):
    labels = labeler(folder)
    labels.boxes = [Box("peach", 10, 20, 110, 220)]
    labels.select(1)
    fill(labels, xmin=300)
    assert labels.boxes == [Box("peach", 10, 20, 110, 220)] and fields(labels)[1] == 300
    assert "xmin 300 is not less than xmax 110" in labels._said.value
    for button in ("Submit", "Next photo", "Next box", "Add box", "Propose boxes"):
        press(labels, button)
        assert labels.message == "xmin 300 is not less than xmax 110. Change one of them."
    assert labels.path.name == "a.jpg" and not (folder / "annotations").exists() and fields(labels)[1] == 300
    fill(labels, xmax=350)
    assert labels.message == ""
    press(labels, "Submit")
    assert saved(folder, "a").boxes == (Box("peach", 300, 20, 350, 220),)


def test_where_no_widget_can_be_shown_a_sentence_says_what_to_call_instead(folder):
    said = repr(labeler(folder))
    assert "photo 1 of 3" in said and len(said) < 110  # longer ones are cut where ipywidgets 7 shows them
    for name in ("table", "add", "submit"):
        assert f"labels.{name}" in said and hasattr(labeling.Labeler, name)


def test_saved_boxes_are_scored_against_the_truth(folder):
    labels = labeler(folder)
    labels.boxes = [Box("peach", 10, 20, 110, 120), Box("peach", 300, 200, 390, 290)]
    labels.submit()
    truth = voc.Annotation("a.jpg", 400, 300, (Box("peach", 10, 20, 110, 120), Box("vanilla", 200, 20, 260, 90)))
    (folder / "truth").mkdir()
    voc.write(truth, folder / "truth" / "a.xml")
    (score,) = labels.scores(folder / "truth")
    assert (score.photo, score.ious, score.named, score.extra) == ("a.jpg", (1.0, 0.0), (True, False), 1)


def test_a_file_that_labelimg_wrote_is_shown_and_saved_again_as_it_was(folder):
    written = FIXTURES / "labelimg.xml"
    stem = "Kubki 3 – żółte"
    Image.new("RGB", (512, 384), "grey").save(folder / "images" / f"{stem}.jpg")
    xml = folder / "annotations" / f"{stem}.xml"
    xml.parent.mkdir()
    xml.write_bytes(written.read_bytes())
    labels = labeler(folder)
    labels.go([path.stem for path in labels.paths].index(stem))
    assert labels.boxes == list(voc.read(written).boxes) and "peach & cream <light>" in labels.classes
    labels.select(2)
    assert fields(labels) == ["peach & cream <light>", 120, 40, 180, 110]
    labels.submit()
    theirs = "/home/ola/photos/images/Kubki 3 – żółte.jpg"
    ours = str((folder / "images" / f"{stem}.jpg").resolve())
    assert xml.read_text(encoding="utf-8") == written.read_text(encoding="utf-8").replace(theirs, ours)

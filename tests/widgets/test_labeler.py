"""The labeller, used from code and by messages from the browser."""

import io
import json
import pathlib
import re
import shutil
import subprocess
import sys
import unicodedata

import numpy as np
import pytest
from conftest import FIXTURES
from PIL import ExifTags, Image
from test_box_editor import drag, fields, fill, press, send

from workshop_utils.core import settings
from workshop_utils.data import dataset, folders, photos, voc
from workshop_utils.data.voc import Box
from workshop_utils.model import detection
from workshop_utils.widgets import labeler

CLASSES = ["peach", "vanilla"]


@pytest.fixture
def folder(tmp_path) -> pathlib.Path:
    """Three photos of 400x300 pixels, one of which is shown scaled down."""
    (tmp_path / "images").mkdir()
    for name, size in (("a.jpg", (400, 300)), ("b.jpg", (1999, 1501)), ("c.jpg", (400, 300))):
        Image.new("RGB", size, "grey").save(tmp_path / "images" / name)
    return tmp_path


def opened(folder, **options) -> labeler.Labeler:
    return labeler.Labeler(folder / "images", folder / "annotations", CLASSES, **options)


def saved(folder, stem: str) -> voc.Annotation:
    return voc.read(folder / "annotations" / f"{stem}.xml")


def test_drawn_boxes_are_saved_as_labelimg_saves_them(folder):
    labels = opened(folder)
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
    labels = opened(folder)
    assert labels._view.shown == (800, 600)
    drawn = [
        {"x": 21, "y": 40, "width": 201, "height": 100, "label": "peach"},
        {"x": -50, "y": 500, "width": 950, "height": 300, "label": "vanilla"},
        {"x": 300, "y": 300, "width": 0, "height": 0, "label": "peach"},
        {"x": 900, "y": 10, "width": 40, "height": 40, "label": "peach"},
    ]
    send(labels, "boxes", boxes=drawn, selected=3)
    press(labels, "Submit")
    assert saved(folder, "a").boxes == (Box("peach", 10, 20, 111, 70), Box("vanilla", 1, 250, 400, 300, truncated=1))


def test_a_large_photo_keeps_its_pixels(folder):
    labels = opened(folder)
    labels.go(1)
    drawn = [Box("peach", 7, 11, 1003, 1500), Box("vanilla", 500, 2, 1999, 777, truncated=1)]
    labels.boxes = drawn
    labels.submit()
    labels.go(1)
    assert labels.boxes == drawn == list(saved(folder, "b").boxes)
    shown = Image.open(io.BytesIO(labels._canvas.image_bytes))
    assert shown.size == labels._view.shown == (799, 600) and len(labels._canvas.image_bytes) < 1_000_000


def test_a_photo_without_objects_is_saved_without_boxes(folder):
    labels = opened(folder)
    labels.submit()
    assert saved(folder, "a").boxes == ()
    assert labels.path.name == "b.jpg"


def test_labelling_resumes_at_the_first_unlabelled_photo(folder):
    opened(folder).submit()
    labels = opened(folder)
    assert labels.path.name == "b.jpg"
    labels.submit()
    labels.submit()
    assert labels.unlabelled == [] and "c.xml" in labels.message
    assert opened(folder).path.name == "a.jpg"


def test_going_back_shows_the_saved_boxes_and_submitting_replaces_them(folder):
    labels = opened(folder)
    labels.boxes = [Box("peach", 10, 20, 110, 220)]
    labels.submit()
    press(labels, "Previous photo")
    assert labels.path.name == "a.jpg" and labels.boxes == [Box("peach", 10, 20, 110, 220)]
    labels.boxes = [Box("vanilla", 10, 20, 110, 220)]
    labels.submit()
    assert re.search(r"\ba\.xml\b.*\b1\b", labels.message)
    assert [box.name for box in saved(folder, "a").boxes] == ["vanilla"]


def test_moving_on_without_submitting_saves_nothing_and_forgets_nothing(folder):
    labels = opened(folder)
    labels.boxes = [Box("peach", 10, 20, 110, 220)]
    press(labels, "Next photo")
    press(labels, "Previous photo")
    assert labels.boxes == [Box("peach", 10, 20, 110, 220)] and labels.message
    assert len(labels.unlabelled) == 3


def test_skipping_labels_nothing_and_forgets_the_boxes(folder):
    labels = opened(folder)
    labels.boxes = [Box("peach", 10, 20, 110, 220)]
    press(labels, "Skip")
    assert labels.path.name == "b.jpg"
    labels.previous()
    assert labels.boxes == [] and len(labels.unlabelled) == 3
    assert drafts(folder) == []


def test_skipping_a_labelled_photo_keeps_its_file(folder):
    labels = opened(folder)
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
    labels = opened(folder)
    labels.go(0)
    assert labels.classes == ["peach", "vanilla", "lemon"]
    labels.submit()
    assert xml.read_bytes() == before


def test_classes_in_existing_files_need_not_be_given(folder):
    (folder / "annotations").mkdir()
    voc.write(voc.Annotation("c.jpg", 400, 300, (Box("lemon", 1, 20, 30, 40),)), folder / "annotations" / "c.xml")
    assert labeler.Labeler(folder / "images", folder / "annotations", []).classes == ["lemon"]
    assert opened(folder).classes == ["peach", "vanilla", "lemon"]


def test_a_bad_photo_is_named_and_left_out(folder):
    (folder / "images" / "aa.jpg").write_bytes(b"\xff\xd8 no photo")
    Image.new("RGB", (40, 30)).save(folder / "images" / "a.png")
    labels = opened(folder)
    assert [path.name for path in labels.paths] == ["a.jpg", "b.jpg", "c.jpg"]
    assert "aa.jpg: " in labels.message and re.search(r"a\.png: .*\ba\.jpg", labels.message)


def test_an_empty_submit_by_button_or_key_asks_once_for_each_photo(folder):
    labels = opened(folder)
    press(labels, "Submit")
    assert labels.path.name == "a.jpg" and labels.message.startswith("No objects on this photo?")
    assert not (folder / "annotations" / "a.xml").exists()
    press(labels, "Submit")
    assert saved(folder, "a").boxes == () and labels.path.name == "b.jpg"
    send(labels, "key", key="Enter")
    assert labels.message.startswith("No objects") and labels.path.name == "b.jpg"
    labels.add("peach", (10, 20, 110, 220))
    send(labels, "key", key="s")
    assert len(saved(folder, "b").boxes) == 1 and labels.path.name == "c.jpg"
    press(labels, "Submit", "Previous photo", "Next photo", "Submit")
    assert not (folder / "annotations" / "c.xml").exists(), "asked again: another photo was shown in between"


# Photos that vanish, and a second labeler


def test_a_photo_that_vanished_is_named_and_left_out_and_the_next_one_is_shown(folder):
    labels = opened(folder)
    (folder / "images" / "b.jpg").unlink()
    press(labels, "Next photo")
    assert labels.path.name == "c.jpg" and "b.jpg: " in labels.message
    assert [path.name for path in labels.paths] == ["a.jpg", "c.jpg"]
    (folder / "images" / "a.jpg").unlink()
    press(labels, "Previous photo")
    assert labels.path.name == "c.jpg" and "a.jpg" in labels.message
    press(labels, "Previous photo")
    assert labels.message == "This is the first photo."


def test_boxes_of_a_photo_that_vanished_while_it_was_shown_are_saved_and_the_photo_is_named(folder):
    labels = opened(folder)
    labels.add("peach", (10, 20, 110, 220))
    for name in ("a.jpg", "b.jpg"):
        (folder / "images" / name).unlink()
    press(labels, "Submit")
    assert len(saved(folder, "a").boxes) == 1 and labels.path.name == "c.jpg"
    assert "Wrote a.xml: 1 box." in labels.message and "b.jpg" in labels.message


def test_where_all_photos_vanish_the_boxes_on_the_screen_are_still_submitted(folder):
    labels = opened(folder)
    labels.add("peach", (10, 20, 110, 220))
    shutil.rmtree(folder / "images")
    press(labels, "Submit")
    assert len(saved(folder, "a").boxes) == 1 and "Wrote a.xml" in labels.message and len(labels.boxes) == 1
    press(labels, "Next photo")
    assert labels.message == "This was the last photo." and labels.path.name == "a.jpg"


def test_of_two_labelers_on_one_folder_neither_loses_what_the_other_drew_or_submitted(folder):
    first, second = opened(folder), opened(folder)
    first.add("peach", (10, 20, 110, 220))
    drawn = folder / "annotations" / ".drafts" / "a.xml"
    before = drawn.read_bytes()
    second.add("vanilla", (30, 40, 90, 80))
    assert "Another draft" in second.message and ".a.xml.before" in second.message
    assert drawn.with_name(".a.xml.before").read_bytes() == before
    between = drawn.read_bytes()
    first.submit()
    assert "Another draft" in first.message
    assert drawn.with_name(".a.xml.before1").read_bytes() == between
    submitted = (folder / "annotations" / "a.xml").read_bytes()
    second.submit()
    assert "kept as .a.xml.before" in second.message
    assert (folder / "annotations" / ".a.xml.before").read_bytes() == submitted
    assert [box.name for box in saved(folder, "a").boxes] == ["vanilla"]


# Annotations with problems


def annotated(folder, *objects, size=(400, 300), name="peach", ending=".xml") -> pathlib.Path:
    """Write the first photo's annotation as other programs might, with any size and edges."""
    path = folder / "annotations" / f"a{ending}"
    path.parent.mkdir(exist_ok=True)
    sides = "".join(f"<{side}>{value}</{side}>" for side, value in zip(("width", "height"), size))
    text = f"<annotation><filename>a.jpg</filename><size>{sides}</size>"
    for edges in objects:
        corners = "".join(f"<{edge}>{value}</{edge}>" for edge, value in zip(("xmin", "ymin", "xmax", "ymax"), edges))
        text += f"<object><name>{name}</name><bndbox>{corners}</bndbox></object>"
    path.write_text(f"{text}</annotation>")
    return path


REPAIRED = {
    "edges exchanged": ({"objects": [(110, 20, 10, 220)]}, "object 1 (peach) "),
    "a pixel outside": ({"objects": [(10, 20, 110, 220), (300, 20, 401, 220)]}, "400x300"),
    "no size": ({"objects": [(10, 20, 110, 220)], "size": (0, 0)}, "0x0"),
    "spaces in the name": ({"objects": [(10, 20, 110, 220)], "name": " peach "}, "'peach'"),
    "twice": ({"objects": [(10, 20, 110, 220)] * 2}, "object 2 (peach) "),
}


@pytest.mark.parametrize("case", REPAIRED)
def test_an_annotation_that_check_would_repair_is_shown_repaired_with_all_its_boxes(folder, case):
    written, said = REPAIRED[case]
    xml = annotated(folder, *written["objects"], **{key: written[key] for key in written if key != "objects"})
    labels = opened(folder)
    labels.go(0)
    assert labels.boxes[0] == Box("peach", 10, 20, 110, 220) and labels.classes == CLASSES
    assert len(labels.boxes) == len(set(written["objects"]))
    assert labels.message.startswith(f"{xml}: ") and said in labels.message and "\n" not in labels.message
    shown = labels.boxes
    labels.submit()
    assert list(saved(folder, "a").boxes) == shown
    assert [path.name for path in xml.parent.iterdir()] == ["a.xml"]


def test_boxes_of_a_photo_labelled_unturned_are_shown_turned(folder):
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (300, 400), "grey").save(folder / "images" / "a.jpg", exif=turned)
    annotated(folder, (10, 20, 50, 80), size=(300, 400))
    labels = opened(folder)
    labels.go(0)
    assert labels.boxes == [Box("peach", 320, 10, 380, 50)]


UNSHOWN = {
    "no area": ((10, 20, 110, 220), (50, 50, 50, 90)),
    "outside": ((10, 20, 110, 220), (500, 50, 600, 90)),
    "another photo's size": ((10, 20, 110, 220),),
    "no XML": (),
}


@pytest.mark.parametrize("case", UNSHOWN)
def test_parts_of_an_annotation_that_cannot_be_shown_are_named_and_kept(folder, case):
    xml = annotated(folder, *UNSHOWN[case], size=(4, 3) if "size" in case else (400, 300))
    if case == "no XML":
        xml.write_text("<annotation>")
    before = xml.read_bytes()
    labels = opened(folder)
    labels.go(0)
    assert labels.boxes == ([] if case in ("another photo's size", "no XML") else [Box("peach", 10, 20, 110, 220)])
    assert str(xml) in labels.message
    labels.add("vanilla", (200, 20, 300, 220))
    labels.submit()
    assert labels.message.startswith("Replaced a.xml: ") and "kept as .a.xml.before." in labels.message
    assert saved(folder, "a").boxes[-1].name == "vanilla"
    assert xml.with_name(".a.xml.before").read_bytes() == before
    labels.go(0)
    labels.submit()
    assert ".before" not in labels.message, "an annotation that was shown completely need not be kept"
    xml.write_text("changed again")
    labels.go(0)
    labels.submit()
    assert [xml.with_name(f".a.xml.before{number}").read_bytes() for number in ("", 1)] == [before, b"changed again"]


def test_an_annotation_whose_copy_cannot_be_kept_is_not_replaced(folder, monkeypatch):
    xml = annotated(folder, (50, 50, 50, 90))
    before = xml.read_bytes()
    labels = opened(folder)
    labels.go(0)
    labels.add("vanilla", (200, 20, 300, 220))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    press(labels, "Submit")
    assert re.search(r"\.a\.xml\.before: .*No space left on device", labels.message)
    assert xml.read_bytes() == before and len(labels.boxes) == 1 and labels.path.name == "a.jpg"


def test_an_annotation_with_an_ending_in_capitals_is_found_and_replaced_under_its_name(folder):
    xml = annotated(folder, (10, 20, 110, 220), ending=".XML")
    labels = opened(folder)
    assert labels.path.name == "b.jpg" and labels.xml(labels.paths[0]) == xml
    labels.go(0)
    labels.boxes = [*labels.boxes, Box("vanilla", 200, 20, 300, 220)]
    labels.submit()
    ((photo, paired),), _ = folders.pairs(folder)
    assert photo.name == "a.jpg" and len(voc.read(paired).boxes) == 2, "training uses what was submitted"
    (folder / "truth").mkdir()
    voc.write(voc.read(xml), folder / "truth" / "a.xml")
    assert [score.ious for score in labels.scores(folder / "truth")] == [(1.0, 1.0)]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets few people make links")
def test_a_link_out_of_the_data_set_is_not_followed_for_annotations_and_drafts(folder, tmp_path_factory):
    mine = tmp_path_factory.mktemp("private")
    annotated(folder, (10, 20, 110, 220), name="secret").rename(mine / "a.xml")
    (folder / "annotations" / "a.xml").symlink_to(mine / "a.xml")
    (folder / "annotations" / ".drafts").symlink_to(mine)
    before = {path.name: path.read_bytes() for path in mine.iterdir()}
    labels = opened(folder)
    assert labels.classes == CLASSES
    with pytest.raises(labeler.LabelingError, match=r"a\.xml: "):
        labels.scores(folder / "truth")
    labels.go(0)
    assert labels.boxes == [] and "a.xml: " in labels.message
    labels.add("peach", (10, 20, 110, 220))
    assert ".drafts" in labels.message and len(labels.boxes) == 1
    labels.go(1)
    labels.go(0)
    assert len(labels.boxes) == 1, "it is kept while the kernel runs"
    xml = labels.submit()
    assert not xml.is_symlink() and [box.name for box in saved(folder, "a").boxes] == ["peach"]
    assert {path.name: path.read_bytes() for path in mine.iterdir()} == before


# Annotations with content that is not shown, or that other programs change


def with_more(xml: pathlib.Path, old: str, new: str) -> bytes:
    """Add content to an annotation; return its bytes."""
    text = xml.read_text()
    assert old in text
    xml.write_text(text.replace(old, new))
    return xml.read_bytes()


BNDBOX = "<bndbox><xmin>200</xmin><ymin>30</ymin><xmax>300</xmax><ymax>90</ymax></bndbox>"


def test_all_boxes_of_an_object_are_shown_and_submitted(folder):
    xml = annotated(folder, (10, 20, 110, 220))
    with_more(xml, "</bndbox>", "</bndbox>" + BNDBOX)
    labels = opened(folder)
    labels.go(0)
    assert labels.boxes == [Box("peach", 10, 20, 110, 220), Box("peach", 200, 30, 300, 90)]
    labels.submit()
    assert len(saved(folder, "a").boxes) == 2


@pytest.mark.parametrize(
    "more",
    [
        f"<part><name>lid</name>{BNDBOX}</part>",
        "<polygon><x1>10</x1><y1>20</y1></polygon>",
        "<attributes><attribute><name>colour</name><value>red</value></attribute></attributes>",
    ],
)
def test_content_other_than_boxes_is_kept_when_an_annotation_is_replaced(folder, more):
    xml = annotated(folder, (10, 20, 110, 220))
    before = with_more(xml, "</object>", f"{more}</object>")
    labels = opened(folder)
    labels.go(0)
    assert labels.boxes == [Box("peach", 10, 20, 110, 220)] and "a.xml" in labels.message
    labels.submit()
    assert xml.with_name(".a.xml.before").read_bytes() == before
    labels.go(0)
    labels.submit()
    assert not xml.with_name(".a.xml.before1").exists()


@pytest.mark.parametrize("old, new", [("object>", "item>"), ("<object>", "<object><name>mug</name>")])
def test_boxes_that_are_not_understood_are_named_and_kept(folder, old, new):
    xml = annotated(folder, (10, 20, 110, 220))
    before = with_more(xml, old, new)
    labels = opened(folder)
    labels.go(0)
    assert labels.boxes == [] and str(xml) in labels.message
    labels.submit()
    assert xml.with_name(".a.xml.before").read_bytes() == before


def test_an_annotation_that_another_program_changed_is_kept(folder):
    xml = annotated(folder, (10, 20, 110, 220))
    labels = opened(folder)
    labels.go(0)
    corrected = with_more(xml, "peach", "CORRECTED")
    labels.submit()
    assert ".a.xml.before" in labels.message
    assert xml.with_name(".a.xml.before").read_bytes() == corrected
    assert [box.name for box in saved(folder, "a").boxes] == ["peach"]


def test_an_annotation_that_another_program_wrote_is_kept(folder):
    labels = opened(folder)
    written = annotated(folder, (10, 20, 110, 220)).read_bytes()
    labels.submit()
    assert (folder / "annotations" / ".a.xml.before").read_bytes() == written


def test_submitting_twice_keeps_no_copy_if_everything_was_shown(folder):
    labels = opened(folder)
    for _ in range(3):
        labels.submit()
    labels.add("peach", (10, 20, 110, 220))
    labels.submit()
    labels.submit()
    assert [path.name for path in (folder / "annotations").glob(".*.before*")] == []


def test_boxes_of_photos_that_were_resized_after_labelling_are_shown_scaled(folder):
    for stem, size in (("a", (400, 300)), ("c", (400, 300))):
        edges = Box("peach", *(5 * edge for edge in (10, 20, 110, 220)))
        annotation = voc.Annotation(f"{stem}.jpg", 5 * size[0], 5 * size[1], (edges,))
        (folder / "annotations").mkdir(exist_ok=True)
        voc.write(annotation, folder / "annotations" / f"{stem}.xml")
    labels = opened(folder)
    labels.go(0)
    assert labels.boxes == [Box("peach", 10, 20, 110, 220)] and "2000x1500" in labels.message


@pytest.mark.parametrize("name", ["a.jpg.xml", "a", "A.xml"])
def test_an_annotation_named_almost_like_its_photo_is_shown_and_replaced_in_its_place(folder, name):
    xml = annotated(folder, (10, 20, 110, 220))
    xml = xml.rename(xml.with_name(name))
    labels = opened(folder)
    assert labels.path.name == "b.jpg" and labels.xml(labels.paths[0]) == xml
    labels.go(0)
    assert labels.boxes == [Box("peach", 10, 20, 110, 220)]
    assert labels.submit() == xml and [path.name for path in xml.parent.glob("[!.]*")] == [name]


def test_an_annotation_next_to_its_photo_is_shown_if_there_is_no_annotations_folder(folder):
    xml = annotated(folder, (10, 20, 110, 220))
    xml = xml.rename(folder / "images" / "a.xml")
    xml_folder = folder / "annotations"
    xml_folder.rmdir()
    labels = opened(folder)
    labels.go(0)
    assert labels.boxes == [Box("peach", 10, 20, 110, 220)]
    xml_folder.mkdir()
    assert opened(folder).xml(labels.paths[0]) == xml


def test_of_two_photos_whose_names_differ_in_unicode_only_the_first_is_labelled(folder):
    names = {unicodedata.normalize(form, "Käse.jpg") for form in ("NFC", "NFD")}
    assert len(names) == 2
    for name, colour in zip(sorted(names), ("red", "blue"), strict=True):
        Image.new("RGB", (40, 30), colour).save(folder / "images" / name)
    labels = opened(folder)
    assert len(labels.paths) == 4 and all(name in labels.message for name in names)


def test_a_photo_with_the_longest_possible_name_can_be_labelled_and_its_old_file_kept(folder):
    stem = "照" * 83
    (folder / "images" / "a.jpg").rename(folder / "images" / f"{stem}.jpg")
    xml = annotated(folder, (50, 50, 50, 90))
    before = xml.read_bytes()
    xml = xml.rename(xml.with_name(f"{stem}.xml"))
    labels = opened(folder)
    labels.go([path.stem for path in labels.paths].index(stem))
    labels.add("peach", (10, 20, 110, 220))
    assert labels.submit() == xml and len(saved(folder, stem).boxes) == 1
    [kept] = [path for path in xml.parent.iterdir() if path.name.endswith(".before")]
    assert kept.name.startswith(".") and kept.read_bytes() == before


# Unsubmitted boxes


@pytest.mark.parametrize("how", ["draw", "submit", "skip"])
@pytest.mark.parametrize("broken", [True, False])
def test_a_draft_that_cannot_be_shown_is_kept_before_it_is_overwritten(folder, how, broken):
    opened(folder).add("peach", (10, 20, 110, 220))
    draft = folder / "annotations" / ".drafts" / "a.xml"
    if broken:
        draft.write_text("<annotation>")
    else:
        Image.new("RGB", (40, 30)).save(folder / "images" / "a.jpg")
    before = draft.read_bytes()
    labels = opened(folder)
    assert labels.boxes == [] and str(draft) in labels.message
    {"draw": lambda: labels.add("peach", (1, 2, 11, 22)), "submit": labels.submit, "skip": labels.skip}[how]()
    assert draft.with_name(".a.xml.before").read_bytes() == before
    assert draft.exists() == (how == "draw")
    labels.go(0)
    labels.boxes = [Box("peach", 1, 2, 11, 22)]
    assert drafts(folder).count(".a.xml.before") == 1 and len(drafts(folder)) <= 2


def drafts(folder) -> list[str]:
    """Return the names of the files with unsubmitted boxes."""
    return sorted(path.name for path in (folder / "annotations" / ".drafts").glob("*"))


def test_unsubmitted_boxes_survive_the_death_of_the_kernel(folder):
    labels = opened(folder)
    labels.add("peach", (10, 20, 110, 220))
    drag(labels, 400, 100, 200, 100)
    labels.go(2)
    labels.boxes = [Box("vanilla", 30, 40, 90, 80)]
    drawn = [Box("peach", 10, 20, 110, 220), Box("peach", 200, 50, 300, 100)]
    again = opened(folder)
    assert again.path.name == "a.jpg" and again.boxes == drawn and again.message
    assert again.unlabelled == again.paths
    assert again.submit() and list(saved(folder, "a").boxes) == drawn
    again.go(2)
    assert again.boxes == [Box("vanilla", 30, 40, 90, 80)]
    again.skip()
    assert drafts(folder) == []
    third = opened(folder)
    third.go(2)
    assert third.boxes == [] and third.message == ""


def test_unsubmitted_changes_to_a_labelled_photo_survive_even_if_all_boxes_were_deleted(folder):
    labels = opened(folder)
    labels.boxes = [Box("peach", 10, 20, 110, 220)]
    labels.submit()
    labels.go(0)
    labels.delete(1)
    again = opened(folder)
    again.go(0)
    assert again.boxes == [] and again.message
    assert len(saved(folder, "a").boxes) == 1
    again.boxes = [Box("peach", 10, 20, 110, 220)]
    assert drafts(folder) == [], "it is the saved one again"


def test_classes_that_only_a_draft_names_are_known(folder):
    labeler.Labeler(folder / "images", folder / "annotations", ["lemon"]).add("lemon", (10, 20, 110, 220))
    labels = opened(folder)
    assert labels.boxes == [Box("lemon", 10, 20, 110, 220)] and labels.classes == ["peach", "vanilla", "lemon"]


def test_killed_between_saving_and_deleting_the_draft_nothing_is_reported_as_unsaved(folder):
    labels = opened(folder)
    labels.add("peach", (10, 20, 110, 220))
    shutil.copy(folder / "annotations" / ".drafts" / "a.xml", folder / "annotations" / "a.xml")
    again = opened(folder)
    again.go(0)
    assert len(again.boxes) == 1 and again.message == "" and drafts(folder) == []


def test_a_draft_of_another_photo_is_named_and_not_shown(folder):
    opened(folder).add("peach", (10, 20, 110, 220))
    Image.new("RGB", (40, 30)).save(folder / "images" / "a.jpg")
    labels = opened(folder)
    assert labels.boxes == [] and f"{pathlib.Path('.drafts', 'a.xml')}: " in labels.message
    assert drafts(folder) == ["a.xml"]


def test_a_box_is_written_once_on_mouse_up_and_a_click_writes_nothing(folder, monkeypatch):
    write, written = voc.write, []
    monkeypatch.setattr(voc, "write", lambda annotation, path: (written.append(path), write(annotation, path)))
    labels = opened(folder)
    drag(labels, 20, 40, 0, 0)
    assert written == []
    drag(labels, 20, 40, 200, 100)
    labels.select(1)
    assert written == [folder / "annotations" / ".drafts" / "a.xml"]


def test_if_a_draft_cannot_be_written_a_message_says_so_and_drawing_continues(folder):
    (folder / "annotations").write_text("a file where the folder should be")
    labels = opened(folder)
    labels.add("peach", (10, 20, 110, 220))
    assert f"{folder / 'annotations' / '.drafts'}: " in labels.message
    labels.go(1)
    labels.go(0)
    assert labels.boxes == [Box("peach", 10, 20, 110, 220)]


def test_training_and_check_skip_drafts_and_kept_files(voc_folder, capsys):
    from workshop_utils.cli import main

    before = dataset.load(voc_folder).fingerprint()
    xml = voc_folder / "annotations" / "0001.xml"
    shutil.copy(xml, xml.with_name(".0001.xml.before"))
    labels = labeler.Labeler(voc_folder / "images", voc_folder / "annotations", [])
    labels.go(0)
    labels.delete(1)
    assert (voc_folder / "annotations" / ".drafts" / "0001.xml").exists()
    after = dataset.load(voc_folder)
    assert after.fingerprint() == before and after.findings == []
    assert main(["check", str(voc_folder)]) == 0 and capsys.readouterr().out == ""


def test_names_are_shown_as_text_and_not_as_html(folder):
    (folder / "images" / "a.jpg").rename(folder / "images" / "<img src=x onerror=alert(1)>.jpg")
    labels = opened(folder)
    labels.submit()
    press(labels, "Previous photo")
    shown = labels._header.value + labels._message.value
    assert "<img" not in shown and "&lt;img" in shown


def test_an_error_appears_below_the_button(folder):
    labels = opened(folder)
    press(labels, "Previous photo")
    assert labels.message and labels.path.name == "a.jpg"
    (folder / "annotations").write_text("a file where the folder should be")
    press(labels, "Submit", "Submit")
    assert str(folder / "annotations") in labels.message and labels.path.name == "a.jpg"


def test_a_class_that_does_not_exist_is_refused(folder):
    labels = opened(folder)
    with pytest.raises(labeler.LabelingError, match=r"'apricot'.*peach, vanilla"):
        labels.boxes = [Box("apricot", 10, 20, 110, 220)]


@pytest.mark.parametrize(
    ("images", "classes", "said"),
    [("elsewhere", CLASSES, "elsewhere: "), (".", CLASSES, ": "), ("images", [], "")],
)
def test_if_nothing_can_be_labelled_the_error_says_why(folder, images, classes, said):
    with pytest.raises(labeler.LabelingError, match=said) as caught:
        labeler.Labeler(folder / images, folder / "annotations", classes)
    assert classes == [] or str(caught.value).startswith(f"{folder / images}: ")


def test_proposals_join_what_is_drawn_under_the_current_class(folder, monkeypatch):
    found = np.array([[0.1, 0.1, 0.5, 0.5], [0.6, 0.6, 0.9, 0.9]], np.float32)
    monkeypatch.setattr(detection, "proposals", lambda model, image, min_score: found)
    labels = opened(folder, model=object())
    labels.boxes = [Box("vanilla", 42, 32, 200, 150)]
    labels.current = "vanilla"
    assert labels.propose() == 1
    assert labels.boxes == [Box("vanilla", 42, 32, 200, 150), Box("vanilla", 240, 180, 360, 270)]


def test_while_boxes_are_proposed_everything_is_off_and_it_says_what_it_does(folder, monkeypatch):
    labels, seen = opened(folder, model=object()), []

    def proposals(*_):
        seen.append((labels._canvas.work, labels.message, [each.disabled for each in labels._actions.controls]))
        raise RuntimeError("no memory")

    monkeypatch.setattr(detection, "proposals", proposals)
    press(labels, "Propose boxes")
    ((work, message, off),) = seen
    assert work and message.startswith(work) and all(off)
    assert labels._canvas.work == "" and labels.message == "no memory"
    on = {each.description for each in labels._actions.controls if not each.disabled}
    assert {"Submit", "Propose boxes", "Undo"} <= on and "xmin" not in on


def test_proposals_find_most_cups_of_the_photos_to_label(coco):
    from workshop_utils.data import geometry

    best = []
    for path in photos.find(settings.TO_LABEL):
        truth = np.array(voc.normalised(voc.read(settings.TO_LABEL_TRUTH / f"{path.stem}.xml")))
        proposed = detection.proposals(coco, photos.shrink(photos.read(path)))
        best += geometry.iou(truth, proposed).max(axis=1, initial=0).tolist()
    assert np.mean(np.array(best) > 0.5) >= 0.6


def test_notebook_02_labels_and_scores_without_tensorflow_until_boxes_are_proposed(tmp_path):
    notebook = json.loads((settings.PROJECT / "notebooks/solutions/02_label_images.ipynb").read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    before = sources[: next(place for place, source in enumerate(sources) if "pretrained" in source)]
    assert any("labeler.Labeler(" in source for source in before)
    redirected = (
        f"from workshop_utils.core import settings\nimport pathlib\nsettings.RUNS = pathlib.Path({str(tmp_path)!r})"
    )
    labelled = "labels.submit()\nassert labels.scores(settings.TO_LABEL_TRUTH)"
    check = "import sys\nassert labels.unlabelled and 'tensorflow' not in sys.modules"
    program = "\n".join([redirected, *before, labelled, check])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_box_can_be_added_placed_and_named_with_buttons_and_fields_only(folder):
    labels = opened(folder)
    press(labels, "Add box")
    assert fields(labels) == [150, 112, 250, 187]
    fill(labels, xmin=31, ymin=42, xmax=120, ymax=200)
    send(labels, "class", name="vanilla")
    press(labels, "Rename box", "Submit")
    assert saved(folder, "a").boxes == (Box("vanilla", 31, 42, 120, 200),)


def test_a_small_box_set_in_the_fields_is_kept_although_one_drawn_is_a_click(folder):
    labels = opened(folder)
    labels.go(1)
    labels.add("peach", (1000, 700, 1004, 705))
    press(labels, "Submit")
    assert saved(folder, "b").boxes == (Box("peach", 1000, 700, 1004, 705),)


def test_edges_that_form_no_box_are_reported_and_neither_drawn_nor_lost(folder):
    labels = opened(folder)
    labels.boxes = [Box("peach", 10, 20, 110, 220)]
    labels.select(1)
    fill(labels, xmin=300)
    assert labels.boxes == [Box("peach", 10, 20, 110, 220)] and fields(labels)[0] == 300
    assert "xmin 300" in labels._message.value and "xmax 110" in labels._message.value
    for button in ("Submit", "Next photo", "Next box", "Add box", "Propose boxes"):
        press(labels, button)
        assert labels.message == "xmin 300 is not less than xmax 110. Change one of them."
    assert labels.path.name == "a.jpg" and len(labels.unlabelled) == 3 and fields(labels)[0] == 300
    fill(labels, xmax=350)
    assert labels.message == ""
    press(labels, "Submit")
    assert saved(folder, "a").boxes == (Box("peach", 300, 20, 350, 220),)


def test_without_widgets_a_sentence_says_what_to_call_instead(folder):
    said = repr(opened(folder))
    assert "photo 1 of 3" in said and len(said) < 110  # ipywidgets 7 cuts longer ones
    for name in ("table", "add", "submit"):
        assert f"labels.{name}" in said and hasattr(labeler.Labeler, name)


def test_saved_boxes_are_scored_against_the_truth(folder):
    labels = opened(folder)
    labels.boxes = [Box("peach", 10, 20, 110, 120), Box("peach", 300, 200, 390, 290)]
    labels.submit()
    truth = voc.Annotation("a.jpg", 400, 300, (Box("peach", 10, 20, 110, 120), Box("vanilla", 200, 20, 260, 90)))
    (folder / "truth").mkdir()
    voc.write(truth, folder / "truth" / "a.xml")
    (score,) = labels.scores(folder / "truth")
    assert (score.photo, score.ious, score.named, score.extra) == ("a.jpg", (1.0, 0.0), (True, False), 1)


def test_a_file_from_labelimg_is_shown_and_saved_back_unchanged(folder):
    written = FIXTURES / "labelimg.xml"
    stem = "Kubki 3 – żółte"
    Image.new("RGB", (512, 384), "grey").save(folder / "images" / f"{stem}.jpg")
    xml = folder / "annotations" / f"{stem}.xml"
    xml.parent.mkdir()
    xml.write_bytes(written.read_bytes())
    labels = opened(folder)
    labels.go([path.stem for path in labels.paths].index(stem))
    assert labels.boxes == list(voc.read(written).boxes) and "peach & cream <light>" in labels.classes
    labels.select(2)
    assert fields(labels) == [120, 40, 180, 110]
    labels.submit()
    theirs = "/home/ola/photos/images/Kubki 3 – żółte.jpg"
    ours = str((folder / "images" / f"{stem}.jpg").resolve())
    assert xml.read_text(encoding="utf-8") == written.read_text(encoding="utf-8").replace(theirs, ours)

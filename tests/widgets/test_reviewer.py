"""The reviewer, used from code and by messages from the browser, on planted faults."""

import dataclasses

import pytest
from conftest import first_photos
from test_box_editor import controls, press, send

from workshop_utils.curation.review import Kind, NamedBox, Suspicion
from workshop_utils.data import voc
from workshop_utils.teaching import planted_faults
from workshop_utils.widgets import label_files, reviewer
from workshop_utils.widgets.view import LabelingError

FEW = {Kind.WRONG_NAME: 1, Kind.SHIFTED_BOX: 1, Kind.MISSING_BOX: 1, Kind.BOX_ON_NOTHING: 1}
SIZE = (512, 384)


@pytest.fixture
def planted(tmp_path):
    """A folder with one fault of each kind, the faults, and a suspicion of each."""
    source = first_photos(tmp_path / "source", 8)
    faults = planted_faults.plant(source, tmp_path / "cups", 0, FEW)
    return tmp_path / "cups", faults, [suspicion(fault) for fault in faults]


def named(box: voc.Box | None, score: float = 1.0) -> NamedBox | None:
    if box is None:
        return None
    return NamedBox(box.name, voc.normalised(voc.Annotation("", *SIZE, (box,)))[0], score)


def suspicion(fault) -> Suspicion:
    return Suspicion(fault.photo, fault.kind, named(fault.after), named(fault.before, 0.9), 0.8)


def opened(folder, suspicions) -> reviewer.Reviewer:
    return reviewer.Reviewer(folder / "images", folder / "annotations", suspicions)


def boxes_of(folder, photo: str) -> list[voc.Box]:
    return list(voc.read(folder / "annotations" / photo.replace(".jpg", ".xml")).boxes)


def contents(folder) -> dict:
    return {path.name: path.read_bytes() for path in (folder / "annotations").glob("*.xml")}


def test_taking_the_detectors_name_box_or_missing_box_and_removing_repairs_each_kind(planted):
    folder, faults, suspicions = planted
    review = opened(folder, suspicions)
    for fault in faults:
        assert review.suspicion.kind == fault.kind and review.path.name == fault.photo
        press(review, "Remove label" if fault.kind is Kind.BOX_ON_NOTHING else "Take the detector's")
    for fault in faults:
        boxes = boxes_of(folder, fault.photo)
        assert fault.after not in boxes
        if fault.before:
            assert [box for box in boxes if places(box) == places(fault.before)], (fault, boxes)
    assert len(review.decisions) == 4


def places(box: voc.Box) -> tuple:
    return box.name, box.xmin, box.ymin, box.xmax, box.ymax


def test_the_suspicious_label_is_selected_and_the_detection_is_on_the_picture(planted):
    folder, faults, suspicions = planted
    review = opened(folder, suspicions)
    assert review.boxes[review.selected - 1] == faults[0].after
    with_detection = review._canvas.image_bytes
    plain = opened(folder, [dataclasses.replace(suspicions[0], detection=None), *suspicions[1:]])
    assert plain._canvas.image_bytes != with_detection
    review.review(2)
    assert review.selected is None and review.suspicion.kind is Kind.MISSING_BOX


def test_keeping_a_label_writes_nothing(planted):
    folder, _, suspicions = planted
    before = contents(folder)
    review = opened(folder, suspicions)
    press(review, *["Keep"] * 4)
    assert contents(folder) == before and [each.number for each in review.decisions] == [0, 1, 2, 3]


def test_what_was_drawn_by_hand_is_saved_by_keep(planted):
    folder, faults, suspicions = planted
    review = opened(folder, suspicions)
    review.add("peach", (10, 20, 60, 90))
    press(review, "Keep")
    assert places(boxes_of(folder, faults[0].photo)[-1]) == ("peach", 10, 20, 60, 90)


@pytest.mark.parametrize("action", ["take", "remove"])
def test_a_decision_is_taken_back_byte_for_byte_one_after_the_other(planted, action):
    folder, _, suspicions = planted
    review, states = opened(folder, suspicions), [contents(folder)]
    for _ in range(2):
        getattr(review, action)()
        states.append(contents(folder))
    assert states[0] != states[1] != states[2]
    for number in (1, 0):
        press(review, "Take back decision")
        assert contents(folder) == states[number] and review._number == number
    with pytest.raises(LabelingError):
        review.take_back()


def test_a_file_changed_by_another_program_is_neither_overwritten_by_taking_back_nor_lost(planted):
    folder, faults, suspicions = planted
    review = opened(folder, suspicions)
    xml = folder / "annotations" / faults[0].photo.replace(".jpg", ".xml")
    theirs = xml.read_text().replace("peach", "plum").encode() + b"\n"
    review.take()
    xml.write_bytes(theirs)
    with pytest.raises(LabelingError):
        review.take_back()
    assert xml.read_bytes() == theirs
    review.review(0)
    xml.write_bytes(theirs + b"\n")
    review.add("peach", (10, 20, 60, 90))
    review.keep()
    (kept,) = xml.parent.glob(".*.before")
    assert kept.read_bytes() == theirs + b"\n" and kept.name in review.message


def test_a_label_that_was_removed_since_it_was_found_is_not_guessed(planted):
    folder, faults, suspicions = planted
    xml = folder / "annotations" / faults[0].photo.replace(".jpg", ".xml")
    voc.write(dataclasses.replace(voc.read(xml), boxes=()), xml)
    review = opened(folder, suspicions)
    before = contents(folder)
    press(review, "Take the detector's", "Remove label")
    assert contents(folder) == before and review._number == 0
    press(review, "Keep")
    assert review._number == 1


def test_actions_that_a_suspicion_does_not_allow_say_so_and_change_nothing(planted):
    folder, _, suspicions = planted
    before = contents(folder)
    review = opened(folder, suspicions)
    review.review(2)
    with pytest.raises(LabelingError):
        review.remove()
    review.review(3)
    with pytest.raises(LabelingError):
        review.take()
    with pytest.raises(LabelingError):
        review.next()
    assert contents(folder) == before


def test_keys_do_what_the_buttons_do(planted):
    folder, faults, suspicions = planted
    review = opened(folder, suspicions)
    for key in ("t", "t", "k", "x"):
        send(review, "key", key=key)
    assert faults[0].after not in boxes_of(folder, faults[0].photo)
    assert faults[3].after not in boxes_of(folder, faults[3].photo)
    before = len(review.decisions)
    send(review, "key", key="b")
    assert len(review.decisions) == before - 1 == 3
    assert faults[3].after in boxes_of(folder, faults[3].photo)


def test_a_photo_that_is_gone_is_named_and_no_other_photo_is_changed_in_its_place(planted):
    folder, _, suspicions = planted
    suspicions = [each for each in suspicions if each.photo != suspicions[0].photo] + [suspicions[0]]
    review = opened(folder, suspicions)
    (folder / "images" / suspicions[0].photo).unlink()
    (folder / "images" / suspicions[1].photo).unlink()
    before = contents(folder)
    press(review, "Next", "Take the detector's", "Remove label", "Keep")
    assert contents(folder) == before and suspicions[1].photo in review.message


def test_without_anything_to_review_there_is_a_message(planted):
    folder, _, suspicions = planted
    for none in ([], [dataclasses.replace(suspicions[0], photo="elsewhere.jpg")]):
        with pytest.raises(LabelingError):
            opened(folder, none)


def test_an_annotation_with_more_than_boxes_is_kept_under_another_name(planted):
    folder, faults, suspicions = planted
    xml = folder / "annotations" / faults[0].photo.replace(".jpg", ".xml")
    text = xml.read_text().replace("</object>", "<attributes/></object>", 1)
    xml.write_text(text)
    review = opened(folder, suspicions)
    review.take()
    (kept,) = xml.parent.glob(".*.before")
    assert kept.read_text() == text and kept.name in review.message
    assert label_files.content(xml) != text.encode()


def test_each_key_belongs_to_a_button_that_is_shown(planted):
    folder, _, suspicions = planted
    review = opened(folder, suspicions)
    tooltips = [getattr(each, "tooltip", None) or "" for each in controls(review)]
    named = {key for each in tooltips if "Key: " in each for key in each.removeprefix("Key: ").split(" or ")}
    assert set(review._canvas.shortcuts) == named | {"Escape"}

"""An annotation as it fits its photo."""

import dataclasses
import pathlib

import pytest

from workshop_utils.data import mending, voc
from workshop_utils.data.finding_kinds import Kind

CUP = voc.Box("cup", 10, 20, 110, 220)
PHOTO = voc.Annotation("cup.jpg", 512, 384, (CUP,))


def test_an_annotation_that_agrees_with_its_photo_has_no_mismatch():
    assert mending.mismatches(PHOTO, pathlib.Path("cup.xml"), pathlib.Path("images/cup.jpg"), (512, 384)) == []


@pytest.mark.parametrize("size", [(384, 512), (512, 383), (511, 384)])
def test_another_size_and_another_name_are_told_with_both_values(size):
    findings = mending.mismatches(PHOTO, pathlib.Path("a.xml"), pathlib.Path("images/a.jpg"), size)
    assert str(findings[0]).startswith(f"a.xml: says the photo is 512x384, but a.jpg is {size[0]}x{size[1]}. ")
    assert str(findings[1]).startswith("a.xml: names the photo 'cup.jpg', but stands beside a.jpg. ")
    assert [finding.kind for finding in findings] == [Kind.OTHER_SIZE, Kind.OTHER_FILENAME]


@pytest.mark.parametrize(
    "filename",
    [
        "",
        "cup",
        "cup.png",
        "CUP.JPG",
        "Cup.jpg",
        "C:\\Users\\ola\\Photos\\cup.jpg",
        "../images/cup.jpg",
        "D:\\cup",
        "cup.JPEG",
    ],
)
def test_the_photos_own_name_in_another_form_is_told_from_another_photos_name(filename):
    annotation = dataclasses.replace(PHOTO, filename=filename)
    (finding,) = mending.mismatches(annotation, pathlib.Path("cup.xml"), pathlib.Path("images/cup.jpg"), (512, 384))
    assert finding.kind is Kind.FILENAME_FORM
    assert (
        str(finding)
        == f"cup.xml: names the photo '{filename}', but stands beside cup.jpg. The photo's own name is taken."
    )


@pytest.mark.parametrize("filename", ["mug.jpg", "cup2.jpg", "C:\\cup\\mug.jpg", "cup.jpg.bak.png"])
def test_another_photos_name_is_told_as_such(filename):
    annotation = dataclasses.replace(PHOTO, filename=filename)
    (finding,) = mending.mismatches(annotation, pathlib.Path("cup.xml"), pathlib.Path("images/cup.jpg"), (512, 384))
    assert finding.kind is Kind.OTHER_FILENAME


def test_an_umlaut_in_two_forms_of_unicode_is_the_same_name():
    annotation = dataclasses.replace(PHOTO, filename="Ku\u0308he.jpg")
    assert mending.mismatches(annotation, pathlib.Path("a.xml"), pathlib.Path("K\u00fche.jpg"), (512, 384)) == []


# Size and orientation


def seen(size=(512, 384), orientation=1) -> mending.Seen:
    return mending.Seen("cup.jpg", size, orientation, "")


def mended(annotation, photo: mending.Seen, resized=False):
    spelling = {box.name: box.name for box in annotation.boxes}
    return mending.mend(annotation, pathlib.Path("cup.xml"), pathlib.Path("cup.jpg"), photo, spelling, resized)


def with_size(width, height, **fields):
    return dataclasses.replace(PHOTO, width=width, height=height, **fields)


def test_an_annotation_that_fits_comes_out_as_it_was():
    assert mended(PHOTO, seen()) == (PHOTO, [])


@pytest.mark.parametrize("size", [(511, 384), (514, 384), (510, 382), (512, 386)])
def test_a_size_off_by_a_pixel_or_two_is_put_right_and_the_boxes_stay(size):
    annotation, [finding] = mended(with_size(*size), seen())
    assert annotation == PHOTO
    assert finding.kind is Kind.SIZE_OFF and f"{size[0]}x{size[1]}" in finding.what and "512x384" in finding.what


@pytest.mark.parametrize("size", [(515, 384), (509, 384), (512, 387), (384, 512), (1024, 768)])
def test_another_size_sets_the_photo_aside(size):
    annotation, [finding] = mended(with_size(*size), seen())
    assert finding.kind is Kind.OTHER_SIZE and (annotation.width, annotation.height) == size


@pytest.mark.parametrize(
    ("size", "remedy"),
    [((384, 512), "exchange <width> and <height>"), ((1024, 768), "resized"), ((600, 384), "Bring back the photo")],
)
def test_what_to_do_about_another_size_fits_it_and_is_never_to_label_again(size, remedy):
    _, [finding] = mended(with_size(*size), seen())
    assert remedy in finding.what and "label it" not in finding.what


@pytest.mark.parametrize("scale", [10, 2, 0.5, 1.37])
def test_the_boxes_of_a_resized_photo_are_scaled_and_that_is_reported(scale):
    said = with_size(round(512 * scale), round(384 * scale))
    larger = dataclasses.replace(CUP, **{edge: getattr(CUP, edge) * scale for edge in ("xmin", "ymin", "xmax", "ymax")})
    said = dataclasses.replace(said, boxes=(larger,))
    annotation, [finding] = mended(said, seen(), resized=True)
    assert (annotation.width, annotation.height) == (512, 384) and finding.kind is Kind.RESIZED
    [box] = annotation.boxes
    wanted = (10, 20, 110, 220)
    assert dataclasses.astuple(box)[1:5] == pytest.approx(wanted, rel=0.01) and box.truncated == 0
    _, [finding] = mended(said, seen())
    assert finding.kind is Kind.OTHER_SIZE, "alone it may be another photo's"


@pytest.mark.parametrize(
    ("said", "size", "fits"),
    [
        ((3200, 2400), (320, 240), True),
        ((320, 240), (3200, 2400), True),
        ((4032, 3024), (640, 480), True),
        ((4000, 3000), (333, 250), True),
        ((1000, 1333), (750, 1000), True),
        ((512, 384), (512, 384), False),
        ((0, 0), (512, 384), False),
        ((0, 384), (512, 384), False),
        ((4000, 3000), (640, 400), False),
        ((3000, 4000), (640, 480), False),
        ((4000, 3000), (640, 482), False),
        ((4000, 3000), (640, 481), True),
    ],
)
def test_a_set_was_resized_where_sizes_differ_by_one_factor(said, size, fits):
    pair = (dataclasses.replace(with_size(*said), boxes=()), seen(size))
    assert mending.were_resized([pair] * 3) is fits


def test_a_set_was_resized_only_where_most_of_it_was():
    other, same = (with_size(1024, 768), seen()), (PHOTO, seen())
    assert not mending.were_resized([])
    assert not mending.were_resized([other])
    assert not mending.were_resized([other, same])
    assert mending.were_resized([other, other])
    assert mending.were_resized([other, other, same])
    assert not mending.were_resized([other, other, same, same])


@pytest.mark.parametrize("edges", [(-1, 20, 110, 220), (10, -1, 110, 220), (10, 20, 300, 220), (10, 20, 110, 200)])
def test_a_size_that_its_own_boxes_leave_is_not_the_one_they_were_drawn_in(edges):
    said = with_size(256, 192, boxes=(voc.Box("cup", *edges),))
    assert not mending.were_resized([(said, seen())] * 3)
    inside = with_size(256, 192, boxes=(voc.Box("cup", 0, 0, 256, 192),))
    assert mending.were_resized([(inside, seen())] * 3)
    _, findings = mended(said, seen(), resized=True)
    assert Kind.OTHER_SIZE in {finding.kind for finding in findings}


@pytest.mark.parametrize("size", [(0, 0), (0, 384), (512, 0)])
def test_where_there_is_no_size_the_photos_own_is_taken(size):
    annotation, [finding] = mended(with_size(*size), seen())
    assert annotation == PHOTO and finding.kind is Kind.NO_SIZE


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_an_exchanged_size_of_a_turned_photo_turns_the_boxes(orientation):
    annotation, [finding] = mended(with_size(384, 512), seen(orientation=orientation))
    assert finding.kind is Kind.UNTURNED_SIZE and (annotation.width, annotation.height) == (512, 384)
    assert annotation.boxes != PHOTO.boxes


UNSURE = [
    ((512, 384), (512, 384), 2),
    ((512, 384), (512, 384), 3),
    ((512, 384), (512, 384), 4),
    ((400, 400), (400, 400), 5),
    ((400, 400), (400, 400), 8),
    ((0, 0), (512, 384), 6),
]


@pytest.mark.parametrize(("said", "size", "orientation"), UNSURE)
def test_a_turn_that_the_size_cannot_show_is_noted_once_a_photo(said, size, orientation):
    annotation, findings = mended(with_size(*said), seen(size, orientation))
    unsure = [finding for finding in findings if finding.kind is Kind.UNSURE_TURN]
    assert len(unsure) == 1 and str(orientation) in unsure[0].what and not unsure[0].is_fault
    assert annotation.boxes == (CUP,)
    _, findings = mended(with_size(*said, boxes=()), seen(size, orientation))
    assert Kind.UNSURE_TURN not in {finding.kind for finding in findings}, "without a box nothing can lie wrong"


@pytest.mark.parametrize(("size", "orientation"), [((512, 384), 1), ((512, 384), 5), ((512, 384), 8), ((400, 400), 1)])
def test_a_turn_that_the_size_shows_needs_no_word(size, orientation):
    _, findings = mended(with_size(*size), seen(size, orientation))
    assert findings == []


# Notes of reading


def test_what_reading_decided_becomes_findings_and_only_what_is_noted_stays_with_the_annotation():
    notes = ((Kind.PARTS, "holds parts."), (Kind.SEVERAL_BOXES, "has two."))
    annotation, findings = mended(dataclasses.replace(PHOTO, notes=notes, unread=("part",)), seen())
    assert [(finding.kind, finding.what) for finding in findings] == list(notes)
    assert all(finding.file == pathlib.Path("cup.xml") for finding in findings)
    assert annotation.notes == notes[:1]


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("\ufeffcup", "invisible"),
        ("c\u200bup", "invisible"),
        (" cup", None),
        ("ka\u0308se", "accents"),
        ("CUP", None),
    ],
)
def test_a_name_that_is_tidied_says_what_cannot_be_seen_of_it(written, why):
    box = dataclasses.replace(CUP, name=written)
    spelling = {written: "cup" if "u" in written.lower() else "k\u00e4se"}
    paths = pathlib.Path("cup.xml"), pathlib.Path("cup.jpg")
    _, [finding] = mending.mend(dataclasses.replace(PHOTO, boxes=(box,)), *paths, seen(), spelling)
    assert repr(written) in finding.what and f"'{spelling[written]}'" in finding.what
    assert ("(" in finding.what.partition("has the class")[2]) == (why is not None) and (why or "") in finding.what
    assert finding.kind is (Kind.CLASS_CASE if written == "CUP" else Kind.CLASS_FORM)

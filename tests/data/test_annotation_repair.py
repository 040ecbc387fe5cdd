"""Comparing an annotation with its photo, and repairing it."""

import dataclasses
import math
import pathlib

import pytest

from workshop_utils.data import annotation_repair, rotation, voc
from workshop_utils.data.finding_kinds import Kind, Outcome

CUP = voc.Box("cup", 10, 20, 110, 220)
PHOTO = voc.Annotation("cup.jpg", 512, 384, (CUP,))


def test_an_annotation_that_agrees_with_its_photo_has_no_mismatch():
    assert (
        annotation_repair.mismatches(PHOTO, pathlib.Path("cup.xml"), pathlib.Path("images/cup.jpg"), (512, 384)) == []
    )


@pytest.mark.parametrize("size", [(384, 512), (512, 383), (511, 384)])
def test_another_size_and_another_name_are_reported_with_both_values(size):
    findings = annotation_repair.mismatches(PHOTO, pathlib.Path("a.xml"), pathlib.Path("images/a.jpg"), size)
    assert all(finding.file == pathlib.Path("a.xml") and "a.jpg" in finding.what for finding in findings)
    assert "512x384" in findings[0].what and f"{size[0]}x{size[1]}" in findings[0].what
    assert "'cup.jpg'" in findings[1].what
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
def test_the_photos_own_name_in_another_form_differs_from_another_photos_name(filename):
    annotation = dataclasses.replace(PHOTO, filename=filename)
    (finding,) = annotation_repair.mismatches(
        annotation, pathlib.Path("cup.xml"), pathlib.Path("images/cup.jpg"), (512, 384)
    )
    assert finding.kind is Kind.FILENAME_FORM
    assert finding.file == pathlib.Path("cup.xml")
    assert f"'{filename}'" in finding.what and "cup.jpg" in finding.what


@pytest.mark.parametrize("filename", ["mug.jpg", "cup2.jpg", "C:\\cup\\mug.jpg", "cup.jpg.bak.png"])
def test_another_photos_name_is_reported_as_such(filename):
    annotation = dataclasses.replace(PHOTO, filename=filename)
    (finding,) = annotation_repair.mismatches(
        annotation, pathlib.Path("cup.xml"), pathlib.Path("images/cup.jpg"), (512, 384)
    )
    assert finding.kind is Kind.OTHER_FILENAME


def test_an_umlaut_in_two_forms_of_unicode_is_the_same_name():
    annotation = dataclasses.replace(PHOTO, filename="Ku\u0308he.jpg")
    assert (
        annotation_repair.mismatches(annotation, pathlib.Path("a.xml"), pathlib.Path("K\u00fche.jpg"), (512, 384)) == []
    )


# Size and orientation


def seen(size=(512, 384), orientation=1) -> annotation_repair.PhotoInfo:
    return annotation_repair.PhotoInfo("cup.jpg", size, orientation, "")


def mended(annotation, photo: annotation_repair.PhotoInfo, resized=False):
    spelling = {box.name: box.name for box in annotation.boxes}
    return annotation_repair.repair(
        annotation, pathlib.Path("cup.xml"), pathlib.Path("cup.jpg"), photo, spelling, resized
    )


def with_size(width, height, **fields):
    return dataclasses.replace(PHOTO, width=width, height=height, **fields)


def test_an_annotation_that_fits_does_not_change():
    assert mended(PHOTO, seen()) == (PHOTO, [])


@pytest.mark.parametrize("size", [(511, 384), (514, 384), (510, 382), (512, 386)])
def test_a_size_off_by_one_or_two_pixels_is_corrected_and_the_boxes_stay(size):
    annotation, [finding] = mended(with_size(*size), seen())
    assert annotation == PHOTO
    assert finding.kind is Kind.SIZE_OFF and f"{size[0]}x{size[1]}" in finding.what and "512x384" in finding.what


@pytest.mark.parametrize("size", [(515, 384), (509, 384), (512, 387), (384, 512), (1024, 768)])
def test_another_size_sets_the_photo_aside(size):
    annotation, [finding] = mended(with_size(*size), seen())
    assert finding.kind is Kind.OTHER_SIZE and (annotation.width, annotation.height) == size


@pytest.mark.parametrize(
    ("size", "remedy"),
    [((384, 512), "<width> and <height>"), ((1024, 768), "resized"), ((600, 384), "only <size> is wrong")],
)
def test_the_remedy_for_another_size_fits_it_and_is_never_to_label_again(size, remedy):
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
    assert finding.kind is Kind.OTHER_SIZE, "if only one photo differs, the annotation may belong to another photo"


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
def test_a_set_was_resized_if_all_sizes_differ_by_one_factor(said, size, fits):
    pair = (dataclasses.replace(with_size(*said), boxes=()), seen(size))
    assert annotation_repair.were_resized([pair] * 3) is fits


def test_a_set_was_resized_only_if_most_of_its_photos_were():
    other, same = (with_size(1024, 768), seen()), (PHOTO, seen())
    assert not annotation_repair.were_resized([])
    assert not annotation_repair.were_resized([other])
    assert not annotation_repair.were_resized([other, same])
    assert annotation_repair.were_resized([other, other])
    assert annotation_repair.were_resized([other, other, same])
    assert not annotation_repair.were_resized([other, other, same, same])


@pytest.mark.parametrize("edges", [(-1, 20, 110, 180), (10, -1, 110, 180), (10, 20, 257, 180), (10, 20, 110, 193)])
def test_boxes_were_not_drawn_in_a_size_that_they_exceed(edges):
    said = with_size(256, 192, boxes=(voc.Box("cup", *edges),))
    assert not annotation_repair.were_resized([(said, seen())] * 3)
    inside = with_size(256, 192, boxes=(voc.Box("cup", 0, 0, 256, 192),))
    assert annotation_repair.were_resized([(inside, seen())] * 3)
    _, findings = mended(said, seen(), resized=True)
    assert Kind.OTHER_SIZE in {finding.kind for finding in findings}


@pytest.mark.parametrize("size", [(0, 0), (0, 384), (512, 0)])
def test_without_a_size_the_photos_own_is_used(size):
    annotation, [finding] = mended(with_size(*size), seen())
    assert annotation == PHOTO and finding.kind is Kind.NO_SIZE


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_swapped_width_and_height_of_a_turned_photo_turn_the_boxes(orientation):
    annotation, [finding] = mended(with_size(384, 512), seen(orientation=orientation))
    assert finding.kind is Kind.UNROTATED_SIZE and (annotation.width, annotation.height) == (512, 384)
    assert annotation.boxes == (rotation.rotated(CUP, orientation, 384, 512),)


@pytest.mark.parametrize("orientation", [1, 2, 3, 4])
def test_swapped_width_and_height_without_a_quarter_turn_set_the_photo_aside(orientation):
    annotation, findings = mended(with_size(384, 512), seen(orientation=orientation))
    assert Kind.OTHER_SIZE in {finding.kind for finding in findings}
    assert annotation.boxes == (CUP,) and (annotation.width, annotation.height) == (384, 512)


UNSURE = [
    ((512, 384), (512, 384), 2),
    ((512, 384), (512, 384), 3),
    ((512, 384), (512, 384), 4),
    ((400, 400), (400, 400), 5),
    ((400, 400), (400, 400), 8),
    ((0, 0), (512, 384), 6),
]


@pytest.mark.parametrize(("said", "size", "orientation"), UNSURE)
def test_a_turn_that_the_size_cannot_show_is_noted_once_per_photo(said, size, orientation):
    annotation, findings = mended(with_size(*said), seen(size, orientation))
    unsure = [finding for finding in findings if finding.kind is Kind.UNSURE_ROTATION]
    assert len(unsure) == 1 and str(orientation) in unsure[0].what and not unsure[0].is_problem
    assert annotation.boxes == (CUP,)
    _, findings = mended(with_size(*said, boxes=()), seen(size, orientation))
    assert Kind.UNSURE_ROTATION not in {finding.kind for finding in findings}, "without a box nothing can lie wrong"


@pytest.mark.parametrize(("size", "orientation"), [((512, 384), 1), ((512, 384), 5), ((512, 384), 8), ((400, 400), 1)])
def test_a_turn_that_the_size_shows_is_not_reported(size, orientation):
    _, findings = mended(with_size(*size), seen(size, orientation))
    assert findings == []


# Boxes, in a photo of 100 x 80 pixels


def box_of(*edges) -> voc.Box:
    return voc.Box("cup", *edges)


def edges_and_kinds(box: voc.Box):
    fitting, found = annotation_repair.repair_box(box, (100, 80))
    return dataclasses.astuple(fitting)[1:5], [kind for kind, _ in found]


@pytest.mark.parametrize(
    "edges",
    [(10, 20, 30, 40), (0, 0, 100, 80), (0, 0, 0.1, 80), (0, 0, 100, 0.1), (0.5, 0.5, 99.5, 79.5), (99, 79, 100, 80)],
)
def test_a_box_inside_its_photo_stays_exact_to_a_tenth_of_a_pixel(edges):
    assert annotation_repair.repair_box(box_of(*edges), (100, 80)) == (box_of(*edges), [])


@pytest.mark.parametrize(
    "edges",
    [
        (10, 20, 10, 40),
        (10, 20, 30, 20),
        (10, 20, 10.09, 40),
        (10, 20, 30, 20.09),
        (10.09, 20, 10, 40),
        (10, 20, math.inf, 40),
        (10, -math.inf, 30, 40),
        (math.nan, 20, 30, 40),
        (-20, 20, -20, 40),
    ],
)
def test_a_box_without_area_is_reported_and_does_not_change(edges):
    box = box_of(*edges)
    same, [(kind, what)] = annotation_repair.repair_box(box, (100, 80))
    assert same is box and kind is Kind.NO_AREA and kind.outcome is Outcome.SET_ASIDE
    assert all(f"{edge:g}" in what for edge in edges)


@pytest.mark.parametrize(
    ("edges", "exchanged"),
    [
        ((30, 20, 10, 40), (10, 20, 30, 40)),
        ((10, 40, 30, 20), (10, 20, 30, 40)),
        ((30, 40, 10, 20), (10, 20, 30, 40)),
        ((100, 80, 0, 0), (0, 0, 100, 80)),
    ],
)
def test_reversed_edges_are_swapped_and_the_box_is_not_marked_truncated(edges, exchanged):
    box, [(kind, what)] = annotation_repair.repair_box(box_of(*edges), (100, 80))
    assert box == box_of(*exchanged) and kind is Kind.REVERSED_BOX
    assert all(f"{edge:g}" in what for edge in edges)


@pytest.mark.parametrize(
    ("edges", "cut"),
    [
        ((-1, 20, 30, 40), (0, 20, 30, 40)),
        ((-0.5, 20, 30, 40), (0, 20, 30, 40)),
        ((10, -1, 30, 40), (10, 0, 30, 40)),
        ((10, -0.5, 30, 40), (10, 0, 30, 40)),
        ((80, 20, 101, 40), (80, 20, 100, 40)),
        ((10, 60, 30, 81), (10, 60, 30, 80)),
        ((-10, 20, 10, 40), (0, 20, 10, 40)),
        ((10, -10, 30, 10), (10, 0, 30, 10)),
        ((90, 20, 110, 40), (90, 20, 100, 40)),
        ((10, 70, 30, 90), (10, 70, 30, 80)),
        ((-0.05, 20, 0.1, 40), (0, 20, 0.1, 40)),
        ((10, -0.05, 30, 0.1), (10, 0, 30, 0.1)),
        ((-5, -5, 105, 85), (0, 0, 100, 80)),
    ],
)
def test_a_box_that_leaves_the_photo_by_up_to_half_is_cut_at_its_edge_and_marked_truncated(edges, cut):
    box, [(kind, what)] = annotation_repair.repair_box(box_of(*edges), (100, 80))
    assert box == dataclasses.replace(box_of(*cut), truncated=1) and kind is Kind.BOX_PARTLY_OUTSIDE
    assert "100x80" in what and all(f"{edge:g}" in what for edge in edges)


@pytest.mark.parametrize(
    "edges",
    [
        (-11, 20, 9, 40),
        (10, -11, 30, 9),
        (91, 20, 111, 40),
        (10, 71, 30, 91),
        (-6, -6, 14, 14),
        (86, 66, 106, 86),
        (-30, 20, -10, 40),
        (10, 90, 30, 110),
        (-30, -30, -10, -10),
        (110, 90, 130, 110),
        (-0.07, 20, 0.08, 40),
        (10, -0.07, 30, 0.08),
        (99.92, 20, 100.05, 40),
        (10, 79.92, 30, 80.05),
        (9, 40, -11, 20),
    ],
)
def test_a_box_mostly_outside_the_photo_does_not_change(edges):
    box = box_of(*edges)
    same, [(kind, what)] = annotation_repair.repair_box(box, (100, 80))
    assert same is box and kind is Kind.BOX_OUTSIDE and kind.outcome is Outcome.SET_ASIDE
    assert "100x80" in what and all(f"{edge:g}" in what for edge in edges)


def test_both_problems_of_a_box_are_reported():
    cut_and_exchanged = ((0, 20, 30, 40), [Kind.REVERSED_BOX, Kind.BOX_PARTLY_OUTSIDE])
    assert edges_and_kinds(box_of(30, 40, -1, 20)) == cut_and_exchanged


OTHERS = [dataclasses.replace(CUP, **{edge: getattr(CUP, edge) + 1}) for edge in ("xmin", "ymin", "xmax", "ymax")]


def test_a_duplicate_box_is_used_once_and_the_second_is_named_by_its_number():
    annotation, [finding] = mended(with_size(512, 384, boxes=(CUP, OTHERS[0], CUP)), seen())
    assert annotation.boxes == (CUP, OTHERS[0])
    assert finding.kind is Kind.SAME_BOX and finding.what.startswith("object 3 (cup)")


def test_boxes_that_differ_in_one_edge_or_in_their_class_are_all_kept():
    boxes = (CUP, *OTHERS, dataclasses.replace(CUP, name="mug"))
    assert mended(with_size(512, 384, boxes=boxes), seen()) == (dataclasses.replace(PHOTO, boxes=boxes), [])


def test_one_box_under_two_spellings_of_its_class_is_a_duplicate():
    boxes = (CUP, dataclasses.replace(CUP, name="CUP"))
    paths = pathlib.Path("cup.xml"), pathlib.Path("cup.jpg")
    annotation, findings = annotation_repair.repair(
        with_size(512, 384, boxes=boxes), *paths, seen(), {"cup": "cup", "CUP": "cup"}
    )
    assert annotation.boxes == (CUP,)
    assert [finding.kind for finding in findings] == [Kind.CLASS_CASE, Kind.SAME_BOX]
    assert all(finding.what.startswith("object 2 (cup)") for finding in findings)


def test_a_photo_without_an_object_is_used_and_noted():
    annotation, [finding] = mended(with_size(512, 384, boxes=()), seen())
    assert annotation == dataclasses.replace(PHOTO, boxes=()) and finding.kind is Kind.NO_OBJECT


@pytest.mark.parametrize(("depth", "taken"), [(0, 3), (1, 1), (3, 3), (4, 4)])
def test_a_depth_of_0_becomes_the_depth_of_a_colour_photo(depth, taken):
    annotation, findings = mended(with_size(512, 384, depth=depth), seen())
    assert annotation.depth == taken and findings == []


# Notes of reading


def test_decisions_of_the_reader_become_findings_and_only_notes_stay_with_the_annotation():
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
def test_the_finding_about_a_tidied_name_shows_its_invisible_characters(written, why):
    box = dataclasses.replace(CUP, name=written)
    spelling = {written: "cup" if "u" in written.lower() else "k\u00e4se"}
    paths = pathlib.Path("cup.xml"), pathlib.Path("cup.jpg")
    _, [finding] = annotation_repair.repair(dataclasses.replace(PHOTO, boxes=(box,)), *paths, seen(), spelling)
    assert repr(written) in finding.what and f"'{spelling[written]}'" in finding.what
    assert ("(" in finding.what.removeprefix("object 1 (")) == (why is not None) and (why or "") in finding.what
    assert finding.kind is (Kind.CLASS_CASE if written == "CUP" else Kind.CLASS_FORM)

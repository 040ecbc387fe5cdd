import dataclasses
import math
import pathlib
import re

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from conftest import FIXTURES

from workshop_utils.core import settings
from workshop_utils.data import voc
from workshop_utils.data.finding_kinds import Kind

CUP = voc.Box("cup", 10, 20, 110, 220)
PHOTO = voc.Annotation("cup.jpg", 512, 384, (CUP,))


def text_of(annotation: voc.Annotation, folder: pathlib.Path) -> str:
    voc.write(annotation, folder / "cup.xml")
    return (folder / "cup.xml").read_text()


def damaged(folder: pathlib.Path, old: str, new: str) -> pathlib.Path:
    """Write PHOTO's XML with `old` replaced by `new` in its second object."""
    text = text_of(dataclasses.replace(PHOTO, boxes=(CUP, CUP)), folder)
    head, tail = text[: text.rindex("<object>")], text[text.rindex("<object>") :]
    text = head + tail.replace(old, new) if old in tail else text.replace(old, new)
    path = folder / "cup.xml"
    path.write_text(text)
    return path


# labelImg's files


@pytest.mark.parametrize("name", ["labelimg.xml", "labelimg_empty.xml"])
def test_a_file_from_labelimg_is_written_back_byte_for_byte(name, tmp_path):
    voc.write(voc.read(FIXTURES / name), tmp_path / name)
    assert (tmp_path / name).read_bytes() == (FIXTURES / name).read_bytes()


def test_every_field_of_labelimgs_file_is_read():
    assert voc.read(FIXTURES / "labelimg.xml") == voc.Annotation(
        filename="Kubki 3 – żółte.jpg",
        width=512,
        height=384,
        boxes=(
            voc.Box("strawberry", 1, 20, 100, 200, truncated=1),
            voc.Box("peach & cream <light>", 120, 40, 180, 110, difficult=1),
        ),
        folder="images",
        path="/home/ola/photos/images/Kubki 3 – żółte.jpg",
        verified=True,
    )


def test_a_photo_without_objects_is_an_annotation_without_boxes():
    annotation = voc.read(FIXTURES / "labelimg_empty.xml")
    assert annotation.boxes == ()
    assert (annotation.width, annotation.height, annotation.depth) == (20, 10, 1)


def test_every_file_of_the_workshop_is_written_back_byte_for_byte(tmp_path):
    paths = sorted((settings.YOGHURT / "annotations").glob("*.xml"))
    assert len(paths) == 360
    for path in paths:
        voc.write(voc.read(path), tmp_path / path.name)
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


# Written and read again


# XML 1.0 has no control characters. A reader turns "\r" into "\n" and drops spaces around a name.
WORDS = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff"), min_size=1)
NAMES = WORDS.map(str.strip).filter(bool)


@st.composite
def annotations(draw):
    width, height = draw(st.integers(2, 20_000)), draw(st.integers(2, 20_000))

    def edges(length):
        kind = st.integers(0, length) | st.floats(0, length)
        return st.tuples(kind, kind).map(sorted).filter(lambda pair: pair[0] < pair[1])

    boxes = []
    for _ in range(draw(st.integers(0, 4))):
        (xmin, xmax), (ymin, ymax) = draw(edges(width)), draw(edges(height))
        flags = [draw(st.integers(0, 1)) for _ in range(2)]
        boxes.append(voc.Box(draw(NAMES), xmin, ymin, xmax, ymax, draw(NAMES), *flags))
    return voc.Annotation(
        filename=draw(NAMES),
        width=width,
        height=height,
        boxes=tuple(boxes),
        depth=draw(st.sampled_from([1, 3])),
        folder=draw(WORDS),
        path=draw(st.none() | NAMES),
        database=draw(NAMES),
        segmented=draw(st.integers(0, 1)),
        verified=draw(st.booleans()),
    )


@hypothesis.given(annotations())
def test_any_annotation_survives_writing_and_reading(tmp_path_factory, annotation):
    path = tmp_path_factory.getbasetemp() / "any.xml"
    voc.write(annotation, path)
    assert voc.read(path) == annotation


@hypothesis.given(st.text(st.characters()))
def test_any_name_is_either_kept_or_refused_before_anything_is_written(tmp_path_factory, name):
    path = tmp_path_factory.getbasetemp() / "named.xml"
    path.unlink(missing_ok=True)
    annotation = dataclasses.replace(PHOTO, boxes=(dataclasses.replace(CUP, name=name),))
    try:
        voc.write(annotation, path)
    except voc.VocError as fault:
        assert str(fault).startswith(f"{path}: ")
        assert not path.exists()
    else:
        assert voc.read(path) == annotation


@pytest.mark.parametrize("field", ["filename", "folder", "path", "database"])
@pytest.mark.parametrize("text", ["cup\0", "cup\r", "cup\ud800"])
def test_a_character_that_xml_cannot_store_is_refused_before_anything_is_written(field, text, tmp_path):
    with pytest.raises(voc.VocError, match=rf"^{re.escape(str(tmp_path / 'cup.xml'))}: .*{re.escape(repr(text[-1]))}"):
        voc.write(dataclasses.replace(PHOTO, **{field: text}), tmp_path / "cup.xml")
    assert not (tmp_path / "cup.xml").exists()


def test_fractional_edges_from_another_tool_are_kept(tmp_path):
    path = damaged(tmp_path, "<xmin>10</xmin>", "<xmin>10.25</xmin>")
    assert voc.read(path).boxes[1].xmin == 10.25
    assert "<xmin>10.25</xmin>" in text_of(voc.read(path), tmp_path)


def test_fields_that_a_tool_leaves_out_get_labelimgs_defaults(tmp_path):
    path = tmp_path / "cup.xml"
    path.write_text(
        "<annotation><size><width>50</width><height>40</height></size>"
        "<object><name> cup </name><bndbox><ymin>2</ymin><ymax>4</ymax><xmin>1</xmin><xmax>3</xmax></bndbox></object>"
        "</annotation>"
    )
    annotation = voc.read(path)
    assert annotation == voc.Annotation("", 50, 40, (voc.Box("cup", 1, 2, 3, 4),), folder="")
    assert (annotation.boxes[0].pose, annotation.database, annotation.depth) == ("Unspecified", "Unknown", 3)


# Errors


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<xmax>110</xmax>", "<xmax>10</xmax>", "xmin 10, ymin 20, xmax 10, ymax 220"),
        ("<ymax>220</ymax>", "<ymax>20</ymax>", "xmin 10, ymin 20, xmax 110, ymax 20"),
        ("<xmax>110</xmax>", "<xmax>5</xmax>", "xmin 10, .*xmax 5"),
        ("<ymax>220</ymax>", "<ymax>5</ymax>", "ymin 20, .*ymax 5"),
        ("<xmin>10</xmin>", "<xmin>-1</xmin>", "512x384 .*xmin -1"),
        ("<ymin>20</ymin>", "<ymin>-0.5</ymin>", "512x384 .*ymin -0.5"),
        ("<xmax>110</xmax>", "<xmax>513</xmax>", "512x384 .*xmax 513"),
        ("<ymax>220</ymax>", "<ymax>385</ymax>", "512x384 .*ymax 385"),
        ("<xmin>10</xmin>", "<xmin>nan</xmin>", "xmin nan"),
        ("<xmax>110</xmax>", "<xmax>inf</xmax>", "xmax inf"),
        ("<xmin>10</xmin>", "<xmin>ten</xmin>", "<xmin> .*'ten'"),
        ("<xmin>10</xmin>", "<xmin></xmin>", "<xmin> .*''"),
        ("<xmin>10</xmin>", "<xmin>40,5</xmin>", r"'40,5'.* 40\.5\b"),
        ("<xmin>10</xmin>", "", "<xmin> .*<bndbox>.*<ymin>, <xmax>, <ymax>"),
        ("bndbox", "polygon", "<bndbox>.*<polygon>"),
        ("bndbox", "place", "<bndbox>.*<xmin>"),
        ("<name>cup</name>", "<name></name>", "<name>"),
        ("<name>cup</name>", "<name>  </name>", "<name>"),
        ("<name>cup</name>", "", "<name>"),
    ],
)
def test_an_invalid_box_is_refused_with_its_file_and_number(old, new, said, tmp_path):
    path = damaged(tmp_path, old, new)
    with pytest.raises(voc.VocError, match=said) as caught:
        voc.read(path)
    assert str(caught.value).startswith(f"{path}: object 2")


@pytest.mark.parametrize(
    ("old", "new", "side"),
    [
        ("<width>512</width>", "<width>0</width>", "width"),
        ("<height>384</height>", "<height>-5</height>", "height"),
        ("<width>512</width>", "<width>wide</width>", "width"),
        ("<width>512</width>", "", "width"),
        ("<height>384</height>", "<height>inf</height>", "height"),
        ("size>", "dimensions>", "width"),
    ],
)
def test_without_the_size_of_its_photo_an_annotation_is_refused_with_its_file_and_side(old, new, side, tmp_path):
    path = damaged(tmp_path, old, new)
    with pytest.raises(voc.VocError, match=f"<{side}>") as caught:
        voc.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert getattr(voc.read_as_written(path), side) == 0


def test_a_fractional_size_is_rounded(tmp_path):
    assert voc.read(damaged(tmp_path, "<width>512</width>", "<width>511.6</width>")).width == 512


@pytest.mark.parametrize(
    ("field", "text", "taken"),
    [
        ("depth", "Unspecified", 3),
        ("depth", "-1", 3),
        ("depth", "2.5", 3),
        ("segmented", "no", 0),
        ("segmented", "1e999", 0),
        ("segmented", "", 0),
        ("truncated", "Unspecified", 0),
        ("truncated", "0.0597", 1),
        ("truncated", "-0.5", 0),
        ("truncated", "-1", 0),
        ("truncated", "nan", 0),
        ("truncated", "inf", 0),
        ("difficult", "yes", 1),
        ("difficult", " True ", 1),
        ("difficult", "false", 0),
        ("difficult", "1.5", 1),
    ],
)
def test_a_bad_field_outside_boxes_is_noted_and_the_photo_used(field, text, taken, tmp_path):
    old = f"<{field}>{getattr(CUP, field, getattr(PHOTO, field, None))}</{field}>"
    annotation = voc.read(damaged(tmp_path, old, f"<{field}>{text}</{field}>"))
    assert getattr(annotation.boxes[1] if field in ("truncated", "difficult") else annotation, field) == taken
    [(kind, what)] = annotation.notes
    assert kind is Kind.OTHER_FIELD and f"{field}> {text!r}" in what and what.endswith(f" {taken}.")
    assert [(b.xmin, b.ymax) for b in annotation.boxes] == [(10, 220)] * 2


@pytest.mark.parametrize(
    ("field", "text", "taken"), [("truncated", "2", 2), ("difficult", "1.0", 1), ("depth", "1", 1)]
)
def test_a_field_with_an_integer_is_used_without_a_note(field, text, taken, tmp_path):
    old = f"<{field}>{getattr(CUP, field, getattr(PHOTO, field, None))}</{field}>"
    annotation = voc.read(damaged(tmp_path, old, f"<{field}>{text}</{field}>"))
    assert getattr(annotation.boxes[1] if field != "depth" else annotation, field) == taken
    assert annotation.notes == ()


def test_a_missing_field_gets_its_default_without_a_note(tmp_path):
    text = text_of(PHOTO, tmp_path)
    for field in ("depth", "segmented", "truncated", "difficult", "pose"):
        start, end = text.index(f"<{field}>"), text.index(f"</{field}>") + len(f"</{field}>")
        text = text[:start] + text[end:]
    (tmp_path / "cup.xml").write_text(text)
    assert voc.read(tmp_path / "cup.xml") == PHOTO


@pytest.mark.parametrize("tag", ["html", "annotations", "zebra"])
def test_xml_of_another_kind_is_refused_with_its_kind(tag, tmp_path):
    path = tmp_path / "cup.xml"
    path.write_text(f"<{tag}><object/></{tag}>")
    with pytest.raises(voc.VocError, match=f"{path}: .*<{tag}>.*<annotation>"):
        voc.read(path)


def test_a_missing_file_is_refused_with_its_path(tmp_path):
    with pytest.raises(voc.VocError) as caught:
        voc.read(tmp_path / "cup.xml")
    assert str(caught.value).startswith(f"{tmp_path / 'cup.xml'}: ")


BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
HOSTILE = {
    "bomb": f'<!DOCTYPE annotation [<!ENTITY e0 "ha">{BOMB}]>',
    "local file": '<!DOCTYPE annotation [<!ENTITY e9 SYSTEM "file:///etc/passwd">]>',
    "parameter": '<!DOCTYPE annotation [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p; <!ENTITY e9 "x">]>',
}


@pytest.mark.parametrize("doctype", HOSTILE.values(), ids=HOSTILE)
def test_entities_are_refused_before_they_are_expanded(doctype, tmp_path):
    path = tmp_path / "cup.xml"
    path.write_text(doctype + text_of(PHOTO, tmp_path).replace("<filename>cup.jpg", "<filename>&e9;"))
    with pytest.raises(voc.VocError, match="EntitiesForbidden"):
        voc.read(path)


@pytest.mark.parametrize(
    "edges",
    [
        (10, 20, 10, 30),
        (10, 30, 20, 20),
        (-1, 0, 5, 5),
        (0, -1, 5, 5),
        (0, 0, 513, 5),
        (0, 0, 5, 385),
        (math.nan, 0, 5, 5),
        (0, 0, math.inf, 5),
    ],
)
def test_an_invalid_box_is_never_written(edges, tmp_path):
    path = tmp_path / "cup.xml"
    with pytest.raises(voc.VocError, match="object 2"):
        voc.write(dataclasses.replace(PHOTO, boxes=(CUP, voc.Box("cup", *edges))), path)
    assert not path.exists()


@pytest.mark.parametrize("name", ["", " cup", "cup "])
def test_a_name_with_spaces_around_it_is_never_written(name, tmp_path):
    with pytest.raises(voc.VocError, match=f"object 1 .*'{name}'"):
        voc.write(dataclasses.replace(PHOTO, boxes=(dataclasses.replace(CUP, name=name),)), tmp_path / "cup.xml")
    assert not (tmp_path / "cup.xml").exists()


def test_a_box_as_large_as_the_photo_is_read_and_written(tmp_path):
    annotation = dataclasses.replace(PHOTO, boxes=(voc.Box("cup", 0, 0, 512, 384),))
    voc.write(annotation, tmp_path / "cup.xml")
    assert voc.read(tmp_path / "cup.xml") == annotation


# Pixels and fractions


def test_a_normalised_box_is_ymin_xmin_ymax_xmax_in_fractions():
    assert voc.normalised(PHOTO) == [(20 / 384, 10 / 512, 220 / 384, 110 / 512)]


@hypothesis.given(annotations())
def test_boxes_in_integer_pixels_survive_conversion_to_fractions(annotation):
    whole = [(round(b.xmin), round(b.ymin), round(b.xmax), round(b.ymax)) for b in annotation.boxes]
    whole = [box for box in whole if 1 <= box[0] < box[2] and 1 <= box[1] < box[3]]
    annotation = dataclasses.replace(annotation, boxes=tuple(voc.Box("cup", *box) for box in whole))
    boxes = np.reshape(voc.normalised(annotation), (-1, 4)).astype(np.float32)
    size = (annotation.width, annotation.height)
    again = voc.from_normalised(size, ["cup"] * len(boxes), boxes, "cup.jpg")
    assert [(b.xmin, b.ymin, b.xmax, b.ymax) for b in again.boxes] == whole


FRACTION = st.floats(-0.5, 1.5)


@hypothesis.given(st.integers(1, 5000), st.integers(1, 5000), st.tuples(FRACTION, FRACTION, FRACTION, FRACTION))
def test_any_output_of_a_detector_becomes_a_box_that_can_be_written(width, height, box):
    annotation = voc.from_normalised((width, height), ["cup"], [box], "cup.jpg")
    voc._check(annotation.boxes[0], 1, width, height, pathlib.Path("cup.xml"))
    xmin, ymin, *others = dataclasses.astuple(annotation.boxes[0])[1:5]
    assert all(isinstance(edge, int) for edge in (xmin, ymin, *others))
    assert xmin >= min(1, width - 1) and ymin >= min(1, height - 1), "labelImg counts pixels from 1"


@pytest.mark.parametrize(("size", "edges"), [((1, 1), (0, 0, 1, 1)), ((1, 9), (0, 3, 1, 6)), ((9, 1), (3, 0, 6, 1))])
def test_a_photo_of_one_pixel_still_gets_boxes_with_area(size, edges):
    third = (1 / 3, 1 / 3, 2 / 3, 2 / 3)
    assert dataclasses.astuple(voc.from_normalised(size, ["cup"], [third], "cup.jpg").boxes[0])[1:5] == edges


@pytest.mark.parametrize(
    ("box", "cut"),
    [
        ((0.2, 0.2, 0.8, 0.8), 0),
        ((0, 0.2, 0.8, 0.8), 1),
        ((0.2, 0, 0.8, 0.8), 1),
        ((0.2, 0.2, 1, 0.8), 1),
        ((0.2, 0.2, 0.8, 1), 1),
    ],
)
def test_a_box_at_the_photos_edge_is_marked_truncated(box, cut):
    annotation = voc.from_normalised((640, 480), ["cup"], [box], "cup.jpg")
    assert annotation.boxes[0].truncated == cut


@pytest.mark.parametrize(
    ("size", "box", "edges"),
    [((10, 10), (0.99, 0.99, 1, 1), (9, 9, 10, 10)), ((2, 2), (0, 0, 1, 1), (1, 1, 2, 2))],
)
def test_a_box_begins_at_the_first_pixel_at_the_earliest_and_ends_at_the_last(size, box, edges):
    assert dataclasses.astuple(voc.from_normalised(size, ["cup"], [box], "cup.jpg").boxes[0])[1:5] == edges


def test_each_box_needs_its_name():
    with pytest.raises(ValueError):
        voc.from_normalised((10, 10), ["cup"], [(0, 0, 1, 1), (0, 0, 1, 1)], "cup.jpg")

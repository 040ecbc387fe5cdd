"""Objects and boxes in the forms that programs other than labelImg write."""

import dataclasses
import pathlib
import sys

import pytest

from workshop_utils.data import voc
from workshop_utils.data.annotation import Box, VocError
from workshop_utils.data.finding_kinds import Kind, Outcome


def bndbox(*edges, tag="bndbox") -> str:
    inner = "".join(f"<{edge}>{value}</{edge}>" for edge, value in zip(("xmin", "ymin", "xmax", "ymax"), edges))
    return f"<{tag}>{inner}</{tag}>"


FIRST, SECOND = bndbox(10, 20, 50, 60), bndbox(70, 80, 90, 99)


def obj(inside: str, name="cup") -> str:
    return f"<object><name>{name}</name>{inside}</object>"


@pytest.fixture
def read(tmp_path):
    """A function that reads the given content of an annotation, of a photo of 100 by 100 pixels."""

    def of(inside: str) -> voc.Annotation:
        path = tmp_path / "a.xml"
        size = "<size><width>100</width><height>100</height><depth>3</depth></size>"
        path.write_text(f"<annotation><filename>a.jpg</filename>{size}{inside}</annotation>", encoding="utf-8")
        return voc.read_as_written(path)

    return of


def edges(annotation) -> list[tuple]:
    return [dataclasses.astuple(box)[1:5] for box in annotation.boxes]


BOTH = [(10, 20, 50, 60), (70, 80, 90, 99)]
READ = {
    "an object with two boxes": (obj(FIRST + SECOND), BOTH, {Kind.SEVERAL_BOXES}),
    "objects below another element": (f"<objects>{obj(FIRST)}{obj(SECOND)}</objects>", BOTH, {Kind.OTHER_TAGS}),
    "some deeper than others": (f"{obj(FIRST)}<a><b>{obj(SECOND)}</b></a>", BOTH, {Kind.OTHER_TAGS}),
    "an object in an object": (obj(FIRST + obj(SECOND)), BOTH, {Kind.OTHER_TAGS}),
    "capitals": ((obj(FIRST) + obj(SECOND)).replace("object", "OBJECT"), BOTH, {Kind.OTHER_TAGS}),
    "capitals within": ((obj(FIRST) + obj(SECOND)).replace("xmax", "XMax").replace("name", "Name"), BOTH,
                        {Kind.OTHER_TAGS}),
    "a namespace": ((obj(FIRST) + obj(SECOND)).replace("<object", '<object xmlns="http://a"'), BOTH, {Kind.OTHER_TAGS}),
    "a part with a box": (obj(FIRST + f"<part><name>lid</name>{SECOND}</part>"), BOTH[:1], {Kind.PARTS}),
    "a part without one": (obj(FIRST + "<part><name>lid</name></part>"), BOTH[:1], set()),
    "a polygon next to the box": (obj(FIRST + "<polygon><x1>1</x1></polygon>"), BOTH[:1], set()),
    "attributes": (obj(FIRST + "<attributes><attribute><name>a</name><value>b</value></attribute></attributes>"),
                   BOTH[:1], set()),
    "an owner": ("<owner><name>me</name></owner>" + obj(FIRST), BOTH[:1], set()),
    "a source's annotation": ("<source><annotation>VOC2007</annotation></source>" + obj(FIRST), BOTH[:1], set()),
    "numbers elsewhere": ("<date><x>1</x><y>2</y><left>3</left></date>" + obj(FIRST), BOTH[:1], set()),
    "an edge twice, the same": (obj(FIRST.replace("<xmin>", "<xmin>10</xmin><xmin>")), BOTH[:1], set()),
    "a number with a mark": (obj(FIRST.replace("10", "\ufeff10").replace("20", " 20\u200b ")), BOTH[:1], set()),
    "an angle of 0": (obj(FIRST.replace("<xmin>", "<angle>0.0</angle><xmin>") + "<rotation>0</rotation>"), BOTH[:1],
                      set()),
    "nothing": ("", [], set()),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_every_box_is_read_in_any_structure_of_the_file(name, read):
    text, wanted, kinds = READ[name]
    annotation = read(text)
    assert edges(annotation) == wanted and all(box.name == "cup" for box in annotation.boxes)
    assert {kind for kind, _ in annotation.notes} == kinds


UNREAD = {
    "another element": (obj(FIRST).replace("object", "item"), "1 .*<item>"),
    "one among objects": (obj(FIRST) + obj(SECOND).replace("object", "item"), "1 .*<item>"),
    "two of two": (f"<a>{FIRST}{SECOND}</a><b>{FIRST}</b>", "3 .*<a>, <b>"),
    "a box alone": (FIRST, "1 .*<annotation>"),
    "edges alone": ("<item>" + FIRST[8:-9] + "</item>", "<item>"),
    "another box": (obj(FIRST) + "<shape><rectangle>1 2 3 4</rectangle></shape>", "1 .*<shape>"),
    "a polygon alone": ("<shape><polygon><x>1</x></polygon></shape>", "1 .*<shape>"),
    "points alone": ("<shape><points>1,2;3,4</points></shape>", "1 .*<shape>"),
    "CVAT's box": ("<image><box/></image>", "1 .*<image>"),
    "a part of no object": (f"<part><name>lid</name>{SECOND}</part>" + obj(FIRST), "1 .*<part>"),
    "another region": (f"<region>{SECOND}</region>" + obj(FIRST), "1 .*<region>"),
    "a box too deep in its object": (obj(FIRST + f"<more>{SECOND}</more>"), "1 .*<more>"),
    "several photos": (f"<annotation>{obj(FIRST)}</annotation>{obj(SECOND)}", r"a\.xml: "),
    "only a polygon": (obj("<polygon><x1>1</x1></polygon>"), "object 1 .*<bndbox>.*<polygon>"),
    "only points, deeper": (obj(FIRST) + obj("<a><points>1</points></a>", "mug"), r"object 2 \(mug\) .*<points>"),
    "edges without a box": (obj(FIRST[8:-9]), "<bndbox>.*<xmin>"),
    "two names": (obj(FIRST + "<name>mug</name>"), "object 1 .*<name>.*'cup'.*'mug'"),
    "an edge twice": (obj(FIRST.replace("<xmin>", "<xmin>70</xmin><xmin>")), "<xmin>.*'70'.*'10'"),
    "three names": (obj(FIRST + "<name>mug</name><name>jar</name><name>pan</name>"), "'cup'.*'mug'.*'jar'"),
    "an angle in the object": (obj(FIRST + "<angle>0.5</angle>"), "<angle>"),
    "a rotation in the box": (obj(FIRST.replace("<xmin>", "<rotation>3</rotation><xmin>")), "<rotation>"),
}


@pytest.mark.parametrize("name", UNREAD)
def test_an_element_that_is_not_understood_sets_the_photo_aside_and_is_located(name, read):
    text, said = UNREAD[name]
    with pytest.raises(VocError, match=said) as caught:
        read(text)
    assert caught.value.kind is Kind.UNREAD_BOXES and caught.value.kind.outcome is Outcome.SET_ASIDE
    assert pathlib.Path(str(caught.value).split(": ")[0]).name == "a.xml"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"<object>{FIRST}</object>", "object 1 .*<name>"),
        (obj(FIRST) + obj(""), r"object 2 \(cup\) .*<bndbox>"),
        (obj("<bndbox/>"), r"<xmin> .*<bndbox>"),
        (obj("<bndbox><x>1</x><y>2</y></bndbox>"), r"<xmin> .*<bndbox>.*<x>, <y>"),
        (obj(FIRST.replace("10", "1,5")), r"<xmin> .*'1,5'.* 1\.5\b"),
        (obj(FIRST.replace("10", "1,000,000")), "<xmin> .*'1,000,000'"),
        (obj(FIRST.replace("20", "")), "<ymin> .*''"),
        (obj("<robndbox><cx>1</cx></robndbox>"), "<cy> .*<robndbox>.*<cx>"),
    ],
)
def test_an_object_without_a_name_or_a_box_is_named(text, said, read):
    with pytest.raises(VocError, match=said) as caught:
        read(text)
    assert caught.value.kind is Kind.BROKEN_XML


def rotated(value: str, box: str = bndbox(20, 45, 80, 55)) -> str:
    return obj(f"{box}<attributes><attribute><name>rotation</name><value>{value}</value></attribute></attributes>")


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("90.0", (45, 20, 55, 80)),
        ("-90", (45, 20, 55, 80)),
        ("450", (45, 20, 55, 80)),
        (" 30 ", (21.52, 30.67, 78.48, 69.33)),
    ],
)
def test_the_upright_box_around_a_rotated_one_is_used_and_reported(value, wanted, read):
    annotation = read(obj(FIRST) + rotated(value))
    assert edges(annotation) == [(10, 20, 50, 60), pytest.approx(wanted)]
    [(kind, what)] = annotation.notes
    assert kind is Kind.ROTATED_BOX and what.startswith("object 2 (cup) ")


@pytest.mark.parametrize("value", ["0", "0.0", "180", "360", "-360"])
def test_a_rotation_that_changes_nothing_is_not_reported(value, read):
    annotation = read(rotated(value))
    assert edges(annotation) == [(20, 45, 80, 55)] and annotation.notes == ()


@pytest.mark.parametrize("value", ["", "steep", "nan", "inf"])
def test_a_rotation_that_is_not_a_number_is_refused(value, read):
    with pytest.raises(VocError, match=rf"object 1 \(cup\) .*'{value}'"):
        read(rotated(value))


def test_a_rotated_box_without_area_is_left_to_the_check_of_boxes(read):
    annotation = read(rotated("90", bndbox("nan", 45, 80, 55)))
    assert len(annotation.boxes) == 1 and annotation.notes == ()


def robndbox(angle: str) -> str:
    return f"<robndbox><cx>50</cx><cy>50</cy><w>60</w><h>10</h><angle>{angle}</angle></robndbox>"


@pytest.mark.parametrize(("angle", "wanted"), [("0", (20, 45, 80, 55)), ("1.5707963", (45, 20, 55, 80))])
def test_the_upright_box_around_a_robndbox_is_used_and_reported(angle, wanted, read):
    annotation = read(obj(robndbox(angle)))
    assert edges(annotation) == [pytest.approx(wanted, abs=0.01)]
    assert [kind for kind, _ in annotation.notes] == [Kind.ROTATED_BOX]


def test_both_of_two_robndboxes_are_used(read):
    annotation = read(obj(robndbox("0") + robndbox("1.5707963")))
    assert len(annotation.boxes) == 2
    assert [kind for kind, _ in annotation.notes] == [Kind.ROTATED_BOX, Kind.SEVERAL_BOXES]


def test_an_upright_box_next_to_a_robndbox_is_used(read):
    annotation = read(obj(robndbox("0.7") + FIRST))
    assert edges(annotation) == [(10, 20, 50, 60)] and annotation.notes == ()
    assert annotation.unread == ("robndbox",)


def test_each_of_several_boxes_keeps_the_objects_fields(read):
    annotation = read(obj(f"<pose>Left</pose><truncated>1</truncated><difficult>1</difficult>{FIRST}{SECOND}"))
    assert annotation.boxes == tuple(Box("cup", *each, "Left", 1, 1) for each in BOTH)


def test_a_flag_in_words_is_noted_once_for_all_objects(read):
    flag = "<truncated>Unspecified</truncated>"
    annotation = read(obj(flag + FIRST) + obj("<truncated>1</truncated>" + SECOND) + obj(flag + FIRST))
    [(kind, what)] = annotation.notes
    assert kind is Kind.OTHER_FIELD and "'Unspecified'" in what and " 2 " in what
    assert [box.truncated for box in annotation.boxes] == [0, 1, 0]


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        (obj(FIRST), ()),
        ("<source><database>a</database></source>" + obj(FIRST), ()),
        ("<owner><name>me</name></owner>" + obj(FIRST), ("owner",)),
        ("<source><image>flickr</image></source>" + obj(FIRST), ("image",)),
        (obj(FIRST + "<attributes><attribute/></attributes><occluded>0</occluded>"), ("attributes", "occluded")),
        (obj(FIRST + "<part><name>lid</name></part>"), ("part",)),
        (obj(FIRST.replace("<xmin>", "<score>1</score><xmin>")), ("score",)),
        (f"<objects>{obj(FIRST)}</objects>", ("objects",)),
        (obj(FIRST).replace("<object>", '<object id="3">'), ("id",)),
    ],
)
def test_content_that_rewriting_would_lose_is_known(text, tags, read):
    assert read(text).unread == tags


@pytest.mark.parametrize(("root", "attributes"), [(' verified="yes"', ()), (' verified="no" by="me"', ("by",))])
def test_only_labelimgs_attribute_of_the_root_is_written_back(root, attributes, tmp_path):
    (tmp_path / "a.xml").write_text(f"<annotation{root}/>")
    annotation = voc.read_as_written(tmp_path / "a.xml")
    assert annotation.unread == attributes and annotation.verified == ("yes" in root)


LONG = "x," * 500_000


@pytest.mark.parametrize(
    "text",
    [
        obj(FIRST.replace("20", "?"), name=LONG),
        obj(FIRST.replace("10", LONG)),
        obj(FIRST + f"<name>{LONG}</name>"),
    ],
    ids=["a name", "a number", "a second name"],
)
def test_a_very_long_text_in_a_file_is_quoted_in_part(text, read):
    with pytest.raises(VocError) as caught:
        read(text)
    assert len(str(caught.value)) < 1000


def test_strict_reading_gives_the_same_boxes(tmp_path, read):
    wanted = read(obj(FIRST + SECOND))
    assert voc.read(tmp_path / "a.xml") == wanted and wanted.notes


def test_more_boxes_than_anchors_are_refused_even_in_one_object(read):
    assert len(read(obj(FIRST * voc.MAX_BOXES)).boxes) == voc.MAX_BOXES
    with pytest.raises(VocError, match=f" {voc.MAX_BOXES + 1} .*{voc.MAX_BOXES} "):
        read(obj(FIRST * (voc.MAX_BOXES + 1)))


def test_twice_as_many_elements_take_at_most_twice_the_work(read):
    def calls(count: int) -> int:
        called = []
        sys.setprofile(lambda frame, event, _: called.append(event))
        try:
            with pytest.raises(VocError, match=f"{count} .*<a>"):
                read(f"<a>{FIRST}</a>" * count + obj(FIRST + SECOND) * (count // 10))
        finally:
            sys.setprofile(None)
        return len(called)

    assert calls(800) < 2.5 * calls(400)

import hypothesis
import hypothesis.strategies as st
import pytest

from workshop_utils.data import label_map
from workshop_utils.data.names import tidy

NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1).filter(tidy)
LABEL_MAPS = st.dictionaries(st.integers(1, label_map.LARGEST_ID), NAMES, min_size=1, max_size=8).filter(
    lambda names: len(set(map(tidy, names.values()))) == len(names)
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "label_map.pbtxt"


def test_each_class_gets_one_number_from_one_in_alphabetical_order():
    assert label_map.number(["peach", "natural", "peach", "blueberry"]) == {1: "blueberry", 2: "natural", 3: "peach"}


def test_more_classes_than_ids_are_refused():
    names = [f"cup {number}" for number in range(10_001)]
    assert len(label_map.number(names[1:])) == 10_000
    with pytest.raises(label_map.LabelMapError, match=r"10,001 .*10,000 "):
        label_map.number(names)


def test_a_label_map_is_written_as_the_object_detection_api_writes_it(path):
    label_map.write({1: "blueberry", 2: "peach & cream", 3: "żółte"}, path)
    assert (
        path.read_bytes()
        == (
            'item {\n  name: "blueberry"\n  id: 1\n}\n'
            'item {\n  name: "peach & cream"\n  id: 2\n}\n'
            'item {\n  name: "żółte"\n  id: 3\n}\n'
        ).encode()
    )


@hypothesis.given(LABEL_MAPS)
def test_any_names_survive_writing_and_reading_in_the_order_of_their_ids(tmp_path_factory, names):
    path = tmp_path_factory.getbasetemp() / "any.pbtxt"
    label_map.write(names, path)
    assert list(label_map.read(path).items()) == [(number, tidy(name)) for number, name in sorted(names.items())]


@pytest.mark.parametrize("written", ["cup ", "\tcup", "\ufeffcup", "c\u200bup", "cup\u00a0"])
def test_extra_spaces_and_invisible_marks_are_not_part_of_a_name(path, written):
    path.write_text(f"item {{ id: 1 name: '{written}' }}", encoding="utf-8")
    assert label_map.read(path) == {1: "cup"}
    assert label_map.checked([(7, written)]) == {7: "cup"}


def test_a_name_in_two_forms_of_unicode_is_one_name(path):
    path.write_text("item { id: 1 name: 'Ka\u0308se' }", encoding="utf-8")
    assert label_map.read(path) == {1: "K\u00e4se"}
    path.write_text("item { id: 1 name: 'Ka\u0308se' } item { id: 2 name: 'K\u00e4se' }", encoding="utf-8")
    with pytest.raises(label_map.LabelMapError, match=r"item 2 .*'K\u00e4se'"):
        label_map.read(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_label_map_from_any_editor_is_read(path, encoding, end):
    text = "# cups\nitem {\n  id: 1\n  name: 'K\u00e4se 杯'\n}\n"
    path.write_bytes(text.replace("\n", end).encode(encoding))
    assert label_map.read(path) == {1: "K\u00e4se 杯"}


@pytest.mark.parametrize(
    "text",
    [
        "item { name: 'cup' id: 1 }",
        "item {\n  id: 1\n  name: 'cup'\n}",
        '# the cups\nitem { # one\n name: "cup" # its name\n id: 1\n}\n',
        "item: < id: 1, name: 'cup'; >",
        'item { name: "c" "up" id: 0x1 }',
        "\r\nitem {\r\n  name: 'cup'\r\n  id: 1\r\n}\r\n",
        'item { name: "cup" id: 1 keypoints { id: 3 label: "handle" } frequency: RARE lvis_id: 7 }',
        'item { name: "cup" id: 1 display_name: "A cup" }',
        'item { name: "/m/02jvh9" id: 1 display_name: "cup" }',
        'item { id: 1 display_name: "cup" }',
        'item { name: " " id: 1 display_name: "cup" }',
        'item { name: "cup" id: 1 display_name: "" }',
    ],
    ids=[
        "single quotes",
        "id first",
        "comments",
        "angles",
        "pieces",
        "Windows",
        "unknown fields",
        "named",
        "a code",
        "display name only",
        "display name and a space",
        "empty display name",
    ],
)
def test_any_label_map_that_protobuf_accepts_is_read(path, text):
    path.write_bytes(text.encode())
    assert label_map.read(path) == {1: "cup"}


def test_a_quoted_quote_and_an_escaped_letter_are_read(path):
    path.write_text(r"""item { name: 'it\'s "natural"' id: 1 } item { name: "\303\263l" id: 2 }""")
    assert label_map.read(path) == {1: 'it\'s "natural"', 2: "ól"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "item"),
        ("# nothing here", "item"),
        ("item { name: 'cup' }", "'cup' .*id 0"),
        ("item { name: 'cup' id: 0 }", "'cup' .*id 0"),
        ("item { name: 'cup' id: -1 }", "'cup' .*id -1"),
        ("item { name: 'cup' id: 1 } item { name: 'mug' id: 1 }", "'mug' .*id 1"),
        ("item { name: 'cup' id: 1 } item { name: 'cup' id: 2 }", "item 2 .*'cup'"),
        ("item { name: 'cup' id: 1 } item { name: 'cup ' id: 2 }", "item 2 .*'cup '"),
        ("item { id: 3 }", "item 3 .*''"),
        ("item { name: '  ' id: 3 }", "item 3 .*'  '"),
        ("item { name: '/m/02jvh9' id: 3 display_name: ' ' }", "item 3 .*' '"),
        ("item { name: 'cup' id: 'one' }", "1:"),
        ("item {\n  name: 'cup\n  id: 1\n}", "2:"),
        ("item {\n  name: 'cup'\n  id: 1\n", "item {"),
        ("name,id\ncup,1", "1:"),
        ("item { name: 'cup' id: 9999999999 }", "1:"),
        ("item { name: 'cup' id: 10001 }", "'cup' .*id 10001.*10000"),
        pytest.param("item { " + "keypoints { " * 5000 + "} " * 5001, "recursion", id="deep"),
    ],
)
def test_an_unusable_label_map_is_refused_with_its_path_and_the_problem(path, text, said):
    path.write_text(text)
    with pytest.raises(label_map.LabelMapError, match=said) as caught:
        label_map.read(path)
    assert str(caught.value).startswith(f"{path}: ")


@pytest.mark.parametrize("data", [b"\xff\xfe\x00item", "item { id: 1 name: '杯子' }".encode("gbk")])
def test_bytes_that_are_not_text_are_refused_with_the_path_and_what_to_do(path, data):
    path.write_bytes(data)
    with pytest.raises(label_map.LabelMapError, match="UTF-8") as caught:
        label_map.read(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_folder_is_not_a_label_map(path):
    path.mkdir()
    with pytest.raises(label_map.LabelMapError, match=r"label_map\.pbtxt: .*item {"):
        label_map.read(path)


def test_a_missing_label_map_is_refused_with_its_path(path):
    with pytest.raises(label_map.LabelMapError, match=r"label_map\.pbtxt: "):
        label_map.read(path)


@pytest.mark.parametrize(
    "names",
    [
        {}, {0: "background"}, {-1: "cup"}, {10_001: "cup"}, {2**31: "cup"}, {1: ""}, {1: " "}, {1: "cup", 2: "cup"},
        {1: "\ud800"},
    ],
)  # fmt: skip
def test_a_label_map_that_could_not_be_read_is_not_written(path, names):
    with pytest.raises(label_map.LabelMapError):
        label_map.write(names, path)
    assert not path.exists()


def test_coco_has_80_classes_under_ids_from_1_to_90_with_ten_gaps():
    names = label_map.coco()
    assert len(names) == 80
    assert set(range(1, 91)) - set(names) == {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
    assert (names[1], names[44], names[47], names[90]) == ("person", "bottle", "cup", "toothbrush")

"""Files that are XML or claim to be, in any encoding."""

import codecs
import re
import sys

import pytest

from workshop_utils.data import xml_file
from workshop_utils.data.annotation import VocError
from workshop_utils.data.finding_kinds import Kind


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cup.xml"


def name_in(data: bytes, path) -> str:
    path.write_bytes(data)
    root, respelt = xml_file.read(path)
    assert respelt == []
    return root.findtext("name") or ""


@pytest.mark.parametrize(
    ("codec", "declared", "name"),
    [
        ("utf-8", "utf-8", "Käse 杯"),
        ("utf-8", "", "Käse 杯"),
        ("utf-8", "no-such-code", "Käse 杯"),
        ("utf-8", "utf-16", "Käse 杯"),
        ("utf-8", "UTF8", "Käse 杯"),
        ("gb2312", "gb2312", "杯子"),
        ("gbk", "GBK", "杯镕"),
        ("gb18030", "gb2312", "杯镕"),
        ("shift_jis", "Shift_JIS", "カップ"),
        ("euc-kr", "EUC-KR", "컵"),
        ("big5", "Big5", "杯子"),
        ("windows-1250", "windows-1250", "žlutá"),
        ("cp1252", "windows-1252", "Tässe"),
        ("latin-1", "iso-8859-1", "Tässe"),
        ("utf-16", "utf-16", "Käse 杯"),
        ("utf-8-sig", "utf-8", "Käse 杯"),
        ("utf-8-sig", "windows-1252", "Käse 杯"),
    ],
)
@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_declared_or_marked_encoding_is_read(codec, declared, name, quote, path):
    head = f"<?xml version={quote}1.0{quote} encoding={quote}{declared}{quote} ?>\r\n" if declared else ""
    assert name_in(f"{head}<annotation><name>{name}</name></annotation>".encode(codec), path) == name


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b""])
def test_utf_16_in_either_order_is_read(mark, path):
    codec = "utf-16-be" if mark == codecs.BOM_UTF16_BE else "utf-16-le"
    text = '<?xml version="1.0" encoding="UTF-16"?><annotation><name>杯</name></annotation>'
    assert name_in(mark + text.encode(codec), path) == "杯"


@pytest.mark.parametrize("before", ["\n", " \r\n\t", "\ufeff", "\ufeff\n"])
def test_blank_lines_and_a_mark_before_the_declaration_are_accepted(before, path):
    text = before + '<?xml version="1.0" encoding="utf-8"?>\n<annotation><name>杯</name></annotation>'
    assert name_in(text.encode(), path) == "杯"


@pytest.mark.parametrize("before", ["\n", " \r\n\t"])
def test_blank_lines_before_the_declaration_do_not_hide_its_encoding(before, path):
    text = before + '<?xml version="1.0" encoding="gbk"?>\n<annotation><name>杯镕</name></annotation>'
    assert name_in(text.encode("gbk"), path) == "杯镕"


@pytest.mark.parametrize("data", ["<annotation>杯</annotation>".encode("gbk"), b"<annotation>\xff</annotation>"])
def test_the_remedy_for_an_unknown_encoding_is_to_save_the_file_as_utf_8(data, path):
    path.write_bytes(data)
    with pytest.raises(VocError, match="UTF-8") as caught:
        xml_file.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert caught.value.kind is Kind.BROKEN_XML


BROKEN = {
    "an ampersand": [
        "<annotation><name>M&M</name></annotation>",
        "<annotation><name>salt & pepper</name></annotation>",
        "<annotation>\n<name>M&</name></annotation>",
        "<annotation>\n<name>käse&käse</name></annotation>",
    ],
    "a slip": [
        "<annotation><name>&amp;</nom></annotation>",
        "<annotation><name>a < b</name></annotation>",
        "<annotation></object></annotation>",
        "<annotation/>\n</annotation>",
    ],
    "cut off": ["", "\n \n", "<annotation>", "<annotation><object><name>cup", "cup"],
}


def test_the_remedy_for_broken_xml_fits_the_problem(path):
    remedies = {}
    for name, texts in BROKEN.items():
        for text in texts:
            path.write_text(text, encoding="utf-8")
            with pytest.raises(VocError) as caught:
                xml_file.read(path)
            what, _, remedy = str(caught.value).partition("). ")
            assert what.startswith(f"{path}: ") and re.search(r"line \d+, column \d+", what)
            remedies.setdefault(name, set()).add(remedy)
    assert [len(each) for each in remedies.values()] == [1, 1, 1] and len(set.union(*remedies.values())) == 3
    assert "&amp;" in min(remedies["an ampersand"])


def test_a_missing_file_and_an_unreadable_one_are_reported_as_such(path, monkeypatch):
    with pytest.raises(VocError, match=rf"^{re.escape(str(path))}: ") as absent:
        xml_file.read(path)
    path.write_text("<annotation/>")

    def denied(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "read_bytes", denied)
    with pytest.raises(VocError, match=rf"^{re.escape(str(path))}: ") as caught:
        xml_file.read(path)
    assert (absent.value.kind, caught.value.kind) == (Kind.BROKEN_XML, Kind.DENIED)


def test_a_folder_is_not_an_annotation(path):
    path.mkdir()
    with pytest.raises(VocError, match=r"cup\.xml: "):
        xml_file.read(path)


@pytest.mark.parametrize("depth", [xml_file.MAX_DEPTH, xml_file.MAX_DEPTH + 1, 300_000])
def test_elements_nested_too_deeply_are_refused(depth, path):
    path.write_text("<a>" * depth + "</a>" * depth)
    if depth <= xml_file.MAX_DEPTH:
        assert xml_file.read(path)[0].tag == "a"
    else:
        assert depth < 1000 or depth > sys.getrecursionlimit()
        with pytest.raises(VocError, match=rf"cup\.xml: .*\b{xml_file.MAX_DEPTH + 1}\b"):
            xml_file.read(path)


def test_a_file_of_the_largest_allowed_size_is_read(path):
    path.write_bytes(b"<annotation>" + b" " * (xml_file.MAX_BYTES - 25) + b"</annotation>")
    assert path.stat().st_size == xml_file.MAX_BYTES
    assert xml_file.read(path)[0].tag == "annotation"
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(VocError, match=r"cup\.xml: .*\b10 MB"):
        xml_file.read(path)


@pytest.mark.parametrize(
    ("text", "respelt"),
    [
        ("<annotation><object/></annotation>", []),
        ("<annotation><Object/><Object/><bndBox/></annotation>", ["Object", "bndBox"]),
        ('<a:Annotation xmlns:a="http://a"><a:object/></a:Annotation>', ["Annotation", "object"]),
        ('<annotation xmlns="http://a"><object/></annotation>', ["annotation", "object"]),
    ],
)
def test_tags_in_capitals_and_namespaces_are_normalised_and_named(text, respelt, path):
    path.write_text(text)
    root, found = xml_file.read(path)
    assert found == respelt
    assert root.tag == "annotation" and {each.tag for each in root} <= {"object", "bndbox"}

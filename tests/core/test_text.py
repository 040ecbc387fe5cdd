import codecs

import hypothesis
import hypothesis.strategies as st
import pytest

from workshop_utils.core import text

LINES = "p0001.jpg\nKäse 杯子.jpg\n"


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE),
        ("utf-32-be", codecs.BOM_UTF32_BE),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_text_file_from_notepad_excel_or_powershell_reads_like_one_from_unix(encoding, mark, end, tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes(mark + LINES.replace("\n", end).encode(encoding))
    assert text.read(path) == LINES


@pytest.mark.parametrize("data", [b"K\xe4se.jpg", "杯子".encode("gbk"), codecs.BOM_UTF8 + b"\xff", b"\xff\xfe\x00"])
def test_bytes_whose_encoding_cannot_be_recognised_are_refused_with_the_path_and_what_to_do(data, tmp_path):
    path = tmp_path / "list.txt"
    path.write_bytes(data)
    with pytest.raises(text.EncodingError, match="UTF-8") as caught:
        text.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    with pytest.raises(text.EncodingError) as caught:
        text.decode(data)
    assert not str(caught.value).startswith(str(path))


def test_a_missing_text_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        text.read(tmp_path / "list.txt")


@pytest.mark.parametrize(
    ("encoding", "declared", "words"),
    [
        ("gb2312", "gb2312", "杯子"),
        ("gbk", "GB2312", "杯镕"),  # only GBK has the second character
        ("gbk", "gbk", "杯子"),
        ("shift_jis", "Shift_JIS", "カップ"),
        ("cp932", "shift_jis", "カップ①"),  # only Microsoft's version has the circled digit
        ("cp949", "euc-kr", "컵뷁"),
        ("big5", "Big5", "杯子"),
        ("cp950", "big5", "杯€"),
        ("windows-1250", "windows-1250", "žlutá"),
        ("latin-1", "ISO-8859-1", "Käse"),
        ("utf-8", None, "Käse"),
        ("utf-8", "utf-8", "Käse"),
        ("utf-8", "no-such-code", "Käse"),
        ("utf-8", "rot13", "Käse"),
        ("utf-8", "idna", "Käse"),
        ("utf-8", "unicode_escape", "Käse\\n"),
        ("utf-8", "utf-16", "even"),
        ("utf-8", "cp037", "Käse"),
        ("utf-8", "gb\0k", "Käse"),
        ("utf-8", "ascii", "Käse"),
    ],
)
def test_a_declared_encoding_is_used_if_it_fits_and_utf_8_otherwise(encoding, declared, words):
    assert text.decode(words.encode(encoding), declared) == words


def test_a_byte_order_mark_overrides_the_declared_encoding():
    assert text.decode(codecs.BOM_UTF8 + "Käse".encode(), "latin-1") == "Käse"
    assert text.decode(codecs.BOM_UTF16_LE + "Käse".encode("utf-16-le"), "latin-1") == "Käse"


@hypothesis.given(st.text(st.characters(exclude_characters="\r\0\ufeff", exclude_categories=["Cs"])))
def test_any_text_written_as_utf_8_is_read_back(words):
    assert text.decode(words.encode()) == words
    assert text.decode(codecs.BOM_UTF16_BE + words.encode("utf-16-be")) == words

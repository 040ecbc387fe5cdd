"""Decode text from other programs, with any common encoding, byte order mark and line ends."""

import codecs
import pathlib

from workshop_utils.core.errors import WorkshopError

MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""{byte order mark: encoding}. Notepad, Excel and PowerShell write these marks."""

WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "big5": "cp950"}
"""{declared encoding: larger encoding that is often used under that name}. Browsers do the same
(encoding.spec.whatwg.org)."""

NO_CHARSETS = ("idna", "unicode-escape", "raw-unicode-escape")
"""Python codecs that decode ASCII but are not character sets. The first would take minutes for a large file."""


class EncodingError(WorkshopError, ValueError):
    """Text in an unknown encoding. The message says what to do."""


def read(path: str | pathlib.Path) -> str:
    """Return the content of a text file, with newlines as line ends and without a byte order mark.

    Raises:
        EncodingError: If the text is not UTF-8 and has no mark for UTF-16 or UTF-32. The message begins with the path.
        OSError: If the file cannot be read.
    """
    try:
        return decode(pathlib.Path(path).read_bytes())
    except EncodingError as error:
        raise EncodingError(f"{path}: {error}") from None


def decode(data: bytes, declared: str | None = None) -> str:
    """Decode text, with newlines as line ends.

    Args:
        data: The encoded text.
        declared: The encoding that the text declares, as in an XML declaration. A byte order mark overrides it; if it
            does not fit, UTF-8 is tried.

    Raises:
        EncodingError: If no encoding fits.
    """
    mark = next((mark for mark in MARKS if data.startswith(mark)), b"")
    candidates = [MARKS[mark]] if mark else [*_unmarked(data), *_declared(declared), "utf-8"]
    for encoding in candidates:
        try:
            text = data[len(mark) :].decode(encoding)
        except UnicodeError:
            continue
        return text.replace("\r\n", "\n").replace("\r", "\n")
    raise EncodingError("is not text in UTF-8. Open it in a text editor, and save it as UTF-8.")


def _unmarked(data: bytes) -> list[str]:
    """Return UTF-16 for text that has a zero byte before or after its first character."""
    return ["utf-16-be"] if data[:1] == b"\0" else ["utf-16-le"] if data[1:2] == b"\0" else []


def _declared(name: str | None) -> list[str]:
    """Return the encoding with this name, if Python has it, and the larger one that includes it.

    UTF-16 and EBCDIC are excluded: a declaration that is readable as ASCII cannot be in them.
    """
    try:
        codec = codecs.lookup(name or "utf-8").name
        if codec in NO_CHARSETS or b"<?xml".decode(codec) != "<?xml":
            return []
    except (ValueError, LookupError):
        return []
    return [codec, *filter(None, [WIDER.get(codec)])]

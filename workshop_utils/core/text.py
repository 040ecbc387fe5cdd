"""Text that other programs wrote: whatever its encoding, its byte order mark and its line ends."""

import codecs
import pathlib

from workshop_utils.core.errors import WorkshopError

MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # begins with UTF-16's mark, so it comes before that
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""Byte order marks, and the encodings that they announce. Notepad, Excel and PowerShell write them."""

WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "big5": "cp950"}
"""What a file that declares the narrower encoding is often written in; browsers read it so (whatwg.org/encoding)."""

NO_CHARSETS = ("idna", "unicode-escape", "raw-unicode-escape")
"""Codecs of Python's that read ASCII and are no character set; the first would take minutes for a large file."""


class EncodingError(WorkshopError, ValueError):
    """Text in an encoding that cannot be recognised; the message says what to do."""


def read(path: pathlib.Path) -> str:
    """Return a text file's content, its line ends as newlines, without a byte order mark.

    Raises EncodingError, with the path, where it is neither UTF-8 nor marked as UTF-16 or UTF-32; OSError where it
    cannot be read.
    """
    try:
        return decode(pathlib.Path(path).read_bytes())
    except EncodingError as error:
        raise EncodingError(f"{path}: {error}") from None


def decode(data: bytes, declared: str | None = None) -> str:
    """Return text from its bytes, its line ends as newlines.

    A byte order mark decides; without one, the encoding that the text itself has `declared` in ASCII, where it fits;
    else UTF-8. Raises EncodingError.
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
    """Return UTF-16 for text that begins with a zero byte before or after its first letter."""
    return ["utf-16-be"] if data[:1] == b"\0" else ["utf-16-le"] if data[1:2] == b"\0" else []


def _declared(name: str | None) -> list[str]:
    """Return the encoding of that name and the one that includes it, as far as Python has them.

    A declaration that could be read as ASCII is wrong about UTF-16 or EBCDIC, so those are left out.
    """
    try:
        codec = codecs.lookup(name or "utf-8").name
        if codec in NO_CHARSETS or b"<?xml".decode(codec) != "<?xml":
            return []
    except (ValueError, LookupError):
        return []
    return [codec, *filter(None, [WIDER.get(codec)])]

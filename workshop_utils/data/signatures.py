"""Recognise files that are not readable photos by their first bytes, so that a message can say what to do."""

from PIL import features

from workshop_utils.data import heif
from workshop_utils.data.finding_kinds import Kind

AVIF = (b"avif", b"avis")
"""The brands of AVIF."""

FILM = "is a video. Save single frames of it as JPEG."
AS_JPEG = "Export it as JPEG."
INSTALL = f"To read it, install pi-heif: `pip install pi-heif`. {AS_JPEG[:-1]} otherwise."
UPDATE = f"To read it, update Pillow: `pip install --upgrade pillow`. {AS_JPEG[:-1]} otherwise."

MAGIC_BYTES = {
    b"\xff\x0a": (Kind.FOREIGN_FORMAT, f"is JPEG XL. {AS_JPEG}"),
    b"\0\0\0\x0cJXL ": (Kind.FOREIGN_FORMAT, f"is JPEG XL. {AS_JPEG}"),
    b"\0\0\0\x0cjP  ": (Kind.FOREIGN_FORMAT, f"is JPEG 2000. {AS_JPEG}"),
    b"8BPS": (Kind.FOREIGN_FORMAT, f"is a Photoshop file. {AS_JPEG}"),
    b"%PDF": (Kind.FOREIGN_FORMAT, f"is a PDF. {AS_JPEG}"),
    b"\x1aE\xdf\xa3": (Kind.FOREIGN_FORMAT, FILM),
    b"\0\0\x01\xba": (Kind.FOREIGN_FORMAT, FILM),
    b"version https://git-lfs": (Kind.BROKEN_PHOTO, "is a Git LFS pointer, not the photo itself. Run `git lfs pull`."),
}
"""{how a file begins: kind of finding, sentence}."""


def recognise(first_bytes: bytes) -> tuple[Kind, str] | None:
    """Return a kind of finding and a sentence without the file's name, or None if the bytes are unknown or
    those of a photo that can be read."""
    if first_bytes[4:8] == b"ftyp":
        if first_bytes[8:12] in AVIF:
            return None if features.check("avif") else (Kind.FOREIGN_FORMAT, f"is AVIF. {UPDATE}")
        if first_bytes[8:12] in heif.BRANDS:
            return None if heif.is_available() else (Kind.FOREIGN_FORMAT, f"is HEIC. {INSTALL}")
        is_raw = first_bytes[8:12] == b"crx "
        return Kind.FOREIGN_FORMAT, f"is in a camera's raw format. {AS_JPEG}" if is_raw else FILM
    if first_bytes[:4] == b"RIFF" and first_bytes[8:12] == b"AVI ":
        return Kind.FOREIGN_FORMAT, FILM
    if first_bytes.lstrip()[:1] == b"<":
        return Kind.BROKEN_PHOTO, "is a web page or XML, not a photo. Download the photo itself, or remove it."
    return next((finding for start, finding in MAGIC_BYTES.items() if first_bytes.startswith(start)), None)

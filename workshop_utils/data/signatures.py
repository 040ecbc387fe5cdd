"""What a file is that is no photo the workshop reads, by its first bytes: so a message can say what to do."""

from workshop_utils.data.finding_kinds import Kind

HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")
"""The brands of HEIC and AVIF. Other files that begin alike are films, or Canon's raw photos."""

FILM = "is a film. Save single frames of it as JPEG."
AS_JPEG = "Export it as JPEG."

BEGINNINGS = {
    b"\xff\x0a": (Kind.FOREIGN_FORMAT, f"is JPEG XL. {AS_JPEG}"),
    b"\0\0\0\x0cJXL ": (Kind.FOREIGN_FORMAT, f"is JPEG XL. {AS_JPEG}"),
    b"\0\0\0\x0cjP  ": (Kind.FOREIGN_FORMAT, f"is JPEG 2000. {AS_JPEG}"),
    b"8BPS": (Kind.FOREIGN_FORMAT, f"is Photoshop's. {AS_JPEG}"),
    b"%PDF": (Kind.FOREIGN_FORMAT, f"is a PDF. {AS_JPEG}"),
    b"\x1aE\xdf\xa3": (Kind.FOREIGN_FORMAT, FILM),
    b"\0\0\x01\xba": (Kind.FOREIGN_FORMAT, FILM),
    b"version https://git-lfs": (Kind.BROKEN_PHOTO, "is only Git LFS's pointer to a photo. Run `git lfs pull`."),
}
"""How files begin, and what to say of them."""


def recognise(beginning: bytes) -> tuple[Kind, str] | None:
    """Return a kind of finding and a sentence without the file's name; None where the bytes are of nothing known."""
    if beginning[4:8] == b"ftyp":
        if beginning[8:12] in HEIF:
            return Kind.FOREIGN_FORMAT, f"is HEIC or AVIF. {AS_JPEG}"
        is_raw = beginning[8:12] == b"crx "
        return Kind.FOREIGN_FORMAT, f"is a camera's raw format. {AS_JPEG}" if is_raw else FILM
    if beginning[:4] == b"RIFF" and beginning[8:12] == b"AVI ":
        return Kind.FOREIGN_FORMAT, FILM
    if beginning.lstrip()[:1] == b"<":
        return Kind.BROKEN_PHOTO, "is a web page or XML, not a photo. Download the photo itself, or take it out."
    return next((said for start, said in BEGINNINGS.items() if beginning.startswith(start)), None)

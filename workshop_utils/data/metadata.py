"""Read EXIF's orientation from a photo's metadata, and remove the metadata.

Cameras and programs write metadata in many broken ways, and libraries that parse all of it fail on them. The
orientation is read as browsers do it: one 16-bit number with tag 0x0112 in the first directory (EXIF 2.32, 4.6.2).
"""

import struct

ORIENTATION = 0x0112
SHORT = 3
"""EXIF's code for a 16-bit number."""

HEADER = b"Exif\0\0"
PNG = b"\x89PNG\r\n\x1a\n"


def orientation(exif: bytes) -> int | None:
    """Return EXIF's orientation: 1 if it is missing or invalid, None if it cannot be read."""
    while exif.startswith(HEADER):
        exif = exif[len(HEADER) :]
    if not exif:
        return 1
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return None
    try:
        (start,) = struct.unpack_from(f"{order}L", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, values, value = struct.unpack_from(f"{order}HHLH", exif, entry)
            if tag == ORIENTATION:
                readable = (kind, values) == (SHORT, 1)
                return (value if 1 <= value <= 8 else 1) if readable else None
    except struct.error:
        return None
    return 1


def split(encoded: bytes) -> tuple[bytes, bytes] | None:
    """Return a JPEG or PNG file without its metadata, and its EXIF. Return None for other and for truncated files."""
    parts = _jpeg_parts if encoded.startswith(b"\xff\xd8") else _png_parts if encoded.startswith(PNG) else None
    try:
        kept, exif = parts(encoded) if parts else ([], b"")
    except (struct.error, IndexError):
        return None
    return (b"".join(kept), exif) if kept else None


def _jpeg_parts(encoded: bytes) -> tuple[list[bytes], bytes]:
    """Return a JPEG's segments without application data and comments, and its EXIF.

    Adobe's segment stays: it says how the colours are encoded. The pixels follow the start of scan (0xDA).
    """
    kept, exif, place = [encoded[:2]], b"", 2
    while True:
        while encoded[place + 1] == 0xFF:  # padding before a marker
            place += 1
        marker, (length,) = encoded[place + 1], struct.unpack_from(">H", encoded, place + 2)
        if encoded[place] != 0xFF or length < 2:
            raise IndexError
        segment = encoded[place : place + 2 + length]
        if marker == 0xDA:
            return [*kept, encoded[place:]], exif
        if marker == 0xE1 and segment[4:].startswith(HEADER):
            exif += segment[4 + len(HEADER) * bool(exif) :]
        is_adobe = marker == 0xEE and segment[4:].startswith(b"Adobe") and length >= 14
        if is_adobe or not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            kept.append(segment)
        place += 2 + length


def _png_parts(encoded: bytes) -> tuple[list[bytes], bytes]:
    """Return the chunks that a PNG's pixels need (tRNS and those that begin with a capital letter), and its EXIF."""
    kept, exif, place = [PNG], b"", len(PNG)
    while place < len(encoded):
        length, name = struct.unpack_from(">L4s", encoded, place)
        chunk = encoded[place : place + 12 + length]
        if name == b"eXIf":
            exif = chunk[8:-4]
        if name[:1].isupper() or name == b"tRNS":
            kept.append(chunk)
        place += 12 + length
    return kept, exif

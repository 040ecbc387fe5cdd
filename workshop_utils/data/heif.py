"""Decode HEIC photos, as iPhones take them, with pi-heif if it is installed (the extra `heic`)."""

# pi_heif has no type stubs.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
import io
import struct
from typing import Any

from PIL import Image

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
"""The brands with which HEIC files begin (ISO/IEC 23008-12, annex B). Videos and raw photos have others."""

ROTATIONS = (b"irot", b"imir")
"""The boxes in which a HEIC file says how it was rotated or mirrored; the decoder applies them."""

try:
    import pi_heif
except ImportError:
    pi_heif = None


def is_heif(first_bytes: bytes) -> bool:
    """Return whether a file is HEIC, by its first 32 bytes or more. AVIF can begin in the same way."""
    length = int.from_bytes(first_bytes[:4], "big")
    brands = first_bytes[8:12] + first_bytes[16 : min(length, 32)]
    return first_bytes[4:8] == b"ftyp" and first_bytes[8:12] in BRANDS and b"avif" not in brands


def is_available() -> bool:
    """Return whether pi-heif is installed."""
    return pi_heif is not None


def decode(encoded: bytes, most_pixels: int) -> tuple[Image.Image, bytes]:
    """Return the main photo of a HEIC file, with 8 bits per channel, and its EXIF.

    The EXIF is empty if the file itself says how it is rotated: then the photo is upright, and EXIF repeats what was
    done (ISO/IEC 23008-12, A.2.4).

    A photo of 12 megapixels needs 120 MB while it is decoded, a JPEG 55 MB (measured with pi-heif 1.4).

    Args:
        encoded: The file's bytes.
        most_pixels: Photos with more pixels are not decoded.

    Raises:
        Image.DecompressionBombError: If the photo has too many pixels.
        Exception: Whatever pi-heif raises for a damaged file.
    """
    assert pi_heif is not None  # `is_available` says so
    opened: Any = pi_heif.open_heif(io.BytesIO(encoded), convert_hdr_to_8bit=True)
    found = opened[opened.primary_index]
    if found.size[0] * found.size[1] > most_pixels:
        raise Image.DecompressionBombError
    image = Image.frombytes(found.mode, found.size, bytes(found.data), "raw", found.mode, found.stride)
    if found.size[0] * found.size[1] > most_pixels:  # the size is corrected while decoding
        raise Image.DecompressionBombError
    exif = found.info.get("exif") or b""
    return image, b"" if any(box in _meta(encoded) for box in ROTATIONS) else exif


def _meta(encoded: bytes) -> bytes:
    """Return the box of a HEIC file that describes its images, without the box that has their pixels."""
    place = 0
    while place + 8 <= len(encoded):
        length, name = struct.unpack_from(">L4s", encoded, place)
        if length == 1 and place + 16 <= len(encoded):
            (length,) = struct.unpack_from(">Q", encoded, place + 8)
        if name == b"meta":
            return encoded[place : place + length] if length else encoded[place:]
        if length < 8:
            break
        place += length
    return b""

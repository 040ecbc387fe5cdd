"""HEIC photos are read as phones take them, upright and within the limits of other photos."""

import io
import struct

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from workshop_utils.data import heif, photos
from workshop_utils.data.finding_kinds import Kind

pillow_heif.register_heif_opener()  # to write HEIC

CORNERS = np.array([[0, 255], [120, 60]], np.uint8)
"""The grey of each corner of the upright photo."""

UPRIGHT = Image.fromarray(np.kron(CORNERS, np.ones((40, 80), np.uint8))).convert("RGB")

STORED = {orientation: UPRIGHT.transpose(how) for orientation, how in (
    (1, Image.Transpose.ROTATE_180), (3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_90),
    (8, Image.Transpose.ROTATE_270))} | {1: UPRIGHT}  # fmt: skip
"""{orientation: how a phone's sensor stores the upright photo}."""


def heic(image: Image.Image, orientation: int = 1, kind: str = "HEIF") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    image.save(stream, kind, exif=exif, quality=95)
    return stream.getvalue()


def corners(image: Image.Image) -> np.ndarray:
    grey = np.asarray(image.convert("L"), int)
    return grey[[[5, 5], [-5, -5]], [[5, -5], [5, -5]]]


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
@pytest.mark.parametrize("orientation", STORED)
def test_a_photo_is_upright_as_its_exif_says(orientation, kind):
    found = photos.decode(heic(STORED[orientation], orientation, kind))
    assert (found.format, found.image.mode, found.image.size) == (kind, "RGB", UPRIGHT.size)
    np.testing.assert_allclose(corners(found.image), CORNERS, atol=6)


def as_phones_write(encoded: bytes, *transforms: tuple[bytes, int]) -> bytes:
    """Return a HEIC file whose photo also has these boxes, each with one byte, in the order in which they apply.

    pillow-heif cannot write them. The layout of the boxes is in ISO/IEC 14496-12, 8.11, and 23008-12, 6.5.
    """
    boxes = b"".join(struct.pack(">L4sB", 9, name, value) for name, value in transforms)
    data, added = bytearray(encoded), len(boxes) + len(transforms)

    def at(name: bytes) -> int:
        return data.index(name) - 4

    def grow(name: bytes, size: int) -> int:
        """Enlarge a box; return where it ended."""
        (length,) = struct.unpack_from(">L", data, at(name))
        struct.pack_into(">L", data, at(name), length + size)
        return at(name) + length

    (items,) = struct.unpack_from(">H", data, at(b"iloc") + 14)
    for item in range(items):
        place = at(b"iloc") + 16 + item * 18 + 4
        struct.pack_into(">L", data, place, struct.unpack_from(">L", data, place)[0] + added)
    properties = data[at(b"ipma") + 18]
    data[at(b"ipma") + 18] += len(transforms)
    for name, size in ((b"meta", added), (b"iprp", added)):
        grow(name, size)
    end = grow(b"ipma", len(transforms))
    data[end:end] = bytes(0x80 | (properties + number) for number in range(1, len(transforms) + 1))
    end = grow(b"ipco", len(boxes))
    data[end:end] = boxes
    return bytes(data)


ROTATED = {3: [(b"irot", 2)], 6: [(b"irot", 3)], 8: [(b"irot", 1)]}
"""{orientation: the box of an iPhone's photo}. The byte counts quarter turns anticlockwise."""


@pytest.mark.parametrize("orientation", ROTATED)
def test_an_iphones_photo_that_says_twice_how_it_is_rotated_is_rotated_once(orientation):
    data = as_phones_write(heic(STORED[orientation], orientation), *ROTATED[orientation])
    assert heif.decode(data, 10**6)[1] == b"" and heif.decode(heic(STORED[orientation], orientation), 10**6)[1]
    found = photos.decode(data)
    assert found.image.size == UPRIGHT.size
    np.testing.assert_allclose(corners(found.image), CORNERS, atol=6)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_photo_that_says_twice_how_it_is_mirrored_is_mirrored_once(axis):
    flip = (Image.Transpose.FLIP_TOP_BOTTOM, Image.Transpose.FLIP_LEFT_RIGHT)[axis]
    stored = heic(UPRIGHT.transpose(flip), (4, 2)[axis])
    np.testing.assert_allclose(corners(photos.decode(stored).image), CORNERS, atol=6)
    np.testing.assert_allclose(corners(photos.decode(as_phones_write(stored, (b"imir", axis))).image), CORNERS, atol=6)


def test_a_photo_that_is_rotated_and_mirrored_is_upright():
    stored = UPRIGHT.transpose(Image.Transpose.TRANSPOSE)
    data = as_phones_write(heic(stored, 5), (b"irot", 3), (b"imir", 1))
    np.testing.assert_allclose(corners(photos.decode(data).image), CORNERS, atol=6)


def test_a_photo_with_too_many_pixels_is_not_decoded(monkeypatch):
    monkeypatch.setattr(photos, "MAX_PIXELS", 160 * 80 - 1)
    with pytest.raises(photos.PhotoError) as caught:
        photos.read(heic(UPRIGHT), "IMG.HEIC")
    assert caught.value.kind is Kind.TOO_LARGE


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_photo_is_broken(share):
    data = heic(UPRIGHT)
    with pytest.raises(photos.PhotoError, match=r"^IMG\.HEIC: ") as caught:
        photos.read(data[: int(len(data) * share)], "IMG.HEIC")
    assert caught.value.kind is Kind.BROKEN_PHOTO


def test_only_heic_is_given_to_the_decoder():
    assert heif.is_heif(heic(UPRIGHT)[:32])
    for data in (heic(UPRIGHT, kind="AVIF"), b"\0\0\0\x18ftypmp42" + bytes(40), b"\xff\xd8\xff", b"",
                 b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf"):  # fmt: skip
        assert not heif.is_heif(data[:32])

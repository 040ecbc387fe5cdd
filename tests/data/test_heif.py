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


def test_a_photo_that_says_itself_how_it_is_rotated_is_not_rotated_again(monkeypatch):
    """iPhones store the rotation twice: as a box named irot, which the decoder applies, and in EXIF. pillow-heif writes
    EXIF only, so the box is added here where the decoder ignores it: as a free box in the description."""
    data = heic(STORED[6], 6)
    assert heif.decode(data, 10**6)[1]
    place = data.index(b"meta") - 4
    (length,) = struct.unpack_from(">L", data, place)
    free = struct.pack(">L4s4s", 12, b"free", b"irot")
    monkeypatch.setattr(heif, "_meta", lambda encoded: encoded[place : place + length] + free)
    assert heif.decode(data, 10**6)[1] == b""
    assert photos.decode(data).image.size == STORED[6].size


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

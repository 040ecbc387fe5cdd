import io
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import EpsImagePlugin, Image, ImageFile

from workshop_utils.core import settings
from workshop_utils.data import heif, photos, signatures
from workshop_utils.data.finding_kinds import Kind
from workshop_utils.model import preprocessing

PHOTO = settings.YOGHURT / "images" / "0001.jpg"


def noise(height, width):
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


# read


def test_a_photo_is_read_in_rgb_at_full_size():
    image = photos.read(PHOTO)
    assert (image.mode, image.size) == ("RGB", (512, 384))
    np.testing.assert_array_equal(image, Image.open(PHOTO))


def test_encoded_bytes_read_like_the_file_they_come_from():
    np.testing.assert_array_equal(photos.read(PHOTO.read_bytes()), photos.read(PHOTO))


# From the EXIF standard: the side of the upright photo at which the stored row 0 and column 0 are.
ORIENTATIONS = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_photo_is_turned_upright(orientation):
    upright = noise(4, 6)
    row, column = ORIENTATIONS[orientation]
    stored = upright.swapaxes(0, 1) if row in ("left", "right") else upright
    stored = stored[::-1] if row in ("bottom", "right") else stored
    stored = stored[:, ::-1] if column in ("bottom", "right") else stored
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(np.ascontiguousarray(stored)), "PNG", exif=exif)
    np.testing.assert_array_equal(photos.read(data), upright)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("P", "PNG"), ("RGBA", "PNG"), ("LA", "PNG"), ("L", "JPEG"), ("1", "PNG"), ("CMYK", "JPEG")],
)
def test_a_photo_of_any_mode_becomes_rgb_of_the_same_colour(mode, kind):
    plain = Image.new("RGB", (16, 16), (255, 255, 255))
    image = photos.read(encoded(plain.convert(mode), kind))
    assert image.mode == "RGB"
    np.testing.assert_array_equal(image, plain)


def test_the_levels_of_a_photo_of_16_bits_are_scaled_not_cut_off():
    levels = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257
    image = photos.read(encoded(Image.fromarray(levels), "PNG"))
    np.testing.assert_array_equal(np.asarray(image)[:, :, 0], levels // 257)
    assert image.mode == "RGB"


def test_transparent_becomes_white_and_half_transparent_becomes_paler():
    image = Image.new("RGBA", (3, 1), (200, 0, 0, 255))
    image.putpixel((1, 0), (200, 0, 0, 0))
    image.putpixel((2, 0), (200, 0, 0, 128))
    pixels = np.asarray(photos.read(encoded(image, "PNG")))[0].tolist()
    assert pixels[:2] == [[200, 0, 0], [255, 255, 255]]
    np.testing.assert_allclose(pixels[2], [227, 127, 127], atol=1)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_exif_orientation_that_does_not_exist_turns_nothing(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = photos.decode(encoded(Image.fromarray(noise(4, 6)), "PNG", exif=exif))
    np.testing.assert_array_equal(found.image, noise(4, 6))
    assert found.orientation == 1


@pytest.mark.parametrize(
    ("image", "kind", "colours"),
    [
        (Image.new("RGB", (4, 4)), "JPEG", "RGB"),
        (Image.new("RGB", (4, 4)), "WEBP", "RGB"),
        (Image.new("RGBA", (4, 4), (1, 2, 3, 255)), "PNG", "RGB"),
        (Image.new("RGBA", (4, 4), (1, 2, 3, 254)), "PNG", "transparent"),
        (Image.new("L", (4, 4)), "JPEG", "grey"),
        (Image.new("1", (4, 4)), "PNG", "black and white"),
        (Image.new("P", (4, 4)), "PNG", "palette-based"),
        (Image.new("CMYK", (4, 4)), "JPEG", "CMYK"),
        (Image.new("I;16", (4, 4)), "PNG", "grey with 16 bits per channel"),
    ],
)
def test_a_decoded_photo_describes_its_file(image, kind, colours):
    found = photos.decode(encoded(image, kind))
    assert (found.image.mode, found.format, found.colours, found.orientation) == ("RGB", kind, colours, 1)


def test_without_pi_heif_heic_is_refused_with_what_to_install_under_any_ending(tmp_path, monkeypatch):
    monkeypatch.setattr(heif, "pi_heif", None)
    path = tmp_path / "cup.jpg"
    path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    for source, name in ((path, None), (path.read_bytes(), "cup.jpg")):
        with pytest.raises(photos.PhotoError, match=r"cup\.jpg: .*HEIC.*pi-heif.*JPEG") as caught:
            photos.read(source, name)
        assert caught.value.kind is Kind.FOREIGN_FORMAT


@pytest.mark.parametrize(
    ("data", "said", "kind"),
    [
        (b"\0\0\0\x18ftypmp42", signatures.FILM, Kind.FOREIGN_FORMAT),
        (b"\0\0\0\x14ftypqt  ", signatures.FILM, Kind.FOREIGN_FORMAT),
        (b"RIFF\x20\0\0\0AVI LIST", signatures.FILM, Kind.FOREIGN_FORMAT),
        (b"\x1aE\xdf\xa3\x01", signatures.FILM, Kind.FOREIGN_FORMAT),
        (b"\0\0\x01\xba\x44", signatures.FILM, Kind.FOREIGN_FORMAT),
        (b"\0\0\0\x18ftypavif", r"cup\.jpg: ", Kind.BROKEN_PHOTO),
        (b"\0\0\0\x18ftypmif1", r"cup\.jpg: ", Kind.BROKEN_PHOTO),
        (b"\0\0\0\x18ftypheic", r"cup\.jpg: ", Kind.BROKEN_PHOTO),
        (b"\0\0\0\x18ftypcrx ", "raw", Kind.FOREIGN_FORMAT),
        (b"\xff\x0a\0", "JPEG XL", Kind.FOREIGN_FORMAT),
        (b"\0\0\0\x0cJXL \r\n", "JPEG XL", Kind.FOREIGN_FORMAT),
        (b"\0\0\0\x0cjP  \r\n", "JPEG 2000", Kind.FOREIGN_FORMAT),
        (b"8BPS\0\1", "Photoshop", Kind.FOREIGN_FORMAT),
        (b"%PDF-1.4", "PDF", Kind.FOREIGN_FORMAT),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull", Kind.BROKEN_PHOTO),
        (b" \n<!DOCTYPE html>", "XML", Kind.BROKEN_PHOTO),
        (b"RIFF\x20\0\0\0WAVE", r"cup\.jpg: ", Kind.BROKEN_PHOTO),
        (b"\0\0\0\x18fTYPheic", r"cup\.jpg: ", Kind.BROKEN_PHOTO),
    ],
)
def test_a_file_that_is_not_a_photo_is_reported_as_what_it_is(data, said, kind, tmp_path):
    path = tmp_path / "cup.jpg"
    path.write_bytes(data + bytes(40))
    for source, name in ((path, None), (path.read_bytes(), "cup.jpg")):
        with pytest.raises(photos.PhotoError, match=said) as caught:
            photos.decode(source, name)
        assert caught.value.kind is kind and str(caught.value).startswith(f"{name or path}: ")


@pytest.mark.parametrize("kind", ["GIF", "TIFF"])
def test_a_format_that_is_not_read_is_named_and_not_decoded(kind, monkeypatch):
    data = encoded(Image.new("RGB", (16, 16)), kind)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(photos.PhotoError, match=rf"^cup\.jpg: .*{kind}.*JPEG") as caught:
        photos.read(data, "cup.jpg")
    assert caught.value.kind is Kind.FOREIGN_FORMAT


@pytest.mark.parametrize("kind", ["EPS", "PPM", "ICO"])
def test_other_formats_that_pillow_knows_are_not_even_opened(kind, tmp_path, monkeypatch):
    """For EPS, Pillow would run Ghostscript on an untrusted file."""
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("Ghostscript was called"))
    path = tmp_path / "cup.jpg"
    path.write_bytes(encoded(Image.new("RGB", (16, 16)), kind))
    assert Image.open(path).format == kind
    for source in (path, path.read_bytes()):
        with pytest.raises(photos.PhotoError, match=r"^cup\.jpg: ") as caught:
            photos.read(source, "cup.jpg")
        assert caught.value.kind is Kind.BROKEN_PHOTO


def test_a_jpeg_followed_by_another_is_a_jpeg():
    first, second = Image.new("RGB", (16, 16), "red"), Image.new("RGB", (16, 16), "blue")
    data = encoded(first, "MPO", save_all=True, append_images=[second])
    assert Image.open(io.BytesIO(data)).format == "MPO"
    found = photos.decode(data)
    assert (found.format, found.colours) == ("JPEG", "RGB")
    np.testing.assert_allclose(found.image, first, atol=2)


def test_a_missing_photo_is_refused_with_its_path(tmp_path):
    with pytest.raises(photos.PhotoError, match=r"gone\.jpg: "):
        photos.read(tmp_path / "gone.jpg")


@pytest.mark.parametrize(
    "data",
    [b"", b"this is no photo", PHOTO.read_bytes()[:5000], b"\x89PNG\r\n\x1a\n" + bytes(40)],
    ids=["empty", "text", "truncated", "broken"],
)
def test_a_damaged_photo_is_refused_with_its_path_and_a_remedy(tmp_path, data):
    path = tmp_path / "cup.jpg"
    path.write_bytes(data)
    for source, name in ((path, None), (data, "cup.jpg")):
        with pytest.raises(photos.PhotoError) as caught:
            photos.read(source, name)
        assert caught.value.kind is Kind.BROKEN_PHOTO and str(caught.value).startswith(f"{name or path}: ")


def test_a_decompression_bomb_is_refused(monkeypatch):
    data = encoded(Image.new("RGB", (100, 100)), "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100 * 100 // 2 - 1)
    with pytest.raises(photos.PhotoError) as caught:
        photos.read(data)
    assert caught.value.kind is Kind.TOO_LARGE


def test_a_photo_with_too_many_pixels_is_refused_with_the_limit(monkeypatch):
    monkeypatch.setattr(photos, "MAX_PIXELS", 2_000_000)
    assert photos.read(encoded(Image.new("1", (2000, 1000)), "PNG")).size == (2000, 1000)
    with pytest.raises(photos.PhotoError, match=r"\b2 million ") as caught:
        photos.read(encoded(Image.new("1", (2000, 1001)), "PNG"))
    assert caught.value.kind is Kind.TOO_LARGE


def test_a_giant_file_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "cup.jpg"
    path.write_bytes(PHOTO.read_bytes())
    os.truncate(path, photos.MAX_BYTES)
    assert photos.read(path).size == (512, 384)
    os.truncate(path, photos.MAX_BYTES + 1)
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(photos.PhotoError, match=r"cup\.jpg: .*\b200 MB") as caught:
        photos.read(path)
    assert caught.value.kind is Kind.TOO_LARGE
    monkeypatch.setattr(photos, "MAX_BYTES", 1000)
    with pytest.raises(photos.PhotoError) as caught:
        photos.read(PHOTO.read_bytes())
    assert caught.value.kind is Kind.TOO_LARGE


PEAK = """
import pathlib, re, sys
from workshop_utils.data import inspection

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) * 1024

small, large = map(pathlib.Path, sys.argv[1:])
inspection.inspect_photo(small)
before = peak()
seen, _ = inspection.inspect_photo(large)
print((peak() - before) / (seen.size[0] * seen.size[1]))
"""
"""Reads two photos and prints the additional peak memory for the second one, in bytes per pixel."""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports this")
@pytest.mark.parametrize(
    ("mode", "colour", "orientation", "most"),
    [
        ("RGB", (9, 9, 9), 1, 5),
        ("RGB", (9, 9, 9), 6, 9),
        ("RGBA", (9, 9, 9, 255), 1, 9),
        ("RGBA", (9, 9, 9, 99), 1, 9),
        ("RGBA", (9, 9, 9, 99), 6, 9),
    ],
    ids=["RGB", "turned", "opaque", "transparent", "transparent and turned"],
)
def test_a_photo_is_never_copied_unnecessarily(tmp_path, mode, colour, orientation, most):
    exif = Image.Exif()
    exif[0x0112] = orientation
    paths = [tmp_path / "small.png", tmp_path / "large.png"]
    for path, size in zip(paths, ((40, 30), (4000, 3000)), strict=True):
        Image.new(mode, size, colour).save(path, compress_level=1, exif=exif)
    done = subprocess.run([sys.executable, "-c", PEAK, *paths], capture_output=True, text=True, check=True)
    assert 3 < float(done.stdout) < most


# find


def test_photos_are_found_sorted_with_endings_in_any_case(tmp_path):
    wanted = ["a.JPG", "b.jpeg", "c.Png", "d.webp", "e.bmp", "f.jpg", "g.jfif", "h.JPE", "i.pjpeg", "j.pjp"]
    for name in [*reversed(wanted), ".hidden.jpg", "notes.txt", "jpg", "cup.xml"]:
        (tmp_path / name).touch()
    assert photos.find(tmp_path) == [tmp_path / name for name in wanted]


def test_photos_are_found_in_the_same_order_on_every_system(monkeypatch):
    images = settings.YOGHURT / "images"
    expected = photos.find(images)
    iterdir = pathlib.Path.iterdir
    monkeypatch.setattr(pathlib.Path, "iterdir", lambda self: reversed(sorted(iterdir(self))))
    assert photos.find(images) == expected


@pytest.mark.parametrize("fault", [PermissionError(13, "Permission denied"), FileNotFoundError(2, "No such file")])
def test_a_folder_that_cannot_be_listed_is_named_with_the_reason(tmp_path, monkeypatch, fault):
    def refusing(folder):
        raise fault

    monkeypatch.setattr(pathlib.Path, "iterdir", refusing)
    with pytest.raises(photos.PhotoError, match=rf"{tmp_path.name}: .*{fault.strerror}"):
        photos.find(tmp_path)


# shrink, resize, to_input


def test_a_small_photo_does_not_change():
    pixels = noise(384, 512)
    np.testing.assert_array_equal(photos.shrink(Image.fromarray(pixels)), pixels)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1024, 768), (384, 512)), ((600, 1200), (512, 256)), ((5000, 1), (1, 512)), ((513, 513), (512, 512))],
)
def test_a_large_photo_is_shrunk_to_512_on_its_longer_side(size, expected):
    small = photos.shrink(Image.new("RGB", size, (10, 200, 30)))
    assert small.shape == (*expected, 3)
    assert small.dtype == np.uint8
    assert (small == (10, 200, 30)).all()


@pytest.mark.parametrize("shape", [(384, 512), (700, 350), (90, 120), (300, 301)])
def test_the_resize_rule_is_tensorflows_bilinear_with_antialias(shape):
    image = np.asarray(photos.read(PHOTO).resize(shape[::-1]))
    wanted = tf.image.resize(image, (300, 300), antialias=True).numpy()
    np.testing.assert_allclose(
        preprocessing.resize(image), wanted, atol=1.01
    )  # both passes are rounded to whole levels


def test_a_photo_of_the_detectors_size_does_not_change():
    image = noise(300, 300)
    np.testing.assert_array_equal(preprocessing.resize(image), image)


def test_a_window_shows_exactly_its_part_of_the_photo():
    rows, columns = np.mgrid[0:200, 0:400]
    image = np.stack([rows, columns / 2, np.zeros_like(rows)], axis=-1).astype(np.uint8)
    view = preprocessing.resize(image, (0.25, 0.5, 0.75, 1.0)).astype(float)
    places = (np.arange(300) + 0.5) / 300
    # a pixel's value is its index, and its centre is half a pixel further; the last column has no neighbour to mix with
    np.testing.assert_allclose(view[:, 150, 0], 50 + 100 * places - 0.5, atol=1.0)
    np.testing.assert_allclose(view[150, :290, 1], (200 + 200 * places[:290] - 0.5) / 2, atol=1.0)


def test_pixels_become_numbers_from_minus_one_to_one():
    values = preprocessing.to_input(np.array([0, 51, 255], np.uint8))
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, [-1.0, -0.6, 1.0], atol=1e-7)

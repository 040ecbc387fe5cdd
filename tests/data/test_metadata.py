"""The metadata in a photo's file."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile, PngImagePlugin

from workshop_utils.data import metadata, photos

NOISE = Image.fromarray(np.random.default_rng(7).integers(0, 256, (8, 12, 3), dtype=np.uint8))


def encoded(kind: str, image=NOISE, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def block(*entries, order="<", start=8, count=None) -> bytes:
    """Return EXIF with these entries, each a tag, a type, a count and the value of its last four bytes."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}L", start)
    table = b"".join(
        struct.pack(f"{order}HHL", *entry[:3]) + struct.pack(order + entry[3], *entry[4:]) for entry in entries
    )
    return head + struct.pack(f"{order}H", len(entries) if count is None else count) + table


def turn(value: int) -> tuple:
    return (0x0112, 3, 1, "HH", value, 0)


RESOLUTION = (0x011A, 10, 1, "L", 999)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("value", range(1, 9))
def test_an_orientation_is_read_in_either_byte_order_at_any_position(order, value):
    assert metadata.orientation(block(turn(value), order=order)) == value
    assert metadata.orientation(block(RESOLUTION, turn(value), RESOLUTION, order=order)) == value
    assert metadata.orientation(metadata.HEADER + block(turn(value), order=order)) == value
    assert metadata.orientation(metadata.HEADER * 2 + block(turn(value), order=order)) == value


def test_an_orientation_may_be_the_last_of_many_entries():
    assert metadata.orientation(block(*[RESOLUTION] * 30, turn(6))) == 6
    assert metadata.orientation(block(*[RESOLUTION] * 30, turn(6), count=30)) == 1, "it is not in the directory"


def test_a_directory_may_begin_anywhere():
    exif = block(turn(6))
    assert metadata.orientation(exif[:4] + struct.pack("<L", 12) + b"xxxx" + exif[8:]) == 6


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(value):
    assert metadata.orientation(block(turn(value))) == 1


@pytest.mark.parametrize("exif", [b"", metadata.HEADER, block(), block(RESOLUTION)])
def test_without_an_orientation_nothing_is_turned(exif):
    assert metadata.orientation(exif) == 1


@pytest.mark.parametrize(
    "exif",
    [
        b"II",
        b"II*\0",
        b"II*\0\x08\0\0\0",
        bytes(range(60)),
        b"II\0*" + block(turn(6))[4:],
        block(turn(6), start=2**32 - 1),
        block(turn(6))[:19],
        block(RESOLUTION, count=3),
        block((0x0112, 2, 2, "4s", b"6\0\0\0")),
        block((0x0112, 4, 1, "L", 6)),
        block((0x0112, 5, 1, "L", 26)),
        block((0x0112, 3, 2, "HH", 6, 0)),
        block((0x0112, 3, 0, "HH", 6, 0)),
    ],
)
def test_an_unreadable_orientation_differs_from_no_orientation(exif):
    assert metadata.orientation(exif) is None


def test_an_orientation_before_a_truncation_is_read():
    assert metadata.orientation(block(turn(6), count=65535)) == 6


# A file without its metadata


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">L", len(data)) + name + data + struct.pack(">L", zlib.crc32(name + data))


def split(data: bytes) -> tuple[bytes, bytes]:
    """Return what `metadata.split` does for a file that it can split."""
    found = metadata.split(data)
    assert found is not None
    return found


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(data)) + data


def in_jpeg(marker: int, data: bytes) -> bytes:
    plain = encoded("JPEG")
    return plain[:2] + segment(marker, data) + plain[2:]


def in_png(name: bytes, data: bytes) -> bytes:
    plain = encoded("PNG")
    return plain[:33] + chunk(name, data) + plain[33:]


@pytest.mark.parametrize("mode", ["RGB", "CMYK", "L"])
def test_a_jpeg_without_its_metadata_looks_the_same(mode):
    image = NOISE.convert(mode)
    data = encoded(
        "JPEG", image, exif=metadata.HEADER + block(turn(6)), comment=b"a cup", icc_profile=b"profile", progressive=True
    )
    bare, exif = split(data)
    assert exif == metadata.HEADER + block(turn(6))
    np.testing.assert_array_equal(Image.open(io.BytesIO(bare)), Image.open(io.BytesIO(data)))
    assert (b"Adobe" in bare) == (mode == "CMYK"), "it gives the coding of the colours"
    assert all(word in data and word not in bare for word in (b"Exif", b"a cup", b"profile"))
    assert b"JFIF" not in bare


@pytest.mark.parametrize("fill", [0, 1, 2, 3])
def test_fill_bytes_before_a_marker_and_exif_in_several_segments_are_understood(fill):
    data = encoded("JPEG")
    parts = [block(turn(6))[:12], block(turn(6))[12:]]
    segments = [struct.pack(">HH", 0xFFE1, 8 + len(part)) + metadata.HEADER + part for part in parts]
    bare, exif = split(data[:2] + b"\xff" * fill + b"".join(segments) + data[2:])
    assert exif == metadata.HEADER + block(turn(6)) and bare == split(data)[0]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_file_without_metadata_does_not_change(kind):
    bare, _ = split(encoded(kind))
    assert metadata.split(bare) == (bare, b"")
    assert bare[:2] + bare[-2:] == encoded(kind)[:2] + encoded(kind)[-2:]


@pytest.mark.parametrize("marker", [0x01, 0xC0, 0xC4, 0xD9, 0xDB, 0xDD, 0xDF, 0xF0, 0xFD])
@pytest.mark.parametrize("content", [b"", b"x", b"Adobe" + bytes(9)])
def test_a_segment_that_the_pixels_may_need_keeps_its_place(marker, content):
    plain, _ = split(encoded("JPEG"))
    assert metadata.split(in_jpeg(marker, content)) == (plain[:2] + segment(marker, content) + plain[2:], b"")


@pytest.mark.parametrize(("length", "kept"), [(11, False), (12, True), (13, True)])
def test_adobes_segment_is_kept_if_it_is_long_enough_to_give_the_colour_coding(length, kept):
    adobe = b"Adobe" + bytes(length - 5)
    bare, _ = split(in_jpeg(0xEE, adobe))
    assert (segment(0xEE, adobe) in bare) is kept
    assert adobe not in split(in_jpeg(0xED, adobe))[0], "it has its own marker"


@pytest.mark.parametrize("marker", [*range(0xE0, 0xF0), 0xFE])
def test_no_application_segment_is_kept_and_only_exifs_is_read_as_exif(marker):
    other = b"http://ns.adobe.com/xap/1.0/\0<x/>" if marker == 0xE1 else metadata.HEADER + block(turn(3))
    data = in_jpeg(marker, other)
    bare, exif = split(data[:2] + segment(0xE1, metadata.HEADER + block(turn(6))) + data[2:])
    assert exif == metadata.HEADER + block(turn(6)) and other not in bare


@pytest.mark.parametrize("mode", ["RGB", "P", "LA"])
def test_a_png_without_its_metadata_looks_the_same(mode):
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "a cup")
    image = NOISE.convert(mode)
    options = {"transparency": image.getpixel((0, 0))} if mode == "P" else {}
    data = encoded("PNG", image, exif=block(turn(6)), pnginfo=text, dpi=(72, 72), **options)
    bare, exif = split(data)
    assert exif == block(turn(6)) and b"a cup" in data and b"a cup" not in bare and b"pHYs" not in bare
    before, after = (Image.open(io.BytesIO(each)).convert("RGBA") for each in (data, bare))
    np.testing.assert_array_equal(before, after)
    assert (np.asarray(after)[..., 3] < 255).any() == (mode == "P"), "transparency is kept"


@pytest.mark.parametrize(("name", "kept"), [(b"QUUX", True), (b"QuUX", True), (b"quUX", False), (b"iCCP", False)])
def test_a_png_chunk_is_kept_if_its_first_letter_marks_it_as_critical(name, kept):
    plain = encoded("PNG")
    wanted = in_png(name, b"x") if kept else plain
    assert metadata.split(in_png(name, b"x")) == (wanted, b"")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no photo",
        encoded("BMP"),
        encoded("WEBP"),
        encoded("JPEG")[:3],
        encoded("JPEG")[:30],
        b"\xff\xd8\xff\xe1\0\0" + encoded("JPEG"),
        b"\xff\xd8\xff\xe1\0\1" + encoded("JPEG")[2:],
        b"\xff\xd8UU\0\2" + encoded("JPEG")[2:],
        b"\xff\xd8" + segment(0xFE, b"\xff") + b"\xe1\0\2" + encoded("JPEG")[2:],
        b"\xff\xd8" + encoded("PNG"),
        encoded("PNG")[:11],
    ],
)
def test_a_file_that_is_neither_or_is_truncated_is_not_split(data):
    assert metadata.split(data) is None


# Photos with broken metadata only


NEGATIVE = block(turn(6), (0x011A, 10, 1, "L", 38)) + bytes(4) + struct.pack("<ll", -1, 0)
BROKEN = {
    "a rational of -1 by 0": in_jpeg(0xE1, metadata.HEADER + NEGATIVE),
    "an offset before the file": in_jpeg(0xE1, metadata.HEADER + block(turn(6), (0x8769, 9, 1, "l", -5))),
    "an offset after the file": in_jpeg(0xE1, metadata.HEADER + block(turn(6), (0x8769, 4, 1, "L", 99999))),
    "numbers in place of text": in_jpeg(0xE1, metadata.HEADER + block(turn(6), (0x010F, 3, 2, "HH", 7, 8))),
    "PNG": in_png(b"eXIf", NEGATIVE),
    "JFIF that is truncated": in_jpeg(0xE1, metadata.HEADER + block(turn(6)))[:2] + b"\xff\xe0\0\x06JFIF"
    + in_jpeg(0xE1, metadata.HEADER + block(turn(6)))[2:],
    "Adobe's segment that is truncated": in_jpeg(0xE1, metadata.HEADER + block(turn(6)))[:2] + b"\xff\xee\0\x07Adobe"
    + in_jpeg(0xE1, metadata.HEADER + block(turn(6)))[2:],
    "a PNG's resolution that is truncated": in_png(b"pHYs", b"\0")[:33] + chunk(b"eXIf", block(turn(6)))
    + in_png(b"pHYs", b"\0")[33:],
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", BROKEN)
def test_a_photo_with_broken_metadata_is_used_with_its_orientation(name):
    found = photos.decode(BROKEN[name], "cup.jpg")
    plain = photos.read(encoded(found.format))
    assert found.orientation == 6
    np.testing.assert_array_equal(found.image, plain.transpose(Image.Transpose.ROTATE_270))
    assert (found.broken_metadata is not None) == ("truncated" in name)


def test_text_labelled_exif_is_not_an_orientation():
    text = PngImagePlugin.PngInfo()
    text.add_itxt("exif", "II*")
    found = photos.decode(encoded("PNG", pnginfo=text))
    assert (found.orientation, found.broken_metadata) == (1, None)


def test_an_unreadable_orientation_leaves_the_photo_as_stored_and_is_reported():
    data = encoded("PNG", exif=block((0x0112, 2, 2, "4s", b"6\0\0\0")))
    found = photos.decode(data)
    np.testing.assert_array_equal(found.image, NOISE)
    assert found.orientation == 1 and found.broken_metadata


@pytest.mark.parametrize("fault", [struct.error, TypeError, ZeroDivisionError, AttributeError, IndexError, KeyError])
def test_if_pillow_fails_on_an_intact_photo_it_is_read_without_its_metadata(fault, monkeypatch):
    load, data = ImageFile.ImageFile.load, encoded("JPEG", exif=metadata.HEADER + block(turn(8)))

    def failing(image):
        if "exif" in image.info:
            raise fault("broken")
        return load(image)

    monkeypatch.setattr(ImageFile.ImageFile, "load", failing)
    found = photos.decode(data)
    assert found.orientation == 8 and found.image.size == (8, 12) and found.broken_metadata


def test_running_out_of_memory_is_not_a_problem_of_the_photo(monkeypatch):
    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr(Image, "open", full)
    with pytest.raises(MemoryError):
        photos.decode(encoded("JPEG"))


@pytest.mark.parametrize("fault", [RuntimeError, struct.error, RecursionError])
def test_if_pillow_fails_on_the_pixels_the_photo_is_named(fault, monkeypatch, tmp_path):
    def failing(*_, **__):
        raise fault("something else")

    monkeypatch.setattr(Image, "open", failing)
    path = tmp_path / "cup.jpg"
    path.write_bytes(encoded("JPEG"))
    for source in (path, path.read_bytes()):
        with pytest.raises(photos.PhotoError, match=r"cup\.jpg: .*something else"):
            photos.decode(source, str(path))


def test_a_folder_named_like_a_photo_is_refused(tmp_path):
    with pytest.raises(photos.PhotoError, match=r"cup\.jpg: "):
        (tmp_path / "cup.jpg").mkdir()
        photos.decode(tmp_path / "cup.jpg")

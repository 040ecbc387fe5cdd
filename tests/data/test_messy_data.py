"""Each problem of hand-labelled data sets: how it is reported, and how training and the repaired copy handle it."""

import builtins
import dataclasses
import functools
import io
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import unicodedata
import zlib
from collections.abc import Callable

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from workshop_utils.cli import main
from workshop_utils.core import settings
from workshop_utils.data import annotation_repair, dataset, inspection, label_map, photos, repair, voc, xml_file
from workshop_utils.data.finding_kinds import Group, Kind, Outcome
from workshop_utils.model import anchors
from workshop_utils.training import batches

pytestmark = [  # pytest resets our filters
    pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning"),
    pytest.mark.filterwarnings("ignore:.*EXIF:UserWarning"),
]

pillow_heif.register_heif_opener()  # to write HEIC

SIZE = (64, 48)
CUP = voc.Box("cup", 10, 8, 40, 30)
LISTED = ("cup", "Grüner Tee 🍵", "Käse")
FORBIDDEN: set[str] = set()


# A clean data set


def picture(stem: str, size=SIZE) -> Image.Image:
    """Return a noisy photo, a different one for each stem. Its grains are as coarse as the blocks of a JPEG."""
    rng = np.random.default_rng(zlib.crc32(stem.encode()))
    return Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize(size, Image.Resampling.NEAREST)


def image_of(folder: pathlib.Path, stem: str) -> pathlib.Path:
    return folder / "images" / f"{stem}.jpg"


def xml_of(folder: pathlib.Path, stem: str) -> pathlib.Path:
    return folder / "annotations" / f"{stem}.xml"


def add_pair(folder: pathlib.Path, stem: str) -> None:
    """Add a photo with one cup and its annotation, as labelImg writes it."""
    picture(stem).save(image_of(folder, stem), quality=95)
    voc.write(voc.Annotation(f"{stem}.jpg", *SIZE, (CUP,)), xml_of(folder, stem))


@pytest.fixture
def clean(tmp_path) -> pathlib.Path:
    """A data set of three photos without problems."""
    return clean_in(tmp_path)


def clean_in(parent: pathlib.Path) -> pathlib.Path:
    """Write a data set of three photos without problems into a folder; return its path."""
    folder = parent / "cups"
    for part in ("images", "annotations"):
        (folder / part).mkdir(parents=True)
    for stem in ("first", "second", "third"):
        add_pair(folder, stem)
    return folder


@pytest.fixture(autouse=True)
def forbidden(monkeypatch):
    """Paths in FORBIDDEN may not be read or listed, not even by root, who may ignore file modes."""

    def guarded(original):
        def reading(*arguments, **options):
            if arguments and str(arguments[0]) in FORBIDDEN:
                raise PermissionError(13, "Permission denied", str(arguments[0]))
            return original(*arguments, **options)

        return reading

    for module in (builtins, io):  # pathlib uses the second
        monkeypatch.setattr(module, "open", guarded(module.open))
    monkeypatch.setattr(os, "scandir", guarded(os.scandir))
    yield
    FORBIDDEN.clear()


# The problems


@dataclasses.dataclass(frozen=True)
class Problem:
    """One way to damage the photo and annotation called STEM.

    `damage(folder, stem)` damages them, `said` is the message, and `used` is whether the photo is used anyway. `boxes`
    are the boxes that are used then, in pixels of the upright photo.
    """

    kind: Kind
    damage: Callable
    said: str | None = None
    used: bool = True
    boxes: tuple = ((10, 8, 40, 30),)


def rewritten(*changes: tuple[str, str]) -> Callable:
    """Replace text in the XML."""

    def damage(folder, stem):
        text = xml_of(folder, stem).read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new.replace("STEM", stem))
        xml_of(folder, stem).write_text(text)

    return damage


def edges(xmin, ymin, xmax, ymax) -> Callable:
    """Change the edges of the box."""
    pairs = zip(("xmin", "ymin", "xmax", "ymax"), (10, 8, 40, 30), (xmin, ymin, xmax, ymax), strict=True)
    return rewritten(*((f"<{edge}>{old}<", f"<{edge}>{new}<") for edge, old, new in pairs))


def saved(suffix: str, kind: str, change=lambda image: image, size=SIZE, **options) -> Callable:
    """Save the photo with another ending, format or content, and adapt the XML."""

    def damage(folder, stem):
        image_of(folder, stem).unlink()
        path = image_of(folder, stem).with_suffix(suffix)
        change(picture(stem, size)).save(path, kind, **options)
        rewritten((f"{stem}.jpg", path.name), ("<width>64", f"<width>{size[0]}"), ("<height>48", f"<height>{size[1]}"))(
            folder, stem
        )

    return damage


def turned(orientation: int, said_size, size=SIZE) -> Callable:
    """Give the photo an EXIF orientation, and its XML a size."""
    exif = Image.Exif()
    exif[0x0112] = orientation

    def damage(folder, stem):
        saved(".jpg", "JPEG", size=size, exif=exif)(folder, stem)
        for side, old, new in zip(("width", "height"), size, said_size, strict=True):
            rewritten((f"<{side}>{old}", f"<{side}>{new}"))(folder, stem)

    return damage


def written(part: str, name: str, content: bytes = b"something") -> Callable:
    """Write another file; STEM in its name is replaced."""

    def damage(folder, stem):
        path = folder / part / name.replace("STEM", stem)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)

    return damage


def truncated(folder, stem):
    path = image_of(folder, stem)
    path.write_bytes(path.read_bytes()[:700])


def denied(folder, stem):
    image_of(folder, stem).chmod(0)
    FORBIDDEN.add(str(image_of(folder, stem)))


def denied_folder(folder, stem):
    written(f"images/{stem}_private", "inside.jpg")(folder, stem)
    FORBIDDEN.add(str(folder / "images" / f"{stem}_private"))


def link_out(folder, stem):
    elsewhere = folder.with_name(f"{stem}.jpg")
    image_of(folder, stem).rename(elsewhere)
    image_of(folder, stem).symlink_to(elsewhere)
    FORBIDDEN.add(str(image_of(folder, stem)))


def jpeg_xl(folder, stem):
    image_of(folder, stem).unlink()
    written("images", "STEM.JXL", b"\xff\x0a")(folder, stem)


def unknown_class(folder, stem):
    label_map.write(label_map.number(LISTED), folder / label_map.FILENAME)
    rewritten(("<name>cup", "<name>vase"))(folder, stem)


def again(suffix: str) -> Callable:
    """Replace the photo by the one called `first`, in another file."""

    def damage(folder, stem):
        if suffix == ".jpg":
            shutil.copy(image_of(folder, "first"), image_of(folder, stem))
        else:
            image_of(folder, stem).unlink()
            Image.open(image_of(folder, "first")).save(image_of(folder, stem).with_suffix(suffix))
            rewritten((".jpg", suffix))(folder, stem)

    return damage


def grey_of_16_bits(image):
    return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)


def png_of_16_bits(image) -> bytes:
    """Return an RGB image as a PNG of 16 bits per colour. Pillow can read such files but not write them."""
    rows = (np.asarray(image).astype(">u2") * 257).reshape(image.height, -1)
    header = struct.pack(">IIBBBBB", *image.size, 16, 2, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))),
        (b"IEND", b""),
    )
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def rgb_of_16_bits(folder, stem):
    image_of(folder, stem).unlink()
    image_of(folder, stem).with_suffix(".png").write_bytes(png_of_16_bits(picture(stem)))
    rewritten((f"{stem}.jpg", f"{stem}.png"))(folder, stem)


@functools.cache
def large() -> bytes:
    """Return a PNG of a few kilobytes with 100 million pixels, as many as a panorama."""
    stream = io.BytesIO()
    Image.new("1", (20_000, 5_000)).save(stream, "PNG")
    return stream.getvalue()


def too_large(folder, stem):
    image_of(folder, stem).unlink()
    image_of(folder, stem).with_suffix(".png").write_bytes(large())
    rewritten((f"{stem}.jpg", f"{stem}.png"), ("<width>64", "<width>20000"), ("<height>48", "<height>5000"))(
        folder, stem
    )


def transparent(image):
    image.putalpha(image.convert("L"))
    return image


def doubled(folder, stem):
    text = xml_of(folder, stem).read_text()
    whole = re.search(r"\t<object>.*</object>\n", text, re.DOTALL)[0]
    xml_of(folder, stem).write_text(text.replace(whole, whole * 2))


def named(form: str) -> Callable:
    """Rename the annotation."""

    def damage(folder, stem):
        xml_of(folder, stem).rename(folder / "annotations" / form.replace("STEM", stem))

    return damage


def encoded(codec: str, declared: str, before: str = "") -> Callable:
    """Write Chinese words into the annotation, in another encoding."""

    def damage(folder, stem):
        head = f'{before}<?xml version="1.0" encoding="{declared}"?>\n' if declared else ""
        text = head + xml_of(folder, stem).read_text().replace("Unspecified", "中立")
        xml_of(folder, stem).write_bytes(text.encode(codec))

    return damage


EDGES = ("xmin", "ymin", "xmax", "ymax")
BNDBOX = "<bndbox>" + "".join(f"<{edge}>{value}</{edge}>" for value, edge in enumerate(EDGES, start=1)) + "</bndbox>"
UNSURE = "annotations/STEM.xml: EXIF | {}"
NAMED = "annotations/STEM.xml: '{}' | STEM.jpg"
GREY, PALETTE = photos.COLOURS["L"], photos.COLOURS["P"]
READ_AS_RGB = "images/STEM.{}: {} | RGB | 8"
TURNED_TOO = "annotations/STEM.xml: 64x48 | 48x64"
NO_AREA = "annotations/STEM.xml: object 1 (cup) | {}"
LEAVES = "annotations/STEM.xml: object 1 (cup) | 64x48 | {}"
TAKEN_AS_CUP = "annotations/STEM.xml: object 1 (cup) | {} | 'cup'"

PROBLEMS = {
    **{f"ending_{suffix[1:]}": Problem(Kind.EXTENSION, saved(suffix, kind)) for suffix, kind in (
        (".JPG", "JPEG"), (".jpeg", "JPEG"), (".Png", "PNG"), (".webp", "WEBP"), (".bmp", "BMP"), (".jfif", "JPEG"),
        (".JPE", "JPEG"), (".pjpeg", "JPEG"), (".pjp", "JPEG"), (".HEIC", "HEIF"), (".hif", "HEIF"), (".avif", "AVIF"),
    )},
    "hidden_file": Problem(Kind.HIDDEN, written("images", "._STEM.jpg")),
    "hidden_xml": Problem(Kind.HIDDEN, written("annotations", ".STEM.xml")),
    "hidden_folder": Problem(Kind.HIDDEN, written("images/.ipynb_checkpoints", "STEM.jpg")),
    "empty_folder": Problem(
        Kind.EMPTY_FOLDER, lambda folder, stem: (folder / "images" / f"{stem}_more").mkdir(),
        "images/STEM_more:",
    ),
    "other_file": Problem(
        Kind.OTHER_FILE, written("images", "STEM.db"),
        "images/STEM.db: .jpg, .jpeg, .jpe, .jfif, .pjpeg, .pjp, .png, .webp, .bmp, .heic, .heif, .hif, .avif",
    ),
    "yolo": Problem(
        Kind.OTHER_FILE, written("annotations", "STEM.txt"),
        "annotations/STEM.txt: .xml",
    ),
    "inner_folder": Problem(
        Kind.INNER_FOLDER, written("images/kitchen", "STEM.jpg"),
        "images/kitchen: 1 | images/",
    ),
    "inner_xml_folder": Problem(
        Kind.INNER_FOLDER, written("annotations/kitchen", "STEM.xml"),
        "annotations/kitchen: 1 | annotations/",
    ),
    "same_stem": Problem(
        Kind.SAME_STEM, written("images", "STEM.png"),
        "images/STEM.png: STEM.jpg",
    ),
    **{f"near_name{number}": Problem(
        Kind.NEAR_NAME, named(form),
        f"annotations/{form}: STEM.jpg | STEM.xml",
    ) for number, form in enumerate(("STEM", "STEM.jpg.xml", "STEM.xml.xml", "STEM.XML.txt"))},
    "near_name_in_capitals": Problem(
        Kind.NEAR_NAME, named("NEAR_NAME_IN_CAPITALS.xml"),
        "annotations/NEAR_NAME_IN_CAPITALS.xml: STEM.jpg | STEM.xml",
    ),
    "next_to_its_photo": Problem(
        Kind.MISPLACED, lambda folder, stem: xml_of(folder, stem).rename(folder / "images" / f"{stem}.xml"),
        "images/STEM.xml: images/ | annotations/",
    ),
    "among_the_annotations": Problem(
        Kind.MISPLACED, lambda folder, stem: image_of(folder, stem).rename(folder / "annotations" / f"{stem}.jpg"),
        "annotations/STEM.jpg: annotations/ | images/",
    ),
    "no_annotation": Problem(
        Kind.NO_ANNOTATION, lambda folder, stem: xml_of(folder, stem).unlink(),
        "images/STEM.jpg:", used=False,
    ),
    "no_photo": Problem(
        Kind.NO_PHOTO, lambda folder, stem: image_of(folder, stem).unlink(),
        "annotations/STEM.xml:", used=False,
    ),
    "denied": Problem(
        Kind.DENIED, denied,
        "images/STEM.jpg:", used=False,
    ),
    "denied_folder": Problem(
        Kind.DENIED, denied_folder,
        "images/STEM_private:",
    ),
    "link_out": Problem(
        Kind.DENIED, link_out,
        "images/STEM.jpg:",
        used=False,
    ),
    "jpeg_xl": Problem(
        Kind.FOREIGN_FORMAT, jpeg_xl,
        "images/STEM.JXL: JXL | JPEG", used=False,
    ),
    "jpg_that_is_jpeg_xl": Problem(
        Kind.FOREIGN_FORMAT, written("images", "STEM.jpg", b"\0\0\0\x0cJXL \r\n"),
        "images/STEM.jpg: JPEG XL | JPEG", used=False,
    ),
    "jpg_that_is_heic": Problem(
        Kind.WRONG_EXTENSION, saved(".jpg", "HEIF"), "images/STEM.jpg: HEIF | STEM.heic",
    ),
    "damaged_heic": Problem(
        Kind.BROKEN_PHOTO, written("images", "STEM.jpg", b"\0\0\0\x18ftypheic"),
        "images/STEM.jpg:", used=False,
    ),
    "several_pictures": Problem(
        Kind.SEVERAL_PICTURES, saved(".jpg", "MPO", save_all=True, append_images=[Image.new("RGB", SIZE)]),
    ),
    "jpg_that_is_gif": Problem(
        Kind.FOREIGN_FORMAT, saved(".jpg", "GIF"),
        "images/STEM.jpg: GIF | JPEG", used=False,
    ),
    "truncated": Problem(
        Kind.BROKEN_PHOTO, truncated,
        "images/STEM.jpg:", used=False,
    ),
    "no_photo_at_all": Problem(
        Kind.BROKEN_PHOTO, written("images", "STEM.jpg", b"something"),
        "images/STEM.jpg:", used=False,
    ),
    "web_page": Problem(
        Kind.BROKEN_PHOTO, written("images", "STEM.jpg", b"\n<!DOCTYPE html>"),
        "images/STEM.jpg: XML", used=False,
    ),
    "film": Problem(
        Kind.FOREIGN_FORMAT, written("images", "STEM.jpg", b"\0\0\0\x18ftypmp42" + bytes(40)),
        "images/STEM.jpg: JPEG", used=False,
    ),
    "jpg_that_is_png": Problem(
        Kind.WRONG_EXTENSION, saved(".jpg", "PNG"), "images/STEM.jpg: PNG | STEM.png",
    ),
    "png_that_is_jpg": Problem(
        Kind.WRONG_EXTENSION, saved(".png", "JPEG"), "images/STEM.png: JPEG | STEM.jpg",
    ),
    "grey": Problem(
        Kind.COLOURS, saved(".jpg", "JPEG", lambda image: image.convert("L")), READ_AS_RGB.format("jpg", GREY),
    ),
    "palette": Problem(
        Kind.COLOURS, saved(".png", "PNG", lambda image: image.quantize(16)),
        READ_AS_RGB.format("png", PALETTE),
    ),
    "transparent": Problem(
        Kind.COLOURS, saved(".png", "PNG", transparent), READ_AS_RGB.format("png", "transparent"),
    ),
    "cmyk": Problem(
        Kind.COLOURS, saved(".jpg", "JPEG", lambda image: image.convert("CMYK")), READ_AS_RGB.format("jpg", "CMYK"),
    ),
    "bits_16": Problem(
        Kind.COLOURS, saved(".png", "PNG", grey_of_16_bits), READ_AS_RGB.format("png", "16"),
    ),
    "bits_16_of_each_colour": Problem(
        Kind.COLOURS, rgb_of_16_bits, READ_AS_RGB.format("png", "16"),
    ),
    **{f"orientation_{number}": Problem(Kind.EXIF_ORIENTATION,
                                     turned(number, (48, 64) if number in (5, 6, 7, 8) else (64, 48)))
       for number in (0, 1, 5, 6, 7, 8, 9)},
    **{f"orientation_{number}": Problem(Kind.UNSURE_ROTATION, turned(number, SIZE), UNSURE.format(number))
       for number in (2, 3, 4)},
    "square_turned": Problem(Kind.UNSURE_ROTATION, turned(6, (48, 48), (48, 48)), UNSURE.format(6)),
    "exif_is_cut_off": Problem(
        Kind.BROKEN_METADATA, saved(".jpg", "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x02\0\x12\x01"),
        "images/STEM.jpg: EXIF",
    ),
    "orientation_is_text": Problem(
        Kind.BROKEN_METADATA, saved(".png", "PNG", exif=b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x02" + b"6\0\0\0"),
        "images/STEM.png: EXIF",
    ),
    "one_pixel": Problem(
        Kind.TINY, saved(".jpg", "JPEG", size=(1, 1)),
        "images/STEM.jpg: 1x1", used=False,
    ),
    "panorama": Problem(
        Kind.LARGE, saved(".jpg", "JPEG", size=(20_000, 48)),
        "images/STEM.jpg: is 20000x48 pixels; small objects in it vanish. Cut it into several photos.",
    ),
    "too_large": Problem(
        Kind.TOO_LARGE, too_large,
        "images/STEM.png: 70 million", used=False,
    ),
    "half_an_xml": Problem(
        Kind.BROKEN_XML, written("annotations", "STEM.xml", b"<annotation>"),
        "annotations/STEM.xml:",
        used=False,
    ),
    "ampersand": Problem(
        Kind.BROKEN_XML, rewritten(("<name>cup", "<name>cup & cream")),
        "annotations/STEM.xml: &amp;", used=False,
    ),
    "encoding_not_declared": Problem(
        Kind.BROKEN_XML, encoded("gbk", declared=""),
        "annotations/STEM.xml: UTF-8", used=False,
    ),
    "no_name": Problem(
        Kind.BROKEN_XML, rewritten(("<name>cup</name>", "<name> </name>")),
        "annotations/STEM.xml: object 1 | <name>", used=False,
    ),
    "no_number": Problem(
        Kind.BROKEN_XML, rewritten(("<xmin>10", "<xmin>ten")),
        "annotations/STEM.xml: object 1 (cup) | <xmin> | 'ten'", used=False,
    ),
    "no_box": Problem(
        Kind.BROKEN_XML, rewritten(("bndbox>", "nothing>"), *((f"{edge}>", f"a{edge}>") for edge in EDGES)),
        "annotations/STEM.xml: object 1 (cup) | <bndbox>", used=False,
    ),
    "item": Problem(
        Kind.UNREAD_BOXES, rewritten(("object>", "item>")),
        "annotations/STEM.xml: <object> | 1 | <item>",
        used=False,
    ),
    "polygon": Problem(
        Kind.UNREAD_BOXES, rewritten(("bndbox>", "polygon>")),
        "annotations/STEM.xml: object 1 (cup) | <bndbox> | <polygon>", used=False,
    ),
    "two_names": Problem(
        Kind.UNREAD_BOXES, rewritten(("<name>cup", "<name>mug</name><name>cup")),
        "annotations/STEM.xml: object 1 | <name> | 'mug' | 'cup'", used=False,
    ),
    "in_capitals": Problem(
        Kind.OTHER_TAGS, rewritten(("object>", "Object>"), ("xmin>", "XMin>")),
        "annotations/STEM.xml: <Object>, <XMin> | <object>",
    ),
    "namespace": Problem(
        Kind.OTHER_TAGS, rewritten(("<annotation>", '<annotation xmlns="http://a/b">')),
        "annotations/STEM.xml: <annotation> | <object>",
    ),
    "nested": Problem(
        Kind.OTHER_TAGS, rewritten(("<object>", "<objects><object>"), ("</object>", "</object></objects>")),
        "annotations/STEM.xml: <objects>",
    ),
    "part": Problem(
        Kind.PARTS, rewritten(("</object>", f"<part><name>handle</name>{BNDBOX}</part></object>")),
        "annotations/STEM.xml: 1",
    ),
    "truncated_share": Problem(
        Kind.OTHER_FIELD, rewritten(("<truncated>0", "<truncated>0.0597")),
        "annotations/STEM.xml: <truncated> | '0.0597' | 1 | 1",
    ),
    "unspecified": Problem(
        Kind.OTHER_FIELD, rewritten(("<difficult>0", "<difficult>Unspecified")),
        "annotations/STEM.xml: <difficult> | 'Unspecified' | 1 | 0",
    ),
    "depth_in_words": Problem(
        Kind.OTHER_FIELD, rewritten(("<depth>3", "<depth>RGB")),
        "annotations/STEM.xml: <size/depth> | 'RGB' | 3",
    ),
    "segmented_in_words": Problem(
        Kind.OTHER_FIELD, rewritten(("<segmented>0", "<segmented>no")),
        "annotations/STEM.xml: <segmented> | 'no' | 0",
    ),
    **{f"encoding_{name}": Problem(Kind.XML_ENCODING, encoded(codec, declared=name)) for name, codec in (
        ("GBK", "gbk"), ("gb2312", "gb2312"), ("Shift_JIS", "shift_jis"), ("UTF-16", "utf-16"), ("utf-8", "utf-8-sig"),
    )},
    "encoding_wrong": Problem(Kind.XML_ENCODING, encoded("utf-8", declared="UTF-16")),
    "blank_line_first": Problem(Kind.XML_ENCODING, encoded("utf-8", declared="utf-8", before="\n \n")),
    "size_in_fractions": Problem(
        Kind.OTHER_SIZE, rewritten(("<width>64", "<width>640.5")),
        "annotations/STEM.xml: 640x48 | STEM.jpg | 64x48", used=False,
    ),
    "size_off": Problem(
        Kind.SIZE_OFF, rewritten(("<width>64", "<width>65"), ("<height>48", "<height>46")),
        "annotations/STEM.xml: 65x46 | 64x48",
    ),
    "size_in_words": Problem(
        Kind.NO_SIZE, rewritten(("<width>64", "<width>wide")),
        "annotations/STEM.xml: <size> | 0x48 | 64x48",
    ),
    "size_of_0x0": Problem(
        Kind.NO_SIZE, rewritten(("<width>64", "<width>0"), ("<height>48", "<height>0"), ("<depth>3", "<depth>0")),
        "annotations/STEM.xml: <size> | 0x0 | 64x48",
    ),
    "no_size": Problem(
        Kind.NO_SIZE, rewritten(("size>", "dimensions>")),
        "annotations/STEM.xml: <size> | 0x0 | 64x48",
    ),
    "unturned_5": Problem(Kind.UNROTATED_SIZE, turned(5, SIZE), TURNED_TOO, boxes=((8, 10, 30, 40),)),
    "unturned_6": Problem(Kind.UNROTATED_SIZE, turned(6, SIZE), TURNED_TOO, boxes=((18, 10, 40, 40),)),
    "unturned_7": Problem(Kind.UNROTATED_SIZE, turned(7, SIZE), TURNED_TOO, boxes=((18, 24, 40, 54),)),
    "unturned_8": Problem(Kind.UNROTATED_SIZE, turned(8, SIZE), TURNED_TOO, boxes=((8, 24, 30, 54),)),
    "other_size": Problem(
        Kind.OTHER_SIZE, rewritten(("<width>64", "<width>640"), ("<height>48", "<height>480")),
        "annotations/STEM.xml: 640x480 | STEM.jpg | 64x48", used=False,
    ),
    "size_exchanged": Problem(
        Kind.OTHER_SIZE, rewritten(("<width>64", "<width>48"), ("<height>48", "<height>64")),
        "annotations/STEM.xml: 48x64 | STEM.jpg | 64x48 | <width> | <height>", used=False,
    ),
    **{f"filename_{place}": Problem(Kind.FILENAME_FORM, rewritten((">STEM.jpg<".replace("STEM", f"filename_{place}"),
       f">{name}<")), NAMED.format(name)) for place, name in enumerate((
           "STEM", "STEM.png", "STEM.JPG", r"C:\Users\Ola\Photos\STEM.jpg", "/home/ola/STEM.jpeg",
       ))},
    "other_filename": Problem(
        Kind.OTHER_FILENAME, rewritten((">other_filename.jpg<", ">second.jpg<")),
        NAMED.format("second.jpg"),
    ),
    "no_object": Problem(
        Kind.NO_OBJECT,
        lambda folder, stem: voc.write(voc.Annotation(f"{stem}.jpg", *SIZE), xml_of(folder, stem)),
        "annotations/STEM.xml:", boxes=(),
    ),
    "fractions": Problem(Kind.NUMBERS, edges(10.25, 8.5, 40.0, 29.75), boxes=((10.25, 8.5, 40, 29.75),)),
    "mark_in_number": Problem(
        Kind.NUMBERS, rewritten(("<xmin>10", "<xmin>\ufeff 10"), ("<width>64", "<width>\ufeff64"))
    ),
    "size_in_floats": Problem(Kind.NUMBERS, rewritten(("<width>64", "<width>64.0"), ("<height>48", "<height>48.0"))),
    "from_0": Problem(Kind.FROM_0_OR_1, edges(0, 0, 63, 47), boxes=((0, 0, 63, 47),)),
    "from_1": Problem(Kind.FROM_0_OR_1, edges(1, 1, 64, 48), boxes=((1, 1, 64, 48),)),
    "reversed": Problem(
        Kind.REVERSED_BOX, edges(40, 30, 10, 8),
        "annotations/STEM.xml: object 1 (cup) | xmin 40, ymin 30, xmax 10, ymax 8",
    ),
    "reversed_in_one": Problem(
        Kind.REVERSED_BOX, edges(10, 30, 40, 8),
        "annotations/STEM.xml: object 1 (cup) | xmin 10, ymin 30, xmax 40, ymax 8",
    ),
    "partly_outside": Problem(
        Kind.BOX_PARTLY_OUTSIDE, edges(-3, 8, 40, 50.5),
        LEAVES.format("xmin -3, ymin 8, xmax 40, ymax 50.5"),
        boxes=((0, 8, 40, 48),),
    ),
    "outside": Problem(
        Kind.BOX_OUTSIDE, edges(70, 8, 90, 30), LEAVES.format("xmin 70, ymin 8, xmax 90, ymax 30"), used=False,
    ),
    "mostly_outside": Problem(
        Kind.BOX_OUTSIDE, edges(50, 8, 90, 30), LEAVES.format("xmin 50, ymin 8, xmax 90, ymax 30"), used=False,
    ),
    "far_too_large": Problem(
        Kind.BOX_OUTSIDE, edges(10, 8, 940, 30), LEAVES.format("xmin 10, ymin 8, xmax 940, ymax 30"),
        used=False,
    ),
    "no_width": Problem(
        Kind.NO_AREA, edges(10, 8, 10, 30), NO_AREA.format("xmin 10, ymin 8, xmax 10, ymax 30"), used=False,
    ),
    "no_height": Problem(
        Kind.NO_AREA, edges(10, 8, 40, 8), NO_AREA.format("xmin 10, ymin 8, xmax 40, ymax 8"), used=False,
    ),
    "hair": Problem(
        Kind.NO_AREA, edges(10, 8, 10.01, 30), NO_AREA.format("xmin 10, ymin 8, xmax 10.01, ymax 30"), used=False,
    ),
    "not_a_number": Problem(
        Kind.NO_AREA, edges(10, 8, "nan", 30), NO_AREA.format("xmin 10, ymin 8, xmax nan, ymax 30"), used=False,
    ),
    "endless": Problem(
        Kind.NO_AREA, edges("-inf", 8, 40, 30), NO_AREA.format("xmin -inf, ymin 8, xmax 40, ymax 30"), used=False,
    ),
    "several_boxes": Problem(
        Kind.SEVERAL_BOXES, rewritten(("</bndbox>", "</bndbox>" + BNDBOX)),
        "annotations/STEM.xml: object 1 (cup) | 2",
        boxes=((10, 8, 40, 30), (1, 2, 3, 4)),
    ),
    "rotated": Problem(
        Kind.ROTATED_BOX, rewritten(("</bndbox>", "</bndbox><attributes><attribute><name>rotation</name>"
                                     "<value>90.0</value></attribute></attributes>")),
        "annotations/STEM.xml: object 1 (cup) | 90",
        boxes=((14, 4, 36, 34),),
    ),
    "robndbox": Problem(
        Kind.ROTATED_BOX,
        rewritten(
            ("bndbox>", "robndbox>"), ("xmin>10", "cx>25"), ("/xmin", "/cx"), ("ymin>8", "cy>19"), ("/ymin", "/cy"),
            ("xmax>40", "w>30"), ("/xmax", "/w"), ("ymax>30", "h>22"), ("/ymax>", "/h><angle>0</angle>"),
        ),
        "annotations/STEM.xml: object 1 (cup) | <robndbox>",
    ),
    "doubled": Problem(
        Kind.SAME_BOX, doubled,
        "annotations/STEM.xml: object 2 (cup) | xmin 10, ymin 8, xmax 40, ymax 30",
    ),
    "umlaut_and_emoji": Problem(Kind.CLASS_LETTERS, rewritten(("<name>cup", "<name>Grüner Tee 🍵"))),
    "spaces": Problem(
        Kind.CLASS_FORM, rewritten(("<name>cup", "<name>  cup ")), TAKEN_AS_CUP.format("'  cup '"),
    ),
    "mark_in_name": Problem(
        Kind.CLASS_FORM, rewritten(("<name>cup", "<name>\ufeffcup")),
        TAKEN_AS_CUP.format("'\\ufeffcup'"),
    ),
    "accent_apart": Problem(
        Kind.CLASS_FORM, rewritten(("<name>cup", f"<name>{unicodedata.normalize('NFD', 'Käse')}")),
        f"annotations/STEM.xml: object 1 (Käse) | {unicodedata.normalize('NFD', 'Käse')!r} | 'Käse'",
    ),
    "capitals": Problem(Kind.CLASS_CASE, rewritten(("<name>cup", "<name>CUP")), TAKEN_AS_CUP.format("'CUP'")),
    "unknown_class": Problem(
        Kind.UNKNOWN_CLASS, unknown_class,
        "annotations/STEM.xml: 'vase' | label_map.pbtxt",
        used=False,
    ),
    "same_file": Problem(
        Kind.SAME_PHOTO, again(".jpg"),
        "images/STEM.jpg: first.jpg", used=False,
    ),
    "same_pixels": Problem(
        Kind.SAME_PHOTO, again(".png"),
        "images/STEM.png: first.jpg", used=False,
    ),
}  # fmt: skip

EVERY = pytest.mark.parametrize("name", PROBLEMS)


def moved(**folders: str) -> Callable:
    """Rename the folders of the data set; "." is the data set itself."""

    def damage(folder):
        for old, new in folders.items():
            if new == ".":
                for path in sorted((folder / old).iterdir()):
                    path.rename(folder / path.name)
                (folder / old).rmdir()
            else:
                (folder / old).rename(folder / new)

    return damage


def listed(text: str, encoding: str) -> Callable:
    return lambda folder: (folder / label_map.FILENAME).write_bytes(text.encode(encoding))


SETS = {
    "capitals": (Kind.FOLDER_NAMES, moved(annotations="Annotations")),
    "pascal_voc": (Kind.FOLDER_NAMES, moved(images="JPEGImages", annotations="Annotations")),
    "side_by_side": (Kind.FOLDER_NAMES, moved(images=".", annotations=".")),
    "photos_above_annotations": (Kind.FOLDER_NAMES, moved(images=".")),
    "xml_above_photos": (Kind.FOLDER_NAMES, moved(annotations=".")),
    "notepad": (Kind.LISTED_FORM, listed("item {\r\n  id: 1\r\n  name: 'cup'\r\n}\r\n", "utf-8-sig")),
    "utf_16": (Kind.LISTED_FORM, listed("item { id: 1 name: 'cup' }", "utf-16")),
    "space_in_name": (Kind.LISTED_FORM, listed("item { id: 1 name: 'cup ' }", "utf-8")),
    "display_name": (Kind.LISTED_FORM, listed("item { id: 1 display_name: 'cup' }", "utf-8")),
}
"""Unusual forms of a whole data set that are used as they are: the kind, and a function that creates the form."""


@pytest.mark.parametrize("name", SETS)
def test_a_set_with_other_folders_is_used_and_repaired_like_any_other(name, clean, tmp_path, capsys):
    wanted = dataset.load(clean)
    SETS[name][1](clean)
    before = snapshot(clean)
    assert check(clean) == 0 and capsys.readouterr().out == ""
    data = dataset.load(clean)
    assert data.label_map == wanted.label_map == {1: "cup"}
    assert [(s.name, s.sha256, s.boxes.tolist()) for s in data.samples] == [
        (s.name, s.sha256, s.boxes.tolist()) for s in wanted.samples
    ]
    damage = next(path for path in clean.rglob("second.xml"))
    damage.write_text(damage.read_text().replace("<name>cup", "<name> cup"))
    truncate = next(path for path in clean.rglob("third.jpg"))
    truncate.write_bytes(truncate.read_bytes()[:700])
    assert check(clean, "--fix", "--out", tmp_path / "copy") == 0
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == sorted(
        ["images", "annotations", "set_aside", "findings.txt", *(path.name for path in clean.glob("*.pbtxt"))]
    )
    assert check(tmp_path / "copy") == 0 and len(dataset.load(tmp_path / "copy").samples) == 2
    kept_or_set_aside(clean, tmp_path / "copy")
    assert {path.name for path in before} == {path.name for path in snapshot(clean)}


@pytest.fixture
def everything(clean) -> pathlib.Path:
    """A data set with every problem at once, each on its own photo."""
    for name, problem in PROBLEMS.items():
        add_pair(clean, name)
        problem.damage(clean, name)
    label_map.write(label_map.number(LISTED), clean / label_map.FILENAME)
    return clean


def damaged(folder: pathlib.Path, name: str) -> pathlib.Path:
    add_pair(folder, name)
    PROBLEMS[name].damage(folder, name)
    return folder


def says(line: str, name: str, folder: pathlib.Path) -> bool:
    """Return whether a line begins with the file of a problem and contains all its facts, in any words."""
    file, _, facts = PROBLEMS[name].said.replace("STEM", name).partition(":")
    start = f"{folder}/{file}: "
    stated = [rf"(?<!\w){re.escape(fact.strip())}(?!\w)" for fact in facts.split("|")]
    return line.startswith(start) and all(re.search(each, line.removeprefix(start)) for each in stated)


def snapshot(folder: pathlib.Path) -> dict:
    """Return all files and folders in a folder with their bytes (None if unreadable), dates and modes."""
    return {
        path: (
            path.read_bytes() if path.is_file() and str(path) not in FORBIDDEN else None,
            path.stat().st_mtime_ns,
            path.stat().st_mode,
        )
        for path in sorted(folder.rglob("*"))
    }


def check(*arguments) -> int:
    return main(["check", *map(str, arguments)])


# The messages


def test_there_is_a_fixture_for_every_kind():
    resized = {Kind.RESIZED}  # only a whole set can have it: test_annotation_repair
    assert {problem.kind for problem in PROBLEMS.values()} | {kind for kind, _ in SETS.values()} | resized == {
        kind for kind in Kind if kind.group is not Group.LABELS
    }  # test_labels.py has these


@EVERY
def test_a_problem_is_reported_with_its_file_and_what_to_do_and_nothing_else_is(name, clean, capsys):
    outcome = PROBLEMS[name].kind.outcome
    code = check(damaged(clean, name))
    out, err = capsys.readouterr()
    if outcome in (Outcome.REPAIRED, Outcome.SET_ASIDE):
        assert code == 1
        assert out.count("\n") == 1 and says(out, name, clean)
        assert f"    1  {PROBLEMS[name].kind.found}\n" in err
    else:
        assert (code, out) == (0, "")
        assert (f"    1  {PROBLEMS[name].kind.found}\n" in err) == (outcome is Outcome.NOTED)


@EVERY
def test_every_problem_has_the_kind_that_the_table_lists(name, clean):
    said = inspection.inspect(damaged(clean, name)).all_findings
    if PROBLEMS[name].kind.outcome is Outcome.ACCEPTED:
        assert said == []
    else:
        assert [each.kind for each in said] == [PROBLEMS[name].kind]
        assert says(str(said[0]), name, clean)


def test_a_clean_data_set_gets_no_table(clean, capsys):
    assert check(clean) == 0
    out, err = capsys.readouterr()
    assert out == "" and re.findall(r"\d+", err) == ["3", "3"] and err.count("\n") == 1


def test_the_table_counts_each_kind_and_gives_an_example_what_is_done_and_what_to_do(clean, capsys):
    for name in ("no_width", "hair", "grey"):
        damaged(clean, name)
    assert check(clean) == 1
    _, table = capsys.readouterr().err.split("\n", 1)
    rows = [line.strip() for line in table.splitlines()][1:]
    for place, kind, count, example in (
        (0, Kind.COLOURS, 1, "images/grey.jpg"),
        (4, Kind.NO_AREA, 2, "annotations/hair.xml"),
    ):
        found, file, does, remedy = rows[place : place + 4]
        assert found == f"{count}  {kind.found}" and file.endswith(f" {clean}/{example}")
        assert does == f"{kind.outcome.value}: {kind.does}" and remedy.endswith(f": {kind.remedy}")
    assert len(rows) == 8


def test_every_object_with_a_problem_is_named_not_only_the_first(clean, capsys):
    boxes = [(10, 10, 10, 20), (5, 5, 20, 20), (30, 5, 20, 20), (60, 5, 90, 20)]
    tail = xml_of(clean, "first").read_text().split("\t<object>")[1]
    objects = "".join("\t<object>" + tail.split("</object>\n")[0] + "</object>\n" for _ in boxes)
    text = xml_of(clean, "first").read_text().split("\t<object>")[0] + objects + "</annotation>\n"
    for box in boxes:
        for edge, old, new in zip(("xmin", "ymin", "xmax", "ymax"), (10, 8, 40, 30), box, strict=True):
            text = text.replace(f"<{edge}>{old}</", f"<{edge}> {new} </", 1)
    xml_of(clean, "first").write_text(text)
    assert check(clean) == 1
    said = [line.removeprefix(f"{xml_of(clean, 'first')}: ")[:14] for line in capsys.readouterr().out.splitlines()]
    assert said == ["object 1 (cup)", "object 3 (cup)", "object 4 (cup)"]
    kinds = [each.kind for each in inspection.inspect(clean).all_findings]
    assert kinds == [Kind.NO_AREA, Kind.REVERSED_BOX, Kind.BOX_OUTSIDE]


# Training


@EVERY
def test_a_problem_is_repaired_or_left_out_in_training(name, clean):
    problem = PROBLEMS[name]
    data = dataset.load(damaged(clean, name))
    found = {pathlib.Path(sample.name).stem: sample for sample in data.samples}
    assert {"first", "second", "third"} <= set(found)
    assert (name in found) == problem.used
    assert set(data.label_map.values()) <= set(LISTED)
    if problem.used:
        sample = found[name]
        scale = np.tile([sample.width, sample.height], 2)
        np.testing.assert_allclose(sample.boxes[:, [1, 0, 3, 2]] * scale, np.reshape(problem.boxes, (-1, 4)), rtol=1e-5)
        assert len(sample.classes) == len(problem.boxes) == len(sample.truncated) == len(sample.difficult)
        assert sample.image.shape[:2] == photos.shrink(Image.new("RGB", (sample.width, sample.height))).shape[:2]


def test_a_set_with_every_problem_can_be_trained_on(everything):
    data = dataset.load(everything)
    wanted = {name for name, problem in PROBLEMS.items() if problem.used} | {"first", "second", "third"}
    assert {pathlib.Path(sample.name).stem for sample in data.samples} == wanted
    images, encodings, _ = batches.batch(data.samples, data.label_map, 0, len(data.samples), 42)
    assert np.isfinite(images).all() and np.isfinite(encodings).all()


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_of_an_unturned_photo_stay_on_their_objects_when_it_is_turned(orientation, clean):
    def red_cup(image):
        image = Image.new("RGB", image.size, "white")
        image.paste("red", (10, 8, 40, 30))
        return image

    exif = Image.Exif()
    exif[0x0112] = orientation
    add_pair(clean, "turned")
    saved(".png", "PNG", red_cup, exif=exif)(clean, "turned")
    sample = next(sample for sample in dataset.load(clean).samples if sample.name == "turned.png")
    ((ymin, xmin, ymax, xmax),) = np.round(sample.boxes * np.tile([sample.height, sample.width], 2)).astype(int)
    red = np.zeros(sample.image.shape[:2], bool)
    red[ymin:ymax, xmin:xmax] = True
    np.testing.assert_array_equal((sample.image == (255, 0, 0)).all(axis=-1), red)


def test_a_photo_of_16_bits_per_colour_looks_the_same_in_8(clean):
    samples = {sample.name: sample for sample in dataset.load(damaged(clean, "bits_16_of_each_colour")).samples}
    np.testing.assert_array_equal(samples["bits_16_of_each_colour.png"].image, picture("bits_16_of_each_colour"))


def test_a_cut_box_is_marked_truncated(clean):
    samples = {sample.name: sample for sample in dataset.load(damaged(clean, "partly_outside")).samples}
    assert samples["partly_outside.jpg"].truncated == (1,)
    assert samples["first.jpg"].truncated == (0,)


def test_no_photo_is_on_both_sides_of_the_split(clean):
    for number in range(12):
        add_pair(clean, f"copy{number}")
        again(".jpg" if number % 2 else ".png")(clean, f"copy{number}")
    data = dataset.load(clean)
    assert [sample.name for sample in data.samples] == ["copy0.png", "second.jpg", "third.jpg"]
    shown = [{sample.image.tobytes() for sample in side} for side in data.split()]
    assert not shown[0] & shown[1]
    assert sum(each.kind is Kind.SAME_PHOTO for each in data.findings) == 12


def test_of_two_equal_photos_the_intact_one_is_used(clean):
    add_pair(clean, "a_copy")
    again(".jpg")(clean, "a_copy")
    edges(10, 8, 10, 30)(clean, "a_copy")
    data = dataset.load(clean)
    assert [sample.name for sample in data.samples] == ["first.jpg", "second.jpg", "third.jpg"]
    assert [each.kind for each in data.findings] == [Kind.NO_AREA]


EDGE = st.integers(-80, 160) | st.floats()
BOXES = st.lists(st.builds(voc.Box, st.sampled_from(["cup", " cup", "Cup", "mug"]), EDGE, EDGE, EDGE, EDGE), max_size=4)
SIDE = st.sampled_from([0, 48, 64, 65])


@hypothesis.given(
    BOXES, SIDE, SIDE, st.sampled_from([1, 3, 5, 6, 7, 8]), st.sampled_from([(), ("cup",), ("Cup", "mug")])
)
def test_a_repaired_annotation_needs_no_repair_and_can_be_written_and_read(
    tmp_path_factory, boxes, width, height, orientation, listed
):
    xml, photo = tmp_path_factory.getbasetemp() / "any.xml", pathlib.Path("any.jpg")
    seen = annotation_repair.PhotoInfo("any.jpg", (48, 64), orientation, "")
    annotation = voc.Annotation("any", width, height, tuple(boxes))
    spelling = inspection.spellings((box.name for box in boxes), listed)
    mended, found = annotation_repair.repair(annotation, xml, photo, seen, spelling)
    if any(each.kind.outcome is Outcome.SET_ASIDE for each in found):
        return
    voc.write(mended, xml)
    assert voc.read(xml) == mended
    spelling = inspection.spellings((box.name for box in mended.boxes), listed)
    again, found = annotation_repair.repair(voc.read_as_written(xml), xml, photo, seen, spelling)
    assert again == mended and not any(each.is_problem for each in found)
    assert (np.diff(np.reshape(voc.normalised(mended), (-1, 2, 2)).astype(np.float32), axis=1) > 0).all()


def test_a_size_of_another_image_is_not_reported_as_unknown_classes_too(clean):
    label_map.write(label_map.number(LISTED), clean / label_map.FILENAME)
    damaged(clean, "spaces")
    damaged(clean, "other_size")
    rewritten(("<width>64", "<width>640"))(clean, "spaces")
    assert {each.kind for each in inspection.inspect(clean).all_findings} == {Kind.OTHER_SIZE}


def test_an_annotation_that_may_not_be_read_is_set_aside_and_reported(clean, tmp_path, capsys):
    FORBIDDEN.add(str(xml_of(clean, "second")))
    assert check(clean, "--fix", "--out", tmp_path / "copy") == 0
    denied, not_copied = capsys.readouterr().out.splitlines()
    assert (
        all(line.startswith(f"{xml_of(clean, 'second')}: ") for line in (denied, not_copied)) and denied != not_copied
    )
    assert [each.kind for each in inspection.inspect(clean).all_findings] == [Kind.DENIED]
    assert (tmp_path / "copy" / "set_aside" / "images" / "second.jpg").exists()


@pytest.mark.parametrize(
    ("names", "listed", "wanted"),
    [
        (["cup", "Cup", "cup"], (), ["cup"]),
        (["cup", "Cup", "Cup"], (), ["Cup"]),
        (["cup", "Cup"], (), ["Cup"]),
        (["cup", " cup", "CUP", "CUP"], (), ["CUP"]),
        (["cup", "Cup", "cup"], ("Cup",), ["Cup"]),
        (["cup", "Cup"], ("Cup", "cup"), ["Cup", "cup"]),
        (["vase", "cup"], ("cup",), ["cup", "vase"]),
        (["Maß", "mass"], (), ["Maß", "mass"]),
        (["peach  cup", "peach\n\tcup", "peach cup"], (), ["peach cup"]),
    ],
)
def test_names_that_differ_in_capitals_or_spaces_become_the_listed_or_the_most_frequent_one(names, listed, wanted):
    taken = inspection.spellings(names, listed)
    assert set(taken) == set(names)
    assert sorted(set(taken.values())) == wanted


def in_capitals(number: int) -> str:
    """Return one word, for each number with other letters in capitals."""
    return "".join(
        letter.upper() if number >> place & 1 else letter for place, letter in enumerate("strawberries and cream")
    )


@pytest.mark.parametrize("name", ["cup", "cup {}", in_capitals], ids=["one class", "many classes", "many spellings"])
def test_twice_as_many_objects_take_at_most_twice_the_work(name):
    seen = annotation_repair.PhotoInfo("any.jpg", (64, 48), 1, "")

    def calls(count: int) -> int:
        """Return the number of function calls for this number of objects."""
        named = name.format if isinstance(name, str) else name
        boxes = tuple(voc.Box(named(number), 60 * number / count, 8, 62, 30) for number in range(count))
        annotation, called = voc.Annotation("any.jpg", 64, 48, boxes), []
        sys.setprofile(lambda frame, event, _: called.append(event))
        try:
            spelling = inspection.spellings([box.name for box in boxes])
            mended, _ = annotation_repair.repair(
                annotation, pathlib.Path("any.xml"), pathlib.Path("any.jpg"), seen, spelling
            )
        finally:
            sys.setprofile(None)
        assert len(mended.boxes) == count
        return called.count("call")

    assert calls(800) < 2.5 * calls(400)


def test_a_giant_annotation_is_refused_before_it_is_read(clean, monkeypatch):
    path = xml_of(clean, "first")
    os.truncate(path, xml_file.MAX_BYTES + 1)
    monkeypatch.setattr(pathlib.Path, "read_bytes", lambda *_: pytest.fail("it was read"))
    with pytest.raises(voc.VocError, match=r"first\.xml: .*\b10 MB"):
        voc.read(path)


def test_an_annotation_with_more_boxes_than_anchors_is_refused(clean):
    path = xml_of(clean, "first")
    annotation = voc.read(path)
    assert len(anchors.anchors()) == voc.MAX_BOXES
    for count, allowed in ((voc.MAX_BOXES, True), (voc.MAX_BOXES + 1, False)):
        voc.write(dataclasses.replace(annotation, boxes=annotation.boxes[:1] * count), path)
        if allowed:
            assert len(voc.read(path).boxes) == count
        else:
            with pytest.raises(voc.VocError, match=rf"first\.xml: .*\b{count} .*\b{count - 1} "):
                voc.read(path)


def test_training_reports_each_repair_once_in_plain_words(clean, capsys):
    from workshop_utils.cli.parser import load as _load

    for name in ("reversed", "truncated"):
        damaged(clean, name)
    _load(clean)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == "" and len(lines) == 3
    for name in ("reversed", "truncated"):
        assert sum(says(line, name, clean) for line in lines) == 1
    assert re.findall(r"\d+", lines[-1]) == ["2", "4"]


# The repaired copy


def kept_or_set_aside(folder: pathlib.Path, copied: pathlib.Path) -> None:
    """Assert that the copy holds each photo unchanged, and each annotation unchanged or repaired."""
    contents = {path.read_bytes() for path in copied.rglob("*") if path.is_file()}
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and str(path) not in FORBIDDEN:
            assert path.read_bytes() in contents or (copied / "annotations" / path.name).exists(), path
            if path.suffix.lower() != ".xml":
                assert path.read_bytes() in contents, path


@EVERY
def test_the_copy_of_a_problem_is_clean_and_the_original_does_not_change(name, clean, tmp_path):
    before = snapshot(damaged(clean, name))
    code = check(clean, "--fix", "--out", tmp_path / "copy")
    assert code == 0
    assert snapshot(clean) == before
    if PROBLEMS[name].kind.outcome in (Outcome.ACCEPTED, Outcome.NOTED):
        assert not (tmp_path / "copy").exists()
        return
    assert check(tmp_path / "copy") == 0
    kept_or_set_aside(clean, tmp_path / "copy")
    original, copy = dataset.load(clean), dataset.load(tmp_path / "copy")
    assert [sample.encoded for sample in copy.samples] == [sample.encoded for sample in original.samples]
    assert [sample.boxes.tolist() for sample in copy.samples] == [sample.boxes.tolist() for sample in original.samples]
    assert [sample.classes for sample in copy.samples] == [sample.classes for sample in original.samples]


def test_the_copy_of_a_set_with_every_problem_passes_check_and_loses_nothing(everything, tmp_path, capsys):
    before = snapshot(everything)
    assert check(everything) == 1
    lines = capsys.readouterr().out.splitlines()
    loud = [name for name, problem in PROBLEMS.items() if problem.kind.outcome in (Outcome.REPAIRED, Outcome.SET_ASIDE)]
    for name in loud:
        assert sum(says(line, name, everything) for line in lines) == 1, name
    assert len(lines) == len(loud)

    assert check(everything, "--fix") == 0
    copied = everything.with_name("cups-fixed")
    said = capsys.readouterr()
    assert snapshot(everything) == before
    kept_or_set_aside(everything, copied)
    denied_photo = image_of(everything, "denied")
    assert said.out.count(f"{denied_photo}: ") == 2, "it may not be read, and so it is not in the copy"
    report = (copied / "findings.txt").read_text(encoding="utf-8")
    assert all(line in report for line in lines)
    assert report.count(f"{denied_photo}: ") == 2

    assert check(copied) == 0
    assert capsys.readouterr().out == ""
    assert not list(tmp_path.glob("part-*"))


def test_set_aside_contains_the_unused_files_unchanged_under_their_own_names(everything, tmp_path):
    check(everything, "--fix", "--out", tmp_path / "copy")
    aside = tmp_path / "copy" / "set_aside"
    paths = {path.relative_to(aside).as_posix() for path in aside.rglob("*") if path.is_file()}
    assert {"images/truncated.jpg", "annotations/truncated.xml", "images/jpeg_xl.JXL", "annotations/jpeg_xl.xml",
            "images/kitchen/inner_folder.jpg", "images/same_stem.png", "images/same_file.jpg"} <= paths  # fmt: skip
    assert not any("first" in path or "reversed" in path or "/." in path for path in paths)
    for path in paths:
        assert (aside / path).read_bytes() == (everything / path).read_bytes()
        assert (aside / path).stat().st_mtime_ns == (everything / path).stat().st_mtime_ns


def test_files_that_need_no_repair_are_copied_byte_for_byte_with_their_dates(clean, tmp_path):
    text = xml_of(clean, "second").read_text().replace("\t", "  ").replace("\n", "\r\n")
    xml_of(clean, "second").write_bytes(text.encode())
    check(damaged(clean, "truncated"), "--fix", "--out", tmp_path / "copy")
    for path in (image_of(clean, "second"), xml_of(clean, "second")):
        copied = tmp_path / "copy" / path.relative_to(clean)
        assert copied.read_bytes() == path.read_bytes()
        assert copied.stat().st_mtime_ns == path.stat().st_mtime_ns


def test_a_wrong_ending_is_corrected_in_the_copy_and_its_annotation(clean, tmp_path):
    check(damaged(clean, "jpg_that_is_png"), "--fix", "--out", tmp_path / "copy")
    photo = tmp_path / "copy" / "images" / "jpg_that_is_png.png"
    assert photo.read_bytes() == image_of(clean, "jpg_that_is_png").read_bytes()
    assert not photo.with_suffix(".jpg").exists()
    assert voc.read(xml_of(tmp_path / "copy", "jpg_that_is_png")).filename == "jpg_that_is_png.png"


def test_a_clean_data_set_is_not_copied(clean, capsys):
    assert check(clean, "--fix") == 0
    assert capsys.readouterr().err
    assert not clean.with_name("cups-fixed").exists()


@pytest.mark.parametrize("kind", ["a folder that holds something", "a file", "inside", "the data set itself"])
def test_a_copy_never_overwrites_anything(kind, clean, tmp_path, capsys):
    out = {"inside": clean / "images" / "copy", "the data set itself": clean}.get(kind, tmp_path / "copy")
    if kind == "a folder that holds something":
        out.mkdir()
        (out / "mine.txt").write_text("mine")
    elif kind == "a file":
        out.write_text("mine")
    damaged(clean, "reversed")
    before = snapshot(tmp_path)
    assert check(clean, "--fix", "--out", out) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"{out}: ") and "--out" in said.err
    assert snapshot(tmp_path) == before


def test_the_copy_may_go_into_an_empty_folder(clean, tmp_path):
    (tmp_path / "copy").mkdir()
    assert check(damaged(clean, "reversed"), "--fix", "--out", tmp_path / "copy") == 0
    assert check(tmp_path / "copy") == 0


@pytest.mark.parametrize("spelled", [".", "../cups", "../cups/"])
def test_the_copy_goes_next_to_the_data_set_however_that_is_written(spelled, clean, monkeypatch):
    monkeypatch.chdir(damaged(clean, "reversed"))
    assert check(spelled, "--fix") == 0
    assert check(clean.with_name("cups-fixed")) == 0


def test_an_interrupted_copy_leaves_nothing_behind(clean, tmp_path, monkeypatch, capsys):
    copy2, calls = shutil.copy2, []

    def full(source, target):
        calls.append(source)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        return copy2(source, target)

    monkeypatch.setattr(shutil, "copy2", full)
    damaged(clean, "reversed")
    assert check(clean, "--fix", "--out", tmp_path / "copy") == 1
    assert re.search(r"^\S*copy: .*No space left on device", capsys.readouterr().err, re.MULTILINE)
    assert [path.name for path in tmp_path.iterdir()] == ["cups"]


def test_if_nothing_is_usable_no_copy_is_written(clean, tmp_path, capsys):
    for path in (clean / "images").iterdir():
        path.write_bytes(b"")
    assert check(clean, "--fix", "--out", tmp_path / "copy") == 1
    out, err = capsys.readouterr()
    assert out.splitlines()[-1].startswith(f"{clean}: ") and err
    assert not (tmp_path / "copy").exists()


def renamed(folder: pathlib.Path, stem: str, new: str) -> list[pathlib.Path]:
    """Give a photo and its annotation another stem; return their paths."""
    return [path.rename(path.with_stem(new)) for path in (image_of(folder, stem), xml_of(folder, stem))]


def test_a_name_that_xml_cannot_store_does_not_keep_other_photos_from_the_copy(clean, tmp_path, capsys):
    pair = renamed(clean, "first", "fi\x01rst")
    before = snapshot(clean)
    assert check(clean, "--fix", "--out", tmp_path / "copy") == 0
    out, err = capsys.readouterr()
    (said,) = [line for line in out.splitlines() if line.startswith(f"{pair[0]}: ")]
    assert "'\\x01'" in said and re.search(r"\b2 .*\b2 .*set_aside|\b2 photos.*\b2 files", err)
    assert said in (tmp_path / "copy" / "findings.txt").read_text(encoding="utf-8")
    assert check(tmp_path / "copy") == 0
    for path in pair:
        assert (tmp_path / "copy" / "set_aside" / path.relative_to(clean)).read_bytes() == path.read_bytes()
    assert sorted(path.name for path in (tmp_path / "copy" / "images").iterdir()) == ["second.jpg", "third.jpg"]
    assert snapshot(clean) == before


def test_if_xml_can_store_no_photo_s_name_no_copy_is_written(clean, tmp_path, capsys):
    for stem in ("first", "second", "third"):
        renamed(clean, stem, f"{stem}\x01")
    assert check(clean, "--fix", "--out", tmp_path / "copy") == 1
    said = capsys.readouterr().err
    assert said.count("'\\x01'") == 3 and f"{tmp_path / 'copy'}: " in said
    assert [path.name for path in tmp_path.iterdir()] == ["cups"]


@pytest.mark.parametrize("how", [[], ["--fix"]])
def test_a_whole_drive_is_not_a_data_set_and_its_copy_needs_another_folder(how, capsys):
    assert check("/", *how) == 1
    said = "".join(capsys.readouterr())
    assert said.startswith("/") and ("--out" in said) == bool(how)


@pytest.mark.parametrize("how", [[], ["--fix"]])
def test_a_file_in_place_of_a_data_set_is_reported_as_a_file(how, clean, capsys):
    photo = image_of(clean, "first")
    assert check(photo, *how) == 1
    assert f"{photo}: " in "".join(capsys.readouterr())
    assert sorted(path.name for path in photo.parent.iterdir()) == ["first.jpg", "second.jpg", "third.jpg"]


def test_content_missing_from_a_repaired_annotation_is_kept_in_set_aside(clean, tmp_path):
    more = f"<part><name>lid</name>{BNDBOX}</part><attributes/></object>"
    rewritten(("</object>", more), ("<name>cup", "<name> cup"))(clean, "first")
    rewritten(("</object>", more))(clean, "second")
    rewritten(("<name>cup", "<name> cup"))(clean, "third")
    assert check(clean, "--fix", "--out", tmp_path / "copy") == 0
    aside = tmp_path / "copy" / "set_aside"
    assert [path for path in aside.rglob("*") if path.is_file()] == [aside / "annotations" / "first.xml"]
    assert (aside / "annotations" / "first.xml").read_bytes() == xml_of(clean, "first").read_bytes()
    copied = xml_of(tmp_path / "copy", "second")
    assert copied.read_bytes() == xml_of(clean, "second").read_bytes(), "a file that needs no repair loses nothing"
    assert check(tmp_path / "copy") == 0 and len(list((tmp_path / "copy" / "images").iterdir())) == 3


def test_names_that_a_drive_treats_as_one_do_not_overwrite_each_other_in_the_copy(clean, tmp_path, monkeypatch, capsys):
    add_pair(clean, "FIRST")
    rewritten(("<name>cup", "<name> cup"))(clean, "second")
    written, exists = [], pathlib.Path.exists

    def without_case(path):
        return exists(path) or str(path).lower() in [str(each).lower() for each in written]

    copy2 = shutil.copy2
    monkeypatch.setattr(shutil, "copy2", lambda source, target: (written.append(target), copy2(source, target)))
    monkeypatch.setattr(pathlib.Path, "exists", without_case)
    assert check(clean, "--fix", "--out", tmp_path / "copy") == 0
    names = {path.name for path in (tmp_path / "copy" / "images").iterdir()}
    assert names == {"FIRST.jpg", "second.jpg", "third.jpg"}
    assert f"{image_of(clean, 'first')}: " in capsys.readouterr().out
    assert (tmp_path / "copy" / "set_aside" / "images" / "first.jpg").is_file()


def test_a_resized_set_is_repaired_as_a_whole(clean, tmp_path, capsys):
    for stem in ("first", "second", "third"):
        double = zip(("xmin", "ymin", "xmax", "ymax"), (10, 8, 40, 30), strict=True)
        boxes = [(f"<{edge}>{value}<", f"<{edge}>{value * 10}<") for edge, value in double]
        rewritten(("<width>64", "<width>640"), ("<height>48", "<height>480"), *boxes)(clean, stem)
    assert check(clean) == 1
    assert {each.kind for each in inspection.inspect(clean).all_findings} == {Kind.RESIZED}
    assert [s.boxes.tolist() for s in dataset.load(clean).samples] == [
        [pytest.approx([8 / 48, 10 / 64, 30 / 48, 40 / 64])] for _ in range(3)
    ]
    assert check(clean, "--fix", "--out", tmp_path / "copy") == 0
    assert voc.read(xml_of(tmp_path / "copy", "first")).boxes == (CUP,)
    assert check(tmp_path / "copy") == 0


def test_out_without_fix_is_wrong_usage(clean, tmp_path):
    assert check(clean, "--out", tmp_path / "copy") == 2


# The command


def test_check_needs_no_tensorflow(clean):
    blocked = (
        "import runpy, sys; sys.modules['tensorflow'] = sys.modules['keras'] = None;"
        "sys.argv[0] = 'workshop_utils'; runpy.run_module('workshop_utils', run_name='__main__')"
    )
    damaged(clean, "reversed")
    done = subprocess.run(
        [sys.executable, "-c", blocked, "check", str(clean), "--fix"], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{xml_of(clean, 'reversed')}: object 1")
    assert check(clean.with_name("cups-fixed")) == 0


def test_a_photo_with_too_many_pixels_causes_only_our_own_message(clean):
    damaged(clean, "too_large")
    command = [sys.executable, "-m", "workshop_utils", "check", str(clean)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=settings.PROJECT)
    assert done.returncode == 1 and "70 million pixels" in done.stdout
    assert re.findall(r"\d+", done.stderr.splitlines()[0]) == ["3", "3", "1"] and "Warning" not in done.stderr


PEAK = """
import re, sys
from workshop_utils.cli import main
main(["check", sys.argv[1]])
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) // 1024)
"""
"""Checks a folder and prints the peak memory in megabytes, in another process, because getrusage counts this one."""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports this")
def test_check_keeps_only_one_photo_in_memory(tmp_path):
    def peak(count):
        folder = tmp_path / str(count)
        for part in ("images", "annotations"):
            (folder / part).mkdir(parents=True)
        for number in range(count):
            stream = io.BytesIO()
            Image.new("RGB", (1000, 750), (number, 0, 0)).save(stream, "PNG")
            (folder / "images" / f"{number}.png").write_bytes(stream.getvalue() + bytes(4_000_000))
            voc.write(voc.Annotation(f"{number}.png", 1000, 750, (CUP,)), xml_of(folder, str(number)))
        done = subprocess.run([sys.executable, "-c", PEAK, str(folder)], capture_output=True, text=True, check=True)
        assert re.findall(r"\d+", done.stderr)[:2] == [str(count)] * 2
        return int(done.stdout)

    assert peak(40) - peak(4) < 40  # megabytes; the files alone would add 144


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("voc.read('FOLDER/annotations/no_number.xml')",
         "FOLDER/annotations/no_number.xml: object 1 (cup) "),
        ("photos.read('FOLDER/images/truncated.jpg')", "FOLDER/images/truncated.jpg: "),
        ("dataset.load('FOLDER/images')", "FOLDER/images: "),
        ("label_map.read('FOLDER/label_map.pbtxt')", "FOLDER/label_map.pbtxt: "),
    ],
)  # fmt: skip
def test_in_a_notebook_a_problem_of_the_data_is_a_message_without_a_traceback(command, said, clean):
    for name in ("no_number", "truncated"):
        damaged(clean, name)
    code = "from workshop_utils.data import dataset, label_map, photos, voc\n" + command.replace("FOLDER", str(clean))
    plain = ["--colors=NoColor", "--TerminalInteractiveShell.term_title=False"]
    done = subprocess.run([sys.executable, "-m", "IPython", *plain, "-c", code], capture_output=True, text=True)
    shown = (done.stdout + done.stderr).strip()
    assert shown.startswith(said.replace("FOLDER", str(clean)))
    assert "Traceback" not in shown and "File " not in shown and len(shown.splitlines()) == 1


# The documentation


def test_the_table_in_the_documentation_matches_the_code():
    rows = []
    for group in Group:
        rows.append(f"| **{group.value}** | | |")
        rows += [
            f"| {kind.found} | {kind.outcome.value.capitalize()}. {kind.does} | {kind.remedy} |".replace("<", "\\<")
            for kind in Kind
            if kind.group is group
        ]
    text = (settings.PROJECT / "docs" / "messy_data.md").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("| ")][1:] == rows


def test_the_kinds_are_listed_in_the_order_of_their_groups():
    groups = list(Group)
    places = [groups.index(kind.group) for kind in Kind]
    assert places == sorted(places)


def test_the_documentation_names_the_endings_and_folders_in_the_code():
    text = (settings.PROJECT / "docs" / "messy_data.md").read_text(encoding="utf-8")
    assert all(suffix in Kind.EXTENSION.found for suffix in photos.SUFFIXES)
    assert f"`{repair.SET_ASIDE}/`" in text and f"`{repair.REPORT}`" in text
    assert f"{inspection.LARGE_SIDE:,} pixels" in Kind.LARGE.found
    assert f"{photos.MAX_PIXELS // 10**6} million pixels" in Kind.TOO_LARGE.found
    assert f"{photos.MAX_BYTES // 10**6} MB" in Kind.TOO_LARGE.found
    assert f"{xml_file.MAX_BYTES // 10**6} MB" in Kind.BROKEN_XML.found

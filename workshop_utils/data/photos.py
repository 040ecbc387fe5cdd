"""Photos from disk, upright and in RGB, and the one rule by which they are resized."""

import contextlib
import dataclasses
import io
import os
import pathlib
import warnings

import numpy as np
from PIL import Image, UnidentifiedImageError

from workshop_utils.core.errors import WorkshopError
from workshop_utils.data import metadata, signatures
from workshop_utils.data.finding_kinds import Kind

WORKING_SIDE = 512
"""Photos are kept in memory at most this long on their longer side."""

MAX_PIXELS = 70_000_000
"""A photo with more is not read. Decoding RGB or RGBA takes up to nine bytes for each pixel (a test measures it)."""

MAX_BYTES = 200_000_000
"""A larger file is not read: photos of MAX_PIXELS are smaller, unless they were saved without compression."""

SUFFIXES = dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif", ".pjpeg", ".pjp"), "JPEG") | {
    ".png": "PNG",
    ".webp": "WEBP",
    ".bmp": "BMP",
}
"""The endings of photos, and the formats they stand for; of each format the usual ending comes first."""

FOREIGN_SUFFIXES = {
    ".heic", ".heif", ".hif", ".avif", ".gif", ".tif", ".tiff", ".jxl", ".jp2", ".psd",
    ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2", ".pef", ".srw",
}  # fmt: skip
"""The endings of photos in formats that the workshop does not read."""

FORMATS = (*dict.fromkeys(SUFFIXES.values()), "GIF", "TIFF")
"""What a file is taken for. Pillow knows more formats; for one of them, EPS, it runs another program on the file."""

COLOURS = {"1": "black and white", "L": "grey", "P": "with a palette"}
"""What Pillow's modes are called here; the others bear the field's own names, such as CMYK."""

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a photo upright, by its EXIF orientation."""

warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # `decode` says it, and what to do
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # of broken metadata, likewise


class PhotoError(WorkshopError, ValueError):
    """A photo that cannot be read; the message names the file and what to do."""

    def __init__(self, message: str, kind: Kind = Kind.BROKEN_PHOTO):
        super().__init__(message)
        self.kind = kind


@dataclasses.dataclass(frozen=True)
class Decoded:
    """A photo and what its file says of it.

    `image` is upright and in RGB, at full resolution; `format` is Pillow's name of what the file holds; `colours`
    says how they were stored, "RGB" where nothing had to be done; `orientation` is EXIF's, 1 where nothing is turned;
    `broken_metadata` says what could not be read besides the pixels.
    """

    image: Image.Image
    format: str
    colours: str
    orientation: int
    broken_metadata: str | None = None


def find(folder: pathlib.Path) -> list[pathlib.Path]:
    """Return the photos directly in `folder`, sorted by name, hidden files left out. Raises PhotoError where it cannot
    be listed."""
    folder = pathlib.Path(folder)
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        what = f"{folder}: cannot be listed ({error.strerror}). Name a folder that you may read."
        raise PhotoError(what, Kind.DENIED) from None
    return [path for path in paths if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]


def read(source: pathlib.Path | bytes, name: str | None = None) -> Image.Image:
    """Return a photo, from its path or its encoded bytes, as an upright RGB image at full resolution.

    Raises PhotoError where the file is missing, may not be read, is no photo, is too large, or breaks off in the
    middle.
    """
    return decode(source, name).image


def decode(source: pathlib.Path | bytes, name: str | None = None) -> Decoded:
    """Return a photo as `read` does, with what its file says of it. Raises PhotoError as `read` does."""
    name = name or (str(source) if not isinstance(source, bytes) else "photo")
    try:
        return _decode(source, name)
    except PhotoError:
        raise
    except FileNotFoundError:
        raise PhotoError(f"{name}: there is no such photo. Check the path.") from None
    except PermissionError:
        raise PhotoError(
            f"{name}: you may not read it. Give yourself the right to, or take it out.", Kind.DENIED
        ) from None
    except MemoryError:
        raise
    except Image.DecompressionBombError:
        raise _too_large(name, f"it has more than {MAX_PIXELS // 10**6} million pixels") from None
    except Exception as error:  # metadata can lead Pillow to raise anything
        return _decode_pixels(source, name, error)


def shrink(image: Image.Image) -> np.ndarray:
    """Return the image as uint8 (height, width, 3), its longer side at most WORKING_SIDE."""
    scale = WORKING_SIDE / max(image.size)
    if scale < 1:
        size = tuple(max(1, round(side * scale)) for side in image.size)
        image = image.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image)


def _decode(source: pathlib.Path | bytes, name: str, exif: bytes | None = None) -> Decoded:
    """Return a photo as `decode` does. Whatever its size, format and number of pixels rule out is never decoded.

    Its orientation is that in `exif`, or in its own.
    """
    if (len(source) if isinstance(source, bytes) else os.path.getsize(source)) > MAX_BYTES:
        raise _too_large(name, f"its file has more than {MAX_BYTES // 10**6} MB")
    with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
        kept = "JPEG" if image.format == "MPO" else image.format
        if kept not in SUFFIXES.values():
            raise PhotoError(f"{name}: is {kept}, not read here. Export as JPEG.", Kind.FOREIGN_FORMAT)
        if image.width * image.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        image.load()
        exif = image.info.get("exif", b"") if exif is None else exif  # a PNG's text may be called exif, too
        orientation = metadata.orientation(exif) if isinstance(exif, bytes) else 1
        upright, colours = _in_rgb(image)
    del image  # to turn what was made of it takes as much memory again
    if orientation in UPRIGHT:
        upright = upright.transpose(UPRIGHT[orientation])
    depth = " of 16 bits" if _is_of_16_bits(_beginning(source)) else ""
    broken = None if orientation else "has EXIF whose orientation cannot be read; the photo is used as it is stored."
    return Decoded(upright, kept, colours + depth, orientation or 1, broken)


def _decode_pixels(source: pathlib.Path | bytes, name: str, error: Exception) -> Decoded:
    """Return a photo without its metadata but for the orientation, after `error` was raised of the whole file.

    Raises PhotoError where the metadata is not to blame.
    """
    with contextlib.suppress(Exception):  # the pixels may be broken, too, or the file cannot be read at all
        encoded = source if isinstance(source, bytes) else pathlib.Path(source).read_bytes()
        if parts := metadata.split(encoded):
            what = "has broken metadata; only its pixels and its orientation are read."
            return dataclasses.replace(_decode(parts[0], name, parts[1]), broken_metadata=what)
    said = None
    with contextlib.suppress(OSError, ValueError):  # a path may hold a zero byte
        said = signatures.recognise(_beginning(source))
    if said:
        raise PhotoError(f"{name}: {said[1]}", said[0]) from None
    unknown = isinstance(error, UnidentifiedImageError)
    raise _unreadable(name, "it begins like no format of photos" if unknown else error) from None


def _in_rgb(image: Image.Image) -> tuple[Image.Image, str]:
    """Return the image in RGB, and how its colours were stored. What is in RGB already is not copied."""
    if image.mode.startswith("I"):
        levels = np.clip(np.asarray(image) >> 8, 0, 255).astype(np.uint8)
        return Image.fromarray(levels).convert("RGB"), "grey"
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB"), COLOURS.get(image.mode, image.mode)
    image = image if image.mode == "RGBA" else image.convert("RGBA")
    if image.getchannel("A").getextrema()[0] == 255:
        return image.convert("RGB"), "RGB"
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image)
    return white, "transparent"


def _is_of_16_bits(beginning: bytes) -> bool:
    """Return whether a file is a PNG of 16 bits a colour: its header says so, while Pillow's mode is RGB either way."""
    return beginning.startswith(b"\x89PNG") and beginning[24:25] == b"\x10"


def _beginning(source: pathlib.Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:32]
    with open(source, "rb") as stream:
        return stream.read(32)


def _too_large(name: str, why: str) -> PhotoError:
    what = f"{name}: cannot be read as a photo ({why}). Save it with fewer pixels, or take it out."
    return PhotoError(what, Kind.TOO_LARGE)


def _unreadable(name: str, why: object) -> PhotoError:
    return PhotoError(f"{name}: cannot be read as a photo ({why}). Copy it again, or take it out.")

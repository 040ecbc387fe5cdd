"""Read photos as upright RGB images, and shrink them."""

import contextlib
import dataclasses
import io
import os
import pathlib
import warnings

import numpy as np
from PIL import Image, UnidentifiedImageError, features

from workshop_utils.core.errors import WorkshopError
from workshop_utils.data import heif, metadata, signatures
from workshop_utils.data.finding_kinds import Kind

WORKING_SIDE = 512
"""Pixels. Photos in memory have at most this many on their longer side."""

MAX_PIXELS = 70_000_000
"""Photos with more pixels are not read. Decoding RGB or RGBA takes up to 9 bytes per pixel (a test measures it)."""

MAX_BYTES = 200_000_000
"""Larger files are not read. Photos of MAX_PIXELS are smaller, unless they are uncompressed."""

SUFFIXES = dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif", ".pjpeg", ".pjp"), "JPEG") | {
    ".png": "PNG",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".heic": "HEIF",
    ".heif": "HEIF",
    ".hif": "HEIF",
    ".avif": "AVIF",
}
"""{extension: format} of the photos that the workshop reads. The usual extension of each format comes first."""

FOREIGN_SUFFIXES = {
    ".gif", ".tif", ".tiff", ".jxl", ".jp2", ".psd",
    ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2", ".pef", ".srw",
}  # fmt: skip
"""The extensions of photos in formats that the workshop does not read."""

FORMATS = (*(kind for kind in dict.fromkeys(SUFFIXES.values()) if kind not in ("HEIF", "AVIF")), "GIF", "TIFF")
FORMATS += ("AVIF",) if features.check("avif") else ()  # pyright: ignore[reportConstantRedefinition]
"""The formats that Pillow may try. It knows more; for one of them, EPS, it runs another program on the file."""

COLOURS = {"1": "black and white", "L": "grey", "P": "palette-based"}
"""Names for Pillow's modes in messages. The other modes have a common name, such as CMYK."""

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""{EXIF orientation: how to rotate the photo upright}."""

warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # `decode` reports it, with a remedy
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # `decode` reports broken metadata


class PhotoError(WorkshopError, ValueError):
    """A photo that cannot be read. The message names the file and what to do.

    Attributes:
        kind: The kind of finding that the error counts as.
    """

    def __init__(self, message: str, kind: Kind = Kind.BROKEN_PHOTO):
        super().__init__(message)
        self.kind = kind


@dataclasses.dataclass(frozen=True)
class Decoded:
    """A photo, and information from its file.

    Attributes:
        image: The photo, upright, in RGB, at full resolution.
        format: Pillow's name of the file's format.
        colours: How the colours are stored in the file; "RGB" if they were not converted.
        orientation: EXIF's orientation, 1 if the photo is not rotated.
        broken_metadata: What metadata could not be read, or None.
    """

    image: Image.Image
    format: str
    colours: str
    orientation: int
    broken_metadata: str | None = None


def find(folder: pathlib.Path) -> list[pathlib.Path]:
    """Return the photos directly in `folder`, sorted by name, without hidden files.

    Raises:
        PhotoError: If the folder cannot be listed.
    """
    folder = pathlib.Path(folder)
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        what = f"{folder}: cannot be listed ({error.strerror}). Name a folder that you have permission to read."
        raise PhotoError(what, Kind.DENIED) from None
    return [path for path in paths if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]


def read(source: pathlib.Path | bytes, name: str | None = None) -> Image.Image:
    """Return a photo as an upright RGB image at full resolution.

    Args:
        source: The photo's path, or its encoded bytes.
        name: The photo's name in messages, by default its path.

    Raises:
        PhotoError: If the file is missing, unreadable, not a photo, too large or truncated.
    """
    return decode(source, name).image


def decode(source: pathlib.Path | bytes, name: str | None = None) -> Decoded:
    """Return a photo as `read` does, with information from its file. Takes and raises the same as `read`."""
    name = name or (str(source) if not isinstance(source, bytes) else "photo")
    try:
        return _decode(source, name)
    except (PhotoError, MemoryError):
        raise
    except FileNotFoundError:
        raise PhotoError(f"{name}: there is no such photo. Check the path.") from None
    except PermissionError:
        what = f"{name}: you have no permission to read it. Give yourself read permission, or remove it."
        raise PhotoError(what, Kind.DENIED) from None
    except Image.DecompressionBombError:
        raise _too_large(name, f"it has more than {MAX_PIXELS // 10**6} million pixels") from None
    except Exception as error:  # metadata can lead Pillow to raise anything
        return _decode_pixels(source, name, error)


def shrink(image: Image.Image) -> np.ndarray:
    """Return an image as uint8 (height, width, 3), with at most WORKING_SIDE pixels on its longer side."""
    scale = WORKING_SIDE / max(image.size)
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image)


def _decode(source: pathlib.Path | bytes, name: str, exif: bytes | None = None) -> Decoded:
    """Return a photo as `decode` does. Its file size, format and number of pixels are checked before decoding.

    The orientation is read from `exif`; without it, from the photo's own EXIF.
    """
    if (len(source) if isinstance(source, bytes) else os.path.getsize(source)) > MAX_BYTES:
        raise _too_large(name, f"its file has more than {MAX_BYTES // 10**6} MB")
    if heif.is_available() and heif.is_heif(_first_bytes(source)):
        encoded = source if isinstance(source, bytes) else pathlib.Path(source).read_bytes()
        image, found = heif.decode(encoded, MAX_PIXELS)
        return _upright(*_in_rgb(image), "HEIF", found if exif is None else exif)
    with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
        file_format = "JPEG" if image.format == "MPO" else image.format
        if file_format is None or file_format not in SUFFIXES.values():
            what = f"{name}: is {file_format}, which the workshop does not read. Export it as JPEG."
            raise PhotoError(what, Kind.FOREIGN_FORMAT)
        if image.width * image.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        image.load()
        exif = image.info.get("exif", b"") if exif is None else exif  # str if a PNG has a text called exif
        converted, colours = _in_rgb(image)
    del image  # rotating needs its memory
    depth = " with 16 bits per channel" if _has_16_bits(_first_bytes(source)) else ""
    return _upright(converted, colours + depth, file_format, exif)


def _upright(image: Image.Image, colours: str, file_format: str, exif: object) -> Decoded:
    """Return an RGB image, rotated as its EXIF says."""
    orientation = metadata.orientation(exif) if isinstance(exif, bytes) else 1
    if orientation in UPRIGHT:
        image = image.transpose(UPRIGHT[orientation])
    broken = None if orientation else "has an unreadable EXIF orientation; the photo is used as stored."
    return Decoded(image, file_format, colours, orientation or 1, broken)


def _decode_pixels(source: pathlib.Path | bytes, name: str, error: Exception) -> Decoded:
    """Decode a photo without its metadata, except the orientation, after decoding the whole file raised `error`.

    Raises PhotoError if the metadata is not the cause.
    """
    with contextlib.suppress(Exception):  # the pixels may be broken, too, or the file unreadable
        encoded = source if isinstance(source, bytes) else pathlib.Path(source).read_bytes()
        if parts := metadata.split(encoded):
            what = "has broken metadata; only its pixels and its orientation are read."
            return dataclasses.replace(_decode(parts[0], name, parts[1]), broken_metadata=what)
    recognised = None
    with contextlib.suppress(OSError, ValueError):  # ValueError: a path with a zero byte
        recognised = signatures.recognise(_first_bytes(source))
    if recognised:
        raise PhotoError(f"{name}: {recognised[1]}", recognised[0]) from None
    why = "it is not in a known photo format" if isinstance(error, UnidentifiedImageError) else error
    raise PhotoError(f"{name}: cannot be read as a photo ({why}). Copy it again, or remove it.") from None


def _in_rgb(image: Image.Image) -> tuple[Image.Image, str]:
    """Return the image in RGB, and how its colours were stored. An RGB image is not copied."""
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


def _has_16_bits(first_bytes: bytes) -> bool:
    """Return whether a file is a PNG with 16 bits per channel, by its header: Pillow's mode is RGB also for 8 bits."""
    return first_bytes.startswith(b"\x89PNG") and first_bytes[24:25] == b"\x10"


def _first_bytes(source: pathlib.Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:32]
    with open(source, "rb") as stream:
        return stream.read(32)


def _too_large(name: str, why: str) -> PhotoError:
    return PhotoError(f"{name}: is too large ({why}). Save it with fewer pixels, or remove it.", Kind.TOO_LARGE)

"""Photos from disk, upright and in RGB, and the one rule by which they are resized."""

import dataclasses
import io
import os
import pathlib
import warnings

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from workshop_utils.core.errors import WorkshopError
from workshop_utils.data.findings import Kind

WORKING_SIDE = 512
"""Photos are kept in memory at most this long on their longer side."""

MOST_PIXELS = 70_000_000
"""A photo with more is not read. Decoding RGB or RGBA takes up to nine bytes for each pixel (a test measures it)."""

MOST_BYTES = 200_000_000
"""A larger file is not read: photos of so many pixels are smaller, unless they were saved without compression."""

SUFFIXES = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".bmp": "BMP"}
"""The endings of photos, and the formats they stand for."""

FOREIGN_SUFFIXES = {".heic", ".heif", ".avif", ".gif", ".tif", ".tiff", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf"}
"""The endings of photos in formats that the workshop does not read."""

FORMATS = (*dict.fromkeys(SUFFIXES.values()), "GIF", "TIFF")
"""What a file is taken for. Pillow knows more formats; for one of them, EPS, it runs another program on the file."""

COLOURS = {"1": "black and white", "L": "grey", "P": "with a palette"}
"""What Pillow's modes are called here; the others bear the field's own names, such as CMYK."""

warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # `decode` says it, and what to do


class PhotoError(WorkshopError, ValueError):
    """A photo that cannot be read; the message names the file and what to do."""

    def __init__(self, message: str, kind: Kind = Kind.BROKEN_PHOTO):
        super().__init__(message)
        self.kind = kind


@dataclasses.dataclass(frozen=True)
class Decoded:
    """A photo and what its file told of it.

    `image` is upright and in RGB, at full resolution; `format` is Pillow's name of what the file holds; `colours`
    says how they were stored, "RGB" where nothing had to be done; `orientation` is EXIF's, 1 where nothing is turned.
    """

    image: Image.Image
    format: str
    colours: str
    orientation: int


def find(folder: pathlib.Path) -> list[pathlib.Path]:
    """Return the photos directly in `folder`, sorted by name, hidden files left out. Raises PhotoError where it cannot
    be listed."""
    folder = pathlib.Path(folder)
    try:
        paths = sorted(folder.iterdir())
    except OSError as fault:
        what = f"{folder}: cannot be listed ({fault.strerror}). Name a folder that you may read."
        raise PhotoError(what, Kind.DENIED) from None
    return [path for path in paths if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")]


def read(source: pathlib.Path | bytes, name: str | None = None) -> Image.Image:
    """Return a photo, from its path or its encoded bytes, as an upright RGB image at full resolution.

    Raises PhotoError where the file is missing, may not be read, is no photo, is too large, or breaks off in the
    middle.
    """
    return decode(source, name).image


def decode(source: pathlib.Path | bytes, name: str | None = None) -> Decoded:
    """Return a photo as `read` does, with what its file told of it. Raises PhotoError as `read` does."""
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
    except UnidentifiedImageError:
        if _beginning(source)[4:8] == b"ftyp":
            raise PhotoError(f"{name}: is HEIC or AVIF. Export it as JPEG.", Kind.FOREIGN_FORMAT) from None
        raise _unreadable(name, "it begins like no format of photos") from None
    except Image.DecompressionBombError:
        raise _too_large(name, f"it has more than {MOST_PIXELS // 10**6} million pixels") from None
    except (OSError, ValueError, SyntaxError) as fault:
        raise _unreadable(name, fault) from None


def shrink(image: Image.Image) -> np.ndarray:
    """Return the image as uint8 (height, width, 3), its longer side at most WORKING_SIDE."""
    scale = WORKING_SIDE / max(image.size)
    if scale < 1:
        size = tuple(max(1, round(side * scale)) for side in image.size)
        image = image.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image)


def _decode(source: pathlib.Path | bytes, name: str) -> Decoded:
    """Return a photo as `decode` does. Whatever its size, format and number of pixels rule out is never decoded."""
    if (len(source) if isinstance(source, bytes) else os.path.getsize(source)) > MOST_BYTES:
        raise _too_large(name, f"its file has more than {MOST_BYTES // 10**6} MB")
    with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS) as image:
        kept = "JPEG" if image.format == "MPO" else image.format
        if kept not in SUFFIXES.values():
            raise PhotoError(f"{name}: is {kept}, not read here. Export as JPEG.", Kind.FOREIGN_FORMAT)
        if image.width * image.height > MOST_PIXELS:
            raise Image.DecompressionBombError
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        ImageOps.exif_transpose(image, in_place=True)
        upright, colours = _in_rgb(image)
    depth = " of 16 bits" if _is_of_16_bits(_beginning(source)) else ""
    return Decoded(upright, kept, colours + depth, orientation if orientation in range(1, 9) else 1)


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
    return PhotoError(f"{name}: cannot be read as a photo ({why}). Open and save it anew, or take it out.")

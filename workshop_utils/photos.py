"""Photos from disk, upright and in RGB, and the one rule by which they are resized."""

import io
import pathlib

import numpy as np
from PIL import Image, ImageOps

INPUT_SIDE = 300
"""Height and width of what the detector sees, in pixels."""

WORKING_SIDE = 512
"""Photos are kept in memory at most this long on their longer side."""

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


class PhotoError(ValueError):
    """A photo that cannot be read; the message names the file and what to do."""


def find(folder: pathlib.Path) -> list[pathlib.Path]:
    """Return the photos directly in `folder`, sorted by name, hidden files left out."""
    folder = pathlib.Path(folder)
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )


def read(source: pathlib.Path | bytes, name: str | None = None) -> Image.Image:
    """Return a photo, from its path or its encoded bytes, as an upright RGB image at full resolution.

    Raises PhotoError where the file is missing, is no photo, or breaks off in the middle.
    """
    name = name or (str(source) if not isinstance(source, bytes) else "photo")
    try:
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except FileNotFoundError:
        raise PhotoError(f"{name}: there is no such photo. Check the path.") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as fault:
        raise PhotoError(
            f"{name}: cannot be read as a photo ({fault}). Open and save it anew, or take it out."
        ) from None


def shrink(image: Image.Image) -> np.ndarray:
    """Return the image as uint8 (height, width, 3), its longer side at most WORKING_SIDE."""
    scale = WORKING_SIDE / max(image.size)
    if scale < 1:
        size = tuple(max(1, round(side * scale)) for side in image.size)
        image = image.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image)


def resize(image: np.ndarray, window: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)) -> np.ndarray:
    """Resize a uint8 (height, width, 3) image, or a window of it, to the detector's 300x300.

    This is the workshop's one resize rule: stretch to a square, bilinear with antialiasing (a triangle filter as
    wide as the shrinkage), as `tf.image.resize(..., antialias=True)` does. `window` is ymin, xmin, ymax, xmax,
    normalised.
    """
    height, width = image.shape[:2]
    ymin, xmin, ymax, xmax = window
    box = (xmin * width, ymin * height, xmax * width, ymax * height)
    return np.asarray(Image.fromarray(image).resize((INPUT_SIDE, INPUT_SIDE), Image.Resampling.BILINEAR, box=box))


def to_input(pixels):
    """Scale pixels from 0..255, in an array or a float tensor, to the range [-1, 1] that MobileNet was trained on."""
    return pixels / np.float32(127.5) - np.float32(1.0)

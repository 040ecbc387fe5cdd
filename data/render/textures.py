"""Images of wear for belts and walls: cheaper for Cycles than noise of many octaves, and seamless."""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from . import labels

BELTS, GRUNGES = 4, 2


def make_all(folder: Path) -> None:
    """Write every image that the materials need to `folder`, unless it exists."""
    folder.mkdir(parents=True, exist_ok=True)
    makers = {f"belt{index}": lambda index=index: belt(index) for index in range(BELTS)}
    makers |= {f"grunge{index}": lambda index=index: grunge(index) for index in range(GRUNGES)}
    makers |= {f"{name} sleeve": lambda name=name: labels.sleeve(name) for name in labels.DESIGNS}
    makers |= {f"{name} lid": lambda name=name: labels.lid(name) for name in labels.DESIGNS}
    makers |= {f"{name} wrap": lambda name=name: labels.wrap(name) for name in labels.WRAPS}
    for name, make in makers.items():
        target = folder / f"{name}.png"
        if not target.exists():
            unfinished = target.with_suffix(".part")
            make().save(unfinished, format="PNG")
            unfinished.replace(target)


def belt(seed: int) -> Image.Image:
    """Return 0.68 m x 0.34 m of belt, 2048 x 1024 pixels. Red: wear; green: roughness; blue: dust and dried drips."""
    rng = np.random.default_rng(seed)
    height, width = 1024, 2048
    blotches = _clouds(rng, height, width, 5, 10, 7)
    streaks = _clouds(rng, height, width, 64, 2, 4)
    grain = _clouds(rng, height, width, 256, 512, 2)
    track = np.exp(-(((np.arange(height) / height - 0.5) / 0.22) ** 2))[:, None]
    scratches = _scratches(rng, width, height)
    drips = _drips(rng, width, height)
    wear = 0.38 * blotches**1.6 + 0.22 * streaks * blotches + 0.12 * grain + 0.1 * track + 0.35 * scratches
    roughness = 0.35 + 0.45 * blotches - 0.2 * track + 0.12 * grain + 0.2 * drips
    specks = Image.fromarray(((rng.random((height, width)) > 0.9988) * 255).astype(np.uint8))
    dust = np.asarray(specks.filter(ImageFilter.GaussianBlur(0.8))) / 255 * 1.6
    return _image(wear, roughness, np.maximum(dust, 0.7 * drips))


def grunge(seed: int) -> Image.Image:
    """Return stains for walls, floors and machines, 1024 x 1024 pixels. Red: large; green: fine; blue: streaks."""
    rng = np.random.default_rng(100 + seed)
    return _image(*(_clouds(rng, 1024, 1024, *cells) for cells in ((3, 3, 8), (24, 24, 5), (200, 4, 3))))


def _image(*channels: np.ndarray) -> Image.Image:
    return Image.fromarray((np.dstack(channels).clip(0, 1) * 255).astype(np.uint8))


def _clouds(rng: np.random.Generator, height: int, width: int, rows: int, columns: int, octaves: int) -> np.ndarray:
    """Return fractal noise from 0 to 1 that repeats seamlessly, (height, width)."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cells = (rows << octave, columns << octave)
        if cells[0] > height or cells[1] > width:
            break
        grid = np.tile(rng.random(cells, dtype=np.float32), (3, 3))
        large = Image.fromarray(grid).resize((3 * width, 3 * height), Image.Resampling.BICUBIC)
        total += 0.55**octave * np.asarray(large)[height : 2 * height, width : 2 * width]
    low, high = np.percentile(total, (1, 99))
    return ((total - low) / (high - low)).clip(0, 1)


def _scratches(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Return fine lines, mostly along the belt."""
    image = Image.new("L", (width, height))
    pen = ImageDraw.Draw(image)
    for _ in range(140):
        x, y, length, angle = rng.random() * width, rng.random() * height, rng.exponential(120), rng.normal(0, 0.12)
        end = (x + length * np.cos(angle), y + length * np.sin(angle))
        pen.line([(x, y), end], fill=int(rng.uniform(30, 130)))
    return np.asarray(image) / 255


def _drips(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Return dried splashes of milk."""
    image = Image.new("L", (width, height))
    pen = ImageDraw.Draw(image)
    for _ in range(rng.integers(3, 12)):
        x, y, size = rng.random() * width, rng.random() * height, rng.uniform(3, 22)
        for _ in range(6):
            dx, dy, radius = rng.normal(0, size / 2), rng.normal(0, size / 3), size * rng.uniform(0.2, 0.7)
            pen.ellipse(
                [x + dx - radius, y + dy - radius, x + dx + radius, y + dy + radius], fill=int(rng.uniform(60, 150))
            )
    return np.asarray(image.filter(ImageFilter.GaussianBlur(1.5))) / 255


@cache
def default_folder() -> Path:
    """Return the folder of the images, data/render/build, which git ignores."""
    return Path(__file__).resolve().parent / "build"

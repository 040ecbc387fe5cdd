"""Wear computed as images: belts and walls. Cheaper for Cycles than noise of many octaves, and seamless."""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from . import labels

BELTS, GRUNGES = 4, 2


def make_all(folder: Path) -> None:
    """Write every image that the materials need into `folder`; what is there already stays."""
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
    """0.68 m x 0.34 m of belt, 2048 x 1024 pixels. Red: wear; green: roughness; blue: dust and dried drips."""
    dice = np.random.default_rng(seed)
    height, width = 1024, 2048
    blotches = _clouds(dice, height, width, 5, 10, 7)
    streaks = _clouds(dice, height, width, 64, 2, 4)
    grain = _clouds(dice, height, width, 256, 512, 2)
    track = np.exp(-(((np.arange(height) / height - 0.5) / 0.22) ** 2))[:, None]
    scratches = _scratches(dice, width, height)
    drips = _drips(dice, width, height)
    wear = 0.38 * blotches**1.6 + 0.22 * streaks * blotches + 0.12 * grain + 0.1 * track + 0.35 * scratches
    roughness = 0.35 + 0.45 * blotches - 0.2 * track + 0.12 * grain + 0.2 * drips
    specks = Image.fromarray(((dice.random((height, width)) > 0.9988) * 255).astype(np.uint8))
    dust = np.asarray(specks.filter(ImageFilter.GaussianBlur(0.8))) / 255 * 1.6
    return _image(wear, roughness, np.maximum(dust, 0.7 * drips))


def grunge(seed: int) -> Image.Image:
    """Stains for walls, floors and machines, 1024 x 1024 pixels. Red: large; green: fine; blue: streaks."""
    dice = np.random.default_rng(100 + seed)
    return _image(*(_clouds(dice, 1024, 1024, *cells) for cells in ((3, 3, 8), (24, 24, 5), (200, 4, 3))))


def _image(*channels: np.ndarray) -> Image.Image:
    return Image.fromarray((np.dstack(channels).clip(0, 1) * 255).astype(np.uint8))


def _clouds(dice: np.random.Generator, height: int, width: int, rows: int, columns: int, octaves: int) -> np.ndarray:
    """Fractal noise from 0 to 1 that repeats seamlessly, (height, width)."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cells = (rows << octave, columns << octave)
        if cells[0] > height or cells[1] > width:
            break
        grid = np.tile(dice.random(cells, dtype=np.float32), (3, 3))
        large = Image.fromarray(grid).resize((3 * width, 3 * height), Image.Resampling.BICUBIC)
        total += 0.55**octave * np.asarray(large)[height : 2 * height, width : 2 * width]
    low, high = np.percentile(total, (1, 99))
    return ((total - low) / (high - low)).clip(0, 1)


def _scratches(dice: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Fine lines, mostly along the run of the belt."""
    image = Image.new("L", (width, height))
    pen = ImageDraw.Draw(image)
    for _ in range(140):
        x, y, length, angle = dice.random() * width, dice.random() * height, dice.exponential(120), dice.normal(0, 0.12)
        end = (x + length * np.cos(angle), y + length * np.sin(angle))
        pen.line([(x, y), end], fill=int(dice.uniform(30, 130)))
    return np.asarray(image) / 255


def _drips(dice: np.random.Generator, width: int, height: int) -> np.ndarray:
    """Dried splashes of milk."""
    image = Image.new("L", (width, height))
    pen = ImageDraw.Draw(image)
    for _ in range(dice.integers(3, 12)):
        x, y, size = dice.random() * width, dice.random() * height, dice.uniform(3, 22)
        for _ in range(6):
            dx, dy, radius = dice.normal(0, size / 2), dice.normal(0, size / 3), size * dice.uniform(0.2, 0.7)
            pen.ellipse(
                [x + dx - radius, y + dy - radius, x + dx + radius, y + dy + radius], fill=int(dice.uniform(60, 150))
            )
    return np.asarray(image.filter(ImageFilter.GaussianBlur(1.5))) / 255


@cache
def default_folder() -> Path:
    """Where the images are kept: data/render/build, which git ignores."""
    return Path(__file__).resolve().parent / "build"

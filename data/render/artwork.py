"""Fruit and other pictures for the printed labels: height fields, lit from the upper left. NumPy and Pillow only."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

LIGHT = np.array([-0.45, -0.55, 0.70])


def draw(kind: str, size: int, turn: float = 0.0) -> Image.Image:
    """Return a picture of `kind` as an RGBA image of size x size pixels, turned by `turn` degrees."""
    canvas = _PICTURES[kind](2 * size)
    if turn:
        canvas = canvas.rotate(turn, Image.Resampling.BICUBIC)
    return canvas.resize((size, size), Image.Resampling.LANCZOS)


def _plane(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return coordinates from -1.05 to 1.05, x to the right and y downwards, each (size, size)."""
    axis = (np.arange(size) + 0.5) / size * 2.1 - 1.05
    return np.meshgrid(axis, axis)


def _clouds(size: int, cells: int, seed: int) -> np.ndarray:
    """Return smooth random values from 0 to 1, (size, size)."""
    grid = np.random.default_rng(seed).random((cells, cells), dtype=np.float32)
    return np.asarray(Image.fromarray(grid).resize((size, size), Image.Resampling.BICUBIC)).clip(0, 1)


def _lit(height: np.ndarray, colour: np.ndarray, inside: np.ndarray, gloss: float, shininess: float) -> Image.Image:
    """Light a height field (size, size) of the given colour (size, size, 3) with the Blinn-Phong model."""
    step = 2.1 / len(height)
    down, right = np.gradient(height, step)
    normal = np.dstack([-right, -down, np.ones_like(height)])
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = LIGHT / np.linalg.norm(LIGHT)
    half = light + np.array([0, 0, 1])
    half /= np.linalg.norm(half)
    diffuse = 0.34 + 0.72 * (normal @ light).clip(0)
    shine = gloss * (normal @ half).clip(0) ** shininess
    rgb = (colour * diffuse[..., None] + shine[..., None]).clip(0, 1)
    pixels = np.dstack([rgb, inside.astype(float)])
    return Image.fromarray((pixels * 255).round().astype(np.uint8), "RGBA")


def _dome(distance: np.ndarray, roundness: float = 0.5) -> np.ndarray:
    """Return the height of a dome at a distance from its middle; the rim is at 1."""
    return np.maximum(1 - distance**2, 1e-4) ** roundness


def _strawberry(size: int) -> Image.Image:
    x, y = _plane(size)
    along = ((y + 0.9) / 1.85).clip(0, 1)
    width = 0.86 * np.sin(np.pi * along**0.6).clip(0) ** 0.75
    distance = np.abs(x) / np.maximum(width, 1e-3)
    inside = (distance < 1) & (along > 0) & (along < 1)
    around = np.arcsin((x / np.maximum(width, 1e-3)).clip(-1, 1))
    row = along * 9
    column = around * 2.6 + 0.5 * (np.floor(row) % 2)
    dx, dy = column % 1 - 0.5, row % 1 - 0.5
    pit = np.exp(-((dx / 0.26) ** 2 + (dy / 0.33) ** 2))
    seed = (dx / 0.09) ** 2 + (dy / 0.19) ** 2 < 1
    height = 0.75 * _dome(distance.clip(0, 1)) * np.sin(np.pi * along).clip(0.02) ** 0.5 - 0.035 * pit
    colour = np.empty((size, size, 3))
    colour[:] = (0.84, 0.05, 0.09)
    colour += (np.array([0.95, 0.55, 0.4]) - colour) * ((0.16 - along).clip(0) * 3)[..., None]
    colour[seed] = (0.97, 0.80, 0.36)
    berry = _lit(height, colour, inside, 0.45, 30)
    berry.alpha_composite(_calyx(size))
    return berry


def _calyx(size: int) -> Image.Image:
    leaves = Image.new("RGBA", (size, size))
    pen = ImageDraw.Draw(leaves)
    middle_x, middle_y = size / 2, size * 0.09
    for index in range(8):
        angle = math.radians(-30 + 240 * index / 7)
        length = size * (0.24 + 0.04 * (index % 2))
        tip = (middle_x + math.cos(angle) * length, middle_y + math.sin(angle) * length * 0.7)
        side = (-math.sin(angle) * size * 0.05, math.cos(angle) * size * 0.05)
        belly = ((middle_x + tip[0]) / 2, (middle_y + tip[1]) / 2)
        left, right = ((belly[0] + s * side[0], belly[1] + s * side[1]) for s in (1, -1))
        green = (44 + 10 * (index % 3), 126 + 14 * (index % 2), 40, 255)
        pen.polygon([(middle_x, middle_y), left, tip, right], fill=green)
        pen.line([(middle_x, middle_y), tip], fill=(140, 190, 92, 255), width=max(2, size // 180))
    pen.line([(middle_x, middle_y), (middle_x + size * 0.03, 0)], fill=(82, 140, 56, 255), width=size // 36)
    return leaves


def _blueberry(size: int) -> Image.Image:
    x, y = _plane(size)
    distance = np.hypot(x, y) / 0.95
    crown_x, crown_y = x + 0.1, (y + 0.4) * 1.45
    angle, reach = np.arctan2(crown_y, crown_x), np.hypot(crown_x, crown_y)
    star = 0.27 * (1 + 0.22 * np.cos(5 * angle))
    height = 0.95 * _dome(distance.clip(0, 1)) - 0.07 * (reach < star * 0.75)
    bloom = _clouds(size, 14, 1)
    colour = np.array([0.17, 0.21, 0.47]) + bloom[..., None] * np.array([0.18, 0.2, 0.24])
    colour[reach < star] *= 0.5
    colour[reach < star * 0.5] = (0.06, 0.05, 0.14)
    return _lit(height, colour, distance < 1, 0.2, 10)


def _peach(size: int) -> Image.Image:
    x, y = _plane(size)
    distance = np.hypot(x, y * 1.04) / 0.95
    crease = np.exp(-(((x - 0.22 + 0.35 * y**2) / 0.09) ** 2))
    height = 0.9 * _dome(distance.clip(0, 1)) - 0.09 * crease
    blush = (0.55 * _clouds(size, 7, 2) + 0.45 * (x * 0.5 + 0.45 - 0.2 * y)).clip(0, 1)
    colour = np.array([0.99, 0.70, 0.30]) + blush[..., None] ** 1.3 * np.array([-0.12, -0.46, -0.14])
    fruit = _lit(height, colour, distance < 1, 0.12, 8)
    pen = ImageDraw.Draw(fruit)
    stalk = (size * 0.56, size * 0.08)
    pen.line([stalk, (size * 0.58, size * 0.01)], fill=(96, 66, 34, 255), width=size // 40)
    leaf = [stalk, (size * 0.68, 0), (size * 0.95, size * 0.07), (size * 0.74, size * 0.15)]
    pen.polygon(leaf, fill=(88, 150, 52, 255))
    pen.line([stalk, leaf[2]], fill=(166, 204, 108, 255), width=max(2, size // 160))
    return fruit


def _peach_slice(size: int) -> Image.Image:
    x, y = _plane(size)
    outer, inner = np.hypot(x, y + 0.35) / 1.02, np.hypot(x, y + 0.75) / 0.85
    inside = (outer < 1) & (inner > 1)
    height = 0.3 * _dome(((outer - 0.72) / 0.28).clip(-1, 1))
    colour = np.empty((size, size, 3))
    colour[:] = (1.0, 0.74, 0.30)
    colour[outer > 0.93] = (0.90, 0.42, 0.20)
    colour[(inner < 1.12) & inside] = (0.86, 0.30, 0.22)
    return _lit(height, colour, inside, 0.35, 20)


def _petal(size: int, turn: float) -> Image.Image:
    x, y = _plane(size)
    along = (-y / 0.88).clip(0, 1)
    width = 0.30 * np.sin(np.pi * along**0.8).clip(0) ** 0.6
    distance = np.abs(x) / np.maximum(width, 1e-3)
    inside = (distance < 1) & (y < 0) & (along < 1)
    height = 0.16 * _dome(distance.clip(0, 1)) - 0.03 * np.exp(-((x / 0.03) ** 2))
    colour = np.array([0.97, 0.90, 0.58]) + along[..., None] * np.array([0.02, 0.08, 0.30])
    return _lit(height, colour.clip(0, 1), inside, 0.1, 12).rotate(turn, Image.Resampling.BICUBIC)


def _vanilla(size: int) -> Image.Image:
    canvas = Image.new("RGBA", (size, size))
    pen = ImageDraw.Draw(canvas)
    for start, end, bend in (((0.02, 0.95), (0.98, 0.58), 0.13), ((0.1, 0.99), (0.99, 0.78), 0.08)):
        for t in np.linspace(0, 1, 240):
            x = size * (start[0] + (end[0] - start[0]) * t)
            y = size * (start[1] + (end[1] - start[1]) * t + bend * math.sin(math.pi * t) * 0.5)
            r = size * 0.022 * (1 - 0.7 * abs(2 * t - 1) ** 4)
            pen.ellipse([x - r, y - r, x + r, y + r], fill=(60, 35, 20, 255))
            pen.ellipse([x - r * 0.3, y - r * 0.7, x + r * 0.3, y - r * 0.3], fill=(126, 84, 52, 255))
    flower = Image.new("RGBA", (size, size))
    for turn in range(0, 360, 72):
        flower.alpha_composite(_petal(size, turn + 12))
    x, y = _plane(size)
    heart = np.hypot(x, y) / 0.17
    colour = np.empty((size, size, 3))
    colour[:] = (0.93, 0.72, 0.18)
    flower.alpha_composite(_lit(0.2 * _dome(heart.clip(0, 1)), colour, heart < 1, 0.2, 10))
    small = flower.resize((int(size * 0.86),) * 2, Image.Resampling.LANCZOS)
    canvas.alpha_composite(small, (int(size * 0.05), 0))
    return canvas


def _natural(size: int) -> Image.Image:
    """Draw a wooden spoon with yoghurt."""
    canvas = Image.new("RGBA", (size, size))
    pen = ImageDraw.Draw(canvas)
    pen.line([(size * 0.5, size * 0.62), (size * 0.95, size * 0.14)], fill=(188, 140, 86, 255), width=size // 13)
    pen.line([(size * 0.49, size * 0.61), (size * 0.94, size * 0.13)], fill=(216, 174, 118, 255), width=size // 40)
    pen.ellipse([size * 0.05, size * 0.46, size * 0.70, size * 0.94], fill=(164, 114, 64, 255))
    pen.ellipse([size * 0.07, size * 0.45, size * 0.68, size * 0.90], fill=(204, 156, 98, 255))
    x, y = _plane(size)
    x, y = (x + 0.27) / 0.58, (y - 0.05) / 0.62
    swirl = np.hypot(x, y * (1 + 0.25 * (y > 0)))
    angle = np.arctan2(y, x)
    height = 0.22 * _dome(swirl.clip(0, 1), 0.7) + 0.03 * np.sin(14 * swirl + angle) * (1 - swirl).clip(0)
    colour = np.empty((size, size, 3))
    colour[:] = (0.97, 0.965, 0.94)
    canvas.alpha_composite(_lit(height, colour, swirl < 1, 0.2, 16))
    return canvas


def _swirl(size: int, dark: tuple, pale: tuple) -> Image.Image:
    """Draw a whirl of dessert cream, for the cups that are not yoghurt."""
    x, y = _plane(size)
    reach, angle = np.hypot(x, y) / 0.95, np.arctan2(y, x)
    wave = np.sin(16 * reach - 2 * angle)
    mix = (0.5 + 0.5 * wave)[..., None]
    colour = np.array(dark) * mix + np.array(pale) * (1 - mix)
    return _lit(0.5 * _dome(reach.clip(0, 1)) + 0.03 * wave, colour, reach < 1, 0.3, 20)


def shadow_of(picture: Image.Image, blur: float, strength: float) -> Image.Image:
    """Return a soft shadow of the picture's outline, of the same size."""
    outline = picture.getchannel("A").filter(ImageFilter.GaussianBlur(blur))
    shadow = Image.new("RGBA", picture.size, (34, 24, 30, 0))
    shadow.putalpha(outline.point(lambda value: int(value * strength)))
    return shadow


_PICTURES = {
    "strawberry": _strawberry,
    "blueberry": _blueberry,
    "peach": _peach,
    "peach slice": _peach_slice,
    "vanilla": _vanilla,
    "natural": _natural,
    "chocolate": lambda size: _swirl(size, (0.24, 0.11, 0.05), (0.48, 0.27, 0.14)),
    "pistachio": lambda size: _swirl(size, (0.36, 0.50, 0.18), (0.72, 0.80, 0.48)),
}

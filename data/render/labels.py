"""The prints on cups, lids, bottles and cans: images for the materials, drawn with Pillow.

A sleeve is 2400 x 740 pixels and goes once around a cup; its fronts are at one quarter and three quarters. This needs
two fonts, both under the SIL Open Font License: Lobster and Lato (Debian: fonts-lobster, fonts-lato).
"""

import random
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from . import artwork

FONT_FOLDER = Path("/usr/share/fonts")
SLEEVE = (2400, 740)
LID = 1024
GOLD = (212, 176, 92)
WHITE = (255, 255, 255)


@dataclass(frozen=True)
class Design:
    """A cup's print: `band` is the dark colour of the brand's band, `main` the flavour's, `pale` the paper's tint.

    `pictures` are (kind, size, turn, x, y) in pixels on the sleeve; x and y are the picture's offset from the front's
    middle.
    """

    title: str
    band: tuple[int, int, int]
    main: tuple[int, int, int]
    pale: tuple[int, int, int]
    pictures: tuple[tuple[str, int, int, int, int], ...]
    brand: str = "Nordvale"
    line: str = "CREAMY  YOGHURT"


DESIGNS = {
    "strawberry": Design(
        "Strawberry",
        (148, 16, 40),
        (212, 40, 62),
        (255, 208, 210),
        (("strawberry", 270, -22, -90, 400), ("strawberry", 310, 16, 90, 385), ("strawberry", 190, 42, 245, 470)),
    ),
    "blueberry": Design(
        "Blueberry",
        (44, 36, 104),
        (76, 64, 152),
        (214, 210, 240),
        (
            ("blueberry", 190, 20, -190, 470),
            ("blueberry", 220, -30, -60, 380),
            ("blueberry", 190, 70, 110, 395),
            ("blueberry", 200, 5, 20, 490),
            ("blueberry", 150, 140, 200, 490),
        ),
    ),
    "peach": Design(
        "Peach",
        (194, 84, 18),
        (240, 128, 46),
        (255, 222, 182),
        (("peach", 330, 4, -60, 385), ("peach slice", 220, 10, 150, 460), ("peach slice", 190, -18, 215, 505)),
    ),
    "vanilla": Design("Vanilla", (126, 84, 32), (234, 190, 64), (255, 244, 208), (("vanilla", 470, 0, 10, 420),)),
    "natural": Design("Natural", (24, 84, 140), (110, 176, 216), (226, 242, 250), (("natural", 480, 0, 30, 395),)),
    "chocolate": Design(
        "Choco", (70, 36, 20), (120, 70, 40), (244, 226, 206), (("chocolate", 330, 0, 0, 400),), "Toller", "PUDDING"
    ),
    "pistachio": Design(
        "Pistachio",
        (48, 84, 30),
        (126, 160, 70),
        (236, 244, 214),
        (("pistachio", 330, 30, 0, 400),),
        "Toller",
        "PUDDING",
    ),
}

WRAPS = {
    "milk": ("Fresh Milk", "1.5% fat   500 ml", (250, 250, 250), (24, 72, 160)),
    "kefir": ("Kefir", "live cultures   500 ml", (236, 246, 238), (30, 118, 66)),
    "ketchup": ("Tomato", "ketchup   400 g", (255, 214, 44), (180, 24, 22)),
    "lemon": ("Limetta", "lemonade   330 ml", (250, 226, 60), (30, 120, 60)),
    "cola": ("Rubin", "cola   330 ml", (176, 20, 30), (250, 240, 230)),
    "water": ("Quell", "sparkling   330 ml", (60, 140, 200), (250, 250, 255)),
    "coffee": ("Barista", "fresh coffee to go", (92, 66, 50), (240, 226, 206)),
}


@cache
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    found = sorted(FONT_FOLDER.rglob(name))
    if not found:
        raise FileNotFoundError(
            f"{FONT_FOLDER}: the font {name} is missing; on Debian: apt install fonts-lobster fonts-lato"
        )
    return ImageFont.truetype(str(found[0]), size)


def _script(size: int) -> ImageFont.FreeTypeFont:
    return _font("lobster.otf", size)


def _sans(size: int, weight: str = "Bold") -> ImageFont.FreeTypeFont:
    return _font(f"Lato-{weight}.ttf", size)


def _title(pen: ImageDraw.ImageDraw, design: Design, middle: tuple, size: int, stroke: int) -> None:
    """Draw the flavour's name in large letters with a dark edge."""
    edge = _darker(design.band, 0.65)
    pen.text(middle, design.title, WHITE, _script(size), anchor="mm", stroke_width=stroke, stroke_fill=edge)


def _darker(colour: tuple, share: float) -> tuple[int, ...]:
    return tuple(int(value * share) for value in colour)


def _stick(image: Image.Image, design: Design, middle: int, scale: float, drop: int = 0) -> None:
    """Draw the design's pictures around x = middle, each with its shadow."""
    for kind, size, turn, x, y in design.pictures:
        size = int(size * scale)
        picture = artwork.draw(kind, size, turn)
        corner = (int(middle + x * scale - size / 2), int(y * scale + drop - size / 2))
        layer = Image.new("RGBA", image.size)
        layer.paste(artwork.shadow_of(picture, 9, 0.4), (corner[0] + 7, corner[1] + 11))
        image.alpha_composite(layer)
        layer = Image.new("RGBA", image.size)
        layer.paste(picture, corner)
        image.alpha_composite(layer)


def sleeve(name: str) -> Image.Image:
    """Return the print around a cup of this design."""
    design = DESIGNS[name]
    image = _paper_and_wave(design)
    pen = ImageDraw.Draw(image)
    band_height = 148
    pen.rectangle([0, 0, SLEEVE[0], band_height], fill=design.band)
    pen.rectangle([0, band_height, SLEEVE[0], band_height + 8], fill=GOLD)
    for middle in (SLEEVE[0] // 4, SLEEVE[0] * 3 // 4):
        _front(image, design, middle, band_height)
    _facts(image, design, SLEEVE[0] // 2, name)
    for x in (0, SLEEVE[0]):
        _small_print(image, design, x)
    return image.convert("RGB")


def _paper_and_wave(design: Design) -> Image.Image:
    width, height = SLEEVE
    x, y = np.arange(width) / width, np.arange(height)[:, None] / height
    fade = (y / 0.6).clip(0, 1)[..., None]
    paper = np.array([250, 249, 245]) * (1 - fade) + np.array(design.pale) * fade
    paper = np.broadcast_to(paper, (height, width, 3))
    wave = 0.665 + 0.05 * np.sin(4 * np.pi * x + 0.5) + 0.022 * np.sin(10 * np.pi * x + 1)
    below = y - wave
    liquid = np.array(design.main) * (1.07 - 0.33 * (below * 2.6).clip(0, 1))[..., None]
    cover = (below * height / 2).clip(0, 1)[..., None]
    foam = np.exp(-(((below + 0.012) / 0.02) ** 2))[..., None]
    pixels = (paper * (1 - cover) + liquid * cover) * (1 - foam) + 255 * foam
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).convert("RGBA")


def _front(image: Image.Image, design: Design, middle: int, band_height: int) -> None:
    pen = ImageDraw.Draw(image)
    for grow, colour in ((8, GOLD), (0, design.band)):
        pen.ellipse([middle - 322 - grow, -124 - grow, middle + 322 + grow, band_height + 42 + grow], fill=colour)
    pen.text((middle, 82), design.brand, WHITE, _script(136), anchor="mm")
    pen.text((middle, band_height + 16), design.line, (255, 236, 192), _sans(27), anchor="mm")
    _stick(image, design, middle, 1.0)
    pen = ImageDraw.Draw(image)
    _title(pen, design, (middle, 608), 160, 9)
    pen.text((middle + 250, 712), "150 g e", WHITE, _sans(34, "Black"), anchor="mm")
    pen.text((middle - 250, 712), "3.5% fat", WHITE, _sans(34, "Black"), anchor="mm")
    seal_x, seal_y = middle + 305, 264
    pen.ellipse([seal_x - 64, seal_y - 64, seal_x + 64, seal_y + 64], fill=(38, 136, 72))
    pen.ellipse([seal_x - 57, seal_y - 57, seal_x + 57, seal_y + 57], outline=WHITE, width=3)
    pen.text((seal_x, seal_y), "no added\ncolours", WHITE, _sans(25), anchor="mm", align="center")


def _facts(image: Image.Image, design: Design, middle: int, name: str) -> None:
    """Draw the nutrition table and the bar code."""
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle([middle - 165, 200, middle + 165, 470], 12, fill=WHITE, outline=(120, 120, 120), width=2)
    pen.text((middle, 224), "Nutrition per 100 g", (30, 30, 30), _sans(28, "Black"), anchor="mm")
    rows = (
        "Energy  396 kJ",
        "Fat  3.2 g",
        "of which saturates  2.1 g",
        "Carbohydrate  12.6 g",
        "of which sugars  12.1 g",
    )
    for index, row in enumerate((*rows, "Protein  3.7 g", "Salt  0.13 g")):
        what, amount = row.split("  ")
        y = 258 + index * 30
        pen.line([(middle - 155, y - 14), (middle + 155, y - 14)], fill=(170, 170, 170))
        pen.text((middle - 155, y), what, (30, 30, 30), _sans(23, "Regular"), anchor="lm")
        pen.text((middle + 155, y), amount, (30, 30, 30), _sans(23, "Regular"), anchor="rm")
    rng = random.Random(name)
    pen.rectangle([middle - 140, 530, middle + 140, 700], fill=WHITE)
    x = middle - 122
    while x < middle + 118:
        bar = rng.choice((2, 4, 6))
        pen.rectangle([x, 542, x + bar - 1, 668], fill=(12, 12, 12))
        x += bar + rng.choice((2, 4, 6))
    pen.text((middle, 684), f"2 000000 {rng.randrange(10**6):06d}", (20, 20, 20), _sans(24, "Regular"), anchor="mm")


def _small_print(image: Image.Image, design: Design, x: int) -> None:
    pen = ImageDraw.Draw(image)
    text = (
        f"Keep refrigerated\nat 4 - 8 °C\n\nIngredients: milk,\n{design.title.lower()}, sugar,\n"
        "starch, live cultures.\nContains milk.\n\nBest before: see lid"
    )
    pen.multiline_text((x, 360), text, design.band, _sans(26), anchor="mm", align="center")
    pen.text((x, 640), f"{design.brand} Dairy", WHITE, _script(58), anchor="mm")


def lid(name: str) -> Image.Image:
    """Return the print of a cup's lid."""
    design = DESIGNS[name]
    size = LID
    image = Image.new("RGBA", (size, size), (252, 251, 248, 255))
    pen = ImageDraw.Draw(image)
    for border, colour in ((30, design.main), (92, GOLD), (99, (252, 250, 244))):
        pen.ellipse([border, border, size - border, size - border], fill=colour)
    disc = Image.new("L", image.size)
    ImageDraw.Draw(disc).ellipse([99, 99, size - 99, size - 99], fill=255)
    bands = Image.new("RGBA", image.size, (252, 250, 244, 255))
    pen = ImageDraw.Draw(bands)
    pen.rectangle([0, 0, size, 326], fill=design.band)
    pen.rectangle([0, 326, size, 336], fill=GOLD)
    pen.rectangle([0, 642, size, size], fill=design.main)
    image.paste(bands, (0, 0), disc)
    pen = ImageDraw.Draw(image)
    pen.text((size / 2, 232), design.brand, WHITE, _script(148), anchor="mm")
    _stick(image, design, size // 2, 0.82, 158)
    pen = ImageDraw.Draw(image)
    _title(pen, design, (size / 2, 718), 138, 7)
    pen.text((size / 2, 838), "BEST BEFORE 14.08.   L 2231 07:42", (30, 30, 30), _sans(30), anchor="mm")
    return image.convert("RGB")


def wrap(name: str) -> Image.Image:
    """Return the print around a bottle, a can or a paper cup, 1200 x 420 pixels."""
    title, line, paper, ink = WRAPS[name]
    image = Image.new("RGB", (1200, 420), paper)
    pen = ImageDraw.Draw(image)
    for top in (0, 384):
        pen.rectangle([0, top, 1200, top + 36], fill=ink)
    for middle in (300, 900):
        pen.text((middle, 170), title, ink, _script(130), anchor="mm")
        pen.text((middle, 292), line, ink, _sans(44), anchor="mm")
    return image

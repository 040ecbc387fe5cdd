"""Another factory's line: white modular belt, blue side walls, tiled room. No training photo shows any of it."""

import random

from .materials import Palette, metal, paint
from .plan import HALF_BELT
from .shapes import block, rod

FLOOR = -0.9


def build(palette: Palette, rng: random.Random) -> None:
    """Build the line and the room around it."""
    white, joint = (0.62, 0.63, 0.61), (0.12, 0.12, 0.12)
    module = rng.choice((0.051, 0.038))
    belt = palette.tiles("modules", white, joint, module * 2, module / 2, 0.0016)
    block("belt", (6, 2 * HALF_BELT, 0.016), (0, 0, -0.008), belt, 0.002)
    blue = palette.stained("side wall", (0.015, 0.09, 0.33), 0.35, 0.1, 20)
    parts = metal("parts", (0.55, 0.55, 0.56), 0.35)
    for side in (-1, 1):
        height = 0.035 if side > 0 else 0.014
        block("side wall", (6, 0.012, 0.12), (0, side * (HALF_BELT + 0.008), height - 0.06), blue, 0.003)
        block("beam", (6, 0.04, 0.06), (0, side * (HALF_BELT + 0.04), -0.06), parts, 0.004)
        for index in range(-8, 9):
            rod("screw", 0.006, 0.003, (index * 0.24, side * (HALF_BELT + 0.0145), height - 0.02), parts, "y", 24)
    _room(palette, rng)
    for index in range(rng.randint(1, 3)):
        _pallet(palette, rng, index)


def _room(palette: Palette, rng: random.Random) -> None:
    depth = rng.uniform(1.1, 2.0)
    wall = palette.tiles("tiles", (0.6, 0.64, 0.6), (0.3, 0.3, 0.28), 0.2, 0.2, 0.006)
    back = block("wall", (8, 4, 0.06), (0, depth, FLOOR + 2), wall, 0)
    back.rotation_euler = (1.5708, 0, 0)
    for side in (-1, 1):
        end = block("end wall", (8, 4, 0.06), (side * 3.2, 0, FLOOR + 2), wall, 0)
        end.rotation_euler = (1.5708, 0, 1.5708)
    floor = palette.tiles("floor", (0.26, 0.13, 0.08), (0.12, 0.1, 0.09), 0.3, 0.3, 0.008)
    block("floor", (8, 8, 0.02), (0, 1, FLOOR), floor, 0)
    yellow, black = paint("yellow", (0.7, 0.45, 0.02), 0.5), paint("black", (0.02, 0.02, 0.02), 0.5)
    for index in range(-12, 13):
        block(
            "hazard", (0.12, 0.3, 0.004), (index * 0.125, depth - 0.5, FLOOR + 0.014), yellow if index % 2 else black, 0
        )


def _pallet(palette: Palette, rng: random.Random, index: int) -> None:
    """Build a stack of crates on a pallet in the background."""
    x, y = rng.uniform(-0.5, 0.5) + (index - 1) * 0.8, rng.uniform(0.6, 0.9)
    wood = palette.stained("wood", (0.32, 0.2, 0.1), 0.8, 0.2, 20)
    block("pallet", (0.6, 0.4, 0.1), (x, y, FLOOR + 0.06), wood, 0.004)
    colour = rng.choice(((0.5, 0.5, 0.48), (0.08, 0.25, 0.22), (0.35, 0.06, 0.2)))
    crate = palette.stained("crate", colour, 0.45, 0.1, 20)
    for layer in range(rng.randint(2, 5)):
        block("crate", (0.56, 0.36, 0.15), (x + rng.gauss(0, 0.01), y, FLOOR + 0.19 + 0.16 * layer), crate, 0.01)

"""The production line of the training photos: belt, rails, and the hall in the background."""

import random

from .materials import Palette, glow, metal, paint
from .plan import HALF_BELT
from .shapes import block, rod

FLOOR = -0.85
MACHINE_COLOURS = (
    (0.02, 0.09, 0.28),
    (0.5, 0.51, 0.52),
    (0.55, 0.28, 0.02),
    (0.05, 0.2, 0.12),
    (0.33, 0.35, 0.36),
    (0.42, 0.03, 0.02),
)
CRATE_COLOURS = ((0.02, 0.12, 0.4), (0.45, 0.05, 0.03), (0.05, 0.26, 0.1))


def build(palette: Palette, rng: random.Random) -> None:
    """Build the line and the hall."""
    steel = palette.brushed_steel("frame", (1, 60, 60))
    parts = palette.brushed_steel("parts", (1, 1, 25))
    _belt(palette, rng)
    for side in (-1, 1):
        _frame(side, steel, parts)
        if rng.random() < (0.85 if side > 0 else 0.2):
            _rail(side, palette, parts, rng)
    if rng.random() < 0.5:
        _sensor(parts, rng)
    depth = rng.uniform(2.2, 4.0)
    _room(palette, depth, rng)
    for _ in range(rng.randint(3, 7)):
        _machine(palette, parts, depth, rng)
    _pipes(parts, depth, rng)
    if rng.random() < 0.6:
        _second_line(palette, parts, rng)
    for _ in range(rng.randint(2, 5)):
        tube_at = (rng.uniform(-2.5, 2.5), rng.uniform(0.5, depth), rng.uniform(1.7, 2.4))
        block("tube", (1.2, 0.06, 0.04), tube_at, glow("tube", (1, 0.97, 0.92), rng.uniform(6, 14)), 0)


def _belt(palette: Palette, rng: random.Random) -> None:
    block("belt", (6, 2 * HALF_BELT, 0.012), (0, 0, -0.006), palette.belt(), 0.002)
    block("slider bed", (6, 2 * HALF_BELT, 0.05), (0, 0, -0.07), paint("bed", (0.05, 0.05, 0.05), 0.6), 0)
    if rng.random() < 0.3:
        at = (rng.uniform(-0.15, 0.15), 0, 0.0001)
        seam = palette.stained("seam", (0.03, 0.03, 0.03), 0.55, 0.2, 60)
        block("seam", (0.007, 2 * HALF_BELT - 0.006, 0.0005), at, seam, 0.0002, turn=0.35)


def _frame(side: int, steel, parts) -> None:
    edge = side * (HALF_BELT + 0.024)
    block("frame", (6, 0.03, 0.085), (0, edge, -0.028), steel, 0.003)
    for index in range(-8, 9):
        rod("bolt", 0.0055, 0.004, (index * 0.18 + 0.05, side * (HALF_BELT + 0.0405), -0.03), parts, "y", 6)
    for x in (-1.3, 1.3):
        block("leg", (0.05, 0.05, 0.8), (x, side * (HALF_BELT + 0.01), -0.47), parts, 0.004)


def _rail(side: int, palette: Palette, parts, rng: random.Random) -> None:
    """Build a guide rail on posts: a round bar, or a flat one with a plastic strip."""
    edge, height = side * (HALF_BELT + 0.024), rng.uniform(0.03, 0.055)
    y = side * (HALF_BELT - rng.uniform(0, 0.02))
    polished = palette.brushed_steel("rail", (1, 20, 20), 0.22)
    if rng.random() < 0.6:
        rod("rail", 0.006, 6, (0, y, height), polished, "x", 32)
    else:
        strip = rng.choice(((0.72, 0.73, 0.71), (0.03, 0.2, 0.05), (0.02, 0.08, 0.3)))
        block("rail", (6, 0.004, 0.022), (0, y, height), polished, 0.001)
        block("strip", (6, 0.006, 0.012), (0, y - side * 0.005, height), paint("strip", strip, 0.4), 0.001)
    shift, knob = rng.uniform(0, 0.3), paint("knob", (0.015, 0.015, 0.015), 0.5)
    for index in range(-5, 6):
        x = index * 0.33 + shift
        rod("post", 0.005, height + 0.07, (x, edge, height / 2 - 0.02), parts, segments=24)
        rod("arm", 0.004, abs(edge - y), (x, (edge + y) / 2, height), parts, "y", 24)
        rod("knob", 0.01, 0.016, (x, edge, height + 0.012), knob, segments=24)


def _sensor(parts, rng: random.Random) -> None:
    """Build a photoelectric sensor on a bracket at the far side."""
    x, y = rng.uniform(-0.25, 0.25), HALF_BELT + 0.055
    housing = paint("sensor", rng.choice(((0.6, 0.28, 0.01), (0.02, 0.1, 0.35), (0.02, 0.02, 0.02))), 0.35)
    block("bracket", (0.02, 0.004, 0.16), (x, y, 0.05), parts, 0.001)
    block("sensor", (0.018, 0.032, 0.045), (x, y - 0.018, 0.105), housing, 0.003)
    rod("lens", 0.006, 0.003, (x, y - 0.035, 0.108), paint("lens", (0.3, 0.01, 0.01), 0.1, Coat_Weight=1.0), "y", 24)


def _room(palette: Palette, depth: float, rng: random.Random) -> None:
    floor = rng.choice(((0.22, 0.22, 0.21), (0.1, 0.17, 0.13), (0.28, 0.25, 0.22)))
    wall = palette.stained("wall", rng.choice(((0.56, 0.58, 0.57), (0.46, 0.52, 0.55), (0.6, 0.56, 0.49))), 0.5, 0.1, 5)
    block("floor", (14, 14, 0.02), (0, 2, FLOOR), palette.stained("floor", floor, 0.42, 0.15, 6), 0)
    for index in range(-5, 6):
        block("panel", (1.14, 0.06, 4), (index * 1.15, depth, FLOOR + 2), wall, 0.012)
    for side in (-1, 1):
        block("end wall", (0.06, 14, 4), (side * 4.2, 2, FLOOR + 2), wall, 0.012)
        gate_at = (side * 4.17, rng.uniform(-0.5, 1.5), FLOOR + 1.1)
        block("gate", (0.05, 1.6, 2.2), gate_at, paint("gate", (0.3, 0.33, 0.36), 0.4), 0.01)
    block("skirting", (12, 0.08, 0.25), (0, depth - 0.04, FLOOR + 0.12), paint("skirting", (0.12, 0.13, 0.14)), 0.01)


def _machine(palette: Palette, parts, depth: float, rng: random.Random) -> None:
    """Build a typical cabinet with a door and a vent, sometimes a screen, lamps and cables."""
    width, height = rng.uniform(0.3, 0.9), rng.uniform(0.5, 1.9)
    x, y = rng.uniform(-2.4, 2.4), rng.uniform(0.95, depth - 0.5)
    front = y - 0.25
    body = parts if rng.random() < 0.4 else palette.stained("machine", rng.choice(MACHINE_COLOURS), 0.4, 0.12, 8)
    dark, grey = paint("dark", (0.03, 0.03, 0.03), 0.5), palette.stained("door", (0.3, 0.32, 0.33), 0.35, 0.1, 12)
    block("machine", (width, 0.5, height), (x, y, FLOOR + height / 2), body, 0.015)
    block("door", (width * 0.7, 0.02, height * 0.45), (x, front, FLOOR + height * 0.6), grey, 0.006)
    block("handle", (0.02, 0.03, height * 0.12), (x + width * 0.28, front - 0.02, FLOOR + height * 0.6), dark, 0.004)
    for slot in range(6):
        block("vent", (width * 0.5, 0.01, 0.012), (x, front - 0.004, FLOOR + height * 0.14 + 0.028 * slot), dark, 0)
    if rng.random() < 0.7:
        screen = glow("screen", (0.25, 0.5, 0.8), rng.uniform(0.5, 2))
        block("bezel", (0.2, 0.02, 0.15), (x + width * 0.1, front - 0.012, FLOOR + height * 0.85), dark, 0.006)
        block("screen", (0.16, 0.02, 0.11), (x + width * 0.1, front - 0.016, FLOOR + height * 0.85), screen, 0.004)
    for index in range(rng.randint(0, 3)):
        lamp = glow("lamp", rng.choice(((0.1, 0.9, 0.2), (1, 0.15, 0.05), (1, 0.6, 0.05))), rng.uniform(2, 12))
        rod("lamp", 0.018, 0.02, (x - width * 0.3 + 0.06 * index, front - 0.02, FLOOR + height * 0.92), lamp, "y")
    for _ in range(rng.randint(0, 3)):
        at = (x + width * rng.uniform(-0.4, 0.4), y, FLOOR + height / 2 + 1.2)
        rod("conduit", rng.uniform(0.008, 0.018), 2.4 - height, at, dark, segments=16)


def _pipes(parts, depth: float, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 4)):
        at = (0, depth - rng.uniform(0.12, 0.3), rng.uniform(0.2, 1.6))
        rod("pipe", rng.uniform(0.025, 0.06), 9, at, parts, "x")
    for _ in range(rng.randint(0, 3)):
        rod("riser", rng.uniform(0.025, 0.05), 4, (rng.uniform(-2, 2), depth - 0.3, 1), metal("riser"))


def _second_line(palette: Palette, parts, rng: random.Random) -> None:
    """Build another conveyor further back, with cartons and crates on it."""
    y = rng.uniform(0.75, 1.3)
    block("far belt", (6, 0.4, 0.03), (0, y, -0.05), paint("far belt", (0.03, 0.03, 0.03)), 0.004)
    block("far frame", (6, 0.02, 0.1), (0, y - 0.21, -0.07), parts, 0.004)
    card = palette.stained("far card", (0.36, 0.235, 0.13), 0.8, 0.15, 12)
    for _ in range(rng.randint(2, 6)):
        size = rng.uniform(0.12, 0.25)
        surface = card if rng.random() < 0.6 else paint("crate", rng.choice(CRATE_COLOURS), 0.45)
        at = (rng.uniform(-1.3, 1.3), y, -0.035 + size / 2)
        block("case", (size * 1.3, size, size), at, surface, 0.004, turn=rng.uniform(-0.3, 0.3))

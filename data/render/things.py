"""Other objects on the belt: bottles, cans, coffee cups, cartons, lost nuts and bearings. None is labelled."""

import random

import bpy

from . import cups, shapes
from .materials import Palette, metal, paint
from .plan import OTHER_CUPS, Thing

BOTTLE = [
    (0, 1),
    (28, 0),
    (31, 3),
    (31.5, 20),
    (31, 88),
    (29, 102),
    (22, 118),
    (15, 128),
    (13, 133),
    (13, 144),
    (0, 144),
]
BOTTLE_CAP = [(0, 158), (14, 158), (15.5, 156), (15.8, 141), (0, 141)]
CAN = [
    (0, 3),
    (24, 3),
    (25, 0),
    (26.5, 1),
    (32.5, 9),
    (33, 12),
    (33, 106),
    (32, 111),
    (27, 115),
    (27, 117),
    (25.5, 117),
]
CAN += [(25, 114), (0, 114)]
PAPER_CUP = [(0, 3), (26, 3), (26, 0), (27, 0), (28.5, 14), (36, 84), (39, 101), (40, 101)]
PAPER_CUP_LID = [(41, 99), (41.5, 102), (40, 106), (38, 107), (36.5, 114), (34, 115), (33, 112), (0, 112)]
PLASTICS = {"milk": (0.86, 0.87, 0.86), "kefir": (0.84, 0.88, 0.84), "ketchup": (0.48, 0.05, 0.03)}
CAPS = {"milk": (0.02, 0.10, 0.5), "kefir": (0.03, 0.25, 0.08), "ketchup": (0.86, 0.86, 0.84)}


def build(thing: Thing, palette: Palette, rng: random.Random) -> list[bpy.types.Object]:
    """Build an object and put it in its place."""
    if thing.kind == "other cup":
        return cups.cup(rng.choice(OTHER_CUPS), False, thing.spot, palette, rng)
    body, *rest = _BUILDERS[thing.kind](palette, rng)
    for part in rest:
        part.parent = body
    body.location = (thing.spot.x, thing.spot.y, 0)
    body.rotation_euler = (0, 0, thing.spot.turn)
    return [body, *rest]


def _bottle(palette: Palette, rng: random.Random) -> list[bpy.types.Object]:
    kind = rng.choice(("milk", "kefir", "ketchup"))
    plastic = paint("bottle", PLASTICS[kind], 0.32, Coat_Weight=0.2)
    body = shapes.lathe("bottle", BOTTLE, [plastic, palette.print_on_paper(f"{kind} wrap")], (3, 4))
    return [body, shapes.lathe("cap", BOTTLE_CAP, [paint("cap", CAPS[kind], 0.35, Coat_Weight=0.3)])]


def _can(palette: Palette, rng: random.Random) -> list[bpy.types.Object]:
    wrap = palette.print_on_paper(f"{rng.choice(('lemon', 'cola', 'water'))} wrap")
    wrap.node_tree.nodes["Principled BSDF"].inputs["Metallic"].default_value = 0.55
    body = shapes.lathe("can", CAN, [metal("tin", (0.7, 0.7, 0.71), 0.22), wrap], (5, 6))
    tab = shapes.block("tab", (0.024, 0.014, 0.0012), (0.004, 0, 0.1152), metal("tab", (0.7, 0.7, 0.71), 0.25), 0.0005)
    return [body, tab]


def _coffee(palette: Palette, rng: random.Random) -> list[bpy.types.Object]:
    body = shapes.lathe(
        "coffee", PAPER_CUP, [paint("paper", (0.8, 0.78, 0.74), 0.6), palette.print_on_paper("coffee wrap")], (4, 6)
    )
    white = rng.random() < 0.5
    lid = paint("cup lid", (0.85, 0.85, 0.84) if white else (0.02, 0.02, 0.02), 0.35)
    return [body, shapes.lathe("coffee lid", PAPER_CUP_LID, [lid])]


def _carton(palette: Palette, rng: random.Random) -> list[bpy.types.Object]:
    width, depth, height = rng.uniform(0.06, 0.11), rng.uniform(0.05, 0.09), rng.uniform(0.05, 0.1)
    card = palette.stained("card", (0.36, 0.235, 0.13), 0.8, 0.12, 30)
    body = shapes.block("carton", (width, depth, height), (0, 0, 0), card, 0.0012)
    for vertex in body.data.vertices:
        vertex.co.z += height / 2
    parts = [
        body,
        shapes.block("tape", (width * 1.004, 0.022, 0.0004), (0, 0, height), paint("tape", (0.5, 0.38, 0.2), 0.25), 0),
    ]
    front = -depth / 2
    parts.append(
        shapes.block(
            "sticker", (0.04, 0.0006, 0.028), (0, front, height * 0.55), paint("sticker", (0.84, 0.84, 0.81)), 0
        )
    )
    ink = paint("ink", (0.03, 0.03, 0.03), 0.6)
    for line in range(5):
        at = (-0.002 * (line % 3), front - 0.0004, height * 0.55 + 0.009 - 0.0045 * line)
        parts.append(shapes.block("line", (0.03 - 0.004 * (line % 3), 0.0004, 0.0016), at, ink, 0))
    return parts


def _nut(palette: Palette, rng: random.Random) -> list[bpy.types.Object]:
    radius = rng.uniform(0.012, 0.022)
    steel = palette.brushed_steel("nut", (1, 1, 25))
    body = shapes.rod("nut", radius, radius, (0, 0, 0), steel, segments=6)
    for vertex in body.data.vertices:
        vertex.co.z += radius / 2
    hole = shapes.rod(
        "hole", radius * 0.55, radius * 1.02, (0, 0, radius / 2), paint("hole", (0.01, 0.01, 0.01), 0.9), segments=32
    )
    if rng.random() < 0.5:
        return [body, hole]
    return [body, hole, shapes.rod("shank", radius * 0.5, radius * 3.4, (0, 0, radius * 2.2), steel)]


def _bearing(palette: Palette, rng: random.Random) -> list[bpy.types.Object]:
    scale = rng.uniform(18, 30)
    steel = metal("race", (0.5, 0.5, 0.51), 0.2)

    def ring(name: str, inner: float, outer: float, low: float, high: float, material) -> bpy.types.Object:
        corners = ((inner, low), (outer, low), (outer, high), (inner, high), (inner, low))
        return shapes.lathe(
            name, [(radius * scale, height * scale) for radius, height in corners], [material], segments=64
        )

    seal = paint("seal", (0.012, 0.012, 0.012), 0.5)
    return [
        ring("outer race", 0.62, 1.0, 0, 0.45, steel),
        ring("inner race", 0.32, 0.52, 0, 0.45, steel),
        ring("seal", 0.5, 0.64, 0.05, 0.4, seal),
    ]


_BUILDERS = {"bottle": _bottle, "can": _can, "coffee": _coffee, "carton": _carton, "nut": _nut, "bearing": _bearing}

"""A yoghurt cup: a thermoformed body with a printed sleeve, and a lid of foil with a crimped rim and a pull tab."""

import math
import random

import bpy
import numpy as np
from mathutils import Matrix

from . import shapes
from .materials import Palette, paint
from .plan import Spot

HEIGHT, BASE_RADIUS, LID_RADIUS = 73.6, 26.9, 39.2
WALL_BOTTOM, WALL_TOP, WALL_STEPS = (27.3, 4.6), (33.4, 65.0), 8
FOOT = [(0, 2.2), (21.5, 2.2), (23.2, 0.3), (24.2, 0), (25.6, 0.2), (26.4, 1.0), (BASE_RADIUS, 2.6)]
RIM = [(33.5, 66.0), (33.9, 67.2), (34.1, 69.4), (34.6, 70.0), (37.4, 70.2), (38.1, 70.6), (38.3, 71.2)]
RIM += [(38.1, 71.9), (37.5, 72.2), (33.0, 72.25), (32.6, 71.6)]
LID_RINGS = (0, 6, 12, 18, 24, 29, 32, 33, 34.2, 37.6, 38.8, 39.3, 39.4, 39.1)
PRINTED_LID_RADIUS = 34.2
LID_SEGMENTS = 120


def cup(design: str, lying: bool, spot: Spot, palette: Palette, rng: random.Random) -> list[bpy.types.Object]:
    """Build a cup and set it on the belt; return its objects, the body first."""
    body, lid = _body(design, palette, rng), _lid(design, palette, rng)
    lid.rotation_euler = (0, 0, rng.uniform(0, 2 * math.pi))
    lid.parent = body
    if lying:
        _lay(body, lid, spot, rng)
    else:
        body.matrix_world = Matrix.Translation((spot.x, spot.y, 0)) @ Matrix.Rotation(spot.turn, 4, "Z")
    return [body, lid]


def _body(design: str, palette: Palette, rng: random.Random) -> bpy.types.Object:
    (r0, z0), (r1, z1) = WALL_BOTTOM, WALL_TOP
    wall = [(r0 + (r1 - r0) * i / WALL_STEPS, z0 + (z1 - z0) * i / WALL_STEPS) for i in range(WALL_STEPS + 1)]
    printed = (len(FOOT), len(FOOT) + WALL_STEPS)
    plastic = paint("plastic", (0.84, 0.84, 0.81), 0.32, Coat_Weight=0.25)
    waves = [(k, rng.gauss(0, 0.004) / k, rng.uniform(0, 2 * math.pi)) for k in (2, 3, 5)]

    def dent(angle: np.ndarray) -> np.ndarray:
        return 1 + sum(depth * np.sin(k * angle + start) for k, depth, start in waves)

    return shapes.lathe(
        design, [*FOOT, *wall, *RIM], [plastic, palette.print_on_paper(f"{design} sleeve")], printed, dent=dent
    )


def _lid(design: str, palette: Palette, rng: random.Random) -> bpy.types.Object:
    """Build the lid: a printed disc with a slight sag or bulge, bare rolled edge, crimped skirt, and a pull tab."""
    bulge, skirt, tab = rng.uniform(-0.9, 1.2), rng.uniform(1.6, 2.4), rng.uniform(0, 2 * math.pi)
    phases = [rng.uniform(0, 2 * math.pi) for _ in range(4)]
    angles = np.arange(LID_SEGMENTS) / LID_SEGMENTS * 2 * np.pi
    rings = [_lid_ring(radius, angles if radius else angles[:1], bulge, skirt, tab, phases) for radius in LID_RINGS]
    return shapes.skin(
        f"{design} lid",
        rings,
        [palette.printed_foil(f"{design} lid"), palette.bare_foil()],
        lambda band: int(LID_RINGS[band + 1] > PRINTED_LID_RADIUS),
        lambda ring, around, point: tuple(0.5 + point[:2] / (2 * 39.6 * shapes.MILLIMETRE)),
        crease=60,
    )


def _lid_ring(radius: float, angle: np.ndarray, bulge: float, skirt: float, tab: float, phases) -> np.ndarray:
    """Return one ring of the lid, (n, 3) metres."""
    share = min(radius / 33, 1)
    height = 72.5 + bulge * (1 - share**2)
    height += (1 - share) * share * (0.7 * share * np.sin(2 * angle + phases[0]) + 0.5 * np.sin(3 * angle + phases[1]))
    reach = np.full_like(angle, radius)
    edge = {33: -0.25, 34.2: 0.05, 38.8: -0.12, 39.3: -0.55, 39.4: -0.6 * skirt, 39.1: -skirt}
    height = height + edge.get(radius, 0)
    if radius in (39.4, 39.1):
        crimp = 0.2 if radius == 39.4 else 0.38
        reach += crimp * (np.sin(29 * angle + phases[2]) + 0.7 * np.sin(47 * angle + phases[3]))
    if radius >= 37.6:
        away = np.abs((angle - tab + np.pi) % (2 * np.pi) - np.pi)
        drawn = np.exp(-((away / 0.17) ** 4))
        reach += drawn * (radius - 37.0) * 4.5
        height += drawn * (0.2 + (0.85 * skirt if radius >= 39.1 else 0) - 0.55 * (radius - 37.6))
    points = np.stack([reach * np.cos(angle), reach * np.sin(angle), np.broadcast_to(height, angle.shape)], axis=1)
    return points * shapes.MILLIMETRE


def _lay(body: bpy.types.Object, lid: bpy.types.Object, spot: Spot, rng: random.Random) -> None:
    """Lay the cup on its side, on the edges of foot and rim. Its tab must not pierce the belt."""
    taper = math.atan2(38.3 - BASE_RADIUS, 71.2 - 2.6)
    tilt = Matrix.Rotation(math.pi / 2 - taper, 4, "Y") @ Matrix.Translation((0, 0, -HEIGHT / 2 * shapes.MILLIMETRE))
    roll = Matrix.Rotation(rng.uniform(0, 2 * math.pi), 4, "Z")
    body.matrix_world = Matrix.Rotation(spot.turn, 4, "Z") @ tilt @ roll
    lowest = min(_lowest(body), _lowest(lid) + 0.0015)
    body.matrix_world = Matrix.Translation((spot.x, spot.y, -lowest)) @ body.matrix_world
    for _ in range(60):
        if _lowest(lid) > -0.0018:
            return
        lid.rotation_euler = (0, 0, rng.uniform(0, 2 * math.pi))


def _lowest(thing: bpy.types.Object) -> float:
    bpy.context.view_layer.update()
    return min((thing.matrix_world @ vertex.co).z for vertex in thing.data.vertices)

"""Camera and lights, with different ranges for the training line and the new line."""

import math
import random
from pathlib import Path

import bpy
from mathutils import Matrix, Vector

from .film_plan import TARGET_HEIGHT, Film, View
from .plan import SENSOR_WIDTH, SIZE, Plan

STUDIO_LIGHTS = Path(bpy.utils.resource_path("LOCAL")) / "datafiles" / "studiolights" / "world"
CUP_HEIGHT, CUP_MIDDLE = 0.0736, 0.035
SMALLEST_CUP = 58
"""The minimum height in pixels of an upright cup in the middle of the photo."""


def set_up(plan: Plan) -> None:
    """Place the camera so that it shows the plan's cups, and light the scene."""
    _camera(plan, plan.rng("camera"))
    light(plan)


def light(plan: Plan | Film) -> None:
    """Add the lamps of the plan's line."""
    add_lamps = _new_line_light if plan.line == "new_line" else _hall_light
    add_lamps(plan.rng("light"))


def film_camera(view: View) -> None:
    """Place the camera of a film, which looks at the middle of the belt and focuses there."""
    data = _new_camera()
    camera, target = bpy.context.scene.camera, Vector((0, 0, TARGET_HEIGHT))
    data.lens = view.lens
    camera.location = target + view.distance * Vector(view.direction)
    _aim(camera, target)
    data.dof.use_dof, data.dof.focus_distance, data.dof.aperture_fstop = True, view.distance - 0.02, 8.0


def _new_camera() -> bpy.types.Camera:
    data = bpy.data.cameras.new("camera")
    camera = bpy.data.objects.new("camera", data)
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    data.sensor_width, data.clip_start = SENSOR_WIDTH, 0.01
    return data


def _camera(plan: Plan, rng: random.Random) -> None:
    data = _new_camera()
    camera = bpy.context.scene.camera
    if plan.line == "new_line":
        data.lens = rng.choice((24, 30, 40))
        elevation, azimuth = math.radians(rng.uniform(38, 78)), math.radians(rng.gauss(-90, 60))
    else:
        data.lens = rng.choice((28, 35, 35, 50, 50, 70, 85))
        low, high = rng.choice(((13, 24), (18, 40), (18, 40), (40, 64)))
        elevation, azimuth = math.radians(rng.uniform(low, high)), math.radians(rng.gauss(-90, 28))
    spots = [cup.spot for cup in plan.cups] or [thing.spot for thing in plan.things]
    x = sum(spot.x for spot in spots) / max(len(spots), 1)
    y = sum(spot.y for spot in spots) / max(len(spots), 1)
    extent = max([0.1, *(math.hypot(spot.x - x, spot.y - y) + 0.055 for spot in spots)])
    target = Vector((x + rng.gauss(0, 0.02), y + rng.gauss(0, 0.015), 0.03 + rng.uniform(-0.01, 0.012)))
    half_angle = math.atan(SENSOR_WIDTH / 2 / data.lens * 0.7)
    widest = 1.25 if len(plan.cups) < 5 else 1.0
    distance = (extent * rng.uniform(0.64, widest) + 0.02) / math.tan(half_angle) + 0.06
    distance = min(distance, CUP_HEIGHT * data.lens / SENSOR_WIDTH * SIZE[0] / SMALLEST_CUP)
    direction = (math.cos(elevation) * math.cos(azimuth), math.cos(elevation) * math.sin(azimuth), math.sin(elevation))
    camera.location = target + distance * Vector(direction)
    _aim(camera, target, rng.gauss(0, 0.03))
    _focus(data, camera.location, target, [Vector((spot.x, spot.y, CUP_MIDDLE)) for spot in spots], rng)


def _focus(data, camera: Vector, target: Vector, subjects: list[Vector], rng: random.Random) -> None:
    """Focus on the nearest subject or on any of them. The blur depends only on the aperture."""
    forward = (target - camera).normalized()
    nearest_first = sorted(subjects or [target], key=lambda subject: (subject - camera).length)
    subject = nearest_first[0] if rng.random() < 0.6 else rng.choice(nearest_first)
    data.dof.use_dof = True
    data.dof.focus_distance = max(0.05, (subject - camera).dot(forward) - 0.02)
    data.dof.aperture_fstop = rng.choice((2.8, 4.0, 5.6, 5.6, 8.0))
    data.dof.aperture_blades = 7


def _aim(thing: bpy.types.Object, target: Vector, roll: float = 0.0) -> None:
    turn = (target - thing.location).to_track_quat("-Z", "Y").to_matrix()
    thing.rotation_euler = (turn @ Matrix.Rotation(roll, 3, "Z")).to_euler()


def _hall_light(rng: random.Random) -> None:
    """Add one lamp above, often one from the side, the hall's lamps, and surroundings for reflections."""
    power = rng.uniform(9, 19)
    above = (rng.uniform(-0.5, 0.5), rng.uniform(-0.7, 0.3), rng.uniform(0.7, 1.2))
    _lamp(above, (0, 0, 0), (rng.uniform(0.25, 0.9), rng.uniform(0.06, 0.2)), power, rng.uniform(4200, 7000))
    if rng.random() < 0.75:
        side = (rng.choice((-1, 1)) * rng.uniform(0.6, 1.1), rng.uniform(-0.8, 0.6), rng.uniform(0.3, 0.9))
        size = (rng.uniform(0.15, 0.6), rng.uniform(0.15, 0.6))
        _lamp(side, (0, 0, 0.03), size, power * rng.uniform(0.1, 0.5), rng.uniform(3200, 7500))
    _lamp((0, 2.0, 2.6), (0, 2.0, 0), (3.5, 1.5), rng.uniform(40, 110), rng.uniform(4000, 6500))
    _surroundings(rng.choice(("interior", "studio", "city")), rng.uniform(0.05, 0.25), rng)


def _new_line_light(rng: random.Random) -> None:
    """Add two hard strips along the belt, as in inspection stations, and a dim room."""
    colour = rng.choice((7600, 8400, 3000))
    for side in (-1, 1):
        at = (rng.uniform(-0.1, 0.1), side * rng.uniform(0.28, 0.4), rng.uniform(0.25, 0.5))
        _lamp(at, (0, 0, 0), (1.2, 0.03), rng.uniform(4, 9), colour)
    _lamp((0, 1.2, 2.2), (0, 1.4, 0), (3.0, 1.0), rng.uniform(50, 110), 5200)
    _surroundings(rng.choice(("courtyard", "forest")), rng.uniform(0.1, 0.25), rng)


def _lamp(at, target, size: tuple[float, float], watts: float, temperature: float) -> None:
    """Add a rectangular lamp of `size` metres; `temperature` in kelvin."""
    data = bpy.data.lights.new("lamp", "AREA")
    data.shape, data.size, data.size_y, data.energy = "RECTANGLE", *size, watts
    data.use_temperature, data.temperature = True, temperature
    lamp = bpy.data.objects.new("lamp", data)
    bpy.context.scene.collection.objects.link(lamp)
    lamp.location, lamp.visible_camera = at, False
    _aim(lamp, Vector(target))


def _surroundings(name: str, strength: float, rng: random.Random) -> None:
    world = bpy.data.worlds.new("surroundings")
    bpy.context.scene.world = world
    world.use_nodes = True
    tree = world.node_tree
    background = tree.nodes["Background"]
    background.inputs["Strength"].default_value = strength
    picture = tree.nodes.new("ShaderNodeTexEnvironment")
    picture.image = bpy.data.images.load(str(STUDIO_LIGHTS / f"{name}.exr"))
    mapping = tree.nodes.new("ShaderNodeMapping")
    mapping.inputs["Rotation"].default_value = (0, 0, rng.uniform(0, 2 * math.pi))
    tree.links.new(tree.nodes.new("ShaderNodeTexCoord").outputs["Generated"], mapping.inputs["Vector"])
    tree.links.new(mapping.outputs["Vector"], picture.inputs["Vector"])
    tree.links.new(picture.outputs["Color"], background.inputs["Color"])
    world.cycles.sampling_method, world.cycles.sample_map_resolution = "MANUAL", 256

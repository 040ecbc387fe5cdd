"""The scene of a film in Blender: built once, then only the belt and what is on it move from frame to frame."""

import math
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix
from PIL import Image

from . import boxes, cups, hall, new_line, picture, studio, things
from .film_plan import FOOT, LYING_MIDDLE, LYING_TILT, Film, FilmCup
from .materials import Palette
from .plan import SIZE

BOUNCES = (3, 2, 2)
"""At most this many in all, diffuse and glossy: fewer than for photos, because a film has many frames."""
WITHOUT_TAB = 0.0395
"""The radius of a lid in metres; only its tab reaches beyond."""
FADE = 8
"""Rows over which the rendered rows fade into the still ones."""
LONGER = 3.0
"""Metres by which the belt is extended at each end, so that the film never reaches it."""


@dataclass
class MovingCup:
    """A cup in Blender: `points` of its surface in its own coordinates, `roll` about its axis while it lies."""

    plan: FilmCup
    parts: list[bpy.types.Object]
    points: np.ndarray
    roll: Matrix

    def move(self, time: float, travelled: float) -> None:
        """Put the cup where it is at a time."""
        spot, tilt = self.plan.spot, self.plan.tilt(time)
        turn = Matrix.Rotation(spot.turn, 4, "Z")
        if not self.plan.lying and self.plan.falls is None:
            self.parts[0].matrix_world = Matrix.Translation((spot.x + travelled, spot.y, 0)) @ turn
            return
        edge = (spot.x - LYING_MIDDLE * math.cos(spot.turn), spot.y - LYING_MIDDLE * math.sin(spot.turn))
        upright = Matrix.Translation((-FOOT, 0, 0)) @ self.roll
        pose = turn @ Matrix.Rotation(tilt, 4, "Y") @ upright
        lowest = float((self.points @ np.array(pose)[2, :3] + pose[2][3]).min())
        self.parts[0].matrix_world = Matrix.Translation((edge[0] + travelled, edge[1], -lowest)) @ pose


class Stage:
    """The built scene of one film."""

    def __init__(self, film: Film, images: Path, threads: int):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.film, rng = film, film.rng("scene")
        palette = Palette(images, film.rng("materials"))
        (new_line if film.line == "new_line" else hall).build(palette, rng)
        self.cups = [_moving_cup(cup, palette, rng) for cup in film.cups]
        other = [part for thing in film.things for part in things.build(thing, palette, rng)]
        belt = [part for part in bpy.context.scene.objects if part.name in ("belt", "seam")]
        for vertex in bpy.data.objects["belt"].data.vertices:
            vertex.co.x += math.copysign(LONGER, vertex.co.x)
        self._sliding = [(part, part.location.x) for part in (*other, *belt) if part.parent is None]
        self._middle = film.travelled(film.frames) / 2
        studio.film_camera(film.view)
        studio.light(film)
        picture.settings(film)
        bpy.context.scene.render.use_persistent_data = True
        bpy.context.scene.render.threads = threads

    def move(self, frame: int) -> None:
        """Move everything to where it is in a frame."""
        travelled = self.film.travelled(frame)
        for cup in self.cups:
            cup.move(frame / self.film.fps, travelled)
        for part, start in self._sliding:
            part.location.x = start + travelled - (self._middle if part.name in ("belt", "seam") else 0)
        bpy.context.view_layer.update()

    def prepare(self, background: Path) -> None:
        """Set the exposure, and render frame 0 for the rows in which nothing moves, unless it exists."""
        self.move(0)
        picture.meter(self.film, background.with_name("meter.png"))
        scene = bpy.context.scene
        scene.cycles.max_bounces, scene.cycles.diffuse_bounces, scene.cycles.glossy_bounces = BOUNCES
        scene.cycles.samples = self.film.samples
        if not background.exists():
            _render(background)
        first, last = self.film.moving_rows
        render = scene.render
        render.use_border = render.use_crop_to_border = True
        render.border_min_x, render.border_max_x = 0, 1
        render.border_min_y, render.border_max_y = 1 - (last + 1) / SIZE[1], 1 - first / SIZE[1]

    def photo(self, frame: int, background: Path, target: Path) -> None:
        """Write a frame to a PNG file, without the effects of a lens: only the rows that move are rendered."""
        self.move(frame)
        moving = target.with_suffix(".moving.png")
        _render(moving)
        with Image.open(background) as still, Image.open(moving) as rows:
            image = blended(still.convert("RGB"), rows.convert("RGB"), self.film.moving_rows)
        moving.unlink()
        image.save(moving)
        moving.replace(target)

    def paint_numbers(self) -> None:
        """Prepare the scene for `seen`; it renders no photo afterwards."""
        bpy.context.scene.render.use_crop_to_border = False
        boxes.paint_numbers(self._by_flavour())

    def seen(self, frame: int, scratch: Path) -> list[tuple[int, boxes.LabelledBox]]:
        """Return the track and the box of each cup that a frame shows."""
        self.move(frame)
        found = boxes.seen(self._by_flavour(), scratch)
        return [(self.film.cups[index].track, box) for index, box in found.items()]

    def _by_flavour(self) -> list[tuple[str, list[bpy.types.Object]]]:
        return [(cup.plan.flavour, cup.parts) for cup in self.cups]


def _moving_cup(cup: FilmCup, palette: Palette, rng) -> MovingCup:
    down = cup.lying or cup.falls is not None
    body, lid = cups.cup(cup.flavour, down, cup.spot, palette, rng)
    bpy.context.view_layer.update()
    lying = Matrix.Rotation(cup.spot.turn, 4, "Z") @ Matrix.Rotation(LYING_TILT, 4, "Y")
    roll = (lying.inverted() @ body.matrix_world).to_3x3().to_4x4()
    points = [vertex.co for vertex in body.data.vertices]
    points += [lid.matrix_local @ vertex.co for vertex in lid.data.vertices if vertex.co.xy.length < WITHOUT_TAB]
    return MovingCup(cup, [body, lid], np.array(points), roll)


def blended(still: Image.Image, rows: Image.Image, where: tuple[int, int]) -> Image.Image:
    """Put the rendered rows on the still picture. Their first and last rows fade, because the denoiser errs there."""
    first, last = where
    row = np.arange(first, last + 1)
    above = (row - first + 1) / FADE if first > 0 else 1.0
    below = (last + 1 - row) / FADE if last < SIZE[1] - 1 else 1.0
    share = (np.minimum(above, below).clip(0, 1) * np.ones(len(row)))[:, None, None]
    pixels = np.array(still)
    mixed = share * np.asarray(rows) + (1 - share) * pixels[first : last + 1]
    pixels[first : last + 1] = (mixed + 0.5).astype(np.uint8)
    return Image.fromarray(pixels)


def _render(target: Path) -> None:
    unfinished = target.with_suffix(".part.png")
    bpy.context.scene.render.filepath = str(unfinished)
    bpy.ops.render.render(write_still=True)
    unfinished.replace(target)

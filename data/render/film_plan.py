"""What passes on the belt in each film, determined by the film's seed alone, without Blender.

Lengths are metres and times are seconds. A cup's `spot` is where it is at time 0; the belt carries it along x.
"""

import math
import random
from dataclasses import dataclass
from functools import cache

from .plan import CUP_RADIUS, FLAVOURS, HALF_BELT, LYING_CUP_RADIUS, SENSOR_WIDTH, SIZE, THING_RADIUS, Spot, Thing

FPS = 15
TARGET_HEIGHT = 0.03
CUP_HEIGHT = 0.076
THING_HEIGHT = {"bottle": 0.16, "can": 0.12, "coffee": 0.118}
ROWS_AROUND = 6
"""Rows above and below the belt in which rails still reflect it."""
GAP = 0.006
"""Kept free around each cup, because the tab of a lid reaches beyond the lid."""

FOOT = 0.0269
"""From the axis of a standing cup to the edge of its foot, about which it tips."""
LYING_MIDDLE = 0.0319
"""From that edge to the middle of the lying cup."""
LYING_TILT = math.radians(80.6)
TIPPING_TILT = math.radians(34)
"""From here on, gravity tips the cup over."""
GRAVITY = 147.0
"""Gravity times lever over moment of inertia, 1/s^2, for a full cup on the edge of its foot."""


@dataclass(frozen=True)
class View:
    """The camera: angles in degrees, `lens` in millimetres, `width` of the picture at the belt's middle in metres."""

    elevation: float
    azimuth: float
    lens: float
    width: float

    @property
    def distance(self) -> float:
        return self.width * self.lens / SENSOR_WIDTH

    @property
    def direction(self) -> tuple[float, float, float]:
        """The unit vector from the belt's middle to the camera."""
        elevation, azimuth = math.radians(self.elevation), math.radians(self.azimuth)
        return (
            math.cos(elevation) * math.cos(azimuth),
            math.cos(elevation) * math.sin(azimuth),
            math.sin(elevation),
        )

    def pixel(self, x: float, y: float, z: float) -> tuple[float, float]:
        """Return where a point appears in the picture, in pixels from its top left corner."""
        elevation, azimuth = math.radians(self.elevation), math.radians(self.azimuth)
        right = -x * math.sin(azimuth) + y * math.cos(azimuth)
        z -= TARGET_HEIGHT
        away = x * math.cos(azimuth) + y * math.sin(azimuth)
        up = z * math.cos(elevation) - away * math.sin(elevation)
        depth = self.distance - away * math.cos(elevation) - z * math.sin(elevation)
        focal = self.lens / SENSOR_WIDTH * SIZE[0]
        return SIZE[0] / 2 + focal * right / depth, SIZE[1] / 2 - focal * up / depth


@dataclass(frozen=True)
class FilmCup:
    """A cup: `lying` from the start, or from `falls` on, the time at which it begins to tip towards `spot.turn`.

    The spot of a cup that falls is its place after the fall.
    """

    track: int
    flavour: str
    lying: bool
    spot: Spot
    falls: float | None = None

    @property
    def places(self) -> list[Spot]:
        """Every place that the cup takes during the film: one that falls has two."""
        if self.falls is None:
            return [self.spot]
        back = FOOT + LYING_MIDDLE
        x, y = self.spot.x - back * math.cos(self.spot.turn), self.spot.y - back * math.sin(self.spot.turn)
        return [Spot(x, y, CUP_RADIUS + GAP, self.spot.turn), self.spot]

    def tilt(self, time: float) -> float:
        """Return how far the cup leans at a time, in radians: 0 stands, LYING_TILT lies."""
        if self.falls is None:
            return LYING_TILT if self.lying else 0.0
        return tilt_after(time - self.falls)


@dataclass(frozen=True)
class Film:
    """One film: `line` as in `plan.Plan`; `speed` of the belt in metres per second, negative for -x."""

    name: str
    seed: int
    line: str
    frames: int
    speed: float
    view: View
    cups: tuple[FilmCup, ...]
    things: tuple[Thing, ...]
    fps: int = FPS

    def rng(self, part: str) -> random.Random:
        """Return a random generator for one part of the scene, as `plan.Plan.rng`."""
        return random.Random(f"{self.seed} {part}")

    def travelled(self, frame: int) -> float:
        """Return how far the belt has moved along x up to a frame."""
        return self.speed * frame / FPS

    @property
    def samples(self) -> int:
        return FILMS[self.name].samples

    @property
    def moving_rows(self) -> tuple[int, int]:
        """Return the first and the last row of the picture in which anything moves."""
        tallest = max([CUP_HEIGHT, *(THING_HEIGHT.get(thing.kind, CUP_HEIGHT) for thing in self.things)])
        reach = 0.6 * self.view.width
        corners = [(x, y, z) for x in (-reach, 0, reach) for y in (-HALF_BELT, HALF_BELT) for z in (0.0, tallest)]
        rows = [self.view.pixel(*corner)[1] for corner in corners]
        return max(0, math.floor(min(rows)) - ROWS_AROUND), min(SIZE[1] - 1, math.ceil(max(rows)) + ROWS_AROUND)

    @property
    def counting_line(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """A line across the belt at the middle of the picture, from the lower edge to the upper, in pixels."""
        (x0, y0), (x1, y1) = (self.view.pixel(0, y, CUP_RADIUS) for y in (-HALF_BELT, HALF_BELT))
        bottom, top = SIZE[1] - 1, 0
        return tuple((round(x0 + (x1 - x0) * (y - y0) / (y1 - y0)), y) for y in (bottom, top))


@dataclass(frozen=True)
class Recipe:
    """What a film is planned from.

    `crowd` counts cups per metre of belt, `rows` are their places across, if any; `samples` counts the light paths for
    each pixel.
    """

    seed: int
    line: str
    view: View
    crowd: float
    rows: tuple[float, ...] = ()
    lying: float = 0.0
    falling: float = 0.0
    things: int = 0
    speed: float = 0.25
    frames: int = 121
    samples: int = 2


FILMS = {
    "known_line": Recipe(3001, "hall", View(36, -94, 35, 0.62), 13.5, rows=(-0.052, 0.052), samples=3),
    "crowded": Recipe(3002, "hall", View(24, -84, 50, 0.64), 14.5, lying=0.14, falling=0.16, things=7),
    "new_line": Recipe(3003, "new_line", View(52, -104, 30, 0.62), 12.5, rows=(-0.06, 0.05), things=3, speed=-0.25),
}
THINGS = ("bottle", "can", "other cup", "coffee", "bearing", "other cup", "nut")


@cache
def film(name: str) -> Film:
    """Return the plan of a film. Raises ValueError for an unknown name."""
    if name not in FILMS:
        raise ValueError(f"there is no film {name}; the films are {', '.join(FILMS)}")
    recipe = FILMS[name]
    rng = random.Random(f"{recipe.seed} film")
    way = recipe.speed * recipe.frames / FPS
    margin = recipe.view.width / 2 + 0.3
    low, high = min(0.0, -way) - margin, max(0.0, -way) + margin
    cups = _cups(rng, recipe, low, high)
    taken = [place for cup in cups for place in cup.places]
    things = _things(rng, recipe.things, taken, low + margin, high - margin)
    return Film(name, recipe.seed, recipe.line, recipe.frames, recipe.speed, recipe.view, tuple(cups), tuple(things))


def _cups(rng: random.Random, recipe: Recipe, low: float, high: float) -> list[FilmCup]:
    """Return cups over the whole length of belt that the film shows, numbered in the order of their arrival."""
    cups: list[FilmCup] = []
    count = round((high - low) * recipe.crowd)
    deck = [flavour for _ in range(count // len(FLAVOURS) + 1) for flavour in rng.sample(FLAVOURS, len(FLAVOURS))]
    for index in range(count):
        middle = low + (high - low) * (index + 0.5) / count
        chance = rng.random()
        falls = chance < recipe.falling
        lying = recipe.falling <= chance < recipe.falling + recipe.lying
        for _ in range(300):
            cup = _candidate(rng, recipe, middle, (low, high), index, falls, lying)
            if cup and _fits(cup.places, [place for other in cups for place in other.places]):
                cups.append(cup)
                break
    cups.sort(key=lambda cup: -cup.places[0].x * recipe.speed)
    return [
        FilmCup(track, flavour, cup.lying, cup.spot, cup.falls)
        for track, (cup, flavour) in enumerate(zip(cups, deck, strict=False), start=1)
    ]


def _candidate(rng: random.Random, recipe: Recipe, middle, ends, index, falls: bool, lying: bool) -> FilmCup | None:
    """Return a cup at a random place, or None if it would fall outside the picture or the film."""
    if recipe.rows:
        x, y = middle + rng.gauss(0, 0.012), recipe.rows[index % len(recipe.rows)] + rng.gauss(0, 0.008)
    else:
        x, y = rng.uniform(*ends), rng.uniform(-0.125, 0.125)
    down = falls or lying
    turn = rng.uniform(0, 2 * math.pi) if down else rng.gauss(math.pi, 0.75) + rng.choice((0, math.pi))
    spot = Spot(x, y, LYING_CUP_RADIUS if down else CUP_RADIUS + GAP, turn)
    if not falls:
        return FilmCup(0, "", lying, spot)
    time = (rng.uniform(-0.4, 0.2) * math.copysign(recipe.view.width, recipe.speed) - x) / recipe.speed
    return FilmCup(0, "", False, spot, time) if 0.2 < time < recipe.frames / FPS - 0.8 else None


def _fits(places: list[Spot], taken: list[Spot]) -> bool:
    """Say whether places are on the belt and touch no taken one."""
    return all(
        abs(one.y) < HALF_BELT - one.radius
        and all(math.hypot(one.x - other.x, one.y - other.y) > one.radius + other.radius for other in taken)
        for one in places
    )


def _things(rng: random.Random, count: int, taken: list[Spot], low: float, high: float) -> list[Thing]:
    things: list[Thing] = []
    for index in range(count):
        kind = THINGS[index % len(THINGS)]
        for _ in range(300):
            turn = rng.uniform(0, 2 * math.pi)
            spot = Spot(rng.uniform(low, high), rng.uniform(-0.12, 0.13), THING_RADIUS[kind], turn)
            if _fits([spot], [*taken, *(thing.spot for thing in things)]):
                things.append(Thing(kind, spot))
                break
    return things


@cache
def _fall() -> list[float]:
    """Return the tilt of a falling cup at each millisecond: pushed, over its edge, and twice a small bounce."""
    tilt, speed, step, tilts = 0.0, 7.2, 0.001, []
    while len(tilts) < 1500:
        tilts.append(tilt)
        speed += GRAVITY * math.sin(tilt - TIPPING_TILT) * step
        tilt += speed * step
        if tilt > LYING_TILT:
            tilt, speed = LYING_TILT, -0.22 * speed if speed > 0.6 else 0.0
    return tilts


def tilt_after(seconds: float) -> float:
    """Return the tilt of a cup in radians, `seconds` after it was pushed."""
    tilts = _fall()
    return tilts[min(max(round(seconds * 1000), 0), len(tilts) - 1)]

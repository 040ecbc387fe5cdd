"""The objects on the belt of one photo, determined by its seed alone, without Blender.

Lengths are metres. The belt runs along x, the camera usually looks from the side of negative y, z points up.
"""

import math
import random
from dataclasses import dataclass
from functools import cache

SIZE = (512, 384)
"""Width and height of photos and films, in pixels."""
SENSOR_WIDTH = 36.0
"""Millimetres, for the focal lengths of cameras."""
FLAVOURS = ("blueberry", "natural", "peach", "strawberry", "vanilla")
OTHER_CUPS = ("chocolate", "pistachio")
CUP_RADIUS = 0.041
LYING_CUP_RADIUS = 0.054
HALF_BELT = 0.17

CUPS_PER_PHOTO = {1: 10, 2: 16, 3: 20, 4: 20, 5: 15, 6: 11, 7: 8}
EMPTY_EVERY, EMPTY_AT = 24, 8
SAME_EVERY, SAME_COUNT = 9, 3
THINGS_PER_PHOTO = {0: 25, 1: 35, 2: 25, 3: 15}
THING_RADIUS = {
    "bottle": 0.034,
    "can": 0.035,
    "other cup": CUP_RADIUS,
    "coffee": 0.042,
    "carton": 0.075,
    "nut": 0.024,
    "bearing": 0.031,
}
THINGS = {"bottle": 3, "can": 3, "other cup": 4, "coffee": 2, "carton": 2, "nut": 2, "bearing": 2}


@dataclass(frozen=True)
class Spot:
    """A place on the belt: centre (metres), the radius kept free around it, the turn about the vertical (radians)."""

    x: float
    y: float
    radius: float
    turn: float


@dataclass(frozen=True)
class Cup:
    flavour: str
    lying: bool
    spot: Spot


@dataclass(frozen=True)
class Thing:
    """An object that is not a yoghurt: `kind` is a key of THINGS."""

    kind: str
    spot: Spot


@dataclass(frozen=True)
class Plan:
    """One photo: `line` is "hall" or "new_line"; `blur` is how far the belt moves in the exposure, in metres."""

    seed: int
    line: str
    cups: tuple[Cup, ...]
    things: tuple[Thing, ...]
    blur: float

    def rng(self, part: str) -> random.Random:
        """Return a random generator for one part of the scene, so that changing one part does not change the others."""
        return random.Random(f"{self.seed} {part}")


@dataclass(frozen=True)
class PhotoSet:
    """A set of photos: its folders in data/, its seeds, its line, and whether it includes photos without cups."""

    images: str
    annotations: str
    seeds: range
    line: str = "hall"
    empty_photos: bool = True
    simple: bool = False

    def stem(self, seed: int) -> str:
        return f"{seed - self.seeds.start + 1:04d}"


SETS = {
    "yoghurt": PhotoSet("yoghurt/images", "yoghurt/annotations", range(1, 361)),
    "new_line": PhotoSet("yoghurt_new_line/images", "yoghurt_new_line/annotations", range(1001, 1049), line="new_line"),
    "to_label": PhotoSet("to_label", "to_label_truth", range(2001, 2013), empty_photos=False, simple=True),
}


def set_of(seed: int) -> PhotoSet:
    """Return the set that a seed belongs to. Raises ValueError for a seed outside every set."""
    for photo_set in SETS.values():
        if seed in photo_set.seeds:
            return photo_set
    known = ", ".join(f"{s.seeds.start} to {s.seeds.stop - 1} ({name})" for name, s in SETS.items())
    raise ValueError(f"seed {seed} belongs to no set; the seeds are {known}")


@cache
def plan(seed: int) -> Plan:
    """Return the plan of the photo with this seed."""
    photo_set = set_of(seed)
    rng = random.Random(f"{seed} plan")
    cups = _cups(rng, seed, photo_set)
    things = () if photo_set.simple else _things(rng, [cup.spot for cup in cups])
    blur = rng.uniform(0.002, 0.006) if rng.random() < 0.15 and not photo_set.simple else 0.0
    return Plan(seed, photo_set.line, tuple(cups), tuple(things), blur)


def _cups(rng: random.Random, seed: int, photo_set: PhotoSet) -> list[Cup]:
    flavours = _flavours(seed, photo_set)
    count = len(flavours)
    layout = rng.choice(("scattered", "scattered", "row", "two rows"))
    lying_share = 0.0 if photo_set.simple else 0.25 if layout == "scattered" else 0.08
    cups: list[Cup] = []
    for index, flavour in enumerate(flavours):
        lying = rng.random() < lying_share
        spot = _free_spot(
            rng,
            [cup.spot for cup in cups],
            LYING_CUP_RADIUS if lying else CUP_RADIUS,
            lambda index=index: _cup_place(rng, layout, index, count),
            _turn(rng, lying),
        )
        if spot:
            cups.append(Cup(flavour, lying, spot))
    return cups


def _flavours(seed: int, photo_set: PhotoSet) -> list[str]:
    """Return the flavours of a photo's cups: one flavour on every ninth photo, otherwise dealt from one deck for the
    set.

    The deck repeats five cards of five flavours, shuffled each time. So a photo's flavours depend on the number of cups
    on the photos before it, and the set as a whole is balanced.
    """
    if _of_one_flavour(seed):
        return [FLAVOURS[seed // SAME_EVERY % len(FLAVOURS)]] * SAME_COUNT
    before = range(photo_set.seeds.start, seed)
    dealt = sum(_count(earlier, photo_set) for earlier in before if not _of_one_flavour(earlier))
    count = _count(seed, photo_set)
    shuffle = random.Random(f"deck {photo_set.seeds.start}")
    deck: list[str] = []
    while len(deck) < dealt + count:
        deck += shuffle.sample(FLAVOURS, len(FLAVOURS))
    return deck[dealt : dealt + count]


def _of_one_flavour(seed: int) -> bool:
    return seed % SAME_EVERY == 4


@cache
def _count(seed: int, photo_set: PhotoSet) -> int:
    if photo_set.empty_photos and seed % EMPTY_EVERY == EMPTY_AT:
        return 0
    rng = random.Random(f"{seed} count")
    return rng.randint(2, 4) if photo_set.simple else _draw(rng, CUPS_PER_PHOTO)


def _turn(rng: random.Random, lying: bool) -> float:
    """Return a turn: most upright cups show a printed front to the camera, lying ones point anywhere."""
    if lying or rng.random() < 0.2:
        return rng.uniform(0, 2 * math.pi)
    return rng.gauss(math.pi, 0.75) + rng.choice((0, math.pi))


def _cup_place(rng: random.Random, layout: str, index: int, count: int) -> tuple[float, float]:
    if layout == "row":
        return (index - (count - 1) / 2) * 0.09 + rng.gauss(0, 0.004), rng.gauss(0, 0.012)
    if layout == "two rows":
        column = index // 2 - (math.ceil(count / 2) - 1) / 2
        return column * 0.092 + rng.gauss(0, 0.004), (0.047 if index % 2 else -0.047) + rng.gauss(0, 0.004)
    return rng.uniform(-0.2, 0.2), rng.uniform(-0.125, 0.125)


def _things(rng: random.Random, taken: list[Spot]) -> list[Thing]:
    things: list[Thing] = []
    for _ in range(_draw(rng, THINGS_PER_PHOTO)):
        kind = _draw(rng, THINGS)
        radius = THING_RADIUS[kind]
        spot = _free_spot(
            rng,
            [*taken, *(thing.spot for thing in things)],
            radius,
            lambda: (rng.uniform(-0.26, 0.26), rng.uniform(-0.12, 0.13)),
            rng.uniform(0, 2 * math.pi),
        )
        if spot:
            things.append(Thing(kind, spot))
    return things


def _free_spot(rng: random.Random, taken: list[Spot], radius: float, place, turn: float) -> Spot | None:
    """Return the first of 200 tries that is on the belt and touches no other spot. Later tries are further out."""
    for attempt in range(200):
        x, y = place()
        spread = 1 + attempt / 100
        x, y = x * spread + (attempt > 20) * rng.gauss(0, 0.03), y + (attempt > 20) * rng.gauss(0, 0.02)
        on_belt = abs(y) < HALF_BELT - radius
        if on_belt and all(math.hypot(x - s.x, y - s.y) > radius + s.radius for s in taken):
            return Spot(x, y, radius, turn)
    return None


def _draw(rng: random.Random, weights: dict):
    return rng.choices(list(weights), list(weights.values()))[0]

"""What stands on the belt of one photo, decided by its seed alone. No Blender here.

Lengths are metres. The belt runs along x, the camera usually looks from the side of negative y, z points up.
"""

import math
import random
from dataclasses import dataclass
from functools import cache

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
    """Something that is no yoghurt: `kind` is a key of THINGS."""

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

    def dice(self, part: str) -> random.Random:
        """A random generator for one part of the scene, so that changing one part leaves the others as they were."""
        return random.Random(f"{self.seed} {part}")


@dataclass(frozen=True)
class PhotoSet:
    """A folder of photos: where it lies under data/, its seeds, its line, whether photos without cups belong to it."""

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
    """The set a seed belongs to. Raises ValueError for a seed that belongs to none."""
    for photo_set in SETS.values():
        if seed in photo_set.seeds:
            return photo_set
    known = ", ".join(f"{s.seeds.start} to {s.seeds.stop - 1} ({name})" for name, s in SETS.items())
    raise ValueError(f"seed {seed} belongs to no set; there are {known}")


@cache
def plan(seed: int) -> Plan:
    """What the photo of this seed shows."""
    photo_set = set_of(seed)
    dice = random.Random(f"{seed} plan")
    cups = _cups(dice, seed, photo_set)
    things = () if photo_set.simple else _things(dice, [cup.spot for cup in cups])
    blur = dice.uniform(0.002, 0.006) if dice.random() < 0.15 and not photo_set.simple else 0.0
    return Plan(seed, photo_set.line, tuple(cups), tuple(things), blur)


def _cups(dice: random.Random, seed: int, photo_set: PhotoSet) -> list[Cup]:
    flavours = _flavours(seed, photo_set)
    count = len(flavours)
    layout = dice.choice(("scattered", "scattered", "row", "two rows"))
    lying_share = 0.0 if photo_set.simple else 0.25 if layout == "scattered" else 0.08
    cups: list[Cup] = []
    for index, flavour in enumerate(flavours):
        lying = dice.random() < lying_share
        spot = _free_spot(
            dice,
            [cup.spot for cup in cups],
            LYING_CUP_RADIUS if lying else CUP_RADIUS,
            lambda index=index: _cup_place(dice, layout, index, count),
            _turn(dice, lying),
        )
        if spot:
            cups.append(Cup(flavour, lying, spot))
    return cups


def _flavours(seed: int, photo_set: PhotoSet) -> list[str]:
    """The flavours of a photo's cups: of one kind on every ninth photo, else dealt on from one deck for the whole set.

    Five cards of five flavours, shuffled, five more, and so on: what a photo gets depends on how many cups the photos
    before it have, and the set as a whole is balanced.
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
    dice = random.Random(f"{seed} count")
    return dice.randint(2, 4) if photo_set.simple else _draw(dice, CUPS_PER_PHOTO)


def _turn(dice: random.Random, lying: bool) -> float:
    """Most standing cups show a printed front to the camera's side; lying ones point anywhere."""
    if lying or dice.random() < 0.2:
        return dice.uniform(0, 2 * math.pi)
    return dice.gauss(math.pi, 0.75) + dice.choice((0, math.pi))


def _cup_place(dice: random.Random, layout: str, index: int, count: int) -> tuple[float, float]:
    if layout == "row":
        return (index - (count - 1) / 2) * 0.09 + dice.gauss(0, 0.004), dice.gauss(0, 0.012)
    if layout == "two rows":
        column = index // 2 - (math.ceil(count / 2) - 1) / 2
        return column * 0.092 + dice.gauss(0, 0.004), (0.047 if index % 2 else -0.047) + dice.gauss(0, 0.004)
    return dice.uniform(-0.2, 0.2), dice.uniform(-0.125, 0.125)


def _things(dice: random.Random, taken: list[Spot]) -> list[Thing]:
    things: list[Thing] = []
    for _ in range(_draw(dice, THINGS_PER_PHOTO)):
        kind = _draw(dice, THINGS)
        radius = THING_RADIUS[kind]
        spot = _free_spot(
            dice,
            [*taken, *(thing.spot for thing in things)],
            radius,
            lambda: (dice.uniform(-0.26, 0.26), dice.uniform(-0.12, 0.13)),
            dice.uniform(0, 2 * math.pi),
        )
        if spot:
            things.append(Thing(kind, spot))
    return things


def _free_spot(dice: random.Random, taken: list[Spot], radius: float, place, turn: float) -> Spot | None:
    """The first of 200 tries that stays on the belt and touches no other spot, the later ones pushed further out."""
    for attempt in range(200):
        x, y = place()
        spread = 1 + attempt / 100
        x, y = x * spread + (attempt > 20) * dice.gauss(0, 0.03), y + (attempt > 20) * dice.gauss(0, 0.02)
        on_belt = abs(y) < HALF_BELT - radius
        if on_belt and all(math.hypot(x - s.x, y - s.y) > radius + s.radius for s in taken):
            return Spot(x, y, radius, turn)
    return None


def _draw(dice: random.Random, weights: dict):
    return dice.choices(list(weights), list(weights.values()))[0]

"""The films of the line and their truth match the plan and data/README.md."""

import collections
import itertools
import math
import subprocess
import sys

import numpy as np
import pytest

from tools import datasheet
from workshop_utils.core import settings

film_plan, film_truth = datasheet.film_plan, datasheet.film_truth
FOLDER = settings.DATA / "films"
NAMES = list(film_plan.FILMS)
FLAVOURS = {"blueberry", "natural", "peach", "strawberry", "vanilla"}
CUP_MIDDLE = 0.041
FARTHEST = 18
"""Pixels by which the tab of a lid and the perspective can move the centre of a box."""


def rows(name):
    return datasheet.film_facts(name)[1]


def facts(name):
    return datasheet.film_facts(name)[0]


def seen(frame, track, x, y=200, flavour="peach"):
    return film_truth.SeenCup(frame, track, flavour, x - 20, y - 30, x + 20, y + 30, 1.0)


@pytest.fixture(scope="module")
def decoded():
    """Return the frames of a film."""
    av = pytest.importorskip("av", reason="PyAV is not installed; .[video] has it")

    def read(name):
        with av.open(str(FOLDER / f"{name}.mp4")) as container:
            return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])

    return read


@pytest.mark.parametrize("name", NAMES)
def test_a_film_has_the_codec_the_size_and_the_frames_that_the_data_sheet_says(name):
    av = pytest.importorskip("av", reason="PyAV is not installed; .[video] has it")
    with av.open(str(FOLDER / f"{name}.mp4")) as container:
        (stream,) = container.streams
        codec = stream.codec_context
        assert (codec.name, codec.pix_fmt, codec.width, codec.height) == ("h264", "yuv420p", 512, 384)
        assert stream.average_rate == 15
        frames = sum(1 for _ in container.decode(stream))
    assert frames == facts(name)["frames"] >= 8 * 15


@pytest.mark.parametrize("name", NAMES)
def test_a_browser_can_play_a_film_before_it_is_downloaded(name):
    content = (FOLDER / f"{name}.mp4").read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")


def test_the_films_take_at_most_6_megabytes():
    films = sorted(FOLDER.glob("*.mp4"))
    assert [path.stem for path in films] == sorted(NAMES)
    assert sum(path.stat().st_size for path in films) <= 6e6


@pytest.mark.parametrize("name", NAMES)
def test_the_truth_has_every_frame_and_boxes_inside_the_picture(name):
    cups, truth = rows(name), facts(name)
    assert (truth["film"], truth["fps"]) == (f"{name}.mp4", 15)
    assert sorted({cup.frame for cup in cups}) == list(range(truth["frames"]))
    assert len({(cup.frame, cup.track) for cup in cups}) == len(cups)
    for cup in cups:
        assert 1 <= cup.xmin <= cup.xmax <= 512 and 1 <= cup.ymin <= cup.ymax <= 384
        assert 0 <= cup.visible <= 1


def test_the_data_sheet_describes_every_field_and_column_and_shows_each_film():
    text = datasheet.DATASHEET.read_text(encoding="utf-8")
    for name in NAMES:
        assert f"pictures/film_{name}.jpg" in text and f"`{name}.mp4`" in text
        assert (datasheet.PICTURES / f"film_{name}.jpg").stat().st_size <= 40_000
        assert all(f"`{each}`" in text for each in (*facts(name), *facts(name)["columns"]))


@pytest.mark.parametrize("name", NAMES)
def test_a_track_keeps_its_flavour_and_appears_once(name):
    planned = {cup.track: cup.flavour for cup in film_plan.film(name).cups}
    flavours, frames = collections.defaultdict(set), collections.defaultdict(list)
    for cup in rows(name):
        flavours[cup.track].add(cup.flavour)
        frames[cup.track].append(cup.frame)
    assert {track: {planned[track]} for track in flavours} == flavours
    assert {flavour for each in flavours.values() for flavour in each} == FLAVOURS
    if name != "crowded":
        assert all(np.diff(each).max(initial=1) == 1 for each in frames.values()), "nothing hides a whole cup"


@pytest.mark.parametrize("name", NAMES)
def test_boxes_are_where_the_belt_has_carried_the_standing_cups(name):
    film, off = film_plan.film(name), []
    standing = {cup.track: cup for cup in film.cups if not cup.lying and cup.falls is None}
    for cup in rows(name):
        if cup.visible > 0.95 and cup.track in standing:
            spot = standing[cup.track].spot
            there = film.view.pixel(spot.x + film.travelled(cup.frame), spot.y, CUP_MIDDLE)
            off.append(np.subtract(cup.centre, there))
    assert len(off) > 2 * film.frames
    assert np.abs(off).max() < FARTHEST
    assert np.abs(np.mean(off, axis=0))[0] < 2, "a frame's way is 14 pixels"


@pytest.mark.parametrize("name", NAMES)
def test_the_counts_are_those_of_the_boxes_whose_centres_change_sides(name):
    truth = facts(name)
    x1, y1, x2, y2 = truth["counting_line"]
    sides, flavours = collections.defaultdict(list), {}
    for cup in rows(name):
        x, y = (cup.xmin + cup.xmax) / 2, (cup.ymin + cup.ymax) / 2
        sides[cup.track].append(x - (x1 + (x2 - x1) * (y - y1) / (y2 - y1)))
        flavours[cup.track] = cup.flavour
    counts = {flavour: {"right": 0, "left": 0} for flavour in sorted(FLAVOURS)}
    for track, each in sides.items():
        changes = np.diff(np.sign([side for side in each if side]))
        assert np.count_nonzero(changes) <= 1, "a cup crosses the line at most once"
        counts[flavours[track]]["right"] += int((changes > 0).sum())
        counts[flavours[track]]["left"] += int((changes < 0).sum())
    assert truth["counts"] == counts
    against = "left" if film_plan.film(name).speed > 0 else "right"
    assert all(count[against] == 0 for count in counts.values())


def test_at_least_60_cups_cross_a_line_and_25_of_them_on_the_known_line():
    crossing = {name: datasheet.film_statistics(name)["cups that cross the line"] for name in NAMES}
    assert crossing["known_line"] >= 25 and sum(crossing.values()) >= 60
    for name in NAMES:
        assert all(sum(directions.values()) >= 3 for directions in facts(name)["counts"].values())


def test_the_crowded_film_has_what_makes_following_hard():
    found = datasheet.film_statistics("crowded")
    assert found["cups that fall"] >= 4 and found["cups that lie from the start"] >= 4
    assert found["other things on the belt"] >= 5
    hidden = [cup for cup in rows("crowded") if cup.visible < 0.5 and cup.xmin > 60 and cup.xmax < 450]
    assert len({cup.track for cup in hidden}) >= 4


@pytest.mark.parametrize("name", NAMES)
def test_the_hall_stands_still_and_the_cups_move(name, decoded):
    frames = decoded(name)[::6].astype(np.int16)
    usual = np.median(frames, axis=0)
    inside, outside = [], []
    for number, frame in enumerate(frames):
        difference = np.abs(frame - usual).mean(axis=2)
        cups = np.zeros(difference.shape, bool)
        for cup in rows(name):
            if cup.frame == 6 * number and cup.visible > 0.9:
                cups[cup.ymin : cup.ymax, cup.xmin : cup.xmax] = True
        inside.append(difference[cups].mean())
        outside.append(difference[:40].mean())
    assert np.mean(inside) > 15, "the boxes are where something differs from the usual picture"
    assert np.mean(outside) < 3


@pytest.mark.parametrize("name", NAMES)
def test_the_same_name_gives_the_same_plan_without_cups_that_touch(name):
    film = film_plan.film(name)
    film_plan.film.cache_clear()
    assert film_plan.film(name) == film
    places = [cup.places for cup in film.cups] + [[thing.spot] for thing in film.things]
    for ones, others in itertools.combinations(places, 2):
        for one, other in itertools.product(ones, others):
            assert math.hypot(one.x - other.x, one.y - other.y) > one.radius + other.radius
    assert all(abs(place.y) < 0.17 - place.radius for each in places for place in each)


def test_a_falling_cup_stands_then_tips_over_and_stays_down():
    cup = next(cup for cup in film_plan.film("crowded").cups if cup.falls is not None)
    assert cup.tilt(cup.falls - 0.5) == cup.tilt(cup.falls) == 0
    first_half = [cup.tilt(cup.falls + step / 100) for step in range(45)]
    assert first_half == sorted(first_half) and 0 < first_half[20] < film_plan.LYING_TILT
    assert cup.tilt(cup.falls + 1.4) == pytest.approx(film_plan.LYING_TILT, abs=0.01)


def test_an_unknown_film_is_refused_with_the_valid_names():
    with pytest.raises(ValueError, match=r"nowhere.*known_line.*crowded.*new_line"):
        film_plan.film("nowhere")


LINE = ((250, 383), (262, 0))


@pytest.mark.parametrize(
    ("xs", "right", "left"),
    [
        ((200, 250, 300), 1, 0),
        ((300, 200), 0, 1),
        ((200, 300, 200), 1, 1),
        ((200, 240), 0, 0),
        ((300,), 0, 0),
    ],
)
def test_a_cup_counts_when_its_centre_changes_sides(xs, right, left):
    cups = [seen(frame, 1, x) for frame, x in enumerate(xs)]
    assert film_truth.counts(cups, LINE)["peach"] == {"right": right, "left": left}


def test_a_centre_on_the_line_is_decided_by_the_next_frame():
    line = ((250, 383), (250, 0))
    assert film_truth.side(line, (250, 100)) == 0
    assert film_truth.counts([seen(0, 1, 200), seen(1, 1, 250)], line)["peach"]["right"] == 0
    assert film_truth.counts([seen(0, 1, 200), seen(1, 1, 250), seen(2, 1, 300)], line)["peach"]["right"] == 1
    assert film_truth.counts([seen(0, 1, 200), seen(1, 1, 250), seen(2, 1, 200)], line)["peach"]["right"] == 0


def test_a_cup_that_was_hidden_at_the_line_still_counts():
    cups = [seen(0, 7, 200, flavour="vanilla"), seen(9, 7, 300, flavour="vanilla")]
    assert film_truth.counts(cups, LINE)["vanilla"] == {"right": 1, "left": 0}


def test_films_that_exist_are_not_rendered_again():
    before = {path: path.stat().st_mtime_ns for path in FOLDER.iterdir()}
    done = subprocess.run([sys.executable, "-m", "render.film"], cwd=settings.DATA, capture_output=True, text=True)
    assert done.returncode == 0 and all(name in done.stdout for name in NAMES), done.stderr
    assert {path: path.stat().st_mtime_ns for path in FOLDER.iterdir()} == before

"""The ground truth of each film is read completely, and a damaged one is reported."""

import json

import numpy as np
import pytest

from workshop_utils.core import settings
from workshop_utils.deploy.video import counting, film_truth
from workshop_utils.deploy.video.tracking import Track

FILMS = sorted(settings.FILMS.glob("*.json"))
SMALL = {
    "film": "small.mp4", "fps": 15, "frames": 3, "counting_line": [256, 383, 256, 0],
    "counts": {"peach": {"right": 1, "left": 0}, "vanilla": {"right": 0, "left": 0}},
    "columns": ["frame", "track", "flavour", "xmin", "ymin", "xmax", "ymax", "visible"],
    "cups": [[0, 4, "peach", 128, 96, 256, 192, 1.0], [2, 4, "peach", 256, 96, 384, 192, 0.5]],
}  # fmt: skip


def written(folder, facts):
    path = folder / "small.json"
    path.write_text(json.dumps(facts), encoding="utf-8")
    return path


def test_boxes_become_fractions_and_frames_without_cups_stay(tmp_path):
    truth = film_truth.read(written(tmp_path, SMALL))
    assert [len(frame.boxes) for frame in truth.frames] == [1, 0, 1]
    assert truth.frames[0].boxes.tolist() == [[0.25, 0.25, 0.5, 0.5]]
    assert (truth.frames[2].flavours, truth.frames[2].visible.tolist()) == (["peach"], [0.5])
    assert truth.crossed == {("peach", "right"): 1} and truth.tracks == {4}


def test_width_and_speed_are_in_pixels_and_leave_hidden_cups_out(tmp_path):
    cups = [[frame, 1, "peach", 100 + 10 * frame, 96, 160 + 10 * frame, 192, 1.0] for frame in range(3)]
    cups += [[frame, 2, "peach", 300, 96, 310, 192, 0.5] for frame in range(3)]
    width, speed = film_truth.width_and_speed(film_truth.read(written(tmp_path, SMALL | {"cups": cups})))
    assert (width, speed) == (pytest.approx(60, abs=0.01), pytest.approx(150, abs=0.1))


def test_a_cup_has_one_flavour(tmp_path):
    truth = film_truth.read(written(tmp_path, SMALL))
    assert truth.flavour(4) == "peach"
    with pytest.raises(KeyError):
        truth.flavour(5)


@pytest.mark.parametrize("field", ["frames", "columns", "cups", "counts", "counting_line"])
def test_a_truth_that_lacks_a_field_is_named(field, tmp_path):
    path = written(tmp_path, {key: value for key, value in SMALL.items() if key != field})
    with pytest.raises(film_truth.FilmTruthError) as error:
        film_truth.read(path)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize("content", ["", "[1, 2]", '{"cups": 3}', "\x00"])
def test_a_file_that_is_not_a_ground_truth_is_named(content, tmp_path):
    path = tmp_path / "small.json"
    path.write_text(content)
    with pytest.raises(film_truth.FilmTruthError):
        film_truth.read(path)
    with pytest.raises(film_truth.FilmTruthError):
        film_truth.read(tmp_path / "missing.json")


@pytest.mark.parametrize("path", FILMS, ids=lambda path: path.stem)
def test_counting_the_true_boxes_gives_the_written_counts(path):
    truth = film_truth.read(path)
    counter, names = counting.Counter(truth.line), sorted({name for frame in truth.frames for name in frame.flavours})
    for frame in truth.frames:
        counter.update(
            Track(int(track), box, 1.0, 1 + names.index(name), True, row)
            for row, (track, box, name) in enumerate(zip(frame.tracks, frame.boxes, frame.flavours))
        )
    counts = {names[class_id - 1]: ways for class_id, ways in counter.counts().items()}
    assert {(name, way): n for name, ways in counts.items() for way, n in ways.items() if n} == truth.crossed
    assert np.sum([frame.visible.max(initial=0) <= 1 for frame in truth.frames]) == len(truth.frames)


def test_there_are_three_films_with_at_least_sixty_cups_that_cross():
    assert len(FILMS) == 3 and sum(film_truth.read(path).crossed.total() for path in FILMS) >= 60

"""Detecting in films: the annotated film and the tables, and what interrupts them."""

import csv

import numpy as np
import pytest
from conftest import interrupting
from film_clips import FPS, encode, full_disk, panning, photo, seeing

from workshop_utils.core.files import WriteError
from workshop_utils.deploy import runtime
from workshop_utils.deploy.runtime import InferenceError
from workshop_utils.deploy.video import detect_film
from workshop_utils.deploy.video.counting import CountingLine
from workshop_utils.deploy.video.detect_film import Job, Settings
from workshop_utils.deploy.video.films import Film

LINE = CountingLine(0.5, 0, 0.5, 1)


@pytest.fixture
def belt(tmp_path):
    return encode(tmp_path / "my belt.mp4", panning(20, size=(256, 192)))


def passing(frames: int) -> list[list[tuple[float, float, int, float]]]:
    """A peach that moves to the right across the middle, and a vanilla to the left, once mistaken for a peach."""
    return [[(0.4, 0.04 * n, 1, 0.9), (0.7, 0.8 - 0.04 * n, 1 if n == 3 else 2, 0.8)] for n in range(frames)]


def rows(path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_each_detection_is_drawn_and_has_a_row_with_frame_and_time(belt, tmp_path):
    out = tmp_path / "out"
    report = detect_film.detect(seeing(passing(20)), Job(Film(belt), out, Settings()))
    assert sorted(path.name for path in out.iterdir()) == [".detections.jsonl", "detections.csv", "my belt.labeled.mp4"]
    found = rows(out / "detections.csv")
    assert len(found) == 40 == report.detections.total() and report.detections["vanilla"] == 19
    assert list(found[0]) == ["frame", "time", "class", "score", "ymin", "xmin", "ymax", "xmax"]
    assert [int(row["frame"]) for row in found[::2]] == list(range(20)) == [round(FPS * float(row["time"]))
                                                                           for row in found[::2]]  # fmt: skip
    assert (found[2]["class"], float(found[2]["xmin"]), float(found[2]["xmax"])) == ("peach", 0.04, 0.24)
    drawn, before = list(Film(out / "my belt.labeled.mp4")), list(Film(belt))
    assert len(drawn) == 20 and drawn[5].time_s == pytest.approx(before[5].time_s, abs=1e-3)
    changed = np.abs(drawn[5].rgb.astype(int) - before[5].rgb).max(axis=-1) > 40
    assert changed[112:118, 55:100].any(axis=0).mean() > 0.9 > 0.1 > changed[20:40].mean(), "the peach's lower edge"


def test_tracks_have_ids_and_are_counted_by_their_votes(belt, tmp_path):
    out = tmp_path / "out"
    report = detect_film.detect(seeing(passing(20)), Job(Film(belt), out, Settings(track=True, line=LINE)))
    assert report.tracks == 2
    assert report.counts == {"peach": {"right": 1, "left": 0}, "vanilla": {"right": 0, "left": 1}}
    assert (out / "counts.csv").read_text().splitlines() == ["class,right,left", "peach,1,0", "vanilla,0,1"]
    found = [row for row in rows(out / "detections.csv") if row["track"]]
    assert len(found) == 38
    named = {(row["track"], row["track_class"]) for row in found if row["class"] == "vanilla" and row["frame"] > "2"}
    assert named == {(found[1]["track"], "vanilla")}, "in frames 3 to 9, with enough votes"
    assert sum(row["class"] == "peach" and row["track_class"] == "vanilla" for row in found) == 1
    drawn = list(Film(out / "my belt.labeled.mp4"))[-1].rgb
    assert (np.abs(drawn[150:190, 128:130].astype(int) - (230, 159, 0)).max(axis=-1) < 70).mean() > 0.5, "the line"


def test_the_real_detector_follows_a_real_cup(coco, tmp_path):
    """A photo with a cup moves to the left: the cup stays in one track."""
    path = encode(tmp_path / "cup.mp4", panning(10, step=6, size=(512, 384)))
    detector = runtime.open_detector("coco")
    settings = Settings(min_score=0.3, track=True)
    report = detect_film.detect(detector, Job(Film(path), tmp_path / "out", settings))
    found = [row for row in rows(tmp_path / "out" / "detections.csv") if row["track"]]
    longest = max({row["track"] for row in found}, key=lambda track: sum(row["track"] == track for row in found))
    places = [float(row["xmin"]) for row in found if row["track"] == longest]
    assert report.frames == 10 and len(places) >= 8 and places[-1] < places[0] - 0.06


def test_ctrl_c_leaves_a_whole_film_and_whole_tables(belt, tmp_path, monkeypatch):
    with interrupting(monkeypatch, detect_film.FilmWriter, "write", 12):
        report = detect_film.detect(
            seeing(passing(20)), Job(Film(belt), tmp_path / "out", Settings(track=True, line=LINE))
        )
    assert report.stopped and report.frames == 11
    film = Film(tmp_path / "out" / "my belt.labeled.mp4")
    assert len(list(film)) == 11 and film.findings == []
    assert {int(row["frame"]) for row in rows(tmp_path / "out" / "detections.csv")} == set(range(11))


@pytest.mark.unix
def test_a_full_disk_is_named_and_leaves_nothing(tmp_path):
    noise = list(np.random.default_rng(0).integers(0, 255, (60, 96, 128, 3), np.uint8))
    film = Film(encode(tmp_path / "noise.mp4", noise))
    with pytest.raises(WriteError, match=r"labeled\.mp4"), full_disk(20_000):
        detect_film.detect(seeing([[]] * 60), Job(film, tmp_path / "out", Settings()))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_truncated_film_is_processed_up_to_its_end_and_reported(tmp_path):
    whole = encode(tmp_path / "belt.mp4", panning(60), faststart=True).read_bytes()
    (tmp_path / "belt.mp4").write_bytes(whole[: len(whole) // 2])
    report = detect_film.detect(seeing([[]] * 60), Job(Film(tmp_path / "belt.mp4"), tmp_path / "out", Settings()))
    assert report.findings and len(list(Film(tmp_path / "out" / "belt.labeled.mp4"))) == report.frames > 10


def test_what_detect_did_not_write_is_never_overwritten(belt, tmp_path):
    job = Job(Film(belt), tmp_path / "out", Settings(track=True, line=LINE))
    for _ in range(2):  # its own files are replaced
        detect_film.detect(seeing(passing(20)), job)
    for name in ("my belt.labeled.mp4", "detections.csv", "counts.csv"):
        before = (job.out / name).read_bytes()
        (job.out / name).write_bytes(b"mine")
        with pytest.raises(InferenceError, match=name):
            detect_film.detect(seeing(passing(20)), job)
        assert (job.out / name).read_bytes() == b"mine"
        (job.out / name).write_bytes(before)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InferenceError, match="file"):
        detect_film.detect(seeing([]), Job(Film(belt), tmp_path / "file", Settings()))


def test_4k_becomes_a_film_that_is_half_as_wide(tmp_path):
    path = encode(tmp_path / "4k.mp4", [photo(size=(3840, 2160))] * 2)
    film = Film(path, longest_side=detect_film.LONGEST_SIDE)
    detect_film.detect(seeing([[(0.4, 0.5, 1, 0.9)]] * 2), Job(film, tmp_path / "out", Settings()))
    assert Film(tmp_path / "out" / "4k.labeled.mp4").size == (1920, 1080)

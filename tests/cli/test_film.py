"""Films on the command line: what `detect` does with films, photos and folders together, and `frames`."""

import shutil

import pytest
from film_clips import encode, panning, sound_only
from PIL import Image

from workshop_utils.cli import main
from workshop_utils.core import settings
from workshop_utils.deploy import runtime
from workshop_utils.deploy.video import detect_film


@pytest.fixture
def cup(monkeypatch):
    """Any source is a detector that always finds one cup."""
    import numpy as np

    boxes, classes, scores = np.zeros((100, 4), np.float32), np.zeros(100, int), np.zeros(100, np.float32)
    boxes[0], classes[0], scores[0] = (0.2, 0.2, 0.6, 0.6), 1, 0.9
    found = runtime.OpenDetector("cups", {1: "cup"}, lambda image, min_score: (boxes, classes, scores))
    monkeypatch.setattr(runtime, "open_detector", lambda *_, **__: found)


@pytest.fixture
def belt(tmp_path):
    return encode(tmp_path / "my belt.mp4", panning(6, size=(128, 96)))


def test_a_film_alone_is_written_to_the_folder_itself(cup, belt, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["detect", "cups", str(belt), "--out", str(out), "--count-line", "0,48,128,48"]) == 0
    assert {path.name for path in out.glob("[!.]*")} == {"my belt.labeled.mp4", "detections.csv", "counts.csv"}
    printed = capsys.readouterr()
    assert f"{belt}: 6 frames, 6 detections, 1 tracks" in printed.out and "6/6" in printed.err


def test_photos_folders_and_films_together_each_get_what_they_would_get_alone(cup, belt, tmp_path, capsys):
    (tmp_path / "photos").mkdir()
    shutil.copy(settings.YOGHURT / "images" / "0001.jpg", tmp_path / "photos")
    shutil.copy(belt, tmp_path / "photos" / "other.mp4")
    out = tmp_path / "out"
    assert main(["detect", "cups", str(tmp_path / "photos"), str(belt), "--out", str(out)]) == 0
    assert {"0001.xml", "0001.labeled.jpg", "detections.csv", "contents.csv", "my belt"} <= {
        path.name for path in out.iterdir()
    }
    assert (out / "my belt" / "my belt.labeled.mp4").exists() and (out / "my belt" / "detections.csv").exists()
    assert "Skipped 1 (film" in capsys.readouterr().err and not (out / "other").exists()


def test_a_folder_of_frames_is_a_film_if_its_rate_is_given(cup, tmp_path):
    (tmp_path / "frames").mkdir()
    for number, rgb in enumerate(panning(4, size=(128, 96))):
        Image.fromarray(rgb).save(tmp_path / "frames" / f"{number}.png")
    arguments = ["detect", "cups", str(tmp_path / "frames"), "--out", str(tmp_path / "out"), "--fps", "5", "--track"]
    assert main(arguments) == 0
    assert detect_film.Film(tmp_path / "out" / "frames.labeled.mp4").fps == 5


def test_a_bad_film_is_named_and_the_others_are_used(cup, belt, tmp_path, capsys):
    silent = sound_only(tmp_path / "sound.mp4")
    assert main(["detect", "cups", str(silent), str(belt), "--out", str(tmp_path / "out")]) == 1
    assert f"{silent}: " in capsys.readouterr().out
    assert (tmp_path / "out" / "my belt" / "my belt.labeled.mp4").exists() and not (tmp_path / "out" / "sound").exists()
    assert main(["detect", "cups", str(silent), "--out", str(tmp_path / "alone")]) == 1
    assert not (tmp_path / "alone").exists()


def test_a_film_with_boxes_is_skipped(cup, belt, tmp_path, capsys):
    for _ in range(2):
        arguments = ["detect", "cups", *map(str, sorted(tmp_path.glob("*.mp4"))), "--out", str(tmp_path)]
        assert main(arguments) == 0
    assert {path.name for path in tmp_path.glob("*.mp4")} == {"my belt.mp4", "my belt.labeled.mp4"}
    assert "labeled.mp4" in capsys.readouterr().err


def test_ctrl_c_is_not_a_success(cup, belt, tmp_path, monkeypatch, capsys):
    from conftest import interrupting

    with interrupting(monkeypatch, detect_film.FilmWriter, "write", 3):
        assert main(["detect", "cups", str(belt), "--out", str(tmp_path / "out")]) == 1
    assert len(list(detect_film.Film(tmp_path / "out" / "my belt.labeled.mp4"))) == 2
    assert "stopped after 0.1 seconds" in capsys.readouterr().err


@pytest.mark.parametrize("options", [
    ["photo.jpg", "--track"], ["photo.jpg", "--count-line", "0,0,1,1"], ["{belt}", "--fps", "5"],
    ["{belt}", "--count-line", "0,0,1"], ["{belt}", "--count-line", "0,0,900,900"], ["{belt}", "other/my belt.mp4"],
])  # fmt: skip
def test_options_that_do_not_fit_are_wrong_usage(cup, belt, tmp_path, options, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["detect", "cups", *(each.format(belt=belt) for each in options), "--out", "out"]) == 2
    assert capsys.readouterr().err.startswith("usage: ") and not (tmp_path / "out").exists()


def test_frames_writes_photos_and_says_how_to_keep_them_together(belt, tmp_path, capsys):
    assert main(["frames", str(belt), "--every", "200ms", "--out", str(tmp_path / "photos")]) == 0
    assert [path.name for path in sorted((tmp_path / "photos").glob("*.jpg"))] == [
        "my belt_00000000.jpg", "my belt_00000200.jpg"]  # fmt: skip
    assert "2 photos" in capsys.readouterr().out


def test_frames_of_a_truncated_film_are_written_and_the_exit_code_says_so(tmp_path, capsys):
    whole = encode(tmp_path / "belt.mp4", panning(60), faststart=True).read_bytes()
    (tmp_path / "belt.mp4").write_bytes(whole[: len(whole) // 2])
    assert main(["frames", str(tmp_path / "belt.mp4"), "--every", "1s", "--out", str(tmp_path / "photos")]) == 1
    assert "truncated" in capsys.readouterr().out and list((tmp_path / "photos").glob("*.jpg"))


@pytest.mark.parametrize("every", ["0s", "1", "s", "-1s", "1h"])
def test_an_interval_that_is_not_a_time_is_wrong_usage(every, belt, tmp_path):
    with pytest.raises(SystemExit) as error:
        main(["frames", str(belt), f"--every={every}", "--out", str(tmp_path / "photos")])
    assert error.value.code == 2

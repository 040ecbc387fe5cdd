"""Reading films: any kind that PyAV decodes, folders of frames, and what bad files get."""

import resource
import subprocess
import sys

import numpy as np
import pytest
from film_clips import FPS, encode, of_two_sizes, panning, photo, sound_only
from PIL import Image

from workshop_utils.core import settings
from workshop_utils.deploy.video import films
from workshop_utils.deploy.video.films import Film, FilmError


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """Return the mean difference of two pictures, in grey levels."""
    return float(np.abs(one.astype(int) - other).mean())


def test_frames_come_in_order_with_their_times_and_pixels(tmp_path):
    frames = panning(12)
    film = Film(encode(tmp_path / "a film's name.mp4", frames))
    assert film.size == (512, 384) and film.fps == FPS and film.expected_frames == 12
    found = list(film)
    assert [frame.index for frame in found] == list(range(12)) and film.findings == []
    assert np.allclose([frame.time_s for frame in found], np.arange(12) / FPS, atol=1e-3)
    assert all(apart(frame.rgb, wanted) < 6 for frame, wanted in zip(found, frames, strict=True))
    assert apart(found[0].rgb, frames[5]) > 12, "or these frames could be any"


def test_one_frame_of_each_interval_is_taken(tmp_path):
    film = Film(encode(tmp_path / "film.mp4", panning(30)))
    assert [frame.index for frame in film.every(0.5)] == [0, 8, 15, 23]
    assert [frame.index for frame in film.every(100)] == [0]


@pytest.mark.parametrize(("name", "codec", "pixels"), [
    ("film.mp4", "libx264", "yuv420p10le"), ("film.mkv", "libx265", "yuv420p10le"), ("film.webm", "libvpx", "yuv420p"),
    ("film.avi", "mpeg4", "yuv420p"), ("film.mov", "mjpeg", "yuvj420p"), ("film.mkv", "ffv1", "yuv444p16le"),
])  # fmt: skip
def test_films_of_many_kinds_and_with_more_than_8_bits_are_read_in_8(tmp_path, name, codec, pixels):
    found = list(Film(encode(tmp_path / name, panning(3, size=(128, 96)), codec, pixels)))
    assert len(found) == 3 and found[0].rgb.dtype == np.uint8
    assert apart(found[0].rgb, photo(size=(128, 96))) < 12


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_a_phones_film_is_upright(tmp_path, degrees):
    wanted = photo(size=(128, 96))
    stored = np.ascontiguousarray(np.rot90(wanted, -degrees // 90))
    film = Film(encode(tmp_path / "phone.mp4", [stored] * 3, rotation=degrees))
    assert film.size == (128, 96)
    assert all(apart(frame.rgb, wanted) < 8 for frame in film)


def test_a_variable_frame_rate_keeps_its_times(tmp_path):
    times = [0.0, 0.1, 0.5, 0.55, 2.0]
    film = Film(encode(tmp_path / "variable.mp4", panning(5), times=times))
    assert np.allclose([frame.time_s for frame in film], times, atol=2e-3)
    assert [frame.index for frame in film.every(0.5)] == [0, 2, 4]


def test_4k_is_shrunk_when_it_is_read_if_wanted(tmp_path):
    path = encode(tmp_path / "4k.mp4", panning(2, size=(3840, 2160)))
    assert next(iter(Film(path))).rgb.shape == (2160, 3840, 3)
    film = Film(path, longest_side=1920)
    assert film.size == (3840, 2160) and film.frame_size == (1920, 1080)
    assert apart(next(iter(film)).rgb, photo(size=(1920, 1080))) < 6


def test_frames_of_another_size_are_stretched_and_reported_once(tmp_path):
    film = Film(of_two_sizes(tmp_path / "two.mpg"))
    shapes = [frame.rgb.shape for frame in film]
    assert len(shapes) >= 10 and set(shapes) == {(96, 128, 3)}
    (finding,) = film.findings
    assert finding.startswith(f"{film.path}: ") and "96x64" in finding and "128x96" in finding


def test_a_truncated_film_ends_at_its_last_readable_frame_and_says_so(tmp_path):
    whole = encode(tmp_path / "whole.mp4", panning(60), faststart=True).read_bytes()
    path = tmp_path / "cut.mp4"
    path.write_bytes(whole[: len(whole) // 2])
    film = Film(path)
    found = list(film)
    assert 10 < len(found) < 50 and [frame.index for frame in found] == list(range(len(found)))
    assert any("truncated" in finding and "of 4.0 seconds" in finding for finding in film.findings)


def test_damage_in_the_middle_does_not_end_the_film(tmp_path):
    damaged = bytearray(encode(tmp_path / "film.mp4", panning(60), faststart=True).read_bytes())
    for place in range(len(damaged) // 2, len(damaged) // 2 + 3000):
        damaged[place] = 255
    (tmp_path / "film.mp4").write_bytes(damaged)
    film = Film(tmp_path / "film.mp4")
    assert list(film)[-1].time_s > 3.8


def test_a_film_can_be_read_again_and_given_up_halfway(tmp_path):
    film = Film(encode(tmp_path / "film.mp4", panning(10)))
    for frame in film:
        if frame.index == 2:
            break
    assert len(list(film)) == 10


def test_a_folder_of_frames_is_a_film(tmp_path):
    for number, rgb in enumerate(panning(5)):
        Image.fromarray(rgb).save(tmp_path / f"{number:04d}.png")
    (tmp_path / "0002.png").write_bytes(b"no picture")
    Image.fromarray(photo(size=(100, 50))).save(tmp_path / "0005.png")
    film = Film(tmp_path, fps=5)
    found = list(film)
    assert [(frame.index, round(frame.time_s, 3)) for frame in found] == [(0, 0), (1, 0.2), (3, 0.6), (4, 0.8), (5, 1)]
    assert {frame.rgb.shape for frame in found} == {(384, 512, 3)} and apart(found[1].rgb, panning(2)[1]) == 0
    assert ["0002.png" in finding for finding in film.findings] == [True, False]
    assert "100x50" in film.findings[1]


def text_file(path):
    path.write_text("This is not a film.\n" * 50)


def no_frames(path):
    whole = encode(path, panning(3), faststart=True).read_bytes()
    path.write_bytes(whole[: whole.index(b"mdat") + 4])


def other_codec(path):
    path.write_bytes(encode(path, panning(3)).read_bytes().replace(b"avc1", b"zzzz"))


def list_of_other_files(path):
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/hostname\n#EXT-X-ENDLIST\n")


@pytest.mark.parametrize(
    "make", [text_file, lambda path: path.write_bytes(b""), no_frames, sound_only, other_codec, list_of_other_files,
             lambda path: None, lambda path: path.mkdir()]
)  # fmt: skip
def test_what_is_not_a_film_is_named_and_says_what_to_do(tmp_path, make):
    path = tmp_path / "my belt.mp4"
    make(path)
    with pytest.raises(FilmError, match=r"my belt\.mp4: .+\. [A-Z].+\.$"):
        list(Film(path))


def test_the_picture_of_a_music_file_is_not_a_film(tmp_path):
    with pytest.raises(FilmError, match="only sound"):
        Film(sound_only(tmp_path / "song.mp3", cover=True))


def test_memory_does_not_grow_with_the_length_of_the_film(tmp_path):
    path, peaks = encode(tmp_path / "film.mp4", panning(300, size=(640, 480))), []
    for frame in Film(path):
        if frame.index % 100 == 99:
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert peaks[2] - peaks[1] < 10_000, "kilobytes; 100 frames have 90 MB"


WITHOUT = """
import sys
sys.modules.update({{"av": None, "trackers": None, "supervision": None, "cv2": None}})
import importlib, pkgutil, workshop_utils
for module in pkgutil.walk_packages(workshop_utils.__path__, "workshop_utils."):
    if "__main__" not in module.name:
        importlib.import_module(module.name)
from workshop_utils import cli
sys.exit(cli.main(["detect", "coco", {film!r}, "--out", {out!r}]))
"""


def test_without_the_extra_everything_is_imported_and_detect_says_what_to_install(tmp_path):
    code = WITHOUT.format(film=str(encode(tmp_path / "film.mp4", panning(2))), out=str(tmp_path / "out"))
    done = subprocess.run([sys.executable, "-c", code], cwd=settings.PROJECT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.strip().endswith(films.MISSING)
    assert not (tmp_path / "out").exists()

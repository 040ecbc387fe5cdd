"""Writing films: whole files in place, also after Ctrl-C, and nothing half written."""

import av
import numpy as np
import pytest
from film_clips import full_disk, panning, photo

from workshop_utils.core.files import WriteError
from workshop_utils.deploy.video import film_writer
from workshop_utils.deploy.video.films import Film


@pytest.mark.parametrize("size", [(128, 96), (127, 95)])
def test_what_is_written_can_be_read_and_every_browser_plays_it(tmp_path, size):
    frames, path = panning(20, size=size), tmp_path / "my film.mp4"
    with film_writer.writing(path, size, fps=12) as film:
        for rgb in frames:
            film.write(rgb)
    with av.open(str(path)) as container:
        (stream,) = container.streams.video
        assert (container.format.name.split(",")[1], stream.codec_context.name) == ("mp4", "h264")
        assert stream.codec_context.pix_fmt == "yuv420p"
    found = list(Film(path))
    assert np.allclose([frame.time_s for frame in found], np.arange(20) / 12, atol=1e-3)
    width, height = size
    assert all(np.abs(frame.rgb[:height, :width].astype(int) - rgb).mean() < 8 for frame, rgb in zip(found, frames))
    assert [each.name for each in tmp_path.iterdir()] == ["my film.mp4"]


def test_times_are_kept_and_never_go_back(tmp_path):
    with film_writer.writing(tmp_path / "film.mp4", (128, 96), fps=15) as film:
        for time_s in (0.0, 0.5, 0.5, 0.4, 2.0):
            film.write(photo(size=(128, 96)), time_s)
    times = [frame.time_s for frame in Film(tmp_path / "film.mp4")]
    assert np.allclose(times, [0.0, 0.5, 0.5, 0.5, 2.0], atol=1e-3)


def test_ctrl_c_leaves_a_whole_film(tmp_path):
    path = tmp_path / "film.mp4"
    with pytest.raises(KeyboardInterrupt), film_writer.writing(path, (128, 96), fps=15) as film:
        for number, rgb in enumerate(panning(20, size=(128, 96))):
            if number == 7:
                raise KeyboardInterrupt
            film.write(rgb)
    found = Film(path)
    assert len(list(found)) == 7 and found.findings == []


def test_an_error_leaves_the_film_that_was_there(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"mine")
    with pytest.raises(ZeroDivisionError), film_writer.writing(path, (128, 96), fps=15) as film:
        film.write(photo(size=(128, 96)))
        film.write(photo(size=(128, 96)), 1 / 0)
    assert path.read_bytes() == b"mine" and [each.name for each in tmp_path.iterdir()] == ["film.mp4"]


@pytest.mark.unix
def test_a_full_disk_is_named_and_leaves_nothing(tmp_path):
    path = tmp_path / "film.mp4"
    noise = np.random.default_rng(0).integers(0, 255, (60, 96, 128, 3), np.uint8)
    error = pytest.raises(WriteError, match=r"film\.mp4")
    with error, full_disk(20_000), film_writer.writing(path, (128, 96), fps=15) as film:
        for rgb in noise:
            film.write(rgb)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(WriteError, match="nowhere"), film_writer.writing(tmp_path / "nowhere" / "f.mp4", (64, 64), 15):
        raise AssertionError

"""Photos of a film: named so that they stay together, and never overwritten if you changed them."""

import numpy as np
import pytest
from film_clips import encode, panning
from PIL import Image

from workshop_utils.data import groups, photos
from workshop_utils.deploy.video import frames_to_label
from workshop_utils.deploy.video.films import Film


@pytest.mark.parametrize("name", ["belt.mp4", "line 2.mp4", "20261129.mp4", "Fließband_07.mov"])
def test_photos_are_named_after_film_and_time_and_stay_in_one_group(tmp_path, name):
    written = frames_to_label.write(Film(encode(tmp_path / name, panning(40))), 1.0, tmp_path / "photos")
    names = [path.name for path in written.photos]
    assert names == [path.name for path in photos.find(tmp_path / "photos")]
    assert [int(path.stem[-8:]) for path in written.photos] == [0, 1000, 2000]
    assert len({groups.stem(each) for each in names}) == 1 and groups.stem(names[0]) != names[0]
    assert all((tmp_path / name).stem in each for each in names)
    second = np.asarray(photos.read(written.photos[1])).astype(int)
    assert np.abs(second - panning(16)[15]).mean() < 8, "the frame at one second"


def test_a_photo_that_you_changed_is_kept_and_reported(tmp_path):
    film = Film(encode(tmp_path / "belt.mp4", panning(20)))
    first, second = frames_to_label.write(film, 1.0, tmp_path / "photos").photos
    Image.new("RGB", (9, 9)).save(second)
    first.unlink()
    again = frames_to_label.write(film, 1.0, tmp_path / "photos")
    assert again.kept == [second] and Image.open(second).size == (9, 9) and first.exists()


def test_a_photo_of_the_same_name_is_not_overwritten(tmp_path):
    film = Film(encode(tmp_path / "belt.mp4", panning(3)))
    (tmp_path / "belt_00000000.jpg").write_bytes(b"mine")
    assert frames_to_label.write(film, 1.0, tmp_path).kept == [tmp_path / "belt_00000000.jpg"]
    assert (tmp_path / "belt_00000000.jpg").read_bytes() == b"mine"

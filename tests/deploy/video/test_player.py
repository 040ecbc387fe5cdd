"""A film in a notebook: complete HTML with a text alternative and a poster."""

import base64
import io
import re

import numpy as np
import pytest
from film_clips import encode, panning
from PIL import Image

from workshop_utils.deploy.video import player
from workshop_utils.deploy.video.films import FilmError


@pytest.fixture
def belt(tmp_path):
    return encode(tmp_path / "my belt.mp4", panning(20, step=12))


def attribute(shown: player.Player, name: str) -> str:
    return re.search(rf' {name}="([^"]*)"', shown._repr_html_())[1]


def test_a_film_is_embedded_with_its_text_alternative_and_a_poster(belt):
    shown = player.Player(belt, 'cups on a "belt"', poster_s=1.0)
    assert repr(shown) == 'cups on a "belt"' and attribute(shown, "aria-label") == "cups on a &quot;belt&quot;"
    assert base64.b64decode(attribute(shown, "src").removeprefix("data:video/mp4;base64,")) == belt.read_bytes()
    poster = Image.open(io.BytesIO(base64.b64decode(attribute(shown, "poster").partition(",")[2])))
    difference = [np.abs(np.asarray(poster).astype(int) - rgb).mean() for rgb in panning(20, step=12)]
    assert int(np.argmin(difference)) == 15 and " controls " in shown._repr_html_()


def test_a_large_film_is_linked_instead(belt, monkeypatch, tmp_path):
    monkeypatch.setattr(player, "LARGEST", 100)
    with pytest.raises(FilmError, match="embed=False"):
        player.Player(belt, "cups")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert attribute(player.Player(belt, "cups", embed=False), "src") == "../my belt.mp4"

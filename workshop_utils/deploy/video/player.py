"""Play a film in a notebook."""

import base64
import html
import io
import os
import pathlib

from PIL import Image

from workshop_utils.deploy.video.films import Film, FilmError

LARGEST = 10_000_000
"""Bytes. A larger film would make the notebook too large; link to it instead."""


class Player:
    """A film that a notebook shows, with a poster and a text alternative.

    Args:
        path: The film: H.264 in MP4, as `detect` and `film_writer` write it.
        alt: What the film shows, for readers who cannot see it.
        poster_s: The time of the frame that is shown before the film plays, in seconds.
        embed: Whether the film becomes part of the notebook. Otherwise the notebook links to the file, by its path from
            the current folder.
        width: The width on the page, in pixels.

    Raises:
        FilmError: If the film cannot be read, or is too large to become part of a notebook.
    """

    def __init__(self, path: str | pathlib.Path, alt: str, poster_s: float = 0.0, embed: bool = True, width: int = 512):
        self.path, self.alt, self._width = pathlib.Path(path), alt, width
        film = Film(path, longest_side=2 * width)
        frame = None
        for frame in film.every(0.0):
            if frame.time_s >= poster_s:
                break
        if frame is None:
            raise FilmError(f"{path}: has no frames. Choose another film.")
        stream = io.BytesIO()
        Image.fromarray(frame.rgb).save(stream, "JPEG", quality=80)
        self._poster = _data("image/jpeg", stream.getvalue())
        self._source = _data("video/mp4", self._content()) if embed else self._link()

    def _content(self) -> bytes:
        if self.path.stat().st_size > LARGEST:
            raise FilmError(f"{self.path}: has more than {LARGEST // 10**6} MB. Add embed=False to link to it instead.")
        return self.path.read_bytes()

    def _link(self) -> str:
        return pathlib.PurePath(os.path.relpath(self.path)).as_posix()

    def _repr_html_(self) -> str:
        alt = html.escape(self.alt)
        return (
            f'<video controls muted playsinline preload="metadata" width="{self._width}" style="max-width: 100%" '
            f'aria-label="{alt}" title="{alt}" poster="{self._poster}" src="{html.escape(self._source)}">{alt}</video>'
        )

    def __repr__(self) -> str:
        return self.alt


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"

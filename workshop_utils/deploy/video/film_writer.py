"""Write a film frame by frame: H.264 in MP4, which every browser plays."""

import contextlib
import fractions
import pathlib
from collections.abc import Iterator

import numpy as np

from workshop_utils.core import files
from workshop_utils.deploy.video import films

TIME_BASE = fractions.Fraction(1, 90_000)
"""Seconds. Times of frames are written as multiples of it, as in MPEG, so films keep a variable frame rate."""

QUALITY = "23"
"""x264's constant rate factor: 0 is lossless, 51 the worst. 23 is x264's own default."""

PRESET = "veryfast"
"""x264's compromise between speed and size."""


class FilmWriter:
    """Writes frames to a file. `close` completes the file, also if it was interrupted.

    Args:
        path: The file to write.
        size: (width, height) of the frames, in pixels.
        fps: Frames per second.

    Raises:
        FilmError: If PyAV or its encoder is not installed.
        OSError: If the file cannot be written.
    """

    def __init__(self, path: pathlib.Path, size: tuple[int, int], fps: float):
        av = films.library()
        if "libx264" not in av.codecs_available:
            raise films.FilmError("This PyAV has no encoder for H.264. Run: python -m pip install --force-reinstall av")
        self._last, self._fps, self._closed = -1, fps, False
        self._container = av.open(f"file:{pathlib.Path(path).absolute()}", "w", format="mp4")
        self._stream = self._container.add_stream("libx264", rate=fractions.Fraction(fps).limit_denominator(1001))
        self._stream.width, self._stream.height = (side + side % 2 for side in size)  # H.264 halves the colours' size
        self._stream.pix_fmt = "yuv420p"
        self._stream.options = {"crf": QUALITY, "preset": PRESET}
        self._stream.codec_context.time_base = TIME_BASE
        self._container.start_encoding()

    def write(self, rgb: np.ndarray, time_s: float | None = None) -> None:
        """Write a frame.

        Args:
            rgb: uint8 (height, width, 3).
            time_s: When it is shown, in seconds; by default 1 / fps after the frame before.
        """
        import av

        step = max(1, round(1 / (self._fps * TIME_BASE)))
        wanted = self._last + step if time_s is None else round(time_s / TIME_BASE)
        if self._last < 0 and time_s is None:
            wanted = 0
        self._last = max(wanted, self._last + 1)
        bottom, right = (side % 2 for side in rgb.shape[:2])
        if bottom or right:
            rgb = np.pad(rgb, ((0, bottom), (0, right), (0, 0)), mode="edge")
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
        frame.pts, frame.time_base = self._last, TIME_BASE
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write what is still in the encoder, and the end of the file."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._last >= 0:
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()


@contextlib.contextmanager
def writing(path: str | pathlib.Path, size: tuple[int, int], fps: float) -> Iterator[FilmWriter]:
    """Write a film atomically: an existing file is replaced when the film is complete, or was stopped by Ctrl-C.

    Args:
        path: The film to write.
        size: (width, height) of its frames, in pixels.
        fps: Frames per second.

    Yields:
        The writer.

    Raises:
        FilmError: If PyAV is not installed.
        WriteError: If the disk is full or the folder cannot be written to. Nothing is overwritten.
        KeyboardInterrupt: After Ctrl-C. The film has the frames up to then.
    """
    stopped = None
    with (
        files.replacing(pathlib.Path(path)) as unfinished,
        contextlib.closing(FilmWriter(unfinished, size, fps)) as film,
    ):
        try:
            yield film
        except KeyboardInterrupt as error:
            stopped = error
    if stopped is not None:
        raise stopped

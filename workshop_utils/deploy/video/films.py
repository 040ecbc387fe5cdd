"""Read films frame by frame: any file that PyAV reads, or a folder of frames."""

import contextlib
import dataclasses
import fractions
import os
import pathlib
import types
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from workshop_utils.core.errors import WorkshopError
from workshop_utils.data import photos

if TYPE_CHECKING:
    import av.container

SUFFIXES = {
    ".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv", ".3gp", ".mts", ".m2ts", ".ts", ".flv",
    ".ogv",
}  # fmt: skip
"""The extensions of films, in lower case."""

LABELED = ".labeled.mp4"
"""How the name of a film with boxes ends. Such films are skipped."""

MISSING = 'Films need PyAV and trackers, which are not installed. Run: python -m pip install "av>=14.2" "trackers>=2.6"'

CONTAINERS = "mov,matroska,avi,mpeg,mpegts,mpegvideo,asf,flv,ogg,mxf,gif,mjpeg,h264,hevc,m4v,ivf,y4m,mp3,wav,flac"
"""The file formats that are opened. FFmpeg knows more; some of them are lists of other files or addresses to open."""

USUAL_FPS = 25.0
"""Frames per second, if a file does not say."""

MOST_PIXELS = 40_000_000
"""Films with larger frames are not read. A frame of 8K has 33 million pixels."""


class FilmError(WorkshopError, ValueError):
    """A film that cannot be read. The message names the file and what to do."""


@dataclasses.dataclass(frozen=True)
class Frame:
    """One frame of a film.

    Attributes:
        index: Its number, from 0.
        time_s: Seconds since the first frame.
        rgb: uint8 (height, width, 3), upright.
    """

    index: int
    time_s: float
    rgb: np.ndarray


class Film:
    """A film. Iterating over it decodes one frame after another; only the current one is in memory.

    Args:
        path: A file, or a folder of photos, which are the frames in the order of their names.
        fps: Frames per second of a folder. A file knows its own.
        longest_side: Frames with more pixels on their longer side are shrunk to this; by default none are.

    Attributes:
        path: The file or folder.
        fps: Frames per second, on average.
        size: (width, height) of the upright frames, in pixels, before they are shrunk.
        duration: Seconds, or None if the file does not say.
        findings: What was wrong with the film, one sentence each. Complete after the last frame.

    Raises:
        FilmError: If there is no film, or it cannot be read.
    """

    def __init__(self, path: str | pathlib.Path, fps: float | None = None, longest_side: int | None = None):
        self.path, self._longest_side = pathlib.Path(path), longest_side
        self.findings: list[str] = []
        if self.path.is_dir():
            self._photos = photos.find(self.path)
            if not self._photos:
                raise FilmError(f"{self.path}: has no photos, so it is not a folder of frames. Choose another folder.")
            self.fps = fps or USUAL_FPS
            self.size, self.duration = photos.read(self._photos[0]).size, len(self._photos) / self.fps
        else:
            self._photos = None
            with _opened(self.path) as (container, stream):
                first = next(self._decoded(container, stream), None)
                if first is None:
                    raise FilmError(f"{self.path}: has no frames that can be decoded. Record or export it again.")
                self.fps = float(stream.average_rate or stream.guessed_rate or USUAL_FPS)
                self.duration = _duration(container, stream)
                self.size = _upright_size(first, stream)
            self.findings = []

    @property
    def frame_size(self) -> tuple[int, int]:
        """(width, height) of the frames that iterating returns."""
        scale = min(1.0, (self._longest_side or max(self.size)) / max(self.size))
        width, height = (max(1, round(side * scale)) for side in self.size)
        return width, height

    @property
    def expected_frames(self) -> int | None:
        """About how many frames the film has, or None if the file does not say."""
        return None if self.duration is None else max(1, round(self.duration * self.fps))

    def __iter__(self) -> Iterator[Frame]:
        return self.every(0.0)

    def every(self, seconds: float) -> Iterator[Frame]:
        """Iterate over the first frame, and then over one frame in each interval of this many seconds."""
        self.findings = []
        frames = self._of_file(seconds) if self._photos is None else self._of_folder(seconds)
        with contextlib.closing(frames):
            yield from frames

    def _of_folder(self, seconds: float) -> Generator[Frame, None, None]:
        following = 0.0
        for index, path in enumerate(self._photos or ()):
            time_s = index / self.fps
            if time_s < following - 1e-6:
                continue
            try:
                image = photos.read(path)
            except photos.PhotoError as error:
                self.findings.append(str(error))
                continue
            following = _next(time_s, seconds)
            if image.size != self.size:
                self._changes_size(index, image.size)
            if image.size != self.frame_size:
                image = image.resize(self.frame_size, Image.Resampling.BILINEAR)
            yield Frame(index, time_s, np.asarray(image))

    def _of_file(self, seconds: float) -> Generator[Frame, None, None]:
        following, start, last = 0.0, None, -1.0
        with _opened(self.path) as (container, stream):
            index = -1
            for index, frame in enumerate(self._decoded(container, stream)):
                time_s = index / self.fps if frame.pts is None else float(frame.pts * (frame.time_base or 0))
                start = time_s if start is None else start
                last = max(time_s - start, last + 1e-6)  # a damaged file may go back in time
                if last < following - 1e-6:
                    continue
                following = _next(last, seconds)
                if _upright_size(frame, stream) != self.size:
                    self._changes_size(index, _upright_size(frame, stream))
                yield Frame(index, last, self._pixels(frame))
            if self.duration is not None and last + 1.5 / self.fps < self.duration - max(0.5, 2 / self.fps):
                what = f"is truncated after {last:.1f} of {self.duration:.1f} seconds"
                self.findings.append(f"{self.path}: {what}. The {index + 1} frames up to there are used.")

    def _decoded(self, container: "av.container.InputContainer", stream: "av.VideoStream") -> Iterator["av.VideoFrame"]:
        """Decode all frames of a stream. Damaged parts are skipped, and counted in the findings."""
        damaged = 0
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
                yield from stream.codec_context.decode(packet)  # None: what the decoder still has
            except library().error.DecoderNotFoundError:
                raise FilmError(_no_decoder(self.path, stream)) from None
            except library().error.EOFError:
                break
            except library().error.FFmpegError:
                damaged += 1
            if packet is None:
                break
        if damaged:
            what = "1 damaged part is" if damaged == 1 else f"{damaged} damaged parts are"
            self.findings.append(f"{self.path}: {what} skipped. Copy the film again if you can.")

    def _pixels(self, frame: "av.VideoFrame") -> np.ndarray:
        """Return a frame upright, in RGB with 8 bits, in the size that frames of this film have."""
        turns = round(frame.rotation / 90) % 4
        width, height = self.frame_size
        if turns % 2:
            width, height = height, width
        rgb = frame.reformat(width, height, format="rgb24").to_ndarray()
        return np.ascontiguousarray(np.rot90(rgb, turns)) if turns else rgb

    def _changes_size(self, index: int, size: tuple[int, int]) -> None:
        if not any("changes its size" in finding for finding in self.findings):
            self.findings.append(
                f"{self.path}: changes its size from {self.size[0]}x{self.size[1]} to {size[0]}x{size[1]} at frame "
                f"{index}. These frames are stretched to the first size."
            )


def _next(time_s: float, seconds: float) -> float:
    """Return the start of the interval after the one that a time is in."""
    return 0.0 if seconds <= 0 else (np.floor(time_s / seconds + 1e-6) + 1) * seconds


@contextlib.contextmanager
def _opened(path: pathlib.Path) -> Iterator[tuple["av.container.InputContainer", "av.VideoStream"]]:
    """Open a file and its first stream of pictures. Nothing that the file refers to is opened. Raises FilmError."""
    av = library()
    if not os.path.isfile(path):
        raise FilmError(f"{path}: there is no such film. Check the path.")
    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "none"}
    try:
        with open(path, "rb") as file, av.open(file, options=options, metadata_errors="replace") as container:
            stream = next((each for each in container.streams.video if not _is_cover(each)), None)
            if stream is None:
                raise FilmError(f"{path}: has no pictures, only sound. Choose a film.")
            if stream.codec_context is None:
                raise FilmError(_no_decoder(path, stream))
            if stream.codec_context.width * stream.codec_context.height > MOST_PIXELS:
                raise FilmError(f"{path}: its frames have too many pixels. Export it as 4K or smaller.")
            stream.thread_type = "AUTO"
            yield container, stream
    except PermissionError:
        raise FilmError(f"{path}: you have no permission to read it. Give yourself read permission.") from None
    except (av.error.FFmpegError, OSError) as error:
        raise FilmError(
            f"{path}: cannot be read as a film ({error.strerror}). It is not a film, or its end is missing. Copy it "
            "again, or export it as MP4."
        ) from None


def _is_cover(stream: "av.VideoStream") -> bool:
    """Return whether a stream is only a picture of a music file."""
    return bool(stream.disposition & library().stream.Disposition.attached_pic)


def _no_decoder(path: pathlib.Path, stream: "av.VideoStream") -> str:
    name = stream.codec_context.name if stream.codec_context else "unknown"
    return f"{path}: PyAV has no decoder for it (codec: {name}). Export it as MP4 with H.264."


def _upright_size(frame: "av.VideoFrame", stream: "av.VideoStream") -> tuple[int, int]:
    """Return (width, height) of a frame with square pixels, upright."""
    shape = stream.sample_aspect_ratio or fractions.Fraction(1)
    width, height = max(1, round(frame.width * shape)), frame.height
    return (height, width) if round(frame.rotation / 90) % 2 else (width, height)


def _duration(container: "av.container.InputContainer", stream: "av.VideoStream") -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration else None


def library() -> types.ModuleType:
    """Return PyAV. Raises FilmError if it is not installed."""
    try:
        import av
    except ImportError:
        raise FilmError(MISSING) from None
    return av

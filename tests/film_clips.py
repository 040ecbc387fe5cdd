"""Small films for tests, made of the workshop's photos, a detector that finds what it is given, and a full disk."""

import contextlib
import fractions
import functools
import io
import pathlib
from collections.abc import Iterable, Iterator
from typing import cast

import av
import av.stream
import numpy as np
from PIL import Image

from workshop_utils.core import settings
from workshop_utils.data import photos
from workshop_utils.deploy import runtime

FPS = 15


@functools.cache
def photo(name: str = "0001.jpg", size: tuple[int, int] = (512, 384)) -> np.ndarray:
    """Return one of the workshop's photos."""
    return np.asarray(photos.read(settings.YOGHURT / "images" / name).resize(size))


def panning(count: int, step: int = 8, size: tuple[int, int] = (512, 384)) -> list[np.ndarray]:
    """Return frames of a camera that moves over a photo."""
    return [np.roll(photo(size=size), -step * number, axis=1) for number in range(count)]


def encode(
    path: pathlib.Path,
    frames: list[np.ndarray],
    codec: str = "libx264",
    pixels: str = "yuv420p",
    times: list[float] | None = None,
    rotation: int = 0,
    faststart: bool = False,
) -> pathlib.Path:
    """Write a film with PyAV alone; return its path.

    `times` are the seconds at which the frames are shown, `rotation` is in degrees as a phone writes it, and with
    `faststart` a truncated copy of the film can still be opened.
    """
    options = {"movflags": "faststart"} if faststart else {}
    with av.open(str(path), "w", options=options) as container:
        stream = cast(av.VideoStream, container.add_stream(codec, rate=FPS))
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        if codec == "libx264":
            stream.options = {"preset": "ultrafast", "g": "5"}
        if times:
            stream.codec_context.time_base = fractions.Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        for number, rgb in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            if times:
                frame.pts, frame.time_base = round(1000 * times[number]), fractions.Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def mjpeg(path: pathlib.Path, frames: Iterable[Image.Image], repeat: int) -> pathlib.Path:
    """Write a film that Chromium takes for its camera, at 30 frames per second; each frame is shown `repeat` times."""
    with open(path, "wb") as film:
        for frame in frames:
            stream = io.BytesIO()
            frame.save(stream, "JPEG", quality=95)
            film.write(stream.getvalue() * repeat)
    return path


def sound_only(path: pathlib.Path, cover: bool = False) -> pathlib.Path:
    """Write half a second of silence; with `cover`, with a picture, as music files have."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac" if path.suffix == ".mp4" else "libmp3lame", rate=44_100)
        if cover:
            picture = container.add_stream("png", rate=1)
            picture.width, picture.height, picture.pix_fmt = 64, 64, "rgb24"
            picture.disposition = av.stream.Disposition.attached_pic
            frame = av.VideoFrame.from_image(Image.new("RGB", (64, 64)))
            for packet in picture.encode(frame) + picture.encode(None):
                container.mux(packet)
        for number in range(22):
            silence = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), format="fltp", layout="stereo")
            silence.sample_rate, silence.pts = 44_100, 1024 * number
            container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    return path


def of_two_sizes(path: pathlib.Path) -> pathlib.Path:
    """Write a film whose frames become smaller: two MPEG streams, one after the other."""
    parts = []
    for size in ((128, 96), (96, 64)):
        part = path.with_suffix(f".{size[0]}.mpg")
        encode(part, panning(6, size=size), codec="mpeg2video")
        with av.open(str(part)) as container:
            parts.append(b"".join(bytes(packet) for packet in container.demux(video=0)))
        part.unlink()
    path.write_bytes(b"".join(parts))
    return path


def seeing(frames: list[list[tuple[float, float, int, float]]]) -> runtime.OpenDetector:
    """Return a detector that answers the n-th frame with the n-th list of (ymin, xmin, class id, score).

    The boxes are 0.2 wide and high.
    """
    answers = iter(frames)

    def run(image, min_score):
        boxes, classes, scores = np.zeros((100, 4), np.float32), np.zeros(100, int), np.zeros(100, np.float32)
        found = sorted((each for each in next(answers) if each[3] > min_score), key=lambda each: -each[3])
        for row, (ymin, xmin, class_id, score) in enumerate(found):
            boxes[row], classes[row], scores[row] = (ymin, xmin, ymin + 0.2, xmin + 0.2), class_id, score
        return boxes, classes, scores

    return runtime.OpenDetector("pretended", {1: "peach", 2: "vanilla"}, run)


@contextlib.contextmanager
def full_disk(most: int) -> Iterator[None]:
    """Within this context no file can grow beyond `most` bytes: writing fails as on a full disk. Needs Unix."""
    import resource
    import signal

    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)

"""Measure how long `detect --count-line` takes for a frame of a film, where the time goes, and whether memory grows.

    python benchmarks/film.py RUN [MINUTES]

RUN is opened as `detect` opens it for a film: another process converts it to LiteRT. The film is that of the known
line, 512 x 384 pixels, repeated for MINUTES (3; for an hour 60). Prints one line of JSON: milliseconds per frame, of
each part on its own and of all together, and the memory of the detecting process in GB.
"""

import dataclasses
import functools
import json
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable

import av
import psutil
from PIL import Image
from process import peak_gb

from workshop_utils.core import settings
from workshop_utils.deploy import annotate, runtime
from workshop_utils.deploy.video import detect_film, film_drawing, film_writer, films, tracking
from workshop_utils.deploy.video.counting import CountingLine

FILM = settings.PROJECT / "data" / "films" / "known_line.mp4"
LINE = CountingLine(0.5, 0, 0.5, 1)
WARM_UP = 20


def repeated(source: pathlib.Path, path: pathlib.Path, minutes: float) -> None:
    """Write a film again and again into one file, without encoding it again."""
    turn, length = 0, 0
    stream: av.VideoStream | None = None
    with av.open(str(path), "w") as out:
        while turn * length * float((stream and stream.time_base) or 0) < 60 * minutes:
            with av.open(str(source)) as clip:
                length = clip.streams.video[0].duration or 0
                if stream is None:
                    stream = out.add_stream_from_template(clip.streams.video[0])
                    stream.time_base = clip.streams.video[0].time_base
                for packet in clip.demux(video=0):
                    if packet.pts is not None and packet.dts is not None:
                        packet.pts, packet.dts = packet.pts + turn * length, packet.dts + turn * length
                        packet.stream = stream
                        out.mux(packet)
            turn += 1


def timed(calls: Iterable[Callable[[], object]]) -> float:
    """Return the median milliseconds of the calls after WARM_UP."""
    spent = []
    for call in calls:
        began = time.perf_counter()
        call()
        spent.append(1000 * (time.perf_counter() - began))
    return statistics.median(spent[WARM_UP:])


def parts(detector: runtime.OpenDetector, scratch: pathlib.Path) -> dict[str, float]:
    """Return the milliseconds per frame of each part of the work, each timed on its own."""
    film = films.Film(FILM)
    began = time.perf_counter()
    frames = list(film)
    found = {"decode": 1000 * (time.perf_counter() - began) / len(frames)}
    photos = [Image.fromarray(frame.rgb) for frame in frames]
    boxes = [annotate.detect(detector, photo, tracking.LOWEST_SCORE) for photo in photos]
    found["detect"] = timed(functools.partial(annotate.detect, detector, photo, 0.1) for photo in photos)
    tracker = tracking.Tracker(film.fps)
    found["track"] = timed(functools.partial(tracker.update, box, score, name) for box, name, score in boxes)
    pen = film_drawing.Drawing(detector.label_map, LINE)
    marks = [
        [film_drawing.Found(*row) for row in zip(box, name.tolist(), score.tolist())] for box, name, score in boxes
    ]
    found["draw"] = timed(functools.partial(pen.drawn, frame.rgb, mark) for frame, mark in zip(frames, marks))
    with film_writer.writing(scratch / "film.mp4", film.size, film.fps) as writer:
        began = time.perf_counter()
        for frame in frames:
            writer.write(frame.rgb)
    found["encode"] = 1000 * (time.perf_counter() - began) / len(frames)
    return found


def whole(detector: runtime.OpenDetector, scratch: pathlib.Path, minutes: float) -> dict[str, float]:
    """Detect in the long film; return the milliseconds per frame, and the memory after a third and at the end."""
    repeated(FILM, scratch / "long.mp4", minutes)
    film, memory = films.Film(scratch / "long.mp4"), []

    def run(image, min_score):
        memory.append(psutil.Process().memory_info().rss / 1e9)
        return detector.run(image, min_score)

    job = detect_film.Job(film, scratch / "out", detect_film.Settings(track=True, line=LINE))
    began = time.perf_counter()
    report = detect_film.detect(dataclasses.replace(detector, run=run), job)
    spent = 1000 * (time.perf_counter() - began) / report.frames
    third = memory[: len(memory) // 3]
    return {
        "frames": report.frames,
        "per_frame": spent,
        "fps": 1000 / spent,
        "gb_first_third": max(third),
        "gb": max(memory),
    }


def main() -> None:
    detector = runtime.open_detector(pathlib.Path(sys.argv[1]), fast=True)
    minutes = float(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as folder:
        measured = parts(detector, pathlib.Path(folder)) | whole(detector, pathlib.Path(folder), minutes)
    print(json.dumps(measured | {"peak_gb": peak_gb()}))


if __name__ == "__main__":
    main()

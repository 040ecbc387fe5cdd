"""Take photos from a film, to label them."""

import dataclasses
import io
import math
import pathlib

from PIL import Image
from tqdm.auto import tqdm

from workshop_utils.core import files
from workshop_utils.data import groups
from workshop_utils.deploy.output_folder import OutputFolder
from workshop_utils.deploy.video.films import Film

RECORD = ".frames.jsonl"
"""The record of the photos that were written, so that no photo that you changed is overwritten."""

QUALITY = 95
"""JPEG quality: as good as a camera's."""


@dataclasses.dataclass(frozen=True)
class Written:
    """The photos of a film that are in the folder now, and those of them that someone changed and that were kept."""

    photos: list[pathlib.Path]
    kept: list[pathlib.Path]


def write(film: Film, every_s: float, out: pathlib.Path) -> Written:
    """Write one photo of a film per interval, named after the film and the time, such as belt_0012500.jpg.

    Args:
        film: The film.
        every_s: The interval, in seconds. The first frame is always written.
        out: The folder for the photos.

    Raises:
        FilmError: If the film cannot be read.
        WriteError: If a photo cannot be written, as on a full disk. Those before it stay.
    """
    files.make_folder(out)
    folder, written = OutputFolder(out, RECORD), Written([], [])
    total = None if film.duration is None else math.ceil(film.duration / every_s)
    for frame in tqdm(film.every(every_s), film.path.name, total, unit="photo"):
        stream = io.BytesIO()
        Image.fromarray(frame.rgb).save(stream, "JPEG", quality=QUALITY)
        name = photo_name(film.path, frame.time_s)
        written.photos.append(out / name)
        if not folder.write(name, stream.getvalue()):
            written.kept.append(out / name)
    return written


def photo_name(film: pathlib.Path, time_s: float) -> str:
    """Return the name of a photo of a film: the film's name, and the time in milliseconds.

    All photos of a film are one group for `--groups stem`. A film without letters in its name gets some, because such
    names are not groups.
    """
    end = f"_{round(1000 * time_s):08d}.jpg"
    name = files.fit_name("", film.stem, end)
    return name if groups.stem(name) != name else files.fit_name("film_", film.stem, end)

"""From rendered frames to a film: the effects of a real camera, H.264 in MP4, and a poster with the boxes."""

from collections.abc import Iterator
from pathlib import Path

import av
from PIL import Image, ImageDraw

from . import picture
from .film_plan import Film
from .film_truth import SeenCup
from .plan import SIZE

QUALITY = "19"
"""x264's constant rate factor: 0 is lossless, 51 the worst."""
KEY_FRAME_EVERY = 30
POSTER_FRAMES, POSTER_SCALE, POSTER_QUALITY = 3, 0.6, 65
LINE_COLOUR, BOX_COLOUR = (255, 60, 60), (120, 255, 120)


def frames(plan: Film, folder: Path) -> Iterator[Image.Image]:
    """Yield the frames in `folder` as the film's camera sees them."""
    for frame in range(plan.frames):
        with Image.open(folder / f"{frame:04d}.png") as rendered:
            yield picture.through_a_lens(rendered.convert("RGB"), plan.rng("sensor"), frame)


def write_film(plan: Film, folder: Path, target: Path) -> None:
    """Write the film of the frames in `folder`."""
    unfinished = target.with_suffix(".part")
    with av.open(str(unfinished), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=plan.fps)
        stream.width, stream.height, stream.pix_fmt, stream.thread_count = *SIZE, "yuv420p", 1
        stream.options = {"crf": QUALITY, "preset": "veryslow", "g": str(KEY_FRAME_EVERY)}
        for image in frames(plan, folder):
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode())
    unfinished.replace(target)


def write_poster(plan: Film, folder: Path, cups: list[SeenCup], target: Path) -> None:
    """Write a picture of some frames with the boxes, the tracks and the counting line."""
    width, height = (round(side * POSTER_SCALE) for side in SIZE)
    sheet = Image.new("RGB", (POSTER_FRAMES * width, height))
    chosen = [round(plan.frames * (0.3 + 0.08 * index)) for index in range(POSTER_FRAMES)]
    for index, image in enumerate(frames(plan, folder)):
        if index in chosen:
            pen = ImageDraw.Draw(image)
            pen.line(plan.counting_line, fill=LINE_COLOUR, width=2)
            for cup in cups:
                if cup.frame == index:
                    pen.rectangle((cup.xmin, cup.ymin, cup.xmax, cup.ymax), outline=BOX_COLOUR)
                    pen.text((cup.xmin + 3, cup.ymin + 2), str(cup.track), fill=BOX_COLOUR, font_size=16)
            at = chosen.index(index) * width
            sheet.paste(image.resize((width, height), Image.Resampling.LANCZOS), (at, 0))
    sheet.save(target, quality=POSTER_QUALITY, optimize=True)

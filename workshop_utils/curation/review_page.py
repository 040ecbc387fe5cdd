"""Write suspicious labels as a page of pictures, and as a table."""

import collections
import csv
import html
import io
import pathlib
from collections.abc import Iterable, Sequence

from PIL import Image

from workshop_utils.core import files, untrusted
from workshop_utils.curation import suspicion_pictures
from workshop_utils.curation.review import NamedBox, Suspicion
from workshop_utils.data.dataset import Sample
from workshop_utils.deploy.output_folder import OutputFolder
from workshop_utils.plots import drawing

PAGE, TABLE, CROPS = "index.html", "suspicions.csv", "crops"

COLUMNS = ("number", "photo", "kind", "score")
EDGES = ("xmin", "ymin", "xmax", "ymax")

STYLE = """
:root { --ink: #1d2733; --quiet: #5b6875; --line: #dfe4ea; --paper: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8edf2; --quiet: #a9b4bf; --line: #3a444f; --paper: #14191f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1240px; padding: 1.5rem 1rem 3rem; background: var(--paper); color: var(--ink);
       font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .5rem; overflow-wrap: anywhere; }
p { margin: .35rem 0 .9rem; max-width: 46rem; }
ol { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr));
     list-style: none; margin: 1.5rem 0; padding: 0; }
li { border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
figure { margin: 0; }
img { background: #888; display: block; height: 16rem; object-fit: contain; width: 100%; }
figcaption { padding: .6rem .8rem .8rem; }
h2 { font-size: 1rem; margin: 0; }
.photo { color: var(--quiet); font-size: .85rem; overflow-wrap: anywhere; }
.key { border-radius: 2px; display: inline-block; height: .9em; margin-right: .45em; vertical-align: -.1em;
       width: 1.4em; background: var(--paper); }
.label { border: 3px solid LABEL; } .detection { border: 3px dashed DETECTION; }
""".replace("LABEL", suspicion_pictures.LABEL).replace("DETECTION", suspicion_pictures.DETECTION)


def write(
    samples: Iterable[Sample], suspicions: Sequence[Suspicion], out: pathlib.Path, title: str
) -> list[pathlib.Path]:
    """Write `index.html` with its pictures in `crops/`, and `suspicions.csv`.

    Files of an earlier review are replaced. Files that were changed since, or come from elsewhere, are kept.

    Args:
        samples: The photos that the suspicions are about.
        suspicions: Most suspicious first.
        out: The folder to write to. It is created if it does not exist.
        title: What the page calls the data set.

    Returns:
        The files that were kept, so that this review lacks them.

    Raises:
        PhotoError: If a photo has changed since it was loaded.
        WriteError: If a file cannot be written.
    """
    files.make_folder(out / CROPS)
    target = OutputFolder(out, ".review.jsonl")
    by_name = {sample.name: sample for sample in samples}
    contents = {}
    for number, each in enumerate(suspicions, start=1):
        crop = suspicion_pictures.crop(Image.fromarray(by_name[each.photo].image), each)
        contents[crop_name(number)] = _jpeg(crop)
    contents[TABLE] = table(by_name, suspicions).encode()
    contents[PAGE] = page(suspicions, title).encode()
    for path in (out / CROPS).glob("*.jpg"):  # those of a longer list before
        name = f"{CROPS}/{path.name}"
        if name not in contents and not target.is_foreign(name):
            path.unlink()
    return [out / name for name, content in contents.items() if not target.write(name, content)]


def crop_name(number: int) -> str:
    """Return the picture's file of suspicion `number`, counted from 1, relative to the page."""
    return f"{CROPS}/{number:04d}.jpg"


def page(suspicions: Sequence[Suspicion], title: str) -> str:
    """Return the page's HTML. It needs no file but the pictures, and no script."""
    counts = collections.Counter(each.kind for each in suspicions)
    kinds = ", ".join(f"{kind} ({count})" for kind, count in counts.most_common())
    heading = f"Labels to check in {html.escape(title)}"
    lead = (
        f"{len(suspicions)} labels look wrong to the detector: {kinds}. The clearest are first. The detector is wrong "
        "at times, so look at each before you change it. Nothing has been changed."
        if suspicions
        else "No label looks wrong: the detector contradicts none of them with confidence."
    )
    legend = '<p><span class="key label"></span>label &emsp; <span class="key detection"></span>detector</p>'
    items = "\n".join(_item(number, each) for number, each in enumerate(suspicions, start=1))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{heading}</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{heading}</h1>
<p>{lead}</p>
{legend if suspicions else ""}
<ol>
{items}
</ol>
</main>
</body>
</html>
"""


def table(by_name: dict[str, Sample], suspicions: Sequence[Suspicion]) -> str:
    """Return the CSV table: a row for each suspicion, with edges in pixels of the photo."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow([*COLUMNS, "label", *(f"label_{edge}" for edge in EDGES),
                     "detection", "detection_score", *(f"detection_{edge}" for edge in EDGES)])  # fmt: skip
    for number, each in enumerate(suspicions, start=1):
        sample = by_name[each.photo]
        size = (sample.width, sample.height)
        score = f"{each.detection.score:.4f}" if each.detection else ""
        row = [str(number), each.photo, each.kind, f"{each.score:.4f}", *_cells(each.label, size)]
        name, *edges = _cells(each.detection, size)
        writer.writerow([untrusted.csv_cell(cell) for cell in [*row, name, score, *edges]])
    return stream.getvalue()


def _cells(box: NamedBox | None, size: tuple[int, int]) -> list[str]:
    """Return a box's name and its edges, all empty if there is no box."""
    return [box.name, *(f"{edge:.1f}" for edge in drawing.to_pixels(box.box, size))] if box else [""] * 5


def _item(number: int, each: Suspicion) -> str:
    label = html.escape(each.label.name) if each.label else "no label"
    found = f"{html.escape(each.detection.name)}, {each.detection.score:.2f}" if each.detection else "nothing"
    alt = html.escape(f"{each.kind} in {each.photo}: {suspicion_pictures.description(each)}")
    return f"""<li><figure>
<img src="{crop_name(number)}" alt="{alt}" loading="lazy">
<figcaption>
<h2>{number}. {each.kind.capitalize()}, {each.score:.2f}</h2>
<div><span class="key label"></span>{label}</div>
<div><span class="key detection"></span>{found}</div>
<div class="photo">{html.escape(each.photo)}</div>
</figcaption>
</figure></li>"""


def _jpeg(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=88)
    return stream.getvalue()

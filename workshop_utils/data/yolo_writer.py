"""Write a data set with YOLO's labels: `images/`, `labels/`, lists of the photos in each part, and `data.yaml`.

Ultralytics reads data.yaml. labelImg needs classes.txt next to the labels. `yolo.read` reads all of it back.
"""

import pathlib

import yaml

from workshop_utils.core import files
from workshop_utils.data import voc_folder
from workshop_utils.data.dataset import Dataset, Sample
from workshop_utils.data.yolo_parts import ORDER


def write(data: Dataset, folder: pathlib.Path) -> None:
    """Write each photo byte for byte, and its boxes as lines of fractions. The folder appears complete or not at all.

    YOLO needs a training and a validation part. If the data set does not come with a split, the lists have the
    workshop's own, which `train` uses. YOLO's labels cannot mark a box as difficult or truncated.

    Raises:
        DatasetError: If a photo's name cannot be written.
        PhotoError: If a photo has changed since it was loaded.
        WriteError: If the folder is not empty or cannot be written.
    """
    names = voc_folder.file_names(data.samples)
    numbers = {name: number for number, name in enumerate(data.label_map.values())}
    name_of = {sample.name: name for sample, name in zip(data.samples, names, strict=True)}
    with files.new_folder(folder) as unfinished:
        (unfinished / "images").mkdir()
        (unfinished / "labels").mkdir()
        for sample in data.samples:
            name = name_of[sample.name]
            (unfinished / "images" / name).write_bytes(sample.encoded)
            files.write_text(_lines(sample, numbers), unfinished / "labels" / f"{pathlib.Path(name).stem}.txt")
        files.write_text("".join(f"{name}\n" for name in numbers), unfinished / "labels" / "classes.txt")
        settings: dict[str, object] = {"path": "."}
        for part, samples in _parts(data).items():
            lines = [f"./images/{name_of[sample.name]}\n" for sample in sorted(samples, key=lambda each: each.name)]
            files.write_text("".join(lines), unfinished / f"{part}.txt")
            settings[part] = f"{part}.txt"
        settings["names"] = dict(enumerate(numbers))
        text = yaml.safe_dump(settings, allow_unicode=True, sort_keys=False)
        files.write_text(text, unfinished / "data.yaml")


def _parts(data: Dataset) -> dict[str, list[Sample]]:
    """Return {part: samples} for the parts that have any."""
    if any(sample.part for sample in data.samples):
        parts = {part: [sample for sample in data.samples if sample.part == part] for part in ORDER}
    else:
        parts = dict(zip(ORDER, data.split(), strict=False))
    return {part: samples for part, samples in parts.items() if samples}


def _lines(sample: Sample, numbers: dict[str, int]) -> str:
    lines: list[str] = []
    for (ymin, xmin, ymax, xmax), name in zip(sample.boxes.tolist(), sample.classes, strict=True):
        values = ((xmin + xmax) / 2, (ymin + ymax) / 2, xmax - xmin, ymax - ymin)
        lines.append(" ".join([str(numbers[name]), *(f"{value:.9f}" for value in values)]))
    return "".join(f"{line}\n" for line in lines)

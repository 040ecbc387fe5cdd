"""Write a data set as COCO's JSON: `images/`, and one file in `annotations/` for each part of its split.

pycocotools loads the files. `coco_json.read` reads them back.
"""

import json
import pathlib
from typing import Any

from workshop_utils.core import files
from workshop_utils.data import voc_folder
from workshop_utils.data.coco_annotations import Row
from workshop_utils.data.dataset import Dataset, Sample, class_ids

WITHOUT_SPLIT = "default"
"""The name of the part if the data set does not come with a split, as in CVAT."""


def write(data: Dataset, folder: pathlib.Path) -> None:
    """Write each photo byte for byte, and the boxes as COCO's JSON. The folder appears complete or not at all.

    A difficult box is written as a crowd (iscrowd 1), which COCO's evaluation skips in the same way.

    Raises:
        DatasetError: If a photo's name cannot be written.
        PhotoError: If a photo has changed since it was loaded.
        WriteError: If the folder is not empty or cannot be written.
    """
    names = voc_folder.file_names(data.samples)
    with files.new_folder(folder) as unfinished:
        (unfinished / "images").mkdir()
        (unfinished / "annotations").mkdir()
        for part in sorted({sample.part for sample in data.samples}):
            content = _content(data, [pair for pair in zip(data.samples, names, strict=True) if pair[0].part == part])
            path = unfinished / "annotations" / f"instances_{part or WITHOUT_SPLIT}.json"
            files.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", path)
        for sample, name in zip(data.samples, names, strict=True):
            (unfinished / "images" / name).write_bytes(sample.encoded)


def _content(data: Dataset, named: list[tuple[Sample, str]]) -> dict[str, Any]:
    images, annotations = list[Row](), list[Row]()
    for image_id, (sample, name) in enumerate(named, start=1):
        images.append({"id": image_id, "file_name": name, "width": sample.width, "height": sample.height})
        for place, category in enumerate(class_ids(sample, data.label_map).tolist()):
            ymin, xmin, ymax, xmax = sample.boxes[place].tolist()
            x, y = xmin * sample.width, ymin * sample.height
            width, height = (xmax - xmin) * sample.width, (ymax - ymin) * sample.height
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": category,
                    "bbox": [round(each, 6) for each in (x, y, width, height)],
                    "area": round(width * height, 6),
                    "segmentation": [],
                    "iscrowd": int(bool(sample.difficult[place])),
                    "attributes": {"truncated": bool(sample.truncated[place])},
                }
            )
    categories = [{"id": number, "name": name, "supercategory": ""} for number, name in data.label_map.items()]
    info = {"description": "", "version": "1.0"}
    return {
        "info": info,
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": categories,
    }

"""COCO's average precision (AP), computed by pycocotools.

AP is the area under the precision-recall curve, averaged over the IoU thresholds 0.50, 0.55, ... 0.95 and over the
classes. AP50 and AP75 use one threshold each (cocodataset.org/#detection-eval).
"""

import collections
import contextlib
import dataclasses
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from workshop_utils.core import phrases
from workshop_utils.core.tensorflow import keras
from workshop_utils.data import inspection
from workshop_utils.data.dataset import Sample
from workshop_utils.model import detection, preprocessing

BATCH = 8

Result = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Metrics:
    """Average precision, as fractions from 0 to 1. 0 means that every object was missed, None that there were none.

    Attributes:
        AP: The mean of `per_class`, or None if that is empty.
        AP50: AP at IoU 0.5, or None.
        AP75: AP at IoU 0.75, or None.
        per_class: {class: AP} for each class with ground truth. Objects marked as difficult do not count.
        per_class_AP50: {class: AP at IoU 0.5}.
        curves: {class: precision at IoU 0.5}, at the 101 recalls 0.00, 0.01, ... 1.00.
        unmeasured: The classes without ground truth. They do not count.
        reason: Why something was not measured, or None.
    """

    AP: float | None
    AP50: float | None
    AP75: float | None
    per_class: dict[str, float]
    per_class_AP50: dict[str, float]
    curves: dict[str, np.ndarray] = dataclasses.field(repr=False)
    unmeasured: tuple[str, ...] = ()
    reason: str | None = None

    def as_json(self) -> dict:
        """Return everything except the curves, rounded to six decimals, with None for unmeasured classes."""
        fields = {name: getattr(self, name) for name in ("AP", "AP50", "AP75")}
        for name in ("per_class", "per_class_AP50"):
            fields[name] = dict(sorted((getattr(self, name) | dict.fromkeys(self.unmeasured)).items()))
        return _rounded(fields | ({"reason": self.reason} if self.reason else {}))


@dataclasses.dataclass(frozen=True)
class Found:
    """Detections on some photos: for each photo boxes (n, 4), class ids (n,) and scores (n,).

    Attributes:
        by_class: After non-maximum suppression within each class.
        class_agnostic: After non-maximum suppression across all classes.
    """

    by_class: list[Result]
    class_agnostic: list[Result]


def detect_all(model: keras.Model, samples: Sequence[Sample]) -> Found:
    """Run a detector once on the samples, and apply both kinds of non-maximum suppression.

    The network's outputs, 700 kB per photo with COCO's classes, are kept for one batch at a time.
    """
    found = Found([], [])
    for images in batches(samples):
        boxes, scores = detection.predict(model, images)
        found.by_class.extend(zip(*detection.select(boxes, scores)))
        found.class_agnostic.extend(zip(*detection.select(boxes, scores, class_agnostic=True)))
    return found


def batches(samples: Sequence[Sample]) -> Iterator[np.ndarray]:
    """Yield the photos as a detector takes them, BATCH at a time, the last perhaps fewer: uint8 (n, 300, 300, 3)."""
    for start in range(0, len(samples), BATCH):
        yield np.stack([preprocessing.resize(sample.image) for sample in samples[start : start + BATCH]])


def evaluate(
    model: keras.Model, samples: Sequence[Sample], label_map: dict[int, str], names: dict[int, str] | None = None
) -> Metrics:
    """Detect objects in the samples, and score the detections by class. See `score_by_class` for the arguments."""
    return score_by_class(detect_all(model, samples), samples, label_map, names)


def measure(
    model: keras.Model,
    samples: Sequence[Sample],
    label_map: dict[int, str],
    names: dict[int, str],
    class_agnostic: bool = False,
) -> dict:
    """Detect objects in the samples once, and return the content of metrics.json.

    Args:
        model: The detector.
        samples: The photos with their ground truth.
        label_map: The ground truth's classes, {id: name}.
        names: The detector's classes, {id: name}.
        class_agnostic: Whether to add `score_class_agnostic` and the `predicted_names`, for a detector with other
            classes than the ground truth.
    """
    found = detect_all(model, samples)
    metrics = score_by_class(found, samples, label_map, names).as_json()
    if class_agnostic:
        agnostic = score_class_agnostic(found, samples).as_json()
        metrics["class_agnostic"] = agnostic | {"called": predicted_names(found, names)}
    return metrics


def score_by_class(
    found: Found, samples: Sequence[Sample], label_map: dict[int, str], names: dict[int, str] | None = None
) -> Metrics:
    """Score detections by class.

    Classes are matched by name. Case, extra spaces and the Unicode form of accents make no difference.

    Args:
        found: The detections.
        samples: The photos with their ground truth.
        label_map: The ground truth's classes, {id: name}.
        names: The detector's classes, {id: name}; by default the same.
    """
    own = names or label_map
    ids, same = {name: number for number, name in label_map.items()}, matching_names(own.values(), label_map.values())
    translate = np.array([ids.get(same.get(own.get(number, ""), ""), 0) for number in range(max(own) + 1)])
    return score(samples, [(boxes, translate[classes], scores) for boxes, classes, scores in found.by_class], label_map)


def unknown_classes(samples: Sequence[Sample], names: dict[int, str]) -> list[str]:
    """Return the classes in the ground truth, sorted, that a detector does not have. Their AP is 0.

    Args:
        samples: The photos with their ground truth.
        names: The detector's classes, {id: name}.
    """
    labelled = {name for sample in samples for name in sample.classes}
    return sorted(labelled - set(matching_names(names.values(), labelled).values()))


def score_class_agnostic(found: Found, samples: Sequence[Sample]) -> Metrics:
    """Score the boxes regardless of their classes: does the detector find the objects at all?"""
    results = [(boxes, np.minimum(classes, 1), scores) for boxes, classes, scores in found.class_agnostic]
    objects = [dataclasses.replace(each, classes=("object",) * len(each.classes)) for each in samples]
    return score(objects, results, {1: "object"})


def predicted_names(found: Found, names: dict[int, str], min_score: float = 0.3) -> dict[str, int]:
    """Count the class-agnostic detections by class.

    Args:
        found: The detections.
        names: The detector's classes, {id: name}.
        min_score: Detections with a lower score are not counted.

    Returns:
        {class name: number of detections}, the most frequent first.
    """
    counts = collections.Counter(
        names[int(number)] for _, classes, scores in found.class_agnostic for number in classes[scores >= min_score]
    )
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def score(samples: Sequence[Sample], results: Sequence[Result], label_map: dict[int, str]) -> Metrics:
    """Compute average precision.

    Args:
        samples: The photos with their ground truth.
        results: For each sample normalised boxes (n, 4), class ids (n,) and scores (n,). Class id 0 is ignored.
        label_map: {id: class name}.
    """
    truth: Any = COCO()
    truth.dataset = _ground_truth(samples, label_map)
    classes = sorted({row["category_id"] for row in truth.dataset["annotations"] if not row["iscrowd"]})
    unmeasured = tuple(name for number, name in label_map.items() if number not in classes)
    why = {"unmeasured": unmeasured, "reason": _reason(samples, unmeasured, bool(classes))}
    if not classes:
        return Metrics(None, None, None, {}, {}, {}, **why)
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        rows = [
            row
            for index, (sample, result) in enumerate(zip(samples, results, strict=True), start=1)
            for row in _rows(index, sample, *result)
        ]
        if not rows:
            nothing = dict.fromkeys((label_map[number] for number in classes), 0.0)
            return Metrics(0.0, 0.0, 0.0, nothing, dict(nothing), {name: np.zeros(101) for name in nothing}, **why)
        evaluator = COCOeval(truth, truth.loadRes(rows), "bbox")
        evaluator.evaluate()
        evaluator.accumulate()
    # precision has the axes IoU threshold (10), recall (101), class, object area, maximum number of detections
    precision = np.maximum(evaluator.eval["precision"][:, :, :, 0, -1], 0.0)
    column = {number: evaluator.params.catIds.index(number) for number in classes}
    by_class = {label_map[number]: precision[:, :, column[number]] for number in classes}
    everything = np.stack(list(by_class.values()), axis=-1)
    return Metrics(
        AP=float(everything.mean()),
        AP50=float(everything[0].mean()),
        AP75=float(everything[5].mean()),
        per_class={name: float(part.mean()) for name, part in by_class.items()},
        per_class_AP50={name: float(part[0].mean()) for name, part in by_class.items()},
        curves={name: part[0] for name, part in by_class.items()},
        **why,
    )


def matching_names(names: Iterable[str], listed: Iterable[str]) -> dict[str, str]:
    """Return {name: the same name as spelt in `listed`}, without names that are not in `listed`.

    Case, extra spaces and the Unicode form of accents make no difference.
    """
    names, listed = list(names), list(listed)
    form = inspection.spellings([*names, *listed])
    by_form = {form[name]: name for name in reversed(listed)}
    exact = set(listed)
    return {name: name if name in exact else by_form[form[name]] for name in names if form[name] in by_form}


def _reason(samples: Sequence[Sample], unmeasured: Sequence[str], is_measured: bool) -> str | None:
    """Return why classes were not measured, or None."""
    if not samples:
        return "there are no photos"
    if not any(sample.classes for sample in samples):
        return "these photos have no labelled objects"
    if not is_measured:
        return "all objects in these photos are marked as difficult, and those do not count"
    if unmeasured:
        return f"these photos have no objects of these classes that are not difficult: {phrases.quoted(unmeasured)}"
    return None


def _ground_truth(samples, label_map: dict[int, str]) -> dict:
    ids = {name: number for number, name in label_map.items()}
    annotations = []
    for index, sample in enumerate(samples, start=1):
        for box, name, difficult in zip(sample.boxes, sample.classes, sample.difficult, strict=True):
            row: dict[str, Any] = _box_row(index, sample, box) | {"category_id": ids[name], "iscrowd": int(difficult)}
            annotations.append(row | {"id": len(annotations) + 1, "area": row["bbox"][2] * row["bbox"][3]})
    return {
        "info": {},
        "images": [{"id": i, "width": s.width, "height": s.height} for i, s in enumerate(samples, start=1)],
        "categories": [{"id": number, "name": name} for number, name in label_map.items()],
        "annotations": annotations,
    }


def _rows(index: int, sample, boxes, classes, scores) -> list[dict]:
    return [
        _box_row(index, sample, box) | {"category_id": int(number), "score": float(value)}
        for box, number, value in zip(boxes, classes, scores, strict=True)
        if number > 0
    ]


def _box_row(index: int, sample, box) -> dict:
    ymin, xmin, ymax, xmax = (float(edge) for edge in box)
    left, top = xmin * sample.width, ymin * sample.height
    return {"image_id": index, "bbox": [left, top, xmax * sample.width - left, ymax * sample.height - top]}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return round(value, 6) if isinstance(value, float) else value

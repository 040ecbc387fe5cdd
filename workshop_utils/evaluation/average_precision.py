"""How good is a detector? COCO's average precision, measured by pycocotools.

AP is the mean over IoU thresholds 0.50, 0.55, ... 0.95 of the area under the precision-recall curve, the mean over
classes; AP50 and AP75 take one threshold (cocodataset.org/#detection-eval).
"""

import collections
import contextlib
import dataclasses
import io
from collections.abc import Iterable, Sequence

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
    """Fractions from 0 to 1, or None: 0 says that every object was missed, None that there was none to find.

    Attributes:
        AP: The mean of `per_class`; None where that is empty, and so are `AP50` and `AP75`.
        per_class: AP of each class with ground truth. Objects marked as difficult are none.
        curves: Precision at IoU 0.5 for each class, at the 101 recalls 0.00, 0.01, ... 1.00.
        unmeasured: The classes without ground truth. They do not count.
        reason: Why something was not measured, None where everything was.
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
        """Return everything but the curves, rounded to six places, with None for unmeasured classes."""
        fields = {name: getattr(self, name) for name in ("AP", "AP50", "AP75")}
        for name in ("per_class", "per_class_AP50"):
            fields[name] = dict(sorted((getattr(self, name) | dict.fromkeys(self.unmeasured)).items()))
        return _rounded(fields | ({"reason": self.reason} if self.reason else {}))


@dataclasses.dataclass(frozen=True)
class Found:
    """What a detector found on some photos: for each photo boxes (n, 4), class ids (n,) and scores (n,).

    Attributes:
        by_class: What is left where only boxes of the same class suppress each other.
        class_agnostic: What is left where boxes of any class do.
    """

    by_class: list[Result]
    class_agnostic: list[Result]


def detect_all(model: keras.Model, samples: Sequence[Sample]) -> Found:
    """Run the network once over the samples, and suppress overlapping boxes in both ways.

    The network's outputs, 700 kB a photo with COCO's classes, are kept for one batch at a time.
    """
    found = Found([], [])
    for start in range(0, len(samples), BATCH):
        images = np.stack([preprocessing.resize(sample.image) for sample in samples[start : start + BATCH]])
        boxes, scores = detection.predict(model, images)
        found.by_class.extend(zip(*detection.select(boxes, scores)))
        found.class_agnostic.extend(zip(*detection.select(boxes, scores, class_agnostic=True)))
    return found


def evaluate(
    model: keras.Model, samples: Sequence[Sample], label_map: dict[int, str], names: dict[int, str] | None = None
) -> Metrics:
    """Detect on the samples and score what is found, class by class. The arguments are those of `score_by_class`."""
    return score_by_class(detect_all(model, samples), samples, label_map, names)


def measure(
    model: keras.Model,
    samples: Sequence[Sample],
    label_map: dict[int, str],
    names: dict[int, str],
    class_agnostic: bool = False,
) -> dict:
    """Detect on the samples once, and return every score that metrics.json holds.

    Args:
        model: The detector.
        samples: The photos with their ground truth.
        label_map: The ground truth's classes.
        names: The detector's classes.
        class_agnostic: Whether to add, under this name, `score_class_agnostic` and what the objects are `called`. It
            is for a detector whose classes are not the ground truth's.
    """
    found = detect_all(model, samples)
    metrics = score_by_class(found, samples, label_map, names).as_json()
    if class_agnostic:
        metrics["class_agnostic"] = score_class_agnostic(found, samples).as_json() | {
            "called": predicted_names(found, names)
        }
    return metrics


def score_by_class(
    found: Found, samples: Sequence[Sample], label_map: dict[int, str], names: dict[int, str] | None = None
) -> Metrics:
    """Score what was found on the samples against their boxes, class by class.

    `label_map` is the ground truth's; `names` is the model's own, where it differs. Classes are matched by name, and
    capitals, needless spaces and the form of accents make no difference, as within a data set.
    """
    own = names or label_map
    ids, same = {name: number for number, name in label_map.items()}, _matches(own.values(), label_map.values())
    translate = np.array([ids.get(same.get(own.get(number)), 0) for number in range(max(own) + 1)])
    return score(samples, [(boxes, translate[classes], scores) for boxes, classes, scores in found.by_class], label_map)


def unknown_classes(samples: Sequence[Sample], names: dict[int, str]) -> list[str]:
    """Return the classes of the samples' objects for which a detector has no name, sorted; their AP is 0."""
    there = {name for sample in samples for name in sample.classes}
    return sorted(there - set(_matches(names.values(), there).values()))


def score_class_agnostic(found: Found, samples: Sequence[Sample]) -> Metrics:
    """Score where boxes are, whatever they are called: does the detector find the objects at all?"""
    results = [(boxes, np.minimum(classes, 1), scores) for boxes, classes, scores in found.class_agnostic]
    objects = [dataclasses.replace(each, classes=("object",) * len(each.classes)) for each in samples]
    return score(objects, results, {1: "object"})


def predicted_names(found: Found, names: dict[int, str], min_score: float = 0.3) -> dict[str, int]:
    """Count what the detector calls the objects it found with at least `min_score`, most frequent first."""
    counts = collections.Counter(
        names[int(number)] for _, classes, scores in found.class_agnostic for number in classes[scores >= min_score]
    )
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def score(samples: Sequence[Sample], results: Sequence[Result], label_map: dict[int, str]) -> Metrics:
    """Score results, one (boxes, class ids, scores) a sample, normalised boxes; class id 0 means nothing."""
    truth = COCO()
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
    # precision has the axes IoU threshold (10), recall (101), class, area range (all), detections (100)
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


def _matches(names: Iterable[str], listed: Iterable[str]) -> dict[str, str]:
    """Return {name: the one of `listed` that it is, in whatever spelling}; without those that are none of them."""
    names, listed = list(names), list(listed)
    form = inspection.spellings([*names, *listed])
    by_form = {form[name]: name for name in reversed(listed)}
    exact = set(listed)
    return {name: name if name in exact else by_form[form[name]] for name in names if form[name] in by_form}


def _reason(samples: Sequence[Sample], unmeasured: Sequence[str], is_measured: bool) -> str | None:
    """Return why classes were not measured, None where all were."""
    if not samples:
        return "there is no photo to measure on"
    if not any(sample.classes for sample in samples):
        return "no object is labelled in these photos"
    if not is_measured:
        return "every object in these photos is marked as difficult, and such objects do not count"
    if unmeasured:
        return f"no object of these classes is in these photos, difficult ones aside: {phrases.quoted(unmeasured)}"
    return None


def _ground_truth(samples, label_map: dict[int, str]) -> dict:
    ids = {name: number for number, name in label_map.items()}
    annotations = []
    for index, sample in enumerate(samples, start=1):
        for box, name, difficult in zip(sample.boxes, sample.classes, sample.difficult, strict=True):
            row = _box_row(index, sample, box) | {"category_id": ids[name], "iscrowd": int(difficult)}
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


def _rounded(value):
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return round(value, 6) if isinstance(value, float) else value

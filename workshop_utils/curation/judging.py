"""What a detector says about labelled photos, for `review`: its detections, and the features of crops.

A label is judged more reliably if the detector looks twice. It sees each photo and its mirror image, and the boxes and
scores of each anchor are averaged. Then it sees crops around the labels and its best detections, enlarged to
SIDE x SIDE pixels: small objects have more pixels there than in the whole photo, which is shrunk to 300 x 300.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from PIL import Image

from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.data.dataset import Sample
from workshop_utils.evaluation import average_precision
from workshop_utils.evaluation.average_precision import Result
from workshop_utils.model import anchors, architectures, detection, nms, preprocessing
from workshop_utils.training.fast import folded_layers

SIDE = 128
"""Height and width of a crop as the network sees it, in pixels."""

MARGIN = 0.1
"""How much of the photo a crop shows on each side of its box, as a share of the box's side."""

CROPS = 32
"""The number of crops that the network sees at once."""

PER_LABEL, PER_PHOTO = 3, 10
"""The number of detections to crop, at most: for each label, and for each photo, of the whole data set."""

SAME_PLACE = 0.5
"""Of detections with a higher IoU, only the one with the highest score is cropped."""


@dataclasses.dataclass(frozen=True)
class Crops:
    """Crops of one photo: around all labels, in their order, and then around detections.

    Attributes:
        boxes: (crops, 4), normalised.
        features: (crops, features).
        detector: The number of the detector. Features of different detectors cannot be compared.
    """

    boxes: np.ndarray
    features: np.ndarray
    detector: int = 0


@dataclasses.dataclass(frozen=True)
class Answers:
    """What a detector says about photos: the detections in each photo, and crops of it."""

    detections: list[Result]
    crops: list[Crops]


def ask(model: keras.Model, samples: Sequence[Sample], detector: int = 0) -> Answers:
    """Return what a detector says about labelled photos.

    Args:
        model: One of the registered architectures.
        samples: The photos. Of their labels, only the boxes are used.
        detector: The number that `Crops.detector` gets.
    """
    found = detections(model, samples)
    labels = [np.asarray(sample.boxes, float).reshape(-1, 4) for sample in samples]
    boxes = [np.concatenate(each) for each in zip(labels, _best(found, sum(map(len, labels))), strict=True)]
    features = np.concatenate(list(_features(model, _views(samples, boxes))) or [np.zeros((0, 1))])
    parts = np.split(features, np.cumsum([len(each) for each in boxes]))[:-1]
    return Answers(found, [Crops(*each, detector) for each in zip(boxes, parts, strict=True)])


def detections(model: keras.Model, samples: Sequence[Sample]) -> list[Result]:
    """Return the detections in each photo, averaged over the photo and its mirror image."""
    found: list[Result] = []
    for images in average_precision.batches(samples):
        boxes, scores = detection.predict(model, images)
        other_boxes, other_scores = (
            tf.gather(part, anchors.mirrored(), axis=1)
            for part in detection.predict(model, np.ascontiguousarray(images[:, :, ::-1]))
        )
        ymin, xmin, ymax, xmax = tf.unstack(other_boxes, axis=-1)
        turned = tf.stack([ymin, 1 - xmax, ymax, 1 - xmin], axis=-1)
        found.extend(zip(*detection.select((boxes + turned) / 2, (scores + other_scores) / 2)))
    return found


def _best(found: Sequence[Result], labels: int) -> list[np.ndarray]:
    """Return for each photo the boxes of the detections to crop, those with the highest scores of the data set."""
    kept = [nms.suppress_across_classes(boxes, scores, SAME_PLACE) for boxes, _, scores in found]
    number = min(PER_LABEL * labels, PER_PHOTO * len(found))
    scores = np.sort(np.concatenate([result[2][rows] for result, rows in zip(found, kept)] or [np.zeros(0)]))[::-1]
    least = scores[min(number, len(scores)) - 1] if number and len(scores) else np.inf
    return [boxes[[row for row in rows if scores[row] >= least]].astype(float).reshape(-1, 4)
            for (boxes, _, scores), rows in zip(found, kept)]  # fmt: skip


def _views(samples: Sequence[Sample], boxes_of_each: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the crops, uint8 (SIDE, SIDE, 3). A box without area is replaced by the whole photo."""
    for sample, boxes in zip(samples, boxes_of_each, strict=True):
        image = Image.fromarray(sample.image)
        size = np.array([image.height, image.width] * 2)
        for box in boxes:
            margin = MARGIN * (box[2:] - box[:2])
            ymin, xmin, ymax, xmax = np.clip(np.concatenate([box[:2] - margin, box[2:] + margin]), 0, 1) * size
            window = (xmin, ymin, xmax, ymax) if min(ymax - ymin, xmax - xmin) >= 1 else (0, 0, *image.size)
            yield np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=window))


def _features(model: keras.Model, views: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield the features of crops, (crops, features), CROPS at a time."""
    run, waiting = _network(model), []
    for view in views:
        waiting.append(view)
        if len(waiting) == CROPS:
            yield run(np.stack(waiting))
            waiting = []
    if waiting:
        padding = [np.zeros((SIDE, SIDE, 3), np.uint8)] * (CROPS - len(waiting))  # the network is compiled for CROPS
        yield run(np.stack(waiting + padding))[: len(waiting)]


def _network(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from crops to the means of the feature maps in `Architecture.crop_layers`."""
    architecture = architectures.of(model)
    names = architecture.crop_layers or architecture.freezing_depths
    means = [keras.layers.GlobalAveragePooling2D()(model.get_layer(name).output) for name in names]
    whole = folded_layers.fold(keras.Model(model.input, means))
    small = keras.models.clone_model(
        whole, input_tensors=keras.Input((SIDE, SIDE, 3)), clone_function=lambda layer: layer
    )

    @tf.function
    def run(images: tf.Tensor) -> tf.Tensor:
        return tf.concat(small(images, training=False), axis=-1)

    return lambda crops: run(preprocessing.to_input(crops.astype(np.float32))).numpy()

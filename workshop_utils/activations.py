"""What the layers of the detector see: their activations, the patches that excite them, and what they can tell apart.

Zeiler & Fergus 2013 (arXiv 1311.2901), sections 2 and 4; feature visualisation by gradient ascent: Simonyan et al. 2013
(arXiv 1312.6034), section 2; which layers carry over: Yosinski et al. 2014 (arXiv 1411.1792), section 4.
"""

from collections.abc import Iterator

import numpy as np

from workshop_utils import photos
from workshop_utils.quiet import keras, tf

LAYERS = {"early": "block_2_expand_relu", "middle": "block_6_expand_relu", "late": "block_13_expand_relu"}
"""Three depths of the backbone; the late one is the first feature map that SSD's heads read."""


def activations(model: keras.Model, layer: str, images: np.ndarray, batch_statistics: bool = False) -> np.ndarray:
    """Return a layer's output, its maps, for images (N, 300, 300, 3) in [-1, 1]: float16 (N, cells, cells, channels).

    `batch_statistics` normalises each batch by itself, for a network whose batch norm has not learnt any statistics.
    """
    part = keras.Model(model.input, model.get_layer(layer).output)
    forward = tf.function(lambda batch: tf.cast(part(batch, training=batch_statistics), tf.float16))
    return np.concatenate([forward(images[start : start + 5]).numpy() for start in range(0, len(images), 5)])


def at_boxes(maps: np.ndarray, boxes_of_each) -> np.ndarray:
    """Return the mean of maps (N, cells, cells, channels) within each image's boxes (normalised): (m, channels)."""
    features = []
    for image, boxes in zip(maps, boxes_of_each, strict=True):
        for top, left, bottom, right in np.asarray(boxes) * len(image):
            rows, columns = slice(int(top), int(np.ceil(bottom))), slice(int(left), int(np.ceil(right)))
            features.append(image[rows, columns].mean(axis=(0, 1), dtype=np.float32))
    return np.array(features)


def channels_for(maps: np.ndarray, boxes_of_each, count: int) -> np.ndarray:
    """Return the `count` channels of maps that answer to what is in the boxes more than to the rest, best first."""
    every = -(-maps.shape[1] // 40)  # of a fine map, some cells are enough, and spare memory
    flat = maps[:, ::every, ::every].reshape(-1, maps.shape[-1]).astype(np.float32)
    above = at_boxes(maps, boxes_of_each).mean(axis=0) - flat.mean(axis=0)
    return np.argsort(-above / (flat.std(axis=0) + 1e-6), kind="stable")[:count]


def strongest_units(maps: np.ndarray, side: int, count: int) -> np.ndarray:
    """Return for each channel of maps the `count` units that answer most, best first: (channels, count, 3).

    A unit is its image, its row and its column. At most one comes from each image. Units around which a square of
    `side` pixels would reach past the image are left out: what they answer to is often the edge itself.
    """
    corner = _corners(maps.shape[1], side)
    inside = np.flatnonzero((corner >= 0) & (corner <= photos.INPUT_SIDE - side))
    answers, places = [], []
    for image in maps:
        within = image[inside[0] : inside[-1] + 1, inside[0] : inside[-1] + 1].reshape(-1, maps.shape[-1])
        places.append(within.argmax(axis=0))
        answers.append(within.max(axis=0))
    images = np.argsort(-np.array(answers, np.float32), axis=0, kind="stable")[:count]
    rows, columns = np.divmod(np.take_along_axis(np.array(places), images, axis=0), len(inside))
    return np.stack([images, inside[rows], inside[columns]], axis=-1).transpose(1, 0, 2)


def cut(images: np.ndarray, units: np.ndarray, cells: int, side: int) -> list[np.ndarray]:
    """Return of each unit (n, 3) of maps with `cells` rows the square of `side` pixels around it.

    images (N, 300, 300, 3) may be photos, or whatever has the shape of photos.
    """
    corner = _corners(cells, side)
    return [
        images[image, corner[row] : corner[row] + side, corner[column] : corner[column] + side]
        for image, row, column in units
    ]


def _corners(cells: int, side: int) -> np.ndarray:
    """Return where a square of `side` pixels begins that is laid around each cell of a row."""
    return np.round((np.arange(cells) + 0.5) / cells * photos.INPUT_SIDE - side / 2).astype(int)


def input_gradients(model, layer: str, channel: int, inputs: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Return how each unit's image would have to change for the unit to answer more: float32 (n, 300, 300, 3).

    It is the gradient of what the unit gets, before its ReLU, with respect to the pixels of inputs (N, 300, 300, 3).
    """
    part = keras.Model(model.input, model.get_layer(layer).input)

    @tf.function
    def gradient(image, row, column):
        with tf.GradientTape() as tape:
            tape.watch(image)
            answer = part(image, training=False)[0, row, column, channel]
        return tape.gradient(answer, image)[0]

    numbers = tf.constant(units)
    return np.stack([gradient(inputs[image][None], row, column) for image, row, column in numbers])


def backbone_of(model: keras.Model, side: int = 160) -> keras.Model:
    """Return the detector's MobileNetV2 alone, for pictures of `side` pixels: small ones are fast."""
    backbone = keras.applications.MobileNetV2(input_shape=(side, side, 3), include_top=False, weights=None)
    for layer in backbone.layers:
        if layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    return backbone


def receptive_field(backbone: keras.Model, layer: str) -> int:
    """Return how many pixels of the photo, in height and in width, one unit of a layer can see at most."""
    seen, stride = 1, 1
    for each in backbone.layers[: backbone.layers.index(backbone.get_layer(layer))]:
        if isinstance(each, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
            seen += (each.kernel_size[0] - 1) * stride
            stride *= each.strides[0]
    return seen


class Ascent:
    """Feature visualisation: pictures that excite a layer's channels, from noise by gradient ascent."""

    def __init__(self, backbone: keras.Model, layer: str):
        part = keras.Model(backbone.input, backbone.get_layer(layer).input)
        self._shape, self._channels = backbone.input_shape[1:], part.output.shape[-1]

        @tf.function(input_signature=[tf.TensorSpec((None, *self._shape)), tf.TensorSpec((None, self._channels)),
                                      tf.TensorSpec(2, tf.int32)])  # fmt: skip
        def step(pictures, wanted, shift):
            shifted = tf.roll(pictures, shift, (1, 2))
            with tf.GradientTape() as tape:
                tape.watch(shifted)
                excitement = tf.reduce_sum(tf.reduce_mean(part(shifted, training=False), axis=(1, 2)) * wanted)
            gradient = tf.roll(tape.gradient(excitement, shifted), -shift, (1, 2))
            gradient /= tf.math.reduce_std(gradient, axis=(1, 2, 3), keepdims=True) + 1e-8
            gradient = tf.nn.avg_pool2d(tf.nn.avg_pool2d(gradient, 3, 1, "SAME"), 3, 1, "SAME")
            return tf.clip_by_value(0.98 * pictures + 0.15 * gradient, -1.0, 1.0)

        self._step = step

    def climb(self, channels, steps: int = 40, seed: int = 0) -> Iterator[np.ndarray]:
        """Give after each step the pictures so far, one for each of the channels: uint8 (n, side, side, 3).

        What grows is the channel's mean before its ReLU. Shifting the picture a little at each step and blurring its
        gradient keeps out noise that only the network sees.
        """
        rng = np.random.default_rng(seed)
        pictures = tf.constant(rng.normal(0, 0.1, (len(channels), *self._shape)), tf.float32)
        wanted = tf.one_hot(channels, self._channels)
        for _ in range(steps):
            pictures = self._step(pictures, wanted, tf.constant(rng.integers(-8, 9, 2), tf.int32))
            yield ((pictures.numpy() + 1) * 127.5).astype(np.uint8)


def linear_probe(features: np.ndarray, classes: np.ndarray, training: np.ndarray, ridge: float = 10.0) -> float:
    """Return how often a linear classifier (ridge regression) names a row's class rightly, from 0 to 1.

    features are (m, channels), classes (m,); it is fitted to the rows where `training` (m,) is true, scored on others.
    """
    known = features[training]
    scaled = (features - known.mean(axis=0)) / (known.std(axis=0) + 1e-6)
    names, ids = np.unique(classes, return_inverse=True)
    wanted = np.eye(len(names))[ids[training]]
    similar = scaled @ scaled[training].T
    weights = np.linalg.solve(similar[training] + ridge * np.eye(len(known)), wanted - wanted.mean(axis=0))
    guessed = (similar[~training] @ weights + wanted.mean(axis=0)).argmax(axis=1)
    return float((guessed == ids[~training]).mean())

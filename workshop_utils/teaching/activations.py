"""What the layers of the detector see: their activations, the patches that excite them, and what they can tell apart.

Patches that excite a channel: Zeiler & Fergus 2013 (arXiv 1311.2901), sections 2 and 4. Gradients of the input, and
feature visualisation by gradient ascent: Simonyan et al. 2013 (arXiv 1312.6034), sections 3 and 2. Which layers carry
over: Yosinski et al. 2014 (arXiv 1411.1792), section 4.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike
from tqdm.auto import tqdm

from workshop_utils.core.tensorflow import keras, tf
from workshop_utils.model import preprocessing

LAYERS = {"early": "block_2_expand_relu", "middle": "block_6_expand_relu", "late": "block_13_expand_relu"}
"""Three depths of the backbone; the late one is the first feature map that SSD's heads read."""


BATCH = 5
"""So many photos go through the network at once: more would take memory, not less time."""


def activations(model: keras.Model, layer: str, images: np.ndarray, batch_statistics: bool = False) -> np.ndarray:
    """Return a layer's output for some images: its maps.

    Args:
        model: The detector.
        layer: The layer's name.
        images: (N, 300, 300, 3), in [-1, 1].
        batch_statistics: Whether to normalise each batch by itself, for a network whose batch norm has not learnt any
            statistics.

    Returns:
        The maps, float16 (N, cells, cells, channels).
    """
    part = keras.Model(model.input, model.get_layer(layer).output)
    forward = tf.function(lambda batch: tf.cast(part(batch, training=batch_statistics), tf.float16))
    starts = tqdm(range(0, len(images), BATCH), desc=layer, unit="batch")
    return np.concatenate([forward(images[start : start + BATCH]).numpy() for start in starts])


def at_boxes(maps: np.ndarray, boxes_of_each: Sequence[ArrayLike]) -> np.ndarray:
    """Return the mean of some images' maps within each of their boxes.

    Args:
        maps: (N, cells, cells, channels).
        boxes_of_each: The boxes of each of the N images, (n, 4): ymin, xmin, ymax, xmax, normalised.

    Returns:
        The means, float32 (m, channels), for the m boxes of all images, one image after the other.
    """
    features = []
    for image, boxes in zip(maps, boxes_of_each, strict=True):
        for top, left, bottom, right in np.asarray(boxes) * len(image):
            rows, columns = slice(int(top), int(np.ceil(bottom))), slice(int(left), int(np.ceil(right)))
            features.append(image[rows, columns].mean(axis=(0, 1), dtype=np.float32))
    return np.array(features)


def features(
    model: keras.Model,
    layers: list[str],
    inputs: np.ndarray,
    boxes_of_each: Sequence[ArrayLike],
    batch_statistics: bool = False,
) -> list[np.ndarray]:
    """Return for each layer what `at_boxes` makes of its maps: (m, channels of the layer). The maps are not kept.

    Args:
        model: The detector.
        layers: The layers' names.
        inputs: N images (N, 300, 300, 3), in [-1, 1].
        boxes_of_each: The boxes of each image, as for `at_boxes`.
        batch_statistics: As for `activations`.
    """
    part = keras.Model(model.input, [model.get_layer(layer).output for layer in layers])
    forward = tf.function(lambda batch: part(batch, training=batch_statistics))
    found = [[] for _ in layers]
    for start in tqdm(range(0, len(inputs), BATCH), desc="look", unit="batch"):
        for rows, maps in zip(found, forward(inputs[start : start + BATCH]), strict=True):
            rows.append(at_boxes(maps.numpy(), boxes_of_each[start : start + BATCH]))
    return [np.concatenate(rows) for rows in found]


def channels_for(maps: np.ndarray, boxes_of_each: Sequence[ArrayLike], count: int) -> np.ndarray:
    """Return the channels that answer to what is in the boxes more than to the rest, best first: (count,).

    Args:
        maps: (N, cells, cells, channels).
        boxes_of_each: The boxes of each of the N images, as for `at_boxes`.
        count: How many channels are wanted.
    """
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
    inside = np.flatnonzero((corner >= 0) & (corner <= preprocessing.INPUT_SIDE - side))
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
    return np.round((np.arange(cells) + 0.5) / cells * preprocessing.INPUT_SIDE - side / 2).astype(int)


def input_gradients(
    model: keras.Model,
    layer: str,
    inputs: np.ndarray,
    units: np.ndarray,
    channels: Sequence[int] | np.ndarray,
    side: int,
    guided: bool = False,
) -> np.ndarray:
    """Return how the square of pixels around each unit would have to change for the unit to answer more.

    It is the gradient of what the unit gets, before the ReLU, with respect to the pixels of its image (Simonyan et al.
    2013, section 3).

    Args:
        model: The detector.
        layer: The name of the units' layer, a ReLU.
        inputs: (N, 300, 300, 3), in [-1, 1].
        units: The image, row and column of each unit, (n, 3).
        channels: The channel of each unit, (n,).
        side: The square's height and width, in pixels.
        guided: Whether to leave out, at each ReLU on the way back, what would make the unit answer less (Springenberg
            et al. 2014, arXiv 1412.6806, on deconvolution): clearer to look at, and no longer the gradient.

    Returns:
        The gradients, float32 (n, side, side, 3).
    """
    part = keras.Model(model.input, model.get_layer(layer).input)
    if guided:
        part = _with_guided_relus(part)

    @tf.function
    def gradient(image, place):
        with tf.GradientTape() as tape:
            tape.watch(image)
            answer = tf.gather_nd(part(image, training=False)[0], place[None])  # TensorFlow 2.20 wants a list of places
        return tape.gradient(answer, image)[0]

    corner, squares = _corners(part.output.shape[1], side), []
    progress = tqdm(zip(units, channels, strict=True), "guided" if guided else "gradient", len(units), unit="patch")
    for (image, row, column), channel in progress:
        whole = gradient(inputs[image][None], tf.constant([row, column, channel], tf.int32)).numpy()
        squares.append(whole[corner[row] : corner[row] + side, corner[column] : corner[column] + side])
    return np.stack(squares)


def drawn(gradients: np.ndarray) -> np.ndarray:
    """Return gradients (n, side, side, 3) as pictures of that shape, uint8: mid-grey where a pixel does not matter.

    A pixel is light where the unit would answer more if that pixel were lighter, dark where if it were darker.
    """
    lighter = gradients.sum(axis=-1, keepdims=True)
    most = np.percentile(np.abs(lighter), 99.5, axis=(1, 2, 3), keepdims=True) + 1e-12
    grey = np.clip(np.round(127.5 + 127.5 * lighter / most), 0, 255).astype(np.uint8)
    return np.repeat(grey, 3, axis=-1)


def _with_guided_relus(model: keras.Model) -> keras.Model:
    def copied(layer):
        if isinstance(layer, keras.layers.ReLU):
            return keras.layers.Lambda(_guided_relu6, name=layer.name)
        return type(layer).from_config(layer.get_config())

    guided = keras.models.clone_model(model, clone_function=copied)
    guided.set_weights(model.get_weights())
    return guided


@tf.custom_gradient
def _guided_relu6(x):
    return tf.nn.relu6(x), lambda upstream: tf.where((x > 0) & (x < 6), tf.nn.relu(upstream), 0.0)


def backbone_of(model: keras.Model, side: int = 160) -> keras.Model:
    """Return the detector's MobileNetV2 alone, for pictures of `side` pixels: small ones are fast."""
    backbone = keras.applications.MobileNetV2(input_shape=(side, side, 3), include_top=False, weights=None)
    for layer in backbone.layers:
        if layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    return backbone


def convolutions(backbone: keras.Model, layer: str) -> list[tuple[int, int]]:
    """Return the convolutions before a layer as (side of the kernel, stride), without those that see one pixel only."""
    before = backbone.layers[: backbone.layers.index(backbone.get_layer(layer))]
    found = [each for each in before if isinstance(each, keras.layers.Conv2D | keras.layers.DepthwiseConv2D)]
    return [(each.kernel_size[0], each.strides[0]) for each in found if each.kernel_size[0] > 1]


def receptive_field(backbone: keras.Model, layer: str) -> int:
    """Return how many pixels of the photo, in height and in width, one unit of a layer can see at most."""
    seen, step = 1, 1
    for side, stride in convolutions(backbone, layer):
        seen += (side - 1) * step
        step *= stride
    return seen


STEPS = 40
"""So many steps of gradient ascent are enough to see what a channel looks for."""


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

    def climb(self, channels: Sequence[int] | np.ndarray, steps: int = STEPS, seed: int = 0) -> Iterator[np.ndarray]:
        """Give after each step the pictures so far, one for each channel.

        What grows is the channel's mean before its ReLU. Shifting the picture a little at each step and blurring its
        gradient keeps out noise that only the network sees.

        Args:
            channels: The n channels to excite.
            steps: How many steps to climb.
            seed: Of the noise to begin with, and of the shifts.

        Yields:
            The pictures, uint8 (n, side, side, 3).
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

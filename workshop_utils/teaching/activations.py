"""What the layers of the detector see: activations, the patches that excite them, and the classes they tell apart.

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
"""Number of photos that go through the network at once. More would need more memory and not save time."""


def activations(model: keras.Model, layer: str, images: np.ndarray, batch_statistics: bool = False) -> np.ndarray:
    """Return the feature maps that a layer outputs for some images.

    Args:
        model: The detector.
        layer: The layer's name.
        images: (N, 300, 300, 3), in [-1, 1].
        batch_statistics: Whether to normalise each batch with its own statistics, for a network whose batch norm
            has not learned any.

    Returns:
        The maps, float16 (N, cells, cells, channels).
    """
    part = keras.Model(model.input, model.get_layer(layer).output)
    forward = tf.function(lambda batch: tf.cast(part(batch, training=batch_statistics), tf.float16))
    starts = tqdm(range(0, len(images), BATCH), desc=layer, unit="batch")
    return np.concatenate([forward(images[start : start + BATCH]).numpy() for start in starts])


def at_boxes(maps: np.ndarray, boxes_of_each: Sequence[ArrayLike]) -> np.ndarray:
    """Return the mean of feature maps within each box.

    Args:
        maps: (N, cells, cells, channels).
        boxes_of_each: The boxes of each of the N images, (n, 4): ymin, xmin, ymax, xmax, normalised.

    Returns:
        The means, float32 (m, channels), for the m boxes of all images, in the order of the images.
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
    """Return the result of `at_boxes` for each layer, (m, channels of the layer), without keeping the maps.

    Args:
        model: The detector.
        layers: The names of the layers.
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
    """Return the channels that respond more to the boxes than to the rest of the image, best first: (count,).

    Args:
        maps: (N, cells, cells, channels).
        boxes_of_each: The boxes of each of the N images, as for `at_boxes`.
        count: The number of channels to return.
    """
    every = -(-maps.shape[1] // 40)  # some cells of a fine map are enough, and save memory
    flat = maps[:, ::every, ::every].reshape(-1, maps.shape[-1]).astype(np.float32)
    above = at_boxes(maps, boxes_of_each).mean(axis=0) - flat.mean(axis=0)
    return np.argsort(-above / (flat.std(axis=0) + 1e-6), kind="stable")[:count]


def strongest_units(maps: np.ndarray, side: int, count: int) -> np.ndarray:
    """Return the `count` units with the strongest response for each channel, best first: (channels, count, 3).

    A unit is given by its image, row and column. At most one comes from each image. Units are left out if a square of
    `side` pixels around them would exceed the image: they often respond to the edge of the image itself.
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
    """Cut the square of `side` pixels around each unit, (n, 3), of maps with `cells` rows.

    `images` are (N, 300, 300, 3): photos, or anything else of that shape.
    """
    corner = _corners(cells, side)
    return [
        images[image, corner[row] : corner[row] + side, corner[column] : corner[column] + side]
        for image, row, column in units
    ]


def _corners(cells: int, side: int) -> np.ndarray:
    """Return where a square of `side` pixels around each cell of a row begins, in pixels."""
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
    """Return how the pixels around each unit would have to change for a stronger response of the unit.

    This is the gradient of the unit's input, before the ReLU, with respect to the pixels of its image (Simonyan et al.
    2013, section 3).

    Args:
        model: The detector.
        layer: The name of the units' layer, a ReLU.
        inputs: (N, 300, 300, 3), in [-1, 1].
        units: The image, row and column of each unit, (n, 3).
        channels: The channel of each unit, (n,).
        side: Height and width of the square, in pixels.
        guided: Whether to remove, at each ReLU on the way back, what would weaken the response (Springenberg et al.
            2014, arXiv 1412.6806, on deconvolution): easier to read, but no longer the gradient.

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

    corner, squares = _corners(part.outputs[0].shape[1], side), []
    progress = tqdm(zip(units, channels, strict=True), "guided" if guided else "gradient", len(units), unit="patch")
    for (image, row, column), channel in progress:
        whole = gradient(inputs[image][None], tf.constant([row, column, channel], tf.int32)).numpy()
        squares.append(whole[corner[row] : corner[row] + side, corner[column] : corner[column] + side])
    return np.stack(squares)


def drawn(gradients: np.ndarray) -> np.ndarray:
    """Return gradients (n, side, side, 3) as pictures of that shape, uint8: mid-grey if a pixel does not matter.

    A pixel is light if the unit would respond more to a lighter pixel, and dark if to a darker one.
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
    """Return only the detector's MobileNetV2, for pictures of `side` pixels. Small pictures are fast."""
    backbone = keras.applications.MobileNetV2(
        input_shape=(side, side, 3),
        include_top=False,
        weights=None,  # pyright: ignore[reportArgumentType]
    )
    for layer in backbone.layers:
        if layer.weights:
            layer.set_weights(model.get_layer(layer.name).get_weights())
    return backbone


def convolutions(backbone: keras.Model, layer: str) -> list[tuple[int, int]]:
    """Return the convolutions before a layer as (side of the kernel, stride), without 1 x 1 kernels."""
    before = backbone.layers[: backbone.layers.index(backbone.get_layer(layer))]
    found = [each for each in before if isinstance(each, keras.layers.Conv2D | keras.layers.DepthwiseConv2D)]
    return [(each.kernel_size[0], each.strides[0]) for each in found if each.kernel_size[0] > 1]


def receptive_field(backbone: keras.Model, layer: str) -> int:
    """Return the receptive field of a layer: how many pixels, in height and in width, a unit can see at most."""
    seen, step = 1, 1
    for side, stride in convolutions(backbone, layer):
        seen += (side - 1) * step
        step *= stride
    return seen


STEPS = 40
"""Number of steps of gradient ascent, enough to see what a channel responds to."""


class Ascent:
    """Feature visualisation: pictures that excite a layer's channels, from noise by gradient ascent."""

    def __init__(self, backbone: keras.Model, layer: str):
        part = keras.Model(backbone.input, backbone.get_layer(layer).input)
        self._shape, self._channels = backbone.input_shape[1:], part.outputs[0].shape[-1]

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
        """Yield the pictures after each step, one for each channel.

        Each step increases the channel's mean before its ReLU. A small shift of the picture in each step, and a blurred
        gradient, suppress noise that only the network sees.

        Args:
            channels: The n channels to excite.
            steps: The number of steps.
            seed: For the initial noise and the shifts.

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
    """Return the accuracy, from 0 to 1, of a linear classifier (ridge regression) on features.

    Args:
        features: (m, channels).
        classes: The class of each row, (m,).
        training: Which rows to fit, bool (m,). The others are scored.
        ridge: The weight of the regularisation.
    """
    known = features[training]
    scaled = (features - known.mean(axis=0)) / (known.std(axis=0) + 1e-6)
    names, ids = np.unique(classes, return_inverse=True)
    wanted = np.eye(len(names))[ids[training]]
    similar = scaled @ scaled[training].T
    weights = np.linalg.solve(similar[training] + ridge * np.eye(len(known)), wanted - wanted.mean(axis=0))
    guessed = (similar[~training] @ weights + wanted.mean(axis=0)).argmax(axis=1)
    return float((guessed == ids[~training]).mean())

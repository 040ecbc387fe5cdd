"""What the layers of the detector see: their activations, the patches that excite them, and what they can tell apart.

Zeiler & Fergus 2013 (arXiv 1311.2901), sections 2 and 4; feature visualisation by gradient ascent: Simonyan et al. 2013
(arXiv 1312.6034), section 2; which layers carry over: Yosinski et al. 2014 (arXiv 1411.1792), section 4.
"""

import numpy as np

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


def strongest_patches(maps: np.ndarray, channel: int, images: np.ndarray, side: int, count: int) -> list[np.ndarray]:
    """Return what of the images (N, 300, 300, 3) excites a channel most: `count` squares of `side` pixels.

    At most one comes from each image. Units whose square would reach past the image are left out: what they answer
    to is often the edge itself.
    """
    cells, length = maps.shape[1], images.shape[1]
    corner = np.round((np.arange(cells) + 0.5) / cells * length - side / 2).astype(int)
    inside = (corner >= 0) & (corner <= length - side)
    excitement = np.where(np.outer(inside, inside), maps[..., channel], -np.inf)
    patches = []
    for index in np.argsort(-excitement.max(axis=(1, 2)), kind="stable")[:count]:
        top, left = corner[list(np.unravel_index(excitement[index].argmax(), (cells, cells)))]
        patches.append(images[index, top : top + side, left : left + side])
    return patches


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


def visualise(backbone: keras.Model, layer: str, channels, steps: int = 40, seed: int = 0) -> np.ndarray:
    """Return a picture that excites each of the channels: uint8 (n, side, side, 3), from noise by gradient ascent.

    Shifting the picture a little at each step and blurring its gradient keeps out noise that only the network sees.
    """
    part = keras.Model(backbone.input, backbone.get_layer(layer).input)
    wanted = tf.one_hot(channels, part.output.shape[-1])

    @tf.function
    def ascend(pictures, shift):
        shifted = tf.roll(pictures, shift, (1, 2))
        with tf.GradientTape() as tape:
            tape.watch(shifted)
            excitement = tf.reduce_sum(tf.reduce_mean(part(shifted, training=False), axis=(1, 2)) * wanted)
        gradient = tf.roll(tape.gradient(excitement, shifted), -shift, (1, 2))
        gradient /= tf.math.reduce_std(gradient, axis=(1, 2, 3), keepdims=True) + 1e-8
        gradient = tf.nn.avg_pool2d(tf.nn.avg_pool2d(gradient, 3, 1, "SAME"), 3, 1, "SAME")
        return tf.clip_by_value(0.98 * pictures + 0.15 * gradient, -1.0, 1.0)

    rng = np.random.default_rng(seed)
    pictures = tf.constant(rng.normal(0, 0.1, (len(channels), *backbone.input_shape[1:])), tf.float32)
    for _ in range(steps):
        pictures = ascend(pictures, tf.constant(rng.integers(-8, 9, 2), tf.int32))
    return ((pictures.numpy() + 1) * 127.5).astype(np.uint8)


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

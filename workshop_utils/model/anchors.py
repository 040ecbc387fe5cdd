"""The 1917 anchors (default boxes), which of them match which ground truth, and the box coding.

Boxes are ymin, xmin, ymax, xmax, normalised; arrays are NumPy float32 of shape (number, 4). Liu et al. 2016 (SSD,
arXiv 1512.02325), section 2.2; the numbers are the Object Detection API's (`multiple_grid_anchor_generator.py`,
`faster_rcnn_box_coder.py`, `argmax_matcher.py`).
"""

import functools

import numpy as np

from workshop_utils.data.geometry import iou

GRIDS = (19, 10, 5, 3, 2, 1)
"""Cells along each side of the six feature maps."""

SCALES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0)
"""Anchor size on each feature map, as a fraction of the photo; the last closes the row."""

VARIANCES = np.array([0.1, 0.1, 0.2, 0.2], np.float32)
"""What the encodings of centre y, centre x, height and width are divided by."""

MATCH_IOU = 0.5
"""The IoU from which an anchor is responsible for a ground-truth box."""


def shapes(level: int) -> list[tuple[float, float]]:
    """Return the (scale, aspect ratio) of each anchor that sits on one cell of feature map `level`."""
    if level == 0:
        return [(0.1, 1.0), (0.2, 2.0), (0.2, 0.5)]
    scale, between = SCALES[level], (SCALES[level] * SCALES[level + 1]) ** 0.5
    return [(scale, ratio) for ratio in (1.0, 2.0, 0.5, 3.0, 0.3333)] + [(between, 1.0)]


@functools.cache
def anchors() -> np.ndarray:
    """Return all anchors, (1917, 4), read-only: by level, then row, column, shape; some reach past the photo."""
    levels = []
    for level, grid in enumerate(GRIDS):
        sizes = np.array([(scale / ratio**0.5, scale * ratio**0.5) for scale, ratio in shapes(level)])
        places = (np.arange(grid) + 0.5) / grid
        centres = np.stack(np.meshgrid(places, places, indexing="ij"), axis=-1)[:, :, None]
        levels.append(np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=-1).reshape(-1, 4))
    result = np.concatenate(levels).astype(np.float32)
    result.flags.writeable = False
    return result


def level_slices() -> list[slice]:
    """Return where in `anchors()` the anchors of each feature map stand."""
    ends = np.cumsum([grid * grid * len(shapes(level)) for level, grid in enumerate(GRIDS)]).tolist()
    return [slice(start, end) for start, end in zip([0, *ends], ends)]


def match(boxes: np.ndarray) -> np.ndarray:
    """Return for each anchor the index of the ground-truth box it is responsible for, or -1 for background: (1917,).

    An anchor takes the box it overlaps most if their IoU is at least MATCH_IOU. Besides, every box claims its best
    anchor, however little they overlap; where two boxes claim one anchor, the first box has it.
    """
    if len(boxes) == 0:
        return np.full(len(anchors()), -1)
    overlap = iou(anchors(), boxes)
    matched = np.where(overlap.max(axis=1) >= MATCH_IOU, overlap.argmax(axis=1), -1)
    claimed = overlap.argmax(axis=0)
    for box in reversed(range(len(boxes))):
        matched[claimed[box]] = box
    return matched


def encode(boxes: np.ndarray, to: np.ndarray) -> np.ndarray:
    """Return boxes (n, 4) as encodings relative to the anchors `to` (n, 4): how far to move, how much to grow.

    t_y = (y - y_a) / h_a / 0.1 and t_h = log(h / h_a) / 0.2, likewise x and w (SSD, equation 2, with variances).
    """
    centre, size = _centre_and_size(boxes)
    anchor_centre, anchor_size = _centre_and_size(to)
    shift = (centre - anchor_centre) / anchor_size
    growth = np.log(np.maximum(size, 1e-8) / anchor_size)
    return (np.concatenate([shift, growth], axis=-1) / VARIANCES).astype(np.float32)


def decode(encodings: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Return the boxes (n, 4) that `encodings` (n, 4) make of the anchors `of` (n, 4). The inverse of `encode`."""
    shift, growth = np.split(encodings * VARIANCES, 2, axis=-1)
    anchor_centre, anchor_size = _centre_and_size(of)
    centre, size = anchor_centre + shift * anchor_size, anchor_size * np.exp(growth)
    return np.concatenate([centre - size / 2, centre + size / 2], axis=-1).astype(np.float32)


def targets(boxes: np.ndarray, class_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what the network should say of one photo: box encodings (1917, 4) and class ids (1917,), background 0."""
    matched = match(boxes)
    positive = matched >= 0
    encodings = np.zeros((len(matched), 4), np.float32)
    encodings[positive] = encode(boxes[matched[positive]], anchors()[positive])
    classes = np.zeros(len(matched), np.int32)
    classes[positive] = np.asarray(class_ids)[matched[positive]]
    return encodings, classes


def _centre_and_size(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]

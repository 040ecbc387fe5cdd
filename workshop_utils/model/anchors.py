"""The 1917 anchors (default boxes), their matching to ground truth, and the box coding.

Boxes are ymin, xmin, ymax, xmax, normalised; arrays are NumPy float32 of shape (n, 4). After Liu et al. 2016 (SSD,
arXiv 1512.02325), section 2.2, with the constants of the Object Detection API (`multiple_grid_anchor_generator.py`,
`faster_rcnn_box_coder.py`, `argmax_matcher.py`).
"""

import functools

import numpy as np

from workshop_utils.data.geometry import iou

GRIDS = (19, 10, 5, 3, 2, 1)
"""Cells along each side of the six feature maps."""

SCALES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0)
"""Anchor size on each feature map, as a fraction of the photo. The last value is only used for the mean scale of the
anchors on map 5."""

VARIANCES = np.array([0.1, 0.1, 0.2, 0.2], np.float32)
"""Divisors of the encodings of centre y, centre x, height and width."""

MATCH_IOU = 0.5
"""The IoU with a ground-truth box from which an anchor is matched to it."""


def shapes(level: int) -> list[tuple[float, float]]:
    """Return the (scale, aspect ratio) of each anchor on one cell of feature map `level` (0 to 5)."""
    if level == 0:
        return [(0.1, 1.0), (0.2, 2.0), (0.2, 0.5)]
    scale, between = SCALES[level], (SCALES[level] * SCALES[level + 1]) ** 0.5
    return [(scale, ratio) for ratio in (1.0, 2.0, 0.5, 3.0, 0.3333)] + [(between, 1.0)]


@functools.cache
def anchors() -> np.ndarray:
    """Return all anchors, (1917, 4), read-only, ordered by feature map, row, column and shape.

    Some reach beyond the edges of the photo.
    """
    levels = []
    for level, grid in enumerate(GRIDS):
        sizes = np.array([(scale / ratio**0.5, scale * ratio**0.5) for scale, ratio in shapes(level)])
        places = (np.arange(grid) + 0.5) / grid
        centres = np.stack(np.meshgrid(places, places, indexing="ij"), axis=-1)[:, :, None]
        levels.append(np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=-1).reshape(-1, 4))
    result = np.concatenate(levels).astype(np.float32)
    result.flags.writeable = False
    return result


@functools.cache
def mirrored() -> np.ndarray:
    """Return for each anchor the index of its mirror image: the same shape, as far from the other edge."""
    levels = [
        part.start + np.arange(part.stop - part.start).reshape(grid, grid, -1)[:, ::-1].ravel()
        for grid, part in zip(GRIDS, level_slices())
    ]
    return np.concatenate(levels)


def level_slices() -> list[slice]:
    """Return the slice of `anchors()` that belongs to each feature map."""
    ends = np.cumsum([grid * grid * len(shapes(level)) for level, grid in enumerate(GRIDS)]).tolist()
    return [slice(start, end) for start, end in zip([0, *ends], ends)]


def match(boxes: np.ndarray) -> np.ndarray:
    """Match anchors to ground-truth boxes.

    An anchor is matched to the box it overlaps most if their IoU is at least MATCH_IOU. In addition, every box gets its
    best anchor, no matter how small the IoU. If two boxes have the same best anchor, the first box gets it.

    Args:
        boxes: Ground-truth boxes, (n, 4).

    Returns:
        The index of each anchor's box, or -1 for background, (1917,).
    """
    if len(boxes) == 0:
        return np.full(len(anchors()), -1)
    overlap = iou(anchors(), boxes)
    matched = np.where(overlap.max(axis=1) >= MATCH_IOU, overlap.argmax(axis=1), -1)
    claimed = overlap.argmax(axis=0)
    for box in reversed(range(len(boxes))):
        matched[claimed[box]] = box
    return matched


def encode(boxes: np.ndarray, anchor_boxes: np.ndarray) -> np.ndarray:
    """Encode boxes relative to anchors: by how much to move and to scale each anchor.

    t_y = (y - y_a) / h_a / 0.1 and t_h = log(h / h_a) / 0.2, and likewise for x and w (SSD, equation 2, with
    variances).

    Args:
        boxes: (n, 4).
        anchor_boxes: The anchor of each box, (n, 4).

    Returns:
        Encodings (n, 4): t_y, t_x, t_h, t_w.
    """
    centre, size = _centre_and_size(boxes)
    anchor_centre, anchor_size = _centre_and_size(anchor_boxes)
    shift = (centre - anchor_centre) / anchor_size
    growth = np.log(np.maximum(size, 1e-8) / anchor_size)
    return (np.concatenate([shift, growth], axis=-1) / VARIANCES).astype(np.float32)


def decode(encodings: np.ndarray, anchor_boxes: np.ndarray) -> np.ndarray:
    """Return the boxes (n, 4) of encodings (n, 4), given the anchor of each, (n, 4). The inverse of `encode`."""
    shift, growth = np.split(encodings * VARIANCES, 2, axis=-1)
    anchor_centre, anchor_size = _centre_and_size(anchor_boxes)
    centre, size = anchor_centre + shift * anchor_size, anchor_size * np.exp(growth)
    return np.concatenate([centre - size / 2, centre + size / 2], axis=-1).astype(np.float32)


def targets(boxes: np.ndarray, class_ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the targets of one photo.

    Args:
        boxes: Ground-truth boxes, (n, 4).
        class_ids: The class id of each box, (n,).

    Returns:
        Box encodings (1917, 4), and class ids (1917,) with 0 for background.
    """
    matched = match(boxes)
    positive = matched >= 0
    encodings = np.zeros((len(matched), 4), np.float32)
    encodings[positive] = encode(boxes[matched[positive]], anchors()[positive])
    classes = np.zeros(len(matched), np.int32)
    classes[positive] = np.asarray(class_ids)[matched[positive]]
    return encodings, classes


def _centre_and_size(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]

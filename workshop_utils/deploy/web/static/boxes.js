/**
 * From the network's outputs to detections: decode the boxes, suppress what overlaps.
 *
 * A box is [ymin, xmin, ymax, xmax], each a fraction of the photo's height or width. Liu et al. 2016 (SSD, arXiv
 * 1512.02325), section 2.2, with the Object Detection API's settings; the same as model/detection.py and model/nms.py.
 *
 * @typedef {{box: number[], id: number, score: number}} Detection
 */

/** The encodings of the centre and of the size are multiplied by these. */
const CENTRE_VARIANCE = 0.1;
const SIZE_VARIANCE = 0.2;

/** Boxes of one class that overlap by a higher IoU are the same object. */
const NMS_IOU = 0.6;

const MAX_DETECTIONS = 100;

/**
 * Return the boxes and scores that the outputs of a network without decoding stand for, such as the int8 network.
 *
 * @param {Float32Array} encodings - n * 4 numbers, relative to the anchors.
 * @param {Float32Array} logits - n * (1 + classes) numbers; the background comes first.
 * @param {number[][]} anchors - n boxes.
 * @returns {{boxes: Float32Array, scores: Float32Array}} n * 4 numbers from 0 to 1, and n * classes scores.
 */
export function decode(encodings, logits, anchors) {
  const columns = logits.length / anchors.length;
  const boxes = new Float32Array(4 * anchors.length);
  const scores = new Float32Array((columns - 1) * anchors.length);
  for (let number = 0; number < anchors.length; number++) {
    decodeAxis(encodings, boxes, 4 * number, anchors[number][0], anchors[number][2]);
    decodeAxis(encodings, boxes, 4 * number + 1, anchors[number][1], anchors[number][3]);
    for (let column = 1; column < columns; column++) {
      scores[(columns - 1) * number + column - 1] = 1 / (1 + Math.exp(-logits[columns * number + column]));
    }
  }
  return { boxes, scores };
}

/** Decode a box along y (`at` is the place of its ymin) or along x (of its xmin): its centre and its size. */
function decodeAxis(encodings, boxes, at, low, high) {
  const size = high - low;
  const centre = (low + high) / 2 + encodings[at] * CENTRE_VARIANCE * size;
  const half = (Math.exp(encodings[at + 2] * SIZE_VARIANCE) * size) / 2;
  boxes[at] = Math.min(Math.max(centre - half, 0), 1);
  boxes[at + 2] = Math.min(Math.max(centre + half, 0), 1);
}

/**
 * Non-maximum suppression: class by class keep the best box, drop those that overlap it by more than NMS_IOU, and so on.
 *
 * @param {Float32Array} boxes - n * 4 numbers.
 * @param {Float32Array} scores - n * classes numbers, without the background: column 0 is class id 1.
 * @param {number} minScore - Only higher scores count.
 * @returns {Detection[]} At most MAX_DETECTIONS, the best first.
 */
export function suppress(boxes, scores, minScore) {
  const classes = scores.length / (boxes.length / 4);
  const candidates = Array.from({ length: classes }, () => []);
  for (let place = 0; place < scores.length; place++) {
    if (scores[place] > minScore) {
      const number = Math.floor(place / classes);
      const column = place % classes;
      const box = [...boxes.subarray(4 * number, 4 * number + 4)];
      candidates[column].push({ box, id: column + 1, score: scores[place] });
    }
  }
  return bestFirst(candidates.flatMap(withoutOverlaps)).slice(0, MAX_DETECTIONS);
}

/**
 * Return the detections with each object under one name, the one with the highest score.
 *
 * Non-maximum suppression works class by class, so a cup that looks like peach and like strawberry is found as both.
 */
export function once(detections) {
  return withoutOverlaps(detections);
}

/** Intersection over union of two boxes, 0 where neither has an area. */
export function iou(one, other) {
  const height = Math.min(one[2], other[2]) - Math.max(one[0], other[0]);
  const width = Math.min(one[3], other[3]) - Math.max(one[1], other[1]);
  const intersection = Math.max(height, 0) * Math.max(width, 0);
  const union = area(one) + area(other) - intersection;
  return union > 0 ? intersection / union : 0;
}

function withoutOverlaps(detections) {
  const kept = [];
  for (const each of bestFirst(detections)) {
    if (kept.every(({ box }) => iou(box, each.box) <= NMS_IOU)) {
      kept.push(each);
    }
  }
  return kept.slice(0, MAX_DETECTIONS);
}

const bestFirst = (detections) => [...detections].sort((one, other) => other.score - one.score);

const area = ([ymin, xmin, ymax, xmax]) => Math.max(ymax - ymin, 0) * Math.max(xmax - xmin, 0);

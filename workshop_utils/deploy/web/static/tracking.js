/**
 * Follow objects from frame to frame, and let each track vote on its class.
 *
 * A track's box moves on as it moved before, and the detection that overlaps it most continues the track: first the
 * detections with a high score, then those with a low one, which are often partly hidden objects. So does ByteTrack
 * (Zhang et al. 2022, arXiv 2110.06864), which deploy/video/tracking.py uses. ByteTrack predicts with a Kalman filter
 * and finds the best assignment of all; this takes a running mean of the speed, and the best pair first. Browsers skip
 * frames, so a new object may also move as the others do on average: otherwise a belt's cup is mistaken for its
 * neighbour. The rules for votes and for certainty are the same.
 *
 * @typedef {object} Track - A track in one frame.
 * @property {number} id - Its number, from 1.
 * @property {number[]} box - ymin, xmin, ymax, xmax, normalised.
 * @property {number} classId - The class with most votes up to this frame. Each detection votes with its score.
 * @property {boolean} isCertain - Whether it has MIN_VOTES, MIN_SHARE of them for this class, and high enough scores.
 * @property {number} detection - The place of its detection among those that `update` got.
 * @property {number[] | null} started - In its first frame the box of the frame before, with which it started.
 */

import { iou } from "./boxes.js";

/** Detections with a lower score are of no use for tracking. */
export const LOWEST_SCORE = 0.1;

/** A track that is not found for longer than this has ended. */
export const SECONDS_LOST = 1;

/** A track is certain of its class if this share of its votes is for it. */
export const MIN_SHARE = 0.6;

/** A track with fewer votes, of about three detections, is not certain of its class. */
export const MIN_VOTES = 2;

/** A track is not certain of its class if the mean score of its detections is below this share of the least score. */
export const MIN_MEAN = 0.75;

/** A detection continues a track only if their boxes overlap by this IoU. */
const MIN_IOU = 0.1;

/** How much the newest speed counts in the running mean. */
const NEWEST_SPEED = 0.3;

/** Gives the detections of one object the same number in all frames. */
export class Tracker {
  /** @param {number} minScore - Only detections with at least this score start a track. You may change it later. */
  constructor(minScore = 0.4) {
    this.minScore = minScore;
    this.followed = [];
    this.given = 0;
  }

  /**
   * Assign the detections of the next frame to tracks.
   *
   * @param {import("./boxes.js").Detection[]} detections - With scores down to LOWEST_SCORE.
   * @param {number} seconds - When the frame was taken, from any start.
   * @returns {Track[]} The tracks that were found in this frame. An object has a track from the second frame in which
   *     it is found.
   */
  update(detections, seconds) {
    this.followed = this.followed.filter((each) => seconds - each.seconds <= SECONDS_LOST);
    const mean = meanSpeed(this.followed);
    const expected = new Map(this.followed.map((each) => [each, each.expectedAt(seconds, mean)]));
    const rows = detections.map((_, row) => row).filter((row) => detections[row].score >= LOWEST_SCORE);
    const high = rows.filter((row) => detections[row].score >= this.minScore);
    const low = rows.filter((row) => detections[row].score < this.minScore);
    const pairs = this.pair(expected, detections, high);
    pairs.forEach((_, each) => expected.delete(each));
    this.pair(expected, detections, low).forEach((row, each) => pairs.set(each, row));

    this.followed = this.followed.filter((each) => pairs.has(each) || each.id);
    const found = this.followed.filter((each) => pairs.has(each));
    const tracks = found.map((each) => {
      const row = pairs.get(each);
      const started = each.id ? null : each.box;
      each.id ||= ++this.given;
      each.add(detections[row], seconds);
      return each.asTrack(row, started, MIN_MEAN * this.minScore);
    });
    const taken = new Set(pairs.values());
    const fresh = high.filter((row) => !taken.has(row));
    this.followed.push(...fresh.map((row) => new Followed(detections[row].box, seconds)));
    return tracks.sort((one, other) => one.id - other.id);
  }

  /** End all tracks, as when the camera stops. Numbers are not given a second time. */
  end() {
    this.followed = [];
  }

  /** Return {followed object: row of its detection}, the pair that overlaps most first. `expected` has their boxes. */
  pair(expected, detections, rows) {
    const candidates = [...expected].flatMap(([each, boxes]) =>
      rows.map((row) => ({ each, row, overlap: Math.max(...boxes.map((box) => iou(box, detections[row].box))) })),
    );
    const pairs = new Map();
    const taken = new Set();
    for (const { each, row, overlap } of candidates.sort((one, other) => other.overlap - one.overlap)) {
      if (overlap >= MIN_IOU && !pairs.has(each) && !taken.has(row)) {
        pairs.set(each, row);
        taken.add(row);
      }
    }
    return pairs;
  }
}

/** Return the mean speed, down and right, of the objects that have a track, for each edge of a box. */
function meanSpeed(followed) {
  const moving = followed.filter(({ id }) => id);
  const mean = (axis) =>
    moving.reduce((sum, { speed }) => sum + (speed[axis] + speed[axis + 2]) / 2, 0) / Math.max(moving.length, 1);
  const [down, right] = [mean(0), mean(1)];
  return [down, right, down, right];
}

/** An object that is followed: where it was, how fast each edge of its box moves, and the votes on its class. */
class Followed {
  constructor(box, seconds) {
    this.id = 0; // until it is found a second time
    this.box = box;
    this.seconds = seconds;
    this.speed = [0, 0, 0, 0];
    this.sightings = 0;
    this.votes = new Map();
  }

  /** Return the boxes that it may have by now. A new object has not moved, or it moves as the others do: `mean`. */
  expectedAt(seconds, mean) {
    const speeds = this.id ? [this.speed] : [this.speed, mean];
    return speeds.map((speed) => this.box.map((edge, place) => edge + speed[place] * (seconds - this.seconds)));
  }

  add({ box, id, score }, seconds) {
    const passed = seconds - this.seconds;
    this.sightings++;
    if (passed > 0) {
      const weight = Math.max(NEWEST_SPEED, 1 / this.sightings);
      const newest = box.map((edge, place) => (edge - this.box[place]) / passed);
      this.speed = this.speed.map((speed, place) => speed + weight * (newest[place] - speed));
    }
    [this.box, this.seconds] = [box, seconds];
    this.votes.set(id, (this.votes.get(id) ?? 0) + score);
  }

  /** Return the track of this frame; it is not certain if the mean score is below `minMean`. */
  asTrack(detection, started, minMean) {
    const all = [...this.votes.values()].reduce((sum, votes) => sum + votes, 0);
    const [classId, most] = [...this.votes].reduce((best, each) => (each[1] > best[1] ? each : best));
    const isCertain = all >= Math.max(MIN_VOTES, minMean * this.sightings) && most >= MIN_SHARE * all;
    return { id: this.id, box: this.box, classId, isCertain, detection, started };
  }
}

/**
 * Count the tracks that cross a line, by class and direction; the same as deploy/video/counting.py.
 *
 * @typedef {import("./tracking.js").Track} Track
 */

/** The class id under which tracks count that are not certain of their class. Ids of classes start at 1. */
export const UNCERTAIN_ID = 0;

/** A line in the picture, from (x1, y1) to (x2, y2), as fractions of the width and height. */
export class CountingLine {
  constructor(x1, y1, x2, y2) {
    Object.assign(this, { x1, y1, x2, y2 });
  }

  /** What crossing it in the one and in the other direction is called. */
  get directions() {
    const isSteep = Math.abs(this.y2 - this.y1) >= Math.abs(this.x2 - this.x1);
    return isSteep ? ["right", "left"] : ["down", "up"];
  }

  /**
   * Return on which side of the line, extended without end, a point is: 1, -1, or 0 on the line.
   *
   * Points that are further right (of a steep line) or down (of a flat one) are on side 1.
   */
  side(x, y) {
    const cross = (this.x2 - this.x1) * (y - this.y1) - (this.y2 - this.y1) * (x - this.x1);
    const towards = this.directions[0] === "right" ? -(this.y2 - this.y1) : this.x2 - this.x1;
    return Math.sign(cross * towards);
  }

  /** Return whether the way from one point [x, y] to another, on different sides, crosses between the line's ends. */
  isBetween([beforeX, beforeY], [afterX, afterY]) {
    const [dx, dy] = [afterX - beforeX, afterY - beforeY];
    const across = dx * (this.y2 - this.y1) - dy * (this.x2 - this.x1);
    const along = across ? (dx * (beforeY - this.y1) - dy * (beforeX - this.x1)) / across : -1;
    return along >= 0 && along <= 1;
  }
}

/** Counts the tracks that cross a line. A track crosses it when its centre is on the other side than before. */
export class Counter {
  /** @param {CountingLine} line */
  constructor(line) {
    this.line = line;
    this.places = new Map();
    this.classes = new Map();
    this.crossings = [];
  }

  /** @param {Track[]} tracks - Those of the next frame, as `Tracker.update` returns them. */
  update(tracks) {
    for (const { id, box, classId, isCertain, started } of tracks) {
      this.classes.set(id, isCertain ? classId : UNCERTAIN_ID);
      if (started) {
        this.move(id, started);
      }
      this.move(id, box);
    }
  }

  /** Move a track to a box, and note whether it crosses the line on the way. */
  move(id, [ymin, xmin, ymax, xmax]) {
    const centre = [(xmin + xmax) / 2, (ymin + ymax) / 2];
    const side = this.line.side(...centre);
    if (side === 0) {
      return; // decided when it leaves the line
    }
    const before = this.places.get(id);
    if (before && before.side !== side && this.line.isBetween(before.centre, centre)) {
      this.crossings.push({ id, place: side > 0 ? 0 : 1 });
    }
    this.places.set(id, { centre, side });
  }

  /**
   * Return how many tracks crossed, by the classes that they have by now.
   *
   * @returns {Map<number, number[]>} {class id: numbers in the order of the line's `directions`}. UNCERTAIN_ID is that
   *     of tracks that are not certain of their class. Classes without a crossing are missing.
   */
  counts() {
    const counts = new Map();
    for (const { id, place } of this.crossings) {
      const classId = this.classes.get(id);
      counts.set(classId, counts.get(classId) ?? [0, 0]);
      counts.get(classId)[place]++;
    }
    return counts;
  }
}

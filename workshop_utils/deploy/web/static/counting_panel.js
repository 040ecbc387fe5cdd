/** Counting on the page: the switch, the line over the picture with its two ends, and the table of what crossed it. */

import { Counter, CountingLine, UNCERTAIN_ID } from "./counting.js";
import { Tracker } from "./tracking.js";

const element = (id) => document.getElementById(id);

/** How far an arrow key moves an end of the line, as a fraction of the picture; with Shift, ten times as far. */
const STEP = 0.01;

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const ARROWS = { right: "→", left: "←", down: "↓", up: "↑" };

/** The ends of the line, by the names of their coordinates. */
const ENDS = { "end-1": ["x1", "y1"], "end-2": ["x2", "y2"] };

/** CSS pixels: how far a finger may miss an end, and the gap between the line and the names of its directions. */
const REACH = 22;
const GAP = 10;

/** How far along the line the names of its directions are. In the middle they would cover what crosses it. */
const NAMES_AT = 0.2;

/** What tracks are called that are not certain of their class, and their colour. */
export const UNCERTAIN = { name: "uncertain", colour: "#888888" };

/** Follows objects and counts those that cross the line. Moving the line, or Reset, starts the counts at 0 again. */
export class CountingPanel {
  /** @param {() => void} redraw - Draws the picture again, and calls `show`. */
  constructor(redraw) {
    this.redraw = redraw;
    this.tracker = new Tracker();
    this.counter = new Counter(new CountingLine(0.5, 0.1, 0.5, 0.86));
    element("counting").addEventListener("change", () => {
      this.tracker.end();
      redraw();
    });
    element("reset").addEventListener("click", () => this.restart(this.counter.line));
    Object.keys(ENDS).forEach((id) => this.listen(id));
  }

  get isOn() {
    return element("counting").checked;
  }

  /**
   * Follow what is found in the camera's next frame, and count.
   *
   * @param {import("./boxes.js").Detection[]} found
   * @param {{mirrored: boolean, seconds: number, minScore: number}} frame - Left and right are as you see them.
   * @returns {Map<number, import("./tracking.js").Track>} {place in `found`: its track}; none if counting is off.
   */
  follow(found, { mirrored, seconds, minScore }) {
    if (!this.isOn) {
      return new Map();
    }
    const seen = mirrored ? found.map((each) => ({ ...each, box: mirror(each.box) })) : found;
    this.tracker.minScore = minScore;
    const tracks = this.tracker.update(seen, seconds);
    this.counter.update(tracks);
    return new Map(tracks.map((track) => [track.detection, track]));
  }

  /** End all tracks, because the camera stopped. The counts stay. */
  pause() {
    this.tracker.end();
  }

  /** Count from 0, at this line. */
  restart(line) {
    this.counter = new Counter(line);
    this.redraw();
  }

  /**
   * Show the line and the counts.
   *
   * @param {{live: boolean, running: boolean, photo: HTMLCanvasElement} | null} shown - What is shown: whether it is of
   *     the camera, and whether that runs.
   * @param {Map<number, {name: string, colour: string}>} labels
   */
  show(shown, labels) {
    element("counted").hidden = !this.isOn;
    element("line").toggleAttribute("hidden", !this.isOn || !shown?.live);
    if (this.isOn) {
      element("count-note").textContent = note(shown);
      this.tell(labels);
      if (shown?.live) {
        this.place(shown.photo);
      }
    }
  }

  /** Fill the table, if anything in it changed. */
  tell(labels) {
    const { directions } = this.counter.line;
    const counts = [...this.counter.counts()].map(([id, numbers]) => {
      const isUncertain = id === UNCERTAIN_ID;
      return { ...(isUncertain ? UNCERTAIN : labels.get(id)), isUncertain, numbers };
    });
    counts.sort((one, other) => one.isUncertain - other.isUncertain || one.name.localeCompare(other.name));
    this.totals = [0, 1].map((place) => counts.reduce((sum, { numbers }) => sum + numbers[place], 0));
    const content = JSON.stringify([directions, counts]);
    if (content === this.filled) {
      return;
    }
    this.filled = content;
    directions.forEach((name, place) => (element(`direction-${place}`).textContent = `${name} ${ARROWS[name]}`));
    this.totals.forEach((total, place) => (element(`total-${place}`).textContent = total));
    element("crossings").replaceChildren(...counts.map(row));
    element("uncertain-note").hidden = !counts.some(({ isUncertain }) => isUncertain);
  }

  /** Put the line, its ends and the names of its directions over the picture, in pixels of the page. */
  place(photo) {
    const svg = element("line");
    const { width, height } = svg.getBoundingClientRect();
    const scale = Math.min(width / photo.width, height / photo.height);
    const size = [photo.width * scale, photo.height * scale];
    svg.setAttribute("viewBox", `0 0 ${size.join(" ")}`);
    const { line } = this.counter;
    const ends = Object.values(ENDS).map((axes) => axes.map((axis, place) => line[axis] * size[place]));
    for (const stroke of svg.querySelectorAll("line")) {
      set(stroke, { x1: ends[0][0], y1: ends[0][1], x2: ends[1][0], y2: ends[1][1] });
    }
    Object.entries(ENDS).forEach(([id, [x, y]], place) => {
      const [fromLeft, fromTop] = [line[x], line[y]].map((value) => Math.round(100 * value));
      set(element(id), {
        transform: `translate(${ends[place].join(" ")})`,
        "aria-valuenow": fromLeft,
        "aria-valuetext": `${fromLeft}% from the left, ${fromTop}% from the top`,
      });
    });
    this.placeNames(ends, size);
  }

  /** Write what each direction is called, and its total, on the side of the line to which it leads. */
  placeNames([[x1, y1], [x2, y2]], size) {
    const { line } = this.counter;
    const length = Math.hypot(x2 - x1, y2 - y1) || 1;
    const along = [(x2 - x1) / length, (y2 - y1) / length];
    let across = [along[1], -along[0]];
    if ((line.directions[0] === "right" ? across[0] : across[1]) < 0) {
      across = across.map((part) => -part);
    }
    line.directions.forEach((name, place) => {
      const text = element(`way-${place}`);
      const words = [`${name} ${this.totals[place]}`, ARROWS[name]];
      text.textContent = (name === "left" ? words.reverse() : words).join(" ");
      const half = [text.getComputedTextLength() / 2, REACH / 2];
      const extent = (way) => Math.abs(way[0]) * half[0] + Math.abs(way[1]) * half[1];
      const inside = (value, axis) => Math.min(Math.max(value, half[axis]), size[axis] - half[axis]);
      const away = (GAP + extent(across)) * (place === 0 ? 1 : -1);
      let at = [x1, y1].map((value, axis) => value + NAMES_AT * length * along[axis] + away * across[axis]);
      if (at.some((value, axis) => inside(value, axis) !== value)) {
        at = at.map((value, axis) => value + 2 * extent(along) * along[axis]); // away from the other name
      }
      set(text, { x: inside(at[0], 0), y: inside(at[1], 1) });
    });
  }

  /** Let the mouse, a finger and the arrow keys move an end of the line. */
  listen(id) {
    const end = element(id);
    const [x, y] = ENDS[id];
    let grabbed = null; // how far from the end the finger is, as fractions of the picture
    // Chromium ignores touch-action on a part of an SVG, and would scroll.
    end.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    end.addEventListener("pointerdown", (event) => {
      const at = position(event);
      grabbed = [at[0] - this.counter.line[x], at[1] - this.counter.line[y]];
      end.setPointerCapture(event.pointerId);
      end.focus({ preventScroll: true });
    });
    end.addEventListener("pointermove", (event) => {
      if (grabbed) {
        const at = position(event);
        this.move(id, at[0] - grabbed[0], at[1] - grabbed[1]);
      }
    });
    end.addEventListener("lostpointercapture", () => (grabbed = null));
    end.addEventListener("keydown", (event) => {
      const way = KEYS[event.key];
      if (way && !event.altKey && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        const far = event.shiftKey ? 10 * STEP : STEP;
        this.move(id, this.counter.line[x] + far * way[0], this.counter.line[y] + far * way[1]);
      }
    });
  }

  /** Move an end of the line to a place in the picture, as fractions, and count from 0 if that is another place. */
  move(id, ...to) {
    const line = new CountingLine(...["x1", "y1", "x2", "y2"].map((name) => this.counter.line[name]));
    ENDS[id].forEach((axis, place) => (line[axis] = Math.round(1000 * Math.min(Math.max(to[place], 0), 1)) / 1000));
    if (ENDS[id].some((axis) => line[axis] !== this.counter.line[axis])) {
      this.restart(line);
    }
  }
}

/** Return a box as a mirror shows it. */
const mirror = ([ymin, xmin, ymax, xmax]) => [ymin, 1 - xmax, ymax, 1 - xmin];

function note(shown) {
  if (shown?.running) {
    return "Drag the ends of the line, or move them with the arrow keys. Moving the line sets the counts to 0.";
  }
  const reason = shown && !shown.live ? "A photo shows one moment, so nothing in it crosses a line. " : "";
  return `${reason}Start the camera to count.`;
}

function row({ name, colour, numbers }) {
  const result = document.createElement("tr");
  const swatch = document.createElement("span");
  swatch.className = "swatch";
  swatch.style.backgroundColor = colour;
  const head = document.createElement("th");
  head.scope = "row";
  head.append(swatch, name);
  const cells = numbers.map((number) => {
    const cell = document.createElement("td");
    cell.textContent = number;
    return cell;
  });
  result.append(head, ...cells);
  return result;
}

const set = (target, attributes) =>
  Object.entries(attributes).forEach(([name, value]) => target.setAttribute(name, value));

/** Return where a pointer is, as fractions of the picture's width and height. */
function position({ clientX, clientY }) {
  const svg = element("line");
  const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(svg.getScreenCTM().inverse());
  return [x / svg.viewBox.baseVal.width, y / svg.viewBox.baseVal.height];
}

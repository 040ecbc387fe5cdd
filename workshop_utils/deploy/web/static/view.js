/** Draw a photo and the boxes on it. */

const LINE = 3;
const LARGEST_TEXT = 15;
const SMALLEST_TEXT = 11;
const LONGEST_CAPTION = 40;

/** What is drawn on a canvas, and said of it for those who cannot see it. */
export class View {
  /** @param {HTMLCanvasElement} canvas - Its size on the page is set by the style sheet. */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
  }

  /**
   * Show a photo with boxes.
   *
   * @param {HTMLCanvasElement} photo
   * @param {{name: string, colour: string, score: number, box: number[], number: number | undefined}[]} found - The
   *     number of a box's track is written in place of its score.
   * @param {boolean} mirrored - Whether left and right are exchanged.
   */
  show(photo, found, mirrored) {
    const unit = this.fit(photo);
    const { canvas, context } = this;
    context.save();
    if (mirrored) {
      context.translate(canvas.width, 0);
      context.scale(-1, 1);
    }
    context.drawImage(photo, 0, 0, canvas.width, canvas.height);
    context.restore();
    for (const each of [...found].reverse()) {
      const [ymin, xmin, ymax, xmax] = each.box;
      const left = mirrored ? 1 - xmax : xmin;
      this.draw(each, left * canvas.width, ymin * canvas.height, (xmax - xmin) * canvas.width,
        (ymax - ymin) * canvas.height, unit);
    }
    canvas.setAttribute("aria-label", described(found));
  }

  /** Give the canvas the photo's shape and the screen's resolution; return how many of its pixels a CSS pixel has. */
  fit(photo) {
    const { canvas } = this;
    const shown = canvas.getBoundingClientRect();
    const scale = Math.min(shown.width / canvas.width, shown.height / canvas.height) || 1;
    const unit = self.devicePixelRatio || 1;
    const width = Math.round(Math.min(Math.max(canvas.width * scale * unit, 320), 2000));
    const height = Math.round((width * photo.height) / photo.width);
    if (Math.abs(canvas.width - width) > 2 || Math.abs(canvas.height - height) > 2) {
      [canvas.width, canvas.height] = [width, height];
    }
    return 1 / (Math.min(shown.width / canvas.width, shown.height / canvas.height) || 1);
  }

  draw({ name, colour, score, number }, left, top, width, height, unit) {
    const { canvas, context } = this;
    context.lineWidth = (LINE + 2) * unit;
    context.strokeStyle = "white";
    context.strokeRect(left, top, width, height);
    context.lineWidth = LINE * unit;
    context.strokeStyle = colour;
    context.strokeRect(left, top, width, height);

    const caption = number ? `${number} ${shortened(name)}` : `${shortened(name)} ${percent(score)}`;
    const text = Math.min(Math.max(canvas.width / unit / 32, SMALLEST_TEXT), LARGEST_TEXT); // small on a phone
    context.font = `600 ${text * unit}px system-ui, sans-serif`;
    context.textBaseline = "middle";
    const [wide, high] = [context.measureText(caption).width + 12 * unit, (text + 8) * unit];
    const x = Math.max(0, Math.min(left - (LINE * unit) / 2, canvas.width - wide));
    const y = top >= high ? top - high : Math.max(top, 0);
    context.fillStyle = colour;
    context.fillRect(x, y, wide, high);
    context.fillStyle = isDark(colour) ? "white" : "black";
    context.fillText(caption, x + 6 * unit, y + high / 2);
  }
}

/** Return a score as it is shown: "93%". */
export const percent = (score) => `${Math.round(100 * score)}%`;

function described(found) {
  const named = found.map(({ name, score }) => `${name} ${percent(score)}`).join(", ");
  return found.length === 0 ? "Picture without boxes" : `Picture with boxes: ${named}`;
}

const shortened = (name) => (name.length > LONGEST_CAPTION ? `${name.slice(0, LONGEST_CAPTION)}…` : name);

/** Return whether white is easier to read on a colour (#rrggbb) than black: WCAG's relative luminance. */
function isDark(colour) {
  const [red, green, blue] = [1, 3, 5].map((start) => {
    const value = parseInt(colour.slice(start, start + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.179;
}

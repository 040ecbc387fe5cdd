/**
 * From a photo to what the network sees: 300 x 300 pixels, by the same rule as the workshop's Python code, because a
 * browser's own resizing differs from one browser to the next.
 *
 * A picture is {data, width, height} as ImageData is: four bytes for each pixel (red, green, blue, alpha), row by row.
 */

/** Height and width of what the network sees, in pixels. */
export const INPUT_SIDE = 300;

/**
 * Return a photo as the network takes it.
 *
 * @param {ImageData} photo - Any size.
 * @param {number} shrinkTo - From detector.json: the longer side of larger photos is shrunk to this first, as Python
 *     does when it reads them.
 * @returns {Float32Array} INPUT_SIDE * INPUT_SIDE * 3 values from 0 to 255. A later call may overwrite them.
 */
export function toInput(photo, shrinkTo) {
  const longest = Math.max(photo.width, photo.height);
  if (longest > shrinkTo) {
    const scale = shrinkTo / longest;
    const [width, height] = [photo.width, photo.height].map((side) => Math.max(1, roundHalfToEven(side * scale)));
    photo = antialiased(photo, width, height);
  }
  return withoutAlpha(antialiased(photo, INPUT_SIDE, INPUT_SIDE));
}

/**
 * Resize as Pillow's BILINEAR does: a triangle filter as wide as the shrinkage, across and down, each rounded to whole
 * numbers. It computes with integers and in the order of Pillow 13, so that every pixel is the same.
 *
 * @returns {{data: Uint8Array, width: number, height: number}} The alpha of each pixel is 0. A later call may overwrite
 *     the data.
 */
export function antialiased({ data, width, height }, newWidth, newHeight) {
  const pixels = new Int32Array(data.buffer, data.byteOffset, width * height); // to read four bytes at once
  const downFirst = height > newHeight && 2 * (width - newWidth) < height - newHeight;
  const result = downFirst
    ? across(down(pixels, width, height, newHeight), width, newHeight, newWidth)
    : down(across(pixels, width, height, newWidth), newWidth, height, newHeight);
  const bytes = new Uint8Array(result.buffer, result.byteOffset, result.byteLength);
  return { data: bytes, width: newWidth, height: newHeight };
}

/** Resize each row. Its pixels are 1 apart, and the rows a width apart. */
function across(pixels, width, height, newWidth) {
  const [from, to] = [width, newWidth].map((length) => ({ length, step: 1, line: length }));
  return resized(pixels, from, to, height);
}

/** Resize each column. Its pixels are a width apart, and the columns 1 apart. */
function down(pixels, width, height, newHeight) {
  const [from, to] = [height, newHeight].map((length) => ({ length, step: width, line: 1 }));
  return resized(pixels, from, to, width);
}

function resized(pixels, from, to, lines) {
  if (from.length === to.length) {
    return pixels;
  }
  const { sources, result } = prepared(from, to, lines);
  sources.forEach(({ first, weights }, index) => {
    const mean = MEANS[weights.length] ?? meanOfMany;
    mean(pixels, first * from.step, from, weights, result, index * to.step, to.line, lines);
  });
  return result;
}

/** What `resized` needs for the last few sizes, because new arrays for each frame of a camera take time. */
const kept = new Map();
const MOST_KEPT = 8;

function prepared(from, to, lines) {
  const key = [from.length, to.length, from.step, lines].join();
  if (!kept.has(key)) {
    if (kept.size === MOST_KEPT) {
      kept.clear();
    }
    kept.set(key, { sources: triangles(from.length, to.length), result: new Int32Array(to.length * lines) });
  }
  return kept.get(key);
}

/**
 * Return what each new pixel is made of: the number of its first old pixel, and the weights of that and those that
 * follow.
 */
function triangles(length, newLength) {
  const scale = length / newLength;
  const reach = Math.max(scale, 1);
  return Array.from({ length: newLength }, (_, index) => {
    const centre = (index + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - reach + 0.5), 0);
    const last = Math.min(Math.trunc(centre + reach + 0.5), length);
    const height = (_, tap) => Math.max(0, 1 - Math.abs((first + tap - centre + 0.5) / reach));
    const heights = Array.from({ length: last - first }, height);
    const sum = heights.reduce((one, other) => one + other);
    return { first, weights: heights.map((each) => Math.trunc(0.5 + (each / sum) * (1 << BITS))) };
  });
}

const BITS = 22;
const HALF = 1 << (BITS - 1);

const red = (pixel, weight) => Math.imul(pixel & 255, weight);
const green = (pixel, weight) => Math.imul((pixel >>> 8) & 255, weight);
const blue = (pixel, weight) => Math.imul((pixel >>> 16) & 255, weight);
const rounded = (red, green, blue) =>
  ((HALF + red) >> BITS) | (((HALF + green) >> BITS) << 8) | (((HALF + blue) >> BITS) << 16);

/**
 * For each of the lines, write the weighted mean of pixels, the first at `from`, each `step` after the one before it.
 *
 * A frame of a camera needs two to four for a new pixel; without the loop of `meanOfMany` they take half the time.
 */
const MEANS = { 2: meanOfTwo, 3: meanOfThree, 4: meanOfFour };

function meanOfTwo(pixels, from, { step, line }, [a, b], result, to, newLine, lines) {
  for (let count = 0; count < lines; count++) {
    const p = pixels[from];
    const q = pixels[from + step];
    result[to] = rounded(red(p, a) + red(q, b), green(p, a) + green(q, b), blue(p, a) + blue(q, b));
    from += line;
    to += newLine;
  }
}

function meanOfThree(pixels, from, { step, line }, [a, b, c], result, to, newLine, lines) {
  for (let count = 0; count < lines; count++) {
    const p = pixels[from];
    const q = pixels[from + step];
    const r = pixels[from + 2 * step];
    result[to] = rounded(
      red(p, a) + red(q, b) + red(r, c),
      green(p, a) + green(q, b) + green(r, c),
      blue(p, a) + blue(q, b) + blue(r, c),
    );
    from += line;
    to += newLine;
  }
}

function meanOfFour(pixels, from, { step, line }, [a, b, c, d], result, to, newLine, lines) {
  for (let count = 0; count < lines; count++) {
    const p = pixels[from];
    const q = pixels[from + step];
    const r = pixels[from + 2 * step];
    const s = pixels[from + 3 * step];
    result[to] = rounded(
      red(p, a) + red(q, b) + red(r, c) + red(s, d),
      green(p, a) + green(q, b) + green(r, c) + green(s, d),
      blue(p, a) + blue(q, b) + blue(r, c) + blue(s, d),
    );
    from += line;
    to += newLine;
  }
}

function meanOfMany(pixels, from, { step, line }, weights, result, to, newLine, lines) {
  for (let count = 0; count < lines; count++) {
    let reds = 0;
    let greens = 0;
    let blues = 0;
    for (let tap = 0; tap < weights.length; tap++) {
      const pixel = pixels[from + tap * step];
      reds = (reds + red(pixel, weights[tap])) | 0;
      greens = (greens + green(pixel, weights[tap])) | 0;
      blues = (blues + blue(pixel, weights[tap])) | 0;
    }
    result[to] = rounded(reds, greens, blues);
    from += line;
    to += newLine;
  }
}

const input = new Float32Array(3 * INPUT_SIDE * INPUT_SIDE);

function withoutAlpha({ data }) {
  const pixels = new Int32Array(data.buffer, data.byteOffset, data.length / 4);
  for (let from = 0, to = 0; from < pixels.length; from++, to += 3) {
    const pixel = pixels[from];
    input[to] = pixel & 255;
    input[to + 1] = (pixel >>> 8) & 255;
    input[to + 2] = (pixel >>> 16) & 255;
  }
  return input;
}

/** Round as Python does. */
function roundHalfToEven(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

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
 * @param {{rule: string, shrink_to: number | null}} resize - From detector.json: the name of the rule, and how long
 *     the longer side may be before it applies. Python shrinks photos to that size when it reads them.
 * @returns {Float32Array} INPUT_SIDE * INPUT_SIDE * 3 values from 0 to 255.
 */
export function toInput(photo, resize) {
  const longest = Math.max(photo.width, photo.height);
  if (resize.shrink_to !== null && longest > resize.shrink_to) {
    const scale = resize.shrink_to / longest;
    const [width, height] = [photo.width, photo.height].map((side) => Math.max(1, roundHalfToEven(side * scale)));
    photo = antialiased(photo, width, height);
  }
  return RULES[resize.rule](photo);
}

const RULES = {
  antialiased: (photo) => withoutAlpha(antialiased(photo, INPUT_SIDE, INPUT_SIDE)),
  tensorflow1: (photo) => bilinear(photo, INPUT_SIDE),
};

/**
 * Resize as TensorFlow 1 does: pixel i is taken at i * old / new, between the two pixels around it.
 *
 * @returns {Float32Array} side * side * 3 values, not rounded.
 */
export function bilinear({ data, width, height }, side) {
  const result = new Float32Array(side * side * 3);
  const columns = positions(width, side);
  let at = 0;
  for (const row of positions(height, side)) {
    const [above, below] = [row.first * width, row.second * width];
    for (const { first, second, share } of columns) {
      const [topLeft, topRight] = [4 * (above + first), 4 * (above + second)];
      const [bottomLeft, bottomRight] = [4 * (below + first), 4 * (below + second)];
      for (let channel = 0; channel < 3; channel++) {
        const top = mix(data[topLeft + channel], data[topRight + channel], share);
        const bottom = mix(data[bottomLeft + channel], data[bottomRight + channel], share);
        result[at++] = mix(top, bottom, row.share);
      }
    }
  }
  return result;
}

function positions(length, newLength) {
  return Array.from({ length: newLength }, (_, index) => {
    const exact = (index * length) / newLength;
    const first = Math.floor(exact);
    return { first, second: Math.min(first + 1, length - 1), share: exact - first };
  });
}

const mix = (one, other, share) => one + (other - one) * share;

/**
 * Resize as Pillow's BILINEAR does: a triangle filter as wide as the shrinkage, across and down, each rounded to whole
 * numbers. It computes with integers and in the order of Pillow 13, so that every pixel is the same.
 *
 * @returns {{data: Uint8Array, width: number, height: number}} The alpha of each pixel is 0.
 */
export function antialiased({ data, width, height }, newWidth, newHeight) {
  const across = (from, lines) => onePass(from, width, lines, newWidth, 4, 4 * width, 4, 4 * newWidth);
  const down = (from, wide) => onePass(from, height, wide, newHeight, 4 * wide, 4, 4 * wide, 4);
  const downFirst = height > newHeight && 2 * (width - newWidth) < height - newHeight;
  const resized = downFirst ? across(down(data, width), newHeight) : down(across(data, height), newWidth);
  return { data: resized, width: newWidth, height: newHeight };
}

const BITS = 22;

/**
 * Resize along one direction.
 *
 * @param {Uint8Array} data - The pixels.
 * @param {number} length - Pixels along the direction, `lines` of them across it.
 * @param {number} newLength - Pixels along the direction afterwards.
 * @param {number} step - From a pixel to the next along the direction, in bytes; `line` from one line to the next.
 * @param {number} newStep - The same afterwards, as is `newLine`.
 */
function onePass(data, length, lines, newLength, step, line, newStep, newLine) {
  if (length === newLength) {
    return data;
  }
  const result = new Uint8Array(4 * lines * newLength);
  const windows = triangles(length, newLength);
  for (let number = 0; number < lines; number++) {
    for (let index = 0; index < newLength; index++) {
      const { first, weights } = windows[index];
      let red = 1 << (BITS - 1);
      let green = red;
      let blue = red;
      let from = number * line + first * step;
      for (let tap = 0; tap < weights.length; tap++, from += step) {
        red += data[from] * weights[tap];
        green += data[from + 1] * weights[tap];
        blue += data[from + 2] * weights[tap];
      }
      const to = number * newLine + index * newStep;
      result[to] = red >> BITS;
      result[to + 1] = green >> BITS;
      result[to + 2] = blue >> BITS;
    }
  }
  return result;
}

/** Return for each new pixel the first old pixel it is made of, and the weights of that and those that follow. */
function triangles(length, newLength) {
  const scale = length / newLength;
  const reach = Math.max(scale, 1);
  return Array.from({ length: newLength }, (_, index) => {
    const centre = (index + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - reach + 0.5), 0);
    const last = Math.min(Math.trunc(centre + reach + 0.5), length);
    const heights = Array.from({ length: last - first }, (_, tap) =>
      Math.max(0, 1 - Math.abs((first + tap - centre + 0.5) / reach)),
    );
    const sum = heights.reduce((total, height) => total + height, 0);
    return { first, weights: Int32Array.from(heights, (height) => Math.trunc(0.5 + (height / sum) * (1 << BITS))) };
  });
}

function withoutAlpha({ data }) {
  const result = new Float32Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    result[to] = data[from];
    result[to + 1] = data[from + 1];
    result[to + 2] = data[from + 2];
  }
  return result;
}

/** Round as Python does. */
function roundHalfToEven(value) {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

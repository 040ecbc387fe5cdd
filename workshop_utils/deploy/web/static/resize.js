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
  const pixels = new Uint32Array(data.buffer, data.byteOffset, width * height); // to read four bytes at once
  const downFirst = height > newHeight && 2 * (width - newWidth) < height - newHeight;
  const resized = downFirst
    ? across(down(pixels, width, height, newHeight), width, newHeight, newWidth)
    : down(across(pixels, width, height, newWidth), newWidth, height, newHeight);
  const bytes = new Uint8Array(resized.buffer, resized.byteOffset, resized.byteLength);
  return { data: bytes, width: newWidth, height: newHeight };
}

function across(pixels, width, height, newWidth) {
  if (width === newWidth) {
    return pixels;
  }
  const result = new Uint32Array(newWidth * height);
  const { firsts, starts, weights } = triangles(width, newWidth);
  let to = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < newWidth; column++) {
      result[to++] = mean(pixels, row * width + firsts[column], 1, weights, starts[column], starts[column + 1]);
    }
  }
  return result;
}

function down(pixels, width, height, newHeight) {
  if (height === newHeight) {
    return pixels;
  }
  const result = new Uint32Array(width * newHeight);
  const { firsts, starts, weights } = triangles(height, newHeight);
  let to = 0;
  for (let row = 0; row < newHeight; row++) {
    for (let column = 0; column < width; column++) {
      result[to++] = mean(pixels, firsts[row] * width + column, width, weights, starts[row], starts[row + 1]);
    }
  }
  return result;
}

const BITS = 22;
const HALF = 1 << (BITS - 1);

/** Return the weighted mean of pixels, the first at `from`, each `step` after the one before it. */
function mean(pixels, from, step, weights, start, end) {
  let red = HALF;
  let green = HALF;
  let blue = HALF;
  for (let tap = start; tap < end; tap++) {
    const pixel = pixels[from];
    const weight = weights[tap];
    red = (red + Math.imul(pixel & 255, weight)) | 0;
    green = (green + Math.imul((pixel >>> 8) & 255, weight)) | 0;
    blue = (blue + Math.imul((pixel >>> 16) & 255, weight)) | 0;
    from += step;
  }
  return (red >> BITS) | ((green >> BITS) << 8) | ((blue >> BITS) << 16);
}

/**
 * Return what each new pixel is made of: the number of its first old pixel in `firsts`, the weights of that and those
 * that follow in `weights`, from `starts[index]` to before `starts[index + 1]`.
 */
function triangles(length, newLength) {
  const scale = length / newLength;
  const reach = Math.max(scale, 1);
  const firsts = new Int32Array(newLength);
  const starts = new Int32Array(newLength + 1);
  const weights = new Int32Array(Math.ceil(2 * reach + 1) * newLength);
  for (let index = 0, at = 0; index < newLength; index++) {
    const centre = (index + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - reach + 0.5), 0);
    const last = Math.min(Math.trunc(centre + reach + 0.5), length);
    const height = (place) => Math.max(0, 1 - Math.abs((place - centre + 0.5) / reach));
    let sum = 0;
    for (let place = first; place < last; place++) {
      sum += height(place);
    }
    for (let place = first; place < last; place++) {
      weights[at++] = Math.trunc(0.5 + (height(place) / sum) * (1 << BITS));
    }
    firsts[index] = first;
    starts[index + 1] = at;
  }
  return { firsts, starts, weights };
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

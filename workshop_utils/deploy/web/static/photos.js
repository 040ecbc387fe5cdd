/** Photos as canvases, upright and with their pixels as they are in the file. */

/** Browsers refuse larger canvases, those on phones first. A larger photo is made smaller. */
const MOST_PIXELS = 16_000_000;

/**
 * Read a photo.
 *
 * @param {Blob} file - In any format that the browser reads.
 * @returns {Promise<HTMLCanvasElement>}
 * @throws {Error} If the browser cannot read it; the message says what to do.
 */
export async function read(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    throw new Error("The browser cannot read this photo. Save it as JPEG and open it again.");
  }
  const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (bitmap.width * bitmap.height)));
  const canvas = document.createElement("canvas");
  draw(bitmap, Math.round(bitmap.width * scale), Math.round(bitmap.height * scale), canvas);
  bitmap.close();
  return canvas;
}

/** Draw a picture on a canvas, which takes its size; what is transparent becomes white. */
export function draw(picture, width, height, canvas) {
  if (canvas.width !== width || canvas.height !== height) {
    [canvas.width, canvas.height] = [width, height];
  }
  const context = canvas.getContext("2d", { willReadFrequently: true, alpha: false });
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0, width, height);
}

/** Return the pixels of a canvas. */
export const pixels = (canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);

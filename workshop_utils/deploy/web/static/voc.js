/** Pascal VOC XML, as labelImg and the workshop write it. */

/**
 * Return the annotation of a photo.
 *
 * @param {string} filename - The photo's name, without its folder.
 * @param {{width: number, height: number}} size - In pixels.
 * @param {{name: string, box: number[]}[]} objects - Boxes as [ymin, xmin, ymax, xmax], each a fraction of the photo's
 *     height or width.
 * @returns {string} The XML file.
 */
export function annotation(filename, { width, height }, objects) {
  const lines = [
    "<annotation>",
    "\t<folder>images</folder>",
    `\t<filename>${escaped(filename)}</filename>`,
    "\t<source>\n\t\t<database>Unknown</database>\n\t</source>",
    `\t<size>\n\t\t<width>${width}</width>\n\t\t<height>${height}</height>\n\t\t<depth>3</depth>\n\t</size>`,
    "\t<segmented>0</segmented>",
    ...objects.map(({ name, box }) => object(name, box, width, height)),
    "</annotation>",
  ];
  return `${lines.join("\n")}\n`;
}

function object(name, [ymin, xmin, ymax, xmax], width, height) {
  const [left, right] = pixels(xmin, xmax, width);
  const [top, bottom] = pixels(ymin, ymax, height);
  const truncated = left === 1 || top === 1 || right === width || bottom === height ? 1 : 0;
  const edges = [["xmin", left], ["ymin", top], ["xmax", right], ["ymax", bottom]];
  return [
    "\t<object>",
    `\t\t<name>${escaped(name)}</name>`,
    "\t\t<pose>Unspecified</pose>",
    `\t\t<truncated>${truncated}</truncated>`,
    "\t\t<difficult>0</difficult>",
    "\t\t<bndbox>",
    ...edges.map(([edge, value]) => `\t\t\t<${edge}>${value}</${edge}>`),
    "\t\t</bndbox>",
    "\t</object>",
  ].join("\n");
}

/** Return two edges in whole pixels. labelImg counts pixels from 1, so that is the least. */
function pixels(low, high, length) {
  const first = Math.max(1, Math.min(Math.round(low * length), length - 1));
  return [first, Math.min(Math.max(Math.round(high * length), first + 1), length)];
}

const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

const escaped = (text) => text.replace(/[&<>]/g, (letter) => ENTITIES[letter]);

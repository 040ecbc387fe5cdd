/**
 * The files that the page needs besides its modules: from the page's own folder, or from inside the page.
 *
 * A page in a single file holds each file in a <script type="application/octet-stream" data-file="NAME">, compressed
 * with gzip and written in base64, because a page that was opened from disk may not read other files.
 */

/** Whether this page holds its files itself. */
export const inOneFile = document.querySelector("script[data-file]") !== null;

/**
 * Return a file of the page.
 *
 * @param {string} name - Its path in the page's folder, as in "detector.json".
 * @returns {Promise<Uint8Array>} Its bytes.
 * @throws {Error} If it cannot be loaded; the message says which and why.
 */
export async function bytes(name) {
  if (inOneFile) {
    return embedded(name);
  }
  let answer;
  try {
    answer = await fetch(name);
  } catch {
    throw new Error(`${name} could not be loaded. Is the server still running?`);
  }
  if (!answer.ok) {
    throw new Error(`${name} could not be loaded (${answer.status} ${answer.statusText}).`);
  }
  return new Uint8Array(await answer.arrayBuffer());
}

/** Return a JSON file of the page, parsed. Throws as `bytes` does. */
export async function json(name) {
  return JSON.parse(new TextDecoder().decode(await bytes(name)));
}

async function embedded(name) {
  const element = document.querySelector(`script[data-file="${name}"]`);
  const packed = Uint8Array.from(atob(element.textContent), (letter) => letter.charCodeAt(0));
  const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}

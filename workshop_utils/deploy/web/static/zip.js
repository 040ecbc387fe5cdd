/**
 * Write a zip file. Photos are compressed already, so files are stored as they are.
 *
 * PKWARE's APPNOTE.TXT, sections 4.3.7 (local header), 4.3.12 (central directory) and 4.3.16 (its end).
 */

const UTF8_NAMES = 0x0800;
const VERSION = 20;

/**
 * Return a zip file.
 *
 * @param {{name: string, data: Uint8Array}[]} files - Names with "/" between folders.
 * @param {Date} date - When the files were last changed.
 * @returns {Blob}
 */
export function zip(files, date = new Date()) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const { name, data } of files) {
    const bytes = new TextEncoder().encode(name);
    const about = [
      [2, VERSION], [2, UTF8_NAMES], [2, 0], [2, time(date)], [2, day(date)],
      [4, crc32(data)], [4, data.length], [4, data.length], [2, bytes.length], [2, 0],
    ];
    const header = record([[4, 0x04034b50], ...about]);
    parts.push(header, bytes, data);
    directory.push(record([[4, 0x02014b50], [2, VERSION], ...about, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]), bytes);
    offset += header.length + bytes.length + data.length;
  }
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  const end = [[4, 0x06054b50], [2, 0], [2, 0], [2, files.length], [2, files.length], [4, size], [4, offset], [2, 0]];
  return new Blob([...parts, ...directory, record(end)], { type: "application/zip" });
}

/** Return the bytes of numbers, each given as [how many bytes it takes, its value], the lowest byte first. */
function record(fields) {
  return Uint8Array.from(
    fields.flatMap(([size, value]) => Array.from({ length: size }, (_, place) => (value >>> (8 * place)) & 255)),
  );
}

const time = (date) => (date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1);

const day = (date) => ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate();

const CRCS = Uint32Array.from({ length: 256 }, (_, number) => {
  for (let bit = 0; bit < 8; bit++) {
    number = number & 1 ? 0xedb88320 ^ (number >>> 1) : number >>> 1;
  }
  return number;
});

function crc32(data) {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc = CRCS[(crc ^ byte) & 255] ^ (crc >>> 8);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

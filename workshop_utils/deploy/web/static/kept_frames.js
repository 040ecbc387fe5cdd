/**
 * The frames that were kept: photos with their boxes. The browser's database holds them, so that they survive when the
 * page is closed or the phone unloads it. Where there is no database, as in some private windows, they are held in
 * memory, and the page asks before it is closed.
 *
 * @typedef {{name: string, photo: Blob, width: number, height: number, objects: {name: string, box: number[]}[]}} Frame
 */

import { annotation } from "./voc.js";
import { zip } from "./zip.js";

const STORE = "frames";

/** The kept frames of one detector. Make it with `open`. */
export class KeptFrames {
  /**
   * Return the frames that were kept before.
   *
   * @param {string} name - One for each detector, because all pages of a host share their databases.
   */
  static async open(name) {
    const kept = new KeptFrames();
    try {
      kept.database = await openDatabase(name);
      kept.frames = await done(kept.database.transaction(STORE).objectStore(STORE).getAll());
    } catch {
      kept.database = null;
    }
    return kept;
  }

  constructor() {
    /** @type {Frame[]} In the order of their names, which begin with the time. */
    this.frames = [];
    this.database = null;
  }

  /** Whether closing the page would lose frames. */
  get areOnlyInMemory() {
    return this.database === null && this.frames.length > 0;
  }

  /** Keep a frame. Throws an Error if there is no room for it. */
  async add(frame) {
    if (this.database) {
      try {
        await this.change((store) => store.put(frame));
      } catch (fault) {
        throw new Error(`The frame could not be kept (${fault.message}). Download the frames and delete some.`);
      }
    }
    this.frames.push(frame);
  }

  /** Delete a frame. */
  async remove(frame) {
    if (this.database) {
      await this.change((store) => store.delete(frame.name));
    }
    this.frames = this.frames.filter((each) => each !== frame);
  }

  /** Return a zip file with images/ and annotations/ (Pascal VOC), which the workshop trains on. */
  async asZip() {
    const files = [];
    for (const { name, photo, width, height, objects } of this.frames) {
      const xml = annotation(`${name}.jpg`, { width, height }, objects);
      files.push({ name: `images/${name}.jpg`, data: new Uint8Array(await photo.arrayBuffer()) });
      files.push({ name: `annotations/${name}.xml`, data: new TextEncoder().encode(xml) });
    }
    return zip(files);
  }

  /** Change the database; return when the change is on disk. */
  change(apply) {
    const transaction = this.database.transaction(STORE, "readwrite");
    apply(transaction.objectStore(STORE));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
  }
}

function openDatabase(name) {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "name" });
  return done(request);
}

/** Return a promise of what a request to the database gives. */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("another tab blocks the database"));
  });
}

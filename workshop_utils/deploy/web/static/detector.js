/** The detector: load Google's LiteRT.js and the network, and find objects in a photo. */

import { getWebGpuDevice, loadAndCompile, loadLiteRt, Tensor } from "@litertjs/core";

import * as assets from "./assets.js";
import { decode, iou, once, suppress } from "./boxes.js";
import { INPUT_SIDE, toInput } from "./resize.js";

/** Two runtimes give the same boxes if they differ by no more than this. */
const SAME_SCORE = 0.02;
const SAME_IOU = 0.98;

/** Boxes with a lower score than this are never shown, so they may differ. */
const NEVER_SHOWN = 0.1;

/** Only numbers with SIMD: a browser that refuses these few bytes cannot run the network. */
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/**
 * Load the runtime and the network.
 *
 * @param {object} settings - What detector.json holds.
 * @returns {Promise<Detector>}
 * @throws {Error} If the browser cannot run it, or a file cannot be loaded; the message says what to do.
 */
export async function load(settings) {
  if (typeof WebAssembly !== "object" || !WebAssembly.validate(SIMD)) {
    throw new Error("This browser has no WebAssembly SIMD, which the detector needs. Use a newer browser.");
  }
  const network = assets.bytes(settings.network.file);
  const threads = await loadRuntime();
  const file = await network;
  return new Detector(settings, file, await loadAndCompile(file, { accelerator: "wasm" }), threads);
}

/** A network, ready to run. Make it with `load`. */
export class Detector {
  constructor(settings, file, network, threads) {
    this.settings = settings;
    this.file = file;
    this.network = network;
    this.runsOn = threads > 1 ? `WebAssembly, ${threads} threads` : "WebAssembly";
  }

  /**
   * Find objects in a photo.
   *
   * @param {ImageData} photo - Any size.
   * @param {number} minScore - Only higher scores count.
   * @returns {Promise<import("./boxes.js").Detection[]>} The best first.
   */
  async detect(photo, minScore) {
    const { boxes, scores } = await this.predict(this.network, toInput(photo, this.settings.shrink_to));
    return once(suppress(boxes, scores, minScore));
  }

  /** Run a network once; return {boxes, scores} before non-maximum suppression. */
  async predict(network, input) {
    const image = new Tensor(input, [1, INPUT_SIDE, INPUT_SIDE, 3]);
    const tensors = await network.run({ image });
    const found = {};
    for (const [name, tensor] of Object.entries(tensors)) {
      found[name] = await tensor.data();
      tensor.delete();
    }
    image.delete();
    return "boxes" in found ? found : decode(found.box_encodings, found.class_logits, this.settings.network.anchors);
  }

  /**
   * Run on WebGPU from now on if there is one, if it gives the same boxes on this photo, and if it is faster.
   *
   * Graphics processors compute in other precisions and some drivers compute wrongly, so the boxes are compared.
   *
   * @param {ImageData} photo - Any size.
   */
  async tryWebGpu(photo) {
    if (!getWebGpuDevice()) {
      return;
    }
    let network;
    try {
      network = await loadAndCompile(this.file, { accelerator: "webgpu", gpuOptions: { precision: "fp32" } });
      const input = toInput(photo, this.settings.shrink_to).slice(); // a copy, for other photos may follow while it waits
      const same = sameBoxes(await this.predict(this.network, input), await this.predict(network, input));
      if (same && network.isFullyAccelerated && (await this.isFaster(network, input))) {
        [this.network, network] = [network, this.network];
        this.runsOn = "WebGPU";
      }
    } catch (fault) {
      console.info(`WebGPU is not used: ${fault.message}`);
    }
    network?.delete();
  }

  async isFaster(network, input) {
    return (await this.milliseconds(network, input)) < (await this.milliseconds(this.network, input));
  }

  /** Return how long one photo takes, the least of three. */
  async milliseconds(network, input) {
    let least = Infinity;
    for (let time = 0; time < 3; time++) {
      const began = performance.now();
      await this.predict(network, input);
      least = Math.min(least, performance.now() - began);
    }
    return least;
  }
}

/** Return whether two predictions would show the same boxes, whatever the threshold. */
export function sameBoxes(one, other) {
  const classes = one.scores.length / (one.boxes.length / 4);
  return one.scores.every((score, place) => {
    const best = Math.max(score, other.scores[place]);
    if (best < NEVER_SHOWN) {
      return true;
    }
    const from = 4 * Math.floor(place / classes);
    const [mine, theirs] = [one, other].map(({ boxes }) => boxes.subarray(from, from + 4));
    return Math.abs(score - other.scores[place]) <= SAME_SCORE && iou(mine, theirs) >= SAME_IOU;
  });
}

/**
 * Load LiteRT.js, with threads where the server isolates the page and the browser has them.
 *
 * @returns {Promise<number>} The number of threads.
 */
async function loadRuntime() {
  if (assets.inOneFile) {
    self.Module = { wasmBinary: await assets.bytes("litert/litert_wasm_compat_internal.wasm") };
    const script = new Blob([await assets.bytes("litert/litert_wasm_compat_internal.js")], { type: "text/javascript" });
    await loadLiteRt(`${URL.createObjectURL(script)}#.js`);
    return 1;
  }
  if (self.crossOriginIsolated) {
    try {
      const runtime = await loadLiteRt("litert/", { threads: true });
      return runtime.liteRtWasm.getThreadCount();
    } catch (fault) {
      console.info(`Threads are not used: ${fault.message}`);
    }
  }
  await loadLiteRt("litert/");
  return 1;
}

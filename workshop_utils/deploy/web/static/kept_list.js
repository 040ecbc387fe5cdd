/** The list of kept frames on the page, with its buttons. */

import { KeptFrames } from "./kept_frames.js";

const element = (id) => document.getElementById(id);

/** Shows kept frames, deletes them, and downloads them. */
export class KeptList {
  /**
   * @param {KeptFrames} kept
   * @param {(fault: Error) => void} report - Shows what is wrong.
   */
  constructor(kept, report) {
    this.kept = kept;
    this.report = report;
    element("download").addEventListener("click", () => this.download().catch(report));
    kept.frames.forEach((frame) => this.show(frame));
    this.tell();
  }

  /** Whether closing the page would lose frames. */
  get wouldBeLost() {
    return this.kept.areOnlyInMemory;
  }

  /** Keep a frame and show it at the top of the list. */
  async add(frame) {
    await this.kept.add(frame);
    this.show(frame);
    this.tell();
  }

  show(frame) {
    const row = document.createElement("li");
    const picture = document.createElement("img");
    picture.src = URL.createObjectURL(frame.photo);
    picture.alt = "";
    const text = document.createElement("span");
    text.textContent = described(frame.objects);
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Delete";
    button.setAttribute("aria-label", `Delete ${frame.name}`);
    button.addEventListener("click", () => this.remove(frame, row).catch(this.report));
    row.append(picture, text, button);
    element("kept").prepend(row);
  }

  async remove(frame, row) {
    await this.kept.remove(frame);
    const neighbour = row.nextElementSibling ?? row.previousElementSibling;
    URL.revokeObjectURL(row.querySelector("img").src);
    row.remove();
    this.tell();
    (neighbour?.querySelector("button") ?? element("keep")).focus();
  }

  async download() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await this.kept.asZip());
    link.download = "kept_frames.zip";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  tell() {
    const count = this.kept.frames.length;
    element("kept-heading").textContent = count ? `Kept frames (${count})` : "Kept frames";
    element("none-kept").hidden = count > 0;
    element("download").disabled = count === 0;
  }
}

function described(objects) {
  const counts = new Map();
  objects.forEach(({ name }) => counts.set(name, (counts.get(name) ?? 0) + 1));
  return [...counts].map(([name, count]) => `${count} ${name}`).join(", ") || "No boxes";
}

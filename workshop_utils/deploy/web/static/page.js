/** The page: camera and photos in, boxes and counts out, frames kept to train on. */

import * as assets from "./assets.js";
import * as camera from "./camera.js";
import { CountingPanel, UNCERTAIN } from "./counting_panel.js";
import * as detector from "./detector.js";
import { KeptFrames } from "./kept_frames.js";
import { KeptList } from "./kept_list.js";
import * as photos from "./photos.js";
import { View } from "./view.js";

const element = (id) => document.getElementById(id);

/** The slider goes no lower, so no lower score is looked for. */
const LOWEST = element("threshold").min / 100;

const view = new View(element("view"));

/**
 * Everything that changes. `shown` is {photo: canvas, found: detections, mirrored, live, tracks}; `live` means that the
 * camera took it, `tracks` has the track of each place in `found`.
 */
export const state = {
  settings: null,
  labels: new Map(),
  detector: null,
  kept: null,
  counting: new CountingPanel(draw),
  stream: null,
  shown: null,
  photos: [],
  place: 0,
  task: 0,
  triedWebGpu: false,
};

main().catch(report);

async function main() {
  listen();
  state.settings = await assets.json("detector.json");
  state.labels = new Map(state.settings.labels.map((label) => [label.id, label]));
  element("source").textContent = state.settings.source;
  state.kept = new KeptList(await KeptFrames.open(`kept-frames-${state.settings.id}`), report);
  try {
    state.detector = await detector.load(state.settings);
  } catch (fault) {
    element("runtime").textContent = "The detector is not running. You can open photos and keep them without boxes.";
    throw fault;
  }
  tellRuntime();
  if (state.shown && !state.stream) {
    await analyse(state.shown.photo, false);
  }
}

function listen() {
  element("camera").addEventListener("click", () => (state.stream ? stopCamera() : startCamera()).catch(report));
  element("which").addEventListener("change", () => state.stream && startCamera().catch(report));
  element("open").addEventListener("click", () => element("files").click());
  element("files").addEventListener("change", () => openPhotos([...element("files").files]));
  element("previous").addEventListener("click", () => showPhoto(state.place - 1));
  element("next").addEventListener("click", () => showPhoto(state.place + 1));
  element("keep").addEventListener("click", () => keep().catch(report));
  element("threshold").addEventListener("input", draw);
  window.addEventListener("resize", draw);
  window.addEventListener("paste", (event) => openPhotos([...event.clipboardData.files]));
  window.addEventListener("dragover", (event) => {
    event.preventDefault();
    element("drop").classList.add("dragging");
  });
  window.addEventListener("dragleave", () => element("drop").classList.remove("dragging"));
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    element("drop").classList.remove("dragging");
    openPhotos([...event.dataTransfer.files]);
  });
  window.addEventListener("beforeunload", (event) => state.kept?.wouldBeLost && event.preventDefault());
}

// Camera

async function startCamera() {
  await stopCamera();
  report(null);
  state.stream = await camera.start(element("which").value);
  showPages([]);
  element("camera").textContent = "Stop camera";
  await listCameras();
  state.stream.getVideoTracks()[0].addEventListener("ended", () => stopCamera("The camera was disconnected."));
  await follow(state.stream);
}

async function stopCamera(reason = null) {
  if (state.stream) {
    camera.stop(state.stream);
    state.stream = null;
    state.task++;
    element("camera").textContent = "Start camera";
    element("speed").hidden = true;
    state.counting.pause();
    draw();
    report(reason && new Error(reason));
  }
}

/** Offer the cameras by name once the browser tells the names. */
async function listCameras() {
  const cameras = await camera.list();
  const current = state.stream?.getVideoTracks()[0].getSettings().deviceId;
  if (cameras.length > 0) {
    element("which").replaceChildren(...cameras.map(({ id, name }) => new Option(name, id, false, id === current)));
  }
}

/** Detect in one frame after the other until the camera stops. */
async function follow(stream) {
  const video = document.createElement("video");
  Object.assign(video, { srcObject: stream, muted: true, playsInline: true });
  await video.play();
  const canvases = [document.createElement("canvas"), document.createElement("canvas")];
  const times = [];
  while (state.stream === stream) {
    await nextFrame(video);
    if (state.stream !== stream) {
      break;
    }
    canvases.reverse(); // the other one is being shown, and may be kept
    const began = performance.now();
    photos.draw(video, video.videoWidth, video.videoHeight, canvases[0]);
    await analyse(canvases[0], camera.looksAtUser(stream), began / 1000);
    times.push(performance.now());
    tellSpeed(times, times.at(-1) - began);
  }
}

function nextFrame(video) {
  return new Promise((resolve) =>
    video.requestVideoFrameCallback ? video.requestVideoFrameCallback(resolve) : requestAnimationFrame(resolve),
  );
}

// Photos

async function openPhotos(files) {
  const opened = files.filter((file) => file.type.startsWith("image/"));
  if (opened.length > 0) {
    await stopCamera();
    showPages(opened);
    await showPhoto(0);
  }
  const other = files.find((file) => !opened.includes(file));
  if (other) {
    report(new Error(`${other.name}: is not a photo. Open a JPEG, PNG or WebP.`));
  }
  element("files").value = ""; // so that the same photo can be opened again
}

function showPages(opened) {
  state.photos = opened;
  element("pages").hidden = opened.length < 2;
}

async function showPhoto(place) {
  const file = state.photos[place];
  state.place = place;
  element("place").textContent = `${place + 1} of ${state.photos.length}: ${file.name}`;
  element("previous").disabled = place === 0;
  element("next").disabled = place === state.photos.length - 1;
  report(null);
  try {
    await analyse(await photos.read(file), false);
  } catch (fault) {
    report(new Error(`${file.name}: ${fault.message}`));
  }
}

// What is found

/**
 * Detect in a photo and show it, unless something else was opened in the meantime.
 *
 * `seconds` is when the camera took it; null for a photo that is not of the camera.
 */
async function analyse(photo, mirrored, seconds = null) {
  const task = ++state.task;
  const data = photos.pixels(photo);
  const found = state.detector ? await state.detector.detect(data, LOWEST) : [];
  if (task !== state.task) {
    return;
  }
  const live = seconds !== null;
  const tracks = live ? state.counting.follow(found, { mirrored, seconds, minScore: minScore() }) : new Map();
  state.shown = { photo, found, mirrored, live, tracks };
  element("hint").hidden = true;
  element("keep").disabled = state.kept === null;
  draw();
  if (state.detector && !state.triedWebGpu) {
    performance.mark("first detection");
    state.triedWebGpu = true;
    await state.detector.tryWebGpu(data);
    tellRuntime();
  }
}

/** Return the slider's score. */
const minScore = () => element("threshold").value / 100;

/** Return what is shown: the detections with the slider's score or more, with their names, colours and tracks. */
function visible() {
  const found = (state.shown?.found ?? []).map((each, place) => ({ ...each, track: state.shown.tracks.get(place) }));
  return found.filter(({ score }) => score >= minScore()).map((each) => ({ ...each, ...state.labels.get(each.id) }));
}

/** Return what is drawn for a detection: one in a track gets the number and the class of the track. */
function drawn({ track, ...each }) {
  return track
    ? { ...each, ...(track.isCertain ? state.labels.get(track.classId) : UNCERTAIN), number: track.id }
    : each;
}

function draw() {
  element("percent").textContent = `${element("threshold").value}%`;
  if (state.shown) {
    const found = visible();
    view.show(state.shown.photo, found.map(drawn), state.shown.mirrored);
    tellCounts(found);
  }
  state.counting.show(state.shown && { ...state.shown, running: state.stream !== null }, state.labels);
}

function tellCounts(found) {
  const counts = new Map();
  found.forEach(({ name, colour }) => counts.set(name, { colour, count: (counts.get(name)?.count ?? 0) + 1 }));
  const rows = [...counts].sort(([one], [other]) => one.localeCompare(other));
  element("counts").replaceChildren(
    ...rows.map(([name, { colour, count }]) => {
      const row = document.createElement("li");
      const swatch = document.createElement("span");
      swatch.className = "swatch";
      swatch.style.backgroundColor = colour;
      const label = document.createElement("span");
      label.textContent = name;
      const number = document.createElement("strong");
      number.textContent = count;
      row.append(swatch, label, number);
      return row;
    }),
  );
  element("nothing").hidden = rows.length > 0;
  element("nothing").textContent = state.detector ? "Nothing with this score." : "The detector is still loading.";
}

function tellSpeed(times, milliseconds) {
  while (times.at(-1) - times[0] > 2000) {
    times.shift();
  }
  const rate = times.length > 1 ? (1000 * (times.length - 1)) / (times.at(-1) - times[0]) : 0;
  element("speed").textContent = `${rate.toFixed(rate < 10 ? 1 : 0)} frames a second, ${Math.round(milliseconds)} ms each`;
  element("speed").hidden = false;
}

function tellRuntime() {
  element("runtime").textContent = `Runs in ${state.detector.runsOn}, with Google's LiteRT.js (Apache License 2.0).`;
}

async function keep() {
  const { photo } = state.shown;
  const objects = visible().map(({ name, box }) => ({ name, box }));
  const blob = await new Promise((resolve) => photo.toBlob(resolve, "image/jpeg", 0.92));
  await state.kept.add({ name: frameName(), photo: blob, width: photo.width, height: photo.height, objects });
}

/** Return a name that no other frame has and that sorts by time: frame-20261128-181530-042. */
function frameName() {
  const now = new Date();
  const local = new Date(now - 60_000 * now.getTimezoneOffset()).toISOString();
  return `frame-${local.slice(0, 23).replaceAll(/[-:]/g, "").replaceAll(/[T.]/g, "-")}`;
}

/** Show what is wrong; null takes the message away. */
function report(fault) {
  element("message").hidden = fault === null;
  element("message").textContent = fault?.message ?? "";
}

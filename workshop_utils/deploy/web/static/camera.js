/** The camera: start it, list what there is, and say in words what is wrong. */

/** Enough for the network, which sees 300 x 300 pixels, and for training on what is kept. */
const SIZE = { width: { ideal: 640 }, height: { ideal: 480 } };

const FACING = ["environment", "user"];

const REASONS = {
  NotFoundError: "No camera was found. Connect one, or open a photo.",
  NotAllowedError: "The browser may not use the camera. Allow it next to the page's address, or open a photo.",
  NotReadableError: "The camera is in use by another program. Close that program, or open a photo.",
  OverconstrainedError: "This camera is gone. Choose another one, or open a photo.",
};

/**
 * Start a camera.
 *
 * @param {string} which - "environment" (back), "user" (front), or the id of one of `list`.
 * @returns {Promise<MediaStream>}
 * @throws {Error} The message says what is wrong and what to do.
 */
export async function start(which) {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error(
      window.isSecureContext
        ? "This browser does not give pages the camera. Use another browser, or open a photo."
        : "Browsers give the camera only to pages whose address begins with https:// or http://localhost. Serve the page that way, or open a photo.",
    );
  }
  const chosen = FACING.includes(which) ? { facingMode: { ideal: which } } : { deviceId: { exact: which } };
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { ...chosen, ...SIZE }, audio: false });
  } catch (fault) {
    throw new Error(REASONS[fault.name] ?? `The camera does not start (${fault.message}). Open a photo.`);
  }
}

/** Return the cameras as [{id, name}]. Browsers tell their names only after one was allowed. */
export async function list() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  const cameras = devices.filter(({ kind, deviceId, label }) => kind === "videoinput" && deviceId && label);
  return cameras.map(({ deviceId, label }) => ({ id: deviceId, name: label }));
}

/** Return whether a camera looks at its user, so that its picture is shown as a mirror would. */
export function looksAtUser(stream) {
  return stream.getVideoTracks()[0].getSettings().facingMode === "user";
}

/** Stop a camera; its light goes off. */
export function stop(stream) {
  stream.getTracks().forEach((track) => track.stop());
}

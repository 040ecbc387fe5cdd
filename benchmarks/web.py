"""Measure how long a frame takes on the page and in LiteRT itself, and how soon the first detection appears.

    python benchmarks/web.py RUN [OPTION OF CHROMIUM ...]

Headless Chromium, WebAssembly with one thread, a camera of 640x480 pixels; from pixels to boxes, everything included.
`native` is the same with LiteRT in Python, with one thread. The networks are COCO's, and RUN's in float32 and int8.
Prints one line of JSON; for each network: median milliseconds of a frame on the page (`page`) and in Python (`native`),
those of running the network alone (`page_network`, `native_network`), the seconds from opening the page to the first
detection (`first`), and the megabytes loaded until then (`megabytes`).
"""

import io
import json
import pathlib
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

from ai_edge_litert.interpreter import Interpreter
from PIL import Image
from playwright.sync_api import sync_playwright

from workshop_utils.core import settings
from workshop_utils.data import photos
from workshop_utils.deploy.formats import opening
from workshop_utils.deploy.web import networks, page_folder, server

FRAMES = 30
CAMERA = (640, 480)

TIME = """async (frames) => {
    const [{ state }, photos] = await Promise.all([import("./page.js"), import("./photos.js")]);
    const [whole, network] = [[], []];
    const timed = async (times, run) => {
        const began = performance.now();
        const result = await run();
        times.push(performance.now() - began);
        return result;
    };
    const original = state.detector.network;
    state.detector.network = { run: (inputs) => timed(network, () => original.run(inputs)) };
    for (let frame = 0; frame < frames; frame++) {
        await timed(whole, () => state.detector.detect(photos.pixels(state.shown.photo), 0.1));
    }
    return [whole, network].map((times) => times.sort((one, other) => one - other)[Math.floor(frames / 2)]);
}"""

LOADED = """() => {
    const first = performance.getEntriesByName("first detection")[0]?.startTime;
    const loaded = [...performance.getEntriesByType("resource"), ...performance.getEntriesByType("navigation")];
    return first && [first / 1000, loaded.reduce((sum, each) => sum + each.transferSize, 0) / 1e6];
}"""


def main() -> None:
    run, *options = sys.argv[1:]
    wanted = {"coco": ("coco", False), "float32": (run, False), "int8": (run, True)}
    server.HEADERS.pop("Cross-Origin-Embedder-Policy")  # as from a static host: without it, browsers allow no threads
    result = {}
    for name, (source, int8) in wanted.items():
        network = networks.open_network(source, int8)
        with tempfile.TemporaryDirectory() as scratch:
            page_folder.write(network, pathlib.Path(scratch, "page"))
            figures = measure(pathlib.Path(scratch, "page"), film(scratch), options) | native(network.data)
        result |= {f"{name}_{what}": figure for what, figure in figures.items()}
    print(json.dumps(result))


def film(folder: str) -> pathlib.Path:
    """Write what the camera sees, and return its path."""
    stream = io.BytesIO()
    frame().save(stream, "JPEG", quality=95)
    path = pathlib.Path(folder, "film.mjpeg")
    path.write_bytes(stream.getvalue() * 30)
    return path


def frame() -> Image.Image:
    return photos.read(settings.YOGHURT / "images" / "0001.jpg").resize(CAMERA)


def measure(folder: pathlib.Path, camera: pathlib.Path, more: list[str]) -> dict[str, float]:
    """Open the page in Chromium with `more` options, start its camera at once, and return its figures."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome") or sys.exit("There is no Chromium to measure.")
    options = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with server.serving(folder, port=0) as served, sync_playwright() as playwright:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(
            executable_path=chromium, args=[*options, *more, f"--use-file-for-fake-video-capture={camera}"]
        )
        page = browser.new_page()
        page.goto(served.address)
        page.get_by_role("button", name="Start camera").click()
        while (loaded := page.evaluate(LOADED)) is None:
            time.sleep(0.02)
        page.get_by_role("button", name="Stop camera").click()
        whole, network = page.evaluate(TIME, FRAMES)
        browser.close()
        served.shutdown()
    return {"page": whole, "page_network": network, "first": loaded[0], "megabytes": loaded[1]}


def native(data: bytes) -> dict[str, float]:
    """Return the milliseconds of a frame in Python, from pixels to boxes, and those of the network alone."""
    interpreter = Interpreter(model_content=data, num_threads=1)
    signature = interpreter.get_signature_runner()
    whole, network = [], []
    detect = opening.open_network(lambda image: timed(network, lambda: signature(image=image)))
    picture = frame()
    for _ in range(FRAMES):
        timed(whole, lambda: detect.run(photos.shrink(picture), 0.1))
    return {"native": statistics.median(whole), "native_network": statistics.median(network)}


def timed(times: list[float], run: Callable[[], Any]) -> Any:
    """Return what `run` returns, and append how many milliseconds it took to `times`."""
    began = time.perf_counter()
    result = run()
    times.append(1000 * (time.perf_counter() - began))
    return result


if __name__ == "__main__":
    main()

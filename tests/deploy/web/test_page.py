"""The page in a real browser: Chromium, with a film as its camera, used as you would use it."""

import base64
import contextlib
import functools
import http.server
import json
import os
import pathlib
import shutil
import tempfile
import threading
import zipfile

import accessibility
import av
import numpy as np
import pytest
from film_clips import mjpeg
from PIL import Image

from workshop_utils.core import settings
from workshop_utils.data import geometry, inspection, photos, voc
from workshop_utils.deploy import annotate, runtime
from workshop_utils.deploy.formats import litert, opening
from workshop_utils.deploy.video import counting, film_truth, tracking, tracking_scores
from workshop_utils.deploy.web import networks, notebook, page_folder, server
from workshop_utils.model import anchors, detection, nms, preprocessing

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MUST = "WORKSHOP_BROWSER"
"""If this environment variable is set, as in .ci/run, a missing browser is a failure."""

if CHROMIUM is None and not os.environ.get(MUST):
    pytest.skip("there is no Chromium; on Debian: apt-get install chromium", allow_module_level=True)

SECOND = 1000
SIZES = ((512, 384), (640, 480), (1600, 1200), (300, 300), (333, 777), (200, 150), (1023, 681))
"""Widths and heights of the photos on which the page is compared with `detect`."""
NOT_SECURE = "workshop.test"
"""A name of this machine that the browser does not take for it."""
HOSTILE = """<img src=x onerror="document.title = 'run'"></script><script>document.title = 'run'</script> &amp; ]]>"""


@pytest.fixture(scope="module")
def network() -> networks.Network:
    return networks.open_network("coco")


@pytest.fixture(scope="module")
def exported(network, tmp_path_factory):
    """The same network as `export` leaves it."""
    folder = tmp_path_factory.mktemp("export")
    (folder / "detector.tflite").write_bytes(network.data)
    shutil.copy(settings.PROJECT / "workshop_utils/data/coco_label_map.pbtxt", folder / "label_map.pbtxt")
    return folder


@pytest.fixture(scope="module")
def twenty(tmp_path_factory):
    """Twenty photos of several sizes and formats."""
    folder = tmp_path_factory.mktemp("photos")
    for number, path in enumerate(photos.find(settings.YOGHURT / "images")[:20]):
        suffix = (".jpg", ".jpg", ".jpg", ".png", ".webp")[number % 5]
        Image.open(path).resize(SIZES[number % len(SIZES)]).save(folder / f"{path.stem}{suffix}", quality=95)
    return photos.find(folder)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Two photos in turns, a second each, on which COCO's detector finds different things."""
    photos = (Image.open(settings.YOGHURT / "images" / name).resize((640, 480)) for name in ("0007.jpg", "0011.jpg"))
    return mjpeg(tmp_path_factory.mktemp("film") / "film.mjpeg", photos, repeat=30)


@contextlib.contextmanager
def served(folder):
    with server.serving(folder, port=0) as page:
        threading.Thread(target=page.serve_forever, daemon=True).start()
        yield page
        page.shutdown()


@pytest.fixture(scope="module")
def address(network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    page_folder.write(network, folder)
    with served(folder) as page:
        yield page.address


@pytest.fixture(scope="module")
def chromium(film):
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, f"{MUST} is set, so there must be a Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = launched(playwright.chromium, film)
        yield browser
        browser.close()


def launched(chromium, film):
    """Start Chromium with a film as its camera."""
    options = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    options += [f"--use-file-for-fake-video-capture={film}", f"--host-resolver-rules=MAP {NOT_SECURE} 127.0.0.1"]
    return chromium.launch(executable_path=CHROMIUM, args=options)


def opened(chromium, address: str, *scripts: str, **options):
    """Open the page in a fresh profile with these options, after running these scripts in it."""
    page = chromium.new_context(**{"viewport": {"width": 1000, "height": 900}} | options).new_page()
    page.set_default_timeout(60 * SECOND)
    page.faults, page.requests = [], []
    page.on("pageerror", lambda fault: page.faults.append(str(fault)))
    page.on("console", lambda said: page.faults.extend([said.text] if "Content Security Policy" in said.text else []))
    page.on("request", lambda request: page.requests.append(request.url))
    for script in scripts:
        page.add_init_script(script)
    page.goto(address)
    return page


def ready(page):
    """Return the page once its detector is loaded."""
    page.locator("#runtime").get_by_text("LiteRT.js").wait_for()
    return page


@pytest.fixture(scope="module")
def shared(chromium, address):
    """One page with its detector loaded, for all tests that leave it usable."""
    page = ready(opened(chromium, address))
    yield page
    assert page.faults == []
    page.context.close()


@pytest.fixture
def page(shared):
    """The shared page, without camera, counting and kept frames, at the default threshold."""
    if shared.get_by_role("button", name="Stop camera").is_visible():
        shared.get_by_role("button", name="Stop camera").click()
    for _ in shared.get_by_role("button", name="Delete frame").all():
        shared.get_by_role("button", name="Delete frame").first.click()
    shared.locator("#threshold").fill("40")
    shared.locator("#counting").set_checked(False)
    return shared


def open_photos(page, *paths) -> None:
    """Open photos and wait until the first is analysed."""
    page.evaluate(SHOW_NOTHING)
    page.set_input_files("#files", paths)
    wait_until(page, "async () => (await import('./page.js')).state.shown !== null")


SHOW_NOTHING = "async () => { (await import('./page.js')).state.shown = null; }"


def wait_until(page, condition: str) -> None:
    """Wait until a function in the page returns true. Playwright's own would need `eval`, which the page forbids."""
    for _ in range(600):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never true: {condition}")


DETECT = """async ([encoded, minScore, folder]) => {
    const [{ state }, photos] = await Promise.all([import(`${folder}/page.js`), import(`${folder}/photos.js`)]);
    const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
    const photo = photos.pixels(await photos.read(new Blob([bytes])));
    return state.detector.detect(photo, minScore);
}"""


def found_by_page(page, path, min_score: float, folder: str = ".") -> list[tuple[list[float], int, float]]:
    """Return (box, class id, score) of what the page's detector finds on a photo."""
    found = page.evaluate(DETECT, [base64.b64encode(path.read_bytes()).decode(), min_score, folder])
    return [(each["box"], each["id"], each["score"]) for each in found]


def found_by_detect(detector, path, min_score: float) -> list[tuple[list[float], int, float]]:
    """Return the same of what `detect` finds."""
    ids = {name: identity for identity, name in detector.label_map.items()}
    with tempfile.TemporaryDirectory() as scratch:
        (report,) = annotate.annotate(detector, [path], pathlib.Path(scratch), min_score)
    return list(zip(report.boxes.tolist(), map(ids.__getitem__, report.names), report.scores, strict=True))


def without_partner(one: list, other: list, least: float, slack: float = 0.02) -> list:
    """Return what in `one` scores at least `least` and has no partner in `other`: the same class, nearly the same
    score, nearly the same box. What scores within `slack` of `least` needs none."""
    return [
        (box, identity, score)
        for box, identity, score in one
        if score >= least + slack
        and not any(
            identity == their_identity
            and abs(score - their_score) <= slack
            and geometry.iou(np.array([box]), np.array([their_box]))[0, 0] >= 0.98
            for their_box, their_identity, their_score in other
        )
    ]


# The same boxes as in Python


def test_on_twenty_photos_the_page_finds_exactly_what_detect_finds(shared, exported, twenty):
    detector = runtime.open_detector(exported)
    assert len({Image.open(path).size for path in twenty}) == len(SIZES)
    count = 0
    for path in twenty:
        ours, pages = found_by_detect(detector, path, 0.28), found_by_page(shared, path, 0.28)
        assert without_partner(ours, pages, 0.3) == [], f"{path}: the page does not find these"
        assert without_partner(pages, ours, 0.3) == [], f"{path}: only the page finds these"
        count += sum(score >= 0.32 for _, _, score in ours)
    assert count >= 20


IN_PAGE = """async ([module, name, ...values]) => {
    const array = (value) => value.floats ? Float32Array.from(value.floats) : value;
    const result = (await import(module))[name](...values.map(array));
    return JSON.parse(JSON.stringify(result, (_, value) => ArrayBuffer.isView(value) ? [...value] : value));
}"""


def pixels(image: np.ndarray) -> dict:
    """Return an RGB image as the page's functions take it."""
    height, width = image.shape[:2]
    opaque = np.concatenate([image, np.full((height, width, 1), 255, np.uint8)], axis=-1)
    return {"data": base64.b64encode(opaque.tobytes()).decode(), "width": width, "height": height}


RESIZE = """async ([image, name, ...values]) => {
    const data = Uint8Array.from(atob(image.data), (letter) => letter.charCodeAt(0));
    const result = (await import("./resize.js"))[name]({ ...image, data }, ...values);
    return [...(result.data ?? result)];
}"""


def resized_by_page(page, image: np.ndarray, name: str, *values) -> np.ndarray:
    """Return what a function of resize.js makes of an RGB image."""
    return np.array(page.evaluate(RESIZE, [pixels(image), name, *values]))


NOISE = np.random.default_rng(7)


@pytest.mark.parametrize("size", [(120, 90), (1, 2), (300, 300), (40, 350), (400, 350), (640, 480), (1400, 90)])
def test_the_page_resizes_to_the_same_pixels(shared, size):
    image = NOISE.integers(0, 256, (*size[::-1], 3), np.uint8)
    resized = resized_by_page(shared, image, "toInput", photos.WORKING_SIDE).reshape(300, 300, 3)
    wanted = preprocessing.resize(photos.shrink(Image.fromarray(image)))
    np.testing.assert_array_equal(resized, wanted)


def test_photos_of_several_sizes_in_turns_are_resized_to_the_same_pixels(shared):
    for size in [(13, 20), (20, 13), (13, 21), (14, 20), (20, 20), (21, 13)] * 2:
        image = NOISE.integers(0, 256, (*size[::-1], 3), np.uint8)
        resized = resized_by_page(shared, image, "antialiased", 9, 9).reshape(9, 9, 4)
        wanted = np.asarray(Image.fromarray(image).resize((9, 9), Image.Resampling.BILINEAR))
        np.testing.assert_array_equal(resized[..., :3], wanted)


def test_the_page_shrinks_large_photos_to_the_same_pixels(shared):
    image = NOISE.integers(0, 256, (90, 111, 3), np.uint8)
    shrunk = resized_by_page(shared, image, "antialiased", 64, 52).reshape(52, 64, 4)
    wanted = np.asarray(Image.fromarray(image).resize((64, 52), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(shrunk[..., :3], wanted)


def floats(array: np.ndarray) -> dict:
    return {"floats": array.ravel().tolist()}


def test_the_page_decodes_the_outputs_of_the_int8_network(shared):
    encodings, logits = NOISE.normal(0, 2, (1917, 4)), NOISE.normal(-3, 2, (1917, 6))
    wanted_boxes, wanted_scores = opening._decoded(encodings, logits)
    arguments = ["./boxes.js", "decode", floats(encodings), floats(logits), anchors.anchors().tolist()]
    decoded = shared.evaluate(IN_PAGE, arguments)
    np.testing.assert_allclose(np.reshape(decoded["boxes"], (1917, 4)), wanted_boxes, atol=1e-5)
    np.testing.assert_allclose(np.reshape(decoded["scores"], (1917, 5)), wanted_scores, atol=1e-5)


def test_the_page_suppresses_the_same_boxes(shared):
    corners, sizes = NOISE.uniform(0, 0.3, (400, 2)), NOISE.uniform(0.2, 0.5, (400, 2))
    boxes = np.concatenate([corners, corners + sizes], axis=-1).astype(np.float32)
    scores = NOISE.uniform(0, 1, (400, 3)).astype(np.float32)
    wanted, classes, best = nms.suppress(boxes, scores, 0.3, detection.NMS_IOU, detection.MAX_DETECTIONS)
    found = shared.evaluate(IN_PAGE, ["./boxes.js", "suppress", floats(boxes), floats(scores), 0.3])
    assert 20 < len(found) == (best > 0).sum()
    np.testing.assert_array_equal([each["id"] for each in found], classes[: len(found)])
    np.testing.assert_allclose([each["box"] for each in found], wanted[: len(found)], atol=1e-6)
    singles = shared.evaluate(IN_PAGE, ["./boxes.js", "once", found])
    _, _, kept = nms.suppress(wanted, best[:, None], 0.0, detection.NMS_IOU, detection.MAX_DETECTIONS)
    np.testing.assert_allclose([each["score"] for each in singles], kept[kept > 0], atol=1e-6)


def test_two_runtimes_agree_only_if_no_visible_box_differs(shared):
    boxes, scores = np.array([[0.1, 0.1, 0.5, 0.5], [0.2, 0.2, 0.8, 0.8]]), np.array([[0.6], [0.01]])

    def are_same(other_boxes, other_scores) -> bool:
        one = {"boxes": floats(boxes), "scores": floats(scores)}
        other = {"boxes": floats(other_boxes), "scores": floats(other_scores)}
        return shared.evaluate(SAME_BOXES, [one, other])

    assert are_same(boxes, scores)
    assert are_same(boxes + np.array([[0, 0, 0.001, 0.001], [0.3, 0.3, 0, 0]]), scores + np.array([[0.01], [0.04]]))
    assert not are_same(boxes + np.array([[0, 0, 0.05, 0.05], [0, 0, 0, 0]]), scores)
    assert not are_same(boxes, scores - np.array([[0.05], [0]]))
    assert not are_same(boxes, scores + np.array([[0], [0.3]]))


SAME_BOXES = """async (both) => {
    const arrays = both.map(({ boxes, scores }) => (
        { boxes: Float32Array.from(boxes.floats), scores: Float32Array.from(scores.floats) }));
    return (await import("./detector.js")).sameBoxes(...arrays);
}"""


WEBGPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--use-vulkan=swiftshader"]
"""Chromium's graphics processor in software, slow and the same everywhere."""

TRY_WEBGPU = """async (wrong) => {
    const [{ state }, photos] = await Promise.all([import("./page.js"), import("./photos.js")]);
    const { detector } = state;
    const { predict } = Object.getPrototypeOf(detector);
    detector.isFaster = async () => true;
    detector.predict = async (network, input) => {
        const found = await predict.call(detector, wrong ? detector.network : network, input);
        return network === detector.network || !wrong ? found
            : { ...found, scores: found.scores.map((score) => score / 2) };
    };
    await detector.tryWebGpu(photos.pixels(state.shown.photo));
    return detector.runsOn;
}"""


def test_the_page_runs_on_webgpu_if_that_finds_the_same(chromium, address, twenty):
    browser = chromium.browser_type.launch(executable_path=CHROMIUM, args=["--no-sandbox", *WEBGPU])
    page = ready(opened(browser, address))
    assert page.evaluate("async () => (await navigator.gpu.requestAdapter()).info.vendor"), "there is an adapter"
    page.evaluate("async () => { (await import('./page.js')).state.triedWebGpu = true; }")
    open_photos(page, twenty[6])
    assert page.evaluate(TRY_WEBGPU, True).startswith("WebAssembly")
    assert page.evaluate(TRY_WEBGPU, False) == "WebGPU"
    browser.close()


# The same counts as in Python

COUNT = """async ([line, frames]) => {
    const [{ Tracker }, { Counter, CountingLine }] = [await import("./tracking.js"), await import("./counting.js")];
    const [tracker, counter] = [new Tracker(0.4), new Counter(new CountingLine(...line))];
    frames.forEach(([seconds, found]) => counter.update(seconds === null ? found : tracker.update(found, seconds)));
    return [counter.line.directions, [...counter.counts()]];
}"""
"""Count at a line, from frames of (seconds, detections), or of (null, tracks)."""


def counted_by_page(page, line: counting.CountingLine, frames: list) -> dict[int, dict[str, int]]:
    """Return what the page counts, in the form of `Counter.counts`."""
    directions, counts = page.evaluate(COUNT, [[line.x1, line.y1, line.x2, line.y2], frames])
    return {class_id: dict(zip(directions, numbers, strict=True)) for class_id, numbers in sorted(counts)}


def detections(boxes, classes, scores) -> list[dict]:
    rows = zip(np.asarray(boxes).tolist(), map(int, classes), map(float, scores), strict=True)
    return [{"box": box, "id": class_id, "score": score} for box, class_id, score in rows]


def by_id(crossed: dict[tuple[str, str], int], flavours: list[str]) -> dict[tuple[int, str], int]:
    return {(flavours.index(flavour) + 1, way): number for (flavour, way), number in crossed.items()}


def without_zeros(counts: dict[int, dict[str, int]]) -> dict[tuple[int, str], int]:
    return {(class_id, way): number for class_id, ways in counts.items() for way, number in ways.items() if number}


FILMS = ("known_line", "new_line", "crowded")


@pytest.fixture(scope="module")
def films() -> dict[str, film_truth.FilmTruth]:
    return {name: film_truth.read(settings.DATA / "films" / f"{name}.json") for name in FILMS}


@pytest.mark.parametrize("late", [1, 2, 4], ids=["15", "7.5", "3.75"])
@pytest.mark.parametrize("name", FILMS)
def test_from_the_true_boxes_of_a_film_the_page_counts_what_really_crossed(shared, films, name, late):
    """After a second, there are only 15 / late frames per second."""
    film = films[name]
    flavours = sorted({flavour for flavour, _ in film.crossed})
    frames = []
    for number, frame in enumerate(film.frames):
        if number > film.fps and number % late:
            continue
        scores = np.where(frame.visible >= tracking_scores.LEAST_VISIBLE, 0.9, 0.2)
        classes = [flavours.index(each) + 1 for each in frame.flavours]
        frames.append((number / film.fps, detections(frame.boxes, classes, scores)))
    assert without_zeros(counted_by_page(shared, film.line, frames)) == by_id(film.crossed, flavours)


def imperfect(film: film_truth.FilmTruth, rng: np.random.Generator) -> list[tuple]:
    """Return (boxes, class ids, scores) for each frame, as a detector finds them that misses one cup in ten, mistakes
    the flavour of one in ten, has low scores for one in five, and finds one box in each third frame where no cup is."""
    flavours = sorted({flavour for flavour, _ in film.crossed})
    found = []
    for frame in film.frames:
        kept = rng.random(len(frame.boxes)) < np.where(frame.visible >= tracking_scores.LEAST_VISIBLE, 0.9, 0.3)
        boxes = frame.boxes[kept] + rng.normal(0, 0.006, (kept.sum(), 4))
        classes = [flavours.index(each) + 1 for each, keep in zip(frame.flavours, kept, strict=True) if keep]
        wrong = rng.random(len(boxes)) < 0.1
        classes = np.where(wrong, rng.integers(1, 6, len(boxes)), classes)
        scores = rng.uniform(0.5, 1, len(boxes)) * np.where(rng.random(len(boxes)) < 0.2, 0.4, 1)
        if rng.random() < 1 / 3:
            corner = rng.uniform(0, 0.8, 2)
            boxes = np.concatenate([boxes, [[*corner, *(corner + 0.18)]]])
            classes, scores = np.append(classes, rng.integers(1, 6)), np.append(scores, rng.uniform(0.1, 0.7))
        found.append((boxes, classes, scores))
    return found


# The most in which the page differed from ByteTrack in 12 tries with other random numbers.
@pytest.mark.parametrize(("name", "most"), [("known_line", 0), ("new_line", 2), ("crowded", 3)])
def test_with_an_imperfect_detector_the_page_counts_nearly_as_detect_does(shared, films, name, most):
    film, seen = films[name], imperfect(films[name], np.random.default_rng(3))
    tracker, counter = tracking.Tracker(film.fps, 0.4), counting.Counter(film.line)
    for number, (boxes, classes, scores) in enumerate(seen):
        counter.update(tracker.update(boxes, scores, classes, number / film.fps))
    ours = without_zeros(counter.counts())
    pages = without_zeros(
        counted_by_page(shared, film.line, [(n / film.fps, detections(*each)) for n, each in enumerate(seen)])
    )
    assert sum(ours.values()) >= 24
    assert sum(abs(ours.get(key, 0) - pages.get(key, 0)) for key in ours.keys() | pages.keys()) <= most


def test_objects_on_different_ways_are_counted_in_both_directions(shared):
    """Four move right, and a new one may still move left."""
    frames = []
    for number in range(15):
        places = [(row, 0.06 * number) for row in range(4)] + [(4, 1.1 - 0.06 * number)] * (number > 4)
        boxes = [(0.2 * row, x - 0.05, 0.2 * row + 0.15, x + 0.05) for row, x in places]
        frames.append((number / 5, detections(boxes, [1] * len(boxes), [0.9] * len(boxes))))
    counts = counted_by_page(shared, counting.CountingLine(0.5, 0, 0.5, 1), frames)
    assert counts == {1: {"right": 4, "left": 1}}


MOVING = [((0.3 + 0.01 * n, 0.8 - 0.02 * n), (0.9, 0.8), (1, 2)) for n in range(10)]
SEEN, LOW, HIDDEN = ((0.3,), (0.9,), (1,)), ((0.3,), (0.2,), (1,)), ((), (), ())
OTHER = ((0.3,), (0.9,), (2,))
SCENES = {
    "two objects move": MOVING,
    "and are found in another order": [frame if n % 2 else tuple(part[::-1] for part in frame)
                                       for n, frame in enumerate(MOVING)],
    "low scores continue a track": [SEEN] * 4 + [LOW] * 4 + [SEEN],
    "and start none": [LOW] * 5,
    "a short gap": [SEEN] * 5 + [HIDDEN] * 5 + [SEEN] * 5,
    "a long gap": [SEEN] * 5 + [HIDDEN] * 40 + [SEEN] * 5,
    "one frame only": [SEEN, HIDDEN, SEEN, SEEN, SEEN, SEEN],
    "most votes decide": [SEEN, SEEN, OTHER, SEEN, SEEN, SEEN],
    "undecided": [SEEN, OTHER] * 5,
    "mostly low scores": [SEEN] + [LOW] * 20,
}  # fmt: skip
TRACK = """async (frames) => {
    const tracker = new (await import("./tracking.js")).Tracker(0.4);
    return frames.map((found, number) => tracker.update(found, number / 15)
        .map(({ id, classId, isCertain, detection }) => [id, classId, isCertain, detection]));
}"""


@pytest.mark.parametrize("scene", SCENES)
def test_the_page_follows_objects_as_detect_does(shared, scene):
    tracker, ours, frames = tracking.Tracker(15, 0.4), [], []
    for xmins, scores, classes in SCENES[scene]:
        boxes = np.array([(0.4, xmin, 0.7, xmin + 0.15) for xmin in xmins]).reshape(-1, 4)
        tracks = tracker.update(boxes, np.array(scores), np.array(classes, int))
        ours.append([[track.id, track.class_id, track.is_certain, track.detection] for track in tracks])
        frames.append(detections(boxes, classes, scores))
    assert shared.evaluate(TRACK, frames) == ours


def test_the_page_counts_any_tracks_as_detect_does(shared):
    rng = np.random.default_rng(11)
    constants = ("LOWEST_SCORE", "SECONDS_LOST", "MIN_SHARE", "MIN_VOTES", "MIN_MEAN")
    pages = shared.evaluate("async () => ({ ...(await import('./tracking.js')) })")
    assert {name: pages[name] for name in constants} == {name: getattr(tracking, name) for name in constants}
    crossings = 0
    for _ in range(40):
        line, frames = counting.CountingLine(*rng.choice(np.linspace(0, 1, 11), 4).tolist()), []
        places = rng.choice(np.linspace(0.1, 0.9, 9), (6, 2))
        for number in range(12):
            places = np.clip(places + rng.choice([-0.2, -0.1, 0, 0.1, 0.2], places.shape), 0.1, 0.9)
            frames.append([
                tracking.Track(place + 1, np.array([y - 0.1, x - 0.1, y + 0.1, x + 0.1]), 0.9, int(rng.integers(1, 4)),
                               bool(rng.random() < 0.7), place, rng.uniform(0, 0.5, 4) if number == 0 else None)
                for place, (x, y) in enumerate(places) if rng.random() < 0.8
            ])  # fmt: skip
        counter = counting.Counter(line)
        for frame in frames:
            counter.update(frame)
        as_page = [[None, [as_tracks(each) for each in frame]] for frame in frames]
        assert counted_by_page(shared, line, as_page) == counter.counts()
        crossings += sum(without_zeros(counter.counts()).values())
    assert crossings > 100


def as_tracks(track: tracking.Track) -> dict:
    started = None if track.started is None else track.started.tolist()
    found = {"id": track.id, "box": track.box.tolist(), "started": started}
    return found | {"classId": track.class_id, "isCertain": track.is_certain}


# What you do with it


def said(page) -> str:
    return page.locator("#view").get_attribute("aria-label")


def counts(page) -> dict[str, int]:
    rows = (row.split("\n") for row in page.locator("#counts li").all_inner_texts())
    return {name: int(number) for name, number in rows}


def test_boxes_appear_and_follow_the_camera(page):
    page.get_by_role("button", name="Start camera").click()
    seen = set()
    for _ in range(200):
        seen |= {name for name in ("cup", "bottle") if name in said(page)}
        if len(seen) == 2:
            break
        page.wait_for_timeout(100)
    assert seen == {"cup", "bottle"}, "the film shows the one and the other in turns"
    assert "frames a second" in page.locator("#speed").inner_text()
    page.get_by_role("button", name="Stop camera").click()
    stopped = said(page)
    page.wait_for_timeout(1500)
    assert said(page) == stopped and page.locator("#speed").is_hidden()


def test_the_slider_changes_what_is_shown_and_counted(page, twenty):
    open_photos(page, twenty[19])
    slider = page.get_by_role("slider", name="Score at least")
    seen = []
    for key in ("Home", "End"):
        slider.press(key)
        seen.append((sum(counts(page).values()), said(page), page.locator("#percent").inner_text()))
    assert seen[0][0] > seen[1][0] == 0
    assert said(page) == "Picture without boxes"
    assert [percent for _, _, percent in seen] == ["10%", "95%"]


def test_photos_are_dropped_and_pasted_and_opened_several_at_a_time(page, twenty):
    for event in ("drop", "paste"):
        page.evaluate(SHOW_NOTHING)
        page.evaluate(BRING, [event, base64.b64encode(twenty[6].read_bytes()).decode()])
        wait_until(page, "async () => (await import('./page.js')).state.shown !== null")
        assert "cup" in said(page)
    open_photos(page, *twenty[10:13])
    assert page.locator("#place").inner_text().startswith("1 of 3")
    before = said(page)
    page.get_by_role("button", name="Next photo").click()
    page.get_by_text("2 of 3").wait_for()
    wait_until(page, f"() => document.getElementById('view').ariaLabel !== {json.dumps(before)}")


BRING = """([kind, encoded]) => {
    const brought = new DataTransfer();
    const bytes = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
    brought.items.add(new File([bytes], "photo.jpg", { type: "image/jpeg" }));
    window.dispatchEvent(kind === "drop" ? new DragEvent(kind, { dataTransfer: brought, cancelable: true })
        : new ClipboardEvent(kind, { clipboardData: brought }));
}"""


def download(page, folder):
    """Download the kept frames and unpack them into a folder."""
    with page.expect_download() as started:
        page.get_by_role("button", name="Download as zip").click()
    with zipfile.ZipFile(started.value.path()) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    return folder


def test_kept_frames_are_a_data_set_that_check_finds_nothing_wrong_with(page, twenty, tmp_path):
    keep = page.get_by_role("button", name="Keep this frame")
    for path in (twenty[19], twenty[10], twenty[6]):
        open_photos(page, path)
        keep.click()
        page.wait_for_timeout(100)
    page.get_by_role("heading", name="Kept frames (3)").wait_for()
    page.get_by_role("button", name="Delete frame").last.click()  # the oldest is the last in the list
    page.get_by_role("heading", name="Kept frames (2)").wait_for()
    shown = page.evaluate("async () => (await import('./page.js')).state.shown.found")

    folder = download(page, tmp_path / "kept")
    checked = inspection.inspect(folder)
    assert [str(each) for each in checked.findings] == []
    assert len(checked.usable) == 2
    newest = voc.read(sorted((folder / "annotations").iterdir())[-1])
    photo = Image.open(folder / "images" / newest.filename)
    assert photo.size == (newest.width, newest.height) == Image.open(twenty[6]).size
    visible = [each for each in shown if each["score"] >= 0.4]
    assert len(newest.boxes) == len(visible) > 0
    for box, each in zip(newest.boxes, visible, strict=True):
        edges = np.array([box.ymin, box.xmin, box.ymax, box.xmax])
        scale = np.array([newest.height, newest.width] * 2)
        np.testing.assert_allclose(edges, np.array(each["box"]) * scale, atol=1.01)


def test_kept_frames_are_still_there_when_the_page_is_opened_again(chromium, address, twenty):
    page = opened(chromium, address)
    open_photos(page, twenty[0])
    page.get_by_role("button", name="Keep this frame").click()
    page.get_by_role("heading", name="Kept frames (1)").wait_for()
    page.reload()
    page.get_by_role("heading", name="Kept frames (1)").wait_for()
    page.context.close()


@pytest.fixture(scope="module")
def belt(chromium, address, tmp_path_factory):
    """The page in a browser whose camera films the belt of known_line."""
    with av.open(str(settings.DATA / "films" / "known_line.mp4")) as film:
        frames = (frame.to_image() for frame in film.decode(video=0))
        path = mjpeg(tmp_path_factory.mktemp("belt") / "belt.mjpeg", frames, repeat=2)
    browser = launched(chromium.browser_type, path)
    page = ready(opened(browser, address))
    yield page
    assert page.faults == []
    browser.close()


def totals(page) -> list[int]:
    """Return how many crossed the line, in both directions."""
    return [int(text) for text in page.locator("#counted tfoot td").all_inner_texts()]


TOTAL = "() => Number(document.getElementById('total-0').textContent)"


def test_what_crosses_the_line_is_counted_live(belt):
    switch = belt.get_by_role("switch", name="Count at a line")
    switch.check()
    assert belt.locator("#line").is_hidden() and "camera" in belt.locator("#count-note").inner_text()
    belt.get_by_role("button", name="Start camera").click()
    wait_until(belt, f"() => ({TOTAL})() >= 1")
    before = totals(belt)[0]
    wait_until(belt, f"() => ({TOTAL})() > {before}")
    belt.get_by_role("button", name="Stop camera").click()
    assert totals(belt)[0] > before and belt.locator("#line").is_visible()
    assert belt.locator("thead th").all_inner_texts() == ["Class", "right →", "left ←"]
    assert belt.locator("#way-0").text_content() == f"right {totals(belt)[0]} →"
    for width, scheme in ((360, "dark"), (1600, "light")):
        check_fit(belt, width, scheme)
    belt.get_by_role("button", name="Reset counts").press("Enter")
    assert totals(belt) == [0, 0] and belt.locator("#crossings tr").count() == 0
    switch.uncheck()
    assert belt.locator("#line").is_hidden() and belt.locator("#counted").is_hidden()


@pytest.fixture
def live(page, twenty):
    """The shared page as if a photo came from its camera, with the line in the middle."""
    open_photos(page, twenty[6])
    page.locator("#counting").check()
    page.evaluate("""async () => {
        const { state } = await import("./page.js");
        state.shown.live = true;
        for (const [id, y] of [["end-1", 0.1], ["end-2", 0.9]]) {
            state.counting.move(id, 0.5, y);
        }
        state.counting.pause();
    }""")
    return page


FOLLOW = """async ([xs, mirrored, start]) => {
    const { state } = await import("./page.js");
    xs.forEach((x, number) => state.counting.follow([{ box: [0.4, x - 0.1, 0.6, x + 0.1], id: 47, score: 0.9 }],
        { mirrored, seconds: start + number / 10, minScore: 0.4 }));
    const tracks = state.counting.tracker.given;
    state.counting.redraw();
    return tracks;
}"""


def test_the_arrow_keys_move_the_line_and_its_counts_start_again(live):
    live.evaluate(FOLLOW, [[0.35 + 0.05 * number for number in range(8)], False, 0])
    live.locator("h1").click()  # so that Tab begins at the top
    live.keyboard.press("Tab")
    assert focused(live) == "end-1" and totals(live) == [1, 0]
    live.keyboard.press("Shift+ArrowLeft")
    live.keyboard.press("ArrowDown")
    end = live.get_by_role("slider", name="First end of the line")
    assert end.get_attribute("aria-valuetext") == "40% from the left, 11% from the top"
    assert totals(live) == [0, 0], "counts belong to a line"
    live.keyboard.press("Tab")
    assert focused(live) == "end-2"
    for _ in range(6):
        live.keyboard.press("Shift+ArrowUp")
    assert live.locator("thead th").all_inner_texts() == ["Class", "right →", "left ←"]
    live.keyboard.press("Shift+ArrowUp")
    assert live.locator("thead th").all_inner_texts() == ["Class", "down ↓", "up ↑"]


def test_a_mirrored_camera_counts_the_directions_that_you_see(live):
    xs = [0.35 + 0.05 * number for number in range(8)]
    live.evaluate(FOLLOW, [xs, False, 0])
    assert totals(live) == [1, 0]
    live.evaluate("async () => (await import('./page.js')).state.counting.pause()")
    live.evaluate(FOLLOW, [xs, True, 1])
    assert totals(live) == [1, 1]
    assert live.locator("#crossings th").all_inner_texts() == ["cup"]


def test_a_line_that_is_moved_over_an_object_does_not_count_it(live):
    tracks = live.evaluate(FOLLOW, [[0.4] * 5, False, 0])
    for end in ("end-1", "end-2"):
        box = live.locator(f"#{end}").bounding_box()
        live.mouse.move(box["x"] + box["width"] / 2 + 5, box["y"] + box["height"] / 2 + 5)
        live.mouse.down()
        live.mouse.move(box["x"] - 150, box["y"] + 30)
        live.mouse.up()
    ends = [live.locator(f"#{end}").get_attribute("aria-valuenow") for end in ("end-1", "end-2")]
    assert [int(end) < 35 for end in ends] == [True, True]
    assert live.evaluate(FOLLOW, [[0.4] * 5, False, 0.5]) == tracks and totals(live) == [0, 0]
    live.evaluate(FOLLOW, [[0.35, 0.3, 0.25, 0.2, 0.15, 0.1], False, 1])
    assert totals(live) == [0, 1], "it is still the same track"


def test_a_photo_is_not_counted_and_the_page_says_why(page, twenty):
    page.locator("#counting").check()
    open_photos(page, twenty[6])
    assert page.locator("#line").is_hidden() and page.locator("#count-note").inner_text().startswith("A photo")
    assert page.evaluate("async () => (await import('./page.js')).state.counting.tracker.followed.length") == 0


PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}

TWO_CAMERAS = """
const { mediaDevices } = navigator;
const original = mediaDevices.getUserMedia.bind(mediaDevices);
self.asked = [];
mediaDevices.getUserMedia = async ({ video }) => {
    self.asked.push(video.facingMode?.ideal ?? video.deviceId.exact);
    const stream = await original({ video: true });
    const front = ["user", "front"].includes(self.asked.at(-1));
    const [facingMode, deviceId] = front ? ["user", "front"] : ["environment", "back"];
    stream.getVideoTracks()[0].getSettings = () => ({ facingMode, deviceId });
    return stream;
};
mediaDevices.enumerateDevices = async () => ["back", "front"].map((deviceId) => (
    { kind: "videoinput", deviceId, label: `the ${deviceId} one` }));
"""


def drag_with_finger(page, selector: str, right: int, down: int) -> None:
    """Drag an element with a finger, as far as the browser does not take it for scrolling."""
    finger = page.context.new_cdp_session(page)  # Playwright itself can only tap
    box = page.locator(selector).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for kind, part in (("touchStart", 0), ("touchMove", 0.5), ("touchMove", 1)):
        points = [{"x": x + part * right, "y": y + part * down}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_on_a_phone_you_switch_cameras_and_keep_frames_with_your_finger(chromium, address):
    page = ready(opened(chromium, address, TWO_CAMERAS, **PHONE))
    mirrored = "async () => (await import('./page.js')).state.shown?.mirrored"
    page.get_by_role("button", name="Start camera").tap()
    wait_until(page, f"async () => (await ({mirrored})()) === false")
    choice = page.get_by_role("combobox", name="Camera")
    assert choice.locator("option").all_inner_texts() == ["the back one", "the front one"]
    choice.select_option("the front one")
    wait_until(page, f"async () => (await ({mirrored})()) === true")
    assert page.evaluate("() => self.asked") == ["environment", "front"]
    page.get_by_role("button", name="Stop camera").tap()
    choice.select_option("the back one")
    assert page.evaluate("() => self.asked.length") == 2, "a stopped camera stays off"

    page.get_by_role("switch", name="Count at a line").tap()
    page.locator("#end-2").scroll_into_view_if_needed()
    before = page.locator("#end-2").bounding_box()
    drag_with_finger(page, "#end-2", 60, -40)
    page.wait_for_timeout(200)  # the browser reports moves once a frame
    after = page.locator("#end-2").bounding_box()
    assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx((60, -40), abs=2)

    page.get_by_role("button", name="Keep this frame").tap()
    page.get_by_role("button", name="Delete frame").tap()
    page.get_by_role("heading", name="Kept frames", exact=True).wait_for()
    slider = page.locator("#threshold").bounding_box()
    page.touchscreen.tap(slider["x"] + 0.9 * slider["width"], slider["y"] + slider["height"] / 2)
    assert int(page.locator("#percent").inner_text().rstrip("%")) > 80
    assert page.faults == []
    page.context.close()


def test_the_page_may_use_the_camera_inside_a_notebook(chromium, address, tmp_path):
    (tmp_path / "index.html").write_text(notebook._frame(address))
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as lab:
        threading.Thread(target=lab.serve_forever, daemon=True).start()
        page = opened(chromium, f"http://127.0.0.1:{lab.server_port}/")
        inside = page.frame_locator("iframe")
        inside.get_by_role("button", name="Start camera").click()
        inside.locator("#counts li").first.wait_for()
        page.context.close()
        lab.shutdown()


def focused(page) -> str:
    return page.evaluate("() => document.activeElement.id || document.activeElement.ariaLabel")


def test_the_keyboard_reaches_and_works_everything(page, twenty):
    open_photos(page, twenty[19], twenty[6])
    page.locator("h1").click()  # so that Tab begins at the top
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(focused(page))
    assert reached == ["camera", "which", "open", "keep", "next", "threshold", "counting"]
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    assert focused(page) == "reset"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Shift+Tab")
    before = sum(counts(page).values())
    page.keyboard.press("Home")
    assert sum(counts(page).values()) > before
    for _ in range(2):
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Kept frames (1)").wait_for()
    for _ in range(4):
        page.keyboard.press("Tab")
    assert focused(page).startswith("Delete frame-")
    page.keyboard.press("Tab")
    assert focused(page) == "download"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    page.get_by_role("heading", name="Kept frames", exact=True).wait_for()
    assert focused(page) == "keep"


# How it looks


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1600])
def test_the_page_fits_and_everyone_can_use_it(page, twenty, width, scheme):
    open_photos(page, twenty[19], twenty[6])
    page.get_by_role("button", name="Keep this frame").click()
    page.get_by_role("heading", name="Kept frames (1)").wait_for()
    page.locator("#counting").check()
    check_fit(page, width, scheme)


def check_fit(page, width: int, scheme: str) -> None:
    """Check that a page of this width and colour scheme shows all controls, and that axe-core finds no fault."""
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    for control in page.locator(CONTROLS).all():
        box = control.bounding_box()
        assert box["height"] >= 44 and box["x"] >= 0 and box["x"] + box["width"] <= width, control.inner_text()
    assert accessibility.serious_faults(page) == []


CONTROLS = "button:visible, select:visible, input[type=range], .switch, .end:visible"


# What can go wrong


def refusing(name: str) -> str:
    return f"""navigator.mediaDevices.getUserMedia =
        async () => {{ throw new DOMException("no", "{name}"); }};"""


@pytest.mark.parametrize(
    ("fault", "part"), [("NotAllowedError", "Allow it"), ("NotFoundError", "No camera"), ("NotReadableError", "in use")]
)
def test_a_camera_that_does_not_start_is_explained_and_photos_still_work(page, twenty, fault, part):
    page.evaluate(f"() => {{ window.original = navigator.mediaDevices.getUserMedia; {refusing(fault)} }}")
    page.get_by_role("button", name="Start camera").click()
    page.get_by_role("alert").get_by_text(part).wait_for()
    page.evaluate("() => { navigator.mediaDevices.getUserMedia = window.original; }")
    assert page.get_by_role("button", name="Start camera").is_visible()
    open_photos(page, twenty[6])
    assert "cup" in said(page) and page.get_by_role("alert").count() == 0


def test_a_page_without_https_says_so(chromium, address):
    page = opened(chromium, address.replace("127.0.0.1", NOT_SECURE))
    page.get_by_role("button", name="Start camera").click()
    page.get_by_role("alert").get_by_text("https://").wait_for()
    page.context.close()


def test_a_browser_without_simd_still_opens_and_keeps_photos(chromium, address, twenty):
    page = opened(chromium, address, "WebAssembly.validate = () => false;")
    page.get_by_role("alert").get_by_text("SIMD").wait_for()
    open_photos(page, twenty[6])
    page.get_by_role("button", name="Keep this frame").click()
    page.get_by_text("No boxes").wait_for()
    page.context.close()


def test_a_file_that_is_not_a_photo_is_named(page, tmp_path):
    broken, text = tmp_path / "broken.jpg", tmp_path / "notes.txt"
    broken.write_bytes(b"\xff\xd8\xff no photo")
    text.write_text("no photo")
    for path in (broken, text):
        page.set_input_files("#files", path)
        page.get_by_role("alert").get_by_text(path.name).wait_for()


def test_the_page_loads_nothing_from_elsewhere(shared, address):
    assert len(shared.requests) > 10
    assert [url for url in shared.requests if not url.startswith((address, "blob:", "data:"))] == []


@pytest.fixture(scope="module")
def hostile(network, tmp_path_factory):
    """The page of a detector whose cup has a name that is HTML and script, as one file."""
    names = {identity: HOSTILE if name == "cup" else name for identity, name in network.label_map.items()}
    path = tmp_path_factory.mktemp("single") / "page.html"
    return page_folder.write_single(networks.Network(HOSTILE, network.data, names, network.decodes), path)


def test_a_single_file_works_from_disk_and_shows_labels_as_text(chromium, hostile, exported, twenty, tmp_path):
    page = ready(opened(chromium, hostile.as_uri()))
    page.set_input_files("#files", twenty[6])
    page.locator("#counts").get_by_text(HOSTILE).wait_for()
    page.get_by_role("switch", name="Count at a line").check()
    assert page.locator("#counted").is_visible()
    assert HOSTILE in page.locator("#source").inner_text() and page.title() == "Live detector"
    assert page.locator("#counts *, #source *").count() == 4 * page.locator("#counts li").count(), "no other element"
    page.get_by_role("button", name="Keep this frame").click()
    page.get_by_role("heading", name="Kept frames (1)").wait_for()
    folder = download(page, tmp_path / "kept")
    assert [str(each) for each in inspection.inspect(folder).findings] == []
    (annotation,) = (folder / "annotations").iterdir()
    assert {box.name for box in voc.read(annotation).boxes} == {HOSTILE}
    ours = found_by_detect(runtime.open_detector(exported), twenty[6], 0.28)
    pages = found_by_page(page, twenty[6], 0.28, folder="page")
    assert without_partner(ours, pages, 0.3) == without_partner(pages, ours, 0.3) == []
    assert page.faults == [] and {url.partition(":")[0] for url in page.requests} <= {"file", "data", "blob"}
    page.context.close()


@pytest.mark.long  # short: what the page makes of int8 outputs, and of a float32 network, has tests above
def test_an_int8_network_finds_on_the_page_what_it_finds_here(chromium, coco, twenty, tmp_path):
    calibration = [preprocessing.resize(photos.shrink(photos.read(path))) for path in twenty[:4]]
    litert.write_int8(coco, tmp_path / "detector_int8.tflite", calibration)
    shutil.copy(settings.PROJECT / "workshop_utils/data/coco_label_map.pbtxt", tmp_path / "label_map.pbtxt")
    detector = runtime.open_detector(tmp_path / "detector_int8.tflite")
    page_folder.write(networks.open_network(tmp_path, int8=True), tmp_path / "page")
    with served(tmp_path / "page") as page_server:
        page = ready(opened(chromium, page_server.address))
        count = 0
        for path in twenty[6:20:3]:
            ours, pages = found_by_detect(detector, path, 0.28), found_by_page(page, path, 0.28)
            assert without_partner(ours, pages, 0.3) == without_partner(pages, ours, 0.3) == []
            count += len(ours)
        assert count > 3
        page.context.close()

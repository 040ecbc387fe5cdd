"""The widgets in a real browser: JupyterLab as `make lab` starts it, used with mouse and keyboard.

If JupyterLab opens a dialog on its own, for example about news, it covers the notebook and all tests here fail.
"""

import contextlib
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import symtable
import sys
import time
import urllib.request

import numpy as np
import pytest
from PIL import Image

from workshop_utils.core import settings
from workshop_utils.data import voc
from workshop_utils.data.voc import Box
from workshop_utils.widgets import canvas

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MUST = "WORKSHOP_BROWSER"
"""If this environment variable is set, as in .ci/run, a missing browser is a failure."""

if CHROMIUM is None and not os.environ.get(MUST):
    pytest.skip("there is no Chromium; on Debian: apt-get install chromium", allow_module_level=True)

TOKEN = "only-for-this-test"
SECOND = 1000
IDLE = ".jp-NotebookPanel-toolbar [data-status=idle]"
NOTEBOOKS = settings.PROJECT / "notebooks"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of the opened notebooks and of the server's own files."""
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def lab(folder):
    """JupyterLab in that folder, with the options of `make lab`; its address."""
    recipe = re.search(r"^lab:.*\n((?:\t.*\n)+)", (settings.PROJECT / "Makefile").read_text(), re.MULTILINE)[1]
    options = [word for word in shlex.split(recipe) if word.startswith(("--LabApp.", "--ServerApp."))]
    assert options, "the recipe of make lab has changed: adapt how its options are read"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", *options]
    command += [f"--port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}"]
    command += [f"--ServerApp.root_dir={folder}"]
    with open(folder / "lab.log", "w") as log:
        server = subprocess.Popen(command, cwd=folder, env=os.environ | _own(folder), stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/status?token={TOKEN}", server, folder / "lab.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=30)


def _own(folder) -> dict[str, str]:
    """Return an environment in which JupyterLab does not read or write your own settings."""
    home = folder / ".jupyter"
    own = {f"JUPYTER_{name}_DIR": str(home / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    own |= {f"JUPYTERLAB_{name}_DIR": str(home / name) for name in ("SETTINGS", "WORKSPACES")}
    return own | {"WORKSHOP_RECIPE": "quick", "JUPYTER_CONFIG_PATH": str(settings.PROJECT / "tools" / "jupyter")}


def _wait_for(url: str, server, log) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url):
            return
        time.sleep(0.2)
    pytest.fail(f"JupyterLab does not start:\n{log.read_text()[-3000:]}")


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, f"{MUST} is set, so there must be a Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def run(folder, lab, browser, request):
    """Open a notebook with these code cells, run them all, and return the page. Its last state is saved."""
    pages = []

    def opened(name: str, sources: list[str]):
        notebook = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))
        blank = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
        cells = [blank | {"id": f"cell-{place}", "source": source} for place, source in enumerate(sources)]
        (folder / f"{name}.ipynb").write_text(json.dumps(notebook | {"cells": cells}), encoding="utf-8")
        page = browser.new_page(viewport={"width": 1400, "height": 1300})
        pages.append(page)
        page.set_default_timeout(90 * SECOND)  # training or importing TensorFlow takes long
        page.goto(f"{lab}/lab/tree/{name}.ipynb?reset&token={TOKEN}")
        page.locator(IDLE).wait_for()
        _wait_for_kernel(f"{lab}/api/sessions?token={TOKEN}", f"{name}.ipynb")
        _run_all(page)
        return page

    yield opened
    for page in pages:
        page.screenshot(path=folder / f"{request.node.name}.png")
        page.close()


def _wait_for_kernel(url: str, notebook: str) -> None:
    """Wait until a notebook's kernel is connected. Cells that run earlier ask for a kernel or are lost."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with urllib.request.urlopen(url) as answer:
            kernels = [each["kernel"] for each in json.loads(answer.read()) if each["path"] == notebook]
        if any(each["connections"] and each["execution_state"] == "idle" for each in kernels):
            return
        time.sleep(0.2)
    pytest.fail(f"{notebook} has no kernel")


def _run_all(page) -> None:
    """Run all cells, and again if a kernel that has just started ignores the first attempt."""
    from playwright.sync_api import TimeoutError

    for _ in range(5):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        with contextlib.suppress(TimeoutError):
            page.locator(".jp-InputArea-prompt", has_text=re.compile(r"\[(\*|\d+)\]")).first.wait_for(
                timeout=5 * SECOND
            )
            return
    pytest.fail("Run All Cells runs no cell")


def code_of(name: str) -> list[str]:
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code" and cell["id"] != "colab"]


def needed_for(sources: list[str], target: int) -> list[str]:
    """Return cell number `target`, and the cells before it that define the names it uses."""
    wanted, kept = set(), []
    for source in reversed(sources[: target + 1]):
        table = symtable.symtable(source, "cell", "exec")
        made = {each.get_name() for each in table.get_symbols() if each.is_assigned() or each.is_imported()}
        if not kept or made & wanted:
            kept.insert(0, source)
            wanted |= _used(table)
    return kept


def _used(table) -> set[str]:
    """Return the names that a cell or its functions read from the notebook."""
    whole = table.get_type() == "module"
    names = {each.get_name() for each in table.get_symbols() if each.is_referenced() and (whole or each.is_global())}
    return names.union(*map(_used, table.get_children()))


@pytest.fixture
def labeller(run, tmp_path):
    """Notebook 02's labelling widget, labelling into `tmp_path`: the page, and the photo on it."""
    sources = code_of("02_label_images")
    shown = next(place for place, source in enumerate(sources) if "labeler.Labeler(" in source)
    redirect = (
        f"import pathlib\nfrom workshop_utils.core import settings\nsettings.RUNS = pathlib.Path({str(tmp_path)!r})"
    )
    page = run("02_label_images", [redirect, *sources[: shown + 1]])
    photo = page.get_by_alt_text(canvas.ALT)
    photo.scroll_into_view_if_needed()
    page.wait_for_function("photo => photo.naturalWidth > 0", arg=photo.element_handle())
    return page, photo


def saved(tmp_path, stem: str) -> tuple[Box, ...]:
    """Wait for a photo's XML and return its boxes."""
    xml = tmp_path / "labelling" / "annotations" / f"{stem}.xml"
    end = time.monotonic() + 20
    while not xml.exists() and time.monotonic() < end:
        time.sleep(0.05)
    return voc.read(xml).boxes


def test_one_box_is_drawn_with_the_mouse_and_another_with_the_keyboard_only(labeller, tmp_path):
    page, photo = labeller
    cells = page.locator(".jp-CodeCell").count()
    draw(page, photo, Box("blueberry", 200, 150, 300, 250))
    page.get_by_text("Box 1 of 1").wait_for()
    page.keyboard.press("Delete")
    page.get_by_text("No boxes").wait_for()
    page.locator(".class-label", has_text="peach").click()
    draw(page, photo, Box("peach", 110, 150, 190, 250))
    page.get_by_text("Box 1 of 1").wait_for()
    page.wait_for_function("field => field.value == 250", arg=page.get_by_label("ymax").element_handle())
    drawn = [int(page.get_by_label(edge).input_value()) for edge in EDGES]
    assert all(abs(edge - meant) <= 1 for edge, meant in zip(drawn, (110, 150, 190, 250), strict=True)), drawn

    page.keyboard.press("Escape")
    reach(page, "Add box", backwards=True)
    page.keyboard.press("Space")
    page.get_by_text("Box 2 of 2").wait_for()
    page.wait_for_function("field => field.value == 192", arg=page.get_by_label("xmin").element_handle())
    reached = []
    for text in [None, None, None, "vanilla", "301", "42", "377", "260", None]:
        page.keyboard.press("Tab")
        reached.append(focused(page))
        if text:
            page.keyboard.type(text)
    page.keyboard.press("Space")

    assert reached == ["Delete box", "Previous box", "Next box", "class", *EDGES, "Submit"]
    assert saved(tmp_path, "0001") == (Box("peach", *drawn), Box("vanilla", 301, 42, 377, 260))
    page.get_by_text("Wrote 0001.xml: 2 boxes.").wait_for()
    page.get_by_text("Photo 2 of 12").wait_for()
    assert page.locator(".jp-CodeCell").count() == cells, "JupyterLab treated a letter as a command"

    reach(page, "Propose boxes")
    page.keyboard.press("Tab")
    assert not page.locator(".workshop-keys :focus").count(), "Tab must not stop at the photo"


EDGES = ["xmin", "ymin", "xmax", "ymax"]


def draw(page, photo, box: Box) -> None:
    """Drag the mouse from a corner of a box to the opposite one; its edges are pixels of the photo, 512 wide."""
    frame = photo.bounding_box()
    scale = frame["width"] / 512
    corners = [
        (frame["x"] + x * scale, frame["y"] + y * scale) for x, y in ((box.xmin, box.ymin), (box.xmax, box.ymax))
    ]
    page.mouse.move(*corners[0])
    page.mouse.down()
    page.mouse.move(*corners[1], steps=5)
    page.mouse.up()


def focused(page) -> str:
    """Return the text of the focused element."""
    return page.evaluate("""() => {
        const element = document.activeElement;
        return (element.labels?.length ? element.labels[0] : element).textContent.trim();
    }""")


def reach(page, name: str, backwards: bool = False) -> None:
    """Press Tab until an element with this name has the focus."""
    for _ in range(40):
        if focused(page) == name:
            return
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
    pytest.fail(f"Tab does not reach '{name}'")


def test_an_upload_above_the_servers_default_limit_arrives_complete(run, tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (1400, 1400, 3), np.uint8)
    brought = [tmp_path / f"IMG_{number}.png" for number in (1, 2)]
    for path in brought:
        Image.fromarray(noise).save(path)
    assert sum(path.stat().st_size for path in brought) > 11_000_000
    upload = f"from workshop_utils.widgets import uploads\nuploads.PhotoUpload({str(tmp_path / 'mine')!r})"
    page = run("10_your_own_data", [upload])
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload photos").click()
    chooser.value.set_files(brought)
    page.get_by_text("IMG_2.png: taken").wait_for()
    page.get_by_text("2 photos are in").wait_for()
    assert [(tmp_path / "mine" / path.name).read_bytes() == path.read_bytes() for path in brought] == [True, True]


HANDLE = ".noUi-handle, .ui-slider-handle"
"""The handle of a slider, in ipywidgets 8 and 7."""
HASTY = (
    "from workshop_utils.teaching import activations\n"
    "activations.Ascent.climb.__defaults__ = (2, 0)  # two steps do here"
)
SLIDERS = [
    ("01_why_transfer_learning", HASTY, r"^explorer\.\w+\(", ["channel"]),
    ("09_detect_and_classify", "", r"^ipywidgets\.VBox\(", ["photo", "threshold"]),
]
"""The notebooks with sliders: code that speeds them up, the cell that shows them, and their descriptions."""


@pytest.mark.parametrize(("name", "first", "shown", "descriptions"), SLIDERS, ids=["01", "09"])
def test_moving_a_slider_changes_the_picture(run, name, first, shown, descriptions):
    sources = code_of(name)
    target = max(place for place, source in enumerate(sources) if re.search(shown, source, re.MULTILINE))
    page = run(name, [first, *needed_for(sources, target)])
    page.locator(".widget-slider").first.wait_for(timeout=200 * SECOND)
    for description in descriptions:
        slider = page.locator(".widget-slider", has=page.get_by_text(description, exact=True)).locator(HANDLE)
        slider.scroll_into_view_if_needed()
        seen = []
        for key in ("Home", "End", "Home"):
            slider.press(key)
            page.wait_for_timeout(SECOND // 2)
            page.locator(IDLE).wait_for()
            page.wait_for_timeout(SECOND // 2)
            seen.append(picture(page))
        assert seen[0] != seen[1] and seen[1] != seen[2], f"the slider '{description}' changes nothing"


def picture(page) -> str:
    """Return the content of the first picture among the widgets, as text."""
    return page.locator(".jupyter-widgets img").first.evaluate("""async image => {
        const file = await (await fetch(image.src)).arrayBuffer();
        return new Uint8Array(file).join();
    }""")

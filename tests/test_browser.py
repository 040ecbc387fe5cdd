"""The widgets in a real browser: JupyterLab as `make lab` starts it, used as a person uses it."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from workshop_utils import settings, voc

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MUST = "WORKSHOP_BROWSER"
"""Where this environment variable is set, as in .ci/run, a missing browser is a failure."""

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get(MUST), reason="there is no Chromium; on Debian: apt-get install chromium"
)

TOKEN = "only-for-this-test"
SECOND = 1000


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the workshop in which notebooks may run: what they write is written there."""
    folder = tmp_path_factory.mktemp("workshop")
    shutil.copytree(settings.PROJECT / "workshop_utils", folder / "workshop_utils")
    (folder / "data").symlink_to(settings.DATA)
    (folder / "notebooks").mkdir()
    (folder / "runs").mkdir()
    return folder


@pytest.fixture(scope="module")
def lab(project):
    """JupyterLab in that folder, with the options of `make lab`; its address."""
    recipe = re.search(r"^lab:.*\n((?:\t.*\n)+)", (settings.PROJECT / "Makefile").read_text(), re.MULTILINE)[1]
    options = re.findall(r"--(?:LabApp|ServerApp)\.\S+=(?:'[^']*'|\S+)", recipe)
    assert options, "make lab is written in a new way: read its options anew"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={project}"]
    command += [option.replace("'", "") for option in options]
    own = {f"JUPYTER_{name}_DIR": str(project / ".jupyter" / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    own |= {f"JUPYTERLAB_{name}_DIR": str(project / ".jupyter" / name) for name in ("SETTINGS", "WORKSPACES")}
    environment = os.environ | own | {"PYTHONPATH": str(project), "WORKSHOP_RECIPE": "quick"}
    with open(project / "lab.log", "w") as log:
        server = subprocess.Popen(command, cwd=project, env=environment, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api/status?token={TOKEN}", server, project / "lab.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=30)


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
def run(project, lab, browser):
    """Open a notebook made of some cells of one of ours, run all of it, and return the browser's page."""
    pages = []

    def opened(name: str, cells: list[dict]):
        notebook = json.loads((settings.PROJECT / "notebooks" / name).read_text(encoding="utf-8"))
        (project / "notebooks" / name).write_text(json.dumps(notebook | {"cells": cells}), encoding="utf-8")
        page = browser.new_page(viewport={"width": 1300, "height": 1300})
        pages.append(page)
        page.set_default_timeout(60 * SECOND)
        page.goto(f"{lab}/lab/tree/notebooks/{name}?reset&token={TOKEN}")
        page.locator(".jp-NotebookPanel-toolbar [data-status=idle]").wait_for()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        return page

    yield opened
    for page in pages:
        page.close()


def cells_of(name: str) -> list[dict]:
    return json.loads((settings.PROJECT / "notebooks" / name).read_text(encoding="utf-8"))["cells"]


def up_to(cells: list[dict], code: str) -> list[dict]:
    """Return the cells down to the one that holds this code."""
    return cells[: 1 + next(place for place, cell in enumerate(cells) if code in "".join(cell["source"]))]


def test_look(run, project):
    page = run("02_label_images.ipynb", up_to(cells_of("02_label_images.ipynb"), "labeling.Labeler("))
    time.sleep(25)
    page.screenshot(path="/tmp/shot0.png")
    page.get_by_role("button", name="Submit").wait_for(timeout=5000)
    page.get_by_role("button", name="Submit").scroll_into_view_if_needed()
    time.sleep(2)
    page.screenshot(path="/tmp/shot1.png")

"""JupyterLab as `make lab` starts it, and notebooks opened in it with Chromium."""

import contextlib
import json
import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator

import pytest

from workshop_utils.core import settings

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MUST = "WORKSHOP_BROWSER"
"""If this environment variable is set, as in .ci/run, a missing browser is a failure."""

TOKEN = "only-for-this-test"
SECOND = 1000
"""Playwright counts in milliseconds."""
IDLE = ".jp-NotebookPanel-toolbar [data-status=idle]"
NOTEBOOKS = settings.PROJECT / "notebooks"
SCREEN = {"width": 1366, "height": 650}
"""What a laptop's browser shows of a page, in pixels."""


def require() -> None:
    """Skip the test module if there is no Chromium, unless one has to be there."""
    if CHROMIUM is None and not os.environ.get(MUST):
        pytest.skip("there is no Chromium; on Debian: apt-get install chromium", allow_module_level=True)


@contextlib.contextmanager
def chromium() -> Iterator:
    """Start a headless Chromium and yield it."""
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, f"{MUST} is set, so there must be a Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextlib.contextmanager
def jupyterlab(folder: pathlib.Path) -> Iterator[str]:
    """Start JupyterLab in a folder, with the options of `make lab`, and yield its address."""
    recipe = re.search(r"^lab:.*\n((?:\t.*\n)+)", (settings.PROJECT / "Makefile").read_text(), re.MULTILINE)[1]
    options = [word for word in shlex.split(recipe) if word.startswith(("--LabApp.", "--ServerApp."))]
    assert options, "the recipe of make lab has changed: read its options here in the new way"
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


def open_notebook(page, lab: str, folder: pathlib.Path, name: str, sources: list[str]) -> None:
    """Open a notebook of this name that consists of these code cells, and run them all."""
    notebook = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))
    blank = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    cells = [blank | {"id": f"cell-{place}", "source": source} for place, source in enumerate(sources)]
    (folder / f"{name}.ipynb").write_text(json.dumps(notebook | {"cells": cells}), encoding="utf-8")
    page.set_default_timeout(90 * SECOND)  # training and loading TensorFlow take time
    page.goto(f"{lab}/lab/tree/{name}.ipynb?reset&token={TOKEN}")
    page.locator(IDLE).wait_for()
    _wait_for_kernel(f"{lab}/api/sessions?token={TOKEN}", f"{name}.ipynb")
    run_all(page)


def _wait_for_kernel(url: str, notebook: str) -> None:
    """Return when a notebook's kernel listens to the page: JupyterLab drops cells that are run before."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with urllib.request.urlopen(url) as answer:
            kernels = [each["kernel"] for each in json.loads(answer.read()) if each["path"] == notebook]
        if any(each["connections"] and each["execution_state"] == "idle" for each in kernels):
            return
        time.sleep(0.2)
    pytest.fail(f"{notebook} has no kernel")


def run_all(page) -> None:
    """Run all cells; a kernel that has just started may drop the first attempt, so try again."""
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

"""`make lab` starts JupyterLab for every user, and nothing opens without the token."""

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest
from conftest import free_ports

from workshop_utils.core import settings

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")

INSTALLED = ("--old-file=.venv/installed", "--old-file=data/pretrained/ssdlite_mobilenet_v2_coco.weights.h5")
"""Options that stop make from installing: this Python has everything."""
TOKEN = "only-for-this-test"


def would_do(*variables: str) -> list[str]:
    """Return the shell commands that `make lab` would run."""
    command = ["make", "--no-print-directory", "--dry-run", *INSTALLED, "lab", *variables]
    return subprocess.run(command, cwd=settings.PROJECT, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize(("user", "lines"), [("0", 2), ("1000", 1), ("", 1)])
def test_only_root_gets_the_flag_that_root_needs_and_a_line_about_it(user, lines):
    said = would_do(f"USER_ID={user}")
    assert len(said) == lines
    assert ["--allow-root" in line for line in said] == [user == "0"] * lines


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no root")
def test_make_detects_root():
    assert ("--allow-root" in would_do()[-1]) == (os.geteuid() == 0)


@pytest.fixture
def lab(tmp_path):
    """The port of JupyterLab as `make lab` starts it, for the user who runs the tests."""
    (port,) = free_ports(1)
    options = f"ARGS=--no-browser --port={port} --ServerApp.port_retries=0"
    command = ["make", *INSTALLED, "lab", f"PY={sys.executable}", options]
    kept = {"JUPYTER_TOKEN": TOKEN, "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"), "HOME": str(tmp_path)}
    with open(tmp_path / "log", "w") as log:
        process = subprocess.Popen(
            command, cwd=settings.PROJECT, env=os.environ | kept, stdout=log, stderr=log, start_new_session=True
        )
    try:
        end = time.monotonic() + 60
        while f"http://127.0.0.1:{port}/lab" not in (tmp_path / "log").read_text():
            assert process.poll() is None and time.monotonic() < end, (tmp_path / "log").read_text()
            time.sleep(0.1)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=60)


def status(port: int, path: str) -> int:
    """Return the HTTP status of a page, without following redirects."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    return connection.getresponse().status


@pytest.mark.skipif(sys.platform == "win32", reason="make lab needs a shell")
def test_jupyterlab_starts_and_answers_only_this_machine_and_only_with_its_token(lab):
    assert status(lab, f"/lab?token={TOKEN}") == 200
    assert status(lab, "/lab") == 302, "a redirect to the page that asks for the token"
    assert status(lab, "/api/contents") == 403
    with pytest.raises(OSError):  # another address of this machine, where only a server for all addresses answers
        socket.create_connection(("127.0.0.2", lab), timeout=5)

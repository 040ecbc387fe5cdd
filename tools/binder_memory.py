"""Measure the memory that JupyterLab and one notebook need together: `make test-binder`. Binder has 2 GB.

    python tools/binder_memory.py            # all notebooks
    python tools/binder_memory.py 04 06      # only notebooks with these words in their names
    python tools/binder_memory.py missing    # list notebooks that were not measured yet, or changed since

Starts JupyterLab as Binder does, with `start`, from an environment with the packages of environment.yml. Runs each
notebook through the server as a browser would: cell by cell over the websocket, then saves it. Each has a new kernel
and finds no trained runs. While it runs, a thread adds up the memory of the server and all its children as proportional
set size, which counts shared pages once. Writes the peaks to tests/outcomes/binder.json, or to binder-RECIPE.json if
WORKSHOP_RECIPE names another recipe than `quick`.
"""

import asyncio
import contextlib
import dataclasses
import json
import os
import pathlib
import queue
import re
import secrets
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from typing import Any, cast

import nbformat
import psutil
import yaml
from tornado.ioloop import IOLoop
from tornado.websocket import websocket_connect
from trial import FOLDER, LONGEST, Attempt, Trial, environment_of, list_missing, run

from workshop_utils.core import settings
from workshop_utils.core.errors import WorkshopError

MOST = 1.9e9
"""Bytes that JupyterLab and one kernel may use together."""
EVERY = 0.2
"""Seconds between two samples of the memory."""
WITHOUT = ("11_scale_out",)
"""Its two workers and its kernel need more memory than Binder has, as the notebook says."""


class BinderError(WorkshopError, RuntimeError):
    """A notebook that failed to run through the server. The message says what happened."""


def main(*parts: str) -> int:
    trial = as_on_binder()
    return list_missing([trial]) if parts == ("missing",) else run(trial, try_on_binder, parts)


def as_on_binder() -> Trial:
    """Return the trial of the packages in environment.yml, at the recipe in WORKSHOP_RECIPE."""
    recipe = os.environ.get("WORKSHOP_RECIPE") or "quick"
    *conda, pip = yaml.safe_load((settings.PROJECT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    (python,) = [each.removeprefix("python=") for each in conda if each.startswith("python=")]
    FOLDER.mkdir(parents=True, exist_ok=True)
    asked = FOLDER / "binder.txt"
    asked.write_text("\n".join(pip["pip"]) + "\n", encoding="utf-8")
    if recipe == "quick":
        return Trial("binder", python, (asked,), tests=False, without=WITHOUT)
    command = f"WORKSHOP_RECIPE={recipe} make test-binder"
    return Trial(f"binder-{recipe}", python, (asked,), tests=False, without=WITHOUT, command=command)


def try_on_binder(trial: Trial, part: str) -> Attempt:
    """Run a notebook through a new server. It passes if it runs to its end in less memory than MOST."""
    shutil.rmtree(trial.clone / "runs", ignore_errors=True)
    (trial.clone / "runs").mkdir()
    log = trial.folder / "logs" / f"{part}.txt"
    log.parent.mkdir(exist_ok=True)
    try:
        with (
            open(log, "w", encoding="utf-8") as stream,
            serving(trial, stream) as server,
            sampling(server.process.pid) as memory,
        ):
            alone = memory.peak
            IOLoop().run_sync(lambda: run_notebook(server, pathlib.PurePosixPath("notebooks", f"{part}.ipynb")))
    except BinderError as fault:
        return Attempt(False, str(fault))
    measured = {"peak_bytes": memory.peak, "server_alone_bytes": alone, "samples": memory.samples}
    return Attempt(memory.peak < MOST, f"{memory.peak / 1e9:.2f} GB at its peak", measured)


@dataclasses.dataclass(frozen=True)
class Server:
    """A running JupyterLab: its process, its address and its token."""

    process: subprocess.Popen
    address: str
    token: str

    def request(self, method: str, path: str, body: dict | None = None) -> dict:
        """Return the answer of the server's REST API."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        asked = urllib.request.Request(self.address + path, data, headers, method=method)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.loads(answer.read() or b"{}")


@contextlib.contextmanager
def serving(trial: Trial, log):
    """Run JupyterLab as Binder does, reachable from this machine only; yield its `Server`."""
    token = secrets.token_hex(16)
    environment = environment_of(trial) | {"JUPYTER_TOKEN": token, "JUPYTER_RUNTIME_DIR": str(trial.folder / "runtime")}
    command = [trial.clone / "start", trial.venv_python, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1"]
    command += ["--port=0", "--allow-root", f"--ServerApp.root_dir={trial.clone}"]
    process = subprocess.Popen(command, cwd=trial.clone, env=environment, stdout=log, stderr=log)
    try:
        yield Server(process, _address(process, pathlib.Path(log.name)), token)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _address(process: subprocess.Popen, log: pathlib.Path) -> str:
    for _ in range(600):
        if found := re.search(r"http://127\.0\.0\.1:\d+/", log.read_text(encoding="utf-8")):
            return found[0]
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise BinderError(f"JupyterLab did not start; see {log}")


class Memory:
    """The peak memory of a process and all its children together, in bytes, and the number of samples."""

    def __init__(self, pid: int):
        self.root, self.peak, self.samples = psutil.Process(pid), 0, 0

    def look(self) -> None:
        processes = [self.root, *self.root.children(recursive=True)]
        self.peak = max(self.peak, sum(proportional_set_size(each.pid) for each in processes))
        self.samples += 1


def proportional_set_size(pid: int) -> int:
    """Return a process's memory in bytes, or 0 if it has ended. A page that n processes share counts as 1/n."""
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


@contextlib.contextmanager
def sampling(pid: int):
    """Sample a process tree's memory in a thread. The first sample is taken before the block begins."""
    memory, done = Memory(pid), queue.Queue()
    memory.look()

    def keep_looking():
        while True:
            with contextlib.suppress(queue.Empty):
                return done.get(timeout=EVERY)
            with contextlib.suppress(psutil.NoSuchProcess):
                memory.look()

    thread = threading.Thread(target=keep_looking)
    thread.start()
    try:
        yield memory
    finally:
        done.put(None)
        thread.join()


async def run_notebook(server: Server, path: pathlib.PurePosixPath) -> None:
    """Run a notebook's cells in a kernel of the server, and save it through the server. Raises BinderError."""
    notebook = nbformat.from_dict(server.request("GET", f"api/contents/{path}")["content"])
    session = {"path": str(path), "name": path.name, "type": "notebook", "kernel": {"name": "python3"}}
    kernel = server.request("POST", "api/sessions", session)["kernel"]["id"]
    address = f"{server.address.replace('http', 'ws', 1)}api/kernels/{kernel}/channels?token={server.token}"
    socket = await websocket_connect(address, max_message_size=1 << 30)
    try:
        cells = [cell for cell in cast(Any, notebook).cells if cell.cell_type == "code"]
        for number, cell in enumerate(cells, start=1):
            fault = await run_cell(socket, cell)
            if fault:
                raise BinderError(f"code cell {number} of {len(cells)} failed: {fault}")
    finally:
        socket.close()
    saved = {"type": "notebook", "format": "json", "content": notebook}
    server.request("PUT", f"api/contents/runs/{path.name}", saved)  # which git ignores
    server.request("DELETE", f"api/kernels/{kernel}")


async def run_cell(socket, cell, patience: float = LONGEST) -> str:
    """Execute a cell and keep its outputs; return the error, or an empty string.

    Raises BinderError if the kernel sends nothing for `patience` seconds.
    """
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "username": "", "session": uuid.uuid4().hex,
              "date": "", "version": "5.3"}  # fmt: skip
    content = {"code": cell.source, "silent": False, "store_history": True, "user_expressions": {},
               "allow_stdin": False, "stop_on_error": True}  # fmt: skip
    request = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    await socket.write_message(json.dumps(request))
    replied, idle, fault = False, False, ""
    while not (replied and idle):
        try:
            text = await asyncio.wait_for(socket.read_message(), patience)
        except TimeoutError:
            raise BinderError(f"the kernel has sent nothing for {patience:g} s") from None
        if text is None:
            return "the connection to the kernel was lost"
        if isinstance(text, bytes):
            continue  # a widget's buffers
        message = json.loads(text)
        kind, content = message["msg_type"], message["content"]
        if kind == "status" and content["execution_state"] in ("restarting", "dead"):
            return "the kernel died"
        if message["parent_header"].get("msg_id") != header["msg_id"]:
            continue
        replied |= kind == "execute_reply"
        idle |= kind == "status" and content["execution_state"] == "idle"
        if kind == "error":
            fault = f"{content['ename']}: {content['evalue']}"
        if kind in ("stream", "display_data", "execute_result", "error"):
            cell.outputs.append(nbformat.v4.output_from_msg(message | {"header": {"msg_type": kind}}))
    return fault


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

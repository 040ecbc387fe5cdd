"""Processes that start with TensorFlow imported: forks of one process that has imported it and done nothing else.

Importing TensorFlow takes a process four seconds of computing, a fork none.
"""

import contextlib
import dataclasses
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

SERVER = """
import json, os, signal, sys
from workshop_utils.cli import training
from workshop_utils.training import trainer

for line in sys.stdin:
    asked = json.loads(line)
    if "wait" in asked:
        print(os.waitstatus_to_exitcode(os.waitpid(asked["wait"], 0)[1]), flush=True)
    elif child := os.fork():
        print(child, flush=True)
    else:
        signal.alarm(300)  # a test that fails leaves nothing behind
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number, name in ((1, "stdout"), (2, "stderr")):
            os.dup2(os.open(f"{asked['folder']}/{name}", os.O_WRONLY | os.O_CREAT), number)
        os.environ.clear()
        os.environ.update(asked["environment"])
        sys.argv = ["-c", *asked["arguments"]]
        exec(asked["program"], {"__name__": "__main__"})
        break
"""


@dataclasses.dataclass
class Process:
    """A started process. Its output goes to files in `folder`, which may be read while it runs.

    Attributes:
        ended: Waits for the end, and returns the exit code.
    """

    pid: int
    folder: pathlib.Path
    ended: Callable[[], int]

    def said(self, stream: str = "stdout") -> str:
        path = self.folder / stream
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def wait_for(self, line: str) -> None:
        """Return once the process has printed this line."""
        end = time.monotonic() + 120
        while f"{line}\n" not in self.said():
            assert time.monotonic() < end, self.said("stderr")[-3000:]
            time.sleep(0.05)

    def kill(self) -> None:
        os.kill(self.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        self.ended()

    def wait(self) -> subprocess.CompletedProcess:
        """Return the process once it has ended, with its exit code and output."""
        return subprocess.CompletedProcess(self.pid, self.ended(), self.said("stdout"), self.said("stderr"))


class Forking:
    """Starts Python programs as `python -c` does; on Windows, which cannot fork, exactly so."""

    def __init__(self, folder: pathlib.Path, server: subprocess.Popen | None):
        self._folder, self._server = folder, server

    def start(self, program: str, arguments: Sequence[object], environment: Mapping[str, str] = {}) -> Process:
        folder, given = pathlib.Path(tempfile.mkdtemp(dir=self._folder)), [str(each) for each in arguments]
        if not self._server:
            with open(folder / "stdout", "w") as out, open(folder / "stderr", "w") as err:
                command = [sys.executable, "-c", program, *given]
                running = subprocess.Popen(command, env=_environment() | dict(environment), stdout=out, stderr=err)
            return Process(running.pid, folder, running.wait)
        asked = {"program": program, "arguments": given, "folder": str(folder)}
        pid = self._answer(asked | {"environment": _environment() | dict(environment)})
        return Process(pid, folder, lambda: self._answer({"wait": pid}))

    def _answer(self, asked: dict) -> int:
        print(json.dumps(asked), file=self._server.stdin, flush=True)
        return int(self._server.stdout.readline())


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@contextlib.contextmanager
def forking() -> Iterator[Forking]:
    """Start the process that is forked. What TensorFlow reads of the environment when it is imported is fixed now."""
    with tempfile.TemporaryDirectory() as folder:
        if not hasattr(os, "fork"):
            yield Forking(pathlib.Path(folder), None)
            return
        command, pipe = [sys.executable, "-c", SERVER], subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=_environment()) as server:
            yield Forking(pathlib.Path(folder), server)
            server.stdin.close()
